"""Scaling: two workers of a cluster over one, a run killed half way and started again, and curves of sites × 1, 10, 100, 1000.

    python benchmarks/scaling/run.py             # some minutes on two cores that have nothing else to do
    python benchmarks/scaling/run.py --base 100  # curves that begin with 100 sites, so end with 100,000

Day rows of 46 days, hourly: spans of the bundled Cambridge buildings, each from another day on. One event of all sites, settled
by CAISO 10-in-10. Ratios are of wall clocks in one run; a machine that is busy with other work makes the first one worse. Writes
results.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a worker is one thread
sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as parquet
from claims import asked, at_least, at_most, claim, equal_to, write

from cblcast import datasets

HERE = Path(__file__).parent
DAYS, RULE = 46, "caiso_10in10"
SITES, OF_A_FILE = 24_000, 1_000  # of the runs that are compared
LIMITS = ("--coverage", "0.9")  # with limits, so that partitions take processor time
CHILD = HERE / "settle.py"
TARGET = "issue of scale, targets on 2 cores"


def make_store(folder: Path, n_sites: int, sites_a_file: int) -> None:
    """Day rows of `n_sites`, some sites a file."""
    cube = datasets.load("cambridge_sme").cube()
    whole = np.isfinite(cube.values).all(axis=2)
    unbroken = np.lib.stride_tricks.sliding_window_view(whole, DAYS, axis=1).all(axis=2)
    site, first = np.nonzero(unbroken)
    chosen = np.linspace(0, len(site) - 1, n_sites).astype(int)
    dates = pa.array(np.datetime64("2023-05-01") + np.arange(DAYS))
    folder.mkdir()
    for begin in range(0, n_sites, sites_a_file):
        some = chosen[begin : begin + sites_a_file]
        load = np.concatenate([cube.values[site[k], first[k] : first[k] + DAYS] for k in some]).astype(np.float32)
        names = np.repeat([f"s{begin + k:07d}" for k in range(len(some))], DAYS)
        table = pa.table(
            {
                "site_id": pa.array(names).dictionary_encode(),
                "date": pa.chunked_array([dates] * len(some)),
                "observed_kw": pa.FixedSizeListArray.from_arrays(pa.array(load.reshape(-1)), 24).cast(
                    pa.list_(pa.float32())
                ),
            }
        )
        parquet.write_table(table, folder / f"part-{begin:07d}.parquet", compression="zstd", row_group_size=250 * DAYS)


def settled(store: Path, *options: str) -> dict[str, float]:
    """What a fresh interpreter tells of settling a store: seconds, partitions, memory."""
    done = subprocess.run(
        [sys.executable, str(CHILD), str(store), *options], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def two_over_one(folder: Path) -> tuple[float, float]:
    """Wall clock of one and of two workers of a local cluster, each with a thread; the smaller of two runs."""
    from distributed import Client, LocalCluster

    seconds = []
    for workers in (1, 2):
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
            Client(cluster.scheduler_address) as client,
        ):
            client.wait_for_workers(workers)
            if len(client.nthreads()) != workers:
                raise SystemExit(f"the cluster has {len(client.nthreads())} workers and not {workers}")
            store = str(folder / "store")
            options = ("--scheduler", cluster.scheduler_address)
            settled(store, *options)  # libraries are loaded
            seconds.append(min(settled(store, *options, *LIMITS)["seconds"] for _ in range(2)))
    return seconds[0], seconds[1]


def killed_half_way(folder: Path, workers: int) -> dict[str, float | bool]:
    """A run of some workers, killed when half of the partitions are finished, and started again."""
    store, begun = folder / "store", folder / f"begun{workers}.txt"
    whole = settled(store, "--parts", str(folder / f"whole{workers}"), "--out", str(folder / "whole.parquet"))
    parts = folder / f"parts{workers}"
    options = ["--parts", str(parts), "--begun", str(begun), "--out", str(folder / "again.parquet")]
    options += ["--workers", str(workers)] + (["--scheduler", "processes"] if workers > 1 else [])
    process = subprocess.Popen([sys.executable, str(CHILD), str(store), *options], stdout=subprocess.DEVNULL)
    journal, half = parts / "journal.jsonl", int(whole["partitions"]) // 2
    while process.poll() is None and not (journal.is_file() and journal.read_text().count("\n") - 1 >= half):
        time.sleep(0.005)
    helpers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if psutil.wait_procs(helpers, timeout=30)[1]:
        raise SystemExit("worker processes outlived the run that was killed by 30 s")
    told = settled(store, *options)
    same = pd.read_parquet(folder / "again.parquet").equals(pd.read_parquet(folder / "whole.parquet"))
    times = pd.Series(begun.read_text().split()).value_counts()
    return {
        "same": same,
        "skipped": told["skipped"],
        "repeated": int((times - 1).sum()),
        "partitions": whole["partitions"],
    }


def curve(folder: Path, base: int) -> list[dict[str, float]]:
    """Seconds and memory of one process for `base` × 1, 10, 100 and 1000 sites."""
    told = []
    for times in (1, 10, 100, 1000):
        store = folder / f"store{times}"
        make_store(store, base * times, 5000)
        told.append({"sites": base * times} | settled(store))
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=int, default=50, help="sites at the beginning of the curves")
    base = parser.parse_args().base
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the beginning"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_store(folder / "store", SITES, OF_A_FILE)
        killed, with_two = killed_half_way(folder, 1), killed_half_way(folder, 2)
        one, two = two_over_one(folder)
        points = curve(folder, base)
    what = f"{SITES:,} sites × 46 days hourly in {killed['partitions']:.0f} partitions"
    results = [
        claim(
            f"{what}, with 90 % limits: one worker of a local cluster over two, wall clock",
            TARGET,
            one / two,
            "1",
            at_least(1.7),
        ),
        claim("the same: one worker", "for comparison", one, "s"),
        claim("the same: two workers", "for comparison", two, "s"),
        claim(
            "killed half way and started again: the same result as uninterrupted",
            TARGET,
            int(killed["same"]),
            "1",
            equal_to(1),
        ),
        claim("partitions that were begun a second time", TARGET, killed["repeated"], "partitions", at_most(1)),
        claim(
            "partitions that were finished before the kill and not repeated", "count", killed["skipped"], "partitions"
        ),
    ]
    results += [
        claim("two workers, killed and started again: the same result as uninterrupted", TARGET, int(with_two["same"]), "1", equal_to(1)),
        claim("partitions that were begun a second time, a worker", TARGET, with_two["repeated"] / 2, "partitions", at_most(1)),
    ]  # fmt: skip
    for point in points:
        of = f"{point['sites']:,} sites, one event, {RULE}, one process"
        results.append(claim(f"{of}: wall clock", "curve", point["seconds"], "s"))
        results.append(claim(f"{of}: processor seconds", "curve", point["cpu"], "s"))
        results.append(claim(f"{of}: memory", "curve", point["mb"], "MiB"))
    sites, cpu = (np.array([point[name] for point in points]) for name in ("sites", "cpu"))
    slope, start = np.polyfit(sites, cpu, 1)
    results.append(
        claim("processor seconds for a million sites, by the line through the curve", "curve", start + slope * 1e6, "s")
    )
    write(HERE / "results.json", [{**row, "machine": machine} for row in results])
    table = ["| what | target | measured | unit |", "|---|---|---|---|"]
    table += [f"| {row['claim']} | {asked(row)} | {row['measured']:.4g} | {row['unit']} |" for row in results]
    readme = HERE / "README.md"
    before = readme.read_text(encoding="utf-8").partition("<!-- table -->")[0]
    readme.write_text(before + "<!-- table -->\n\n" + "\n".join(table) + f"\n\n{machine}\n", encoding="utf-8")
    print("\n".join(table))


if __name__ == "__main__":
    main()
