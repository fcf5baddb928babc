"""Commands on a table of a database, SQLite's and a real PostgreSQL server's: the answers that they give of the file."""

from __future__ import annotations

import itertools
import json
import re
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
TABLES = {"sqlite": "sql:readings", "postgres": "sql:meters.readings"}
SETTLE = ("--events", "events.csv", "--program", "pjm_economic", *PLACE)


@pytest.fixture
def run(run):
    """As of every command, and the password of the server is in nothing that is told."""

    def call(*arguments: str):
        code, out, err = run(*arguments)
        assert not secret_in((out + err).encode())
        return code, out, err

    return call


def secret_in(held: bytes) -> bool:
    return any(secret.encode() in held for secret in (postgres.PASSWORD, postgres.ESCAPED))


@pytest.fixture(scope="module")
def rows():
    panel = datasets.load("cambridge_sme").select(SITES)
    return panel.data.loc[pd.IndexSlice[:, "2019-01-01":"2019-06-30"], ["observed_kw"]].reset_index()


@pytest.fixture(scope="module")
def urls(postgres_server, rows, tmp_path_factory):
    """The same readings in SQLite, and in a table that is partitioned by month, as a hypertable of TimescaleDB is by chunks."""
    path = tmp_path_factory.mktemp("sqlite") / "meters.db"
    with sqlite3.connect(path) as connection:
        text = rows.assign(time=rows["time"].dt.strftime("%Y-%m-%d %H:%M:%S+00:00"))
        text.to_sql("readings", connection, index=False)
        connection.execute("CREATE INDEX own ON readings (site_id, time)")
    connection.close()
    url = postgres.database(postgres_server, "commands")
    months = pd.date_range("2019-01-01", "2019-07-01", freq="MS").strftime("%Y-%m-%d")
    postgres.said(
        url,
        "CREATE SCHEMA meters",
        "CREATE TABLE meters.readings (site_id text, time timestamptz NOT NULL, observed_kw real) PARTITION BY RANGE (time)",
        *(
            f"CREATE TABLE meters.m{first[:4]}{first[5:7]} PARTITION OF meters.readings FOR VALUES FROM ('{first}Z') TO ('{last}Z')"
            for first, last in itertools.pairwise(months)
        ),
        "CREATE INDEX ON meters.readings (site_id, time)",
        # Who reads the second site is hung up on, as long as the table below has a row.
        "CREATE TABLE meters.cut (off boolean)",
        """CREATE FUNCTION meters.hung_up(site text) RETURNS real LANGUAGE plpgsql STABLE AS $$ BEGIN
           IF site = 'b14' AND EXISTS (SELECT FROM meters.cut) THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
           RETURN 0; END $$""",
        "CREATE VIEW meters.lossy AS SELECT site_id, time, observed_kw + meters.hung_up(site_id) AS observed_kw FROM meters.readings",
        """CREATE FUNCTION meters.needed(at timestamptz) RETURNS real LANGUAGE plpgsql STABLE AS $$ BEGIN
           IF at < '2019-04-01Z' THEN RAISE EXCEPTION 'a row of % is of no use', at::date; END IF;
           RETURN 0; END $$""",
        "CREATE VIEW meters.of_late AS SELECT site_id, time, observed_kw + meters.needed(time) AS observed_kw FROM meters.readings",
    )
    postgres.fill(url, {"meters.readings": rows})
    return {"sqlite": f"sqlite:///{path}", "postgres": url}


