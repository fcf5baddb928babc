"""The features and the methods of the accuracy study. Every choice here was made inside 2014 (see README.md)."""

from __future__ import annotations

from typing import Any

from farm import HUB_M, RATED_KW, TURBINES

from cblcast.estimators.learners.autoregression import Autoregression
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.power_curve import BinnedCurve
from cblcast.estimators.learners.speed_first import SpeedFirst
from cblcast.estimators.learners.stepwise import StepwiseRegression
from cblcast.estimators.neural.lead_net import LeadNet
from cblcast.estimators.rules.persistence import Persistence, SmartPersistence
from cblcast.estimators.wrappers.by_lead import ByLead
from cblcast.estimators.wrappers.ensemble import Ensemble
from cblcast.estimators.wrappers.residual import Residual

LEADS_MIN = (10, 20, 30, 60, 90, 120, 180)
HOURS = (-2.0, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
ERA5 = tuple(
    f"era5_{c}"
    for c in ("wind_u_100m_ms", "wind_v_100m_ms", "wind_speed_100m_ms", "temp_air_2m_k", "pressure_surface_pa")
)
MERRA2 = tuple(
    f"merra2_{c}"
    for c in (
        "pressure_surface_pa",
        "temp_skin_k",
        "wind_u_10m_ms",
        "wind_v_10m_ms",
        "wind_u_50m_ms",
        "wind_v_50m_ms",
        "temp_air_2m_k",
        "temp_air_10m_k",
        "wind_u_850hpa_ms",
        "wind_v_850hpa_ms",
        "temp_air_850hpa_k",
        "wind_speed_50m_ms",
        "wind_speed_10m_ms",
        "wind_speed_850hpa_ms",
    )
)
SHEAR = (
    ("merra2_wind_speed_850hpa_ms", "merra2_wind_speed_10m_ms"),
    ("merra2_wind_speed_50m_ms", "merra2_wind_speed_10m_ms"),
)
STABILITY = (("merra2_temp_air_850hpa_k", "merra2_temp_air_2m_k"), ("merra2_temp_air_10m_k", "merra2_temp_air_2m_k"))
WIND = "era5_wind_speed_100m_ms"
LAST_KW, LAST_MS = "observed_kw_ago_1", "wind_speed_nacelle_ms_ago_1"

# What the paper's regressions and the curves see: table 2 as far as the products have it, and the last measurements.
PAPER_FEATURES: dict[str, dict[str, Any]] = {
    "nwp": {
        "columns": (*ERA5, *MERRA2, "era5_air_density_100m_kgm3", "merra2_air_density_50m_kgm3"),
        "cubed": (WIND,),
        "shear": SHEAR,
        "difference": STABILITY,
    },
    "nwp_error": {"speed": WIND, "measured_speed": "wind_speed_nacelle_ms", "ago": (1,)},
    "lags": {"columns": ("observed_kw", "wind_speed_nacelle_ms"), "ago": tuple(range(1, 19))},
}
_SHEARS = tuple(f"shear_{a}_{b}" for a, b in SHEAR)
_DIFFERENCES = tuple(f"difference_{a}_{b}" for a, b in STABILITY)
TABLE_2 = (*ERA5, *MERRA2, *_SHEARS, *_DIFFERENCES)
WITH_CUBE = (*TABLE_2, f"{WIND}_cubed", "era5_air_density_100m_kgm3", "merra2_air_density_50m_kgm3")

RICH_FEATURES: dict[str, dict[str, Any]] = {
    "nwp": {
        "columns": (*ERA5, "merra2_wind_speed_50m_ms", "merra2_wind_speed_10m_ms", "merra2_wind_speed_850hpa_ms"),
        "shear": SHEAR[1:],
        "difference": STABILITY,
        "path": (*ERA5[:3], "merra2_wind_speed_50m_ms", "merra2_wind_speed_10m_ms", "merra2_wind_speed_850hpa_ms"),
        "path_difference": STABILITY,
        "hours": HOURS,
    },
    "nwp_error": {
        "speed": WIND,
        "measured_speed": "wind_speed_nacelle_ms",
        "ago": (1, 2, 4, 7, 13, 19),
        "means": (6, 18, 36, 144),
        "hours": HOURS,
        "u": ERA5[0],
        "v": ERA5[1],
        "measured_direction": "wind_dir_nacelle_deg",
        "also": (("temp_air_c", "era5_temp_air_2m_k"),),
    },
    "lags": {
        "columns": ("observed_kw", "wind_speed_nacelle_ms"),
        "ago": (*range(1, 13), 15, 18, 24, 36),
        "means": (3, 6, 18, 36),
        "spreads": (3, 6, 18, 36),
        "directions": ("wind_dir_nacelle_deg",),
        "direction_ago": (1, 4, 7, 13),
        "latest": ("temp_air_c", *(f"turbine_{t}_{unit}" for t in TURBINES for unit in ("kw", "ms"))),
    },
    "power_deficit": {
        "pairs": (
            ("observed_kw", "wind_speed_nacelle_ms", RATED_KW),
            *((f"turbine_{t}_kw", f"turbine_{t}_ms", RATED_KW / 4) for t in TURBINES),
        ),
        "ago": (1, 2),
        "means": (6,),
    },
    "origin_clock": {},
}


def paper_methods(alpha: float) -> dict[str, Any]:
    """The paper's rows and the classical ones; one lead at a time."""
    return {
        "persistence": Persistence(),
        "smart persistence": SmartPersistence(RATED_KW, weight=0.3),
        "AR by BIC": Autoregression(),
        "NWP through IEC curve": BinnedCurve(WIND, LAST_MS, LAST_KW, speed_factor=(HUB_M / 100) ** alpha),
        "NWP through own curve": BinnedCurve(WIND),
        "LR_no-obs (paper)": SpeedFirst(StepwiseRegression(TABLE_2, max_columns=14)),
        "LR_no-obs (power)": StepwiseRegression(WITH_CUBE),
        "LR_obs (paper)": SpeedFirst(StepwiseRegression((*TABLE_2, "observed_minus_nwp_ms"), max_columns=14)),
        "LR_obs (power)": StepwiseRegression((*WITH_CUBE, "nwp_power", "observed_minus_nwp", "observed_minus_nwp_ms")),
    }


def refitted_methods() -> dict[str, Any]:
    """Members of the blend that is refitted: two kinds of nets, boosting with constant and with linear leaves."""
    drawn: dict[str, Any] = {"learning_rate": 0.05, "subsample": 0.7, "max_bin": 63, "random_state": 1}
    steps = Boosting(n_estimators=210, num_leaves=20, min_child_samples=300, colsample_bytree=0.3, **drawn)
    lines = Boosting(
        n_estimators=100,
        num_leaves=14,
        min_child_samples=600,
        colsample_bytree=0.25,
        reg_lambda=0.0,
        linear=True,
        linear_lambda=100.0,
        **drawn,
    )
    return {
        "nets (linear path)": LeadNet((64, 32), n_nets=3, epochs=5, skip=True),
        "nets": LeadNet((128, 64), n_nets=3, epochs=6, skip=False, seed=100),
        "LightGBM": ByLead(Residual(steps, Persistence())),
        "LightGBM with linear leaves": ByLead(Residual(lines, Persistence())),
    }


def learned_methods() -> dict[str, Any]:
    """Learners that see all leads at once."""
    trees = Boosting(
        n_estimators=350,
        learning_rate=0.03,
        num_leaves=20,
        min_child_samples=300,
        subsample=0.7,
        colsample_bytree=0.3,
        random_state=1,
    )
    members = {
        "LightGBM": ByLead(Residual(trees, Persistence()), n_jobs=2),
        "nets (linear path)": LeadNet((64, 32), n_nets=3, epochs=5, skip=True),
        "nets": LeadNet((128, 64), n_nets=3, epochs=6, skip=False, seed=100),
    }
    return {**members, "blend": Ensemble(tuple(members.values()))}
