"""Event-days a second of High5of10 with a capped ratio adjustment: screening, the long frame, and the obvious loop.

    python benchmarks/similar_days/run.py

Load: 120-day spans of the bundled Cambridge buildings, each from another day on, so that 10,000 sites are real load.
Writes results.json and the table in README.md.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one core is what is claimed
sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import Record, at_least, claim, figure, write

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.days.screening import xofy_backtest
from cblcast.estimators.rules.similar_days import XofY
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.features.event_windows import EventWindows
from cblcast.features.reference_days import ReferenceDays
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cube import DayCube
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataWarning

HERE = Path(__file__).parent
ORACLE = HERE.parents[1] / "tests" / "unit" / "days" / "test_screening.py"
SITES, DAYS, LONG_SITES, LOOP_SITES = 10_000, 120, 400, 20
TARGET = 2_000_000
MACHINE = f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}"


def spans(count: int, complete: bool) -> DayCube:
    """`count` spans of real load; only complete ones, or as they were metered."""
    cube = datasets.load("cambridge_sme").cube()
    whole = np.isfinite(cube.values).all(axis=2)
    n_starts = cube.n_days - DAYS + 1
    unbroken = np.lib.stride_tricks.sliding_window_view(whole, DAYS, axis=1).all(axis=2)
    site, first = np.nonzero(unbroken if complete else np.ones((len(whole), n_starts), dtype=bool))
    chosen = np.linspace(0, len(site) - 1, count).astype(int)
    days = first[chosen][:, None] + np.arange(DAYS)
    return DayCube(np.ascontiguousarray(cube.values[site[chosen][:, None], days]), cube.first_day)


def as_panel(cube: DayCube) -> Panel:
    n_sites, n_days, n_slots = cube.values.shape
    names = [f"s{number:05d}" for number in range(n_sites)]
    times = pd.date_range(str(cube.days[0]), periods=n_days * n_slots, freq="h", tz="UTC").as_unit("us")
    index = pd.MultiIndex.from_product([names, times], names=["site_id", "time"])
    data = pd.DataFrame({"observed_kw": cube.values.reshape(-1).astype(np.float64)}, index=index)
    return Panel(data, pd.DataFrame({"tz": "UTC"}, index=pd.Index(names, name="site_id")))


def seconds(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Least wall-clock time of a call, and its answer."""
    best, answer = float("inf"), None
    for _ in range(repeats):
        began = time.perf_counter()
        answer = function()
        best = min(best, time.perf_counter() - began)
    return best, answer


def slow_loop() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """The obvious loop, where the tests keep it."""
    spec = importlib.util.spec_from_file_location("oracle", ORACLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.slow_xofy


def screening(cube: DayCube, repeats: int = 5) -> tuple[float, np.ndarray]:
    spent, found = seconds(lambda: xofy_backtest(cube, 17, 20), repeats)
    return np.isfinite(found.baseline_kw[:, :, 0]).sum() / spent, found.baseline_kw


def long_frame(cube: DayCube) -> dict[str, float]:
    """Event-days a second of each part, one event a day and site."""
    panel = as_panel(cube)
    method = Forecaster(
        Adjusted(XofY(5, 10), "PBLM", limits=(0.8, 1.2)), {"reference_days": {"day_types": "all"}, "event_windows": {}}
    )
    # Features see the events they are given: the first ten days have no reference days yet.
    events = placebo_events(panel, "17:00", "20:00", days="all", first=str(cube.days[10]))
    panel.cube()
    spent: dict[str, float] = {}
    spent["make_cases"], cases = seconds(lambda: method.cases(panel, events), 2)
    builders = method.builders
    assert isinstance(builders["reference_days"], ReferenceDays)
    assert isinstance(builders["event_windows"], EventWindows)
    for name, builder in builders.items():
        spent[name], _ = seconds(lambda builder=builder: builder(panel, cases), 2)
    X = method.matrix(panel, cases)
    method.fit_matrix(X, np.ones(len(X)), panel.sites)
    spent["XofY + Adjusted"], _ = seconds(lambda: method.predict_matrix(X, cases["scored"].to_numpy()), 2)
    spent["whole"] = sum(spent.values())
    return {name: len(events) / value for name, value in spent.items()}


def row(text: str, target: float | None, measured: float, unit: str) -> Record:
    source = "the project's own target" if target else "measured, no target"
    figures = float(f"{measured:.3g}")
    return claim(text, source, figures, unit, None if target is None else at_least(target), machine=MACHINE)


def main() -> None:
    warnings.simplefilter("ignore", DataWarning)  # closed buildings: a window without load, counted elsewhere
    complete, metered = spans(SITES, complete=True), spans(SITES, complete=False)
    fast, answer = screening(complete)
    general, _ = screening(metered)
    loop = slow_loop()
    part = complete.values[:LOOP_SITES]
    every_day = np.ones(part.shape[:2], dtype=bool)
    spent, (slow, _) = seconds(lambda: loop(part, [17, 18, 19], [15, 16], 5, 10, "high", (0.8, 1.2), every_day, 60), 1)
    slow_rate = np.isfinite(slow[:, :, 0]).sum() / spent
    agree = 100 * np.isclose(answer[:LOOP_SITES], slow, rtol=1e-4, equal_nan=True).mean()
    long = long_frame(DayCube(complete.values[:: SITES // LONG_SITES], complete.first_day))
    unit = "event-days/s, one core"
    rows = [
        row(f"screening, {SITES} sites x {DAYS} days x 24 slots, every day metered", TARGET, fast, unit),
        row("screening, the same with the gaps of the meters", TARGET, general, unit),
        row("the obvious loop", None, slow_rate, unit),
        row("screening over the obvious loop", None, fast / slow_rate, "times"),
        row("screening and the obvious loop agree", 99.9, agree, "% of the estimates"),
        *(row(f"long frame, {LONG_SITES} sites: {name}", None, rate, unit) for name, rate in long.items()),
        row("screening over the whole long frame", None, fast / long["whole"], "times"),
    ]
    write(HERE / "results.json", rows)
    lines = ["| what | target | measured | unit |", "|---|---|---|---|"]
    for each in rows:
        target = "" if each["target"] is None else figure(each["target"])
        lines.append(f"| {each['claim']} | {target} | {figure(each['measured'])} | {each['unit']} |")
    table = "\n".join([*lines, "", f"Measured on: {MACHINE}."])
    readme = HERE / "README.md"
    head, mark, _ = readme.read_text(encoding="utf-8").partition("<!-- table -->")
    readme.write_text(f"{head}{mark}\n\n{table}\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
