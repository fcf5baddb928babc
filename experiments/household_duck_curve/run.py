"""Duck curves of measured homes and of a system, and what switching devices does to them: results.json, tables, figures.

python experiments/household_duck_curve/run.py                        # homes of the bundled samples; 3 min of one core
CBLCAST_DATA_DIR=... python experiments/household_duck_curve/run.py   # and CAISO's demand, and money at real prices
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.append(str(Path(__file__).resolve().parents[1]))
from claims import at_least, at_most, claim, write
from switching import SEED, SOURCE, programs

from cblcast import datasets
from cblcast.frames.panel import Panel, panel_of
from cblcast.loadshapes import average_days, duck_of_days, duck_shape, representative_days
from cblcast.report.household_figures import duck_figure
from cblcast.simulate.household_weather import MeasuredSpan, measured_span
from cblcast.simulate.households import HouseholdWorld, stream_homes

HERE = Path(__file__).parent


def ducks_of_homes(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Average days of the measured homes by season, with PV and as if without."""
    rows = []
    for name, title in (("fontana_homes", "Fontana, fifteen homes"), ("sydney_home", "Sydney, one home")):
        panel = datasets.load(name)
        curves = average_days(panel, by=("season",))
        duck_figure(curves, title).savefig(HERE / f"duck_{name}.png")
        for column in ("observed_kw", "load_kw"):
            for season, values in average_days(panel, column, by=("season",))["mean_kw"].groupby(level=0, sort=False):
                shape = duck_shape(values.to_numpy()).iloc[0]
                rows.append(
                    {
                        "place": name,
                        "load": "net" if column == "observed_kw" else "without PV",
                        "season": season,
                        **shape,
                    }
                )
    table = pd.DataFrame(rows).round(3)
    table.to_csv(HERE / "ducks.csv", index=False)
    net = table[table["load"] == "net"].set_index(["place", "season"])
    bare = table[table["load"] != "net"].set_index(["place", "season"])
    for place in ("fontana_homes", "sydney_home"):
        records.append(
            claim(
                f"{place}: share of seasons whose 3 h ramp is steeper with PV than without",
                SOURCE,
                float((net.loc[place, "ramp"] > bare.loc[place, "ramp"]).mean()),
                "share",
                at_least(1.0),
            )
        )
        for season in ("spring", "summer"):
            row = net.loc[(place, season)]
            records.append(
                claim(f"{place}, {season}: belly of the average day", SOURCE, float(row["belly"]), "kW per home")
            )
            records.append(claim(f"{place}, {season}: largest rise in 3 h", SOURCE, float(row["ramp"]), "kW per home"))
    return table


def representative(records: list[dict[str, Any]]) -> None:
    """Do four days a month stand for their month? Judged on the load, which was not looked at in choosing them."""
    panel = datasets.load("fontana_homes")
    days = representative_days(panel, ["temp_air_c", "ghi_wm2"], n=4)
    daily = duck_of_days(panel)
    errors = []
    for period, chosen in days.groupby("period"):
        month = daily[daily.index.strftime("%Y-%m") == period]["mean_kw"]
        picked = daily.loc[pd.DatetimeIndex(chosen["day"].to_numpy().astype("M8[us]")), "mean_kw"].to_numpy()
        errors.append(abs((picked * chosen["share"].to_numpy()).sum() - month.mean()))
    days.to_csv(HERE / "representative_days.csv", index=False)
    first_four = [
        abs(rows["mean_kw"].iloc[:4].mean() - rows["mean_kw"].mean())
        for _, rows in daily.groupby(daily.index.strftime("%Y-%m"))
    ]
    records.append(
        claim(
            "net load of 4 weather-stratified days a month against the month, mean error over that of its first 4 days",
            SOURCE,
            float(np.mean(errors) / np.mean(first_four)),
            "ratio",
            at_most(1.0),
        )
    )


def duck_of_the_system(records: list[dict[str, Any]], folder: str | None) -> None:
    """CAISO: demand at the meters, which is already less by the sun on roofs."""
    if folder is None or not (Path(folder) / "load/eia_ciso_demand_hourly_2015_2020.parquet").is_file():
        return
    raw = pd.read_parquet(Path(folder) / "load/eia_ciso_demand_hourly_2015_2020.parquet")
    start = pd.DatetimeIndex(raw["timestamp_utc"]).tz_localize("UTC") - pd.Timedelta(hours=1)  # labels are hour endings
    demand = raw["demand_mw"].astype(float).where(raw["demand_mw"].between(10_000, 60_000))
    panel = panel_of(
        pd.DataFrame({"site_id": "CISO", "time": start, "observed_kw": demand.to_numpy()}), "America/Los_Angeles"
    )
    curves = average_days(panel, by=("season",))
    duck_figure(curves, "CAISO, demand at the meters, 2015-2020", "MW").savefig(HERE / "duck_caiso.png")
    years = duck_of_days(panel)
    spring = years[years.index.month.isin([3, 4, 5])]
    by_year = spring.groupby(spring.index.year)[["ramp_kw", "belly_kw", "load_factor"]].mean()
    by_year.rename(columns={"ramp_kw": "ramp_mw", "belly_kw": "belly_mw"}).round(3).to_csv(HERE / "caiso_spring.csv")
    records.append(
        claim(
            "CAISO demand, spring: 3 h ramp of 2020 over that of 2016",
            SOURCE,
            float(by_year.loc[2020, "ramp_kw"] / by_year.loc[2016, "ramp_kw"]),
            "ratio",
        )
    )


def speed(records: list[dict[str, Any]], measured: MeasuredSpan) -> None:
    world = HouseholdWorld(10_000, measured.calendar, seed=SEED)
    other = np.full(world.n_steps, 0.5)
    begun = time.process_time()
    homes = sum(len(block.load_kw) for block in stream_homes(world, measured.weather, other))
    records.append(
        claim(
            f"{homes:,} homes of devices, {measured.calendar.days} days hourly, processor time of one process",
            "issue of this project",
            time.process_time() - begun,
            "s",
            at_most(30.0),
        )
    )


def main() -> None:
    records: list[dict[str, Any]] = []
    folder = os.environ.get("CBLCAST_DATA_DIR")
    measured = measured_span(datasets.load("fontana_homes"))
    print(ducks_of_homes(records).to_string(index=False))
    representative(records)
    duck_of_the_system(records, folder)
    print(programs(records, measured, folder).to_string(index=False))
    speed(records, measured)
    write(HERE / "results.json", records)
    assert isinstance(datasets.load("sydney_home"), Panel)


if __name__ == "__main__":
    main()
