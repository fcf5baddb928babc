"""One event of a program worked through by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cblcast.abilities import TellsDays, able, learns
from cblcast.frames.events import Event, check_events, event_table
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PREDICTED, SITE, TIME, DataError
from cblcast.programs.asking import local_days, vintage_on
from cblcast.programs.dispatch import masked_for, masking_events, without_outages
from cblcast.programs.estimate import SEEN, UNADJUSTED, Estimate, estimate
from cblcast.programs.fitting import needed_panel
from cblcast.programs.forecasters import program_forecaster
from cblcast.programs.meters import as_program_sees
from cblcast.programs.model import Program
from cblcast.programs.remarks import line_facts


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
        ``metered_kwh`` and ``baseline_kwh`` in the windows, ``raw`` (NaN where it is not usable) and ``applied`` factor or
        shift, ``shift`` (1 or 0), ``metered_share`` of the windows; empty without one.
    note : str
        Why there is no baseline, if there is none; else what a settlement remarks on its line.
    energies : dict
        ``metered_kwh``, ``baseline_kwh``, ``unadjusted_kwh``, ``delivered_kwh`` of the event, as a settlement has them.
    """

    program: Program
    event: pd.Series
    days: pd.DataFrame
    intervals: pd.DataFrame
    adjustment: dict[str, float] = field(default_factory=dict)
    note: str = ""
    energies: dict[str, float] = field(default_factory=dict)

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
        if self.energies:
            told = self.energies
            lines += [
                "",
                f"Energy over {self.intervals['counted_h'].sum():.4g} h: baseline {told['baseline_kwh']:.2f} kWh, meter "
                f"{told['metered_kwh']:.2f} kWh, delivered {told['delivered_kwh']:.2f} kWh",
            ]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def _adjustment_lines(self) -> list[str]:
        if not self.adjustment:
            return ["No adjustment."]
        found, own = self.adjustment, self.program.adjustment
        unit = " kW" if found["shift"] else ""
        cap = "" if own is None or own.cap is None else f" (cap {own.cap[0]:g} to {own.cap[1]:g})"
        before = f"{found['raw']:.4f}{unit}" if np.isfinite(found["raw"]) else "not usable"
        return [
            f"Windows: meter {found['metered_kwh']:.2f} kWh, baseline {found['baseline_kwh']:.2f} kWh, "
            f"{100 * found['metered_share']:.0f} % known",
            f"{'Shift' if unit else 'Factor'} before the cap {before}, after {found['applied']:.4f}{unit}{cap}",
        ]


def _day_line(row: object) -> str:
    mark = "*" if row.selected else " "  # type: ignore[attr-defined]
    load = f"{row.event_hours_kw:9.2f} kW" if np.isfinite(row.event_hours_kw) else " " * 12  # type: ignore[attr-defined]
    return f"  {mark} {row.day} {row.weekday} {load}  {row.reason}"  # type: ignore[attr-defined]


