"""The regression on homes whose heating and cooling are known: one part of run.py."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
from claims import at_least, at_most, claim
from homes import Year, year_of_homes

from cblcast.end_uses import PanelEndUses, end_uses

SOURCE = "simulated homes (this project)"
HOMES = 60


def regression(records: list[dict[str, Any]]) -> tuple[pd.DataFrame, Year, PanelEndUses]:
    """Every home's parts beside the truth."""
    rows, kept = [], None
    for place, part, per_hour in (("Fontana", "cooling", 1), ("Bedford", "heating", 1), ("Fontana", "cooling", 4)):
        year = year_of_homes(place, HOMES if per_hour == 1 else HOMES // 3, per_hour)
        began = time.process_time()
        found = end_uses(year.panel)
        seconds = (time.process_time() - began) / len(year.load_kw)
        step = "hour" if per_hour == 1 else "quarter hour"
        rows.append(beside_truth(year, found, part).assign(place=place, step=step))
        told(records, f"{place}, {part} by the {step}", year, found, part, seconds)
        if place == "Bedford":
            kept = (year, found)
    assert kept is not None
    return pd.concat(rows), *kept


def beside_truth(year: Year, found: PanelEndUses, part: str) -> pd.DataFrame:
    slots = round(24 / year.panel.step_hours)
    mean_day = year.device_kw["other"].reshape(len(year.load_kw), -1, slots).mean(1)
    lowest = np.quantile(mean_day, 0.05, axis=1)
    sites = found.sites
    return pd.DataFrame(
        {
            "part": part,
            "true_kw": year.hvac_kw.mean(1),
            "found_kw": sites[f"{part}_mean_kw"].to_numpy(),
            "lower_kw": sites[f"{part}_lower_kw"].to_numpy(),
            "upper_kw": sites[f"{part}_upper_kw"].to_numpy(),
            "wrong_part_kw": sites[f"{'heating' if part == 'cooling' else 'cooling'}_mean_kw"].to_numpy(),
            "base_true_kw": year.device_kw["refrigerator"].mean(1) + lowest,
            "base_found_kw": sites["base_mean_kw"].to_numpy(),
            "allocated_kw": found.parts[f"{part}_kw"].groupby(level=0).mean().to_numpy(),
            "unexplained_kw": found.parts["unexplained_kw"].groupby(level=0).mean().to_numpy(),
            "load_kw": year.load_kw.mean(1),
        },
        index=sites.index,
    )


def told(records: list[dict[str, Any]], name: str, year: Year, found: PanelEndUses, part: str, seconds: float) -> None:
    table = beside_truth(year, found, part)
    true, got = table["true_kw"], table["found_kw"]
    total = float(np.nanmax(np.abs(found.parts.sum(axis=1, min_count=5) - year.panel.data["observed_kw"])))
    records += [
        claim(
            f"{name}: parts of an interval against its load, largest difference",
            "issue of this project",
            total,
            "kW",
            at_most(1e-9),
            15,
        ),
        claim(
            f"{name}: smallest part of an interval",
            "issue of this project",
            float(np.nanmin(found.parts)),
            "kW",
            at_least(0.0),
            6,
        ),
        claim(
            f"{name}: energy of all homes, found less true",
            SOURCE,
            100 * (got.sum() / true.sum() - 1),
            "% of the true",
            digits=1,
            true_mean_kw=round(float(true.mean()), 4),
        ),
        claim(
            f"{name}: energy home by home, mean absolute error",
            SOURCE,
            100 * (got - true).abs().sum() / true.sum(),
            "% of the true",
            digits=1,
        ),
        claim(f"{name}: correlation over homes of found and true energy", SOURCE, got.corr(true), "1"),
        claim(
            f"{name}: correlation of a home's days, found and true (median of homes)",
            SOURCE,
            of_days(year, found, part),
            "1",
        ),
        claim(f"{name}: found in homes that have none", SOURCE, float(got[true == 0].mean()), "kW", digits=3),
        claim(
            f"{name}: the other weather part, which no home has",
            SOURCE,
            float(table["wrong_part_kw"].mean()),
            "kW",
            digits=3,
        ),
        claim(
            f"{name}: homes whose 90 % limits hold the truth",
            SOURCE,
            100 * float(((table["lower_kw"] <= true + 1e-6) & (true <= table["upper_kw"] + 1e-6)).mean()),
            "%",
            digits=0,
        ),
        claim(
            f"{name}: base, found less true",
            SOURCE,
            100 * (table["base_found_kw"].sum() / table["base_true_kw"].sum() - 1),
            "% of the true",
            digits=1,
        ),
        claim(
            f"{name}: the part where parts add up to the load, less true",
            SOURCE,
            100 * (table["allocated_kw"].sum() / true.sum() - 1),
            "% of the true",
            digits=1,
        ),
        claim(
            f"{name}: unexplained where parts add up to the load",
            SOURCE,
            100 * table["unexplained_kw"].sum() / table["load_kw"].sum(),
            "% of the load",
            digits=1,
        ),
        claim(f"{name}: processor time of a home", "this script", seconds, "s"),
    ]


def of_days(year: Year, found: PanelEndUses, part: str) -> float:
    slots, n = round(24 / year.panel.step_hours), len(year.load_kw)
    got = found.expected[f"{part}_kw"].to_numpy().reshape(n, -1, slots).mean(2)
    true = year.hvac_kw.reshape(n, -1, slots).mean(2)
    both = [np.corrcoef(a, b)[0, 1] for a, b in zip(got, true, strict=True) if np.ptp(a) > 0 and np.ptp(b) > 0]
    return float(np.median(both))
