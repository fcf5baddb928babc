"""Control-group baselines of real homes: customers on the dynamic tariff, from customers on the flat one.

    CBLCAST_DATA_DIR=… python benchmarks/control_group/run.py

London, 2013, working days on which 17-20 h was at the normal price for all: nothing was asked of anybody, so the truth is
known. Writes results.json and the table in README.md.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import claim, write

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.forecast.backtest import backtest
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataWarning
from cblcast.metrics import mpe, nrmse

HERE = Path(__file__).parent
TARIFF = "load/lcl_dtou_tariff_30min_2013.csv.gz"
METHODS = {
    name: make_estimator(name)
    for name in ("High5of10", "10of10", "PBLM-10of10", "ClusterControl", "NearestControl", "SyntheticControl")
} | {"ClusterControl per unit of the day": make_estimator({"estimator": "ClusterControl", "per_unit_of": "day"})}


def homes() -> tuple[Panel, pd.DataFrame]:
    """The panel with its groups, and the placebo events of the dynamic-tariff homes."""
    panel = datasets.load("lcl_homes")
    group = panel.sites["tariff_group"].map({"Std": "control", "ToU": "dynamic tariff"})
    panel = Panel(panel.data, panel.sites.assign(group=group))
    events = placebo_events(panel, "17:00", "20:00", first="2013-03-01", last="2013-12-31")
    events = events[events["site_id"].map(group) == "dynamic tariff"]
    tariff = pd.read_csv(Path(os.environ[datasets.ENVIRONMENT_VARIABLE]) / TARIFF)
    times = pd.to_datetime(tariff["timestamp_gmt"], utc=True)
    odd = times[tariff["tariff"] != "Normal"].to_numpy()
    spans = zip(events["start"].to_numpy(), events["stop"].to_numpy(), strict=True)
    quiet = [not ((odd >= start) & (odd < stop)).any() for start, stop in spans]
    return panel, events[np.array(quiet)].reset_index(drop=True)


def main() -> None:
    warnings.simplefilter("ignore", DataWarning)
    if not os.environ.get(datasets.ENVIRONMENT_VARIABLE):
        raise SystemExit(f"the London homes are not bundled: name their folder in {datasets.ENVIRONMENT_VARIABLE}")
    panel, events = homes()
    forecasters = {name: Forecaster(estimator, {}, View.settlement()) for name, estimator in METHODS.items()}
    began = time.perf_counter()
    result = backtest(panel, forecasters, events)
    spent = time.perf_counter() - began
    table = evaluate(result.scored, metrics=("mpe", "nrmse"))
    wide = result.scored.reset_index().pivot(index=["site_id", "time"], columns="method", values="predicted_kw")
    wide["observed_kw"] = result.scored.groupby(["site_id", "time"])["observed_kw"].first()
    wide = wide.dropna()
    there = wide.groupby("time")["observed_kw"].transform("size")
    together = wide[there == there.max()].groupby("time").sum()
    rows = []

    def add(text: str, measured: float, unit: str) -> None:
        source = f"{len(events)} events of {events['site_id'].nunique()} homes"
        rows.append(claim(text, source, measured, unit, digits=1))

    for name in METHODS:
        add(f"{name}: bias (MPE), mean of homes", table.loc[name, "mpe"], "% of mean load")
        add(f"{name}: nRMSE, mean of homes", table.loc[name, "nrmse"], "% of mean load")
        observed, predicted = together["observed_kw"], together[name]
        add(f"{name}: bias (MPE), {there.max()} homes together", mpe(observed, predicted), "% of mean load")
        add(f"{name}: nRMSE, {there.max()} homes together", nrmse(observed, predicted), "% of mean load")
    add("events without a baseline, all methods together", len(result.excluded), "events")
    add("events a second, all methods together", len(events) / spent, "events/s")
    write(HERE / "results.json", rows)
    shown = ["| what | measured | unit |", "|---|---|---|"]
    shown += [f"| {r['claim']} | {r['measured']} | {r['unit']} |" for r in rows]
    readme = HERE / "README.md"
    head, mark, _ = readme.read_text(encoding="utf-8").partition("<!-- table -->")
    readme.write_text(head + mark + "\n\n" + "\n".join(shown) + "\n", encoding="utf-8")
    print("\n".join(shown))


if __name__ == "__main__":
    main()
