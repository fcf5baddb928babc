"""The meter store: what its files hold, cut into partitions of whole sites, read as days or as a panel."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from cblcast.errors import DataError, DataWarning
from cblcast.frames.instants import HOUR_US
from cblcast.frames.panel import Panel
from cblcast.io.database import SQL, is_table
from cblcast.io.store.as_days import days_of_partition
from cblcast.io.store.footers import Fault, Footer, read_footers
from cblcast.io.store.layouts import Kind, Layout
from cblcast.io.store.long_rows import minutes
from cblcast.io.store.partitions import BYTES_AT_ONCE, Partition, partitions_of
from cblcast.io.store.row_groups import Read, Span, row_groups
from cblcast.io.store.shared_sites import complete_ends, sites_beside, without_shared
from cblcast.io.store.site_days import SiteDays, site_index
from cblcast.io.store.step import step_of_store
from cblcast.io.store.zones import Zones, zone_of_files

Day: TypeAlias = Any  # int (days since 1970-01-01), text, date, datetime64 or Timestamp
LARGE = 1024**3  # bytes of a partition that are told where they are far more than was asked for


def open_store(
    path: str | Path,
    *,
    tz: str | None = None,
    country: str | None = None,
    columns: Mapping[str, str] | None = None,
    clock: str | None = None,
    faults: str = "raise",
) -> MeterStore:
    """Open a Parquet file, or a folder of Parquet files, as a store of meters; only footers are read.

    Parameters
    ----------
    path : path
        Its files are long (``site_id``, ``time`` with a zone, ``observed_kw`` or ``kw``), day rows (``site_id``, ``date``, a
        list of loads) or wide (``time``, a column for each site). Folders may name columns (``site_id=A17/…``). ``sql:TABLE`` is a
        table of the database that ``CBLCAST_DATABASE_URL`` names (:func:`cblcast.io.store.sql_store.open_sql_store`).
    tz, country : str, optional
        IANA zone and country of every site of which nobody says another.
    columns : mapping, optional
        Foreign name → ours.
    clock : str, optional
        IANA zone of the clock that wrote times without a zone; of tables alone, since files hold instants.
    faults : {"raise", "keep"}
        Whether a file that cannot be used (broken, another schema) is an error, or stands in :attr:`MeterStore.faults` while the
        rest is read.

    Raises
    ------
    DataError
        No such store, a folder without Parquet files, packed files, columns that fit no layout, no file that can be used; with
        ``faults="raise"`` any file that cannot.
    """
    if is_table(path):
        from cblcast.io.store.sql_store import open_sql_store

        return open_sql_store(str(path).removeprefix(SQL), tz=tz, country=country, columns=columns, clock=clock)
    if clock is not None:
        raise DataError(f"the times of {Path(path).name} are instants already: leave clock out")
    where = Path(path)
    footers, found = read_footers(where, columns)
    if found and (faults == "raise" or not footers):
        raise DataError(found[0].reason + (f" ({len(found)} such files)" if len(found) > 1 else ""))
    footers = [footer for footer in footers if footer.groups]
    if not footers:
        raise DataError(f"the store {where.name} holds no reading: check how it was written")
    folder = where.parent if where.is_file() else where
    footers = complete_ends(folder, footers)
    zone = zone_of_files(where.name, {footer.file: footer.tz for footer in footers}, tz)
    sites = sites_beside(where)
    store = MeterStore(where.name, folder, footers[0].layout, tuple(footers), tuple(found), zone, country, sites)
    return replace(store, step_us=step_of_store(folder, footers))


@dataclass(frozen=True, eq=False)
class MeterStore:
    """Readings of many meters in Parquet files.

    Attributes
    ----------
    name : str
    folder : Path
    layout_of_files : Layout
    footers : tuple of Footer
    faults : tuple of Fault
        Files that cannot be used, and why.
    tz, country : str or None
        Of every site of which nobody says another.
    sites : DataFrame or None
        What is known of the sites, index site_id, where it lies in the folder (``_sites.parquet``).
    step_us : int or None
        Length of one interval [us], where the beginning of the store says it.
    """

    name: str
    folder: Path
    layout_of_files: Layout
    footers: tuple[Footer, ...]
    faults: tuple[Fault, ...] = ()
    tz: str | None = None
    country: str | None = None
    sites: pd.DataFrame | None = None
    step_us: int | None = None

    @property
    def layout(self) -> Kind:
        """``long``, ``days`` or ``wide``."""
        return self.layout_of_files.kind

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(group.rows for footer in self.footers for group in footer.groups)

    @property
    def origin(self) -> tuple[Any, ...]:
        """Where readings come from, in what no file's name, size and time of change says."""
        return ()

    def partitions(self, bytes_at_once: int = BYTES_AT_ONCE) -> list[Partition]:
        """The store in parts of whole sites, none of which lies in two; from footers alone where its files are ordered.

        Where files mix their sites, the columns of the sites are read, and a site that lies in two files is left out of both
        and told (:attr:`Partition.left_out`).

        Parameters
        ----------
        bytes_at_once : int
            Size in memory of one partition; at least one row group.

        Warns
        -----
        DataWarning
            Sites that lie in two partitions; a partition that is far larger than asked for.
        """
        made = without_shared(self.folder, self.layout_of_files, partitions_of(self.footers, bytes_at_once))
        shared = sorted({site for partition in made for site in partition.left_out})
        if shared:
            files = sorted({file for one in made if shared[0] in one.left_out for file in one.files})
            warnings.warn(
                f"site {shared[0]!r} lies in {' and '.join(files[:3])} ({len(shared)} such sites of {self.name}), and is left out: "
                "write each site into one file (cblcast data convert)",
                DataWarning,
                stacklevel=2,
            )
        largest = max(made, key=lambda partition: partition.bytes)
        if largest.bytes > max(LARGE, 4 * bytes_at_once):
            warnings.warn(
                f"a partition of {self.name} takes {largest.bytes / 1024**3:.1f} GiB in memory, since its row groups are large or its "
                "sites are not in order: write it anew (cblcast data convert)",
                DataWarning,
                stacklevel=2,
            )
        return made

    def zones(self, sites: pd.DataFrame | None = None) -> Zones:
        """The zone of each site: of `sites`, else of the store."""
        return Zones([table for table in (sites, self.sites) if table is not None], self.tz, self.name)

    def read_days(
        self,
        partition: Partition,
        sites: pd.DataFrame | None = None,
        first_day: Day = None,
        last_day: Day = None,
    ) -> SiteDays:
        """The days of a partition's sites as a cube; only the row groups that may hold them are read.

        Parameters
        ----------
        partition : Partition
        sites : DataFrame, optional
            Index site_id, with ``tz`` where it differs from the store's: only these are read.
        first_day, last_day : date, optional
            Local days, both included.

        Returns
        -------
        SiteDays
            Sites without any day in the span are not in it.

        Raises
        ------
        DataError
            In one sentence with the file: broken, readings given twice, mixed steps, a day with a wrong number of readings, an
            unknown zone, nothing that was asked for.
        """
        span = as_day(first_day), as_day(last_day)
        found = days_of_partition(self, partition, sites, span)
        if found is None:
            raise DataError(
                f"partition {partition.key} of {self.name} holds nothing of what was asked for: check the days and the site ids"
            )
        return found

    def read_panel(
        self,
        partition: Partition,
        sites: pd.DataFrame | None = None,
        since: Any = None,
        until: Any = None,
        columns: Sequence[str] | None = None,
    ) -> Panel:
        """The panel of a partition's sites, with a row for each reading.

        Parameters
        ----------
        partition : Partition
        sites : DataFrame, optional
            As of a panel: only these are read.
        since, until : instant, optional
            Rows with since ≤ time < until.
        columns : sequence of str, optional
            Beside the load; all unless given.

        Raises
        ------
        DataError
            As :meth:`read_days`; a column that is not there.
        """
        from cblcast.io.store.as_panel import panel_of_partition

        return panel_of_partition(self, partition, sites, (as_instant(since), as_instant(until)), columns)

    def reads(self, partition: Partition, columns: Sequence[str], span: Span) -> Iterator[Read]:
        """The row groups of a partition that may hold something of a span, one after the other."""
        return row_groups(self.folder, self.layout_of_files, partition, columns, span)

    def sites_of(self, names: Sequence[Any], sites: pd.DataFrame | None = None) -> pd.DataFrame:
        """Sites as a panel needs them: of `sites`, else of the store."""
        index = site_index(names)
        known = self.sites if sites is None else sites
        told = pd.DataFrame(index=index) if known is None else known.reindex(index)
        told = told.assign(tz=self.zones(sites).of(names))
        if self.country is not None:
            told["country"] = told["country"].fillna(self.country) if "country" in told.columns else self.country
        return told

    def step_in(self, found: int | None, source: str) -> int:
        """The step of readings [us], held against the store's; `found` is None where they do not say."""
        if found is None and self.step_us is None:
            raise DataError(f"{source} has no site with two readings, so the step is unknown: give whole days")
        if found is not None and self.step_us is not None and found != self.step_us:
            raise DataError(
                f"{source} is at steps of {minutes(found)} where the store {self.name} is at {minutes(self.step_us)}: bring all "
                "files to one step (cblcast data convert --step)"
            )
        step_us = self.step_us if found is None else found
        assert step_us is not None
        return step_us

    def factor(self, step_us: int) -> float:
        """Kilowatts of one unit in which the files count, at this step."""
        unit = self.layout_of_files.unit
        return unit.scale / (step_us / HOUR_US if unit.energy else 1.0)


def as_day(day: Day) -> int | None:
    """A local day in days since 1970-01-01; None stays None."""
    if day is None:
        return None
    if isinstance(day, (int, np.integer)):
        return int(day)
    if isinstance(day, pd.Timestamp):
        day = day.tz_localize(None).to_datetime64()
    try:
        return int(np.datetime64(day, "D").astype(np.int64))
    except ValueError:
        raise DataError(f"{day!r} is no day: write it like 2024-07-01") from None


def as_instant(time: Any) -> int | None:
    """An instant in microseconds UTC; None stays None, and a time without a zone is a :class:`DataError`."""
    if time is None:
        return None
    try:
        stamp = pd.Timestamp(time)
    except ValueError:
        raise DataError(f"{time!r} is no instant: write it like 2024-07-01T00:00Z") from None
    if stamp.tz is None:
        raise DataError(f"{time!r} has no zone: write it like 2024-07-01T00:00Z")
    return int(stamp.to_datetime64().astype("M8[us]").astype(np.int64))
