"""One program on many events: baseline before and after the adjustment, row by row, and who fell out and why."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cblcast.days.day_rules import DayRule
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.features.program_days import ProgramDays, subset
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import EventArrays
from cblcast.frames.events import HOUR_US, Window
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataWarning
from cblcast.programs import program_forecaster
from cblcast.programs.fitting import fitted
from cblcast.programs.model import Program
from cblcast.programs.windows import adjustment_windows

ROW_COLUMNS = ["site", "event", "time_us", "scored", "unadjusted_kw", "baseline_kw", "visible_kw"]
PROBLEM_COLUMNS = ["program", SITE, "start", "reason"]


@dataclass(frozen=True)
class Estimate:
    """What a program says of events.

    Attributes
    ----------
    rows : DataFrame
        :data:`ROW_COLUMNS`: position of the site in the panel and of the event in its table; ``visible_kw`` is the
        meter where it may be seen (windows), NaN inside the event; rows of one event together, in time.
    factor : DataFrame
        ``raw`` and ``applied`` factor or shift of each event, NaN without an adjustment.
    problems : DataFrame
        Events without a baseline, with the reason.
    """

    rows: pd.DataFrame
    factor: pd.DataFrame
    problems: pd.DataFrame


def estimate(program: Program, masked: Panel, events: pd.DataFrame) -> Estimate:
    """Estimate `events` (sorted, checked) by `program` on a panel in which real events are masked."""
    groups, which = adjustment_windows(program, masked, events)
    parts, problems = [], []
    factor = np.full((len(events), 2), np.nan)
    for number, windows in enumerate(groups):
        mine = np.flatnonzero(which == number)
        blocked = window_blocked(masked, events.iloc[mine], windows)
        problems.append(
            _problems(program, events.iloc[mine[blocked]], "its adjustment window reaches into another event")
        )
        free = mine[~blocked]
        if len(free) == 0:
            continue
        rows, factor[free], failed = _one_group(program, windows, masked, events.iloc[free])
        rows["event"] = free[rows["event"].to_numpy()]
        parts.append(rows)
        problems.append(failed)
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=ROW_COLUMNS)
    if len(parts) > 1:
        rows = rows.sort_values(["event", "time_us"], ignore_index=True)
    told = pd.DataFrame(factor, index=events.index, columns=["raw", "applied"])
    return Estimate(rows, told, pd.concat(problems, ignore_index=True))


def _one_group(
    program: Program, windows: tuple[Window, ...], masked: Panel, events: pd.DataFrame
) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    forecaster = program_forecaster(program, windows)
    cases = forecaster.cases(masked, events)
    X = forecaster.matrix(masked, cases)
    event = EventArrays.of(masked, cases)
    with warnings.catch_warnings():
        # An event whose window shows no load keeps its baseline: that is told by its factor, event by event.
        warnings.simplefilter("ignore", DataWarning)
        estimator = fitted(program, forecaster, masked, events, X)
        plain, baseline, told = _before_and_after(estimator, X, event.first_row)
    visible = X["metered_kw"].to_numpy() if "metered_kw" in X.columns else np.full(len(X), np.nan)
    rows = pd.DataFrame(
        {
            "site": event.site[event.event_of_row],
            "event": event.event_of_row,
            "time_us": event.time_us,
            "scored": event.scored,
            "unadjusted_kw": plain,
            "baseline_kw": baseline,
            "visible_kw": visible,
        }
    )
    nowhere = np.logical_or.reduceat(~np.isfinite(baseline) & event.scored, event.first_row)
    failed = _problems(program, events[nowhere], "")
    if nowhere.any():
        failed["reason"] = _why(forecaster, estimator, X, masked, event, nowhere)
    return rows, told, failed


def _before_and_after(
    estimator: Any, X: pd.DataFrame, first_row: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Baseline without and with the adjustment [kW], and the raw and applied factor of each event."""
    adjusted = estimator if isinstance(estimator, Adjusted) else getattr(estimator, "estimator_", None)
    if not isinstance(adjusted, Adjusted):
        baseline = np.asarray(estimator.predict(X), dtype=np.float64)
        return baseline, baseline, np.full((len(first_row), 2), np.nan)
    told = adjusted.explain(X)
    whole = told["adjusted_kw"] if adjusted is estimator else estimator.predict(X)
    factor = told[["raw", "applied"]].to_numpy(dtype=np.float64)[first_row]
    return told["unadjusted_kw"].to_numpy(), np.asarray(whole, dtype=np.float64), factor


def _problems(program: Program, events: pd.DataFrame, reason: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "program": program.name,
            SITE: events[SITE].to_numpy(),
            "start": pd.DatetimeIndex(events["start"]),
            "reason": pd.Series([reason] * len(events), dtype=object).to_numpy(),
        },
        columns=PROBLEM_COLUMNS,
    )


def _why(
    forecaster: Forecaster, estimator: Any, X: pd.DataFrame, masked: Panel, event: EventArrays, nowhere: np.ndarray
) -> list[str]:
    if hasattr(estimator, "why_not"):  # a control group knows its own reasons
        return [str(reason) for reason in estimator.why_not(X.iloc[event.first_row[nowhere]])]
    builder = forecaster.builders.get("program_days")
    if not isinstance(builder, ProgramDays):
        return ["the rule gives no baseline: the meter or the figure it reads is missing at this event"] * int(
            nowhere.sum()
        )
    part, _ = subset(event, nowhere)
    rule_of = builder.rule_of_event(masked, part)
    reasons = ["the program has no rule for the day type of this event"] * len(rule_of)
    for number in np.unique(rule_of[rule_of >= 0]):
        rule = DayRule.of(builder.rules[number])
        some, _ = subset(part, rule_of == number)
        ledger = builder.select(masked, some, rule).ledger
        for place, k in enumerate(np.flatnonzero(rule_of == number)):
            tally = ledger.tally(place)
            qualified = tally.pop("qualified", 0)
            others = ", ".join(f"{count} {reason}" for reason, count in tally.items())
            reasons[k] = (
                f"{qualified} of at least {rule.least} days qualified within {rule.furthest_day} days ({others})"
                if qualified < rule.least
                else "the selected days were not metered in an interval of the event"
            )
    return reasons


def window_blocked(panel: Panel, events: pd.DataFrame, windows: tuple[Window, ...]) -> np.ndarray:
    """Events whose adjustment window reaches into another real event of the site, bool, shape (n_events,)."""
    blocked = np.zeros(len(events), dtype=bool)
    if panel.events is None or panel.events.empty or events.empty:
        return blocked
    code, start, stop = _line(panel, panel.events)
    own_code, own_start, own_stop = _line(panel, events, order=False)
    origin = int(min(start.min(), own_start.min())) - 1000 * HOUR_US
    far = int(max(stop.max(), own_stop.max())) - origin + 2000 * HOUR_US  # one number line for all sites
    for window in windows:
        length, near = int(window.hours * HOUR_US), int(window.buffer * HOUR_US)
        begin = own_start - near - length if window.side == "before" else own_stop + near
        place = np.searchsorted(code * far + stop - origin, own_code * far + begin - origin, side="right")
        found = np.minimum(place, len(start) - 1)
        blocked |= (place < len(start)) & (code[found] == own_code) & (start[found] < begin + length)
    return blocked


def _line(panel: Panel, events: pd.DataFrame, order: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    code = panel.site_codes(pd.Index(events[SITE])).astype(np.int64)
    start, stop = (pd.DatetimeIndex(events[edge]).as_unit("us").asi8 for edge in ("start", "stop"))
    by = np.lexsort((start, code)) if order else slice(None)
    return code[by], start[by], stop[by]
