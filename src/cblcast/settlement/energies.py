"""Energies and limits of each site and event, from the intervals of one program."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.panel import AnyPanel
from cblcast.frames.schema import LOWER, OBSERVED, PREDICTED, SITE, UPPER
from cblcast.programs.model import Program
from cblcast.programs.remarks import line_facts
from cblcast.settlement.estimate import UNADJUSTED, Estimate, problem_table

FOLD = "settlement"  # of the scored frame


def event_energies(
    program: Program, panel: AnyPanel, table: pd.DataFrame, found: Estimate
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Energies of each event, with what is to be said of them, and the events that were not metered throughout."""
    baseline, metered, plain = (found.energy(column) for column in (PREDICTED, OBSERVED, UNADJUSTED))
    hours = found.counted
    wanted = hours > 0
    told = table.assign(
        program=program.name,
        hours=hours,
        metered_kwh=metered,
        baseline_kwh=baseline,
        unadjusted_kwh=plain,
        delivered_kwh=baseline - metered,
        delivered_kw=np.divide(baseline - metered, hours, out=np.full(len(table), np.nan), where=wanted),
        factor_raw=found.factor["raw"],
        factor=found.factor["applied"],
    ).join(line_facts(program, panel, table, found))
    good = wanted & np.isfinite(baseline)
    dark = good & ~np.isfinite(metered)
    most = program.gaps.max_missing_share
    more = f" or its gaps cannot be filled ({100 * most:g} % may be missing)" if most else ""
    problems = problem_table(program, table[dark], f"the event was not metered throughout{more}")
    told = told[good & ~dark]
    front = ["program", SITE, "start", "stop"]
    return told[[*front, *(column for column in told.columns if column not in front)]], problems


def scored_rows(program: Program, found: Estimate, told: pd.DataFrame) -> pd.DataFrame:
    """The scored frame of the settled events: its method is the program, ``unadjusted_kw`` stands beside it."""
    use = (found.hours > 0) & np.isin(found.event, told.index.to_numpy())
    columns = [OBSERVED, PREDICTED, LOWER, UPPER, UNADJUSTED]
    return found.rows.loc[use, columns].assign(counted_h=found.hours[use], method=program.name, fold=FOLD)
