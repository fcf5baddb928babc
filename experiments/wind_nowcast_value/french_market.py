"""France 2015 for income.py: prices on half-hours, day-ahead bids of a farm, and models of the intraday price.

Prices are read from the folder that CBLCAST_DATA_DIR names (they are not bundled; data/README.md says where they come from).
No intraday price of France is to be had: four simple models of it stand side by side, and the simulated quotes of
cblcast.simulate.orders, whose spread and volatility rise towards delivery.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from farm import HUB_M, TRAIN, WINDS

from cblcast import datasets
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, TIME, DataWarning
from cblcast.io.nwp import attach
from cblcast.io.price_products import to_products
from cblcast.io.prices import read_prices
from cblcast.physics.power_curve import fit_power_curve
from cblcast.physics.wind import shear_exponent
from cblcast.simulate.nwp_error import ar1, raise_nwp_error
from cblcast.simulate.orders import IntradayModel, simulate_quotes, starting_middles
from cblcast.value.market import Market, make_market
from cblcast.value.products import power_energy

PRODUCT_MIN, K, HALF_SPREAD = 30, 0.08, 1.0
GATES_MIN = (30, 60, 120, 180)
DAY_AHEAD_ERROR = 0.235  # what a 24-47 h run differs from a 1-12 h run, of the mean speed per component (GEFCom2012)
MODES = ("fitted curve", "raw IEC curve")
INTRADAY = ("flat", "noise", "coupled", "german")


def data_dir() -> Path:
    """Folder of the large sets; a sentence if it is not named."""
    folder = os.environ.get("CBLCAST_DATA_DIR")
    if not folder or not (Path(folder) / "market").is_dir():
        raise SystemExit("prices are not bundled: let CBLCAST_DATA_DIR name a folder with market/ (see data/README.md)")
    return Path(folder)


def half_hours(year: int = 2015) -> pd.DatetimeIndex:
    """Starts of the half-hours of a local year of Paris."""
    first, last = (pd.Timestamp(f"{y}-01-01", tz="Europe/Paris").tz_convert("UTC") for y in (year, year + 1))
    return pd.date_range(first, last, freq="30min", inclusive="left", unit="us")


def french_prices(year: int = 2015) -> pd.DataFrame:
    """Day-ahead prices and RTE's balancing prices on half-hours."""
    folder = data_dir() / "market"
    times = half_hours(year)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the flattened days of six years, told in the README
        spot = read_prices(
            folder / "fr_day_ahead_hourly_2011_2016.parquet",
            columns={"price_eur_mwh": "day_ahead_per_mwh"},
            clock="Europe/Paris",
            days="flattened",
        )
    names = {"trend": "trend", "up_wavg_eur_mwh": "up_per_mwh", "down_wavg_eur_mwh": "down_per_mwh"}
    balancing = read_prices(folder / "fr_rte_balancing_30min_2014_2017.parquet", columns=names)
    return to_products(spot, times, PRODUCT_MIN).join(to_products(balancing, times, PRODUCT_MIN))


def intraday_middle(prices: pd.DataFrame, kind: str, seed: int) -> np.ndarray:
    """One path of the middle of the intraday prices [EUR/MWh], hourly.

    ``flat``: the day-ahead price; ``noise``: plus an AR(1) of 5 EUR; ``coupled``: plus 40 % of the imbalance spread to come and
    4 EUR of noise; ``german``: 6.5 EUR below, as in the paper, which sells at 31 and buys at 33 EUR in a German book while the
    French day-ahead price is 38.5.
    """
    spot = prices["day_ahead_per_mwh"].to_numpy()
    hours = len(spot) // 2
    noise = np.repeat(ar1(hours, 1.0, 0.8, np.random.default_rng(seed)), 2)
    if kind == "flat":
        return spot.copy()
    if kind == "noise":
        return spot + 5 * noise
    if kind == "german":
        return spot - 6.5 + 5 * noise
    plain = make_market(prices.assign(intraday_per_mwh=spot), "french", PRODUCT_MIN, k=K)
    up, down = prices["trend"].to_numpy() > 0, prices["trend"].to_numpy() < 0
    lean = np.where(up, plain.short - spot, np.where(down, plain.long - spot, 0.0))
    return spot + 0.4 * np.repeat(lean.reshape(-1, 2).mean(axis=1), 2) + 4 * noise


