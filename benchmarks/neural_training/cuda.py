"""Nets trained on a CUDA device and on the processor: the same numbers within a tolerance, and the seconds of both.

    python benchmarks/neural_training/cuda.py                    # needs a CUDA device; without one it says so
    python benchmarks/neural_training/cuda.py --sites 10000      # as many nets in the comparison of seconds

The twelve bundled Cambridge buildings, the same seeds on both sides; whatever is drawn is drawn on the processor. Tolerances:

- after a few epochs rounding alone parts the two: 1e-6 of the mean load in float64, 1e-3 in float32;
- trained to their own stop the two may end in other epochs, so their errors are compared: the median within 2 %.

Writes results_device.json. Where no device is there, nothing is measured, and it is told so; figures of another machine stay.
"""

# ruff: noqa: E402  (the thread counts must be set before numpy is loaded)
from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1] / "experiments"))

import numpy as np
import pandas as pd
from claims import Record, Target, at_most, claim, not_measured, read, write

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import StudyError
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.neural import NeuralNetPerSite
from cblcast.estimators.neural.day_attention import DayAttention
from cblcast.estimators.neural.devices import pick_device
from cblcast.estimators.neural.preparation import Rows
from cblcast.estimators.neural.stopping import StopRule
from cblcast.estimators.neural.training import Recipe, train_nets
from cblcast.estimators.pooled_baseline import PooledBaseline
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View

SOURCE = "issue of a million meters, batched nets on a device: the same numbers within tolerance"
Measure = Callable[[argparse.Namespace], tuple[float, dict[str, Any]]]


def hours() -> tuple[pd.DataFrame, pd.Series]:
    """The inputs of the baseline paper and the load [kW] of a year of hours of every building."""
    data = datasets.load("cambridge_sme").data["observed_kw"].dropna()
    local = data.index.get_level_values("time").tz_convert("Europe/London")
    year = local.year == 2018
    inputs = {"hour": local.hour, "day_of_month": local.day, "month": local.month, "day_type": local.day_of_week}
    return pd.DataFrame(inputs, index=data.index).astype(float)[year], data[year]


def own_nets(device: str, epochs: int) -> tuple[NeuralNetPerSite, np.ndarray, pd.Series]:
    X, y = hours()
    net = NeuralNetPerSite(device=device, max_epochs=epochs).fit(X, y)
    return net, net.predict(X), y


def after_some_epochs(args: argparse.Namespace) -> tuple[float, dict[str, Any]]:
    (_, usual, y), (_, there, _) = own_nets("cpu", 20), own_nets(args.device, 20)
    return largest(there, usual, y), {"epochs": 20, "rows": len(y)}


def to_their_stop(args: argparse.Namespace) -> tuple[float, dict[str, Any]]:
    (usual, _, _), (there, _, _) = own_nets("cpu", 1000), own_nets(args.device, 1000)
    errors = [float(np.median(net.history_["test_rmse"])) for net in (usual, there)]
    epochs = {
        "epochs_cpu": int(np.median(usual.history_["epochs"])),
        "epochs_device": int(np.median(there.history_["epochs"])),
    }
    return abs(errors[1] / errors[0] - 1), epochs


def attention(args: argparse.Namespace) -> tuple[float, dict[str, Any]]:
    panel, seconds, said = datasets.load("cambridge_sme"), {}, {}
    events = placebo_events(panel, "17:00", "20:00", first="2018-03-01", last="2018-08-31")
    asked = placebo_events(panel, "17:00", "20:00", first="2018-10-01", last="2018-10-31")
    for device in ("cpu", args.device):
        net = DayAttention(seeds=1, epochs=2, device=device)
        pooled = PooledBaseline(nets=(("net", net),), tables=(("ridge", Ridge(by=("lead_hours",))),))
        forecaster = Forecaster(pooled, view=View.settlement())
        began = time.perf_counter()
        forecaster.fit(panel, forecaster.cases(panel, events))
        seconds[device] = time.perf_counter() - began
        cases = forecaster.cases(panel, asked)
        X = forecaster.matrix(panel, cases)
        said[device] = np.asarray(forecaster.estimator.predict(X))
    known = np.isfinite(said["cpu"])
    load = pd.Series(said["cpu"][known], X.index[known])
    told = {"cpu_with_features_s": round(seconds["cpu"], 1), "device_with_features_s": round(seconds[args.device], 1)}
    return largest(said[args.device][known], said["cpu"][known], load), {"rows": int(known.sum()), **told}


