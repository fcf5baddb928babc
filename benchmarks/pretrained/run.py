"""What an answer of the pretrained baseline costs: ``python benchmarks/pretrained/run.py``. Writes ``results.json``.

Processor milliseconds of a site-event on one thread, bundled data: one event asked alone, one event that many sites share, a
backtest, and each without the adaptation to the site. Features, earlier days and the views of the panel are made anew each time.
"""

# ruff: noqa: E402  (the thread counts must be set before numpy is loaded)
from __future__ import annotations

import os
import platform
import sys
import warnings
from pathlib import Path
from statistics import median
from time import process_time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before numpy: one core is what is told
sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import Record, at_most, claim, write

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.forecast.answer import answer
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.pretrained import load_pretrained, pretrained_folder
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED

HERE = Path(__file__).parent
REPEATS = 3
LIMIT = 10.0  # ms of a site-event
SOURCE = "project target, cost of the adaptation"


def buildings(count: int, days: int | None = None) -> Panel:
    """So many hourly buildings until the end of 2019: the bundled twelve, again and again under other names."""
    bundled = datasets.load("cambridge_sme")
    data = bundled.data[[OBSERVED, "temp_air_c"]]
    if days is not None:
        data = data[
            data.index.get_level_values("time") >= pd.Timestamp("2019-12-02", tz="UTC") - pd.Timedelta(days=days)
        ]
    parts, sites = [], []
    for number in range(count):
        site = bundled.site_ids[number % len(bundled.site_ids)]
        parts.append(data.loc[[site]].rename(index={site: f"s{number:03d}"}, level="site_id"))
        sites.append(bundled.sites.loc[[site]].rename(index={site: f"s{number:03d}"}))
    return Panel(pd.concat(parts).sort_index(), pd.concat(sites))


def one_of(name: str) -> Panel:
    """The first site of a bundled set."""
    panel = datasets.load(name)
    return panel.select(list(panel.site_ids)[:1])


def cost_ms(forecaster: Forecaster, panel: Panel, events: pd.DataFrame) -> float:
    """Median processor milliseconds of a site-event."""
    found = []
    for _ in range(REPEATS):
        fresh = Panel(panel.data, panel.sites)  # so that nothing of it is there already
        began = process_time()
        rows = answer(forecaster, fresh, events).rows
        found.append(process_time() - began)
        if not np.isfinite(rows["predicted_kw"]).any():
            raise SystemExit("nothing was estimated")
    return 1e3 * median(found) / len(events)


def last_event(panel: Panel) -> pd.DataFrame:
    """The last working evening of each site."""
    return placebo_events(panel, "17:00", "20:00").groupby("site_id").tail(1).reset_index(drop=True)


def evening(panel: Panel) -> pd.DataFrame:
    """One event that all buildings share."""
    return placebo_events(panel, "17:00", "20:00", first="2019-12-02", last="2019-12-02")


def main() -> None:
    adapted, plain = load_pretrained(), Forecaster.load(pretrained_folder() / "real_time")
    cost_ms(adapted, buildings(1, 60), evening(buildings(1, 60)))  # modules are loaded, trees are built
    results: list[Record] = []

    def told(text: str, forecaster: Forecaster, panel: Panel, events: pd.DataFrame, limit: float | None = None) -> None:
        asked = None if limit is None else at_most(limit)
        found = cost_ms(forecaster, panel, events)
        results.append(claim(f"{text}: a site-event", SOURCE, found, "ms", asked, 2, site_events=len(events)))
        print(results[-1], flush=True)

    for count in (1, 10, 100):
        panel = buildings(count)
        named = "one event, alone" if count == 1 else f"one event that {count} sites share"
        told(f"{named}, four years of hourly history, adapted", adapted, panel, evening(panel), LIMIT)
        told(f"{named}, four years of hourly history, as it is", plain, panel, evening(panel), LIMIT)
    for days in (30, 100, 365):
        panel = buildings(100, days)
        told(
            f"one event that 100 sites share, {days} days of hourly history, adapted",
            adapted,
            panel,
            evening(panel),
            LIMIT,
        )
    for name, step in (("turin", "15 minutes"), ("sydney_home", "30 minutes"), ("fontana_homes", "hourly")):
        panel = one_of(name)
        told(f"one event, alone, {name} ({step}), adapted", adapted, panel, last_event(panel), LIMIT)
    panel = buildings(1)
    told(
        "a backtest of 2019, one site, hourly, adapted",
        adapted,
        panel,
        placebo_events(panel, "17:00", "20:00", first="2019-01-01"),
        LIMIT,
    )
    for row in results:
        row["machine"] = f"one thread of {os.cpu_count()} {platform.machine()} cores"
    write(HERE / "results.json", results)


if __name__ == "__main__":
    with warnings.catch_warnings(record=True):  # odd days of the meters
        main()