def french_market(
    prices: pd.DataFrame, kind: str = "noise", seed: int = 10, k: float = K, half_spread: float = HALF_SPREAD
) -> Market:
    """The three markets with one model of the intraday price, the same at every gate."""
    middle = intraday_middle(prices, kind, seed)
    return make_market(prices.assign(intraday_per_mwh=middle), "french", PRODUCT_MIN, k=k, half_spread=half_spread)


def quoted_market(prices: pd.DataFrame, model: IntradayModel, seed: int = 10) -> Market:
    """The three markets with simulated best prices that depend on the gate; both half-hours of an hour share a book."""
    spot = prices["day_ahead_per_mwh"].to_numpy()
    hourly = spot.reshape(-1, 2).mean(axis=1)
    gates = sorted(GATES_MIN, reverse=True)
    rng = np.random.default_rng(seed)
    sell, buy = simulate_quotes(starting_middles(hourly, model), np.array(gates, dtype=float), model, rng)
    by_gate = [{gate: np.repeat(side[:, k], 2) for k, gate in enumerate(gates)} for side in (sell, buy)]
    plain = make_market(prices.assign(intraday_per_mwh=spot), "french", PRODUCT_MIN, k=K)
    return Market(plain.times, plain.day_ahead, plain.long, plain.short, by_gate[0], by_gate[1], PRODUCT_MIN)


def day_ahead_bids(panel: Panel, mode: str, seed: int, error: float = DAY_AHEAD_ERROR) -> pd.Series:
    """Hourly day-ahead bids of one farm from ERA5 made as wrong as a forecast of the day before [MWh per half-hour].

    ``fitted curve``: the farm's own curve against that forecast, learned in 2014. ``raw IEC curve``: the paper's way, forecast
    wind at hub height through the curve of the nacelle's wind, with the bias that it has.
    """
    era5 = {"era5": datasets.load_reanalysis("era5")}
    mean = float(np.hypot(era5["era5"]["wind_u_100m_ms"], era5["era5"]["wind_v_100m_ms"]).mean())
    wrong = raise_nwp_error(era5, WINDS, mean, relative_sd=error, seed=seed)["era5"]
    speed = attach(panel, wrong[["wind_speed_100m_ms"]], "bid_").column("bid_wind_speed_100m_ms").astype(np.float64)
    output = panel.column("observed_kw").astype(np.float64)
    times = pd.DatetimeIndex(panel.data.index.get_level_values(TIME))
    past = (times >= pd.Timestamp(TRAIN[0], tz="UTC")) & (times < pd.Timestamp(TRAIN[1], tz="UTC"))
    if mode == "fitted curve":
        curve, at = fit_power_curve(speed[past], output[past]), speed
    else:
        low, high = (
            float(np.hypot(panel.column(f"merra2_wind_u_{h}m_ms"), panel.column(f"merra2_wind_v_{h}m_ms")).mean())
            for h in (10, 50)
        )
        nacelle = panel.column("wind_speed_nacelle_ms").astype(np.float64)
        curve = fit_power_curve(nacelle[past], output[past])
        at = speed * (HUB_M / 100) ** shear_exponent(low, high, 10.0, 50.0)
    power = pd.Series(curve(at), index=panel.data.index)
    hour = pd.DatetimeIndex(power.index.get_level_values(TIME)).floor("h")
    hourly = power.groupby([power.index.get_level_values(SITE), hour]).mean()
    hourly.index = hourly.index.set_names([SITE, TIME])
    return power_energy(hourly, PRODUCT_MIN)


def in_world(table: pd.DataFrame, mode: str, kind: str = "noise") -> pd.DataFrame:
    """The rows of one way of bidding and one model of the intraday price, by (method, gate_min)."""
    level = table.index.get_level_values
    return table[(level("mode") == mode) & (level("intraday") == kind)].droplevel(["mode", "intraday"])
