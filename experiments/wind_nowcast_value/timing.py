"""Seconds to train all 18 leads on 2014, and to make one forecast of 18 leads, with limits and without.

    python experiments/wind_nowcast_value/timing.py

What is judged is the wall clock of the methods as they are, trained one after the other; processor seconds stand beside it,
because a busy machine stretches the wall clock. Writes results_timing.json beside this file.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import at_most, claim, summary, write
from farm import TRAIN, farm_with_weather
from nowcasts import RICH_FEATURES, learned_methods
from run import Rows
from sklearn.base import clone

from cblcast.estimators.learners.stepwise import StepwiseRegression
from cblcast.estimators.wrappers.by_lead import ByLead
from cblcast.estimators.wrappers.recent_intervals import with_lead_intervals
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.nowcast import issue_nowcast
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import Horizon
from cblcast.wishes import merge_wishes

LEADS_MIN = tuple(range(10, 181, 10))


def issued_ms(panel: Panel, name: str, method: Any, first: str = "2014-12-31T20:00Z") -> float:
    """Processor time of one nowcast by a method that is trained, issued at `first` and each ten minutes after [ms]."""
    forecaster = Forecaster(method, RICH_FEATURES, View.nowcast(), name, Horizon(180, step_min=10))
    forecaster.sites = panel.sites
    time = panel.data.index.get_level_values("time")
    year = replace(panel, data=panel.data[(time >= TRAIN[0]) & (time < "2015-01-01T04:00Z")])
    took = []
    for minutes in range(0, 150, 10):
        began = process_time()
        issue_nowcast(forecaster, year, pd.Timestamp(first) + pd.Timedelta(minutes=minutes))
        took.append(1000 * (process_time() - began))
    return float(np.median(took))


def with_limits_ms(panel: Panel, name: str, method: Any) -> float:
    """As :func:`issued_ms` with limits that follow the issues of the last 30 days, all of which lie after the training [ms].

    It is trained on an origin an hour until October, which is as many models as of all, and limits take them four times.
    """
    rows = Rows(panel, ("2014-01-01", "2014-10-01"), LEADS_MIN, merge_wishes(RICH_FEATURES, {"unrest": {}}))
    hourly = pd.DatetimeIndex(rows.X.index.get_level_values("origin")).minute == 0
    limits = with_lead_intervals(clone(method), 0.8).fit(rows.X[hourly], rows.y[hourly])
    return issued_ms(panel, name, limits, "2014-12-20T20:00Z")


def main() -> None:
    start, began = perf_counter(), process_time()
    panel = farm_with_weather()
    rows = Rows(panel, TRAIN, LEADS_MIN, RICH_FEATURES)
    seconds = {"panel and features": process_time() - began}
    methods = {"LR_obs (power)": ByLead(StepwiseRegression(), n_jobs=2)} | learned_methods()
    del methods["blend"]
    for name, method in methods.items():
        began = process_time()
        method.fit(rows.X, rows.y)
        seconds[name] = process_time() - began
        print(name, round(seconds[name], 1), "s", flush=True)
    wall = perf_counter() - start
    one = rows.X[rows.X.index.get_level_values("origin") == rows.X.index[len(rows.X) // 2][1]]
    took = []
    for _ in range(9):
        began = perf_counter()
        for method in methods.values():
            method.predict(one)
        took.append(perf_counter() - began)
    forecast = 1000 * float(np.median(took))
    issued = {name: issued_ms(panel, name, method) for name, method in methods.items()}
    limited = {name: with_limits_ms(panel, name, method) for name, method in methods.items()}
    claims = [
        claim(
            "18 leads of LR, LightGBM and nets trained, wall clock on two cores",
            "project target",
            wall,
            "s",
            at_most(60.0),
            digits=1,
        ),
        claim(
            f"one forecast of {len(one)} leads by all of them, features at hand",
            "project target",
            forecast,
            "ms",
            at_most(50.0),
            digits=1,
        ),
    ]
    claims += [
        claim(
            f"one nowcast of 18 leads issued from a year of data by {name}, features made, processor time",
            "project target",
            spent,
            "ms",
            at_most(30.0),
            digits=1,
        )
        for name, spent in issued.items()
    ]
    claims += [
        claim(
            f"the same with limits that follow 30 days of earlier issues, {name}, processor time",
            "project target",
            spent,
            "ms",
            at_most(30.0),
            digits=1,
        )
        for name, spent in limited.items()
    ]
    claims += [
        claim(f"processor seconds of {name}", "measured by this script", spent, "s", digits=1)
        for name, spent in seconds.items()
    ]
    write(Path(__file__).parent / "results_timing.json", claims)
    print(summary(claims))


if __name__ == "__main__":
    main()
