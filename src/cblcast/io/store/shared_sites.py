"""Sites that lie in more than one partition, and the ends of row groups whose footers do not say them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cblcast.errors import DataError
from cblcast.io.site_table import read_sites
from cblcast.io.store.footers import Footer, Group, Name
from cblcast.io.store.layouts import Layout
from cblcast.io.store.partitions import Partition

SITES = "_sites.parquet"  # beside the files of a store: what is known of its sites


def sites_beside(path: Path) -> pd.DataFrame | None:
    """What is known of the sites of a store, where its writer put it into the folder."""
    table = path / SITES
    return read_sites(table) if path.is_dir() and table.is_file() else None


def complete_ends(folder: Path, footers: Sequence[Footer]) -> list[Footer]:
    """The footers with the first and last site of every row group; where a footer lacks them, its column is read."""
    return [
        footer
        if footer.layout.kind == "wide" or all(group.sites is not None for group in footer.groups)
        else replace(footer, groups=tuple(_with_ends(folder, footer, group) for group in footer.groups))
        for footer in footers
    ]


def _with_ends(folder: Path, footer: Footer, group: Group) -> Group:
    if group.sites is not None:
        return group
    names = names_in(folder, footer.layout, footer.file, [group.number])
    if not names:
        raise DataError(f"{footer.file} has rows without a {footer.layout.site}: fill it in, or drop the rows")
    return replace(group, sites=(min(names), max(names)))


def names_in(folder: Path, layout: Layout, file: str, groups: Sequence[int]) -> set[Name]:
    """The sites of some row groups, without reading anything else of them."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    found: set[Name] = set()
    try:
        with ParquetFile(folder / file, read_dictionary=[layout.site]) as opened:
            for number in groups:
                for chunk in opened.read_row_group(number, columns=[layout.site], use_threads=False)[
                    layout.site
                ].chunks:
                    values = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk.unique()
                    found.update(name for name in values.to_pylist() if name is not None)
    except (OSError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:120]
        raise DataError(f"{file} is broken ({said}): write the file again") from None
    return found


def without_shared(folder: Path, layout: Layout, partitions: list[Partition]) -> list[Partition]:
    """The partitions, each with the sites that it shares with another marked to be left out."""
    if layout.kind == "wide" or not overlap(partitions):
        return partitions
    sites = [_sites_of(folder, layout, partition) for partition in partitions]
    often = Counter(itertools.chain.from_iterable(sites))
    return [
        replace(partition, left_out=tuple(sorted(str(name) for name in own if often[name] > 1)))
        for partition, own in zip(partitions, sites, strict=True)
    ]


def overlap(partitions: Sequence[Partition]) -> bool:
    """Whether the ranges of sites of some partitions overlap: where files mix their sites."""
    ordered = sorted(partitions, key=lambda one: (one.first_site, one.last_site))
    highest: Partition | None = None
    for one in ordered:
        if highest is not None and _reaches(highest, one.first_site):
            return True
        if highest is None or one.last_site > highest.last_site:
            highest = one
    return False


def _reaches(partition: Partition, site: Name) -> bool:
    return partition.last_site >= site and partition.holds(site)


def _sites_of(folder: Path, layout: Layout, partition: Partition) -> set[Name]:
    found: set[Name] = set()
    for piece in partition.pieces:
        if piece.site is not None:
            found.add(piece.site)
            continue
        try:
            found |= names_in(folder, layout, piece.file, piece.groups)
        except DataError:
            continue  # whoever reads it is told
    return {name for name in found if partition.holds(name)}
