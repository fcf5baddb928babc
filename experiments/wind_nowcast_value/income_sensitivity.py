"""How income hangs on the assumptions: the surcharge k, the half-spread, the day-ahead error, a shift of the nowcast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from french_market import french_market

from cblcast.value.wind_market import PERFECT, value_wind

SHOWN = ("LR_obs (paper)", "persistence", "blend", PERFECT)
GATE, MODE = 30, "fitted curve"


def _gains(farm: Any, bids: pd.Series, nowcasts: pd.DataFrame, market: Any, rated_mw: float) -> dict[str, float]:
    found = value_wind(farm.output, bids, nowcasts, market, rated_mw)
    return {name: found.gain(name, GATE).sum() / rated_mw / found.weeks for name in SHOWN}


def sensitivities(farm: Any) -> dict[str, pd.DataFrame]:
    """Gain over no nowcast [EUR/MW/week] at 30 min along each assumption, intraday at the day-ahead price (``flat``)."""
    rated = 8.2
    at_gate = farm.nowcasts.xs(GATE, axis=1, level="gate_min", drop_level=False)
    bids = farm.bids(MODE, 0)
    curves: dict[str, dict[Any, dict[str, float]]] = {"k": {}, "half_spread_eur": {}, "day_ahead_nrmse_pct": {}}
    for k in (0.0, 0.02, 0.05, 0.08, 0.12):
        curves["k"][k] = _gains(farm, bids, at_gate, french_market(farm.prices, "flat", k=k), rated)
    for spread in (0.0, 0.5, 1.0, 2.0, 3.0, 4.0):
        market = french_market(farm.prices, "flat", half_spread=spread)
        curves["half_spread_eur"][spread] = _gains(farm, bids, at_gate, market, rated)
    for error in (0.0, 0.1, 0.15, 0.235, 0.35):
        bid = farm.bids(MODE, 0, error=error)
        market = french_market(farm.prices, "flat")
        found = value_wind(farm.output, bid, at_gate, market, rated)
        wrong = (bid - farm.output).reindex(found.products) / (rated / 2) * 100
        curves["day_ahead_nrmse_pct"][round(float(np.sqrt((wrong**2).mean())), 1)] = {
            name: found.gain(name, GATE).sum() / rated / found.weeks for name in SHOWN
        }
    tables = {name: pd.DataFrame(rows).T.rename_axis(name) for name, rows in curves.items()}
    tables["shift_pct_of_rated"] = _shift_scan(farm, at_gate, rated)
    return tables


def _shift_scan(farm: Any, at_gate: pd.DataFrame, rated: float) -> pd.DataFrame:
    """The blend moved by a constant share of rated power: where income has its maximum, a bias would pay."""
    rows: dict[float, dict[str, float]] = {}
    half_hour = rated / 2
    for shift in (-4, -3, -2, -1, 0, 1, 2, 3, 4):
        moved = (at_gate + shift / 100 * half_hour).clip(0, half_hour)
        rows[shift] = {}
        for kind in ("flat", "coupled", "german"):
            gains = []
            for seed in range(2):
                market = french_market(farm.prices, kind, seed + 10)
                found = value_wind(farm.output, farm.bids(MODE, seed), moved, market, rated)
                gains.append(found.gain("blend", GATE).sum() / rated / found.weeks)
            rows[shift][f"blend, {kind}"] = float(np.mean(gains))
    return pd.DataFrame(rows).T.rename_axis("shift_pct_of_rated")
