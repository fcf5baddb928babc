"""Seconds to train and to ask the learned baselines: ``python benchmarks/learned_baselines/run.py``.

Hourly site-years of the bundled Cambridge buildings, one thread. Writes ``results.json`` beside this file.
"""

# ruff: noqa: E402  (the thread counts must be set before numpy is loaded)
from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before numpy: one core is what is promised
sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import at_most, claim, write

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.forest import ExtraTrees
from cblcast.estimators.learners.regression import LeastSquares, Ridge
from cblcast.estimators.learners.time_of_week_temperature import TimeOfWeekTemperature
from cblcast.features.calendar import Calendar
from cblcast.features.weather import Weather
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.cases import View, make_cases
from cblcast.frames.panel import Panel

HERE = Path(__file__).parent
REPEATS = 5
SOURCE = "project target, speed"


def site_years(panel: Panel) -> tuple[pd.DataFrame, np.ndarray]:
    """Calendar and weather of every metered hour of 2018, all sites: one row an hour."""
    events = placebo_events(panel, "00:00", "24:00", days="all", first="2018-01-01", last="2018-12-31")
    cases = make_cases(panel, events, View.day_ahead())
    X = pd.concat([Calendar()(panel, cases), Weather()(panel, cases)], axis=1)
    y = truth(panel, cases)
    return X[np.isfinite(y)], y[np.isfinite(y)]


def seconds(make: object, X: pd.DataFrame, y: np.ndarray) -> dict[str, float]:
    """Median seconds of training (on the wall, of the processor) and of prediction."""
    fit, ask, cpu = [], [], []
    for _ in range(REPEATS):
        began, began_cpu = perf_counter(), process_time()
        fitted = make().fit(X, y)  # type: ignore[operator]
        trained = perf_counter()
        cpu.append(process_time() - began_cpu)
        fitted.predict(X)
        fit.append(trained - began)
        ask.append(perf_counter() - trained)
    return {"fit": median(fit), "predict": median(ask), "fit_cpu": median(cpu)}


def main() -> None:
    panel = datasets.load("cambridge_sme")
    X, y = site_years(panel)
    site = X.index.get_level_values("site_id")
    n_sites = site.nunique()
    single = site == site[0]
    linear = ("temp_air_c", "temp_air_c_mean_24h", "heating_degree_c", "cooling_degree_c", "year_sin", "year_cos")
    made = {
        "LeastSquares, one model per hour of the day": (lambda: LeastSquares(linear, by=("site_id", "hour")), 20.0),
        "Ridge with GCV, one model per hour of the day": (lambda: Ridge(linear, by=("site_id", "hour")), 20.0),
        "TimeOfWeekTemperature": (TimeOfWeekTemperature, 20.0),
        "Boosting, 200 trees": (Boosting, 500.0),
        "ExtraTrees, 100 trees": (ExtraTrees, None),
    }
    results = []
    for name, (make, limit) in made.items():
        alone = seconds(make, X[single], y[single])
        more: dict[str, object] = {"predict_ms": round(1e3 * alone["predict"], 2), "rows": int(single.sum())}
        if name.startswith(("Ridge", "Least", "Time")):
            together = seconds(make, X, y)
            more["fit_ms_per_site_of_twelve"] = round(1e3 * together["fit"] / n_sites, 2)
        more["fit_cpu_ms"] = round(1e3 * alone["fit_cpu"], 2)
        asked = None if limit is None else at_most(limit)
        text = f"{name}: training on one hourly site-year"
        results.append(claim(text, SOURCE, 1e3 * alone["fit"], "ms", asked, **more))
    whole = Forecaster(LearnedBaseline())
    events = placebo_events(panel, "17:00", "20:00", first="2017-01-01", last="2018-12-31")
    cases = whole.cases(panel, events)
    began = perf_counter()
    matrix = whole.matrix(panel, cases)
    built = perf_counter()
    known = np.isfinite(truth(panel, cases))
    whole.estimator.fit(matrix[known], truth(panel, cases)[known])
    trained = perf_counter()
    whole.estimator.predict(matrix)
    answered = perf_counter()
    text = f"LearnedBaseline: features and training, {n_sites} sites, {len(events)} events of 2017-2018"
    parts = {"features_s": built - began, "fit_s": trained - built, "predict_s": answered - trained}
    parts = {name: round(value, 2) for name, value in parts.items()}
    results.append(claim(text, SOURCE, answered - began, "s", **parts))
    for row in results:
        row["machine"] = f"one thread of {os.cpu_count()} {platform.machine()} cores"
        print(row)
    write(HERE / "results.json", results)


if __name__ == "__main__":
    main()
