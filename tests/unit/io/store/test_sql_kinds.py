"""Tables as databases have them: types of columns, names, views and partitions; every way of reading gives the same rows."""

from __future__ import annotations

import gc
import logging
import pickle
import socket
import sqlite3
import struct
import sys
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError, DataWarning, SourceError
from cblcast.io.database import URL_VARIABLE, connected
from cblcast.io.store import open_sql_store
from cblcast.io.store import sql_rows as module
from cblcast.io.store.sql_copy import Copied
from cblcast.io.store.sql_rows import Wanted, sql_rows

sys.path.append(str(Path(__file__).parents[3]))
import postgres

NASTY = ["o'neill", "a%b%%s", "x:y", "'); DROP TABLE plain; --", 'q"uote', "back\\slash", "ünï 電"]
UUIDS = [uuid.UUID(int=10**30 * (9 - number)) for number in range(7)]
TIMES = ["timestamptz", "timestamp"]
LOADS = ["real", "double precision", "numeric(10,3)", "real"]
SITES = {"text": NASTY, "bigint": [10, 9, 100, -1, 2**40, 0, 7], "uuid": UUIDS, "varchar(50)": NASTY}


@pytest.fixture(scope="module")
def rows():
    """Seven sites through the night on which the clock shows an hour twice; one reading is not known."""
    local = pd.date_range("2024-10-25", "2024-10-30", freq="30min", tz="Europe/Rome", inclusive="left")
    draw = np.random.default_rng(0).random((7, len(local))).round(3)
    draw[2, 5] = np.nan
    frame = pd.DataFrame(draw, columns=local.tz_convert("UTC")).melt(
        ignore_index=False, var_name="time", value_name="kw"
    )
    return frame.rename_axis("number").reset_index()


@pytest.fixture(scope="module")
def server(postgres_server, rows):
    url = postgres.database(postgres_server, "kinds")
    tables = {}
    for number, (kind, names) in enumerate(SITES.items()):
        for time in TIMES:
            own = rows.assign(site_id=rows["number"].map(dict(enumerate(names))), temp_air_c=5)
            if time == "timestamp":
                own["time"] = own["time"].dt.tz_convert("Europe/Rome").dt.tz_localize(None)
            columns = f"(site_id {kind}, time {time}, kw {LOADS[number]}, temp_air_c integer)"
            tables[f'"Table {number} {time}"'] = columns, own.drop(columns="number").sample(frac=1, random_state=1)
    postgres.said(url, *(f"CREATE TABLE {table} {columns}" for table, (columns, _) in tables.items()))
    postgres.fill(url, {table: own for table, (_, own) in tables.items()})
    postgres.said(
        url,
        'CREATE SCHEMA "by.Meters"',
        'CREATE VIEW "by.Meters"."A view" AS SELECT site_id AS "Zähler", time AS "Zeit", kw / 2 AS "Arbeit" FROM "Table 0 timestamptz"',
        'CREATE TABLE plain AS SELECT * FROM "Table 1 timestamptz"',
    )
    return url


def cube_of(store):
    parts = [store.read_days(partition) for partition in store.partitions(9_000)]
    names = [name for part in parts for name in part.site_ids]
    return dict(zip(names, np.concatenate([part.cube.values for part in parts]), strict=True))


@pytest.fixture(scope="module")
def wanted(rows):
    from cblcast.frames.panel import panel_of

    panel = panel_of(
        rows.rename(columns={"kw": "observed_kw"}).assign(site_id=rows["number"].astype(str)).drop(columns="number"),
        tz="Europe/Rome",
    )
    return panel.cube().values


@pytest.mark.parametrize("number", range(4), ids=list(SITES))
@pytest.mark.parametrize("time", TIMES)
def test_whatever_the_types_are_the_days_are_the_same(server, wanted, number, time):
    clock = "Europe/Rome" if time == "timestamp" else None
    store = open_sql_store(f"Table {number} {time}", url=server, tz="Europe/Rome", clock=clock)
    assert store.step_us == 1_800_000_000
    found = cube_of(store)
    names = list(SITES.values())[number]
    assert len(store.partitions(9_000)) > 1
    for site, cube in zip(names, wanted, strict=True):
        np.testing.assert_allclose(found[str(site)], cube, rtol=1e-6, equal_nan=True)


