"""Some sites of a Parquet file of the panel, read through the row groups that hold them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PANEL_INDEX, SITE, TIME, DataError, require_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile


def read_sites(path: Path, sites: pd.DataFrame) -> Panel:
    """The panel of some sites of a Parquet file, read through the row groups that hold them.

    Parameters
    ----------
    path : Path
        Parquet with ``site_id``, ``time`` (with a zone) and ``observed_kw``.
    sites : DataFrame, index site_id
        Those that are read; their order does not matter.

    Raises
    ------
    DataError
        A column that is missing, times without a zone, or none of the sites in the file.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    names = pd.Index(sites.index.astype(str))
    # As codes from the start, the names of the sites cost no more than their numbers.
    with ParquetFile(path, read_dictionary=[SITE]) as file:
        require_columns(pd.DataFrame(columns=file.schema_arrow.names), [*PANEL_INDEX, OBSERVED], f"{path.name}")
        if getattr(file.schema_arrow.field(TIME).type, "tz", None) is None:
            raise DataError(f"{path.name} has times without a zone: write them as UTC instants")
        table = file.read_row_groups(_groups(file, names.min(), names.max()), use_threads=False)
    column = pa.chunked_array(table[SITE].chunks, table[SITE].type).cast(pa.dictionary(pa.int32(), pa.string()))
    column = column.unify_dictionaries().combine_chunks() if column.num_chunks else pa.array([], column.type)
    known = pd.Index(column.dictionary.to_pandas(), dtype="str") if len(column) else pd.Index([], dtype="str")
    place = names.get_indexer(known)
    code = place[column.indices.to_numpy(zero_copy_only=False)] if len(column) else np.empty(0, dtype=np.int64)
    keep = code >= 0
    if not keep.any():
        raise DataError(f"{path.name} holds none of {len(names)} sites, e.g. {names[0]!r}: check the site ids")
    return Panel(_frame(table, names, code, None if keep.all() else keep), sites)


def site_names(path: Path) -> list[str]:
    """The sites of a Parquet file of the panel, sorted, without reading anything else of it."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    found: set[str] = set()
    with ParquetFile(path, read_dictionary=[SITE]) as file:
        require_columns(pd.DataFrame(columns=file.schema_arrow.names), [SITE], f"{path.name}")
        for number in range(file.num_row_groups):
            for chunk in file.read_row_group(number, columns=[SITE], use_threads=False)[SITE].chunks:
                values = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk.unique()
                found.update(map(str, values.to_pylist()))
    return sorted(found)


def panel_rows(path: Path) -> int:
    """Rows of a Parquet file that is a panel as it stands and is sorted by site; 0 of any other file."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    if path.suffix != ".parquet" or not path.is_file():
        return 0
    try:
        with ParquetFile(path) as file:
            schema, metadata = file.schema_arrow, file.metadata
    except (OSError, pa.ArrowInvalid):
        return 0  # the reader says what is wrong with it
    if not {SITE, TIME, OBSERVED} <= set(schema.names) or getattr(schema.field(TIME).type, "tz", None) is None:
        return 0
    at = schema.names.index(SITE)
    told = [metadata.row_group(number).column(at).statistics for number in range(metadata.num_row_groups)]
    ends = [(str(each.min), str(each.max)) for each in told if each is not None and each.has_min_max]
    in_order = all(one[1] <= other[0] for one, other in itertools.pairwise(ends))
    return int(metadata.num_rows) if len(ends) == len(told) and in_order else 0


def _groups(file: ParquetFile, low: str, high: str) -> list[int]:
    """Row groups that may hold a name within [low, high]; one without statistics may hold any."""
    at = file.schema_arrow.names.index(SITE)
    kept = []
    for number in range(file.num_row_groups):
        told = file.metadata.row_group(number).column(at).statistics
        if told is None or not told.has_min_max or (str(told.min) <= high and str(told.max) >= low):
            kept.append(number)
    return kept


def _frame(table: pa.Table, names: pd.Index, code: np.ndarray, keep: np.ndarray | None) -> pd.DataFrame:
    """The table as a frame of the panel; `code` is each row's place among `names`, `keep` the rows that are taken."""
    import pyarrow as pa

    us = table[TIME].cast(pa.timestamp("us", "UTC")).to_numpy().view(np.int64)
    columns = {name: table[name].to_pandas().to_numpy() for name in table.column_names if name not in PANEL_INDEX}
    if keep is not None:
        us, code = us[keep], code[keep]
        columns = {name: values[keep] for name, values in columns.items()}
    order = np.argsort(names.to_numpy())
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    place, distinct = _places(us, len(np.unique(code)))
    times = pd.DatetimeIndex(np.asarray(distinct, dtype=np.int64).view("M8[us]")).tz_localize("UTC")
    index = pd.MultiIndex(
        levels=[pd.Index(names[order], dtype="str"), times],
        codes=[rank[code], place],
        names=PANEL_INDEX,
        verify_integrity=False,
    )
    return pd.DataFrame(columns, index=index)


def _places(us: np.ndarray, n_sites: int) -> tuple[np.ndarray, np.ndarray]:
    """Position of each time among the sorted times, and these; sites in a file often share all their times."""
    n = len(us) // n_sites
    own = us[:n]
    if n * n_sites == len(us) and (np.diff(own) > 0).all() and (us.reshape(n_sites, n) == own).all():
        return np.tile(np.arange(n, dtype=np.int32), n_sites), own
    place, distinct = pd.factorize(us, sort=True)
    return place, np.asarray(distinct, dtype=np.int64)
