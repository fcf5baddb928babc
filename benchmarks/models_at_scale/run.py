"""Models at scale, one core: scoring, ridge per site, and training out of core: ``python benchmarks/models_at_scale/run.py``.

Real days of the bundled Cambridge buildings, tiled to more sites at other scales. Processor seconds; each training of the
comparison of memory runs in a process of its own. Writes ``results.json`` and the table in README.md.
"""

# ruff: noqa: E402  (the thread counts must be set before numpy is loaded)
from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before numpy: one core is what is promised
HERE = Path(__file__).parent
sys.path += [str(HERE.parents[1] / "experiments"), str(HERE)]

import pandas as pd
from claims import Record, at_least, at_most, claim, write
from tiles import tiled, write_store

from cblcast.days.placebo import placebo_events
from cblcast.errors import DataWarning
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.wrappers.per_site import PerSite
from cblcast.estimators.wrappers.site_models import SiteModels
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.scoring import score_events
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.io.store import open_store

SOURCE = "project target, speed"
LINEAR = ("temp_air_c", "temp_air_c_mean_24h", "heating_degree_c", "cooling_degree_c", "year_sin", "year_cos")
REPEATS = 3
# What, sites, first and last day of the meter, first and last day of events.
SCORED = (
    ("one event of 1,000 sites, 122 days of meter", 1000, "2018-07-15", "2018-11-13", "2018-11-13", "2018-11-13"),
    ("eleven events of 200 sites, 124 days of meter", 200, "2018-07-15", "2018-11-15", "2018-11-01", "2018-11-15"),
    (
        "one event of 200 sites, 16 months of meter (a year ago is seen)",
        200,
        "2017-07-15",
        "2018-11-13",
        "2018-11-13",
        "2018-11-13",
    ),
)


def trained() -> Forecaster:
    """The flagship as it stands (400 trees, twice), learned on the twelve buildings."""
    panel = tiled(12, "2016-06-01", "2018-06-30")
    forecaster = Forecaster(LearnedBaseline(), view=View.settlement())
    return forecaster.fit(
        panel, forecaster.cases(panel, placebo_events(panel, "17:00", "20:00", first="2017-07-01", last="2018-06-30"))
    )


def scoring() -> list[Record]:
    forecaster, found = trained(), []
    for what, n_sites, first, last, begin, end in SCORED:
        panel = tiled(n_sites, first, last)
        events = placebo_events(panel, "17:00", "20:00", first=begin, last=end)
        seconds = []
        for _ in range(REPEATS):
            fresh = Panel(panel.data, panel.sites)  # nothing that was built before
            began = process_time()
            rows, excluded = score_events(forecaster, fresh, events)
            seconds.append(process_time() - began)
        assert rows["baseline_kw"].notna().all()
        assert excluded.empty
        rate = len(events) / median(seconds)
        main = "16 months" not in what
        text = f"LearnedBaseline scores {what}: site-events per processor-second"
        found.append(claim(text, SOURCE, rate, "1/s", at_least(2000) if main else None, site_events=len(events)))
    return found


def own_ridges(n_sites: int, folder: Path) -> list[Record]:
    """Reading, panel, features and ridges of single sites (GCV), of a year of hours; and what their models take."""
    write_store(folder, n_sites, "2018-01-01", "2018-12-31", n_sites)
    by_hour = (
        "a ridge per site and hour of the day on a year of hours, from long Parquet rows: sites per processor-second"
    )
    alone = "PerSite of Ridge, each with a design of its own, on the same year of hours: sites per processor-second"
    asked = {by_hour: Ridge(LINEAR, by=("site_id", "hour")), alone: PerSite(Ridge(LINEAR))}
    rates = {text: n_sites / median(seconds_of(estimator, folder)) for text, estimator in asked.items()}
    own = asked[alone]
    objects = held_bytes(lambda: own.models_)
    arrays = held_bytes(lambda: SiteModels.of(own.sites_, own.models_))
    sizes = {"arrays_bytes_a_site": round(arrays / n_sites), "objects_bytes_a_site": round(objects / n_sites)}
    text = "memory of the models of PerSite of Ridge, as arrays over as objects"
    return [
        *(claim(text, SOURCE, rate, "1/s", at_least(50), sites=n_sites) for text, rate in rates.items()),
        claim(text, "issue of a million meters, per-site models in batches", arrays / objects, "ratio", **sizes),
    ]


def seconds_of(estimator: Ridge | PerSite, folder: Path) -> list[float]:
    """Processor seconds of reading, features and fit."""
    store, seconds = open_store(folder, tz="Europe/London", country="GB"), []
    for _ in range(REPEATS):
        began = process_time()
        (partition,) = store.partitions(1 << 40)
        panel = store.read_panel(partition)
        forecaster = Forecaster(estimator, {"calendar": {}, "weather": {}}, View.day_ahead())
        events = placebo_events(panel, "00:00", "24:00", days="all", first="2018-01-02", last="2018-12-30")
        forecaster.fit(panel, forecaster.cases(panel, events))
        seconds.append(process_time() - began)
    return seconds


def held_bytes(make: Callable[[], object]) -> int:
    """Memory that what is made takes."""
    gc.collect()
    tracemalloc.start()
    kept = make()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept is not None
    return held


