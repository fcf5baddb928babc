"""How wrong a rule is at the same hours on days on which nothing happened: the errors that intervals are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.cube import DAY_US
from cblcast.day_types import site_day_types
from cblcast.features.day_ledger import real_event_days
from cblcast.panel import Panel, local_clock
from cblcast.placebo import placebo_events
from cblcast.programs.fitting import needed_panel
from cblcast.programs.model import Program
from cblcast.schema import OBSERVED, SITE, DataError
from cblcast.settle.estimate import estimate

ERROR_COLUMNS = ["program", SITE, "day", "clock", "kind", "error_kwh"]


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


def placebo_errors(
    program: Program, panel: Panel, masked: Panel, events: pd.DataFrame, days_around: int = 60
) -> pd.DataFrame:
    """Energy errors of `program` on days without events, at the clock of the events.

    Parameters
    ----------
    panel, masked : Panel
        As metered, and with real events masked.
    events : DataFrame
    days_around : int
        Days before the first and after the last event that are tried too.

    Returns
    -------
    DataFrame
        :data:`ERROR_COLUMNS`: estimate minus metered energy of the event [kWh], > 0 where the rule claims too much.
    """
    clocks = event_clock(panel, events)
    parts = []
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
            parts.append(_errors(program, whole, days).assign(clock=clock, kind=kind))
    if not parts:
        return pd.DataFrame(columns=ERROR_COLUMNS)
    return pd.concat(parts, ignore_index=True)[ERROR_COLUMNS]


def _on_event_days(panel: Panel, days: pd.DataFrame) -> np.ndarray:
    taken = real_event_days(panel)
    code = panel.site_codes(pd.Index(days[SITE]))
    local = local_clock(panel, code, pd.DatetimeIndex(days["start"]).as_unit("us").asi8) // DAY_US
    return taken[code, local - panel.cube(OBSERVED).first_day]


def _errors(program: Program, panel: Panel, days: pd.DataFrame) -> pd.DataFrame:
    rows = estimate(program, panel, days).rows
    rows = rows[rows["scored"].to_numpy(dtype=bool)]
    site, times = rows["site"].to_numpy(), rows["time_us"].to_numpy()
    error = (rows["baseline_kw"].to_numpy() - panel.values_at(OBSERVED, site, times)) * panel.step_hours
    number = rows["event"].to_numpy()
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
