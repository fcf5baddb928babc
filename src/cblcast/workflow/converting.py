"""Meter data in one layout written as a store in another: whatever a reader reads, in parts that fit into memory."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.errors import DataError, DataWarning, StudyError, nearest
from cblcast.frames.instants import MINUTE_US
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED
from cblcast.io.database import is_table
from cblcast.io.files import PARQUET_SUFFIXES
from cblcast.io.formats import read_with_report
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.io.read_report import Kind, Note
from cblcast.io.site_table import read_sites
from cblcast.io.store.footers import files_of
from cblcast.io.store.layouts import Kind as Layout
from cblcast.io.store.meter_store import MeterStore, open_store
from cblcast.io.store.partitions import Partition
from cblcast.io.store.shared_sites import overlap
from cblcast.io.store.tables import tables_of
from cblcast.io.store.writing import StoreWriter, check_target, written_store
from cblcast.io.tabular import read_panel
from cblcast.scaling.over import Watch
from cblcast.workflow.outputs import check_outputs

BYTES_AT_ONCE = 64 * 1024**2  # of readings: a panel of them takes several times as much
LAYOUTS: tuple[Layout, ...] = ("long", "days", "wide")
# Options of a reader that a store takes as well; with any other its files are read as meter files.
_OF_A_STORE = ("tz", "country", "columns", "sites", "step")


@dataclass
class Conversion:
    """What was converted.

    Attributes
    ----------
    layout : str
    sites, readings, rows, files : int
        Readings are what was metered; rows those of the new store.
    step_min : float
    notes : list of Note
        What was guessed, merged or left out.
    """

    layout: str
    sites: int = 0
    readings: int = 0
    rows: int = 0
    files: int = 0
    step_min: float = 0.0
    notes: list[Note] = field(default_factory=list)


def convert(
    sources: Sequence[str | Path],
    out: str | Path,
    layout: str,
    *,
    options: ReaderOptions = DEFAULT_OPTIONS,
    rows_per_group: int | None = None,
    bytes_at_once: int = BYTES_AT_ONCE,
    progress: Watch | None = None,
) -> Conversion:
    """Write meter data as a store.

    Parameters
    ----------
    sources : sequence of path
        Meter files of any format, or stores; each site's times once over all of them.
    out : path
        ``….parquet`` for one file, else a folder.
    layout : {"long", "days", "wide"}
    options : ReaderOptions
        How the sources are read.
    rows_per_group : int, optional
        Rows of a row group, at most, but at least a month of a site.
    bytes_at_once : int
        Readings in memory at once, of a source that is a store.
    progress : Watch, optional
        Told of each source that is read and each part that is written.

    Raises
    ------
    StudyError
        An unknown layout, an output that is an input or holds something, sites that are mixed over files and `out` one file.
    DataError
        As the readers; a site that lies in several sources with the same times. Nothing is written then.
    """
    chosen = next((one for one in LAYOUTS if one == layout), None)
    if chosen is None:
        raise StudyError(f"unknown layout {layout!r}: {nearest(str(layout), LAYOUTS)}")
    if rows_per_group is not None and rows_per_group < 1:
        raise StudyError(f"rows_per_group is a positive number of rows, not {rows_per_group}")
    named = {f"METER {number + 1}": Path(source) for number, source in enumerate(sources)}
    check_outputs({"--out": Path(out)}, {**named, **options.files}, folders=True)
    check_target(Path(out))
    made = Conversion(chosen)
    beside = Path(out).absolute().parent
    with tempfile.TemporaryDirectory(prefix=".cblcast-convert-", dir=beside if beside.is_dir() else None) as folder:
        store, read = _one_store([Path(source) for source in sources], options, Path(folder), made, progress)
        partitions = _partitions(store, bytes_at_once)
        columns = _beside(store, chosen, made)
        zone = _one_zone(store)
        with written_store(out, {"cblcast:tz": zone} if zone else {}) as writer:
            _check_one_file(writer, chosen, partitions)
            _expect(progress, read + len(partitions), "writing")
            for number, partition in enumerate(partitions, 1):
                _write(store.read_panel(partition, columns=columns), chosen, rows_per_group, writer, made)
                if progress is not None:
                    progress.advance(1, f"{number} of {len(partitions)} parts")
            if store.sites is not None and not writer.one_file:
                writer.write_sites(store.sites)
        made.files, made.rows = writer.files, writer.rows
        if zone is None and writer.one_file:
            text = f"{Path(out).name} does not hold the zones of its sites: give them (--sites) where it is read"
            made.notes.append(Note(Kind.MISSING, text))
    return made


def _expect(progress: Watch | None, total: int, what: str) -> None:
    if progress is not None:
        progress.expect(total, what)


def _one_store(
    sources: Sequence[Path], options: ReaderOptions, folder: Path, made: Conversion, progress: Watch | None
) -> tuple[MeterStore, int]:
    """The sources as one store, and how many were read for it: one that is a store stays as it stands, others become long rows."""
    if len(sources) == 1 and options.step is None:
        store = _as_store(sources[0], options)
        if store is not None:
            return store, 0
    known = []
    number = 0
    files = [
        file
        for source in sources
        for file in ([source / name for name in files_of(source)] if source.is_dir() else [source])
    ]
    _expect(progress, len(files), "reading")
    for file in files:
        for panel in _panels(file, options, made):
            with written_store(folder / f"{number:06d} {file.stem}.parquet") as writer:
                writer.write(tables_of(panel, "long"))
            known.append(panel.sites)
            number += 1
        if progress is not None:
            progress.advance(1, file.name)
    sites = pd.concat(known)
    return replace(open_store(folder), name="the sources", sites=sites[~sites.index.duplicated()]), len(files)


def _panels(file: Path, options: ReaderOptions, made: Conversion) -> Iterator[Panel]:
    store = _as_store(file, options)
    if store is None:
        reading = read_with_report(file, options)
        made.notes += reading.report.notes
        yield reading.panel
        return
    for partition in _partitions(store, BYTES_AT_ONCE):
        panel = store.read_panel(partition)
        yield panel if options.step is None else read_panel(panel.data, sites=panel.sites, step=options.step)


def _as_store(source: Path, options: ReaderOptions) -> MeterStore | None:
    """The source as a store, None where it is to be read as a meter file."""
    table = is_table(source)
    kept = (*_OF_A_STORE, "clock") if table else _OF_A_STORE
    otherwise = isinstance(options.sites, Mapping) or any(name not in kept for name in options.given)
    if not source.is_dir() and (otherwise or not (table or source.suffix.lower() in PARQUET_SUFFIXES)):
        return None
    clock = options.clock if table else None
    try:
        store = open_store(source, tz=options.tz, country=options.country, columns=options.columns, clock=clock)
    except DataError:
        if source.is_dir() or table:
            raise
        return None  # under foreign names, or broken: the reader of tables says so
    if options.step is not None and store.layout != "days":
        return None  # the reader joins what is at several steps
    return store if options.sites is None else replace(store, sites=read_sites(options.sites))


def _partitions(store: MeterStore, bytes_at_once: int) -> list[Partition]:
    """The parts of a store; a site that lies in several is an error here, since nothing may be lost."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", DataWarning)
        partitions = store.partitions(bytes_at_once)
    if any(partition.left_out for partition in partitions):
        raise DataError(str(told[0].message).replace("is left out: write", "nothing is converted: write"))
    for one in told:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return partitions


