"""How wrong a rule is at the same hours on days on which nothing happened: the errors that intervals are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.days.day_types import site_day_types
from cblcast.days.ledger import real_event_days
from cblcast.days.placebo import placebo_events
from cblcast.frames.cube import DAY_US
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, SITE, DataError
from cblcast.programs.fitting import needed_panel
from cblcast.programs.model import Program
from cblcast.settle.estimate import estimate
from cblcast.settle.sums import add_sums, site_sums

ERROR_COLUMNS = ["program", SITE, "day", "clock", "kind", "error_kwh"]


@dataclass(frozen=True)
class Trial:
    """How a rule did on days on which nothing happened.

    Attributes
    ----------
    errors : DataFrame
        :data:`ERROR_COLUMNS`: estimate minus metered energy [kWh] of each site and day, > 0 where it claims too much.
    sums : dict (clock, kind) -> DataFrame
        As :func:`cblcast.settle.sums.site_sums` makes them, of the same days.
    """

    errors: pd.DataFrame
    sums: dict[tuple[str, str], pd.DataFrame]

    @classmethod
    def join(cls, trials: Sequence[Trial]) -> Trial:
        """The trials of some of the sites as that of all."""
        keys = dict.fromkeys(key for trial in trials for key in trial.sums)
        sums = {key: add_sums([trial.sums[key] for trial in trials if key in trial.sums]) for key in keys}
        return cls(pd.concat([trial.errors for trial in trials], ignore_index=True), sums)


def event_clock(panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    """Local wall clock of each event: ``clock`` ("17:00-20:00") and ``kind`` ("working" or "rest" day).

    Events of a day or longer have no clock, so nothing can be compared with them: "".
    """
    code = panel.site_codes(pd.Index(events[SITE]))
    start, stop = (
        local_clock(panel, code, pd.DatetimeIndex(events[edge]).as_unit("us").asi8) for edge in ("start", "stop")
    )
    edges = [pd.DatetimeIndex((at % DAY_US).view("M8[us]")).strftime("%H:%M") for at in (start, stop)]
    clock = np.where(stop - start < DAY_US, edges[0] + "-" + edges[1], "")
    day = start // DAY_US
    working = site_day_types(panel, "working", int(day.min()), int(day.max() - day.min()) + 1)
    rest = sorted({"working", "rest"}).index("rest")
    kind = np.where(working[code, day - day.min()] == rest, "rest", "working")
    return pd.DataFrame({"clock": clock, "kind": kind}, index=events.index)


def placebo_errors(program: Program, panel: Panel, masked: Panel, events: pd.DataFrame, days_around: int = 60) -> Trial:
    """Energy errors of `program` on days without events, at the clock of the events.

    Parameters
    ----------
    panel, masked : Panel
        As metered, and with real events masked.
    events : DataFrame
    days_around : int
        Days before the first and after the last event that are tried too.

    """
    clocks = event_clock(panel, events)
    parts, sums = [], {}
    for (clock, kind), group in events.groupby([clocks["clock"], clocks["kind"]], sort=True):
        if not clock:
            continue
        begin, end = str(clock).split("-")
        own = masked.select(group[SITE].unique().tolist())
        first = group["start"].min() - pd.Timedelta(days=days_around)
        last = group["start"].max() + pd.Timedelta(days=days_around)
        try:
            days = placebo_events(
                own, begin, end, days="working", labels=(str(kind),), first=str(first.date()), last=str(last.date())
            )
        except DataError:
            continue  # no day to compare with: the interval of these events stays open, and says so
        days = days[~_on_event_days(own, days)].sort_values([SITE, "start"], ignore_index=True)
        if "notified" in group.columns:
            # An adjustment that ends at the notification is tried with the notice that these events had.
            notice = (group["start"] - group["notified"]).median().floor(panel.step)
            days = days.assign(notified=days["start"] - notice)
        if len(days):
            whole = needed_panel(program, masked, own.site_ids.tolist())
            rows = estimate(program, whole, days).rows
            site, times = (rows[column].to_numpy(dtype=np.int64) for column in ("site", "time_us"))
            rows = rows.assign(metered_kw=whole.values_at(OBSERVED, site, times))
            parts.append(_errors(program, whole, days, rows).assign(clock=clock, kind=kind))
            sums[str(clock), str(kind)] = site_sums(whole, rows, days)
    errors = pd.concat(parts, ignore_index=True)[ERROR_COLUMNS] if parts else pd.DataFrame(columns=ERROR_COLUMNS)
    return Trial(errors, sums)


def _on_event_days(panel: Panel, days: pd.DataFrame) -> np.ndarray:
    taken = real_event_days(panel)
    code = panel.site_codes(pd.Index(days[SITE]))
    local = local_clock(panel, code, pd.DatetimeIndex(days["start"]).as_unit("us").asi8) // DAY_US
    return taken[code, local - panel.cube(OBSERVED).first_day]


def _errors(program: Program, panel: Panel, days: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["scored"].to_numpy(dtype=bool)]
    error = (rows["baseline_kw"].to_numpy() - rows["metered_kw"].to_numpy()) * panel.step_hours
    number = rows["event"].to_numpy(dtype=np.int64)
    total = np.bincount(number, weights=np.nan_to_num(error), minlength=len(days))
    known = np.bincount(number, weights=np.isfinite(error), minlength=len(days))
    wanted = np.bincount(number, minlength=len(days))
    local = local_clock(
        panel, panel.site_codes(pd.Index(days[SITE])), pd.DatetimeIndex(days["start"]).as_unit("us").asi8
    )
    return pd.DataFrame(
        {
            "program": program.name,
            SITE: days[SITE].to_numpy(),
            "day": (local // DAY_US).astype("M8[D]").astype("M8[s]"),
            "error_kwh": np.where((wanted > 0) & (known == wanted), total, np.nan),
        }
    )
