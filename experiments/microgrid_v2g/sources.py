"""Wind, load, sun and prices of the experiment: bundled where it can be, the rest from CBLCAST_DATA_DIR."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.config.microgrid import MicrogridStudy
from cblcast.physics.power_curve import published_power_curve
from cblcast.simulate.island_scenarios import IslandYear, on_calendar, turbine_power
from cblcast.workflow.island_year import island_year
from cblcast.workflow.microgrid import read_microgrid

HERE = Path(__file__).parent
TURBINE, MEAN_MS, PEAK_KW = "V47/660", 9.0, 1000.0


def study(scenarios: str = "drawn", **changes: dict[str, object]) -> MicrogridStudy:
    """manjil.yaml with sections changed."""
    own = read_microgrid(HERE / "manjil.yaml")
    changes = {"island": {"scenarios": scenarios}, **changes}
    return own.model_copy(update={key: getattr(own, key).model_copy(update=new) for key, new in changes.items()})


def headline_year() -> IslandYear:
    """La Haute Borne 2015 at 9 m/s, the Cambridge load at 1 MW."""
    return island_year(study())[0]


def given(name: str) -> Path | None:
    """A file that is not bundled, if it is at hand."""
    folder = os.environ.get(datasets.ENVIRONMENT_VARIABLE)
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None


def farm_speed(year: int) -> pd.Series:
    """Nacelle wind speed of La Haute Borne [m/s]."""
    speed = datasets.load("la_haute_borne").data["wind_speed_nacelle_ms"].loc["la_haute_borne"].astype("float64")
    return speed.loc[f"{year}-01-01" : f"{year}-12-31 23:50"]


def mast_speed() -> pd.Series | None:
    """The met mast at 80 m, one year [m/s]; its naive times are taken as UTC."""
    path = given("wind/brightwind_mast_10min_2016_2017.parquet")
    if path is None:
        return None
    raw = pd.read_parquet(path, columns=["time", "Spd80mN"])
    speed = pd.Series(raw["Spd80mN"].to_numpy(), pd.DatetimeIndex(raw["time"]).tz_localize("UTC")).sort_index()
    speed = speed[~speed.index.duplicated()]
    return speed.reindex(pd.date_range("2016-02-01", "2017-01-31 23:50", freq="10min", tz="UTC", unit="us"))


def loads() -> dict[str, tuple[pd.Series, str]]:
    """Measured loads by name, with the zone of their calendar."""
    twelve = datasets.load("cambridge_sme").data["observed_kw"].astype("float64").unstack("site_id")
    found = {
        "Cambridge, 12 buildings": (twelve.sum(axis=1, min_count=12).loc["2017":"2018"], "Europe/London"),
        "Turin, one building": (
            datasets.load("turin").data["observed_kw"].astype("float64").droplevel(0),
            "Europe/Rome",
        ),
    }
    if (path := given("load/vic_elec_30min_2012_2014.parquet")) is not None:
        raw = pd.read_parquet(path)
        index = raw.index if isinstance(raw.index, pd.DatetimeIndex) else pd.DatetimeIndex(raw["timestamp_utc"])
        found["Victoria, whole state"] = (
            pd.Series(raw["demand_mwh"].to_numpy(np.float64), index),
            "Australia/Melbourne",
        )
    if (path := given("load/eia_ciso_demand_hourly_2015_2020.parquet")) is not None:
        raw = pd.read_parquet(path)
        start = pd.DatetimeIndex(raw["timestamp_utc"]).tz_localize("UTC") - pd.Timedelta("1h")  # labels are hour ends
        demand = pd.Series(raw["demand_mw"].to_numpy(np.float64), start).loc["2016":"2018"]
        found["California, whole state"] = (demand, "America/Los_Angeles")
    return found


def year_of(speed: pd.Series, load: tuple[pd.Series, str], mean_ms: float | None = MEAN_MS) -> IslandYear:
    """One year of turbines and load; the wind scaled to `mean_ms`, or as measured."""
    scale = 1.0 if mean_ms is None else mean_ms / float(speed.mean())
    power = turbine_power(speed.to_numpy(), published_power_curve(TURBINE), 2, scale)
    times = pd.DatetimeIndex(speed.index)
    carried = on_calendar(load[0], times, load[1], "load")
    return IslandYear(times, power, carried * PEAK_KW / np.nanmax(carried))


def day_ahead_eur_per_kwh() -> pd.Series | None:
    """French day-ahead prices of 2015 by Paris clock; the file has 24 hours every day, so the clock is kept without a zone."""
    path = given("market/epf_day_ahead_fr_de_be_np.parquet")
    if path is None:
        return None
    raw = pd.read_parquet(path)
    french = raw[raw["zone"] == "FR"]
    return pd.Series(french["price"].to_numpy(np.float64) / 1000, pd.DatetimeIndex(french["time_local"])).loc["2015"]


def fontana_sun(times: pd.DatetimeIndex) -> np.ndarray | None:
    """PV of the Fontana homes per kW installed, carried to `times`; homes 14 and 15 are broken and left out."""
    path = given("load/citylearn2022_fontana_17homes_hourly.parquet")
    if path is None:
        return None
    raw = pd.read_parquet(path, columns=["building", "timestamp_pst", "solar_kwh", "pv_kw"])
    raw = raw[~raw["building"].isin([14, 15])]
    sums = raw.groupby("timestamp_pst")[["solar_kwh", "pv_kw"]].sum()
    sun = (sums["solar_kwh"] / sums["pv_kw"]).tz_localize("Etc/GMT+8").tz_convert("UTC")
    return np.maximum(
        on_calendar(sun, times, "Etc/GMT-1", "sun"), 0.0
    )  # noon stays noon: by standard time of either place
