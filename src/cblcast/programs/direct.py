"""Which programs can be carried out from days by site alone and from how many, and why the others need a row for every interval."""

from __future__ import annotations

from collections.abc import Sequence

from cblcast.features.day_choice import relaxed
from cblcast.frames.schema import OBSERVED
from cblcast.programs.model import Program

_FAMILIES = {
    "declared": "its baseline is a schedule that was declared interval by interval",
    "generator": "its baseline is that of a generator's own meter",
    "control_group": "its baseline is that of other customers, all of whom it needs at once",
    "model": "its baseline is a model that is fitted to features of every interval",
}
TEMPERATURE = "temp_air_c"


def why_long(program: Program, names: Sequence[str] = (OBSERVED, TEMPERATURE)) -> str:
    """Why a program needs a row for every interval; empty where days by site are enough.

    Parameters
    ----------
    names : sequence of str
        Columns that are there.
    """
    if program.family in _FAMILIES:
        return _FAMILIES[program.family]
    if program.demand_minutes is not None:
        return f"its figures are the largest {program.demand_minutes}-minute demands, which are sought interval by interval"
    if any(rule.rank == "temperature" for rule in program.days) and TEMPERATURE not in names:
        return f"its days are ranked by {TEMPERATURE}, which is not there"
    return ""


def look_back_days(program: Program) -> int:
    """How many days before an event a program may look at, its fallbacks included."""
    return max((step.rule.furthest_day for rule in program.days for step in relaxed(rule)), default=0)
