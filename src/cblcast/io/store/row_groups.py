"""Row groups read one after the other: some columns of some sites, with sites as codes; broken files told by name."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.known import run_starts
from cblcast.io.store.footers import Name
from cblcast.io.store.layouts import Layout
from cblcast.io.store.partitions import Partition, Piece

if TYPE_CHECKING:
    import pyarrow as pa

Span = tuple[int | None, int | None]  # both ends included, None where it is open


@dataclass(frozen=True, eq=False)
class Read:
    """One row group as it was read.

    Attributes
    ----------
    table : pyarrow.Table
        Without the column of the sites.
    codes : ndarray of int32, shape (n_rows,)
        Position of each row's site in `names`.
    names : list of str or int
        Sorted.
    source : str
        The file.
    day : str or None
        Date of all rows, where a folder names it.
    """

    table: pa.Table
    codes: np.ndarray
    names: list[Name]
    source: str
    day: str | None = None


def row_groups(
    folder: Path, layout: Layout, partition: Partition, columns: Sequence[str], span: Span
) -> Iterator[Read]:
    """The row groups of a partition that may hold something of a span.

    Parameters
    ----------
    folder : Path
    layout : Layout
    partition : Partition
    columns : sequence of str
        Those that are read beside the sites'.
    span : (first, last)
        In the unit of the footers: instants [us UTC] or local days.

    Raises
    ------
    DataError
        A file that is gone or broken, or a row without a site.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    for piece in partition.pieces:
        groups = [number for number, has in zip(piece.groups, piece.spans, strict=True) if _meets(has, span)]
        if not groups:
            continue
        try:
            # As codes from the start, the names of the sites cost no more than their numbers.
            named = coded(layout, [layout.site] if piece.site is not None else [])
            with ParquetFile(folder / piece.file, read_dictionary=named, page_checksum_verification=True) as file:
                there = set(file.schema_arrow.names)
                wanted = [column for column in (*named, *columns) if column in there]
                for number in groups:
                    table = file.read_row_group(number, columns=wanted, use_threads=False)
                    yield _read(table, layout, piece)
        except FileNotFoundError:
            raise DataError(f"{piece.file} is gone from the store {folder.name}: put it back, or cut it anew") from None
        except (OSError, pa.ArrowException) as error:
            said = " ".join(str(error).split())[:120]
            raise DataError(f"{piece.file} is broken ({said}): write the file again") from None


def coded(layout: Layout, folders: Container[str]) -> list[str]:
    """The columns that are read as codes: that of the sites, unless folders name them."""
    return [layout.site] if layout.site and layout.site not in folders else []


def _meets(has: tuple[int, int] | None, span: Span) -> bool:
    if has is None:
        return True
    return (span[0] is None or has[1] >= span[0]) and (span[1] is None or has[0] <= span[1])


def _read(table: pa.Table, layout: Layout, piece: Piece) -> Read:
    if not layout.site:
        return Read(table, np.empty(0, dtype=np.int32), [], piece.file)
    if layout.site not in table.column_names:
        codes, names = np.zeros(table.num_rows, dtype=np.int32), [str(piece.site)]
        return Read(table, codes, list(names), piece.file, piece.day)
    codes, found = codes_in(table[layout.site], layout.site, piece.file)
    return Read(table.drop_columns([layout.site]), codes, found, piece.file, piece.day)


def codes_in(column: pa.ChunkedArray, name: str, file: str) -> tuple[np.ndarray, list[Name]]:
    """Codes of sorted names."""
    import pyarrow as pa

    if column.null_count:
        raise DataError(f"{file} has {column.null_count} rows without a {name}: fill it in, or drop the rows")
    column = column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    codes = array.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    # A writer may put the names of all sites into each row group.
    used = np.unique(codes[run_starts(codes)]) if len(codes) else codes
    if len(used) < len(array.dictionary):
        rank = np.zeros(len(array.dictionary), dtype=np.int32)
        rank[used] = np.arange(len(used), dtype=np.int32)
        codes = rank[codes]
    names: list[Name] = array.dictionary.take(pa.array(used)).to_pylist()
    if all(one < other for one, other in itertools.pairwise(names)):
        return codes, names
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    return rank[codes], [names[number] for number in order]


def narrowed(partition: Partition, sites: pd.Index | None) -> Partition:
    """The partition without sites that are not wanted, where it names its sites."""
    if sites is None or not partition.columns:
        return partition
    kept = sites.get_indexer(pd.Index([str(name) for name in partition.columns], dtype="str")) >= 0
    return replace(partition, columns=tuple(itertools.compress(partition.columns, kept)))


def chooser(partition: Partition, sites: pd.Index | None) -> Callable[[Sequence[Name]], np.ndarray]:
    """Which of some names a reading of a partition keeps: those in its range that are wanted, of sorted ones; bool, shape (n,)."""
    left_out = set(partition.left_out)

    def chosen(names: Sequence[Name]) -> np.ndarray:
        kept = np.ones(len(names), dtype=bool)
        if not partition.columns:  # those of a wide store are chosen already
            kept[: bisect_left(names, partition.first_site)] = False
        if partition.before_site is not None:
            kept[bisect_left(names, partition.before_site) :] = False
        if left_out:
            kept &= np.fromiter((str(name) not in left_out for name in names), bool, len(names))
        if sites is not None:
            kept &= sites.get_indexer(pd.Index([str(name) for name in names], dtype="str")) >= 0
        return kept

    return chosen
