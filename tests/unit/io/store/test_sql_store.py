"""A table of a real PostgreSQL server, and of SQLite, as a store: the same cubes as from a file."""

from __future__ import annotations

import pickle
import re
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError, DataWarning
from cblcast.io.database import URL_VARIABLE
from cblcast.io.options import ReaderOptions
from cblcast.io.store import open_sql_store, open_store
from cblcast.workflow.converting import convert

sys.path.append(str(Path(__file__).parents[3]))
import postgres


@pytest.fixture(scope="module")
def server(postgres_server, frame):
    from sqlalchemy import create_engine, text

    url = postgres.database(postgres_server, "stores")
    engine = create_engine(url)
    with engine.begin() as connection:
        # ICU sorts small letters before capitals, Python the other way; not every server has it.
        icu = connection.execute(text("SELECT 1 FROM pg_collation WHERE collname = 'en-x-icu'")).scalar()
        collate = 'COLLATE "en-x-icu"' if icu else ""
        connection.execute(text("CREATE SCHEMA meters"))
        for table in ("readings", "nameless", "timeless"):
            columns = f"site_id text {collate}, time timestamptz, kw double precision"
            connection.execute(text(f"CREATE TABLE meters.{table} ({columns})"))
        connection.execute(text("CREATE TABLE naive (site_id text, time timestamp, kw real)"))
        connection.execute(text("CREATE TABLE empty (site_id text, time timestamptz, kw real)"))
    named = frame.assign(site_id=frame["site_id"].replace({"s001": "S001", "s004": "o'neill"}))
    named.to_sql("readings", engine, schema="meters", index=False, if_exists="append")
    few = frame.iloc[:100]
    few.assign(site_id=few["site_id"].where(few.index > 2)).to_sql(
        "nameless", engine, schema="meters", index=False, if_exists="append"
    )
    few.assign(time=few["time"].where(few.index > 2)).to_sql(
        "timeless", engine, schema="meters", index=False, if_exists="append"
    )
    engine.dispose()
    return url


def cubes(store, size: int = 30_000, **wishes):
    parts = [store.read_days(partition, **wishes) for partition in store.partitions(size)]
    names = np.concatenate([part.site_ids.to_numpy(dtype=object) for part in parts])
    return names, np.concatenate([part.cube.values for part in parts])


def test_a_table_of_postgres_gives_the_same_days(server, frame, meters, monkeypatch, tmp_path):
    monkeypatch.setenv(URL_VARIABLE, server)
    store = open_sql_store("meters.readings", tz=meters.tz)
    assert len(store.partitions(30_000)) == 3
    names, cube = cubes(store)
    assert list(names) == ["S001", "o'neill", "s000", "s002", "s003", "s005"]
    wanted = meters.panel(frame).cube().values[[1, 4, 0, 2, 3, 5]]
    assert np.array_equal(cube, wanted, equal_nan=True)
    convert(["sql:meters.readings"], tmp_path / "days.parquet", "days", options=ReaderOptions(tz=meters.tz))
    assert np.array_equal(cubes(open_store(tmp_path / "days.parquet"))[1], wanted, equal_nan=True)
    store = pickle.loads(pickle.dumps(store))  # noqa: S301
    sites = pd.DataFrame({"tz": meters.tz}, index=pd.Index(["s003", "o'neill"], name="site_id"))
    (partition,) = store.partitions()
    found = store.read_days(partition, sites, "2024-03-30", "2024-04-01")
    assert np.array_equal(found.cube.values, wanted[[1, 4], 10:13], equal_nan=True)
    panel = store.read_panel(partition, sites, "2024-03-30T00:00Z", "2024-03-30T05:00Z")
    assert len(panel.data) == 10


