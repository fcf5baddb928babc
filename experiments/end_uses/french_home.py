"""The French home with three sub-meters: what the regression calls heating and occupancy, by sub-meter. One part of run.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from claims import at_most, claim

from cblcast import datasets
from cblcast.end_uses import add_up, regress
from cblcast.estimators.learners.filtered_degrees import degrees, occupied_times

SOURCE = "individual household electric power consumption (UCI), hourly"
FILE = "load/uci_household_hourly_2006_2010.parquet"
NAMES = {
    "sub1_kitchen_wh": "kitchen",
    "sub2_laundry_wh": "laundry",
    "sub3_heater_ac_wh": "water heater and air conditioner",
}


def french_home(records: list[dict[str, Any]]) -> None:
    """Parts of the home, and which sub-meters they are made of; nothing where its file is not there."""
    folder = os.environ.get("CBLCAST_DATA_DIR")
    if not folder or not (Path(folder) / FILE).is_file():
        print(f"the French home is left out: {FILE} is not below CBLCAST_DATA_DIR")
        return
    data = pd.read_parquet(Path(folder) / FILE).dropna()
    subs = data[list(NAMES)].rename(columns=NAMES) / 1000  # Wh in an hour
    subs["not sub-metered"] = data["load_kw"] - subs.sum(axis=1)
    times = data.index
    climate = climate_of(times)
    weekday = times.day_of_week.to_numpy()
    clock = 24 * np.maximum(weekday - 4, 0) + times.hour.to_numpy()
    load = data["load_kw"].to_numpy(dtype=np.float64)
    # Months of their own would leave a climate nothing to explain: it does not change from year to year.
    found = regress(load, clock, np.zeros(len(load)), climate[:, None], np.zeros(1), 1.0)
    records.append(
        claim(
            "French home: parts of an hour against its load, largest difference",
            "issue of this project",
            float(np.abs(add_up(load, found.expected_kw).sum(1) - load).max()),
            "kW",
            at_most(1e-9),
            15,
        )
    )
    for k, part in enumerate(("base", "occupancy", "heating (by the climate)", "cooling (by the climate)")):
        limits = {"lower_kw": round(float(found.lower_kw[k]), 3), "upper_kw": round(float(found.upper_kw[k]), 3)}
        records.append(claim(f"French home: {part}, mean", SOURCE, found.mean_kw[k], "kW", digits=3, **limits))
    cold = degrees(climate, found.model.balance_c[0], True)
    heating, hourly = made_of(subs, clock, cold, occupied_times(load, clock, 72)[clock])
    for name in subs:
        records += [
            claim(
                f"French home: share of the heating part that is {name}",
                SOURCE,
                100 * heating[name] / heating.sum(),
                "%",
                digits=0,
            ),
            claim(f"French home, {name}: mean", SOURCE, subs[name].mean(), "kW", digits=3),
            claim(
                f"French home, {name}: correlation of its days with the heating part's",
                SOURCE,
                by_day(found.expected_kw[:, 2], subs[name]),
                "1",
            ),
            claim(
                f"French home, {name}: correlation of its mean day with the occupancy part's",
                SOURCE,
                float(
                    np.corrcoef(hourly[name], np.bincount(clock, found.expected_kw[:, 1]) / np.bincount(clock))[0, 1]
                ),
                "1",
            ),
        ]


def climate_of(times: pd.DatetimeIndex) -> np.ndarray:
    """Usual temperature of the hour of the year [°C]: two harmonics of the year, and the mean day of each month.

    From the nacelles of La Haute Borne, 280 km east, 2014-2015: no temperature of the home's own years is at hand.
    """
    temp = datasets.load("la_haute_borne").data["temp_air_c"].droplevel("site_id").tz_convert("Europe/Paris")
    coefficients = np.linalg.lstsq(waves(temp.index), temp.ffill().to_numpy(dtype=np.float64), rcond=None)[0]
    left = (temp - waves(temp.index) @ coefficients).groupby([temp.index.month, temp.index.hour]).mean()
    left = left - left.groupby(level=0).transform("mean")
    return waves(times) @ coefficients + left.to_numpy()[24 * (times.month.to_numpy() - 1) + times.hour.to_numpy()]


def waves(times: pd.DatetimeIndex) -> np.ndarray:
    angle = 2 * np.pi * times.day_of_year.to_numpy() / 365.25
    return np.column_stack([np.ones(len(angle)), *(wave(k * angle) for k in (1, 2) for wave in (np.sin, np.cos))])


def made_of(
    subs: pd.DataFrame, clock: np.ndarray, cold: np.ndarray, occupied: np.ndarray
) -> tuple[pd.Series, pd.DataFrame]:
    """The same regression of every sub-meter: since it is linear, the parts of the sub-meters add up to those of the load."""
    columns = pd.DataFrame(
        {"low": np.where(occupied, 0.0, cold), "high": np.where(occupied, cold, 0.0)}, index=subs.index
    )
    within = columns - columns.groupby(clock).transform("mean")
    slope = np.linalg.lstsq(within.to_numpy(), (subs - subs.groupby(clock).transform("mean")).to_numpy(), rcond=None)[0]
    heating = pd.DataFrame(columns.to_numpy() @ slope, columns=subs.columns, index=subs.index)
    return heating.mean(), (subs - heating).groupby(clock).mean()


def by_day(part: np.ndarray, sub: pd.Series) -> float:
    both = pd.DataFrame({"part": part, "sub": sub}).groupby(sub.index.normalize()).mean()
    return float(both["part"].corr(both["sub"]))
