"""Settle one event of up to a million synthetic sites from a store of day rows and one of long rows; the kernel beside the roofline.

    python benchmarks/settlement/million.py [--sites 1000000]

45 days hourly before the event, drawn from the bundled buildings by `simulate` (synthetic, and labelled so); CAISO 10-in-10 with a
ratio between 0.8 and 1.2; two worker processes. Each settlement is a process of its own. Writes results_million.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import asked, at_least, at_most, claim, equal_to, write

HERE = Path(__file__).parent
RULE, FIRST_DAY, DAYS, EVENT_DAY = "caiso_10in10", "2019-05-01", 47, "2019-06-14"
SHARES = (0.1, 0.5, 1.0)  # of the sites: three points of a straight line
MILLION, WORKERS = 1_000_000, 2


def make_store(folder: Path, layout: str, sites: int) -> None:
    """A store of `sites` synthetic sites, as `cblcast simulate` writes it."""
    from cblcast.config.portfolio import PortfolioFile
    from cblcast.workflow.portfolio import PortfolioOfRealDays

    settings = PortfolioFile(
        world="portfolio",
        name="million",
        store=layout,
        layout=layout,
        sites=sites,
        first_day=FIRST_DAY,
        days=DAYS,
        sites_per_file=50_000,
    )
    PortfolioOfRealDays().run(settings, folder)


def settle_once(folder: Path, layout: str, count: int) -> dict[str, Any]:
    """Seconds and memory of one settlement of the first `count` sites, in this process and its workers."""
    from cblcast.io.store import open_store
    from cblcast.scaling import Asked, settle_store
    from cblcast.settlement import Wishes
    from cblcast.simulate.portfolio import site_names

    store = open_store(folder / layout, country="GB")
    names = pd.Index(site_names(0, count), name="site_id", dtype="str")
    sites = pd.DataFrame({"tz": store.tz, "country": "GB", "subdivision": "ENG"}, index=names)
    start = pd.Timestamp(f"{EVENT_DAY} 17:00", tz=store.tz).tz_convert("UTC")
    events = pd.DataFrame({"site_id": names, "start": start, "stop": start + pd.Timedelta("3h")})
    begun, used = time.perf_counter(), processor_seconds()
    told, outcome = settle_store(store, sites, events, [RULE], Wishes(), Asked(workers=WORKERS, scheduler="processes"))
    return {
        "wall": time.perf_counter() - begun,
        "cpu": processor_seconds() - used,
        "mb": max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024,
        "parent_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "worker_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "settled": len(told.events),
        "told": len(told.problems) + len(outcome.failures),
        "delivered_kwh": float(told.events["delivered_kwh"].sum()),
    }


def processor_seconds() -> float:
    """Of this process and of its workers that have ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def in_a_process(folder: Path, layout: str, count: int) -> dict[str, Any]:
    """As :func:`settle_once`, in a process of its own."""
    arguments = [sys.executable, __file__, "--once", str(folder), layout, str(count)]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def least(work: Callable[[], object], runs: int = 7) -> float:
    """The fewest processor seconds of some runs."""
    found = []
    for _ in range(runs):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def roofline() -> dict[str, float]:
    """GB/s of the memory (the triad of STREAM in numpy, one core), and of two kernels over readings they must look at."""
    from cblcast.days.screening import xofy_backtest
    from cblcast.frames.cube import DayCube
    from cblcast.frames.day_panel import DayPanel
    from cblcast.programs import load_program
    from cblcast.programs.by_days import by_days

    n = 40_000_000
    one, two, out = np.ones(n, np.float32), np.ones(n, np.float32), np.empty(n, np.float32)
    copied = 2 * one.nbytes / least(lambda: np.copyto(out, one))
    added = 3 * one.nbytes / least(lambda: np.add(one, two, out=out))  # numpy has no fused triad: its add moves as much
    rng = np.random.default_rng(0)
    n_sites, n_days = 16_384, 47
    values = rng.gamma(4.0, 5.0, (n_sites, n_days, 24)).astype(np.float32)
    first = int(np.datetime64(FIRST_DAY).astype(int))
    names = pd.Index([f"{number:06d}" for number in range(n_sites)], name="site_id", dtype="str")
    sites = pd.DataFrame({"tz": "Europe/London", "country": "GB", "subdivision": "ENG"}, index=names)
    start = pd.Timestamp(f"{EVENT_DAY} 16:00", tz="UTC").as_unit("us")
    events = pd.DataFrame({"site_id": names, "start": start, "stop": start + pd.Timedelta("3h")})
    program = load_program(RULE)
    windows = tuple(program.adjustment.windows)  # type: ignore[union-attr]

    def rule() -> object:
        panel = DayPanel({"observed_kw": DayCube(values, first)}, sites, 3_600_000_000)
        return by_days(program, windows, panel.with_events(events), events, True)  # type: ignore[arg-type]

    cube = DayCube(values[:2048], first)
    screened = least(lambda: xofy_backtest(cube, 17, 20, x=10, y=10, select="recent"))
    ranked = least(lambda: xofy_backtest(cube, 17, 20, x=5, y=10, select="high"))
    moved = cube.values.nbytes + 4 * 4 * cube.values.shape[0] * n_days
    return {
        "copy": copied / 1e9,
        "triad": added / 1e9,
        "settlement": values.nbytes / least(rule) / 1e9,
        "settlement_us": least(rule, 3) / n_sites * 1e6,
        # Every reading once in, baselines (3 h) and factor once out: what no kernel can do without.
        "screening": moved / screened / 1e9,
        "ranking": moved / ranked / 1e9,
        "screening_days": cube.values.shape[0] * cube.values.shape[1] / screened / 1e6,
    }


