"""Commands on a table of a database, SQLite's and a real PostgreSQL server's: the answers that they give of the file."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cblcast import datasets
from cblcast.io.database import URL_VARIABLE
from cblcast.scaling.journal import NAME

sys.path.append(str(Path(__file__).parents[1]))
import postgres

SITES = ["b1", "b14", "b22"]
PLACE = ("--tz", "Europe/London", "--country", "GB")
EVENTS = "site_id,start,stop\n*,2019-06-11T17:00+01:00,2019-06-11T20:00+01:00\n*,2019-06-20T17:00+01:00,2019-06-20T20:00+01:00\n"
TABLE = {"sqlite": "sql:readings", "postgres": "sql:meters.readings"}


@pytest.fixture
def run(capsys):
    """`run(*arguments)` → exit code, standard output, error stream; in this process, as the catalogue does."""
    from cblcast.cli import _run
    from cblcast.cli.boundary import guarded

    def call(*arguments: str):
        try:
            code = guarded(arguments, _run)
        except SystemExit as stop:
            code = int(stop.code or 0)
        told = capsys.readouterr()
        assert not any(secret in told.out + told.err for secret in (postgres.PASSWORD, postgres.ESCAPED))
        return code, told.out, " ".join(told.err.split())

    return call


@pytest.fixture(scope="module")
def rows():
    panel = datasets.load("cambridge_sme").select(SITES)
    return panel.data.loc[pd.IndexSlice[:, "2018-05-01":"2019-06-30"], ["observed_kw"]].reset_index()


@pytest.fixture(scope="module")
def made(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    rows.to_parquet(folder / "one.parquet", index=False)
    (folder / "events.csv").write_text(EVENTS)
    with sqlite3.connect(folder / "meters.db") as connection:
        text = rows.assign(time=rows["time"].dt.strftime("%Y-%m-%d %H:%M:%S+00:00"))
        text.to_sql("readings", connection, index=False)
        connection.execute("CREATE INDEX own ON readings (site_id, time)")
    connection.close()
    return folder


@pytest.fixture(scope="module")
def server(postgres_server, rows):
    """A table that is partitioned by month, as a hypertable of TimescaleDB is by chunks."""
    url = postgres.database(postgres_server, "commands")
    months = pd.date_range("2018-05-01", "2019-08-01", freq="MS").strftime("%Y-%m-%d")
    postgres.said(
        url,
        "CREATE SCHEMA meters",
        "CREATE TABLE meters.readings (site_id text, time timestamptz NOT NULL, observed_kw real) PARTITION BY RANGE (time)",
        *(
            f"CREATE TABLE meters.of_{first[:7].replace('-', '_')} PARTITION OF meters.readings FOR VALUES FROM ('{first}Z') TO ('{last}Z')"
            for first, last in zip(months, months[1:], strict=False)
        ),
        "CREATE INDEX ON meters.readings (site_id, time)",
    )
    postgres.fill(url, "meters.readings", rows)
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def table(request, made, tmp_path, monkeypatch):
    """Name of the table; the working directory holds the same readings as a file."""
    monkeypatch.setenv(URL_VARIABLE, f"sqlite:///{made}/meters.db")
    if request.param == "postgres":
        monkeypatch.setenv(URL_VARIABLE, request.getfixturevalue("server"))
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    # A partition a site, though there are few rows.
    monkeypatch.setattr("cblcast.scaling.asked.bytes_at_once", lambda workers: 12_000 * 24)
    return TABLE[request.param]


def test_settle_on_a_table_is_settle_on_the_file(run, table):
    asked = ("--events", "events.csv", "--program", "pjm_economic", *PLACE)
    code, _, err = run("settle", "--data", "one.parquet", *asked, "--out", "one.csv")
    assert code == 0, err
    code, _, err = run("settle", "--data", table, *asked, "--out", "many.csv", "--workers", "2")
    assert code == 0, err
    assert Path("many.csv").read_text() == Path("one.csv").read_text()
    assert not Path("many.csv.parts").exists()
    code, _, err = run("settle", "--verify", "many.csv.record.json")
    assert code == 0, err
    code, _, err = run("settle", "--data", table, *asked, "--out", "alone.csv", "--no-record", "--parts", "parts")
    assert code == 0, err
    assert Path("alone.csv").read_text() == Path("one.csv").read_text()
    assert Path("parts", NAME).read_text().count("\n") == 4  # a head, and a partition a site
    for file in (*Path("parts").rglob("*"), Path("many.csv.record.json")):
        held = file.read_bytes() if file.is_file() else b""
        assert not any(secret.encode() in held for secret in (postgres.PASSWORD, postgres.ESCAPED))


def test_score_evaluate_and_integrity_on_a_table(run, table):
    events = ("--events", "events.csv", *PLACE)
    told = {}
    for data in ("one.parquet", table):
        code, out, err = run("score", "--data", data, *events, "--out", "scored.csv", "--json")
        assert code == 0, err
        told[data] = json.loads(out), Path("scored.csv").read_text()
    assert told[table] == told["one.parquet"]
    boards = []
    for data in ("one.parquet", table):
        code, out, err = run("evaluate", "--model", "pretrained", "--data", data, *events, "--json")
        assert code == 0, err
        boards.append(pd.DataFrame(json.loads(out)["leaderboard"]))
    assert_frame_equal(*boards, check_exact=False, rtol=1e-12)
    tables = []
    for data in ("one.parquet", table):
        code, out, err = run("integrity", "--data", data, *events, "--program", "pjm_economic", "--json")
        assert code == 0, err
        tables.append({name: pd.DataFrame(found) for name, found in json.loads(out).items()})
    for name, found in tables[0].items():
        assert_frame_equal(found, tables[1][name], check_exact=False, rtol=1e-12)
