"""One event of a program worked through by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cblcast.days.day_rules import DayRule
from cblcast.days.ledger import QUALIFIED, REASONS
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.features.program_days import ProgramDays, event_hours_mean, subset
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.cases import EventArrays
from cblcast.frames.events import Event, event_table
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PREDICTED, SITE, DataError
from cblcast.programs.fitting import fitted, needed_panel
from cblcast.programs.forecasters import program_forecaster
from cblcast.programs.model import Program
from cblcast.programs.windows import adjustment_windows

_OUT_OF_SIGHT = ("beyond the look-back", "another day type", "outside the data")


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
    forecaster = program_forecaster(program, windows)
    cases = forecaster.cases(site, table)
    X = forecaster.matrix(site, cases)
    fitted(program, forecaster, site, table, X)
    scored = cases["scored"].to_numpy(dtype=bool)
    baseline = forecaster.predict_matrix(X, scored)[PREDICTED].to_numpy()
    bare = program_forecaster(program, adjusted=False)
    plain = fitted(program, bare, site, table, X).predict(X)
    metered = truth(panel, cases[scored])
    times = cases.index.get_level_values("time")[scored].tz_convert(site.sites.loc[table[SITE].iloc[0], "tz"])
    intervals = pd.DataFrame(
        {
            "time_local": times,
            "unadjusted_kw": plain[scored],
            "baseline_kw": baseline,
            "metered_kw": metered,
            "delivered_kw": baseline - metered,
        }
    )
    days = _days_of(site, cases, forecaster.builders.get("program_days"))
    note = (
        "" if np.isfinite(baseline).all() else "There is no baseline: too few qualified days, or no rule for this day."
    )
    return EventExplanation(program, table.iloc[0], days, intervals, _adjustment_of(forecaster, X, plain, site), note)


def _days_of(panel: Panel, cases: pd.DataFrame, builder: object) -> pd.DataFrame:
    columns = ["day", "weekday", "reason", "event_hours_kw", "ranked_by", "selected"]
    if not isinstance(builder, ProgramDays):
        return pd.DataFrame(columns=columns)
    event = EventArrays.of(panel, cases)
    number = int(builder.rule_of_event(panel, event)[0])
    if number < 0:
        return pd.DataFrame(columns=columns)
    rule = DayRule.of(builder.rules[number])
    part, _ = subset(event, np.ones(1, dtype=bool))
    found = builder.select(panel, part, rule)
    position, reason = found.ledger.position[0], found.ledger.reason[0]
    ranked_by = {int(day): key for day, key in zip(found.candidates[0], found.key[0], strict=True) if day >= 0}
    first = panel.cube(OBSERVED).first_day
    dates = (position + first).astype("M8[D]")
    table = pd.DataFrame(
        {
            "day": [str(date) for date in dates],
            "weekday": pd.DatetimeIndex(dates).strftime("%a"),
            "reason": [REASONS[code] for code in reason],
            "event_hours_kw": event_hours_mean(panel, part, position[None, :])[0],
            "ranked_by": [ranked_by.get(int(day), np.nan) for day in position],
            "selected": np.isin(position, found.days[0][found.days[0] >= 0]),
        },
        columns=columns,
    )
    unused = (reason == QUALIFIED) & ~np.isin(position, found.candidates[0])
    table.loc[unused, "reason"] = "qualified, but older than the days needed"
    told = np.flatnonzero(~table["reason"].isin(_OUT_OF_SIGHT).to_numpy())
    return table[: int(told[-1]) + 1] if len(told) else table


def _adjustment_of(forecaster: Forecaster, X: pd.DataFrame, plain: np.ndarray, panel: Panel) -> dict[str, float]:
    estimator = forecaster.estimator
    estimator = getattr(estimator, "estimator_", estimator) if not isinstance(estimator, Adjusted) else estimator
    if not isinstance(estimator, Adjusted):
        return {}
    told = estimator.explain(X).iloc[0]
    since_start, since_stop = X["hours_since_start"].to_numpy(), X["hours_since_stop"].to_numpy()
    inside = np.logical_or.reduce([window.contains(since_start, since_stop) for window in estimator.windows()])
    use = inside & np.isfinite(plain) & np.isfinite(X["metered_kw"].to_numpy())
    return {
        "metered_kwh": float(X["metered_kw"].to_numpy()[use].sum() * panel.step_hours),
        "baseline_kwh": float(plain[use].sum() * panel.step_hours),
        "raw": float(told["raw"]),
        "applied": float(told["applied"]),
    }