def test_columns_of_other_types(server):
    of_plain = 'time, kw FROM "Table 1 timestamptz"'
    postgres.said(
        server,
        "CREATE DOMAIN meter AS text",
        "CREATE DOMAIN power AS real",
        "CREATE TYPE kind AS ENUM ('9', '10')",
        f"CREATE TABLE domains AS SELECT site_id::text::meter AS site_id, kw::power AS kw, {of_plain.replace('time, kw', 'time')}",
        f"CREATE TABLE chars AS SELECT site_id::text::char(20) AS site_id, {of_plain}",
        f"CREATE TABLE enums AS SELECT site_id::text::kind AS site_id, {of_plain} WHERE site_id IN (9, 10)",
        f"CREATE MATERIALIZED VIEW kept AS SELECT site_id, date_bin('1 hour', time, '2000-01-01Z') AS time, avg(kw) AS kw "
        f"FROM {of_plain.partition('FROM')[2]} GROUP BY 1, 2",
        f"CREATE TABLE texts AS SELECT site_id, time::text AS time, kw FROM {of_plain.partition('FROM')[2]}",
        f"CREATE TABLE dates AS SELECT site_id, time::date AS time, kw FROM {of_plain.partition('FROM')[2]}",
        f"CREATE TABLE seconds AS SELECT site_id, extract(epoch FROM time)::bigint AS time, kw FROM {of_plain.partition('FROM')[2]}",
    )
    wanted = cube_of(open_sql_store("Table 1 timestamptz", url=server, tz="Europe/Rome"))
    for table, names in (("domains", wanted), ("chars", wanted), ("enums", ["9", "10"])):
        found = cube_of(open_sql_store(table, url=server, tz="Europe/Rome"))
        assert sorted(found) == sorted(names)
        for site, cube in found.items():
            np.testing.assert_allclose(cube, wanted[site], rtol=1e-6, equal_nan=True)
    hourly = open_sql_store("kept", url=server, tz="Europe/Rome")
    assert hourly.step_us == 3_600_000_000
    np.testing.assert_allclose(cube_of(hourly)["9"][0], wanted["9"][0].reshape(24, 2).mean(axis=1), rtol=1e-6)
    written = cube_of(open_sql_store("texts", url=server, tz="Europe/Rome"))
    np.testing.assert_allclose(written["7"], wanted["7"], rtol=1e-6)
    for table in ("dates", "seconds"):
        with pytest.raises(DataError, match=r"'time' holds (date32\[day\]|int64), not times: write timestamps in UTC"):
            open_sql_store(table, url=server, tz="Europe/Rome")


