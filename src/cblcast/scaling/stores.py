"""A store cut into pieces: each partition with its sites, the events that they have, and what it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE
from cblcast.io.store import MeterStore, Partition
from cblcast.io.store.shared_sites import names_in

NOWHERE = "the site is not in the data"


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
        return tuple(self.sites.index)

    @property
    def asked(self) -> object:
        """What the result depends on beside the files."""
        return self.sites, dict(self.events), self.store.tz, self.store.country

    def halves(self) -> tuple[StorePiece, StorePiece] | None:
        """The same with half of the sites each; None for one site."""
        if len(self.sites) < 2:
            return None
        middle = len(self.sites) // 2
        return self._of(self.sites.iloc[:middle]), self._of(self.sites.iloc[middle:])

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
    absent : Index
        Sites that are asked for and lie in no partition.
    bytes : int
        Of the readings, in memory.
    size : int
        Bytes that a partition may have.
    """

    pieces: list[StorePiece]
    faults: list[tuple[str, str, str]]
    absent: pd.Index
    bytes: int
    size: int


def names_of(store: MeterStore, partitions: Sequence[Partition]) -> tuple[list[list[str]], list[tuple[str, str, str]]]:
    """The sites of each partition, and partitions whose sites cannot be read; nothing but the column of the sites is read."""
    names: list[list[str]] = []
    faults: list[tuple[str, str, str]] = []
    known: dict[tuple[str, tuple[int, ...]], set[str | int]] = {}
    for partition in partitions:
        found: set[str | int] = set(partition.columns)
        try:
            for piece in () if partition.columns else partition.pieces:
                if piece.site is not None:
                    found.add(piece.site)
                    continue
                at = (piece.file, piece.groups)
                if at not in known:
                    known[at] = names_in(store.folder, store.layout_of_files, piece.file, piece.groups)
                found |= known[at]
        except DataError as error:
            faults.append((partition.key, "", str(error)))
            found = set()
        held = (name for name in found if partition.columns or partition.holds(name))
        names.append(sorted({str(name) for name in held} - set(partition.left_out)))
    return names, faults


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
    faults += [("", site, _in_two(partitions, site)) for site in shared]
    light = replace(store, footers=(), faults=())
    tables = {name: _by_site(table) for name, table in (events or {}).items()}
    wanted = pd.Index(sites.index.astype(str)) if by is None else pd.Index(tables[by].index.unique(), dtype="str")
    wanted = wanted[wanted.isin(sites.index)]
    pieces = []
    for partition, own in zip(partitions, names, strict=True):
        inside = pd.Index(own, dtype="str")
        inside = inside[inside.isin(wanted)]
        if len(inside):
            of_sites = {name: table[table.index.isin(inside)].reset_index(drop=True) for name, table in tables.items()}
            pieces.append(StorePiece(light, partition, sites.loc[inside].rename_axis(SITE), of_sites))
    held = {site for piece in pieces for site in piece.site_ids}
    absent = wanted[~wanted.isin(held) & ~wanted.isin(shared)]
    return Cut(pieces, faults, absent, sum(piece.partition.bytes for piece in pieces), bytes_at_once)


def _by_site(table: pd.DataFrame) -> pd.DataFrame:
    named = table.assign(**{SITE: table[SITE].astype(str)})
    return named.set_index(SITE, drop=False).rename_axis(None)


def _own(table: pd.DataFrame, sites: pd.DataFrame) -> pd.DataFrame:
    return table[np.isin(table[SITE].to_numpy(), sites.index.to_numpy())].reset_index(drop=True)


def _in_two(partitions: Sequence[Partition], site: str) -> str:
    files = sorted({file for one in partitions if site in one.left_out for file in one.files})
    return f"the site lies in {' and '.join(files[:3])}, and is left out: write each site into one file (cblcast data convert)"
