"""Which column of a meter table is what, and the table as one long set of arrays."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cblcast.frames.schema import OBSERVED, SITE, TIME, DataError, DataWarning
from cblcast.io.clock import Stamps, parse_times
from cblcast.io.files import SITE_NAMES, Table, numbers
from cblcast.io.site_table import SITE_NUMBERS, SITE_TEXT
from cblcast.io.units import unit_in_name

TIME_NAMES = (
    TIME,
    "timestamp",
    "datetime",
    "date_time",
    "utc_time",
    "time_utc",
    "timestamp_utc",
    "time_local",
    "timestamp_local",
    "interval_start",
    "interval_end",
)
_METERED = re.compile(
    r"^(observed|metered|power|load|demand|consumption|usage|energy|value|reading|kwh|kw|mwh|mw|wh|w)"
    r"([_\s(\[]+(kwh|mwh|wh|kw|mw|w)[\])]?)?$",
    re.IGNORECASE,
)
_WEATHER = re.compile(
    r"(^(temp|temperature|humidity|ghi|wind_|cloud|irradiance|pressure))|"
    r"(_(c|k|f|ms|m_s|mps|pct|w_m2|hpa|pa|deg|mm|kg_m3)$)",
    re.IGNORECASE,
)
_SITE_COLUMNS = SITE_TEXT + SITE_NUMBERS


@dataclass(frozen=True)
class Long:
    """A meter table as arrays, one row for each site and reading, in the order of the source.

    Attributes
    ----------
    site_ids : Index of str, sorted
    site : ndarray of int64, shape (n,)
        Position in `site_ids`.
    stamps : Stamps
    values : dict of str to ndarray of float64, shape (n,)
        ``observed_kw`` (still in the unit of the source) and what stands beside it.
    metered_name : str
        Name of the metered column in the source.
    source_row : ndarray of int64, shape (n,)
    found : DataFrame, index site_id
        Site columns carried by the table.
    """

    site_ids: pd.Index
    site: np.ndarray
    stamps: Stamps
    values: dict[str, np.ndarray]
    metered_name: str
    source_row: np.ndarray
    found: pd.DataFrame


def find_column(table: Table, names: Iterable[str]) -> str | None:
    """The column that bears the first of `names` that the table has, whatever its capitals."""
    folded = {str(column).strip().lower(): str(column) for column in table.frame.columns}
    return next((folded[name] for name in names if name in folded), None)


def time_column(table: Table) -> str:
    """The name of the time column; a table without one is a :class:`DataError`."""
    stamped = [
        str(column) for column in table.frame.columns if pd.api.types.is_datetime64_any_dtype(table.frame[column].dtype)
    ]
    name = find_column(table, TIME_NAMES) or (stamped[0] if len(stamped) == 1 else None)
    if name is None:
        raise DataError(
            f"{table.name} has no time column (its columns are {', '.join(map(repr, table.frame.columns[:12]))}): "
            "call it 'time', or map its name (columns={'When': 'time'})"
        )
    return name


def read_stamps(table: Table, time: str, time_format: str | None) -> Stamps:
    """The times of column `time`; a name that ends in utc or gmt is believed."""
    stamps = parse_times(table.frame[time], table, time_format)
    return replace(stamps, aware=True) if re.search(r"(^|_)(utc|gmt)$", time.strip(), re.IGNORECASE) else stamps


def to_long(table: Table, layout: str, original: dict[str, str], time_format: str | None) -> Long:
    """The table as :class:`Long`, whichever way it is laid out.

    Parameters
    ----------
    layout : {"auto", "long", "wide"}
        ``auto``: long where a site column or one metered column can be told by its name, else wide.
    original : dict
        Our name → foreign name, for columns that were renamed.
    """
    if layout not in ("auto", "long", "wide"):
        raise DataError(f"layout is 'auto', 'long' or 'wide', not {layout!r}")
    time, site = time_column(table), find_column(table, SITE_NAMES)
    stamps = read_stamps(table, time, time_format)
    others = [str(column) for column in table.frame.columns if column not in (time, site)]
    metered = [OBSERVED] if OBSERVED in others else [column for column in others if _METERED.match(column.strip())]
    if layout == "wide" or (layout == "auto" and site is None and not metered):
        if site is not None:
            raise DataError(f"{table.name} has a site column {site!r}, so it is not wide: drop layout='wide'")
        return _from_wide(table, stamps, others)
    if not metered:
        metered = [column for column in others if unit_in_name(column)]
    if len(metered) > 1:  # a register may stand beside the power
        metered = [column for column in metered if (unit := unit_in_name(column)) and not unit.energy] or metered
    if len(metered) != 1:
        which = f"could be any of {', '.join(map(repr, metered))}" if metered else "cannot be told by its name"
        raise DataError(
            f"the metered column of {table.name} {which}: map it (columns={{'{(metered or others or ['load'])[0]}': 'observed_kw'}})"
        )
    return _from_long(table, stamps, site, metered[0], others, original.get(metered[0], metered[0]))


def _from_long(
    table: Table, stamps: Stamps, site: str | None, metered: str, others: list[str], metered_name: str
) -> Long:
    frame = table.frame
    if site is None:
        codes, site_ids = np.zeros(len(frame), dtype=np.int64), pd.Index([table.stem], dtype="str", name=SITE)
    else:
        empty = frame[site].isna()
        if empty.any():
            raise DataError(
                f"{table.where(int(frame.index[empty.to_numpy().argmax()]))} has no site_id "
                f"({int(empty.sum())} such rows): fill it in, or drop the row"
            )
        codes, distinct = pd.factorize(frame[site], sort=False)
        named = pd.Index(distinct)
        named = pd.Index(named.astype("int64") if pd.api.types.is_float_dtype(named.dtype) else named).astype("str")
        site_ids = pd.Index(named.sort_values().unique(), dtype="str", name=SITE)
        codes = site_ids.get_indexer(named)[codes].astype(np.int64)
    beside = [column for column in others if column != metered and column not in _SITE_COLUMNS]
    values = {OBSERVED: numbers(frame[metered], table).to_numpy()}
    values |= {column: frame[column].to_numpy(dtype=np.float64, na_value=np.nan) for column in _numeric(table, beside)}
    return Long(
        site_ids,
        codes,
        stamps,
        values,
        metered_name,
        frame.index.to_numpy(dtype=np.int64),
        _site_columns(table, codes, site_ids),
    )


def _from_wide(table: Table, stamps: Stamps, others: list[str]) -> Long:
    weather = [column for column in others if _WEATHER.search(column)]
    metered = sorted(column for column in others if column not in weather)
    if not metered:
        raise DataError(
            f"{table.name} has no metered column beside {', '.join(map(repr, others[:8])) or 'the time'}: "
            "map one (columns={'Load': 'observed_kw'})"
        )
    site_ids = pd.Index(metered, dtype="str", name=SITE)
    n_rows, n_sites = len(table.frame), len(metered)
    load = np.column_stack([numbers(table.frame[column], table).to_numpy() for column in metered])
    values = {OBSERVED: load.T.reshape(-1)}
    values |= {column: np.tile(numbers(table.frame[column], table).to_numpy(), n_sites) for column in weather}
    return Long(
        site_ids,
        np.repeat(np.arange(n_sites), n_rows),
        Stamps(np.tile(stamps.us, n_sites), stamps.aware, stamps.zone),
        values,
        metered[0],
        np.tile(table.frame.index.to_numpy(dtype=np.int64), n_sites),
        pd.DataFrame(index=site_ids),
    )


def _numeric(table: Table, columns: list[str]) -> list[str]:
    """The columns that hold numbers; the others are left out, which is said."""
    text = [
        column
        for column in columns
        if not pd.api.types.is_numeric_dtype(table.frame[column].dtype) and not table.frame[column].isna().all()
    ]
    if text:
        warnings.warn(
            f"{table.name}: the text columns {', '.join(map(repr, text))} are left out", DataWarning, stacklevel=5
        )
    return [column for column in columns if column not in text]


def _site_columns(table: Table, codes: np.ndarray, site_ids: pd.Index) -> pd.DataFrame:
    """Columns such as ``tz`` that a long table repeats on each row, once for each site."""
    found = pd.DataFrame(index=site_ids)
    for column in (column for column in _SITE_COLUMNS if column in table.frame.columns):
        value = table.frame[column] if column in SITE_TEXT else numbers(table.frame[column], table)
        by_site = value.groupby(codes)
        many = np.flatnonzero(by_site.nunique().to_numpy() > 1)
        if len(many):
            raise DataError(
                f"{table.name} gives site {site_ids[many[0]]!r} more than one {column}: give each site one, or pass sites="
            )
        found[column] = by_site.first().reindex(range(len(site_ids))).to_numpy()
    return found
