"""Processor seconds to read, attach and look up forecast runs: seven farms, three years, a nowcast issued every hour.

    python benchmarks/forecast_runs/run.py

The values are the bundled ERA5 winds of La Haute Borne, laid out as runs of a forecast product (a reanalysis, so what is measured
here is time, never accuracy). Writes results.json and the table in README.md.
"""

from __future__ import annotations

import os
import platform
import sys
import warnings
from pathlib import Path
from time import process_time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import asked, at_least, at_most, below, claim, figure, summary, write

from cblcast import datasets
from cblcast.features.nwp import Nwp
from cblcast.frames.panel import Panel, panel_of
from cblcast.frames.rolling import rolling_origins
from cblcast.frames.schema import DataWarning
from cblcast.io.forecasts import read_forecasts, with_forecasts
from cblcast.io.nwp import attach

HERE = Path(__file__).parent
FARMS = [f"farm_{k}" for k in range(1, 8)]
START, STOP, EVERY_H, LEADS_H, DELAY_H = "2014-01-03", "2017-01-03", 12, 49, 4.0
ISSUED_FOR_H = (1, 2, 3, 6, 12, 24, 36)
SPEED, U = "era5_wind_speed_100m_ms", "era5_wind_u_100m_ms"


def runs_of_farms(every_h: int) -> pd.DataFrame:
    """A long frame: runs every so many hours, 0 to 48 hours ahead, the winds of each farm a month apart."""
    era5 = datasets.load_reanalysis("era5")[["wind_u_100m_ms", "wind_v_100m_ms"]].astype(np.float64)
    issue = pd.date_range(pd.Timestamp(START) - pd.Timedelta("2D"), STOP, freq=f"{every_h}h", tz="UTC").as_unit("us")
    lead = np.arange(LEADS_H)
    row = (np.arange(len(issue)) * every_h)[:, None] + lead
    frames = []
    for k, farm in enumerate(FARMS):
        values = {name: era5[name].to_numpy()[(row.ravel() + 720 * k) % len(era5)] for name in era5.columns}
        times = {
            "issue_time": np.repeat(issue, LEADS_H),
            "valid_time": np.repeat(issue, LEADS_H) + pd.to_timedelta(np.tile(lead, len(issue)), unit="h"),
        }
        frames.append(pd.DataFrame({"site_id": farm, **times, **values}))
    return pd.concat(frames, ignore_index=True).astype({"site_id": "category"})


def farms() -> Panel:
    times = pd.date_range(START, STOP, freq="h", tz="UTC", inclusive="left").as_unit("us")
    return panel_of(pd.concat([pd.DataFrame({"site_id": farm, "time": times, "observed_kw": 1.0}) for farm in FARMS]))


def main() -> None:
    frame, panel = runs_of_farms(EVERY_H), farms()
    began = process_time()
    runs = read_forecasts(frame, "era5", delay_h=DELAY_H)
    read_s = process_time() - began
    began = process_time()
    attached = with_forecasts(panel, runs)
    attach_s = process_time() - began
    cases = rolling_origins(attached, [60 * lead for lead in ISSUED_FOR_H], every_min=60)
    began = process_time()
    with warnings.catch_warnings():  # the last leads reach beyond some runs, which is told
        warnings.simplefilter("ignore", DataWarning)
        found = Nwp((SPEED, U))(attached, cases)
    look_s = process_time() - began
    began = process_time()
    one = attach(
        panel.select(FARMS[:1]),
        frame[frame["site_id"] == FARMS[0]]
        .set_index(["issue_time", "valid_time"])
        .rename_axis(["issue_time", "time"])
        .drop(columns="site_id"),
        horizon_h=35,  # 36 h from the last interval seen
        delay_h=DELAY_H,
    )
    before_s = process_time() - began
    longest = found[
        cases.index.get_level_values("time") - cases.index.get_level_values("origin") == pd.Timedelta("35h")
    ]
    own = longest.loc[FARMS[0]].droplevel("origin")[U]
    before = one.data[U.removeprefix("era5_")].loc[FARMS[0]].reindex(own.index)
    agree = np.isclose(own, before, atol=1e-9)[
        before.notna()
    ].mean()  # half a step beyond a run's end, only the look-up has a value
    hourly = runs_of_farms(1)
    began = process_time()
    with_forecasts(panel, read_forecasts(hourly, "era5", delay_h=DELAY_H))
    hourly_s = process_time() - began
    target = "issue 'nowcast desk'"
    results = [
        claim(
            f"read, attach and look up {len(frame):,} rows of runs for {len(cases):,} intervals: seven farms, three years, hourly issues",
            target, read_s + attach_s + look_s, "processor s", at_most(5.0)),
        claim("of which: read the long frame", "reported", read_s, "processor s"),
        claim("of which: attach, and look for days without a forecast", "reported", attach_s, "processor s"),
        claim("of which: look up two columns for every interval", "reported", look_s, "processor s"),
        claim("one farm and ONE horizon by one value an interval (cblcast.io.nwp.attach)", "reported", before_s, "processor s"),
        claim("the look-up of all farms and leads takes less than that", target, look_s, "processor s", below(before_s)),
        claim(
            "both agree at the lead that attach was made for, wherever it has a value", "identity", 100 * agree, "% of intervals",
            at_least(100.0)),
        claim(f"read and attach {len(hourly):,} rows: a run every hour", "reported", hourly_s, "processor s"),
    ]  # fmt: skip
    write(HERE / "results.json", results)
    print(summary(results))
    table = ["| what | target | measured | unit |", "|---|---|---|---|"]
    table += [f"| {one['claim']} | {asked(one)} | {figure(one['measured'])} | {one['unit']} |" for one in results]
    machine = (
        f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, pandas {pd.__version__}"
    )
    readme = (HERE / "README.md").read_text(encoding="utf-8").split("<!-- table -->")[0]
    (HERE / "README.md").write_text(
        readme + "<!-- table -->\n\n" + "\n".join(table) + f"\n\nOn {machine}.\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
