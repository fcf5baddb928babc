"""Power curves: windpowerlib beside the project's own, on the same speeds and on four real turbines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from claims import Record, at_most, below, claim
from exchange import processor_seconds

from cblcast import datasets
from cblcast.metrics import rmse
from cblcast.physics.power_curve import fit_power_curve, published_power_curve, published_turbines

RATED_KW = 2050.0
LIKE = "MM92/2050"  # of the farm's MM82, 2.05 MW: the nearest in windpowerlib's library
NOT_THEIRS = "V47/660"  # whose curve has another origin
MANY = 1_000_000


def measured() -> pd.DataFrame:
    """Nacelle wind speed and power of the four turbines of La Haute Borne, 10 min; 2015 is judged."""
    frame = (
        datasets.load("la_haute_borne_turbines").data[["wind_speed_nacelle_ms", "observed_kw"]].dropna().reset_index()
    )
    return frame.assign(judged=frame["time"].dt.year == 2015)


def hand_over_wind(folder: Path) -> None:
    """Write ``speeds.parquet`` (a million speeds), ``wind.parquet`` (the judged year) and ``turbines.parquet`` (names)."""
    speeds = np.random.default_rng(0).uniform(0.0, 30.0, MANY)
    pd.DataFrame({"wind_speed_ms": speeds}).to_parquet(folder / "speeds.parquet")
    frame = measured()
    frame[frame["judged"]].reset_index(drop=True).to_parquet(folder / "wind.parquet")
    names = [name for name in published_turbines() if name != NOT_THEIRS]
    pd.DataFrame({"turbine": names, "applied": [name == LIKE for name in names]}).to_parquet(
        folder / "turbines.parquet"
    )


def curve_claims(folder: Path) -> list[Record]:
    """The same curve on the same speeds, seconds, and how far a published and a fitted curve err on real turbines."""
    file = folder / "curves_windpowerlib.parquet"
    if not file.is_file():
        return []
    theirs = pd.read_parquet(file)
    speeds = pd.read_parquet(folder / "speeds.parquet")["wind_speed_ms"].to_numpy()
    seconds = pd.read_parquet(folder / "curve_seconds.parquet")["seconds"].to_numpy()
    began = processor_seconds()
    own = {name: published_power_curve(name)(speeds) for name in theirs.columns}
    took = (processor_seconds() - began) / len(own)
    apart = max(float(np.abs(own[name] - theirs[name].to_numpy()).max()) for name in own)
    frame = measured()
    taught, judged = frame[~frame["judged"]], frame[frame["judged"]]
    fitted = fit_power_curve(taught["wind_speed_nacelle_ms"], taught["observed_kw"])
    load = judged["observed_kw"].to_numpy(dtype=np.float64)
    applied = pd.read_parquet(folder / "power_windpowerlib.parquet")["power_kw"].to_numpy()
    errors = {
        "windpowerlib": 100 * rmse(load, applied) / RATED_KW,
        "fitted": 100 * rmse(load, fitted(judged["wind_speed_nacelle_ms"])) / RATED_KW,
    }
    unit = "% of rated power"
    return [
        claim(f"{len(own)} published curves, a million speeds each: largest difference", "windpowerlib", apart, "kW", at_most(1e-6), 9),
        claim("windpowerlib: a million speeds through a curve", "benchmarks/peers", float(seconds.mean()), "s of processor time", None, 4),
        claim("cblcast: a million speeds through a curve", "benchmarks/peers", took, "s of processor time", None, 4),
        claim(f"La Haute Borne 2015: windpowerlib's {LIKE}, RMSE", "benchmarks/peers", errors["windpowerlib"], unit),
        claim("La Haute Borne 2015: cblcast's curve of 2014 by the method of bins, RMSE", "own target", errors["fitted"], unit,
              below(errors["windpowerlib"])),
    ]  # fmt: skip
