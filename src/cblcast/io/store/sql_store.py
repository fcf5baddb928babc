"""A table of a SQL database as a store: partitions by ranges of sites, and only the rows of the sites and days that are asked for."""

from __future__ import annotations

import hashlib
import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cblcast.errors import DataError, DataWarning, SourceError
from cblcast.frames.schema import OBSERVED, SITE, TIME
from cblcast.hush import no_data_warnings
from cblcast.io.clock import check_zone
from cblcast.io.database import URL_VARIABLE, check_answers, connected
from cblcast.io.store.layouts import layout_of
from cblcast.io.store.long_rows import Rows, step_of
from cblcast.io.store.meter_store import MeterStore
from cblcast.io.store.partitions import BYTES_A_READING, BYTES_AT_ONCE, Partition
from cblcast.io.store.row_groups import Read, Span
from cblcast.io.store.sql_rows import SqlRows, Wanted, sql_rows, zoneless
from cblcast.io.store.sql_table import MANY_ROWS, SiteCounts, SqlTable, count_sites, fetched, sql_table, theirs_of

SITES_A_PARTITION = 10_000
COUNTING = 6  # times as long as any other query: it looks at the whole table
FIRST_ROWS = 4_096  # by which the step is told


@dataclass(frozen=True, eq=False)
class SqlStore(MeterStore):
    """Long rows in a table (or a view, or a hypertable of TimescaleDB, which is one to whoever reads it).

    Attributes
    ----------
    url : str or None
        An SQLAlchemy URL, which is never told whole; from the environment variable ``CBLCAST_DATABASE_URL`` where it is None, on
        every machine that reads.
    table : SqlTable
    clock : str or None
        Zone of times that say none.
    timeout_s : float
        After which a query is given up [s].
    """

    url: str | None = field(default=None, repr=False)
    table: SqlTable = field(default_factory=lambda: SqlTable("", None, "", {}), repr=False)
    clock: str | None = None
    timeout_s: float = 600.0
    _counted: dict[str, SiteCounts] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Without the sites, of which a partition names its own."""
        return {**self.__dict__, "_counted": {}}

    @property
    def origin(self) -> tuple[Any, ...]:
        """The database, without its password, and the table."""
        return self.name, self.table.told, self.clock

    @property
    def rows(self) -> int:
        """Rows of the table with a site and a time."""
        return int(self._counts().rows.sum())

    def partitions(self, bytes_at_once: int = BYTES_AT_ONCE) -> list[Partition]:
        """The table in ranges of sites; their rows are counted by the server, once."""
        if bytes_at_once < 1:
            raise DataError(f"bytes_at_once is a positive number of bytes, not {bytes_at_once!r}")
        counts = self._counts()
        self._tell(counts)
        most = max(1, bytes_at_once // BYTES_A_READING["long"])
        begins, taken = [0], 0
        for number, count in enumerate(counts.rows.tolist()):
            if taken and (taken + count > most or number - begins[-1] >= SITES_A_PARTITION):
                begins.append(number)
                taken = 0
            taken += count
        ends = itertools.pairwise([*begins, len(counts.names)])
        return [_partition(counts, first, stop, number) for number, (first, stop) in enumerate(ends)]

    def reads(self, partition: Partition, columns: Sequence[str], span: Span) -> Iterator[Read]:
        """The rows of a partition's sites that are within a span of instants [us UTC]."""
        import pyarrow as pa

        layout = self.layout_of_files
        numbers = [column for column in columns if column != layout.when]
        with connected(self.url, self.timeout_s) as (engine, name):
            if name != self.name:
                raise SourceError(
                    f"{URL_VARIABLE} names {name} where a partition is read, and {self.name} where it was cut: set it alike on all machines"
                )
            wanted = Wanted(self.table, layout, numbers, span, self.clock, self._called)
            for rows in sql_rows(engine, self.timeout_s, wanted, list(partition.columns)):
                arrow = {layout.when: pa.array(rows.us).cast(pa.timestamp("us", "UTC"))}
                arrow |= {column: pa.array(own) for column, own in zip(numbers, rows.columns, strict=True)}
                yield Read(pa.table(arrow), rows.codes, rows.names, self._called)

    @property
    def _called(self) -> str:
        return f"table {self.table.told!r} of {self.name}"

    def _counts(self) -> SiteCounts:
        if "sites" in self._counted:
            return self._counted["sites"]
        layout = self.layout_of_files
        patience_s = COUNTING * self.timeout_s
        with connected(self.url, patience_s) as (engine, _):
            counts = count_sites(engine, patience_s, self.table, layout.site, layout.when)
        if not counts.names:
            self._tell(counts)
            raise DataError(f"{self._called} holds no reading: check how it was filled")
        self._counted["sites"] = counts
        return counts

    def _tell(self, counts: SiteCounts) -> None:
        """Warn of what is left out, and of what takes long: each time that the table is cut, as of files."""
        layout = self.layout_of_files
        for count, what in ((counts.nameless, layout.site), (counts.timeless, layout.when)):
            if count:
                told = f"{self._called} has {count} rows without a {what}, which are left out: fill them in"
                warnings.warn(told, DataWarning, stacklevel=3)
        rows, indexed = int(counts.rows.sum()), self.table.indexed
        if rows > MANY_ROWS and indexed is not None and layout.site not in indexed:
            warnings.warn(
                f"{self._called} has {rows:,} rows and no index that begins with {layout.site}, so each partition looks through all "
                f"of them: create one on {layout.site} and {layout.when}",
                DataWarning,
                stacklevel=3,
            )


