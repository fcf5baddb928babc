"""Limits of delivered energies, of sites and of portfolios, from a rule's errors on days without events.

By default the days are those like the event (:mod:`cblcast.days.like_days`): programs are called on the hottest or the
coldest days, on which a rule errs otherwise than on the days between. A portfolio's errors are summed over its sites day
by day before anything else, so that what sites share on such a day stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from cblcast.days.like_days import History, conditions, like_limits
from cblcast.days.limits import signed_limits
from cblcast.days.local_fit import Predicted
from cblcast.days.ordinary import event_clock
from cblcast.errors import StudyError
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel
from cblcast.frames.schema import PREDICTED, SITE
from cblcast.settlement.estimate import Estimate
from cblcast.settlement.placebo_errors import Trial, Tried
from cblcast.value.portfolio import daily_sums, delivered_limits

PRIVATE = ["clock", "kind", "day", "warmth_c", "load_kw"]  # columns that a part carries to its portfolios


@dataclass(frozen=True)
class Calibration:
    """Which days without events the limits come from.

    Attributes
    ----------
    days : {"event_like", "ordinary"}
        Earlier days weighted by how like the event's day they are in weather, season and load; or all days
        around the events alike.
    days_around : int, optional
        Calendar days that are looked back (``event_like``; 400 unless given: a year and a month) or before and after
        the events (``ordinary``; 60).
    bias_correction : bool
        Take the expected error on such days off the baseline.
    """

    days: Literal["event_like", "ordinary"] = "event_like"
    days_around: int | None = None
    bias_correction: bool = False

    def __post_init__(self) -> None:
        if self.days not in ("event_like", "ordinary"):
            raise StudyError(f"limits are calibrated on event_like or ordinary days, not on {self.days!r}")
        if self.days_around is not None and self.days_around < 1:
            raise StudyError(f"days_around is {self.days_around}: give at least one day")

    @property
    def span(self) -> tuple[int, int]:
        """Days before the first and after the last event."""
        if self.days == "event_like":
            return self.days_around or 400, 0
        return (self.days_around or 60,) * 2


def with_limits(
    told: pd.DataFrame, panel: Panel, masked: Panel, trial: Trial, coverage: float, calibration: Calibration
) -> pd.DataFrame:
    """`told` with limits of the delivered energy, where they come from, and the :data:`PRIVATE` columns.

    Returns
    -------
    DataFrame
        ``lower_kwh``, ``upper_kwh``; ``bias_kwh``, the rule's expected error on such days (> 0: claims too much);
        ``placebo_days``, days tried; ``like_days``, how many days like the event they amount to; ``limits_from``:
        the calibration, followed by ``", few days"`` where limits are wider because too few days are like the event,
        "" without limits.
    """
    if told.empty:
        told = told.assign(clock="", kind="", day=0, warmth_c=np.nan, load_kw=np.nan)
    else:
        told = told.join(event_clock(panel, told)).join(conditions(masked, told))
    columns = {name: np.full(len(told), np.nan) for name in ("low", "high", "centre", "like_days")}
    few, tried = np.zeros(len(told), dtype=bool), np.zeros(len(told), dtype=np.int64)
    groups = told.reset_index(drop=True).groupby(["clock", "kind", "day"], sort=False).indices
    for (clock, kind, day), rows in groups.items():
        known = trial.tried.get((clock, kind))
        if known is None:
            continue
        own = known.rows(pd.Index(told[SITE].to_numpy()[rows]))
        rows, own = rows[own >= 0], own[own >= 0]
        warmth, load = (told[name].to_numpy(dtype=np.float64)[rows] for name in ("warmth_c", "load_kw"))
        said = _error_limits(known.history.units(own), int(day), warmth, load, coverage, calibration)
        for name, values in columns.items():
            values[rows] = getattr(said, name)
        few[rows] = said.few
        tried[rows] = _tried_days(known.history.units(own), int(day), calibration)
    lower, upper = delivered_limits(told["delivered_kwh"].to_numpy(), columns["low"], columns["high"])
    return told.assign(
        lower_kwh=lower,
        upper_kwh=upper,
        bias_kwh=columns["centre"],
        placebo_days=tried,
        like_days=columns["like_days"],
        limits_from=origin(lower, few, calibration),
    )


def origin(lower: np.ndarray, few: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Words on where limits come from, shape (n,)."""
    return np.where(np.isnan(lower), "", np.where(few, f"{calibration.days}, few days", calibration.days)).astype(
        object
    )


