"""A table of a SQL database as a store: partitions by ranges of sites, and only the rows of the sites and days that are asked for."""

from __future__ import annotations

import io
import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cblcast.errors import DataError, DataWarning
from cblcast.frames.schema import OBSERVED, SITE, TIME
from cblcast.io.database import CHUNK_ROWS, connected, limit_time, short, table_of
from cblcast.io.store.layouts import Layout, layout_of
from cblcast.io.store.meter_store import MeterStore
from cblcast.io.store.partitions import BYTES_A_READING, BYTES_AT_ONCE, Partition
from cblcast.io.store.row_groups import Read, Span

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Column, Engine, Select, Table

SITES_A_QUERY = 10_000
EPOCH_2000_US = 946_684_800_000_000  # PostgreSQL counts binary times from 2000-01-01
# A record of a binary copy: the number of its fields, then the length and the value of each (PostgreSQL, COPY, binary format).
_RECORD = np.dtype(
    [("fields", ">i2"), ("a", ">i4"), ("site", ">i4"), ("b", ">i4"), ("us", ">i8"), ("c", ">i4"), ("kw", ">f4")]
)
_HEADER, _TRAILER = 19, 2


@dataclass(frozen=True, eq=False)
class SqlStore(MeterStore):
    """Long rows in a table (or a view, or a hypertable of TimescaleDB, which is one to whoever reads it).

    Attributes
    ----------
    url : str or None
        An SQLAlchemy URL, which is never told whole; from the environment variable ``CBLCAST_DATABASE_URL`` where it is None.
    table : str
        With its schema where it has one.
    timeout_s : float
        After which a query is given up [s].
    """

    url: str | None = field(default=None, repr=False)
    table: str = ""
    timeout_s: float = 600.0

    def partitions(self, bytes_at_once: int = BYTES_AT_ONCE) -> list[Partition]:
        """The table in ranges of sites; their rows are counted by the server."""
        if bytes_at_once < 1:
            raise DataError(f"bytes_at_once is a positive number of bytes, not {bytes_at_once!r}")
        from sqlalchemy import func, select

        with connected(self.url, self.timeout_s) as (engine, name):
            site = table_of(engine, self.table, name).c[self.layout_of_files.site]
            rows = _fetched(engine, self.timeout_s, select(site, func.count()).group_by(site))
        nameless = sum(count for own, count in rows if own is None)
        if nameless:
            told = f"table {self.table!r} of {self.name} has {nameless} rows without a site, which are left out"
            warnings.warn(f"{told}: fill them in", DataWarning, stacklevel=2)
        counts = sorted((own, count) for own, count in rows if own is not None)
        if not counts:
            raise DataError(f"table {self.table!r} of {self.name} holds no reading: check how it was filled")
        most = max(1, bytes_at_once // BYTES_A_READING["long"])
        begins, taken = [0], 0
        for number, (_, count) in enumerate(counts):
            if taken and (taken + count > most or number - begins[-1] >= SITES_A_QUERY):
                begins.append(number)
                taken = 0
            taken += count
        return [
            self._partition(counts[first:stop], number)
            for number, (first, stop) in enumerate(itertools.pairwise([*begins, len(counts)]))
        ]

    def _partition(self, counts: Sequence[tuple[Any, int]], number: int) -> Partition:
        rows = sum(count for _, count in counts)
        # By their names, since a database may sort text otherwise.
        names = tuple(name for name, _ in counts)
        return Partition(f"{number:05d}", (), names[0], names[-1], None, rows, rows * BYTES_A_READING["long"], names)

    def reads(self, partition: Partition, columns: Sequence[str], span: Span) -> Iterator[Read]:
        """The rows of a partition's sites that are within a span of instants [us UTC]."""
        from sqlalchemy import DateTime, select

        layout = self.layout_of_files
        with connected(self.url, self.timeout_s) as (engine, name):
            table = table_of(engine, self.table, name)
            site, time = table.c[layout.site], table.c[layout.when]
            names = list(partition.columns)
            asked = []
            if isinstance(time.type, DateTime):
                ends = [None if end is None else pd.Timestamp(end, unit="us", tz="UTC").to_pydatetime() for end in span]
                asked += [] if ends[0] is None else [time >= ends[0]]
                asked += [] if ends[1] is None else [time <= ends[1]]
            if engine.dialect.driver == "pg8000" and list(columns) == [layout.when, layout.value]:
                arrow, codes = _copied(engine, self.timeout_s, table, layout, names, asked)
                if len(codes):
                    yield Read(arrow, *_used(codes, names), self.table)
                return
            query = select(site, *[table.c[column] for column in columns]).where(site.in_(names), *asked)
            rows = pd.DataFrame(_fetched(engine, self.timeout_s, query), columns=[layout.site, *columns])
        if len(rows):
            codes, found = pd.factorize(rows[layout.site], sort=True)
            arrow = _arrow(rows.drop(columns=layout.site), layout.when, self.table)
            yield Read(arrow, codes.astype(np.int32), list(found), self.table)


def open_sql_store(
    table: str,
    *,
    url: str | None = None,
    tz: str | None = None,
    country: str | None = None,
    columns: Mapping[str, str] | None = None,
    timeout_s: float = 600.0,
) -> SqlStore:
    """Open a table of long rows as a store of meters.

    Parameters
    ----------
    table : str
        A table or view with ``site_id``, ``time`` (with a zone) and ``observed_kw`` or ``kw``, best with an index on site and time.
    url : str, optional
        An SQLAlchemy URL; from the environment variable ``CBLCAST_DATABASE_URL`` unless given, so that no password stands in a
        script.
    tz, country : str, optional
        Of every site of which nobody says another.
    columns : mapping, optional
        Foreign name → ours.
    timeout_s : float
        After which a query is given up [s].

    Raises
    ------
    DataError
        No URL, no driver, a server that cannot be reached, an unknown table, columns that are no long rows. Passwords are masked.
    """
    with connected(url, timeout_s) as (engine, name):
        found = table_of(engine, table, name)
        layout = layout_of(_schema(found, _time(columns)), f"table {table!r} of {name}", (), columns)
        if layout.kind != "long":
            raise DataError(
                f"table {table!r} of {name} has no long rows: a row for each reading, with {SITE}, {TIME} and {OBSERVED}"
            )
    return SqlStore(name, Path(), layout, (), (), tz, country, None, None, url, table, timeout_s)


def _schema(table: Table, time: str) -> pa.Schema:
    """The columns of a table as those of a file."""
    import pyarrow as pa
    from sqlalchemy import DateTime, Float, Integer, Numeric

    def kind(column: Column[Any]) -> pa.DataType:
        if isinstance(column.type, DateTime):
            return pa.timestamp("us", "UTC" if column.type.timezone else None)
        if isinstance(column.type, Integer):
            return pa.int64()
        if isinstance(column.type, (Float, Numeric)):
            return pa.float64()
        # Where a database has no times, text must say its offset: it is looked at where it is read.
        return pa.timestamp("us", "UTC") if column.name == time else pa.string()

    return pa.schema([pa.field(column.name, kind(column)) for column in table.columns])


def _time(columns: Mapping[str, str] | None) -> str:
    return next((theirs for theirs, ours in (columns or {}).items() if ours == TIME), TIME)


def _fetched(engine: Engine, timeout_s: float, query: Select[Any]) -> list[Any]:
    with engine.connect() as connection:
        limit_time(connection, engine.dialect.name, timeout_s)
        streamed = connection.execution_options(stream_results=True, max_row_buffer=CHUNK_ROWS)
        return [tuple(row) for rows in streamed.execute(query).partitions(CHUNK_ROWS) for row in rows]


def _copied(
    engine: Engine, timeout_s: float, table: Table, layout: Layout, names: list[Any], asked: Sequence[Any]
) -> tuple[pa.Table, np.ndarray]:
    """Rows by PostgreSQL's binary copy, which needs no Python object for each: records of equal length, with the site's number."""
    import pyarrow as pa
    from sqlalchemy import Float, Integer, cast, column, func, literal_column, select, values
    from sqlalchemy.exc import SQLAlchemyError

    known = values(column("name", table.c[layout.site].type), column("number", Integer), name="known")
    known = known.data([(name, number) for number, name in enumerate(names)])
    site, time = table.c[layout.site], table.c[layout.when]
    real = cast(func.coalesce(cast(table.c[layout.value], Float(24)), literal_column("'NaN'::real")), Float(24))
    query = (
        select(known.c.number, time, real)
        .join_from(table, known, site == known.c.name)
        .where(*asked)
        .order_by(site, time)
    )
    text = str(query.compile(engine, compile_kwargs={"literal_binds": True})).replace("%%", "%")
    stream = io.BytesIO()
    with engine.connect() as connection:
        limit_time(connection, engine.dialect.name, timeout_s)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(f"COPY ({text}) TO STDOUT WITH (FORMAT BINARY)", stream=stream)  # type: ignore[call-arg]
        except engine.dialect.dbapi.Error as error:  # type: ignore[union-attr]
            raise SQLAlchemyError(short(error)) from None  # told as whatever else the database says
    content = stream.getbuffer()[_HEADER:-_TRAILER]
    records = np.frombuffer(content[: len(content) // _RECORD.itemsize * _RECORD.itemsize], dtype=_RECORD)
    if len(content) % _RECORD.itemsize or (records["b"] != 8).any():
        raise DataError(f"table {table.name!r} has rows without a {layout.when}: fill it in, or drop the rows")
    us = records["us"].astype(np.int64) + EPOCH_2000_US
    arrow = pa.table(
        {
            layout.when: pa.array(us).cast(pa.timestamp("us", "UTC")),
            layout.value: pa.array(records["kw"].astype(np.float32)),
        }
    )
    return arrow, records["site"].astype(np.int32)


def _used(codes: np.ndarray, names: Sequence[Any]) -> tuple[np.ndarray, list[Any]]:
    """Codes of only those sites that have rows."""
    used, own = np.unique(codes, return_inverse=True)
    return own.astype(np.int32), [names[number] for number in used]


def _arrow(rows: pd.DataFrame, time: str, name: str) -> pa.Table:
    import pyarrow as pa

    times = pd.to_datetime(rows[time])
    if not isinstance(times.dtype, pd.DatetimeTZDtype):
        raise DataError(f"table {name!r} has times without a zone: write them as UTC instants")
    # All of them hold numbers, which a database may hand over as nothing at all, or as decimals.
    numbers = {column: rows[column].astype(np.float64) for column in rows.columns if column != time}
    columns = {column: pa.array(values, from_pandas=True) for column, values in numbers.items()}
    us = pd.DatetimeIndex(times).tz_convert("UTC").as_unit("us").asi8
    return pa.table({time: pa.array(us).cast(pa.timestamp("us", "UTC")), **columns})
