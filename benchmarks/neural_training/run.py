"""Seconds to train the baseline paper's nets: one building, and a thousand sites at once.

    python benchmarks/neural_training/run.py                                  # processor, 1,000 sites
    python benchmarks/neural_training/run.py --device cuda --sites 10000      # graphics card

The Cambridge university buildings (Langtry & Choudhary 2024, doi 10.5281/zenodo.10955332) are read from
$CBLCAST_DATA_DIR/load. Writes results.json (results_cuda.json) and the table in README.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import KEYS, Record, at_most, claim, figure, read
from claims import write as write_claims

from cblcast.estimators.neural import NeuralNet
from cblcast.estimators.neural.preparation import Rows
from cblcast.estimators.neural.training import Recipe, train_nets

HERE = Path(__file__).parent
PAPER = "baseline paper, table 1, two layers of 10 neurons"
# Trainer -> (target in seconds, seconds in the paper's MATLAB, buildings measured).
SINGLES = {"scg": (1.0, 3, 6), "lm": (2.0, 2, 6), "br": (35.0, 35, 1), "adamw": (None, None, 4)}


def read_load() -> tuple[pd.DataFrame, list[str]]:
    folder = os.environ.get("CBLCAST_DATA_DIR")
    path = Path(folder or ".") / "load" / "cambridge_load_2016_2019.parquet"
    if not folder or not path.exists():
        sys.exit(
            "set CBLCAST_DATA_DIR to a folder with load/cambridge_load_2016_2019.parquet and "
            "load/cambridge_meta.csv (EECi Cambridge-Estates-Building-Energy-Archive v2.1)"
        )
    load = pd.read_parquet(path).loc["2017":"2018"]
    meta = pd.read_csv(path.parent / "cambridge_meta.csv")
    return load, list(meta.loc[meta["suggested"], "building"])


def calendar(index: pd.DatetimeIndex) -> pd.DataFrame:
    """The paper's four inputs; day type 1 is Sunday."""
    local = index.tz_convert("Europe/London")
    return pd.DataFrame(
        {
            "hour": local.hour,
            "day_of_month": local.day,
            "month": local.month,
            "day_type": (local.day_of_week + 1) % 7 + 1,
        },
        index=index,
    ).astype(float)


class Fleet(Sequence):
    """`n` sites made of the 43 real buildings: each repeats one with its own seed and its own 90 % of the rows."""

    def __init__(self, load: pd.DataFrame, n: int, working_days_of_2018: bool) -> None:
        x = calendar(load.index)
        keep = np.ones(len(x), dtype=bool)
        if working_days_of_2018:
            keep = (load.index.year == 2018) & x["day_type"].between(2, 6).to_numpy()
        self.x, self.n, self.load = x.to_numpy()[keep], n, load[keep]

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, k: int) -> Rows:
        if not 0 <= k < self.n:
            raise IndexError(k)
        y = self.load.iloc[:, k % self.load.shape[1]].to_numpy(np.float64)
        rows = np.flatnonzero(np.isfinite(y) & (np.random.default_rng([k, 9]).random(len(y)) < 0.9))
        return Rows(self.x[rows], y[rows], name=f"site {k}", seed=k)


def told(text: str, source: str, target: float | None, measured: float, unit: str, **more: object) -> Record:
    """A claim, printed as soon as it is known."""
    row = claim(text, source, measured, unit, None if target is None else at_most(target), digits=4, **more)
    print(f"{text}: {row['measured']} {unit} (target {target}) {more}", flush=True)
    return row


def singles(load: pd.DataFrame, buildings: list[str], args: argparse.Namespace) -> Iterator[Record]:
    x = calendar(load.index)
    warm = load[buildings[0]].dropna()[:500]
    NeuralNet(trainer="lm", max_epochs=2, device=args.device).fit(x.loc[warm.index], warm)
    for trainer, (target, matlab, count) in SINGLES.items():
        seconds, busy, epochs, test, stops = [], [], [], [], []
        for building in buildings[:count]:
            y = load[building].dropna()
            start, cpu = time.perf_counter(), time.process_time()
            net = NeuralNet(trainer=trainer, device=args.device).fit(x.loc[y.index], y)
            seconds.append(time.perf_counter() - start)
            busy.append(time.process_time() - cpu)
            epochs.append(net.history_["epochs"][0])
            test.append(100 * net.history_["test_rmse"][0] / y.mean())
            stops.append(net.history_["stop_reason"][0])
        text = f"NeuralNet(hidden=(10, 10), trainer={trainer!r}).fit on 17,520 hours, one thread, median of {count} buildings"
        more = {
            "paper_matlab_s": matlab,
            "slowest_s": round(max(seconds), 2),
            "cpu_s": round(float(np.median(busy)), 2),
            "epochs": int(np.median(epochs)),
            "ms_per_epoch": round(1000 * sum(seconds) / sum(epochs), 2),
            "test_nrmse_pct": round(float(np.median(test)), 2),
            "stop_reasons": {stop: stops.count(stop) for stop in sorted(set(stops))},
        }
        yield told(text, PAPER, target, float(np.median(seconds)), "s", **more)