def corrected(found: Estimate, told: pd.DataFrame) -> tuple[Estimate, pd.DataFrame]:
    """Both with the expected error taken off the baseline, evenly over the event; limits, of the true delivery, stay.

    Where no bias could be told nothing is taken off. ``bias_corrected_kwh`` says how much was.
    """
    bias = told["bias_kwh"].fillna(0.0)
    off = np.zeros(len(found.factor))
    off[told.index.to_numpy()] = bias / told["hours"]
    own = found.intervals
    corrected_kw = own.values[PREDICTED] - np.where(found.scored, off[found.event], 0.0)
    told = told.assign(
        baseline_kwh=told["baseline_kwh"] - bias,
        delivered_kwh=told["delivered_kwh"] - bias,
        delivered_kw=told["delivered_kw"] - bias / told["hours"],
        bias_corrected_kwh=bias,
    )
    return replace(found, intervals=own.with_values(**{PREDICTED: corrected_kw})), told


def portfolio_limits(events: pd.DataFrame, trial: Trial, coverage: float, calibration: Calibration) -> Predicted:
    """Limits of the summed error of the sites of one portfolio, one unit; NaN where a site was not tried."""
    tried = gathered(events, trial)
    if tried is None:
        return _nothing()
    return _portfolio(summed(tried.history), events, coverage, calibration)


def sum_limits(
    events: pd.DataFrame, tried: Tried, errors: pd.Series, coverage: float, calibration: Calibration
) -> Predicted:
    """The same of a portfolio that is adjusted as a sum.

    Parameters
    ----------
    tried : Tried
        As :func:`gathered` gives it.
    errors : Series, index start in microseconds UTC
        Error of the adjusted sum on each tried day [kWh].
    """
    first = events.iloc[0]
    # Days by the clock of the first site: a start is so many hours, give or take a clock change, after its midnight.
    midnight = microseconds(events["start"])[0] - int(first["day"]) * DAY_US
    day = np.round((errors.index.to_numpy(dtype=np.int64) - midnight) / DAY_US).astype(np.int64)
    history = summed(tried.history)
    error = pd.Series(errors.to_numpy(), index=day).reindex(history.days).to_numpy(dtype=np.float64)
    whole = History(history.days, error[None], history.warmth_c, history.load_kw)
    return _portfolio(whole, events, coverage, calibration)


def gathered(events: pd.DataFrame, trial: Trial) -> Tried | None:
    """What was tried of the sites of one portfolio, whatever clock each of them lives by; None unless all were tried."""
    parts = []
    for key, own in events.groupby(["clock", "kind"], sort=False):
        tried = trial.tried.get(key)
        rows = None if tried is None else tried.rows(pd.Index(own[SITE].to_numpy()))
        if tried is None or rows is None or (rows < 0).any():
            return None
        parts.append(Tried(tried.sites[rows], tried.history.units(rows), tried.sums))
    return Tried.join(parts)


def all_tried(events: pd.DataFrame, trial: Trial) -> bool:
    """Whether the sites tried at the clocks of `events` are those of `events` alone, so that their sums can be used."""
    keys = set(zip(events["clock"], events["kind"], strict=True))
    sites = [site for key in keys if key in trial.tried for site in trial.tried[key].sites]
    return len(sites) == len(events) and set(sites) == set(events[SITE])


def summed(history: History, min_share: float = 0.9) -> History:
    """All units as one: errors and loads summed over the units of a day, the warmth their mean."""
    error, load = (daily_sums(each, min_share)[None] for each in (history.error, history.load_kw))
    return History(history.days, error, known_mean(history.warmth_c, 0)[None], load)


def _portfolio(whole: History, events: pd.DataFrame, coverage: float, calibration: Calibration) -> Predicted:
    warmth = known_mean(events["warmth_c"].to_numpy(dtype=np.float64))
    load = daily_sums(events["load_kw"].to_numpy(dtype=np.float64)[:, None])
    return _error_limits(whole, int(events["day"].iloc[0]), np.array([warmth]), load, coverage, calibration)


def _error_limits(
    history: History,
    day: int,
    warmth_c: np.ndarray,
    load_kw: np.ndarray,
    coverage: float,
    calibration: Calibration,
) -> Predicted:
    if calibration.days == "event_like":
        return like_limits(history, day, warmth_c, load_kw, coverage, calibration.span[0])
    ends = np.array([signed_limits(error, coverage) for error in history.error]).reshape(-1, 2)
    days = np.isfinite(history.error).sum(1)
    return Predicted(
        ends[:, 0], ends[:, 1], known_mean(history.error), days.astype(np.float64), np.zeros(len(days), bool)
    )


def _tried_days(history: History, day: int, calibration: Calibration) -> np.ndarray:
    """Days that the limits of an event on `day` may rest on, of each unit."""
    use = np.ones(len(history.days), dtype=bool)
    if calibration.days == "event_like":
        use = (history.days < day) & (history.days >= day - calibration.span[0])
    return np.isfinite(history.error[:, use]).sum(1)


def _nothing() -> Predicted:
    none = np.array([np.nan])
    return Predicted(none, none, none, np.zeros(1), np.zeros(1, dtype=bool))