def largest(there: np.ndarray, usual: np.ndarray, load: pd.Series) -> float:
    """Largest difference of two answers, in shares of the mean load of its building."""
    mean = load.abs().groupby(level="site_id").transform("mean").to_numpy()
    return float((np.abs(there - usual) / mean).max())


def seconds_of_both(args: argparse.Namespace) -> tuple[float, dict[str, Any]]:
    X, y = hours()
    of_building = [(X.loc[site].to_numpy(), y.loc[site].to_numpy()) for site in y.index.unique("site_id")]
    sites = [Rows(*of_building[k % len(of_building)], name=f"site {k}", seed=k) for k in range(args.sites)]
    rule, seconds = StopRule(max_epochs=args.epochs), {}
    for device in ("cpu", args.device):
        recipe = Recipe(device=device, rule=rule)
        train_nets(sites[:2], X.shape[1], recipe)  # what is made once, by whoever is first
        began = time.perf_counter()
        train_nets(sites, X.shape[1], recipe)
        seconds[device] = time.perf_counter() - began
    more = {"cpu_one_thread_s": round(seconds["cpu"], 2), "device_s": round(seconds[args.device], 2)}
    return seconds[args.device] / seconds["cpu"], more | {"sites": args.sites, "epochs_at_most": args.epochs}


CLAIMS: tuple[tuple[str, str, Target | None, Measure], ...] = (
    (
        "twelve nets of their own, SCG, float64, 20 epochs: largest difference of an estimate, in shares of the mean load",
        "1", at_most(1e-6), after_some_epochs,
    ),
    ("the same to their own stop: difference of the median test error", "1", at_most(0.02), to_their_stop),
    (
        "an attention net of all buildings, float32, 2 epochs: largest difference of an estimate, in shares of the mean",
        "1", at_most(1e-3), attention,
    ),
    ("seconds of many nets of their own (SCG, float64) on the device over one processor thread", "ratio", None, seconds_of_both),
)  # fmt: skip


def records(args: argparse.Namespace, why_not: str | None) -> Iterator[Record]:
    import torch

    machine = f"{os.cpu_count()} {platform.machine()} cores, torch {torch.__version__}"
    for text, unit, target, measure in CLAIMS:
        if why_not is not None:
            yield not_measured(text, SOURCE, unit, why_not, target) | {"machine": machine}
            continue
        figure, more = measure(args)
        name = torch.cuda.get_device_name(args.device) if args.device != "cpu" else "none: the processor twice"
        row = claim(text, SOURCE, figure, unit, target, digits=9, **more, device=name, machine=machine)
        print({key: row[key] for key in ("claim", "target", "measured", "unit", "holds")}, more, flush=True)
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 …; cpu tries the script out, and writes nothing")
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=200)
    args = parser.parse_args()
    place = HERE / "results_device.json"
    try:
        pick_device(args.device)
    except StudyError as error:
        print(f"Not measured: {error}")
        if place.exists() and any(row["measured"] is not None for row in read(place)):
            print(f"{place.name} keeps what another machine measured")
            return
        write(place, records(args, "torch finds no CUDA device on the machine where it ran last"))
        return
    found = list(records(args, None))
    if args.device != "cpu":
        write(place, found)


if __name__ == "__main__":
    main()
