"""What the findings rest on: charge at the start, load, wind site and scale, convention, turbines; 30 sets of islands each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from claims import Record, claim
from sources import farm_speed, loads, mast_speed, year_of

from cblcast.simulate.island import Fleet
from cblcast.simulate.island_scenarios import IslandYear, all_islands, draw_islands
from cblcast.sizing.designs import observed_threshold_usd, priced_designs, reliable_designs
from cblcast.sizing.problem import SizingProblem
from cblcast.value.bargaining import PAPER_TERMS

SEEDS = 30


def cases() -> dict[str, tuple[IslandYear, dict[str, Any]]]:
    """One assumption changed at a time."""
    load = loads()
    first = load["Cambridge, 12 buildings"]
    base = year_of(farm_speed(2015), first)
    found: dict[str, tuple[IslandYear, dict[str, Any]]] = {
        "headline": (base, {}),
        "charge at the start 0.8": (base, {"fleet": Fleet(initial_charge=0.8)}),
        "charge at the start 0.5": (base, {"fleet": Fleet(initial_charge=0.5)}),
        "turbines curtailed": (base, {"cut": "curtail"}),
        "convention mean_event": (base, {"convention": "mean_event"}),
        "convention system_peak": (base, {"convention": "system_peak"}),
        "wind 2014": (year_of(farm_speed(2014), first), {}),
        "wind as measured (5.6 m/s)": (year_of(farm_speed(2015), first, None), {}),
        "wind at 8 m/s": (year_of(farm_speed(2015), first, 8.0), {}),
        "wind at 10 m/s": (year_of(farm_speed(2015), first, 10.0), {}),
    }
    for name, other in list(load.items())[1:]:
        found[f"load of {name}"] = (year_of(farm_speed(2015), other), {})
    mast = mast_speed()
    if mast is not None:
        found["wind of the mast at 9 m/s"] = (year_of(mast, first), {})
        found["wind of the mast as measured"] = (year_of(mast, first, None), {})
    return found


def table() -> tuple[pd.DataFrame, list[Record]]:
    """Threshold, design and price for each case: all windows, and mean with 90 % of 30 sets of 48."""
    rows = {}
    for name, (year, changes) in cases().items():
        drawn = all_islands(year)
        whole = _figures(SizingProblem(**{"islands": drawn.islands, "fleet": Fleet(), **changes}), 10)
        some = pd.DataFrame(
            [
                _figures(
                    SizingProblem(**{"islands": draw_islands(year, seed=seed).islands, "fleet": Fleet(), **changes}), 10
                )
                for seed in range(SEEDS)
            ]
        )
        rows[name] = {"windows": drawn.islands.n_scenarios, "left_out": drawn.redrawn, **whole}
        for column in ("threshold_usd", "diesel_alone_kw", "price_usd_per_hour"):
            known = some[column].dropna()
            rows[name] |= {
                f"{column}_sd": known.std() if len(known) > 1 else np.nan,
                f"{column}_p5": known.quantile(0.05) if len(known) else np.nan,
                f"{column}_p95": known.quantile(0.95) if len(known) else np.nan,
            }
        rows[name]["seeds_with_a_deal"] = int(some["price_usd_per_hour"].notna().sum())
    found = pd.DataFrame(rows).T
    head = found.loc["headline"]
    half, source = found.loc["charge at the start 0.5"], "trial, sd over 48 drawn windows"
    return found, [
        claim("threshold over 30 sets of 48 islands, sd", source + ": 300", head["threshold_usd_sd"], "$"),
        claim("diesel without vehicles over 30 sets, sd", source + ": 82", head["diesel_alone_kw_sd"], "kW"),
        claim("price of an hour with half-full batteries", "trial: 40", half["price_usd_per_hour"], "$/h"),
        claim("cost with half-full batteries at 6000 $", "trial: -8", half["cost_change_pct"], "%"),
    ]


def _figures(problem: SizingProblem, every: int) -> dict[str, float]:
    reliable = reliable_designs(problem, 30.0, every)
    top = priced_designs(problem, reliable, (6000.0,), PAPER_TERMS).iloc[0]
    return {
        "diesel_alone_kw": float(reliable["diesel_kw"].iloc[0]),
        "threshold_usd": observed_threshold_usd(reliable, problem.surplus_usd),
        "vehicles_6000": float(top["vehicles"]),
        "diesel_6000_kw": float(top["diesel_kw"]),
        "cost_change_pct": float(top["cost_change_pct"]),
        "price_usd_per_hour": float(top["price_usd_per_hour"]),
    }
