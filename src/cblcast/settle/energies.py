"""Energies, payments and limits of each site and event, from the intervals of one program."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.programs.model import Program
from cblcast.settle.estimate import PROBLEM_COLUMNS, Estimate
from cblcast.settle.placebo_errors import event_clock
from cblcast.value.contract import Contract, interval_prices, payments
from cblcast.value.portfolio import delivered_limits, signed_limits


def metered_load(panel: Panel, rows: pd.DataFrame) -> np.ndarray:
    """Metered load of each row [kW], the event included."""
    return panel.values_at(OBSERVED, rows["site"].to_numpy(dtype=np.int64), rows["time_us"].to_numpy(dtype=np.int64))


def event_energies(
    program: Program, panel: Panel, table: pd.DataFrame, rows: pd.DataFrame, found: Estimate
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Energies of each event, and the events that were not metered throughout."""
    inside = rows["scored"].to_numpy(dtype=bool)
    number = rows["event"].to_numpy(dtype=np.int64)[inside]
    n = len(table)

    def energy(column: str) -> np.ndarray:
        return np.bincount(number, weights=rows[column].to_numpy()[inside], minlength=n) * panel.step_hours

    wanted = np.bincount(number, minlength=n) > 0
    baseline, metered, plain = energy("baseline_kw"), energy("metered_kw"), energy("unadjusted_kw")
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
    problems = pd.DataFrame(
        {
            "program": program.name,
            SITE: table[SITE],
            "start": pd.DatetimeIndex(table["start"]),
            "reason": "the event was not metered throughout",
        },
        columns=PROBLEM_COLUMNS,
    )[dark]
    told = told[good & ~dark]
    front = ["program", SITE, "start", "stop"]
    return told[[*front, *(column for column in told.columns if column not in front)]], problems


def event_payments(
    contract: Contract, panel: Panel, rows: pd.DataFrame, told: pd.DataFrame, prices: pd.Series | None
) -> pd.DataFrame:
    """Payments of the settled events by `contract`, same index."""
    number = rows["event"].to_numpy(dtype=np.int64)
    use = rows["scored"].to_numpy(dtype=bool) & np.isin(number, told.index.to_numpy())
    own = rows[use]
    tz = panel.sites["tz"].to_numpy(dtype=object)[own["site"].to_numpy(dtype=np.int64)]
    times = pd.DatetimeIndex(own["time_us"].to_numpy(dtype=np.int64).view("M8[us]")).tz_localize("UTC")
    price = interval_prices(contract, times, tz, prices)
    delivered = (own["baseline_kw"] - own["metered_kw"]).to_numpy() * panel.step_hours
    unpaid = np.where((delivered < 0) & (contract.negative == "unpaid"), delivered, 0.0)
    size = int(number.max(initial=0)) + 1
    value, lost = (
        np.bincount(number[use], weights=weights, minlength=size)[told.index.to_numpy()]
        for weights in (price * (delivered - unpaid), unpaid)
    )
    return payments(told, value, lost, contract)


def with_limits(told: pd.DataFrame, panel: Panel, errors: pd.DataFrame, coverage: float) -> pd.DataFrame:
    """`told` with limits of the delivered energy from the errors of the same site at the same clock, and that clock."""
    clocks = event_clock(panel, told) if len(told) else pd.DataFrame({"clock": [], "kind": []})
    keys = [SITE, "clock", "kind"]
    known = {
        key: (*signed_limits(group.to_numpy(dtype=np.float64), coverage), int(group.notna().sum()))
        for key, group in errors.groupby(keys, sort=False)["error_kwh"]
    }
    nothing = (np.nan, np.nan, 0)
    mine = [known.get(key, nothing) for key in zip(told[SITE], clocks["clock"], clocks["kind"], strict=True)]
    low, high, days = (np.array([each[k] for each in mine], dtype=np.float64) for k in range(3))
    lower, upper = delivered_limits(told["delivered_kwh"].to_numpy(), low, high)
    told = told.assign(lower_kwh=lower, upper_kwh=upper, placebo_days=days.astype(np.int64))
    return told.join(clocks)


def interval_rows(program: Program, table: pd.DataFrame, rows: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """Every interval of the settled events [kW]."""
    number = rows["event"].to_numpy(dtype=np.int64)
    own = rows[rows["scored"].to_numpy(dtype=bool) & np.isin(number, told.index.to_numpy())]
    number = own["event"].to_numpy(dtype=np.int64)
    return pd.DataFrame(
        {
            "program": program.name,
            SITE: table[SITE].to_numpy()[number],
            "start": pd.DatetimeIndex(table["start"])[number],
            "time": pd.DatetimeIndex(own["time_us"].to_numpy(dtype=np.int64).view("M8[us]")).tz_localize("UTC"),
            "metered_kw": own["metered_kw"].to_numpy(),
            "unadjusted_kw": own["unadjusted_kw"].to_numpy(),
            "baseline_kw": own["baseline_kw"].to_numpy(),
            "delivered_kw": (own["baseline_kw"] - own["metered_kw"]).to_numpy(),
        }
    )
