"""One program on many events: baseline before and after the adjustment, interval by interval, and who fell out and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.estimators.rules.largest_demand import largest_demand
from cblcast.forecast.answer import Answer, answer
from cblcast.frames.cases import event_rows
from cblcast.frames.collisions import collides
from cblcast.frames.events import Window
from cblcast.frames.instants import microseconds
from cblcast.frames.panel import AnyPanel, Panel
from cblcast.frames.schema import ESTIMATED, OBSERVED, ORIGIN, PREDICTED, SITE, TIME
from cblcast.hush import no_data_warnings
from cblcast.programs.by_days import by_days
from cblcast.programs.direct import why_long
from cblcast.programs.dispatch import counted_hours, on_grid
from cblcast.programs.estimated import FACTS as FACTS
from cblcast.programs.estimated import PROBLEM_COLUMNS as PROBLEM_COLUMNS
from cblcast.programs.estimated import SEEN as SEEN
from cblcast.programs.estimated import UNADJUSTED as UNADJUSTED
from cblcast.programs.estimated import Estimate as Estimate
from cblcast.programs.estimated import EventRows, problem_table
from cblcast.programs.fitting import ready_forecaster
from cblcast.programs.forecasters import program_forecaster
from cblcast.programs.gaps import fill_gaps
from cblcast.programs.model import Program
from cblcast.programs.windows import adjustment_windows, moved_windows

PROGRAM_PREFIX = "program"  # of the columns of the day rule
_Group = tuple[EventRows, np.ndarray, np.ndarray, pd.DataFrame]


def estimate(
    program: Program, masked: AnyPanel, events: pd.DataFrame, panel: AnyPanel | None = None, reasons: bool = True
) -> Estimate:
    """Estimate `events` (sorted, checked) by `program`: from days by site where the rule looks at nothing else.

    Parameters
    ----------
    masked : Panel or DayPanel
        With real events masked, their ramps included (:func:`cblcast.programs.dispatch.on_grid`), as the program sees its
        sites (:func:`cblcast.programs.meters.as_program_sees`).
    events : DataFrame
        As dispatched: edges may lie between two readings.
    panel : Panel or DayPanel, optional
        As metered; `masked` unless given, whose meter is NaN at real events.
    reasons : bool
        Whether the problems say why an event has no baseline.

    Raises
    ------
    StudyError
        Days by site, and a program that needs the intervals one by one.
    """
    grid = on_grid(masked, events)
    groups, which = adjustment_windows(program, masked, grid)
    parts, problems = [], []
    facts = np.full((len(events), len(FACTS)), np.nan)
    treatment = np.full(len(events), "", dtype=object)
    for number, windows in enumerate(groups):
        mine = np.flatnonzero(which == number) if len(groups) > 1 else np.arange(len(events))
        # A rule of its own may look beside the event too, as a meter before and after it does.
        blocked = collides(masked, grid.iloc[mine], program_forecaster(program, windows).windows())
        problems.append(
            problem_table(program, events.iloc[mine[blocked]], "its adjustment window reaches into another event")
        )
        free = mine[~blocked]
        if len(free) == 0:
            continue
        own = grid if len(free) == len(grid) else grid.iloc[free]
        rows, facts[free], treatment[free], failed = _one_group(program, windows, masked, own, reasons)
        parts.append(EventRows(free[rows.event], rows.times_us, rows.scored, rows.values))
        problems.append(_as_dispatched(failed, grid, events))
    rows = EventRows.joined(parts)
    told = pd.DataFrame(facts, index=events.index, columns=FACTS)
    told["moved"] = moved_windows(program, masked, grid, groups, which).astype(np.float64)
    site = masked.site_codes(pd.Index(grid[SITE]))
    rows, hours, estimated = _metered(program, masked if panel is None else panel, events, rows, site)
    failed = pd.concat(problems, ignore_index=True) if problems else problem_table(program, events, "")
    return Estimate(grid, site, rows, told, failed, hours, estimated, treatment)


def _metered(
    program: Program, panel: AnyPanel, events: pd.DataFrame, rows: EventRows, site: np.ndarray
) -> tuple[EventRows, np.ndarray, np.ndarray]:
    """Rows with the meter, its gaps filled; how much of each counts [h]; and which share of each reading is estimated."""
    event, times = rows.event, rows.times_us
    hours = counted_hours(events, event, times, panel.step_us, program.ramps == "counted") * rows.scored
    observed = panel.values_at(OBSERVED, site[event], times)
    observed, hours, filled = fill_gaps(
        program.gaps, panel, rows.with_values(**{OBSERVED: observed}), site, hours, len(events)
    )
    estimated = np.zeros(len(times))
    if ESTIMATED in panel.names:
        estimated = np.nan_to_num(panel.values_at(ESTIMATED, site[event], times))
    if program.demand_minutes is not None:
        most = largest_demand(np.asarray(observed)[:, None], times, event, program.demand_minutes, hours)[:, 0]
        observed = np.where(hours > 0, most[event], observed)
    return rows.with_values(**{OBSERVED: observed}), hours, np.where(filled, 1.0, estimated)


def _as_dispatched(failed: pd.DataFrame, grid: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Problems with the starts of their events, where those lie between two readings."""
    if grid is events or failed.empty:
        return failed
    keys = [(site, start) for site, start in zip(grid[SITE], grid["start"], strict=True)]
    starts = dict(zip(keys, events["start"], strict=True))
    told = [starts[key] for key in zip(failed[SITE], failed["start"], strict=True)]
    return failed.assign(start=pd.DatetimeIndex(told))