def curve(found: list[dict[str, Any]], counts: list[int], name: str) -> tuple[float, float]:
    """Intercept and slope a million sites of a straight line through the points."""
    slope, intercept = np.polyfit(np.array(counts) / MILLION, [each[name] for each in found], 1)
    return float(intercept), float(slope)


def claims_of(layout: str, counts: list[int], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the settlements from one layout come to."""
    words, limit = {"days": ("day rows", 25.0), "long": ("long rows", 90.0)}[layout]
    whole, n = found[-1], counts[-1]
    head = f"one event of {n:,} sites, hourly, {RULE}, from {words}, {WORKERS} processes"
    (a, b), (cpu_a, cpu_b) = curve(found, counts, "wall"), curve(found, counts, "cpu")
    points = ", ".join(f"{count:,}: {each['wall']:.2f} s" for count, each in zip(counts, found, strict=True))
    target = "issue: a million meters"
    return [
        claim(f"{head}: wall clock, reading included", target, whole["wall"], "s", at_most(limit * n / MILLION) if n == MILLION else None),
        claim(f"{head}: processor seconds", "for comparison", whole["cpu"], "s"),
        claim(f"the line of wall clock through {points}: at a million sites", target, a + b, "s", at_most(limit)),
        claim(f"the line of processor seconds from {words}: at a million sites", target, cpu_a + cpu_b, "s", at_most(2 * limit)),
        claim(f"{head}: memory of the largest process", target, whole["mb"], "MiB", at_most(4096)),
        claim(f"{head}: memory of the process that joins the parts", "for comparison", round(whole["parent_mb"]), "MiB"),
        claim(f"{head}: events settled and told why not", "count", whole["settled"] + whole["told"], "rows", equal_to(n)),
    ]  # fmt: skip


def main(sites: int, keep: Path | None) -> None:
    counts = [int(share * sites) for share in SHARES]
    results: list[dict[str, Any]] = []
    sums = {}
    for layout in ("days", "long"):
        with tempfile.TemporaryDirectory() as name:
            folder = keep or Path(name)
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / layout).exists():
                make_store(folder, layout, sites)
            size = sum(each.stat().st_size for each in (folder / layout).glob("*.parquet")) / 1e6
            found = [in_a_process(folder, layout, count) for count in counts]
            results += claims_of(layout, counts, found)
            results.append(claim(f"the store of {sites:,} sites in {layout} rows", "for comparison", size, "MB"))
            sums[layout] = found[-1]["delivered_kwh"]
    results.append(
        claim("delivered energy from long rows over that from day rows", "identity", sums["long"] / sums["days"], "1", equal_to(1.0))
    )  # fmt: skip
    told, target = roofline(), "issue: a million meters"
    results += [
        claim("memory bandwidth, one core: copy", "roofline", told["copy"], "GB/s"),
        claim("memory bandwidth, one core: triad (numpy add, three streams)", "roofline", told["triad"], "GB/s"),
        claim("XofY on every day (screening, 10 of 10): event-days a second", "roofline", told["screening_days"], "million/s"),
        claim("the same: readings in, baselines out, over the bandwidth", target, told["screening"] / told["triad"], "1", at_least(0.2)),
        claim("the highest 5 of 10, ranked for every day, over the bandwidth", target, told["ranking"] / told["triad"], "1", at_least(0.2)),
        claim("the rule of one event: its look-back, over the bandwidth", target, told["settlement"] / told["triad"], "1", at_least(0.2)),
        claim("the same, choice of days and adjustment included: processor time a site", "for comparison", told["settlement_us"], "µs"),
    ]  # fmt: skip
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    write(HERE / "results_million.json", [{**row, "machine": machine} for row in results])
    for row in results:
        print(f"{row['claim']}: {row['measured']} {row['unit']} ({asked(row) or 'reported'})")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--once"]:
        print(json.dumps(settle_once(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
    else:
        options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
        options.add_argument("--sites", type=int, default=100_000)
        options.add_argument("--keep", type=Path, help="folder in which the stores are, or stay")
        given = options.parse_args()
        main(given.sites, given.keep)
