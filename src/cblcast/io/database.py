"""Rows of a SQL database by an SQLAlchemy URL, which is a secret: it comes from the environment and is never told whole."""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pandas as pd

from cblcast.errors import DataError, SourceError, nearest

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table
    from sqlalchemy.engine import URL

SQL = "sql:"  # in front of the name of a table, where else a file is named
URL_VARIABLE = "CBLCAST_DATABASE_URL"
CHUNK_ROWS = 200_000
MOST_ROWS = 20_000_000  # that are read as one frame
_WITHIN_S = 10.0  # for a server to answer at all
_PORTS = {"postgresql": 5432, "mssql": 1433, "mysql": 3306, "mariadb": 3306, "oracle": 1521}
# To the last @ of a word: a password may hold one that nobody escaped.
_PASSWORD = re.compile(
    r"""(://[^:/@\s]*):\S*@|((?:pwd|password)\s*=\s*)(?:"[^"]*"|'[^']*'|\{[^}]*\}|[^;&\s]+)""", re.IGNORECASE
)

_NAME = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_NAMES = re.compile(rf"(?:{_NAME.pattern})(?:\.(?:{_NAME.pattern}))*")
MOST_SCHEMAS = 50  # that are looked through for a table of that name


def is_table(data: object) -> bool:
    """Whether a table of a database is meant (``sql:TABLE``), and no file."""
    return str(data).startswith(SQL)


def masked(text: str, secret: str | None = None) -> str:
    """`text` without the passwords of URLs and connection strings in it, nor `secret`, as it is or as a URL escapes it."""
    told = _PASSWORD.sub(lambda found: f"{found[1]}:***@" if found[1] else f"{found[2]}***", text)
    for own in (secret, quote_plus(secret), quote(secret, safe="")) if secret and len(secret) > 2 else ():
        told = told.replace(own, "***")
    return told


def read_rows(
    table: str,
    *,
    url: str | None = None,
    columns: Sequence[str] | None = None,
    where: Mapping[str, Any] | None = None,
    between: tuple[str, Any, Any] | None = None,
    timeout_s: float = 300.0,
) -> pd.DataFrame:
    """Rows of one table or view.

    Parameters
    ----------
    table : str
        Its name, with its schema where it has one (``dbo.p2019_exp_eng``).
    url : str, optional
        An SQLAlchemy URL; from the environment variable ``CBLCAST_DATABASE_URL`` unless given, so that no password stands in
        a script. SQLite and PostgreSQL (extra ``database``) are tested; SQL Server is
        ``mssql+pyodbc://USER:PASSWORD@HOST/DATABASE?driver=ODBC+Driver+18+for+SQL+Server`` with ``pyodbc`` installed.
    columns : sequence of str, optional
        All unless given.
    where : mapping, optional
        Column → the value, or a list of values, that it must have.
    between : (column, first, last), optional
        Rows with first ≤ column < last.
    timeout_s : float
        After which a query is given up [s]; a server that does not answer is given up after 10 s.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        No URL, no driver, a server that cannot be reached or is too slow, an unknown table or column, no row. Passwords are
        masked in every message.
    """
    from sqlalchemy import select

    with connected(url, timeout_s) as (engine, name):
        found = table_of(engine, table, name)
        known = [column.name for column in found.columns]
        for column in [*(columns or ()), *(where or {}), *((between[0],) if between else ())]:
            if column not in known:
                raise DataError(f"table {table!r} of {name} has no column {column!r}: {nearest(column, known)}")
        query = select(*[found.c[column] for column in (columns or known)])
        for column, value in (where or {}).items():
            several = isinstance(value, (list, tuple, set, frozenset, pd.Index))
            query = query.where(found.c[column].in_(list(value)) if several else found.c[column] == value)
        if between is not None:
            first, last = (_as_column(found.c[between[0]], end) for end in between[1:])
            query = query.where(found.c[between[0]] >= first, found.c[between[0]] < last)
        with engine.connect() as connection:
            limit_time(connection, engine.dialect.name, timeout_s)
            streamed = connection.execution_options(stream_results=True, max_row_buffer=CHUNK_ROWS)
            result = streamed.execute(query)
            names = list(result.keys())
            parts = [pd.DataFrame.from_records(rows, columns=names) for rows in result.partitions(CHUNK_ROWS)]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if rows.empty:
        raise DataError(f"table {table!r} of {name} has no row that was asked for: widen the span or the list of homes")
    return rows


def check_answers(url: str | None) -> None:
    """Refuse a server that takes a call and says nothing, in seconds; queries have longer."""
    with connected(url, 1.0) as (engine, _):
        engine.connect().close()


def all_rows(table: str) -> pd.DataFrame:
    """All rows of a table that fits into memory; a larger one is a :class:`DataError`."""
    from sqlalchemy import func, select

    with connected(None, 300.0) as (engine, name), engine.connect() as connection:
        found = table_of(engine, table, name)
        count = connection.execute(select(func.count()).select_from(found)).scalar_one()
    if count > MOST_ROWS:
        raise DataError(
            f"table {table!r} of {name} has {count:,} rows, too many to be read at once: take a view of some of them, or convert it "
            f"(cblcast data convert sql:{table})"
        )
    return read_rows(table)


