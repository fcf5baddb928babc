"""One program on many events: baseline before and after the adjustment, row by row, and who fell out and why."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.forecast.answer import answer
from cblcast.forecast.forecaster import truth
from cblcast.frames.cases import event_rows
from cblcast.frames.collisions import collides
from cblcast.frames.events import Window
from cblcast.frames.instants import microseconds, stamps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import (
    CASE_COLUMNS,
    CASE_INDEX,
    LOWER,
    OBSERVED,
    ORIGIN,
    PREDICTED,
    SITE,
    TIME,
    UPPER,
    DataWarning,
)
from cblcast.programs.fitting import ready_forecaster
from cblcast.programs.model import Program
from cblcast.programs.windows import adjustment_windows

PROBLEM_COLUMNS = ["program", SITE, "start", "reason"]
UNADJUSTED, SEEN = "unadjusted_kw", "seen_kw"


@dataclass(frozen=True)
class Estimate:
    """What a program says of events.

    Attributes
    ----------
    rows : DataFrame, index (site_id, origin, time)
        The scored frame: the cases (``scored`` is False in the windows), ``observed_kw`` (the meter, the event
        included), ``predicted_kw``, ``unadjusted_kw`` (before the adjustment), ``seen_kw`` (the meter as far as the rule
        could see it) [kW]; rows of one event together, in time. ``lower_kw`` and ``upper_kw`` are NaN: the limits of a
        settlement are those of its energies.
    event : ndarray of int64, shape (n_rows,)
        Position of each row's event in the table of events.
    factor : DataFrame
        ``raw`` and ``applied`` factor or shift of each event, NaN without an adjustment.
    problems : DataFrame
        :data:`PROBLEM_COLUMNS`: events without a baseline, with the reason.
    """

    rows: pd.DataFrame
    event: np.ndarray
    factor: pd.DataFrame
    problems: pd.DataFrame

    @property
    def scored(self) -> np.ndarray:
        """Rows inside their event, bool."""
        return self.rows["scored"].to_numpy(dtype=bool)

    def energy(self, column: str, step_hours: float) -> np.ndarray:
        """Energy of a column over each event [kWh], shape (n_events,)."""
        inside = self.scored
        load = self.rows[column].to_numpy(dtype=np.float64)[inside]
        return np.bincount(self.event[inside], weights=load, minlength=len(self.factor)) * step_hours


def estimate(program: Program, masked: Panel, events: pd.DataFrame, panel: Panel | None = None) -> Estimate:
    """Estimate `events` (sorted, checked) by `program`.

    Parameters
    ----------
    masked : Panel
        With real events masked.
    panel : Panel, optional
        As metered; `masked` unless given, whose meter is NaN at real events.
    """
    groups, which = adjustment_windows(program, masked, events)
    parts, numbers, problems = [], [], []
    factor = np.full((len(events), 2), np.nan)
    for number, windows in enumerate(groups):
        mine = np.flatnonzero(which == number)
        blocked = collides(masked, events.iloc[mine], windows)
        problems.append(
            problem_table(program, events.iloc[mine[blocked]], "its adjustment window reaches into another event")
        )
        free = mine[~blocked]
        if len(free) == 0:
            continue
        rows, event, factor[free], failed = _one_group(program, windows, masked, events.iloc[free])
        parts.append(rows)
        numbers.append(free[event])
        problems.append(failed)
    rows = pd.concat(parts) if len(parts) > 1 else parts[0] if parts else _no_rows()
    event = np.concatenate(numbers) if numbers else np.empty(0, dtype=np.int64)
    if len(parts) > 1:
        order = np.lexsort((microseconds(rows.index.get_level_values(TIME)), event))
        rows, event = rows.take(order), event[order]
    rows = rows.assign(**{OBSERVED: truth(masked if panel is None else panel, rows)})
    told = pd.DataFrame(factor, index=events.index, columns=["raw", "applied"])
    return Estimate(rows, event, told, pd.concat(problems, ignore_index=True))


def _one_group(
    program: Program, windows: tuple[Window, ...], masked: Panel, events: pd.DataFrame
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, pd.DataFrame]:
    forecaster = ready_forecaster(program, masked, events, windows)
    with warnings.catch_warnings():
        # An event whose window shows no load keeps its baseline: that is told by its factor, event by event.
        warnings.simplefilter("ignore", DataWarning)
        said = answer(forecaster, masked, events)
        told = said.adjustment
    rows = said.rows.assign(**{UNADJUSTED: said.unadjusted_kw, SEEN: said.seen_kw})
    first, event = event_rows(rows.index)
    factor = np.full((len(first), 2), np.nan)
    if told is not None:
        factor = told[["raw", "applied"]].to_numpy(dtype=np.float64)[first]
    failed = said.excluded.rename(columns={ORIGIN: "start"}).assign(program=program.name)[PROBLEM_COLUMNS]
    return rows, event, factor, failed


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