def _partition(counts: SiteCounts, first: int, stop: int, number: int) -> Partition:
    names, rows = tuple(counts.names[first:stop]), int(counts.rows[first:stop].sum())
    state = hashlib.sha256(counts.rows[first:stop].tobytes() + counts.states[first:stop].tobytes()).hexdigest()
    # By their names, since a database may sort text otherwise.
    size = rows * BYTES_A_READING["long"]
    return Partition(f"{number:05d}", (), names[0], names[-1], None, rows, size, names, state=state)


def open_sql_store(
    table: str,
    *,
    url: str | None = None,
    tz: str | None = None,
    country: str | None = None,
    columns: Mapping[str, str] | None = None,
    clock: str | None = None,
    timeout_s: float = 600.0,
) -> SqlStore:
    """Open a table of long rows as a store of meters.

    Parameters
    ----------
    table : str
        A table or view with ``site_id``, ``time`` and ``observed_kw`` or ``kw``, best with an index on site and time; with its
        schema where it has one, and in double quotes where a name holds a dot.
    url : str, optional
        An SQLAlchemy URL; from the environment variable ``CBLCAST_DATABASE_URL`` unless given, so that no password stands in a
        script, and none travels to the workers of a cluster, each of which has its own.
    tz, country : str, optional
        Of every site of which nobody says another.
    columns : mapping, optional
        Foreign name → ours.
    clock : str, optional
        IANA zone of the clock that wrote times without a zone; `tz` unless given.
    timeout_s : float
        After which a query is given up [s].

    Raises
    ------
    DataError
        No URL, no driver, a server that cannot be reached, an unknown table or column, columns that are no long rows, times
        without a zone of which nobody says the clock. Passwords are masked.
    """
    own = clock or tz
    if own is not None:
        check_zone(own)
    check_answers(url)
    with connected(url, timeout_s) as (engine, name):
        found = sql_table(engine, table, name, columns)
        time = theirs_of(TIME, columns)
        called = f"table {table!r} of {name}"
        layout = layout_of(found.as_schema(time), called, (), columns)
        if layout.kind != "long":
            raise DataError(f"{called} has no long rows: a row for each reading, with {SITE}, {TIME} and {OBSERVED}")
        if own is None and found.zoneless(time) and engine.dialect.name != "sqlite":
            raise DataError(zoneless(called))
        store = SqlStore(
            name, Path(), layout, (), (), tz, country, None, None, url=url, table=found, clock=own, timeout_s=timeout_s
        )
        first = _first_rows(store, engine, called)
    if first is None:
        return store
    if not first.aware and clock is None:
        warnings.warn(
            f"{called} has times without a zone, which are read on the clock of {tz}: say so (--clock {tz}), or name the one that wrote "
            "them (--clock UTC)",
            DataWarning,
            stacklevel=2,
        )
    return replace(store, step_us=_step(first, called))


def _first_rows(store: SqlStore, engine: Any, called: str) -> SqlRows | None:
    """The first rows of the first site; None where there are none."""
    from sqlalchemy import select

    layout, asked = store.layout_of_files, store.table.clause()
    site, time = asked.c[layout.site], asked.c[layout.when]
    query = select(site).where(site.is_not(None), time.is_not(None)).order_by(site).limit(1)
    first = next((rows[0][0] for rows in fetched(engine, store.timeout_s, query)), None)
    if first is None:
        return None  # whoever cuts it is told
    wanted = Wanted(store.table, layout, [], (None, None), store.clock, called)
    first = store.table.bare(layout.site, first)
    with no_data_warnings():  # whoever reads the partition is told
        return next(sql_rows(engine, store.timeout_s, wanted, [first], FIRST_ROWS), None)


def _step(first: SqlRows, called: str) -> int | None:
    """Length of one interval [us] by the first rows; None where these do not say."""
    try:
        return step_of([Rows(first.names, first.codes, first.us, first.us.astype(np.float32), called)])
    except DataError:
        return None  # whoever reads the partition is told
