"""One program on many events: baseline before and after the adjustment, row by row, and who fell out and why."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.estimators.rules.largest_demand import largest_demand
from cblcast.forecast.answer import Answer, answer
from cblcast.forecast.forecaster import truth
from cblcast.frames.cases import event_rows
from cblcast.frames.collisions import collides
from cblcast.frames.events import Window
from cblcast.frames.instants import HOUR_US, microseconds, stamps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import (
    CASE_COLUMNS,
    CASE_INDEX,
    ESTIMATED,
    LOWER,
    OBSERVED,
    ORIGIN,
    PREDICTED,
    SITE,
    TIME,
    UPPER,
    DataWarning,
)
from cblcast.programs.dispatch import counted_hours, on_grid
from cblcast.programs.fitting import ready_forecaster
from cblcast.programs.forecasters import program_forecaster
from cblcast.programs.gaps import fill_gaps
from cblcast.programs.model import Program
from cblcast.programs.windows import adjustment_windows, moved_windows

PROBLEM_COLUMNS = ["program", SITE, "start", "reason"]
UNADJUSTED, SEEN = "unadjusted_kw", "seen_kw"
PROGRAM_PREFIX = "program"  # of the columns of the day rule


FACTS = ["raw", "applied", "usable", "shift", "seen_share", "qualified_days", "fallback", "rule", "moved"]


@dataclass(frozen=True)
class Estimate:
    """What a program says of events.

    Attributes
    ----------
    rows : DataFrame, index (site_id, origin, time)
        The scored frame: the cases (``scored`` is False in the windows), ``observed_kw`` (the meter, the event
        included, its gaps filled as the program says; of a program of demands the event's largest), ``predicted_kw``,
        ``unadjusted_kw`` (before the adjustment), ``seen_kw`` (the meter as far as the rule could see it) [kW]; rows of
        one event together, in time. ``lower_kw`` and ``upper_kw`` are NaN: the limits of a settlement are those of its
        energies. ``origin`` is the start of the interval in which the event, or its ramp, begins.
    event : ndarray of int64, shape (n_rows,)
        Position of each row's event in the table of events.
    factor : DataFrame
        Of each event ``raw`` and ``applied`` factor or shift, ``usable`` (1 or 0), ``shift`` (1 where it is a shift),
        ``seen_share`` of its window, NaN without an adjustment; ``rule`` (the position of its day rule), ``qualified_days``
        and ``fallback`` (how many steps of its fallback were taken), NaN without a day rule; ``moved`` (1 where its windows
        stand beside the day's first or last event).
    problems : DataFrame
        :data:`PROBLEM_COLUMNS`: events without a baseline, with the reason.
    hours : ndarray, shape (n_rows,)
        How much of each interval counts as its event [h]: less than the step at an edge between two readings, 0 in windows.
    estimated : ndarray, shape (n_rows,)
        Share of each interval's reading that is estimated, not metered: as the meter's flags say, 1 where a gap was filled.
    treatment : ndarray of str objects, shape (n_events,)
        What a model took each event for, against its calendar; empty where for nothing.
    """

    rows: pd.DataFrame
    event: np.ndarray
    factor: pd.DataFrame
    problems: pd.DataFrame
    hours: np.ndarray
    estimated: np.ndarray
    treatment: np.ndarray

    @property
    def scored(self) -> np.ndarray:
        """Rows inside their event, bool."""
        return self.rows["scored"].to_numpy(dtype=bool)

    def energy(self, column: str) -> np.ndarray:
        """Energy of a column over each event [kWh], shape (n_events,); 0 where nothing of it was asked for."""
        counts = self.hours > 0
        energy = self.rows[column].to_numpy(dtype=np.float64)[counts] * self.hours[counts]
        return np.bincount(self.event[counts], weights=energy, minlength=len(self.factor))

    @property
    def counted(self) -> np.ndarray:
        """How much of each event counts [h], whole microseconds, shape (n_events,)."""
        hours = np.bincount(self.event, weights=self.hours, minlength=len(self.factor))
        whole: np.ndarray = np.round(hours * HOUR_US) / HOUR_US
        return whole

    def share(self, of: np.ndarray) -> np.ndarray:
        """Share of each event's counted hours with `of` (0-1, shape (n_rows,)), shape (n_events,)."""
        n = len(self.factor)
        whole = np.bincount(self.event, weights=self.hours, minlength=n)
        part = np.bincount(self.event, weights=self.hours * of, minlength=n)
        return np.divide(part, whole, out=np.zeros(n), where=whole > 0)


def estimate(
    program: Program, masked: Panel, events: pd.DataFrame, panel: Panel | None = None, reasons: bool = True
) -> Estimate:
    """Estimate `events` (sorted, checked) by `program`.

    Parameters
    ----------
    masked : Panel
        With real events masked, their ramps included (:func:`cblcast.programs.dispatch.on_grid`), as the program sees its
        sites (:func:`cblcast.programs.meters.as_program_sees`).
    events : DataFrame
        As dispatched: edges may lie between two readings.
    panel : Panel, optional
        As metered; `masked` unless given, whose meter is NaN at real events.
    reasons : bool
        Whether the problems say why an event has no baseline.
    """
    grid = on_grid(masked, events)
    groups, which = adjustment_windows(program, masked, grid)
    parts, numbers, problems = [], [], []
    facts = np.full((len(events), len(FACTS)), np.nan)
    treatment = np.full(len(events), "", dtype=object)
    for number, windows in enumerate(groups):
        mine = np.flatnonzero(which == number)
        # A rule of its own may look beside the event too, as a meter before and after it does.
        blocked = collides(masked, grid.iloc[mine], program_forecaster(program, windows).windows())
        problems.append(
            problem_table(program, events.iloc[mine[blocked]], "its adjustment window reaches into another event")
        )
        free = mine[~blocked]
        if len(free) == 0:
            continue
        rows, event, facts[free], treatment[free], failed = _one_group(
            program, windows, masked, grid.iloc[free], reasons
        )
        parts.append(rows)
        numbers.append(free[event])
        problems.append(_as_dispatched(failed, grid, events))
    rows = pd.concat(parts) if len(parts) > 1 else parts[0] if parts else _no_rows()
    event = np.concatenate(numbers) if numbers else np.empty(0, dtype=np.int64)
    if len(parts) > 1:
        order = np.lexsort((microseconds(rows.index.get_level_values(TIME)), event))
        rows, event = rows.take(order), event[order]
    told = pd.DataFrame(facts, index=events.index, columns=FACTS)
    told["moved"] = moved_windows(program, masked, grid, groups, which).astype(np.float64)
    found = _metered(program, masked if panel is None else panel, events, rows, event)
    failed = pd.concat(problems, ignore_index=True) if problems else problem_table(program, events, "")
    return Estimate(found[0], event, told, failed, *found[1:], treatment)


def _metered(
    program: Program, panel: Panel, events: pd.DataFrame, rows: pd.DataFrame, event: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Rows with the meter, its gaps filled; how much of each counts [h]; and which share of each reading is estimated."""
    times = microseconds(rows.index.get_level_values(TIME))
    hours = counted_hours(events, event, times, panel.step_us, program.ramps == "counted") * rows["scored"].to_numpy()
    rows = rows.assign(**{OBSERVED: truth(panel, rows)})
    observed, hours, filled = fill_gaps(program.gaps, panel, rows, event, hours, len(events))
    estimated = np.zeros(len(rows))
    if ESTIMATED in panel.data.columns:
        site = panel.site_codes(rows.index.get_level_values(SITE))
        estimated = np.nan_to_num(panel.values_at(ESTIMATED, site, times))
    if program.demand_minutes is not None:
        most = largest_demand(np.asarray(observed)[:, None], times, event, program.demand_minutes, hours)[:, 0]
        observed = np.where(hours > 0, most[event], observed)
    return rows.assign(**{OBSERVED: observed}), hours, np.where(filled, 1.0, estimated)


def _as_dispatched(failed: pd.DataFrame, grid: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Problems with the starts of their events, where those lie between two readings."""
    if grid is events or failed.empty:
        return failed
    keys = [(site, start) for site, start in zip(grid[SITE], grid["start"], strict=True)]
    starts = dict(zip(keys, events["start"], strict=True))
    told = [starts[key] for key in zip(failed[SITE], failed["start"], strict=True)]
    return failed.assign(start=pd.DatetimeIndex(told))


def _one_group(
    program: Program, windows: tuple[Window, ...], masked: Panel, events: pd.DataFrame, reasons: bool
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray, pd.DataFrame]:
    forecaster = ready_forecaster(program, masked, events, windows)
    with warnings.catch_warnings():
        # An event whose window shows no load keeps its baseline: that is told by its factor, event by event.
        warnings.simplefilter("ignore", DataWarning)
        said = answer(forecaster, masked, events, reasons=reasons)
        told = said.adjustment
    rows = said.rows.assign(**{UNADJUSTED: said.unadjusted_kw, SEEN: said.seen_kw})
    first, event = event_rows(rows.index)
    facts = pd.DataFrame(np.nan, index=range(len(first)), columns=FACTS)
    for column in FACTS:
        source = told if column in FACTS[:5] else said.features
        name = column if column in FACTS[:5] else f"{PROGRAM_PREFIX}_{column}"
        if source is not None and name in source.columns:
            facts[column] = source[name].to_numpy(dtype=np.float64)[first]
    failed = said.excluded.rename(columns={ORIGIN: "start"}).assign(program=program.name)[PROBLEM_COLUMNS]
    return rows, event, facts.to_numpy(), _treatments(said, rows.index[first]), failed


def _treatments(said: Answer, events: pd.MultiIndex) -> np.ndarray:
    """What each of `events`, the indices of their first rows, was treated as; str objects, empty where as itself."""
    if said.treatment is None or said.treatment.empty:
        return np.full(len(events), "", dtype=object)
    words = said.treatment.set_index([SITE, ORIGIN])["treatment"].astype(object)
    return words.reindex(events.droplevel(TIME), fill_value="").to_numpy(dtype=object)


def problem_table(program: Program, events: pd.DataFrame, reason: str) -> pd.DataFrame:
    """`events` as problems of `program`, all for one `reason`."""
    return pd.DataFrame(
        {
            "program": program.name,
            SITE: events[SITE].to_numpy(),
            "start": pd.DatetimeIndex(events["start"]),
            "reason": pd.Series([reason] * len(events), dtype=object).to_numpy(),
        },
        columns=PROBLEM_COLUMNS,
    )


def _no_rows() -> pd.DataFrame:
    instants = stamps(np.empty(0, dtype=np.int64))
    index = pd.MultiIndex.from_arrays([pd.Index([], dtype="str"), instants, instants], names=CASE_INDEX)
    cases = {name: np.empty(0, dtype=bool) if name == "scored" else instants for name in CASE_COLUMNS}
    return pd.DataFrame(
        {**cases, **{name: np.empty(0) for name in (PREDICTED, LOWER, UPPER, UNADJUSTED, SEEN)}}, index=index
    )
