"""Settle 20,000 sites × 1 event × 46 days, hourly, from Parquet by the command: seconds and memory on two cores.

    python benchmarks/settlement/large.py

Load: 46-day spans of the bundled Cambridge buildings, each from another day on. Seconds are the smallest of several runs, and
"beyond start-up" is the command less the same command on two sites. Writes results_large.json.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # two processes of one thread each
sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
from claims import asked, at_most, claim, equal_to, write

from cblcast import datasets

HERE = Path(__file__).parent
SITES, DAYS, RUNS = 20_000, 46, 3
RULE = "caiso_10in10"
# A child of its own, so that its resources are those of one command and its workers.
TIMED = """
import json, resource, subprocess, sys, time
begun = time.perf_counter()
done = subprocess.run([sys.executable, "-m", "cblcast", *sys.argv[1:]], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"wall": time.perf_counter() - begun, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024,
                  "rc": done.returncode, "err": done.stderr[-2000:]}))
"""


def make_files(folder: Path) -> None:
    """The meter file, its sites and one event of all of them."""
    cube = datasets.load("cambridge_sme").cube()
    whole = np.isfinite(cube.values).all(axis=2)
    unbroken = np.lib.stride_tricks.sliding_window_view(whole, DAYS, axis=1).all(axis=2)
    site, first = np.nonzero(unbroken)
    chosen = np.linspace(0, len(site) - 1, SITES).astype(int)
    times = pd.date_range("2023-05-01", periods=DAYS * 24, freq="h", tz="UTC").as_unit("us")
    names = [f"s{number:05d}" for number in range(SITES)]
    schema = pa.schema([("site_id", pa.string()), ("time", pa.timestamp("us", "UTC")), ("observed_kw", pa.float32())])
    with parquet.ParquetWriter(folder / "panel.parquet", schema, compression="zstd") as writer:
        for begin in range(0, SITES, 250):
            some = chosen[begin : begin + 250]
            load = np.stack([cube.values[site[k], first[k] : first[k] + DAYS].reshape(-1) for k in some])
            frame = {
                "site_id": np.repeat(names[begin : begin + 250], len(times)),
                "time": np.tile(times.asi8, len(some)),
                "observed_kw": load.reshape(-1),
            }
            writer.write_table(pa.table(frame, schema=schema), row_group_size=load.size)
    start = pd.Timestamp("2023-06-14 17:00", tz="Europe/London").tz_convert("UTC")
    events = pd.DataFrame({"site_id": names, "start": start, "stop": start + pd.Timedelta(hours=3)})
    events.to_csv(folder / "events.csv", index=False)
    events.iloc[:2].to_csv(folder / "two.csv", index=False)
    sites = pd.DataFrame({"site_id": names, "tz": "Europe/London", "country": "GB", "subdivision": "ENG"})
    sites.to_csv(folder / "sites.csv", index=False)


def timed(*arguments: str, runs: int = RUNS) -> dict[str, float]:
    """The smallest wall clock and processor seconds of some runs of a command, and the memory of its largest process."""
    import json

    found = []
    for _ in range(runs):
        done = subprocess.run([sys.executable, "-c", TIMED, *arguments], capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        if told["rc"]:
            raise SystemExit(told["err"])
        found.append(told)
    least = {name: min(run[name] for run in found) for name in ("wall", "cpu")}
    return {**least, "mb": max(run["mb"] for run in found)}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder)
        common = (
            "settle",
            "--data",
            str(folder / "panel.parquet"),
            "--sites",
            str(folder / "sites.csv"),
            "--program",
            RULE,
        )
        events, two = (("--events", str(folder / each)) for each in ("events.csv", "two.csv"))
        started = timed(*common, *two, "--processes", "2")
        both = timed(*common, *events, "--processes", "2")
        recorded = timed(*common, *events, "--processes", "2", "--out", str(folder / "s.parquet"), runs=2)
        rows = len(pd.read_parquet(folder / "s.parquet"))
        alone = timed(*common, *events, runs=1)
        limits = timed(*common, *events, "--processes", "2", "--coverage", "0.9", runs=1)
        told = timed("programs", "explain", "nyiso_average_day")
    speed, beside = "project target, Speed", "for comparison"
    what = f"{SITES:,} sites x 1 event x {DAYS} days hourly from Parquet, --processes 2"
    beyond = both["wall"] - started["wall"]
    results = [
        claim(f"{what}, beyond start-up: wall clock", speed, beyond, "s", at_most(3.0)),
        claim(
            "the same: processor seconds, over two cores: what an idle machine would take",
            speed,
            (both["cpu"] - started["cpu"]) / 2,
            "s",
            at_most(3.0),
        ),
        claim("the same, start-up included: wall clock", beside, both["wall"], "s"),
        claim("start-up: the command on two of the sites", beside, started["wall"], "s"),
        claim("memory of the largest of its processes", speed, round(both["mb"]), "MiB", at_most(429)),
        claim("the same with its record written: wall clock", beside, recorded["wall"], "s"),
        claim("the same with its record written: memory of the largest process", beside, round(recorded["mb"]), "MiB"),
        claim("the same without --processes, read in parts: memory", speed, round(alone["mb"]), "MiB", at_most(1144)),
        claim("the same without --processes, start-up included: wall clock", beside, alone["wall"], "s"),
        claim(
            "with 90 % intervals, over without, processor seconds beyond start-up",
            speed,
            (limits["cpu"] - started["cpu"]) / (both["cpu"] - started["cpu"]),
            "1",
            at_most(4.0),
        ),
        claim(
            "a rule explained by the command from a fresh interpreter: wall clock",
            speed,
            told["wall"],
            "s",
            at_most(1.0),
        ),
        claim("events settled", "count", rows, "rows", equal_to(SITES)),
    ]
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    write(HERE / "results_large.json", [{**row, "machine": machine} for row in results])
    for row in results:
        print(f"{row['claim']}: {row['measured']} {row['unit']} ({asked(row) or 'reported'})")


if __name__ == "__main__":
    begun = time.perf_counter()
    main()
    print(f"{time.perf_counter() - begun:.0f} s in all")