def _beside(store: MeterStore, layout: Layout, made: Conversion) -> list[str] | None:
    """The columns beside the load that every file has; None where there is none."""
    if store.layout != "long":
        return None
    layouts = [footer.layout for footer in store.footers] or [store.layout_of_files]
    own = [{one.ours(column) for column in one.beside} for one in layouts]
    common = set.intersection(*own) if layout == "long" else set()
    lost = sorted(set.union(*own) - common)
    if lost:
        why = "are not in all files" if layout == "long" else "go to long rows alone"
        made.notes.append(
            Note(
                Kind.DROPPED,
                f"{len(lost)} columns beside the load {why}, and are left out: {', '.join(lost[:5])}",
                len(lost),
            )
        )
    return sorted(common)


def _one_zone(store: MeterStore) -> str | None:
    """The zone of all sites, None where there are several."""
    if store.sites is None or "tz" not in store.sites.columns:
        return store.tz
    zones = {str(store.tz) if pd.isna(zone) else str(zone) for zone in store.sites["tz"]}
    return zones.pop() if len(zones) == 1 else None


def _check_one_file(writer: StoreWriter, layout: Layout, partitions: Sequence[Partition]) -> None:
    if not writer.one_file or len(partitions) == 1:
        return
    if layout == "wide":
        raise StudyError(
            f"the columns of so many sites do not fit into memory at once: name a folder for --out, not {writer.name}"
        )
    if overlap(partitions):
        raise StudyError(
            f"the sources mix their sites over files: name a folder for --out, not the one file {writer.name}"
        )


def _write(panel: Panel, layout: Layout, rows_per_group: int | None, writer: StoreWriter, made: Conversion) -> None:
    writer.write(tables_of(panel, layout, rows_per_group))
    made.sites += len(panel.site_ids)
    made.readings += int(np.isfinite(panel.column(OBSERVED)).sum())
    made.step_min = panel.step_us / MINUTE_US
