"""The value of nowcasts in money: La Haute Borne 2015 in the French markets, beside the paper's two farms; and elsewhere.

    CBLCAST_DATA_DIR=… python experiments/wind_nowcast_value/income.py

The first run makes the nowcasts (forecasts.py, about five processor minutes) and keeps them.

Writes results_income.json, income.csv and the pictures beside this file. Intraday prices are modelled, since none of France are
to be had; every number of income rests on such assumptions, so rankings and curves are what to read (income.md).
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import income_figures
import numpy as np
import pandas as pd
from claims import summary, write
from farm import RATED_KW, farm_with_weather
from forecasts import KEPT
from french_market import GATES_MIN, MODES, PRODUCT_MIN, day_ahead_bids, french_market, french_prices, in_world
from income_claims import income_claims
from income_claims_further import further_claims
from income_elsewhere import belgium, ireland, turkey
from income_farms import bundled_farms, turbines_and_their_netting
from income_sensitivity import sensitivities
from income_strategies import figure_6, strategies_by_quote, strategies_in_books

from cblcast.frames.panel import Panel
from cblcast.value.products import nowcast_energy, observed_energy
from cblcast.value.wind_market import Valuation, value_wind
from cblcast.value.wind_tables import income_table

HERE = Path(__file__).parent
SEEDS = range(4)
RATED_MW = RATED_KW / 1000


@dataclass
class Farm:
    """La Haute Borne, its nowcasts and its bids, made when they are asked for."""

    panel: Panel
    prices: pd.DataFrame
    weather: str = "reanalysis"

    @cached_property
    def scored(self) -> pd.DataFrame:
        path = KEPT / f"scored_{self.weather}.parquet"
        if not path.is_file():
            # Some minutes, once: the nowcasts are kept, and every further run begins with them.
            subprocess.run([sys.executable, str(HERE / "forecasts.py"), "--weather", self.weather], check=True)
        return pd.read_parquet(path)

    @cached_property
    def nowcasts(self) -> pd.DataFrame:
        return nowcast_energy(self.scored, PRODUCT_MIN, GATES_MIN, max_wait_min=0)

    @cached_property
    def output(self) -> pd.Series:
        return observed_energy(self.scored, PRODUCT_MIN)

    def bids(self, mode: str, seed: int, **more: float) -> pd.Series:
        """Day-ahead bids, kept once made."""
        key = (mode, seed, *sorted(more.items()))
        if key not in _BIDS:
            _BIDS[key] = day_ahead_bids(self.panel, mode, seed, **more)
        return _BIDS[key]

    def valuation(self, mode: str, seed: int, kind: str = "noise", **terms: Any) -> Valuation:
        """One priced world: bids of `seed`, intraday prices of another."""
        market = french_market(self.prices, kind, seed + 10, **terms)
        return value_wind(self.output, self.bids(mode, seed), self.nowcasts, market, RATED_MW)


_BIDS: dict[tuple, pd.Series] = {}


def income_over_seeds(farm: Farm) -> pd.DataFrame:
    """Income of every case, day-ahead mode and intraday model: mean over seeds, and the gain's spread over them."""
    rows = []
    for mode in MODES:
        for kind in ("flat", "noise", "coupled", "german"):
            tables = [income_table(farm.valuation(mode, seed, kind)) for seed in SEEDS]
            mean = sum(tables[1:], tables[0]) / len(tables)
            gains = np.array([table["gain_eur_per_mw_week"] for table in tables])
            rows.append(mean.assign(gain_sd_of_seeds=gains.std(axis=0, ddof=1), mode=mode, intraday=kind))
    return pd.concat(rows).set_index(["mode", "intraday"], append=True).reorder_levels([2, 3, 0, 1])


def main() -> None:
    panel, prices = farm_with_weather(), french_prices()
    farm = Farm(panel, prices)
    table = income_over_seeds(farm)
    table.round(3).to_csv(HERE / "income.csv", lineterminator="\n")
    shown = in_world(table, MODES[0])[["income_eur", "gain_eur_per_mw_week", "gain_se", "gain_pct"]]
    print(shown.round(2).to_string(), flush=True)
    worse = Farm(panel, prices, "worse")
    parts = {
        "income": table,
        "worse": pd.concat({m: income_table(worse.valuation(m, 0)) for m in MODES}, names=["mode"]),
        "curves": sensitivities(farm),
        "figure_6": figure_6(prices),
        "strategies": strategies_by_quote(farm),
        "in_books": strategies_in_books(farm),
        "turbines": turbines_and_their_netting(farm),
        "farms": bundled_farms(farm),
        "turkey": turkey(),
        "ireland": ireland(farm),
        "belgium": belgium(farm),
    }
    for name in list(parts)[1:]:
        print(f"\n## {name}\n{_shown(parts[name])}", flush=True)
    records = income_claims(farm, parts) + further_claims(parts)
    write(HERE / "results_income.json", records)
    income_figures.draw_all(farm, parts, HERE)
    print(summary(records))


def _shown(part: Any) -> str:
    if isinstance(part, dict):
        return "\n".join(f"# {name}\n{_shown(value)}" for name, value in part.items())
    return part.round(2).to_string() if isinstance(part, (pd.DataFrame, pd.Series)) else str(part)


if __name__ == "__main__":
    main()