@contextmanager
def connected(url: str | None, timeout_s: float) -> Iterator[tuple[Engine, str]]:
    """An engine and the name by which it may be told; whatever the database says becomes one sentence."""
    try:
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
    except ImportError:
        raise DataError("reading databases needs SQLAlchemy: pip install 'cblcast[database]'") from None
    if not timeout_s > 0:
        raise DataError(f"timeout_s is a positive number of seconds, not {timeout_s!r}")
    address = _address(url)
    name = address.render_as_string(hide_password=True).split("?")[0]
    _check_reachable(address, name)
    # A server that took the call but never answers is hung up on a little after it should have given up itself.
    patience = {"timeout": timeout_s + _WITHIN_S} if address.drivername == "postgresql+pg8000" else {}
    try:
        engine = create_engine(address, connect_args=patience)
    except ImportError as error:
        driver = error.name or address.drivername
        raise DataError(
            f"{name} needs the driver {driver!r}: install it (PostgreSQL: pip install 'cblcast[database]')"
        ) from None
    except (NoSuchModuleError, ArgumentError) as error:
        said = short(error, address.password)
        raise DataError(f"{name} is no database that SQLAlchemy knows ({said})") from None
    pool_log = logging.getLogger("sqlalchemy.pool")
    level = pool_log.level
    pool_log.setLevel(logging.CRITICAL)  # after an error it would print that the cursor could not be closed either
    try:
        yield engine, name
    except SQLAlchemyError as error:
        said = short(error, address.password)
        raise SourceError(f"{name} did not give the rows ({said}): is the server up, and the account right?") from None
    except (OSError, TimeoutError) as error:
        said = short(error, address.password)
        raise SourceError(f"{name} cannot be reached ({said}): check host, port and network") from None
    finally:
        engine.dispose()
        pool_log.setLevel(level)


def _address(url: str | None) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    text = url or os.environ.get(URL_VARIABLE, "")
    if not text:
        raise DataError(
            f"the address of the database is not set: put its SQLAlchemy URL into the environment variable {URL_VARIABLE} "
            "(postgresql+pg8000://USER:PASSWORD@HOST/DATABASE), on every machine that reads it"
        )
    try:
        address = make_url(text)
    except (ArgumentError, ValueError):
        raise DataError(
            f"{URL_VARIABLE} holds no SQLAlchemy URL: write it like postgresql+pg8000://USER:PASSWORD@HOST/DATABASE, with "
            "special characters of the password as %40"
        ) from None
    # A password that nobody escaped may end anywhere: in the host, or in the name of the database.
    if text.count("@") > 1 and address.get_backend_name() != "sqlite":
        raise DataError(
            f"{URL_VARIABLE} has more than one @: write special characters of the password as %40 (@), %2F (/) and the like"
        )
    # The bare name means the driver of the extra; psycopg2 is under the LGPL.
    return address.set(drivername="postgresql+pg8000") if address.drivername in ("postgresql", "postgres") else address


def _check_reachable(address: URL, name: str) -> None:
    """Drivers wait for minutes on a host that does not answer; knocking first takes seconds."""
    backend = address.get_backend_name()
    if backend == "sqlite":
        if address.database and address.database != ":memory:" and not os.path.isfile(address.database):
            raise DataError(f"{name} does not exist: give the path of an SQLite file")
        return
    if not address.host or backend not in _PORTS:
        return
    try:
        socket.create_connection((address.host, address.port or _PORTS[backend]), _WITHIN_S).close()
    except (OSError, UnicodeError) as error:
        raise SourceError(f"{name} cannot be reached ({short(error)}): check host, port and network") from None


def table_of(engine: Engine, table: str, name: str) -> Table:
    """A table or view by its name, with its schema where it has one; an unknown one is a :class:`DataError`.

    Names are taken letter by letter; one with a dot in it stands in double quotes (``meters."by.hour"``).
    """
    from sqlalchemy import MetaData, Table, inspect
    from sqlalchemy.exc import NoSuchTableError

    schema, bare = _parts_of(table)
    try:
        return Table(bare, MetaData(), schema=schema, autoload_with=engine)
    except NoSuchTableError:
        look = inspect(engine)
        schemas = look.get_schema_names()[:MOST_SCHEMAS] if schema is None else [schema]
        home = look.default_schema_name if schema is None else schema
        known = []
        for one in schemas:
            names = [*look.get_table_names(one), *look.get_view_names(one)]
            known += names if one == home else [f"{one}.{each}" for each in names]
        known = [each for each in known if not each.startswith(("information_schema.", "pg_catalog."))]
        hint = nearest(bare, known) if known else "it has none that this account may see"
        raise DataError(f"{name} has no table {table!r}: {hint}") from None


def _parts_of(table: str) -> tuple[str | None, str]:
    """Schema and name of a table; in double quotes either may hold dots."""
    parts = [quoted.replace('""', '"') or plain for quoted, plain in _NAME.findall(table)]
    if not parts or not _NAMES.fullmatch(table):
        raise DataError(f"{table!r} is no name of a table: write TABLE or SCHEMA.TABLE")
    return ".".join(parts[:-1]) or None, parts[-1]


def _as_column(column: Any, value: Any) -> Any:
    """An end of a span in the type of its column: a time may be written as text."""
    from sqlalchemy import DateTime

    return pd.Timestamp(value).to_pydatetime() if isinstance(column.type, DateTime) else value


def limit_time(connection: Any, dialect: str, timeout_s: float) -> None:
    """Let the server itself give up a query that takes too long, where it can."""
    from sqlalchemy import text

    if dialect == "postgresql":
        connection.execute(
            text("SELECT set_config('statement_timeout', :ms, false)"), {"ms": str(int(timeout_s * 1000))}
        )


def short(error: BaseException, secret: str | None = None) -> str:
    """The first line of what a driver says, without passwords."""
    cause = getattr(error, "orig", None) or error
    message = cause.args[0] if cause.args else ""
    # pg8000 hands on all fields of the server's answer; M is the message (PostgreSQL, 55.8).
    told = str(message.get("M") if isinstance(message, dict) else cause) or type(error).__name__
    return masked(" ".join(told.split()), secret)[:160]
