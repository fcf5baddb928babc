"""The nowcasts that value.py prices, made once and kept: half-hour products of 2015, traded 30, 60, 120 and 180 min before delivery.

    python experiments/wind_nowcast_value/forecasts.py            # a few minutes on two idle cores

A half-hour that begins L minutes after the origin needs the leads L+10, L+20 and L+30. Everything is trained on 2014. Writes
scored frames to data/raw/wind_nowcast_value (ignored by git); seeds are those of nowcasts.py and farm.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from farm import RATED_KW, TEST, TRAIN, farm_with_weather, measured_cases
from nowcasts import PAPER_FEATURES, RICH_FEATURES, learned_methods, paper_methods

from cblcast.estimators.wrappers.lead_intervals import LeadIntervals
from cblcast.features.matrix import matrix
from cblcast.forecast.forecaster import truth
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import lead_minutes, rolling_origins
from cblcast.frames.schema import OBSERVED, PREDICTED
from cblcast.physics.wind import shear_exponent

KEPT = Path(__file__).parents[2] / "data" / "raw" / "wind_nowcast_value"
GATES_MIN = (30, 60, 120, 180)
LEADS_MIN = tuple(gate + after for gate in GATES_MIN for after in (10, 20, 30))
LEVELS = tuple(np.round(np.arange(0.05, 0.96, 0.05), 2))
STANDBY_KW = -60.0  # what a standing farm draws
WORSE = 0.15  # the second weather: a good short-range forecast


class Cases:
    """Features and truth of one year; of the test year only origins at which a half-hour begins a gate later."""

    def __init__(self, panel: Panel, span: tuple[str, str], leads: tuple[int, ...], features: dict, every: int) -> None:
        cases = rolling_origins(panel, leads, first=span[0], last=span[1])
        minute = pd.DatetimeIndex(cases.index.get_level_values("origin")).minute
        cases = cases[measured_cases(panel, cases) & (np.asarray(minute) % every == 0)]
        self.X = matrix(panel, cases, features)
        self.y, self.lead = truth(panel, cases), lead_minutes(cases, panel.step)

    def scored(self, name: str, predicted: np.ndarray) -> pd.DataFrame:
        """A scored frame of these cases [kW]."""
        return pd.DataFrame({OBSERVED: self.y, PREDICTED: predicted, "method": name}, index=self.X.index)


def paper_frames(panel: Panel, leads: tuple[int, ...], rated_kw: float, wanted: tuple[str, ...]) -> pd.DataFrame:
    """Scored frame of the paper's nowcasts, lead by lead."""
    low, high = (
        float(np.hypot(panel.column(f"merra2_wind_u_{h}m_ms"), panel.column(f"merra2_wind_v_{h}m_ms")).mean())
        for h in (10, 50)
    )
    methods = {k: v for k, v in paper_methods(shear_exponent(low, high, 10.0, 50.0)).items() if k in wanted}
    frames = []
    for lead in leads:
        train = Cases(panel, TRAIN, (lead,), PAPER_FEATURES, every=10)
        test = Cases(panel, TEST, (lead,), PAPER_FEATURES, every=30)
        for name, method in methods.items():
            predicted = method.fit(train.X, train.y).predict(test.X)
            frames.append(test.scored(name, np.clip(predicted, STANDBY_KW, rated_kw)))
    return pd.concat(frames)


def blend_frames(panel: Panel, intervals: bool) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Scored frame of the blend, and its quantiles [kW] of the same rows."""
    train = Cases(panel, TRAIN, LEADS_MIN, RICH_FEATURES, every=10)
    test = Cases(panel, TEST, LEADS_MIN, RICH_FEATURES, every=30)
    blend = learned_methods()["blend"]
    quantiles = None
    if intervals:
        judged = LeadIntervals(blend, levels=LEVELS, folds=2, floor=STANDBY_KW, ceiling=RATED_KW)
        judged.fit(train.X, train.y)
        found = judged.predict_quantiles(test.X).astype(np.float32)
        quantiles = pd.DataFrame(found, index=test.X.index, columns=[f"{level:.2f}" for level in LEVELS])
        blend = judged.estimator_
    else:
        blend.fit(train.X, train.y)
    return test.scored("blend", np.clip(blend.predict(test.X), STANDBY_KW, RATED_KW)), quantiles


ALL = (
    "persistence",
    "AR by BIC",
    "NWP through IEC curve",
    "NWP through own curve",
    "LR_no-obs (paper)",
    "LR_obs (paper)",
    "LR_obs (power)",
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--weather", choices=("reanalysis", "worse", "both"), default="both")
    chosen = arguments.parse_args().weather
    KEPT.mkdir(parents=True, exist_ok=True)
    for name, error in (("reanalysis", 0.0), ("worse", WORSE)):
        if chosen not in (name, "both"):
            continue
        began = process_time()
        panel = farm_with_weather(error=error)
        paper = paper_frames(panel, LEADS_MIN, RATED_KW, ALL)
        print(name, "paper's methods", round(process_time() - began), "processor s", flush=True)
        blend, quantiles = blend_frames(panel, intervals=error == 0)
        pd.concat([paper, blend]).astype({"method": "category"}).to_parquet(KEPT / f"scored_{name}.parquet")
        if quantiles is not None:
            quantiles.to_parquet(KEPT / "blend_quantiles.parquet")
        print(name, "all", round(process_time() - began), "processor s", flush=True)


if __name__ == "__main__":
    main()
