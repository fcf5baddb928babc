"""A store cut into pieces: each partition with its sites, the events that they have, and what it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.errors import DataError, why_not
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE
from cblcast.io.store import MeterStore, Partition
from cblcast.io.store.partitions import Piece

NOWHERE = "the site is not in the data"
UNREAD = "the site is in no file that can be read"


@dataclass(frozen=True, eq=False)
class StorePiece:
    """A partition of a store with what is asked of it; picklable, and no larger than its sites and events.

    Attributes
    ----------
    store : MeterStore
        Without its footers, which nobody who reads a partition needs.
    partition : Partition
    sites : DataFrame, index site_id
        Those of its sites that are asked for.
    events : mapping
        Name → events of these sites.
    """

    store: MeterStore
    partition: Partition
    sites: pd.DataFrame
    events: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """That of the partition."""
        return self.partition.key

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of the partition."""
        return tuple(self.store.folder / file for file in self.partition.files)

    @property
    def site_ids(self) -> tuple[str, ...]:
        """Its sites that are asked for."""
        return tuple(self.sites.index.to_numpy(dtype=object).tolist())  # a tenth of what each name alone costs

    @property
    def asked(self) -> object:
        """What the result depends on beside the files."""
        store = self.store
        source = store.layout_of_files, store.origin, self.partition.state
        return self.sites, dict(self.events), store.tz, store.country, source

    def halves(self) -> tuple[StorePiece, StorePiece] | None:
        """The same with half of the sites each, those of different files apart; None for one site."""
        if len(self.sites) < 2:
            return None
        groups = by_files(self.store, self.partition, self.site_ids)
        if len(groups) == 1:
            middle = len(self.sites) // 2
            return self._of(self.sites.iloc[:middle]), self._of(self.sites.iloc[middle:])
        middle = len(groups) // 2
        first, second = (self._of_files(half) for half in (groups[:middle], groups[middle:]))
        return first, second

    def _of_files(self, groups: Sequence[tuple[tuple[int, ...], list[int]]]) -> StorePiece:
        places = sorted(place for _, own in groups for place in own)
        numbers = sorted({number for files, _ in groups for number in files})
        partition = replace(self.partition, pieces=tuple(self.partition.pieces[number] for number in numbers))
        return replace(self._of(self.sites.iloc[places]), partition=partition)

    def _of(self, sites: pd.DataFrame) -> StorePiece:
        return replace(self, sites=sites, events={name: _own(table, sites) for name, table in self.events.items()})

    def panel(self, columns: Sequence[str] | None = None) -> Panel:
        """The panel of its sites."""
        return self.store.read_panel(self.partition, self.sites, columns=columns)


@dataclass(frozen=True)
class Cut:
    """A store in pieces.

    Attributes
    ----------
    pieces : list of StorePiece
        Those that hold a site that is asked for.
    faults : list of (partition, site_id, reason)
        Files that cannot be used (site ""), and sites that lie in two files.
    bytes : int
        Of the readings, in memory.
    size : int
        Bytes that a partition may have.
    """

    pieces: list[StorePiece]
    faults: list[tuple[str, str, str]]
    bytes: int
    size: int

    def refuse_nobody(self, events: pd.DataFrame | None = None) -> None:
        """Raise :class:`DataError` where there is no piece, with what is known of the sites of `events`."""
        if self.pieces:
            return
        asked = [] if events is None else list(dict.fromkeys(events[SITE].astype(str)))
        reasons = {site: reason for _, site, reason in self.faults if site}
        known = next((site for site in asked if site in reasons), None)
        if known is not None:
            raise DataError(f"no site of the events can be read; of {known!r}: {reasons[known]}")
        first = f", e.g. {asked[0]!r}" if asked else ""
        unread = [reason for _, site, reason in self.faults if not site]
        if unread:
            raise DataError(
                f"no site of the events is in what can be read of the data{first}; what cannot: {unread[0]}"
            )
        raise DataError(f"no site of the events is in the data{first}: check the site ids")


def names_of(store: MeterStore, partitions: Sequence[Partition]) -> tuple[list[list[str]], list[tuple[str, str, str]]]:
    """The sites of each partition, and files whose sites cannot be read; nothing but the column of the sites is read."""
    names: list[list[str]] = []
    faults: dict[str, str] = {}
    for partition in partitions:
        found: set[str | int] = set(partition.columns)
        for piece in () if partition.columns else partition.pieces:
            try:
                found |= _names_in_piece(store, piece)
            except DataError as error:
                faults[piece.file] = str(error)
        held = (name for name in found if partition.columns or partition.holds(name))
        names.append(sorted({str(name) for name in held} - set(partition.left_out)))
    return names, [(file, "", reason) for file, reason in faults.items()]


def _names_in_piece(store: MeterStore, piece: Piece) -> set[str | int]:
    if piece.site is not None:
        return {piece.site}
    of_groups = names_in_file(store.folder / piece.file, store.layout_of_files.site)
    return set().union(*(of_groups[number] for number in piece.groups))