def fleets(load: pd.DataFrame, args: argparse.Namespace) -> Iterator[Record]:
    fleet = Fleet(load, args.sites, working_days_of_2018=not args.full)
    period = "all hours of 2017-2018" if args.full else "all hours of the working days of 2018"
    for dtype in args.dtype:
        recipe = Recipe(device=args.device, threads=args.threads, dtype=dtype)
        train_nets(Fleet(load, 2, True), 4, Recipe(device=args.device, dtype=dtype))
        start, cpu = time.perf_counter(), time.process_time()
        result = train_nets(fleet, 4, recipe)
        seconds, busy = time.perf_counter() - start, time.process_time() - cpu
        samples = int(np.mean([len(fleet[k].y) for k in range(min(43, args.sites))]))
        mean = np.array([fleet[k].y.mean() for k in range(min(430, args.sites))])
        history = result.history
        more = {
            "cpu_s": round(busy, 1),
            "threads": args.threads,
            "samples_a_site": samples,
            "epochs_mean": round(float(history["epochs"].mean()), 1),
            "epochs_max": int(history["epochs"].max()),
            "test_nrmse_pct_median": round(float(np.median(100 * history["test_rmse"][: len(mean)] / mean)), 2),
            "fallbacks": result.fallbacks,
        }
        text = f"{args.sites:,} sites (43 real buildings repeated), own net (10, 10) each, SCG, {dtype}, {period}"
        yield told(text, "own target", 120.0, seconds, "s", **more)
        yield batch_ratio(fleet, recipe, seconds if args.device != "cpu" else busy, args)


def batch_ratio(fleet: Fleet, recipe: Recipe, batched: float, args: argparse.Namespace) -> Record:
    """Batch against one by one: processor seconds on a processor, wall-clock seconds on a card; one thread alone."""
    probe = range(0, args.sites, max(1, args.sites // 20))
    clock = time.process_time if args.device == "cpu" else time.perf_counter
    start = clock()
    for k in probe:
        train_nets([fleet[k]], 4, replace(recipe, threads=1))
    alone = (clock() - start) / len(probe)
    text = f"seconds a site in the batch over seconds of {len(probe)} sites one by one, {recipe.dtype}, same run"
    return told(text, "own target", 1.0, batched / args.sites / alone, "ratio", seconds_alone=round(alone, 3))


def write(rows: list[Record], args: argparse.Namespace) -> None:
    name = "results.json" if args.device == "cpu" else "results_cuda.json"
    # Written after every claim, so that a run cut short keeps what it measured; the same claim is replaced.
    known = read(HERE / name) if (HERE / name).exists() else []
    rows = list(({row["claim"]: row for row in known} | {row["claim"]: row for row in rows}).values())
    write_claims(HERE / name, rows)
    lines = []
    for file in ("results.json", "results_cuda.json"):
        if (HERE / file).exists():
            found = read(HERE / file)
            lines += [
                f"\n{file}: {found[0]['machine']}\n",
                "| claim | target | measured | holds | more |",
                "|---|---|---|---|---|",
            ]
            for row in found:
                more = ", ".join(f"{k} {v}" for k, v in row.items() if k not in (*KEYS, "machine", "part"))
                verdict = {True: "yes", False: "**no**", None: ""}[row["holds"]]
                target = "" if row["target"] is None else figure(row["target"])
                lines.append(f"| {row['claim']} | {target} | {row['measured']:g} {row['unit']} | {verdict} | {more} |")
    readme = HERE / "README.md"
    head = readme.read_text().split("<!-- table -->")[0]
    readme.write_text(head + "<!-- table -->\n" + "\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--full", action="store_true", help="17,520 hours a site instead of the working days of 2018")
    parser.add_argument("--dtype", nargs="+", default=["float64", "float32"])
    parser.add_argument("--only", choices=["singles", "fleet"])
    args = parser.parse_args()
    load, buildings = read_load()
    import torch

    machine = f"{os.cpu_count()} {platform.machine()} cores, torch {torch.__version__}"
    if args.device != "cpu":
        machine += f", {torch.cuda.get_device_name(args.device)}"
    parts = {"singles": lambda: singles(load, buildings, args), "fleet": lambda: fleets(load, args)}
    for part in [args.only] if args.only else parts:
        for row in parts[part]():
            write([{**row, "part": part, "machine": machine}], args)


if __name__ == "__main__":
    main()
