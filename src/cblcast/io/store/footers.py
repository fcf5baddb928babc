"""The files of a store and what their footers say: row groups with their sites, spans and sizes; no reading is touched."""

from __future__ import annotations

import logging
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from cblcast.errors import DataError, nearest, why_not
from cblcast.frames.instants import DAY_US
from cblcast.io.files import NOTED_ZONE
from cblcast.io.store.layouts import Layout, difference, layout_of, site_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ColumnChunkMetaData, FileMetaData

_LOG = logging.getLogger("cblcast.io")
PARQUET = (".parquet", ".pq")
PACKED = (".gz", ".zip", ".zst", ".bz2")
Name: TypeAlias = Any  # of a site: text or a whole number, as its column holds it
Span = tuple[int, int]


@dataclass(frozen=True)
class Group:
    """One row group.

    Attributes
    ----------
    file : str
        Path within the store.
    number : int
    rows, values : int
        Rows, and readings: in lists as many as they hold.
    sites : (first, last) or None
        Least and greatest name of a site, None where the footer does not say.
    span : (first, last) or None
        Least and greatest time [us UTC], or local day (days since 1970-01-01).
    """

    file: str
    number: int
    rows: int
    values: int
    sites: tuple[Name, Name] | None
    span: Span | None


@dataclass(frozen=True)
class Footer:
    """One file of a store.

    Attributes
    ----------
    file : str
        Path within the store.
    layout : Layout
    folders : mapping
        Column → its value, as folders name it (``site_id=A17``).
    groups : tuple of Group
    sites : tuple of str
        Columns that are sites, of a wide file.
    tz : str or None
        Zone of all its sites, where its writer noted it.
    """

    file: str
    layout: Layout
    folders: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    sites: tuple[str, ...] = ()
    tz: str | None = None


@dataclass(frozen=True)
class Fault:
    """A file of a store that cannot be used, and why, in one sentence."""

    file: str
    reason: str


def files_of(path: Path) -> list[str]:
    """The Parquet files of a store, relative to its folder (or the one file itself), sorted.

    Raises
    ------
    DataError
        Nothing there, no Parquet file in the folder, or files packed as a whole.
    """
    try:
        if path.is_file():
            _refuse_packed([path.name])
            return [path.name]
        if not path.is_dir():
            beside = sorted(one.name for one in path.parent.glob("*")) if path.parent.is_dir() else []
            hint = nearest(path.name, beside) if beside else "check the path"
            raise DataError(f"there is no store {path}: {hint}")
        names = sorted(_walked(path, path, frozenset()))
    except OSError as error:
        raise DataError(f"the store {path} cannot be looked at: {why_not(error)}") from None
    parquet = [name for name in names if name.lower().endswith(PARQUET)]
    others = [name for name in names if name not in parquet]
    _refuse_packed(others)
    if not parquet:
        raise DataError(f"the folder {path} holds no Parquet file: write some there (cblcast data convert)")
    if others:
        _LOG.info("%s: left out, since no Parquet: %s (%d such files)", path.name, others[0], len(others))
    return parquet


def _walked(folder: Path, root: Path, above: frozenset[Path]) -> Iterator[str]:
    """The files below a folder, relative to `root`, without those hidden (``.``, ``_``); links are followed, once each way down.

    A link to nothing is a file too: whoever reads it says so.
    """
    here = folder.resolve()
    if here in above:
        return
    for one in folder.iterdir():
        if one.name.startswith((".", "_")):
            continue
        if one.is_dir():
            yield from _walked(one, root, above | {here})
        elif one.is_file() or one.is_symlink():
            yield one.relative_to(root).as_posix()


def _refuse_packed(names: list[str]) -> None:
    for name in names:
        lower = name.lower()
        packed = next((end for end in PACKED if lower.endswith(tuple(one + end for one in PARQUET))), None)
        if packed:
            raise DataError(
                f"{name} is packed as a whole, so it cannot be read in parts: unpack it (Parquet packs its columns itself)"
            )