def by_files(store: MeterStore, partition: Partition, sites: Sequence[str]) -> list[tuple[tuple[int, ...], list[int]]]:
    """Which pieces of a partition hold them, and the positions of the `sites` that the same pieces hold.

    A piece that cannot be read counts as theirs where it may: where it is of other times than those that are.
    """
    files: list[list[int]] = [[] for _ in sites]
    unread: list[int] = []
    for number, piece in enumerate(() if partition.columns else partition.pieces):
        try:
            there = {str(name) for name in _names_in_piece(store, piece)}
        except DataError:
            unread.append(number)
            continue
        for place, site in enumerate(sites):
            if site in there:
                files[place].append(number)
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, own in enumerate(files):
        others = [number for number in unread if not any(_at_once(partition, number, each) for each in own)]
        groups.setdefault(tuple(sorted(own + others)), []).append(place)
    return list(groups.items())


def _at_once(partition: Partition, one: int, other: int) -> bool:
    """Whether two pieces are known to hold some of the same times."""
    spans = [[span for span in partition.pieces[number].spans if span is not None] for number in (one, other)]
    if not all(spans):
        return False
    (first, last), (begin, end) = ((min(a for a, _ in own), max(b for _, b in own)) for own in spans)
    return first <= end and begin <= last


def names_in_file(path: Path, column: str) -> tuple[frozenset[str | int], ...]:
    """The sites of each row group of a file; a file that did not change is read once."""
    try:
        known = path.stat()
        return _names_in_file(path, column, known.st_size, known.st_mtime_ns)
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {why_not(error)}") from None


@lru_cache(maxsize=4096)
def _names_in_file(path: Path, column: str, size: int, changed_ns: int) -> tuple[frozenset[str | int], ...]:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    told = []
    try:
        with ParquetFile(path, read_dictionary=[column]) as file:
            for number in range(file.num_row_groups):
                found: set[str | int] = set()
                for chunk in file.read_row_group(number, columns=[column], use_threads=False)[column].chunks:
                    values = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk.unique()
                    found.update(name for name in values.to_pylist() if name is not None)
                told.append(frozenset(found))
    except (OSError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:120]
        raise DataError(f"{path.name} is broken ({said}): write the file again") from None
    return tuple(told)


def cut(
    store: MeterStore,
    sites: pd.DataFrame,
    bytes_at_once: int,
    events: Mapping[str, pd.DataFrame] | None = None,
    by: str | None = None,
) -> Cut:
    """Cut a store into pieces of whole sites.

    Parameters
    ----------
    sites : DataFrame, index site_id
        Those that are asked for, as of a panel.
    bytes_at_once : int
        Of readings in memory, for one piece.
    events : mapping, optional
        Name → table with ``site_id``.
    by : str, optional
        The table of `events` whose sites alone are asked for.
    """
    partitions = store.partitions(bytes_at_once=bytes_at_once)
    names, faults = names_of(store, partitions)
    faults = [(fault.file, "", fault.reason) for fault in store.faults] + faults
    shared = sorted({site for partition in partitions for site in partition.left_out})
    if shared and events is not None and by is not None:
        shared = sorted(set(shared) & set(events[by][SITE].astype(str)))
    faults += [("", site, _in_two(partitions, site)) for site in shared]
    light = replace(store, footers=(), faults=())
    flat = pd.Index(np.array([site for own in names for site in own], dtype=object))
    tables = {name: _places(table, flat) for name, table in (events or {}).items()}
    asked = np.ones(len(flat), dtype=bool) if by is None else np.bincount(tables[by].place, minlength=len(flat)) > 0
    row = pd.Index(sites.index.to_numpy(dtype=object)).get_indexer(flat)
    asked &= row >= 0
    ends = np.cumsum([0, *map(len, names)])
    pieces = []
    for partition, first, last in zip(partitions, ends, ends[1:], strict=False):
        inside = first + np.flatnonzero(asked[first:last])
        if len(inside):
            own = sites.take(row[inside]).rename_axis(SITE)
            of_sites = {name: table.within(asked, first, last) for name, table in tables.items()}
            pieces.append(StorePiece(light, partition, own, of_sites))
    return Cut(pieces, faults, sum(piece.partition.bytes for piece in pieces), bytes_at_once)


@dataclass(frozen=True, eq=False)
class _Placed:
    """Rows of a table by the place of their site among the sites of a store; those of other sites are left out."""

    table: pd.DataFrame
    place: np.ndarray

    def within(self, asked: np.ndarray, first: int, last: int) -> pd.DataFrame:
        """Rows of sites in [first, last) that are asked for, in the order of the table."""
        low, high = np.searchsorted(self.place, [first, last])
        rows = low + np.flatnonzero(asked[self.place[low:high]])
        return self.table.iloc[low:high].reset_index(drop=True) if len(rows) == high - low else self._some(rows)

    def _some(self, rows: np.ndarray) -> pd.DataFrame:
        return self.table.take(rows).reset_index(drop=True)


def _places(table: pd.DataFrame, flat: pd.Index) -> _Placed:
    names = table[SITE].astype(str)
    place = flat.get_indexer(names.to_numpy(dtype=object))
    order = np.argsort(place, kind="stable")
    order = order[np.searchsorted(place[order], 0) :]
    return _Placed(table.assign(**{SITE: names}).take(order), place[order])


def _own(table: pd.DataFrame, sites: pd.DataFrame) -> pd.DataFrame:
    return table[np.isin(table[SITE].to_numpy(), sites.index.to_numpy())].reset_index(drop=True)


def _in_two(partitions: Sequence[Partition], site: str) -> str:
    files = sorted({file for one in partitions if site in one.left_out for file in one.files})
    return f"the site lies in {' and '.join(files[:3])}, and is left out: write each site into one file (cblcast data convert)"