def test_a_view_with_names_of_its_own(server, wanted):
    columns = {"Zähler": "site_id", "Zeit": "time", "Arbeit": "observed_kw"}
    store = open_sql_store('"by.Meters"."A view"', url=server, tz="Europe/Rome", columns=columns)
    found = cube_of(store)
    np.testing.assert_allclose(found[NASTY[0]], wanted[0] / 2, rtol=1e-6)
    for name in ("by.Meters.A View", '"by.Meters"'):
        with pytest.raises(DataError, match="has no table"):
            open_sql_store(name, url=server, tz="Europe/Rome")
    with pytest.raises(DataError, match="is no name of a table"):
        open_sql_store("", url=server, tz="Europe/Rome")


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("time", TIMES)
def test_a_cursor_reads_what_the_copy_reads(server, number, time):
    store = open_sql_store(f"Table {number} {time}", url=server, tz="Europe/Rome", clock="Europe/Rome")
    names = [name for one in store.partitions() for name in one.columns]
    span = tuple(int(pd.Timestamp(end).value // 1000) for end in ("2024-10-26T22:00Z", "2024-10-28T01:00Z"))
    wanted = Wanted(store.table, store.layout_of_files, ["kw", "temp_air_c"], span, store.clock, "it")
    with connected(server, 60) as (engine, _):
        (copied,) = sql_rows(engine, 60, wanted, names)
        fetched = module._in_order(wanted, names, *module._fetched(engine, 60, wanted, names, None))
    assert copied.names == fetched.names == sorted(names)
    for one, other in zip((copied.codes, copied.us), (fetched.codes, fetched.us), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(copied.columns, fetched.columns, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    inside = (copied.us >= span[0]) & (copied.us <= span[1])
    assert inside.sum() == 7 * 55  # 27 hours, both ends
    assert inside.all() or time == "timestamp"  # where the zone is not known to the server, it gives two days more


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), max_size=6), st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_a_copy_may_be_cut_anywhere(counts, steps):
    def array(values: np.ndarray) -> bytes:
        elements = np.zeros(len(values), dtype=[("length", ">i4"), ("value", values.dtype)])
        elements["length"], elements["value"] = values.itemsize, values
        told = struct.pack(">iiIii", 1, 0, 0, len(values), 1) + elements.tobytes()
        return len(told).to_bytes(4, "big") + told

    sent = header = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    times, loads = [], []
    for number, count in enumerate(counts):
        times.append((np.arange(count) * 10**15 + number).astype(">i8"))
        loads.append((np.arange(count) / 4).astype(">f4"))
        sent += struct.pack(">hii", 3, 4, number) + array(times[-1]) + array(loads[-1])
    sent += b"\xff\xff"
    copied = Copied([">i8", ">f4"])
    at = 0
    while at < len(sent):
        step = steps[at % len(steps)]
        copied.write(sent[at : at + step])
        at += step
    codes, us, values = copied.arrays()
    np.testing.assert_array_equal(codes, np.repeat(np.arange(len(counts)), counts))
    np.testing.assert_array_equal(us, np.concatenate([[], *times]).astype(np.int64))
    np.testing.assert_array_equal(values, np.concatenate([[], *loads]))
    assert us.dtype == np.int64
    for broken in (sent[:-1], header, sent + b"x"):
        copied = Copied([">i8", ">f4"])
        copied.write(broken)
        with pytest.raises(OSError, match="broke off"):
            copied.arrays()


def test_what_is_missing_is_counted(server, caplog, tmp_path):
    with caplog.at_level(logging.INFO, "cblcast.io"):
        cube_of(open_sql_store("Table 0 timestamptz", url=server, tz="Europe/Rome"))
    assert "1 of 242 rows have no kw and are gaps" in caplog.text
    postgres.said(server, "INSERT INTO plain (site_id, time, kw) VALUES (7, 'infinity', 1)")
    with pytest.raises(DataError, match=r"table 'plain' of .* has rows at an infinite time"):
        cube_of(open_sql_store("plain", url=server, tz="Europe/Rome"))
    postgres.said(server, "DELETE FROM plain WHERE time = 'infinity'", "INSERT INTO plain TABLE plain LIMIT 1")
    with pytest.raises(DataError, match=r"holds site .* twice at"):
        cube_of(open_sql_store("plain", url=server, tz="Europe/Rome"))


def test_names_are_never_code(server):
    for table in ("plain; DROP TABLE plain", 'plain"; DROP TABLE plain; --', "plain WHERE 1=1"):
        with pytest.raises(DataError, match=r"has no table|is no name of a table"):
            open_sql_store(table, url=server, tz="Europe/Rome")
    with pytest.raises(DataError, match=r"has no column 'kw; DROP TABLE plain': did you mean|known are"):
        open_sql_store("plain", url=server, tz="Europe/Rome", columns={"kw; DROP TABLE plain": "observed_kw"})
    with pytest.raises(DataError, match=r"does not say which column is the load|has no column 'load'"):
        open_sql_store("plain", url=server, tz="Europe/Rome", columns={"load": "observed_kw"})
    cube_of(open_sql_store("Table 0 timestamptz", url=server, tz="Europe/Rome"))
    assert open_sql_store("plain", url=server, tz="Europe/Rome").partitions()


def test_a_clock_that_nobody_named_is_told(server):
    with pytest.raises(DataError, match=r"has times without a zone: name the clock that wrote them \(--clock UTC"):
        open_sql_store("Table 1 timestamp", url=server)
    with pytest.warns(DataWarning, match=r"are read on the clock of Europe/Rome: say so \(--clock Europe/Rome\)"):
        open_sql_store("Table 1 timestamp", url=server, tz="Europe/Rome")
    with pytest.raises(DataError, match="twice at 2024-10-27 02:00"):  # the hour that Rome shows twice is one of UTC
        cube_of(open_sql_store("Table 1 timestamp", url=server, tz="UTC", clock="UTC"))
    with pytest.raises(DataError, match="'Rome' is no IANA time zone"):
        open_sql_store("Table 1 timestamp", url=server, clock="Rome")


def test_no_password_travels_with_a_store_that_has_its_address_from_the_environment(server, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, server)
    store = open_sql_store("plain", tz="Europe/Rome")
    (partition,) = store.partitions()
    sent = pickle.dumps((store, partition))
    assert postgres.ESCAPED.encode() not in sent
    assert postgres.PASSWORD.encode() not in sent
    monkeypatch.setenv(URL_VARIABLE, server.replace("/kinds", "/postgres"))
    with pytest.raises(
        SourceError, match=r"CBLCAST_DATABASE_URL names .*/postgres where .* and .*/kinds where it was cut"
    ):
        store.read_days(partition)
    for wrong, told in (
        (server.replace(postgres.ESCAPED, "s3%40cr:e"), "password authentication failed"),
        (server.replace("127.0.0.1", "no.such.invalid"), "cannot be reached"),
    ):
        with pytest.raises(SourceError, match=told) as caught:
            open_sql_store("plain", url=wrong)
        assert not any(each in str(caught.value) for each in (postgres.ESCAPED, postgres.PASSWORD, "s3%40cr", "s3@cr"))


def test_times_of_sqlite_are_text_that_is_looked_at(tmp_path):
    path = tmp_path / "meters.db"
    times = pd.date_range("2024-06-01", periods=24 * 20, freq="h", tz="UTC")
    frame = pd.DataFrame({"site_id": 7, "time": times, "kw": np.arange(480.0)})
    with sqlite3.connect(path) as connection:
        for name, kind, written in (
            ("iso", "DATETIME", times.strftime("%Y-%m-%dT%H:%M:%SZ")),
            ("offset", "TIMESTAMP", times.tz_convert("Europe/Rome").strftime("%Y-%m-%d %H:%M:%S+02:00")),
            ("german", "TEXT", times.strftime("%d.%m.%Y %H:%M+00:00")),
        ):
            connection.execute(f"CREATE TABLE {name} (site_id INTEGER, time {kind}, kw NUMERIC(10, 3))")
            connection.executemany(
                f"INSERT INTO {name} VALUES (?, ?, ?)",
                list(zip(frame["site_id"].tolist(), written, frame["kw"], strict=True)),
            )
        connection.execute("CREATE TABLE odd (site_id INTEGER, time TEXT, kw REAL)")
        connection.execute("INSERT INTO odd SELECT site_id, time, 'much' FROM iso")
        connection.execute("CREATE TABLE mixed (site_id INTEGER, time TEXT, kw REAL)")
        connection.execute("INSERT INTO mixed SELECT CASE WHEN kw > 9 THEN site_id ELSE 'seven' END, time, kw FROM iso")
    connection.close()
    for name in ("iso", "offset", "german"):
        store = open_sql_store(name, url=f"sqlite:///{path}", tz="Europe/Rome")
        (partition,) = store.partitions()
        days = store.read_days(partition, None, "2024-06-05", "2024-06-06")
        np.testing.assert_array_equal(days.cube.values.ravel(), np.arange(48) + 24 * 4 - 2)
    with pytest.raises(DataError, match=r"table 'odd' of .*: kw holds 'much', which is no number"):
        cube_of(open_sql_store("odd", url=f"sqlite:///{path}", tz="Europe/Rome"))
    with pytest.raises(DataError, match=r"has sites of several types \(int, str\)"):
        open_sql_store("mixed", url=f"sqlite:///{path}", tz="Europe/Rome").partitions()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # pg8000 leaves such a socket to the collector
def test_a_server_that_says_nothing_is_given_up_in_seconds(monkeypatch):
    monkeypatch.setattr("cblcast.io.database._WITHIN_S", -0.8)  # beside the second that an answer has
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://me:secret@127.0.0.1:{silent.getsockname()[1]}/db"
        monkeypatch.setattr("cblcast.io.database._check_reachable", lambda *_: None)
        with pytest.raises(SourceError, match=r"did not give the rows|cannot be reached") as told:
            open_sql_store("readings", url=address)
    assert "secret" not in str(told.value)
    del told
    gc.collect()
