"""Settle 10,000 sites × 10 events, hourly, by five rules from Parquet: seconds and memory on two cores.

    python benchmarks/settlement/run.py

Load: 75-day spans of the bundled Cambridge buildings, each from another day on, so that 10,000 sites are real load.
Writes results.json.
"""

from __future__ import annotations

import json
import os
import platform
import resource
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
SITES, DAYS, EVENTS = 10_000, 75, 10
RULES = ["caiso_10in10", "nyiso_average_day", "pjm_economic", "kpx_mid6of10", "erab_high4of5"]


def make_files(folder: Path) -> None:
    """The meter file and the events: one event each on the last ten working days, 17-20 h local."""
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
    days = [day for day in pd.date_range("2023-05-01", periods=DAYS) if day.day_of_week < 5][-EVENTS:]
    start = pd.DatetimeIndex([pd.Timestamp(f"{day.date()} 17:00", tz="Europe/London") for day in days])
    start = start.tz_convert("UTC").as_unit("us")
    pd.DataFrame(
        {
            "site_id": np.repeat(names, EVENTS),
            "start": np.tile(start, SITES),
            "stop": np.tile(start + pd.Timedelta(hours=3), SITES),
        }
    ).to_parquet(folder / "events.parquet")


SETTLE = """
import json, resource, sys, time
begun = time.perf_counter()
import pandas as pd
from pathlib import Path
from cblcast.scaling.processes import worker_processes
from cblcast.settlement import Wishes, settle_file
folder, coverage, processes = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
if __name__ == "__main__":
    events = pd.read_parquet(folder / "events.parquet")
    names = pd.Index(events["site_id"].unique(), name="site_id")
    sites = pd.DataFrame({"tz": "Europe/London", "country": "GB", "subdivision": "ENG"}, index=names)
    asked = folder / "panel.parquet", sites, events, json.loads(sys.argv[4]), Wishes(coverage=coverage)
    if processes == 1:
        told = settle_file(*asked)
    else:
        with worker_processes(processes) as pool:
            told = settle_file(*asked, map=pool.map)
    told.events.to_parquet(folder / "settled.parquet")
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
              for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": time.perf_counter() - begun, "cpu_seconds": cpu,
                      "problems_told": len(told.problems), "own_mb": own / 1024, "largest_child_mb": children / 1024,
                      "rows": len(told.events),
                      "delivered_kwh": float(told.portfolio["delivered_kwh"].sum())}))
"""


def run(folder: Path, coverage: float | None, processes: int) -> dict[str, float]:
    """One settlement in a fresh interpreter, imports included."""
    script = folder / "settle.py"
    script.write_text(SETTLE)
    command = [sys.executable, str(script), str(folder), json.dumps(coverage), str(processes), json.dumps(RULES)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(found.stderr)
    return json.loads(found.stdout.splitlines()[-1])


def explain_seconds(folder: Path) -> dict[str, float]:
    """One rule explained and worked through: by the function on a loaded panel, and by the command from nothing."""
    script = folder / "explain.py"
    script.write_text("""
import json, time
from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.programs import explain, explain_event, load_program
panel = datasets.load("cambridge_sme")
event = placebo_events(panel, "17:00", "20:00", first="2019-06-12", last="2019-06-12").iloc[:1]
begun = time.perf_counter()
for name in ("nyiso_average_day", "pjm_match_day", "kpx_mid6of10"):
    explain(load_program(name)), explain_event(load_program(name), panel, event).text()
print(json.dumps((time.perf_counter() - begun) / 3))
""")
    call = float(subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "cblcast", "programs", "explain", "nyiso_average_day"],
        capture_output=True,
        check=True,
    )
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"call": call, "wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder)
        two, one = run(folder, None, 2), run(folder, None, 1)
        limits = run(folder, 0.9, 2)
        told = explain_seconds(folder)
    memory = two["own_mb"] + 2 * two["largest_child_mb"]
    what = f"{SITES:,} sites x {EVENTS} events x 3 h, hourly, {len(RULES)} rules, {DAYS} days of Parquet"
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    speed, beside = "project target, Speed", "for comparison"
    in_two, in_one = (round(mb) for mb in (memory, one["own_mb"]))
    explained = "a rule explained and one event worked through"
    told_rows = two["rows"] + two["problems_told"]
    results = [
        claim(f"settles {what}, two processes, imports included", speed, two["seconds"], "s", at_most(15)),
        claim(
            "processor seconds of all its processes, over two cores: what an idle machine would take",
            speed,
            two["cpu_seconds"] / 2,
            "s",
            at_most(15),
        ),
        claim("the same in one process", speed, one["seconds"], "s", at_most(15)),
        claim("memory of all three processes, each at its largest", speed, in_two, "MiB", at_most(2048)),
        claim("memory in one process", speed, in_one, "MiB", at_most(2048)),
        claim("with 90 % intervals from placebo days", beside, limits["seconds"], "s"),
        claim(f"{explained}, by the function", speed, told["call"], "s", at_most(1), digits=3),
        claim("the same by the command, from a fresh interpreter: wall clock", speed, told["wall"], "s", at_most(1)),
        claim("the same by the command: processor seconds", beside, told["cpu"], "s"),
        claim(
            "events settled or reported with a reason",
            "count",
            told_rows,
            "rows",
            equal_to(SITES * EVENTS * len(RULES)),
        ),
        claim("memory of this script, which makes the files and is none of the three", beside, round(own_mb), "MiB"),
    ]
    write(HERE / "results.json", [{**row, "machine": machine} for row in results])
    for row in results:
        print(f"{row['claim']}: {row['measured']} {row['unit']} ({asked(row) or 'reported'})")


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{time.perf_counter() - started:.0f} s in all")