def peak_kib() -> int:
    """Most memory that this process has held; other than getrusage's, it knows nothing of the process that started this one."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def train_one(how: str, folder: Path, bytes_at_once: int) -> None:
    """One training, in a process of its own; prints what it took."""
    from cblcast.scaling.pooled_training import portions_of_store, train_out_of_core

    forecaster = Forecaster(LearnedBaseline(n_estimators=50, year_ago=False), view=View.settlement())
    store = open_store(folder, tz="Europe/London", country="GB")

    def events(panel: Panel) -> pd.DataFrame:
        return placebo_events(panel, "17:00", "20:00", first="2018-09-01", last="2018-12-15")

    began = process_time()
    before = peak_kib()
    if how == "memory":
        (partition,) = store.partitions(1 << 40)
        panel = store.read_panel(partition)
        forecaster.fit(panel, forecaster.cases(panel, events(panel)))
    else:
        train_out_of_core(forecaster, portions_of_store(store, events, bytes_at_once=bytes_at_once), None, how)
    peak = peak_kib()
    judged = tiled(24, "2018-07-15", "2019-02-28")
    rows, _ = score_events(
        forecaster, judged, placebo_events(judged, "17:00", "20:00", first="2019-02-01", last="2019-02-20")
    )
    told = {
        "seconds": process_time() - began,
        "above_mib": (peak - before) / 1024,
        "sum_kw": float(rows["baseline_kw"].sum()),
    }
    print(json.dumps(told | {"kw": rows["baseline_kw"].round(9).tolist()}))


def out_of_core(counts: tuple[int, ...], far_sites: int, folder: Path) -> list[Record]:
    taken: dict[tuple[str, int], dict] = {}
    for count in (*counts, far_sites):
        own = folder / str(count)
        write_store(own, count, "2018-05-15", "2018-12-31", 50)
        for how in ("memory", "float64", "float32") if count != far_sites else ("float32",):
            command = [sys.executable, __file__, "--train", how, str(own)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            taken[how, count] = json.loads(done.stdout.splitlines()[-1])
    most, source = max(counts), "issue of a million meters, pooled models out of core"
    memory, exact, single = (taken[how, most] for how in ("memory", "float64", "float32"))
    far = {
        name: max(abs(a - b) / max(abs(b), 1e-9) for a, b in zip(one["kw"], memory["kw"], strict=True))
        for name, one in (("float64", exact), ("float32", single))
    }
    added = {how: taken[how, most]["above_mib"] - taken[how, min(counts)]["above_mib"] for how in ("memory", "float32")}
    per_site = {how: 1024 * mib / (most - min(counts)) for how, mib in added.items()}
    further = 1024 * (taken["float32", far_sites]["above_mib"] - single["above_mib"]) / (far_sites - most)
    beyond = {"out_of_core_mib": round(taken["float32", far_sites]["above_mib"]), "out_of_core_kib": round(further)}
    sizes = {"in_memory_mib": round(memory["above_mib"]), "out_of_core_mib": round(single["above_mib"]), "sites": most}
    each = {"in_memory_kib": round(per_site["memory"]), "out_of_core_kib": round(per_site["float32"])}
    times = {"in_memory_s": round(memory["seconds"], 1), "out_of_core_s": round(single["seconds"], 1)}
    exactly = "out of core against in memory: largest relative difference of an estimate, features in float64"
    return [
        claim(exactly, source, far["float64"], "ratio", at_most(1e-6), digits=10),
        claim("the same, features in float32", source, far["float32"], "ratio", digits=6),
        claim(
            "memory that a training takes, out of core over in memory",
            source, single["above_mib"] / memory["above_mib"], "ratio", at_most(0.5), **sizes,
        ),
        claim(
            "memory per further site, out of core over in memory",
            source, per_site["float32"] / per_site["memory"], "ratio", at_most(0.25), **each,
        ),
        claim(
            f"memory per further site, out of core from {most} to {far_sites:,} sites over in memory from {min(counts)} to {most}",
            source, further / per_site["memory"], "ratio", at_most(0.25), **beyond,
        ),
        claim(
            "processor seconds of a training, out of core over in memory",
            source, single["seconds"] / memory["seconds"], "ratio", None, **times,
        ),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, nargs=2, default=(100, 400), help="sites of the two trainings out of core")
    parser.add_argument("--far", type=int, default=1600, help="sites of a further training out of core, for its growth")
    parser.add_argument("--ridges", type=int, default=200, help="sites with a ridge of their own")
    parser.add_argument("--train", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    warnings.simplefilter("ignore", DataWarning)  # of scaled buildings: another level of load than in training
    if args.train:
        train_one(args.train[0], Path(args.train[1]), 4 << 20)
        return
    with tempfile.TemporaryDirectory() as folder:
        results = (
            scoring()
            + own_ridges(args.ridges, Path(folder) / "ridges")
            + out_of_core(tuple(args.sites), args.far, Path(folder))
        )
    for row in results:
        row["machine"] = f"one thread of {os.cpu_count()} {platform.machine()} cores"
        print({key: row[key] for key in ("claim", "target", "measured", "unit", "holds")})
    write(HERE / "results.json", results)
    lines = ["| claim | target | measured | holds |", "|---|---|---|---|"]
    for row in results:
        verdict = {True: "yes", False: "**no**", None: "–"}[row["holds"]]
        target = "–" if row["target"] is None else f"{row['target']:g}"
        lines.append(f"| {row['claim']} | {target} | {row['measured']:g} {row['unit']} | {verdict} |")
    readme = HERE / "README.md"
    head = readme.read_text(encoding="utf-8").split("\n| claim |")[0].rstrip()
    readme.write_text(head + "\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