def read_footers(path: Path, columns: Mapping[str, str] | None = None) -> tuple[list[Footer], list[Fault]]:
    """What the footers of a store's files say, and which files cannot be used.

    A file whose columns read otherwise than those of most files is a fault, as is a broken one.
    """
    folder = path.parent if path.is_file() else path
    footers: list[Footer] = []
    faults: list[Fault] = []
    for name in files_of(path):
        try:
            footers.append(_footer(folder, name, columns))
        except DataError as error:
            faults.append(Fault(name, str(error)))
    kept, odd = _alike(footers)
    return kept, sorted([*faults, *odd], key=lambda fault: fault.file)


def _alike(footers: list[Footer]) -> tuple[list[Footer], list[Fault]]:
    """The footers that read as most do, and a fault for each other."""
    groups: dict[tuple[str, ...], list[Footer]] = {}
    for footer in footers:
        one = footer.layout
        groups.setdefault((one.kind, one.site, one.names, one.when, one.value, one.unit.name), []).append(footer)
    if len(groups) < 2:
        return footers, []
    usual = max(groups.values(), key=len)
    first = usual[0]
    odd = [
        Fault(
            footer.file,
            f"{footer.file} has another schema than {first.file}: {difference(first.layout, footer.layout)}; write it like "
            "the others, or take it out of the store",
        )
        for members in groups.values()
        if members is not usual
        for footer in members
    ]
    return usual, odd


def _footer(folder: Path, name: str, columns: Mapping[str, str] | None) -> Footer:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(folder / name)
        schema = metadata.schema.to_arrow_schema()
    except (OSError, ValueError, pa.ArrowException) as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(f"{name} cannot be read as Parquet ({said}): write the file again") from None
    folders = _folders(name)
    layout = layout_of(schema, name, folders, columns)
    told = (metadata.metadata or {}).get(NOTED_ZONE)
    return Footer(
        name,
        layout,
        folders,
        tuple(_groups(name, metadata, schema, layout, folders)),
        site_columns(schema, layout.when) if layout.kind == "wide" else (),
        told.decode() if told else None,
    )


def _folders(name: str) -> dict[str, str]:
    pairs = [part.split("=", 1) for part in name.split("/")[:-1] if "=" in part]
    return {key: urllib.parse.unquote(value) for key, value in pairs}


def _groups(
    name: str, metadata: FileMetaData, schema: pa.Schema, layout: Layout, folders: Mapping[str, str]
) -> Iterator[Group]:
    at = {metadata.schema.column(number).path.split(".")[0]: number for number in range(metadata.num_columns)}
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if not group.num_rows:
            continue
        if layout.kind == "wide":
            sites = None
            values = group.num_rows
        else:
            sites = _ends(layout.site, group, at, folders)
            values = group.column(at[layout.value]).num_values
        ends = _ends(layout.when, group, at, folders)
        span = None if ends is None else _span(ends, layout.kind)
        yield Group(name, number, group.num_rows, values, sites, span)


def _ends(column: str, group: Any, at: Mapping[str, int], folders: Mapping[str, str]) -> tuple[Any, Any] | None:
    if column not in at:
        return (folders[column], folders[column]) if column in folders else None
    chunk: ColumnChunkMetaData = group.column(at[column])
    told = chunk.statistics
    if told is None or not told.has_min_max or told.min is None:
        return None
    return told.min, told.max


def _span(ends: tuple[Any, Any], kind: str) -> Span | None:
    try:
        return _instant_or_day(ends[0], kind), _instant_or_day(ends[1], kind)
    except ValueError:  # text that is no date: whoever reads it is told
        return None


def _instant_or_day(end: Any, kind: str) -> int:
    if kind == "days":
        return int(np.datetime64(end, "D").astype(np.int64))
    return int(pd.Timestamp(end).to_datetime64().astype("M8[us]").astype(np.int64))


def days_of(span_us: Span) -> Span:
    """UTC days that a span of times touches, one more at each end for any zone."""
    return span_us[0] // DAY_US - 1, span_us[1] // DAY_US + 1