def explain_event(
    program: Program,
    panel: Panel,
    event: Event | pd.DataFrame,
    events: pd.DataFrame | None = None,
    other_events: pd.DataFrame | None = None,
) -> EventExplanation:
    """Work one event through, as a settlement of `events` does.

    Parameters
    ----------
    program : Program
        Of several vintages the one in force on the event's day.
    panel : Panel
        As metered.
    event : Event or DataFrame of one row
        May lie between two readings.
    events : DataFrame, optional
        The events that are settled together with it: they are no reference days, and a learned baseline is trained before
        the first of them.
    other_events : DataFrame, optional
        Events that only exclude their days; ``kind: outage`` are hours in which the meter says nothing.

    Raises
    ------
    DataError
        More than one event, or one that the panel cannot hold.
    """
    one = event_table(event if isinstance(event, pd.DataFrame) else [event])
    if len(one) != 1:
        raise DataError(f"one event is explained at a time, not {len(one)}: pick one")
    site = str(one[SITE].iloc[0])
    table = _together(one, events, panel)
    chosen = vintage_on(program, local_days(panel, one)[0].astype("O"))
    if learns(program_forecaster(chosen, ()).estimator):
        own = as_program_sees(chosen, panel)
    else:  # what other sites do changes nothing
        own = as_program_sees(chosen, needed_panel(chosen, panel, [site]))
        table = table[table[SITE] == site].reset_index(drop=True)
    masks = masking_events(own, table, other_events)
    masked, metered = masked_for(chosen, own, masks), without_outages(own, masks)
    found = estimate(chosen, masked, table, metered)
    place = int(np.flatnonzero((table[SITE] == site) & (table["start"] == one["start"].iloc[0]))[0])
    facts = line_facts(chosen, metered, table, found).iloc[place]
    rows = found.rows[found.event == place]
    problems = found.problems[(found.problems[SITE] == site) & (found.problems["start"] == one["start"].iloc[0])]
    reason = "; ".join(problems["reason"])
    if len(rows) == 0:
        raise DataError(f"the event of site {site!r} at {one['start'].iloc[0]} has no baseline: {reason}")
    intervals = _intervals(found, place, own.sites.loc[site, "tz"])
    energies = {
        name: float(found.energy(column)[place])
        for name, column in (("metered_kwh", OBSERVED), ("baseline_kwh", PREDICTED), ("unadjusted_kwh", UNADJUSTED))
    }
    energies["delivered_kwh"] = energies["baseline_kwh"] - energies["metered_kwh"]
    builders = program_forecaster(chosen, ()).builders.values()
    chooser = next((each for each in builders if able(each, TellsDays)), None)
    days = pd.DataFrame(columns=["selected"]) if chooser is None else chooser.told_days(masked, rows)  # type: ignore[attr-defined]
    note = f"There is no baseline: {reason}." if reason else str(facts["remarks"])
    return EventExplanation(chosen, one.iloc[0], days, intervals, _adjustment_of(found, place, own), note, energies)


def _together(one: pd.DataFrame, events: pd.DataFrame | None, panel: Panel) -> pd.DataFrame:
    """The event among those that are settled together with it, checked and sorted as a settlement has them."""
    if events is None:
        return check_events(one, panel, off_grid=True)
    table = event_table(events)
    table = table[table[SITE].isin(panel.site_ids)]
    same = (table[SITE] == one[SITE].iloc[0]) & (table["start"] == one["start"].iloc[0])
    whole = table if same.any() else pd.concat([table, one], ignore_index=True)
    return check_events(whole, panel, off_grid=True)


def _intervals(found: Estimate, place: int, tz: str) -> pd.DataFrame:
    counts = (found.event == place) & (found.hours > 0)
    rows = found.rows[counts]
    return pd.DataFrame(
        {
            "time_local": rows.index.get_level_values(TIME).tz_convert(tz),
            "unadjusted_kw": rows[UNADJUSTED].to_numpy(),
            "baseline_kw": rows[PREDICTED].to_numpy(),
            "metered_kw": rows[OBSERVED].to_numpy(),
            "delivered_kw": (rows[PREDICTED] - rows[OBSERVED]).to_numpy(),
            "counted_h": found.hours[counts],
        }
    )


def _adjustment_of(found: Estimate, place: int, panel: Panel) -> dict[str, float]:
    """Energies in the windows [kWh], and the factor or shift before and after its caps; empty without an adjustment."""
    facts = found.factor.iloc[place]
    if np.isnan(facts["applied"]):
        return {}
    rows = found.rows[(found.event == place) & ~found.scored]
    plain, seen = rows[UNADJUSTED].to_numpy(), rows[SEEN].to_numpy()
    use = np.isfinite(plain) & np.isfinite(seen)
    return {
        "metered_kwh": float(seen[use].sum() * panel.step_hours),
        "baseline_kwh": float(plain[use].sum() * panel.step_hours),
        "raw": float(facts["raw"]),
        "applied": float(facts["applied"]),
        "shift": float(facts["shift"]),
        "metered_share": float(facts["seen_share"]),
    }
