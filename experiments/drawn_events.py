"""Event days drawn for injected cases, shared by the experiments that lay events into measured load."""

from __future__ import annotations

import numpy as np
import pandas as pd


def draw(events: pd.DataFrame, seed: int, count: int, apart_days: int = 2) -> pd.DataFrame:
    """`count` events of each site, at least `apart_days` apart, so that one case does not disturb the next."""
    rng = np.random.default_rng(seed)
    kept = []
    for _, own in events.groupby("site_id", sort=True):
        order = own.iloc[rng.permutation(len(own))]
        day = order["start"].dt.floor("D")
        taken: list[int] = []
        for k in range(len(order)):
            if all(abs((day.iloc[k] - day.iloc[j]).days) >= apart_days for j in taken):
                taken.append(k)
            if len(taken) == count:
                break
        kept.append(order.iloc[taken])
    return pd.concat(kept).sort_values(["site_id", "start"], ignore_index=True)


def draw_weeks(events: pd.DataFrame, seed: int, weeks: int) -> pd.DataFrame:
    """Every event of `weeks` weeks of each site, with a free week between any two: people are asked day after day."""
    rng = np.random.default_rng(seed)
    kept = []
    for _, own in events.groupby("site_id", sort=True):
        week = (own["start"] - pd.Timestamp("2001-01-01", tz="UTC")).dt.days // 7
        known = week.unique()
        chosen = rng.choice(known[known % 2 == 0], weeks, replace=False)
        kept.append(own[week.isin(chosen)])
    return pd.concat(kept).sort_values(["site_id", "start"], ignore_index=True)
