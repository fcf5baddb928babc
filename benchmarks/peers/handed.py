"""Write what every peer is handed: two years to learn from, the weather, and for each event what may be seen of the meter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from exchange import HOURS, VIEWS

from cblcast.days.day_types import DAY_TYPES, site_day_types
from cblcast.frames.panel import Panel

BACK = 21 * 24  # hours before each event
AFTER = 4  # hours of the evening after the event, at settlement
HOUR = pd.Timedelta(hours=1)


def hours_of(panel: Panel) -> pd.DataFrame:
    """Every hour of every site: load, temperature and the local calendar, public holidays included."""
    frame = panel.data[["observed_kw", "temp_air_c"]].astype("float64").reset_index()
    frame["site_id"] = frame["site_id"].astype("str")
    local = frame["time"].dt.tz_convert(str(panel.sites["tz"].iloc[0]))
    frame["hour"], frame["weekday"] = local.dt.hour, local.dt.day_of_week
    frame["month"], frame["holiday"] = local.dt.month, holidays(panel, local)
    return frame


def holidays(panel: Panel, local: pd.Series) -> np.ndarray:
    """1.0 on weekdays that are no working days, all sites alike."""
    day = local.dt.tz_localize(None).to_numpy().astype("M8[D]")
    first, last = day.min().astype(int), day.max().astype(int)
    working = sorted(set(DAY_TYPES["working"])).index("working")
    free = site_day_types(panel, "working", int(first), int(last - first + 1))[0] != working
    return (free[day.astype(int) - first] & (local.dt.day_of_week.to_numpy() < 5)).astype("float64")


def with_evening(frame: pd.DataFrame, by: list[str], stop_hour: int) -> pd.DataFrame:
    """Add the load of the first two hours from the next `stop_hour` on: at settlement they are seen, and may be learned from.

    Rows of one group of `by` lie together, in the order of time.
    """
    last = (frame[by] != frame[by].shift(-1)).any(axis=1).to_numpy()
    for k in (1, 2):
        # inf stands for an evening that was not metered, or lies beyond the group, until the others are carried back
        own = frame["observed_kw"].fillna(np.inf).where(frame["hour"] == stop_hour + k - 1).shift(-1)
        frame[f"evening_{k}_kw"] = own.mask(last, np.inf).bfill().replace(np.inf, np.nan)
    return frame


def seen_rows(hours: pd.DataFrame, events: pd.DataFrame, view: str) -> pd.DataFrame:
    """For each event the hours before it, the event without its load, and at settlement the hours after it."""
    after = AFTER if view == "settlement" else 0
    parts = []
    for site, own in events.groupby("site_id", sort=True):
        held = hours[hours["site_id"] == site].set_index("time").asfreq("h").reset_index()  # a row an hour, gaps too
        first = held["time"].iloc[0]
        start = ((own["start"] - first) // HOUR).to_numpy()
        place = np.arange(-BACK, HOURS + after)
        rows = start[:, None] + place
        window = held.take(rows.ravel())
        window["origin"] = own["start"].repeat(len(place)).array
        window["asked"] = np.tile((place >= 0) & (place < HOURS), len(own))
        parts.append(window.assign(site_id=site))
    seen = pd.concat(parts, ignore_index=True)
    seen.loc[seen["asked"], "observed_kw"] = np.nan
    return seen


def hand_over(panel: Panel, events: pd.DataFrame, folder: Path, train: tuple[str, str]) -> None:
    """Write ``train.parquet``, ``weather.parquet`` and one ``seen_<view>.parquet`` for each view.

    Parameters
    ----------
    events : DataFrame
        ``site_id``, ``start``, ``stop`` [UTC], of equal hours.
    train : (first, last)
        Local days that may be learned from.
    """
    hours = hours_of(panel)
    zone = str(panel.sites["tz"].iloc[0])
    stop_hour = int(events["stop"].iloc[0].tz_convert(zone).hour)
    assert ((events["stop"] - events["start"]) == HOURS * HOUR).all()
    first, last = (pd.Timestamp(day, tz=zone) for day in train)
    past = hours[(hours["time"] >= first) & (hours["time"] < last + pd.Timedelta(days=1))].reset_index(drop=True)
    with_evening(past, ["site_id"], stop_hour).to_parquet(folder / "train.parquet", index=False)
    later = hours[hours["time"] >= events["start"].min() - BACK * HOUR].drop(columns="observed_kw")
    later.to_parquet(folder / "weather.parquet", index=False)
    for view in VIEWS:
        seen = seen_rows(hours, events, view)
        if view == "settlement":
            seen = with_evening(seen, ["site_id", "origin"], stop_hour)
        seen.to_parquet(folder / f"seen_{view}.parquet", index=False)