def test_columns_beside_the_load_go_to_the_panel(frame, meters, tmp_path):
    path = tmp_path / "meters.db"
    with sqlite3.connect(path) as connection:
        text = frame.assign(time=frame["time"].dt.strftime("%Y-%m-%d %H:%M:%S+00:00"), temp_air_c=1.5)
        text.to_sql("readings", connection, index=False)
        frame.assign(time=frame["time"].dt.strftime("%Y-%m-%d %H:%M:%S")).to_sql("naive", connection, index=False)
    connection.close()
    store = open_sql_store("readings", url=f"sqlite:///{path}", tz=meters.tz)
    assert np.array_equal(cubes(store)[1], meters.panel(frame).cube().values, equal_nan=True)
    (partition,) = store.partitions()
    panel = store.read_panel(partition)
    assert (panel.data["temp_air_c"] == 1.5).all()
    assert np.array_equal(panel.data["observed_kw"].to_numpy(np.float32), frame["kw"])
    with pytest.raises(DataError, match=r"table 'naive' of .* has times without a zone: name the clock"):
        open_sql_store("naive", url=f"sqlite:///{path}")


def test_what_is_wrong_is_one_sentence_without_the_password(server, meters):
    for table, told in (
        ("meters.reading", "has no table 'meters.reading': did you mean 'readings'"),
        ("naive", "has times without a zone"),
    ):
        with pytest.raises(DataError, match=told) as caught:
            open_sql_store(table, url=server)
        assert postgres.PASSWORD not in str(caught.value)
        assert postgres.ESCAPED not in str(caught.value)
    with pytest.raises(DataError, match=r"table 'empty' of .* holds no reading"):
        open_sql_store("empty", url=server).partitions()
    with pytest.raises(DataError, match=r"the time zone of site 's000' of .* is unknown") as caught:
        _read_nameless(server)
    assert postgres.ESCAPED not in str(caught.value)
    with pytest.raises(DataError, match=r"did not give the rows .*timeout"):
        cubes(open_sql_store("meters.readings", url=server, tz=meters.tz, timeout_s=0.001))
    with pytest.warns(
        DataWarning, match=r"table 'meters.timeless' of .* has 3 rows without a time, which are left out"
    ):
        _, cube = cubes(open_sql_store("meters.timeless", url=server, tz=meters.tz))
    assert np.isfinite(cube).sum() == 97
    unreachable = re.sub(r":\d+/", ":1/", server)
    with pytest.raises(DataError, match="cannot be reached") as caught:
        open_sql_store("meters.readings", url=unreachable)
    assert postgres.ESCAPED not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert postgres.ESCAPED not in repr(open_sql_store("meters.readings", url=server, tz=meters.tz))


def test_what_a_conversion_leaves_out_of_a_table_is_told(meters, server, tmp_path, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, server)
    with pytest.warns(DataWarning, match="has 3 rows without a time, which are left out"):
        convert(["sql:meters.timeless"], tmp_path / "days.parquet", "days", options=ReaderOptions(tz=meters.tz))


def _read_nameless(server):
    with pytest.warns(DataWarning, match="has 3 rows without a site_id, which are left out"):
        cubes(open_sql_store("meters.nameless", url=server))


def test_a_site_without_a_reading_and_decimals_are_read(tmp_path):
    with sqlite3.connect(tmp_path / "few.db") as database:
        database.execute("CREATE TABLE few (site_id TEXT, time TEXT, kw NUMERIC(8, 2))")
        hours = [f"2024-05-{day:02d}T{hour:02d}:00:00+00:00" for day in (1, 2) for hour in range(24)]
        database.executemany("INSERT INTO few VALUES (?, ?, ?)", [("dark", hour, None) for hour in hours])
        database.executemany("INSERT INTO few VALUES (?, ?, ?)", [("lit", hour, 1.25) for hour in hours])
    store = open_sql_store("few", url=f"sqlite:///{tmp_path / 'few.db'}", tz="UTC")
    for size, parts in ((10**9, 1), (1, 2)):
        panels = [store.read_panel(partition) for partition in store.partitions(size)]
        assert len(panels) == parts
        told = pd.concat([panel.data["observed_kw"] for panel in panels])
        assert told["dark"].isna().all()
        assert (told["lit"] == 1.25).all()
        assert np.isnan(cubes(store, size)[1][0]).all()
