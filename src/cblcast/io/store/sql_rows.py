"""Rows of some sites of a table, streamed: by PostgreSQL's binary copy, or by whatever cursor the database has."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cblcast.errors import DataError, DataWarning
from cblcast.frames.instants import DAY_US
from cblcast.io.clock import localise, parse_times
from cblcast.io.database import limit_time, short
from cblcast.io.files import Table
from cblcast.io.store.footers import Name
from cblcast.io.store.layouts import Layout
from cblcast.io.store.row_groups import Span
from cblcast.io.store.sql_copy import Copied
from cblcast.io.store.sql_table import SqlTable, fetched
from cblcast.io.time_text import NOT_A_TIME

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine, TableClause

SITES_A_COPY, SITES_A_QUERY = 2_000, 500  # a query may have 32,767 parameters in PostgreSQL, 2,100 in SQL Server
EPOCH_2000_US = 946_684_800_000_000  # PostgreSQL counts binary times from 2000-01-01
_INFINITE = (np.iinfo(np.int64).max, np.iinfo(np.int64).min)  # as PostgreSQL writes its infinite times
_LOG = logging.getLogger("cblcast.io")


@dataclass(frozen=True, eq=False)
class SqlRows:
    """Rows, sorted by site and time.

    Attributes
    ----------
    names : list
        Sites that have rows, sorted.
    codes : ndarray of int32, shape (n,)
    us : ndarray of int64, shape (n,)
        [us UTC].
    columns : list of ndarray, each (n,)
        Numbers, in the order in which they were asked for; NaN where there is none.
    aware : bool
        Whether the table itself says what instants its times are.
    """

    names: list[Name]
    codes: np.ndarray
    us: np.ndarray
    columns: list[np.ndarray]
    aware: bool


@dataclass(frozen=True, eq=False)
class Wanted:
    """What is asked of a table.

    Attributes
    ----------
    table : SqlTable
    layout : Layout
    columns : sequence of str
        Of numbers.
    span : (first, last)
        Instants [us UTC], both included, None where it is open.
    clock : str or None
        Zone of times that say none.
    name : str
        What an error calls the table.
    """

    table: SqlTable
    layout: Layout
    columns: Sequence[str]
    span: Span
    clock: str | None
    name: str

    def within(self, asked: TableClause, dialect: str) -> list[ColumnElement[bool]]:
        """Conditions on the times; where a zone is unknown, of two days more at both ends."""
        from sqlalchemy import DateTime, String, or_, type_coerce

        time = asked.c[self.layout.when]
        conditions: list[ColumnElement[bool]] = [time.is_not(None)]
        kind = self.table.kinds[self.layout.when]
        is_text = dialect == "sqlite" or not isinstance(kind, DateTime)
        apart = 2 * DAY_US if is_text or self.table.zoneless(self.layout.when) else 0
        for end, sign in zip(self.span, (-1, 1), strict=True):
            if end is None:
                continue
            edge: Any = pd.Timestamp(end + sign * apart, unit="us", tz="UTC").to_pydatetime()
            own: ColumnElement[Any] = time
            if is_text:
                edge, own = f"{edge:%Y-%m-%d}", type_coerce(time, String)
            elif apart:
                edge = edge.replace(tzinfo=None)
            inside = own >= edge if sign < 0 else own <= edge
            # Text that is not written year first cannot be compared: it is read, and its times are looked at here.
            conditions.append(or_(inside, own.not_like("____-__-__%")) if is_text else inside)
        return conditions


def sql_rows(
    engine: Engine, timeout_s: float, wanted: Wanted, names: Sequence[Name], most: int | None = None
) -> Iterator[SqlRows]:
    """The rows of some sites, some sites at a time; their order is made here, so that a server need not sort.

    Parameters
    ----------
    most : int, optional
        The first so many rows by time.
    """
    from sqlalchemy import DateTime

    has_instants = isinstance(wanted.table.kinds[wanted.layout.when], DateTime)  # and no text
    copies = engine.dialect.driver == "pg8000" and has_instants and most is None
    at_once = SITES_A_COPY if copies else SITES_A_QUERY
    for first in range(0, len(names), at_once):
        some = list(names[first : first + at_once])
        raw = _copied(engine, timeout_s, wanted, some) if copies else _fetched(engine, timeout_s, wanted, some, most)
        codes, us, aware, columns = raw
        if len(codes):
            yield _in_order(wanted, some, codes, us, aware, columns)


def _in_order(
    wanted: Wanted, names: list[Name], codes: np.ndarray, us: np.ndarray, aware: bool, columns: list[np.ndarray]
) -> SqlRows:
    codes, us, columns = _sorted(codes, us, columns)
    if not aware:
        if wanted.clock is None:
            raise DataError(zoneless(wanted.name))
        us = localise(us, codes, wanted.clock)
        shown = us != NOT_A_TIME
        if not shown.all():
            lost = f"{wanted.name}: {np.count_nonzero(~shown)} rows at times that the clock of {wanted.clock} skips in spring"
            warnings.warn(f"{lost} are left out", DataWarning, stacklevel=2)
            codes, us, columns = codes[shown], us[shown], [values[shown] for values in columns]
        codes, us, columns = _sorted(codes, us, columns)
    empty = int(np.count_nonzero(np.isnan(columns[0]))) if columns else 0
    if empty:
        _LOG.info("%s: %d of %d rows have no %s and are gaps", wanted.name, empty, len(us), wanted.columns[0])
    used, own = np.unique(codes, return_inverse=True)
    return SqlRows([names[number] for number in used], own.astype(np.int32), us, columns, aware)


def zoneless(name: str) -> str:
    """What is said of times of which nobody knows the zone."""
    return (
        f"{name} has times without a zone: name the clock that wrote them (--clock UTC; clock='UTC'), or write them as UTC "
        "instants (timestamp with time zone)"
    )


def _sorted(
    codes: np.ndarray, us: np.ndarray, columns: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    onward = (codes[1:] > codes[:-1]) | ((codes[1:] == codes[:-1]) & (us[1:] > us[:-1]))
    if onward.all():
        return codes, us, columns
    # A clock that says no zone may give a time twice: which came first nobody knows, but it is the same on every run.
    order = np.lexsort((*columns[::-1], us, codes))
    return codes[order], us[order], [values[order] for values in columns]


Raw = tuple[np.ndarray, np.ndarray, bool, list[np.ndarray]]  # codes, times [us], whether they are UTC, columns


def _fetched(engine: Engine, timeout_s: float, wanted: Wanted, names: list[Name], most: int | None) -> Raw:
    """By a cursor: rows are Python objects, a few at a time."""
    from sqlalchemy import Float, String, select, type_coerce

    asked = wanted.table.clause()
    site, time = asked.c[wanted.layout.site], asked.c[wanted.layout.when]
    dialect = engine.dialect.name
    # SQLite keeps times as text, of which SQLAlchemy would drop the offset.
    written = type_coerce(time, String) if dialect == "sqlite" else time
    numbers = [type_coerce(asked.c[column], Float) for column in wanted.columns]  # as floats, no Decimals
    query = select(site, written.label("_time"), *numbers)
    query = query.where(site.in_(names), *wanted.within(asked, dialect))
    if most is not None:
        query = query.order_by(time).limit(most)
    place = {name: number for number, name in enumerate(names)}
    told = Table(pd.DataFrame(), wanted.name)
    parts: list[Raw] = []
    for rows in fetched(engine, timeout_s, query):
        own, times, *values = zip(*rows, strict=True)
        stamps = parse_times(pd.Series(times, name=wanted.layout.when), told)
        columns = [_numbers(each, name, wanted) for each, name in zip(values, wanted.columns, strict=True)]
        codes = np.fromiter((place[wanted.table.bare(wanted.layout.site, name)] for name in own), np.int32, len(own))
        parts.append((codes, stamps.us, stamps.aware, columns))
    if len({aware for _, _, aware, _ in parts}) > 1:
        raise DataError(f"{wanted.name} has times with and without an offset: write all of them alike")
    if not parts:
        return np.empty(0, np.int32), np.empty(0, np.int64), True, []
    columns = [np.concatenate(each) for each in zip(*(part[3] for part in parts), strict=True)]
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        parts[0][2],
        columns,
    )


def _numbers(values: Sequence[Any], column: str, wanted: Wanted) -> np.ndarray:
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        odd = next((each for each in values if isinstance(each, (str, bytes))), None)
        raise DataError(f"{wanted.name}: {column} holds {str(odd)[:40]!r}, which is no number: mend it") from None
    return found.astype(np.float32) if column in wanted.table.single else found


def _copied(engine: Engine, timeout_s: float, wanted: Wanted, names: list[Name]) -> Raw:
    """By PostgreSQL's binary copy of a row a site, with arrays: neither side handles readings one by one."""
    from sqlalchemy import Float, Integer, cast, column, func, literal_column, select, values
    from sqlalchemy.exc import SQLAlchemyError

    asked = wanted.table.clause()
    site, time = asked.c[wanted.layout.site], asked.c[wanted.layout.when]
    known = values(column("name", site.type), column("number", Integer), name="known")
    known = known.data([(name, number) for number, name in enumerate(names)])
    single = [name in wanted.table.single for name in wanted.columns]
    numbers = []
    for name, is_single in zip(wanted.columns, single, strict=True):
        kind, none = (Float(24), "'NaN'::real") if is_single else (Float(53), "'NaN'::float8")
        numbers.append(func.array_agg(cast(func.coalesce(cast(asked.c[name], kind), literal_column(none)), kind)))
    query = (
        select(known.c.number, func.array_agg(time), *numbers)
        .join_from(asked, known, site == cast(known.c.name, site.type))
        # Said once more, since a list of values goes into views that group, and a join does not.
        .where(site.in_(names), *wanted.within(asked, engine.dialect.name))
        .group_by(known.c.number)
    )
    copied = Copied([">i8", *(">f4" if is_single else ">f8" for is_single in single)])
    with engine.connect() as connection:
        limit_time(connection, engine.dialect.name, timeout_s)
        text = str(query.compile(engine, compile_kwargs={"literal_binds": True}))
        driver = connection.connection.driver_connection
        try:
            driver.execute_unnamed(f"COPY ({text}) TO STDOUT WITH (FORMAT BINARY)", stream=copied)  # type: ignore[union-attr]
        except engine.dialect.dbapi.Error as error:  # type: ignore[union-attr]
            raise SQLAlchemyError(short(error)) from None  # told as whatever else the database says
    codes, us, *columns = copied.arrays()
    if np.isin(us, _INFINITE).any():
        raise DataError(f"{wanted.name} has rows at an infinite {wanted.layout.when}: mend the time, or drop the rows")
    return codes, us + EPOCH_2000_US, not wanted.table.zoneless(wanted.layout.when), columns
