"""Features of the GEFCom2014 wind track: forecasts of all ten zones around each hour, nothing measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.physics.wind import direction_difference, speed_and_direction

ZONES = [f"zone_{k:02d}" for k in range(1, 11)]
EMPTY = ("hour", "lead_h")


def read(path: str) -> pd.DataFrame:
    """The track as (site_id, time) with ``observed_kw`` per kW of rated power and forecast winds [m/s]."""
    raw = pd.read_parquet(path)
    raw["site_id"] = "zone_" + raw["zone"].astype(int).astype(str).str.zfill(2)
    names = {
        "power_norm": "observed_kw",
        "u10": "wind_u_10m_ms",
        "v10": "wind_v_10m_ms",
        "u100": "wind_u_100m_ms",
        "v100": "wind_v_100m_ms",
    }
    return (
        raw.rename(columns=names).set_index(["site_id", "time"])[list(names.values())].astype(np.float64).sort_index()
    )


def features(track: pd.DataFrame) -> pd.DataFrame:
    """All columns; those that start with ``all_`` are the same for all zones and serve the net."""
    wide = {column: track[column].unstack("site_id") for column in track.columns}
    speed = {z: speed_and_direction(wide["wind_u_100m_ms"][z], wide["wind_v_100m_ms"][z])[0] for z in ZONES}
    together = pd.DataFrame(speed, index=wide["observed_kw"].index)
    shared = _shared(together, wide)
    return pd.concat(
        {zone: pd.concat([_own(track.loc[zone], together, zone), shared], axis=1) for zone in ZONES}, names=["site_id"]
    )


def _shift(values: np.ndarray, hours: int) -> np.ndarray:
    """The value `hours` later (earlier if negative), the end values held."""
    return values[np.clip(np.arange(len(values)) + hours, 0, len(values) - 1)]


def _own(g: pd.DataFrame, together: pd.DataFrame, zone: str) -> pd.DataFrame:
    (s10, d10), (s100, d100) = (speed_and_direction(g[f"wind_u_{h}m_ms"], g[f"wind_v_{h}m_ms"]) for h in (10, 100))
    hour, day = g.index.hour.to_numpy(), g.index.day_of_year.to_numpy()
    found = {c: g[c].to_numpy() for c in g.columns if c != "observed_kw"}
    found |= {
        "speed_10m": s10,
        "speed_100m": s100,
        "log_shear": np.log((s100 + 0.1) / (s10 + 0.1)),
        "direction_10m": d10,
        "direction_100m": d100,
        "veer": direction_difference(d100, d10),
        "speed_cubed": s100**3,
        "hour": hour,
        "lead_h": (hour + 23) % 24 + 1,
        "hour_sin": np.sin(2 * np.pi * hour / 24),
        "hour_cos": np.cos(2 * np.pi * hour / 24),
        "year_sin": np.sin(2 * np.pi * day / 365),
        "year_cos": np.cos(2 * np.pi * day / 365),
    }
    for k in (1, 2, 3, 4, 6):
        found |= {f"speed_100m_{sign}{k}h": _shift(s100, h) for sign, h in (("before_", -k), ("after_", k))}
    for k in (1, 2, 3):
        found |= {f"speed_10m_{sign}{k}h": _shift(s10, h) for sign, h in (("before_", -k), ("after_", k))}
        found |= {f"direction_100m_{sign}{k}h": _shift(d100, h) for sign, h in (("before_", -k), ("after_", k))}
    series = pd.Series(s100)
    for width in (3, 5, 7, 13):
        found[f"speed_mean_{width}h"] = series.rolling(width, center=True, min_periods=1).mean().to_numpy()
    found["speed_sd_7h"] = series.rolling(7, center=True, min_periods=1).std().to_numpy()
    found["speed_gradient"] = _shift(s100, 1) - _shift(s100, -1)
    run_day = (g.index - pd.Timedelta("1h")).date  # hours 01 to 24 belong to one run; 00:00 to the day before
    found["speed_day_mean"] = series.groupby(run_day).transform("mean").to_numpy()
    others = together.drop(columns=zone)
    found |= {f"other_{k}": others.iloc[:, k].to_numpy() for k in range(9)}
    found["mean_of_zones"] = together.mean(axis=1).to_numpy()
    return pd.DataFrame(found, index=g.index)


def _shared(together: pd.DataFrame, wide: dict[str, pd.DataFrame]) -> pd.DataFrame:
    found = {}
    for k in (-4, -2, 0, 2, 4):
        found |= {f"all_{z}_{k:+d}h": _shift(together[z].to_numpy(), k) for z in ZONES}
    for c in ("u", "v"):
        found |= {f"all_{c}_{z}": wide[f"wind_{c}_100m_ms"][z].to_numpy() for z in ZONES}
    return pd.DataFrame(found, index=together.index)


def for_trees(X: pd.DataFrame) -> list[str]:
    """Columns of the trees."""
    return [c for c in X.columns if not c.startswith("all_")]


def for_net(X: pd.DataFrame) -> pd.DataFrame:
    """Columns of the net: directions as sine and cosine, no raw hours."""
    turning = [c for c in X.columns if c.startswith("direction_")]
    keep = [c for c in X.columns if c not in turning and c not in EMPTY and not c.startswith("other_")]
    angle = np.radians(X[turning].to_numpy())
    sin = pd.DataFrame(np.sin(angle), index=X.index, columns=[f"{c}_sin" for c in turning])
    cos = pd.DataFrame(np.cos(angle), index=X.index, columns=[f"{c}_cos" for c in turning])
    return pd.concat([X[keep], sin, cos], axis=1)
