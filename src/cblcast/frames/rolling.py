"""Rolling origins: a nowcast is issued again and again, and each issue hides all that comes after it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cblcast.frames.cases import FAR_FUTURE_US
from cblcast.frames.instants import MINUTE_US, microseconds, stamp, stamps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import CASE_INDEX, SITE, DataError, StudyError


def rolling_origins(
    panel: Panel,
    leads_min: Sequence[int],
    *,
    every_min: int | None = None,
    at: str | int = 0,
    first: str | pd.Timestamp | None = None,
    last: str | pd.Timestamp | None = None,
    embargo_h: float = 0.0,
) -> pd.DataFrame:
    """Cases of a nowcast issued at regular times.

    A lead is the label of the target interval minus the label of the last observed interval. With 10 min steps the
    origin 12:00 has last seen the interval 11:50-12:00, and lead 10 is the interval 12:00-12:10: the target STARTS lead
    minus one step after the origin.

    Parameters
    ----------
    panel : Panel
    leads_min : sequence of int
        Multiples of the step [min].
    every_min : int, optional
        Time from one origin to the next, a multiple of the step; the step unless given.
    at : str or int
        The clock of the origins in UTC: minutes past the hour (``"05"``), or a time of day (``"06:05"``), from which they are counted in
        steps of `every_min`. By default they are counted from midnight UTC, whenever the panel begins.
    first, last : str or Timestamp, optional
        Targets lie in [first, last); UTC unless they carry a zone. Origins may lie before `first`.
    embargo_h : float
        Leave out targets of the last hours before `last`, so that what is trained on these cases has a gap to what is
        tested after `last`.

    Returns
    -------
    DataFrame, index (site_id, origin, time)
        As :func:`cblcast.frames.cases.make_cases` makes them: ``hidden_from`` is the origin, ``hidden_until`` never.

    Raises
    ------
    StudyError
        Leads or `every_min` that are no positive multiples of the step; a clock that is not on the panel's intervals.
    DataError
        No target in the span.
    """
    step_min = panel.step_us // MINUTE_US
    leads = _multiples(leads_min, step_min, "leads_min")
    every = _multiples([step_min if every_min is None else every_min], step_min, "every_min")[0] * MINUTE_US
    begin = _instant(first, int(panel.first_times_us.min()))
    end = _instant(last, int(panel.last_times_us.max()) + panel.step_us) - round(embargo_h * 60 * MINUTE_US)
    ahead = (np.array(leads, dtype=np.int64) - step_min) * MINUTE_US
    frames = []
    for code in range(len(panel.site_ids)):
        low, high = int(panel.first_times_us[code]), int(panel.last_times_us[code])
        start = _on_clock(panel, code, max(begin - int(ahead.max()), low + panel.step_us), every, at)
        origin = np.arange(start, min(end, high + panel.step_us), every, dtype=np.int64)
        time = origin[:, None] + ahead
        inside = (time >= begin) & (time < end) & (time <= high)
        frames.append((np.full(inside.sum(), code), np.repeat(origin, inside.sum(1)), time[inside]))
    code_of_row, origins, times = (np.concatenate(part) for part in zip(*frames, strict=True))
    if len(times) == 0:
        raise DataError(
            f"no interval lies between {stamp(begin)} and {stamp(end)}: the panel runs from "
            f"{stamp(panel.first_times_us.min())} to {stamp(panel.last_times_us.max())}"
        )
    index = pd.MultiIndex.from_arrays(
        [panel.site_ids.take(code_of_row), stamps(origins), stamps(times)], names=CASE_INDEX
    )
    return pd.DataFrame(
        {
            "hidden_from": stamps(origins),
            "hidden_until": stamps(np.full(len(times), FAR_FUTURE_US)),
            "event_stop": stamps(times + panel.step_us),
            "scored": True,
        },
        index=index,
    ).sort_index()


def issue_events(
    panel: Panel,
    every_min: int,
    horizon_min: int,
    first: str | None = None,
    last: str | None = None,
    at: str | int = 0,
) -> pd.DataFrame:
    """Nowcasts as events, for what works event by event: each starts when it is issued and lasts for its horizon.

    Parameters
    ----------
    panel : Panel
    every_min, horizon_min : int
        Multiples of the step [min]. Where the horizon is longer than the time from issue to issue, nowcasts overlap: an interval is
        then estimated by each of them, at another lead.
    first, last : str, optional
        First and last UTC date, inclusive.
    at : str or int
        The clock of the issues, as in :func:`rolling_origins`.

    Returns
    -------
    DataFrame
        Columns ``site_id``, ``start``, ``stop``.
    """
    step_min = panel.step_us // MINUTE_US
    every = _multiples([every_min], step_min, "every_min")[0]
    horizon = _multiples([horizon_min], step_min, "horizon_min")[0]
    begin = _instant(first, int(panel.first_times_us.min()))
    end = _instant(
        None if last is None else str(pd.Timestamp(last) + pd.Timedelta(days=1)),
        int(panel.last_times_us.max()) + panel.step_us,
    )
    rows = []
    for code in range(len(panel.site_ids)):
        low, high = int(panel.first_times_us[code]), int(panel.last_times_us[code]) + panel.step_us
        start = _on_clock(panel, code, max(begin, low + panel.step_us), every * MINUTE_US, at)
        starts = np.arange(start, min(end, high) - horizon * MINUTE_US + 1, every * MINUTE_US, dtype=np.int64)
        rows.append((np.full(len(starts), code), starts))
    codes, starts = (np.concatenate(part) for part in zip(*rows, strict=True))
    if len(starts) == 0:
        raise DataError(
            f"no nowcast can be issued between {stamp(begin)} and {stamp(end)}: check the dates of the study"
        )
    return pd.DataFrame(
        {SITE: panel.site_ids.take(codes), "start": stamps(starts), "stop": stamps(starts + horizon * MINUTE_US)}
    )


@dataclass(frozen=True)
class Horizon:
    """What a nowcast is issued for.

    Attributes
    ----------
    minutes : int
        From the origin to the end of the last interval.
    leads_min : tuple of int or None
        Leads that are given (see :func:`rolling_origins`); None gives every interval up to `minutes`.
    step_min : float or None
        Step of the panel that a model was trained on; None before it is.
    """

    minutes: int
    leads_min: tuple[int, ...] | None = None
    step_min: float | None = None

    @classmethod
    def of_leads(cls, leads_min: Sequence[int]) -> Horizon:
        """The horizon of some leads, none of which is later than the last."""
        leads = tuple(sorted({int(lead) for lead in leads_min}))
        if not leads or leads[0] <= 0:
            raise StudyError(f"leads_min holds {list(leads_min)!r}: give positive whole minutes, multiples of the step")
        return cls(leads[-1], leads)

    def learned_on(self, step: pd.Timedelta) -> Horizon:
        """The horizon of a model that was trained on a panel of this step."""
        return replace(self, step_min=step / pd.Timedelta(minutes=1))

    def leads(self, step: pd.Timedelta) -> np.ndarray:
        """Leads on a panel of this step [min], int64.

        Raises
        ------
        DataError
            The model was trained on another step.
        StudyError
            The step does not divide the leads.
        """
        minutes = step / pd.Timedelta(minutes=1)
        if self.step_min is not None and self.step_min != minutes:
            raise DataError(
                f"the data have a step of {minutes:g} min, the model was trained on {self.step_min:g} min: give them at "
                f"{self.step_min:g} min (--step averages finer ones)"
            )
        if self.leads_min is None:
            return np.arange(1, int(self.minutes // minutes) + 1) * int(minutes)
        return np.array(_multiples(self.leads_min, int(minutes), "leads_min"), dtype=np.int64)


def lead_minutes(cases: pd.DataFrame, step: pd.Timedelta) -> np.ndarray:
    """Lead of each row [min], see :func:`rolling_origins`, shape (n_rows,)."""
    return np.asarray(
        (cases.index.get_level_values("time") - cases.index.get_level_values("origin") + step)
        / pd.Timedelta(minutes=1),
        dtype=np.float64,
    )


def _on_clock(panel: Panel, code: int, start: int, every: int, at: str | int) -> int:
    """The first instant of the clock at or after `start` [us].

    The clock counts from midnight UTC; a site whose labels lie beside it by less than a step keeps its own.
    """
    past = minutes_past(at) * MINUTE_US
    if past % panel.step_us:
        step = panel.step_us // MINUTE_US
        round_the = 60 if ":" not in str(at) and 60 % step == 0 else 24 * 60
        near = dict.fromkeys(whole * step % round_the for whole in (past // panel.step_us, past // panel.step_us + 1))
        raise StudyError(
            f"at={at!r} is not on the panel's intervals of {step} min, and an origin begins with an interval: "
            f"give at={' or at='.join(repr(_as_clock(minutes, str(at))) for minutes in near)}"
        )
    phase = (past + int(panel.first_times_us[code]) % panel.step_us) % every
    return phase + -((phase - start) // every) * every


def _as_clock(minutes: int, like: str) -> str:
    """Minutes past midnight as ``05`` or ``06:05``, as the user writes it where the hour is none."""
    hours, rest = divmod(minutes, 60)
    return f"{rest:02d}" if ":" not in like and hours == 0 else f"{hours:02d}:{rest:02d}"


def minutes_past(at: str | int) -> int:
    """Minutes of ``"05"`` (past the hour), 5, or ``"06:05"`` (past midnight).

    Raises
    ------
    StudyError
        Neither.
    """
    found = re.fullmatch(r"(?:(\d{1,2}):)?(\d{1,2})", str(at).strip())
    hour, minute = (int(found[1] or 0), int(found[2])) if found else (24, 60)
    if hour > 23 or minute > 59:
        raise StudyError(
            f'{at!r} is no clock of origins: write minutes past the hour, like "05", or a time of day, like "06:05"'
        )
    return 60 * hour + minute


def _multiples(minutes: Sequence[int], step: int, name: str) -> list[int]:
    wrong = [m for m in minutes if m <= 0 or m % step]
    if wrong or len(minutes) == 0:
        raise StudyError(
            f"{name} holds {wrong[0] if wrong else 'nothing'}: give positive multiples of the step, {step} min"
        )
    return sorted({int(m) for m in minutes})


def _instant(when: str | pd.Timestamp | None, default: int) -> int:
    if when is None:
        return default
    at = pd.Timestamp(when)
    return int(microseconds([at.tz_localize("UTC") if at.tzinfo is None else at])[0])
