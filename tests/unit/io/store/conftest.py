"""The same readings of six meters, through the night of a clock change, in every layout."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cblcast.frames.panel import Panel, panel_of

ROME = "Europe/Rome"
SITES = [f"s{number:03d}" for number in range(6)]


def readings(first: str = "2024-03-20", last: str = "2024-04-10", freq: str = "h", seed: int = 0) -> pd.DataFrame:
    """Long rows of whole local days."""
    local = pd.date_range(first, last, freq=freq, tz=ROME, inclusive="left")
    times = pd.DatetimeIndex(np.tile(local.tz_convert("UTC").as_unit("us").asi8, len(SITES)).view("M8[us]"), tz="UTC")
    kw = np.random.default_rng(seed).random(len(times)).astype(np.float32)
    return pd.DataFrame({"site_id": np.repeat(SITES, len(local)), "time": times, "kw": kw})


def day_table(frame: pd.DataFrame, of: pa.DataType | None = None) -> pa.Table:
    """The same as day rows, each as long as its day."""
    dates = frame["time"].dt.tz_convert(ROME).dt.date.rename("date")
    rows = frame.groupby(["site_id", dates])["kw"].apply(list).reset_index()
    return pa.table(
        {
            "site_id": rows["site_id"].to_list(),
            "date": pa.array(rows["date"].to_list(), pa.date32()),
            "kw": pa.array(rows["kw"].to_list(), of or pa.list_(pa.float32())),
        }
    )


def panel(frame: pd.DataFrame) -> Panel:
    return panel_of(frame.rename(columns={"kw": "observed_kw"}), tz=ROME)


def write(frame: pd.DataFrame, layout: str, folder: Path) -> Path:
    """A store of the readings."""
    path = folder / f"{layout}.parquet"
    if layout == "long":
        frame.to_parquet(path, row_group_size=700, index=False)  # a site lies in two row groups
    elif layout == "days":
        pq.write_table(day_table(frame), path, row_group_size=25)
    else:
        wide = frame.pivot_table(index="time", columns="site_id", values="kw").reset_index()
        wide.to_parquet(path, row_group_size=100, index=False)
    return path


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return readings()


@pytest.fixture(scope="session", params=["long", "days", "wide"])
def store_of_a_layout(request, frame, tmp_path_factory) -> Path:
    return write(frame, request.param, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def meters() -> SimpleNamespace:
    """The makers of this file, for tests."""
    return SimpleNamespace(readings=readings, day_table=day_table, panel=panel, write=write, sites=SITES, tz=ROME)
