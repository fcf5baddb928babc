"""The trial as events: runs of the High price, quiet days, and their twins on which nothing happened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.frames.panel import Panel

SEED = 11


@dataclass(frozen=True)
class Trial:
    """What was metered and what was asked.

    Attributes
    ----------
    panel, masked : Panel
        As metered, and with every price but the normal one masked at the homes.
    homes, others : Index
        On the dynamic tariff, and on the standard tariff.
    high : DataFrame
        ``start``, ``stop`` (UTC) of every run of the High price, its events.
    pairs : DataFrame
        ``event`` (row of `high`), ``start``, ``stop`` and number (``twin``) of each event's twins.
    train : DataFrame
        Events of all sites on quiet days that are no twins.
    """

    panel: Panel
    masked: Panel
    homes: pd.Index
    others: pd.Index
    high: pd.DataFrame
    pairs: pd.DataFrame
    train: pd.DataFrame


def read_trial() -> Trial:
    """The London homes and the prices of 2013."""
    panel = datasets.load("lcl_homes")
    folder = Path(os.environ[datasets.ENVIRONMENT_VARIABLE])  # named, or the homes could not have been loaded
    sites = panel.sites.assign(group=np.where(panel.sites["tariff_group"] == "ToU", "treated", "control"))
    panel = Panel(panel.data, sites)
    homes, others = (sites.index[sites["group"] == kind] for kind in ("treated", "control"))
    runs = price_runs(folder / "load" / "lcl_dtou_tariff_30min_2013.csv.gz")
    # Two months of history come first, so that every method sees the same events.
    high = runs[(runs["tariff"] == "High") & (runs["start"] >= "2013-03-01")].reset_index(drop=True)
    masked = panel.with_events(at_homes(runs[runs["tariff"] != "Normal"], homes))
    days = normal_days(runs)
    days = days[days >= "2013-03-01"]
    to_judge, to_train = days[::2], days[1::2]
    pairs = twins(high, to_judge, 3).drop_duplicates(["event", "start"])
    twin_runs = pairs[["start", "stop"]].drop_duplicates(ignore_index=True)
    pairs = pairs.merge(twin_runs.reset_index(names="twin"), on=["start", "stop"])
    rng = np.random.default_rng(SEED)
    train_runs = pd.DataFrame([same_hours(high.iloc[rng.integers(len(high))], day) for day in to_train])
    for edge in ("start", "stop"):
        train_runs[edge] = pd.DatetimeIndex(train_runs[edge]).as_unit("us")
    train = at_homes(batches(train_runs[train_runs["stop"] <= "2014-01-01"])[0], panel.site_ids)
    return Trial(panel, masked, homes, others, high, pairs, train)


def price_runs(path: Path) -> pd.DataFrame:
    """Runs of one price: ``tariff``, ``start``, ``stop`` (UTC)."""
    prices = pd.read_csv(path)
    time = pd.DatetimeIndex(pd.to_datetime(prices["timestamp_gmt"], utc=True)).as_unit("us")
    run = (prices["tariff"] != prices["tariff"].shift()).cumsum()
    runs = (
        pd.DataFrame({"tariff": prices["tariff"], "time": time})
        .groupby(run)
        .agg(tariff=("tariff", "first"), start=("time", "first"), last=("time", "last"))
    )
    return runs.assign(stop=runs["last"] + pd.Timedelta("30min")).drop(columns="last").reset_index(drop=True)


def at_homes(runs: pd.DataFrame, homes: pd.Index) -> pd.DataFrame:
    """The same runs at every home."""
    return runs[["start", "stop"]].merge(pd.Series(homes, name="site_id"), how="cross")[["site_id", "start", "stop"]]


def normal_days(runs: pd.DataFrame) -> pd.DatetimeIndex:
    """Local days of 2013 without a High or a Low price."""
    changed = runs[runs["tariff"] != "Normal"]
    taken = set()
    for edge, shift in (("start", pd.Timedelta(0)), ("stop", pd.Timedelta("1us"))):
        taken |= set((changed[edge] - shift).dt.tz_convert("Europe/London").dt.date)
    return pd.DatetimeIndex([day for day in pd.date_range("2013-01-01", "2013-12-31") if day.date() not in taken])


def same_hours(run: pd.Series, day: pd.Timestamp) -> dict[str, pd.Timestamp]:
    """The run's wall clock on another day."""
    start, stop = (run[edge].tz_convert("Europe/London").tz_localize(None) for edge in ("start", "stop"))
    shift = day - start.normalize()
    return {
        edge: (at + shift).tz_localize("Europe/London", ambiguous=True, nonexistent="shift_forward").tz_convert("UTC")
        for edge, at in (("start", start), ("stop", stop))
    }


def twins(high: pd.DataFrame, days: pd.DatetimeIndex, count: int) -> pd.DataFrame:
    """For each event its hours on the `count` nearest of `days` of the same kind (working or not): nothing happened."""
    rows = []
    for number, run in high.iterrows():
        day = run["start"].tz_convert("Europe/London").tz_localize(None).normalize()
        alike = days[(days.day_of_week < 5) == (day.day_of_week < 5)]
        for twin in alike[np.argsort(np.abs((alike - day).days), kind="stable")[:count]]:
            rows.append({"event": number, **same_hours(run, twin)})
    found = pd.DataFrame(rows)
    for edge in ("start", "stop"):
        found[edge] = pd.DatetimeIndex(found[edge]).as_unit("us")
    return found


def batches(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """Runs in groups that do not overlap, so that each group is one table of events."""
    groups: list[list[int]] = []
    ends: list[pd.Timestamp] = []
    for number, run in runs.sort_values(["start", "stop"]).iterrows():
        place = next((k for k, end in enumerate(ends) if end <= run["start"]), len(groups))
        if place == len(groups):
            groups.append([])
            ends.append(run["stop"])
        groups[place].append(number)
        ends[place] = run["stop"]
    return [runs.loc[group] for group in groups]
