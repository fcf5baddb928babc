"""Seconds to train all 18 leads on 2014, and to make one forecast of 18 leads.

    python experiments/wind_nowcast_value/timing.py

What is judged is the wall clock of the methods as they are, trained one after the other; processor seconds stand beside it,
because a busy machine stretches the wall clock. Writes timing.json beside this file.
"""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from farm import TRAIN, farm_with_weather
from nowcasts import RICH_FEATURES, learned_methods
from run import Rows, claim

from cblcast.estimators.learners.stepwise import StepwiseRegression
from cblcast.estimators.wrappers.by_lead import ByLead

LEADS_MIN = tuple(range(10, 181, 10))


def main() -> None:
    start, began = perf_counter(), process_time()
    rows = Rows(farm_with_weather(), TRAIN, LEADS_MIN, RICH_FEATURES)
    seconds = {"panel and features": process_time() - began}
    methods = {"LR_obs (power)": ByLead(StepwiseRegression())} | learned_methods()
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
    trained, asked = (
        "18 leads of LR, LightGBM and nets trained, wall clock on two cores",
        f"one forecast of {len(one)} leads",
    )
    claims = [
        claim(trained, "project target", 60.0, round(wall, 1), "s", wall <= 60),
        claim(
            f"{asked} by all of them, features at hand",
            "project target",
            50.0,
            round(forecast, 1),
            "ms",
            forecast <= 50,
        ),
    ]
    parts = {name: round(value, 1) for name, value in seconds.items()}
    text = json.dumps({"claims": claims, "processor_seconds": parts}, indent=1) + "\n"
    (Path(__file__).parent / "timing.json").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