def _one_group(
    program: Program, windows: tuple[Window, ...], masked: AnyPanel, events: pd.DataFrame, reasons: bool
) -> _Group:
    """Rows, facts, treatments and problems of events that have the same windows."""
    why = why_long(program, masked.names)
    if not why:
        rows, facts, failed = by_days(program, windows, masked, events, reasons)
        return rows, facts, np.full(len(events), "", dtype=object), failed
    assert isinstance(masked, Panel), why
    return _by_intervals(program, windows, masked, events, reasons)


def _by_intervals(
    program: Program, windows: tuple[Window, ...], masked: Panel, events: pd.DataFrame, reasons: bool
) -> _Group:
    forecaster = ready_forecaster(program, masked, events, windows)
    # An event whose window shows no load keeps its baseline: that is told by its factor, event by event.
    with no_data_warnings():
        said = answer(forecaster, masked, events, reasons=reasons)
        told = said.adjustment
    first, event = event_rows(said.rows.index)
    facts = pd.DataFrame(np.nan, index=range(len(first)), columns=FACTS)
    for column in FACTS:
        source = told if column in FACTS[:5] else said.features
        name = column if column in FACTS[:5] else f"{PROGRAM_PREFIX}_{column}"
        if source is not None and name in source.columns:
            facts[column] = source[name].to_numpy(dtype=np.float64)[first]
    failed = said.excluded.rename(columns={ORIGIN: "start"}).assign(program=program.name)[PROBLEM_COLUMNS]
    predicted = said.rows[PREDICTED].to_numpy(dtype=np.float64)
    times, scored = microseconds(said.rows.index.get_level_values(TIME)), said.rows["scored"].to_numpy(dtype=bool)
    values = {PREDICTED: predicted, UNADJUSTED: said.unadjusted_kw, SEEN: said.seen_kw}
    treated = _treatments(said, said.rows.index[first])
    return EventRows(event, times, scored, values), facts.to_numpy(), treated, failed


def _treatments(said: Answer, events: pd.MultiIndex) -> np.ndarray:
    """What each of `events`, the indices of their first rows, was treated as; str objects, empty where as itself."""
    if said.treatment is None or said.treatment.empty:
        return np.full(len(events), "", dtype=object)
    words = said.treatment.set_index([SITE, ORIGIN])["treatment"].astype(object)
    return words.reindex(events.droplevel(TIME), fill_value="").to_numpy(dtype=object)