@pytest.fixture(scope="module")
def made(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    rows.to_parquet(folder / "one.parquet", index=False)
    (folder / "events.csv").write_text(EVENTS)
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    # A partition a site, though there are few rows.
    monkeypatch.setattr("cblcast.scaling.asked.bytes_at_once", lambda workers: 5_000 * 24)
    return tmp_path


def test_settle_on_a_table_is_settle_on_the_file(run, here, urls, monkeypatch):
    code, _, err = run("settle", "--data", "one.parquet", *SETTLE, "--out", "one.csv")
    assert code == 0, err
    for number, (name, table) in enumerate(TABLES.items()):
        monkeypatch.setenv(URL_VARIABLE, urls[name])
        code, _, err = run("settle", "--data", table, *SETTLE, "--out", "many.csv", "--workers", "2")
        assert code == 0, err
        assert Path("many.csv").read_text() == Path("one.csv").read_text()
        assert not Path("many.csv.parts").exists()
        code, _, err = run("settle", "--verify", "many.csv.record.json")
        assert code == 0, err
        parts = Path(f"parts{number}")
        alone = ("settle", "--data", table, *SETTLE, "--out", "alone.csv", "--no-record", "--parts", str(parts))
        code, _, err = run(*alone)
        assert code == 0, err
        assert Path("alone.csv").read_text() == Path("one.csv").read_text()
        assert (parts / NAME).read_text().count("\n") == 1 + len(SITES)  # a head, and a partition a site
        written = [file for file in (*parts.rglob("*"), Path("many.csv.record.json")) if file.is_file()]
        assert not any(secret_in(file.read_bytes()) for file in written)


def test_only_the_look_back_is_read_where_days_are_enough(run, here, urls, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, urls["postgres"])
    code, _, err = run("settle", "--data", "one.parquet", *SETTLE, "--out", "one.csv", "--no-record")
    assert code == 0, err
    code, _, err = run("settle", "--data", "sql:meters.of_late", *SETTLE, "--out", "late.csv", "--no-record")
    assert code == 0, err
    assert Path("late.csv").read_text() == Path("one.csv").read_text()
    code, _, err = run(
        "settle", "--data", "sql:meters.of_late", *SETTLE, "--out", "whole.csv"
    )  # a record seals all of it
    assert code == 2
    assert "Error: postgresql+pg8000://" in err  # all partitions for one reason, so none of them is named
    assert "did not give the rows (a row of 2019-01-01 is of no use)" in err
    assert not Path("whole.csv").exists()


def test_score_evaluate_and_integrity_on_a_table(run, here, urls, monkeypatch):
    events = ("--events", "events.csv", *PLACE)

    def told(data):
        answers = []
        for question in (
            ("score", "--out", "scored.csv"),
            ("evaluate", "--model", "pretrained"),
            ("integrity", *SETTLE[2:4]),
        ):
            code, out, err = run(*question, "--data", data, *events, "--json")
            assert code == 0, err
            answers.append(json.loads(out))
        return Path("scored.csv").read_text(), *answers

    wanted = told("one.parquet")
    for name, table in TABLES.items():
        monkeypatch.setenv(URL_VARIABLE, urls[name])
        scored, score, board, found = told(table)
        assert (scored, score) == wanted[:2]
        assert_frame_equal(*(pd.DataFrame(one["leaderboard"]) for one in (board, wanted[2])), rtol=1e-12)
        for what, table_of in wanted[3].items():
            assert_frame_equal(pd.DataFrame(found[what]), pd.DataFrame(table_of), rtol=1e-12)


def test_a_connection_that_is_lost_costs_its_partition_until_the_command_is_given_again(run, here, urls, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, urls["postgres"])
    postgres.said(urls["postgres"], "INSERT INTO meters.cut VALUES (true)")
    settle = ("settle", "--data", "sql:meters.lossy", *SETTLE, "--no-record", "--out", "some.csv")
    code, out, err = run(*settle, "--json")
    assert code == 3, out + err
    told = json.loads(out)
    assert {row["site_id"] for row in told["events"]} == {"b1", "b22"}
    reasons = {row["reason"] for row in told["problems"] if row["site_id"] == "b14"}
    assert len(reasons) == 1
    assert re.search(r"commands did not give the rows \(network error\)", reasons.pop())
    code, _, err = run("integrity", "--data", "sql:meters.lossy", *SETTLE, "--parts", "kept")
    assert code == 3
    assert "Partition 00001 could not be done: postgresql+pg8000://cblcast:***@127.0.0.1" in err
    postgres.said(urls["postgres"], "DELETE FROM meters.cut")
    before = Path("some.csv.parts", NAME).read_text().splitlines()
    assert [json.loads(line)["key"] for line in before[1:]] == ["00000", "00002"]
    code, _, err = run(*settle, "--parts", "some.csv.parts")
    assert code == 0, err
    after = Path("some.csv.parts", NAME).read_text().splitlines()
    assert after[:3] == before
    assert [json.loads(line)["key"] for line in after[3:]] == ["00001"]
    code, _, err = run("settle", "--data", "one.parquet", *SETTLE, "--out", "one.csv")
    assert Path("some.csv").read_text() == Path("one.csv").read_text()


def test_rows_that_came_meanwhile_are_settled_with_their_partition(run, here, urls, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, urls["postgres"])
    postgres.said(
        urls["postgres"],
        "CREATE TABLE grows AS SELECT * FROM meters.readings WHERE NOT (site_id = 'b22' AND time >= '2019-06-20Z')",
    )
    settle = ("settle", "--data", "sql:grows", *SETTLE, "--no-record", "--out", "grown.csv", "--parts", "grown")
    code, _, err = run(*settle)
    assert code == 3
    assert "Not settled: site 'b22' at 2019-06-20" in err
    postgres.said(
        urls["postgres"],
        "INSERT INTO grows SELECT * FROM meters.readings WHERE site_id = 'b22' AND time >= '2019-06-20Z'",
    )
    before = Path("grown", NAME).read_text().splitlines()
    code, _, err = run(*settle)
    assert code == 0, err
    after = Path("grown", NAME).read_text().splitlines()
    assert len(before) == 1 + len(SITES)
    assert [json.loads(line)["key"] for line in after[len(before) :]] == ["00002"]


def test_rows_that_cannot_be_used_are_counted_and_a_site_given_twice_fails_alone(run, here, urls, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, urls["postgres"])
    monkeypatch.setattr("cblcast.scaling.asked.bytes_at_once", lambda workers: 10**9)  # all sites in one partition
    postgres.said(
        urls["postgres"],
        "CREATE TABLE dirty AS SELECT * FROM meters.readings",
        "INSERT INTO dirty VALUES (NULL, '2019-06-01Z', 1), (NULL, '2019-06-02Z', 1), ('b1', NULL, 1), ('zz', NULL, 2)",
        "UPDATE dirty SET observed_kw = NULL WHERE site_id = 'b22' AND time >= '2019-06-20T09:00Z' AND time < '2019-06-20T11:00Z'",
        "INSERT INTO dirty SELECT * FROM dirty WHERE site_id = 'b14' AND time = '2019-06-05T00:00Z'",
    )
    code, out, err = run("settle", "--data", "sql:dirty", *SETTLE, "--json", "--no-record", "--out", "dirty.csv")
    assert code == 3
    told = json.loads(out)
    assert {row["site_id"] for row in told["events"]} == {"b1", "b22"}
    reasons = {row["site_id"]: row["reason"] for row in told["problems"]}
    assert re.fullmatch(
        r"table 'dirty' of \S+ holds site 'b14' twice at 2019-06-05 00:00:00\+00:00 \(1 such readings\): keep one of them",
        reasons["b14"],
    )
    assert "has 2 rows without a site_id, which are left out: fill them in" in err
    assert "has 2 rows without a time, which are left out: fill them in" in err
    assert "2 of 3" in err
    assert "rows have no observed_kw and are gaps" in err


def test_a_study_names_a_table(run, here, urls, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, urls["postgres"])
    study = (
        "study: of_a_table\ndata: {panel: %s, tz: Europe/London, country: GB}\nevents: {start: '17:00', stop: '20:00'}\n"
        "test: [2019-06-01, 2019-06-20]\nmethods: [High5of10]\n"
    )
    boards = []
    for data in ("one.parquet", "sql:meters.readings"):
        Path("study.yaml").write_text(study % data)
        code, out, err = run("evaluate", "study.yaml", "--workers", "1", "--json")
        assert code == 0, err
        boards.append(pd.DataFrame(json.loads(out)["leaderboard"]))
    assert_frame_equal(*boards, rtol=1e-12)


def test_what_is_wrong_is_one_sentence(run, here, urls, monkeypatch):
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    code, _, err = run("settle", "--data", "sql:readings", *SETTLE)
    assert code == 2
    assert "the address of the database is not set: put its SQLAlchemy URL into the environment variable" in err
    url = urls["postgres"]
    for address, table, sentence in (
        (
            re.sub(r":\d+/", ":1/", url),
            "sql:meters.readings",
            "/commands cannot be reached ([Errno 111] Connection refused)",
        ),
        (url.replace(postgres.ESCAPED, "wr%40ng%3A"), "sql:meters.readings", "password authentication failed"),
        (url, "sql:reading", "has no table 'reading': did you mean 'meters.readings'"),
        (url, "sql:meters.cut", "/commands has the columns off, and a store has site_id, time and the load"),
    ):
        monkeypatch.setenv(URL_VARIABLE, address)
        code, out, err = run("settle", "--data", table, *SETTLE, "--json")
        assert code == 2, err
        assert sentence in json.loads(out)["error"]["message"]
        assert not any(each in out + err for each in ("wr%40ng", "wr@ng", "Traceback"))
    monkeypatch.setenv(URL_VARIABLE, url)
    postgres.said(url, "CREATE TABLE none AS SELECT * FROM meters.readings LIMIT 0")
    code, _, err = run("score", "--data", "sql:none", "--events", "events.csv", *PLACE)
    assert code == 2
    assert "holds no reading: check how it was filled" in err
    code, _, err = run("settle", "--data", "sql:meters.readings", *SETTLE, "--unit", "W")
    assert code == 2
    assert "sql:meters.readings is read in parts, as it stands: leave out --unit" in err


def test_other_commands_read_a_table_as_they_read_a_file(run, here, urls, monkeypatch):
    hours = ("--program", "pjm_economic", "--start", "17:00", "--stop", "20:00", *PLACE, "--json")
    code, wanted, err = run("eligibility", "--data", "one.parquet", *hours)
    assert code == 0, err
    for name, table in TABLES.items():
        monkeypatch.setenv(URL_VARIABLE, urls[name])
        code, out, err = run("eligibility", "--data", table, *hours)
        assert code == 0, err
        for what, told in json.loads(wanted).items():  # PostgreSQL tells a real in its few digits
            assert_frame_equal(pd.DataFrame(json.loads(out)[what]), pd.DataFrame(told), rtol=1e-5)
        code, _, err = run(
            "data", "convert", table, "--tz", "Europe/London", "--layout", "days", "--out", f"{name}.parquet"
        )
        assert code == 0, err
        longer = ("--tz", "UTC", "--step", "2h", "--layout", "long", "--out", f"{name}2.parquet")
        code, _, err = run("data", "convert", table, *longer)
        assert code == 0, err
        assert len(pd.read_parquet(f"{name}2.parquet")) == len(pd.read_parquet("one.parquet")) // 2
    monkeypatch.setattr("cblcast.io.database.MOST_ROWS", 100)
    code, out, _ = run("eligibility", "--data", TABLES["postgres"], *hours)
    assert code == 2
    assert "rows, too many to be read at once: take a view of some of them, or convert it (cblcast data convert" in out
