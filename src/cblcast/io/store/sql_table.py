"""A table of a database as it is asked for long rows: its columns, its sites with their rows, whether it finds a site by an index."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cblcast.errors import DataError, nearest
from cblcast.io.database import limit_time, table_of

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Engine, Select, TableClause

ROWS_AT_ONCE = 50_000  # that a driver hands over as Python objects
MANY_ROWS = 1_000_000  # from which on an index is missed


@dataclass(frozen=True)
class SqlTable:
    """A table or view, and what its columns are; small and picklable.

    Attributes
    ----------
    told : str
        Its name as it was asked for.
    schema : str or None
    name : str
    kinds : mapping
        Column → its type in SQLAlchemy.
    indexed : frozenset of str or None
        Columns that an index begins with; None of a view, of which nobody knows.
    padded : frozenset of str
        Columns whose text is filled up with blanks, which do not count (``char(n)``).
    single : frozenset of str
        Columns of numbers in single precision.
    """

    told: str
    schema: str | None
    name: str
    kinds: Mapping[str, Any]
    indexed: frozenset[str] | None = None
    padded: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()

    def clause(self) -> TableClause:
        """As queries name it."""
        from sqlalchemy import column, table

        return table(self.name, *[column(name, kind) for name, kind in self.kinds.items()], schema=self.schema)

    def zoneless(self, column: str) -> bool:
        """Whether the type of a column says that its times have no zone."""
        from sqlalchemy import DateTime

        kind = self.kinds[column]
        return isinstance(kind, DateTime) and not kind.timezone

    def bare(self, column: str, name: Any) -> Any:
        """A site's name in a column without the blanks that it was filled up with."""
        return name.rstrip(" ") if column in self.padded and isinstance(name, str) else name

    def as_schema(self, time: str) -> pa.Schema:
        """Its columns as those of a file; times that are text are looked at where they are read."""
        import pyarrow as pa
        from sqlalchemy import Date, DateTime, Float, Integer, Numeric

        def kind(name: str, theirs: Any) -> pa.DataType:
            if isinstance(theirs, Integer):
                return pa.int64()
            if isinstance(theirs, (Float, Numeric)):
                return pa.float64()
            if isinstance(theirs, Date):
                return pa.date32()
            return pa.timestamp("us", "UTC") if isinstance(theirs, DateTime) or name == time else pa.string()

        return pa.schema([pa.field(name, kind(name, theirs)) for name, theirs in self.kinds.items()])


def sql_table(engine: Engine, table: str, name: str, columns: Mapping[str, str] | None) -> SqlTable:
    """A table as the database describes it.

    Raises
    ------
    DataError
        No such table, or none of the `columns` that are named.
    """
    from sqlalchemy import CHAR, REAL, inspect

    found = table_of(engine, table, name)
    # A domain of PostgreSQL is the type that it is made of.
    kinds = {str(column.name): getattr(column.type, "data_type", column.type) for column in found.columns}
    by_kind = kinds if engine.dialect.name == "postgresql" else {}  # elsewhere these names mean other things
    padded = frozenset(column for column, kind in by_kind.items() if isinstance(kind, CHAR))
    single = frozenset(column for column, kind in by_kind.items() if isinstance(kind, REAL))
    for theirs in columns or ():
        if theirs not in kinds:
            raise DataError(f"table {table!r} of {name} has no column {theirs!r}: {nearest(theirs, kinds)}")
    indexed = None
    if found.name not in inspect(engine).get_view_names(found.schema):
        keys = [list(found.primary_key.columns), *(list(index.columns) for index in found.indexes)]
        indexed = frozenset(str(columns[0].name) for columns in keys if columns)
    return SqlTable(table, found.schema, str(found.name), kinds, indexed, padded, single)


def theirs_of(ours: str, columns: Mapping[str, str] | None) -> str:
    """The foreign name of a column."""
    return next((theirs for theirs, name in (columns or {}).items() if name == ours), ours)


@dataclass(frozen=True, eq=False)
class SiteCounts:
    """The sites of a table.

    Attributes
    ----------
    names : list
        Sorted, as the column holds them.
    rows : ndarray of int64, shape (n,)
        With a time.
    states : ndarray of uint32, shape (n,)
        A sum of their number, first and last time, by which a table that grew is told from what it was.
    nameless, timeless : int
        Rows without a site; without a time.
    """

    names: list[Any]
    rows: np.ndarray
    states: np.ndarray
    nameless: int
    timeless: int


def count_sites(engine: Engine, timeout_s: float, table: SqlTable, site: str, time: str) -> SiteCounts:
    """The sites of a table, counted by the server in one query."""
    from sqlalchemy import String, cast, func, select

    asked = table.clause()
    when = asked.c[time]
    ends = [cast(end, String) for end in (func.min(when), func.max(when))]
    query = select(asked.c[site], func.count(), func.count(when), *ends).group_by(asked.c[site])
    names: list[Any] = []
    rows: list[int] = []
    states: list[int] = []
    nameless = timeless = 0
    for name, count, timed, first, last in _each(engine, timeout_s, query):
        if name is None:
            nameless += count
            continue
        timeless += count - timed
        if timed:
            names.append(table.bare(site, name))
            rows.append(timed)
            states.append(zlib.crc32(f"{timed} {first} {last}".encode()))
    try:
        order = sorted(range(len(names)), key=names.__getitem__)
    except TypeError:
        kinds = ", ".join(sorted({type(name).__name__ for name in names}))
        raise DataError(f"table {table.told!r} has sites of several types ({kinds}): write all of them alike") from None
    place = np.array(order, dtype=np.int64)
    return SiteCounts(
        [names[at] for at in order],
        np.array(rows, dtype=np.int64)[place],
        np.array(states, dtype=np.uint32)[place],
        nameless,
        timeless,
    )


def fetched(engine: Engine, timeout_s: float, query: Select[Any]) -> Iterator[Sequence[Any]]:
    """The rows of a query, some at a time, from a cursor of the server where it has one."""
    with engine.connect() as connection:
        limit_time(connection, engine.dialect.name, timeout_s)
        streamed = connection.execution_options(stream_results=True, max_row_buffer=ROWS_AT_ONCE)
        yield from streamed.execute(query).partitions(ROWS_AT_ONCE)


def _each(engine: Engine, timeout_s: float, query: Select[Any]) -> Iterator[Any]:
    for rows in fetched(engine, timeout_s, query):
        yield from rows
