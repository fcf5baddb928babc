"""Programs as they are asked for: their vintages by date or by name, and terms that stand instead of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.panel import AnyPanel, local_clock
from cblcast.frames.schema import SITE
from cblcast.programs.catalogue import load_program
from cblcast.programs.model import Program
from cblcast.programs.terms import GapPolicy


def load_programs(
    names: Sequence[str | Path | Program],
    gaps: GapPolicy | None = None,
    net_metered: bool = False,
    starts: pd.Series | None = None,
) -> tuple[Program, ...]:
    """Rules by name or file, a program of several vintages as each of them.

    Parameters
    ----------
    names : sequence of name, path or Program
        ``NAME@VINTAGE`` asks for one vintage whatever the day.
    gaps : GapPolicy, optional
        For programs that have none of their own.
    net_metered : bool
        Whether a ratio that means nothing at a net meter becomes a shift.
    starts : Series of UTC times, optional
        Starts of the events: vintages that are in force on none of their days are left out.
    """
    found = [each for name in names for each in _each_vintage(load_program(name))]
    if starts is not None:
        found = _due(found, pd.DatetimeIndex(starts))
    return tuple(on_terms(program, gaps, net_metered) for program in found)


def _due(programs: list[Program], starts: pd.DatetimeIndex) -> list[Program]:
    """Programs with an event that they may be in force for, and the first vintage of those without any."""
    days = np.unique(starts.tz_convert("UTC").floor("D").as_unit("us").asi8) // DAY_US
    near = np.unique(np.concatenate([days - 1, days, days + 1])).astype("M8[D]")  # whatever the zone
    due = {id(program): bool(in_force(program, near).any()) for program in programs}
    bases = {program.name.partition("@")[0] for program in programs if due[id(program)]}
    kept = []
    for program in programs:
        base = program.name.partition("@")[0]
        if due[id(program)] or base not in bases:
            kept.append(program)
            bases.add(base)
    return kept


def _each_vintage(program: Program) -> list[Program]:
    """The program itself, without the others, then the others under names that say which they are."""
    own = program.model_copy(update={"vintages": ()}) if program.vintages else program
    return [own, *(each.model_copy(update={"name": each.asked_name}) for each in program.vintages)]


def on_terms(program: Program, gaps: GapPolicy | None, net_metered: bool) -> Program:
    """`program` with a gap policy, if it has none of its own, and as a net meter needs it."""
    changes: dict[str, object] = {}
    if program.vintages:
        changes["vintages"] = tuple(on_terms(each, gaps, net_metered) for each in program.vintages)
    if gaps is not None and program.gaps == GapPolicy():
        changes["gaps"] = gaps
    own = program.adjustment
    if net_metered and own is not None and own.kind == "ratio":
        changes["adjustment"] = own.model_copy(update={"where_no_ratio": "additive"})
    return program.model_copy(update=changes) if changes else program


def vintage_on(program: Program, day: dt.date) -> Program:
    """The vintage of `program` in force on a local day; itself where it has none.

    Raises
    ------
    DataError
        Neither the program nor another vintage of it is in force on that day.
    """
    found = [each for each in _each_vintage(program) if in_force(each, np.array([day], dtype="M8[D]")).all()]
    if not found:
        raise DataError(f"{program.name} is not in force on {day}: {ask_for(program)}")
    return program if found[0].name == program.name else found[0]


def rule_for(name: str | Path | Program, panel: AnyPanel, events: pd.DataFrame) -> Program:
    """The one vintage of a program that is in force on the days of `events`; the program itself if none ever was.

    Raises
    ------
    DataError
        The events fall into several vintages, whose errors and flags would be mixed.
    """
    program = load_program(name)
    vintages = _each_vintage(program)
    if len(vintages) == 1 or events.empty:
        return program
    days = np.unique(local_days(panel, events))
    due = [each for each in vintages if in_force(each, days).any()]
    if len(due) > 1:
        raise DataError(
            f"the events of {days[0]} to {days[-1]} fall into {len(due)} vintages of {program.name}: take the events of one, "
            f"or {ask_for(program)}"
        )
    return due[0] if due else program


def ask_for(program: Program) -> str:
    """How a rule that is not in force is asked for by name."""
    base = program.name.partition("@")[0]
    spans = [f"{base}@{each.vintage} ({each.valid_from or '…'} to {each.valid_until or '…'})" for each in program.dated]
    return f"ask for a vintage by its name: {', '.join(spans)}"


def local_days(panel: AnyPanel, events: pd.DataFrame) -> np.ndarray:
    """Local day on which each event starts, datetime64[D], shape (n_events,)."""
    code = panel.site_codes(pd.Index(events[SITE]))
    days: np.ndarray = (local_clock(panel, code, microseconds(events["start"])) // DAY_US).astype("M8[D]")
    return days


def in_force(program: Program, days: np.ndarray) -> np.ndarray:
    """On which of some days a rule is in force, bool; on all where its vintage was asked for by name."""
    if not program.only_in_force or (program.valid_from is None and program.valid_until is None):
        return np.ones(len(days), dtype=bool)
    return np.array([program.in_force(day) for day in days.astype("O")], dtype=bool)
