"""One event of a program worked through by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cblcast.abilities import TellsDays, able
from cblcast.forecast.answer import Answer, answer
from cblcast.forecast.forecaster import truth
from cblcast.frames.events import Event, event_table
from cblcast.frames.panel import Panel
from cblcast.frames.schema import PREDICTED, SITE, DataError
from cblcast.programs.fitting import needed_panel, ready_forecaster
from cblcast.programs.model import Program
from cblcast.programs.windows import adjustment_windows


@dataclass(frozen=True)
class EventExplanation:
    """One event of one program, worked through.

    Attributes
    ----------
    program : Program
    event : Series
        ``site_id``, ``start``, ``stop``.
    days : DataFrame
        One row a day of the look-back, newest first: ``day``, ``weekday``, ``reason``, ``event_hours_kw``, ``ranked_by``,
        ``selected``.
    intervals : DataFrame
        ``time_local``, ``unadjusted_kw``, ``baseline_kw``, ``metered_kw``, ``delivered_kw`` by interval of the event.
    adjustment : dict
        ``metered_kwh`` and ``baseline_kwh`` in the windows, ``raw`` and ``applied`` factor or shift; empty without one.
    note : str
        Why there is no baseline, if there is none.
    """

    program: Program
    event: pd.Series
    days: pd.DataFrame
    intervals: pd.DataFrame
    adjustment: dict[str, float] = field(default_factory=dict)
    note: str = ""

    def text(self) -> str:
        """The same as plain text."""
        zone = self.intervals["time_local"].iloc[0].tz
        start, stop = (self.event[edge].tz_convert(zone) for edge in ("start", "stop"))
        lines = [
            f"{self.program.title}: site {self.event[SITE]}, {start:%A %Y-%m-%d %H:%M} to {stop:%Y-%m-%d %H:%M} ({zone})"
        ]
        if len(self.days):
            qualified, selected = (self.days["reason"] == "qualified").sum(), self.days["selected"].sum()
            lines += ["", f"{qualified} qualified days, {selected} selected (kW is the mean in the event hours)"]
            lines += [_day_line(row) for row in self.days.itertuples()]
        lines += ["", *self._adjustment_lines(), "", "  local time         before     after     meter  delivered [kW]"]
        lines += [
            f"  {row.time_local:%Y-%m-%d %H:%M} {row.unadjusted_kw:9.2f} {row.baseline_kw:9.2f} "
            f"{row.metered_kw:9.2f} {row.delivered_kw:10.2f}"
            for row in self.intervals.itertuples()
        ]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def _adjustment_lines(self) -> list[str]:
        if not self.adjustment:
            return ["No adjustment."]
        found, own = self.adjustment, self.program.adjustment
        unit = " kW" if own is not None and own.kind == "additive" else ""
        cap = "" if own is None or own.cap is None else f" (cap {own.cap[0]:g} to {own.cap[1]:g})"
        return [
            f"Windows: meter {found['metered_kwh']:.2f} kWh, baseline {found['baseline_kwh']:.2f} kWh",
            f"{'Shift' if unit else 'Factor'} before the cap {found['raw']:.4f}{unit}, after {found['applied']:.4f}{unit}{cap}",
        ]


def _day_line(row: object) -> str:
    mark = "*" if row.selected else " "  # type: ignore[attr-defined]
    load = f"{row.event_hours_kw:9.2f} kW" if np.isfinite(row.event_hours_kw) else " " * 12  # type: ignore[attr-defined]
    return f"  {mark} {row.day} {row.weekday} {load}  {row.reason}"  # type: ignore[attr-defined]


def explain_event(program: Program, panel: Panel, event: Event | pd.DataFrame) -> EventExplanation:
    """Work one event through.

    Parameters
    ----------
    program : Program
    panel : Panel
        With its other real events masked (:meth:`~cblcast.frames.panel.Panel.with_events`) if they are to be excluded.
    event : Event or DataFrame of one row

    Raises
    ------
    DataError
        More than one event, or one that the panel cannot hold.
    """
    table = event_table(event if isinstance(event, pd.DataFrame) else [event])
    if len(table) != 1:
        raise DataError(f"one event is explained at a time, not {len(table)}: pick one")
    site = needed_panel(program, panel, [table[SITE].iloc[0]])
    (windows,), _ = adjustment_windows(program, site, table)
    said = answer(ready_forecaster(program, site, table, windows), site, table)
    rows = said.rows
    scored = rows["scored"].to_numpy(dtype=bool)
    baseline = rows[PREDICTED].to_numpy()[scored]
    metered = truth(panel, rows[scored])
    times = rows.index.get_level_values("time")[scored].tz_convert(site.sites.loc[table[SITE].iloc[0], "tz"])
    intervals = pd.DataFrame(
        {
            "time_local": times,
            "unadjusted_kw": said.unadjusted_kw[scored],
            "baseline_kw": baseline,
            "metered_kw": metered,
            "delivered_kw": baseline - metered,
        }
    )
    chooser = next((each for each in said.forecaster.builders.values() if able(each, TellsDays)), None)
    days = pd.DataFrame(columns=["selected"]) if chooser is None else chooser.told_days(site, rows)  # type: ignore[attr-defined]
    reason = "; ".join(said.excluded["reason"])
    note = f"There is no baseline: {reason}." if reason else ""
    return EventExplanation(program, table.iloc[0], days, intervals, _adjustment_of(said, site), note)


def _adjustment_of(said: Answer, panel: Panel) -> dict[str, float]:
    """Energies in the windows [kWh], and the factor or shift before and after its caps; empty without an adjustment."""
    told = said.adjustment
    if told is None:
        return {}
    plain, seen = said.unadjusted_kw, said.seen_kw
    use = ~said.rows["scored"].to_numpy(dtype=bool) & np.isfinite(plain) & np.isfinite(seen)
    return {
        "metered_kwh": float(seen[use].sum() * panel.step_hours),
        "baseline_kwh": float(plain[use].sum() * panel.step_hours),
        "raw": float(told["raw"].iloc[0]),
        "applied": float(told["applied"].iloc[0]),
    }
