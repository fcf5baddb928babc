"""La Haute Borne as a panel: farm, turbines, and two reanalyses, from the bundled samples."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED
from cblcast.io.nwp import attach
from cblcast.simulate.nwp_error import raise_nwp_error

TRAIN, TEST = ("2014-01-01", "2015-01-01"), ("2015-01-01", "2016-01-01")
RATED_KW, HUB_M = 8200.0, 80.0
TURBINES = ("R80711", "R80721", "R80736", "R80790")
# Shares of the error that each wind takes: less near the ground, more aloft (from the mean speeds of the products).
WINDS = {
    "era5": (("wind_u_100m_ms", "wind_v_100m_ms", "wind_speed_100m_ms", 1.0),),
    "merra2": (
        ("wind_u_50m_ms", "wind_v_50m_ms", "wind_speed_50m_ms", 0.88),
        ("wind_u_10m_ms", "wind_v_10m_ms", None, 0.6),
        ("wind_u_850hpa_ms", "wind_v_850hpa_ms", None, 1.2),
    ),
}


def farm_with_weather(error: float = 0.0, seed: int = 5) -> Panel:
    """The farm with its turbines' columns and both reanalyses; `error` raises theirs to that of a forecast."""
    farm, turbines = datasets.load("la_haute_borne"), datasets.load("la_haute_borne_turbines")
    products = {name: datasets.load_reanalysis(name) for name in ("era5", "merra2")}
    if error:
        mean = float(np.hypot(products["era5"]["wind_u_100m_ms"], products["era5"]["wind_v_100m_ms"]).mean())
        products = raise_nwp_error(products, WINDS, mean, relative_sd=error, seed=seed)
    columns = {}
    times = farm.data.index.get_level_values("time")
    for turbine in TURBINES:
        one = turbines.data.loc[turbine].reindex(times)
        columns[f"turbine_{turbine}_kw"] = one[OBSERVED].to_numpy(np.float64)
        columns[f"turbine_{turbine}_ms"] = one["wind_speed_nacelle_ms"].to_numpy(np.float64)
    panel = Panel(farm.data.assign(**columns), farm.sites)
    for name, frame in products.items():
        panel = attach(panel, frame, f"{name}_")
    return panel


def measured_cases(panel: Panel, cases: pd.DataFrame) -> np.ndarray:
    """Cases whose target was metered and whose last interval before the origin has power and wind: those that are scored."""
    site = panel.site_codes(cases.index.get_level_values("site_id"))
    time = pd.DatetimeIndex(cases.index.get_level_values("time")).asi8
    last = pd.DatetimeIndex(cases.index.get_level_values("origin")).asi8 - panel.step_us
    there = [
        np.isfinite(panel.values_at(column, site, at))
        for column in (OBSERVED, "wind_speed_nacelle_ms")
        for at in (time, last)
    ]
    return np.logical_and.reduce(there)
