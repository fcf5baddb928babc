"""Energies, payments and limits of each site and event, from the intervals of one program."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import LOWER, OBSERVED, PREDICTED, SITE, TIME, UPPER
from cblcast.programs.model import Program
from cblcast.settlement.estimate import UNADJUSTED, Estimate, problem_table
from cblcast.value.contract import Contract, interval_prices, payments

FOLD = "settlement"  # of the scored frame


def event_energies(
    program: Program, panel: Panel, table: pd.DataFrame, found: Estimate
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Energies of each event, and the events that were not metered throughout."""
    baseline, metered, plain = (found.energy(column, panel.step_hours) for column in (PREDICTED, OBSERVED, UNADJUSTED))
    wanted = np.bincount(found.event[found.scored], minlength=len(table)) > 0
    hours = (table["stop"] - table["start"]).dt.total_seconds().to_numpy() / 3600
    told = table.assign(
        program=program.name,
        hours=hours,
        metered_kwh=metered,
        baseline_kwh=baseline,
        unadjusted_kwh=plain,
        delivered_kwh=baseline - metered,
        delivered_kw=(baseline - metered) / hours,
        factor_raw=found.factor["raw"],
        factor=found.factor["applied"],
    )
    good = wanted & np.isfinite(baseline)
    dark = good & ~np.isfinite(metered)
    problems = problem_table(program, table[dark], "the event was not metered throughout")
    told = told[good & ~dark]
    front = ["program", SITE, "start", "stop"]
    return told[[*front, *(column for column in told.columns if column not in front)]], problems


def event_payments(
    contract: Contract, panel: Panel, found: Estimate, told: pd.DataFrame, prices: pd.Series | None
) -> pd.DataFrame:
    """Payments of the settled events by `contract`, same index."""
    use = found.scored & np.isin(found.event, told.index.to_numpy())
    own, number = found.rows[use], found.event[use]
    tz = panel.sites["tz"].to_numpy(dtype=object)[panel.site_codes(own.index.get_level_values(SITE))]
    price = interval_prices(contract, pd.DatetimeIndex(own.index.get_level_values(TIME)), tz, prices)
    delivered = (own[PREDICTED] - own[OBSERVED]).to_numpy() * panel.step_hours
    unpaid = np.where((delivered < 0) & (contract.negative == "unpaid"), delivered, 0.0)
    value, lost = (
        np.bincount(number, weights=weights, minlength=len(found.factor))[told.index.to_numpy()]
        for weights in (price * (delivered - unpaid), unpaid)
    )
    return payments(told, value, lost, contract)


def scored_rows(program: Program, found: Estimate, told: pd.DataFrame) -> pd.DataFrame:
    """The scored frame of the settled events: its method is the program, ``unadjusted_kw`` stands beside it."""
    own = found.rows[found.scored & np.isin(found.event, told.index.to_numpy())]
    return own[[OBSERVED, PREDICTED, LOWER, UPPER, UNADJUSTED]].assign(method=program.name, fold=FOLD)
