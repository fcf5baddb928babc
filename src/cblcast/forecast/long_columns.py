"""What the columns of a served frame may hold, each read into one kind: flags, numbers, sites, times.

A frame comes over REST, from a CSV file, Spark, pyarrow or a notebook; its columns are whole numbers, nullable, backed by
pyarrow, categories or objects. They are read by the steps that files take (:mod:`cblcast.io`).
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.instants import stamp, stamps
from cblcast.frames.schema import SITE, TIME, DataError
from cblcast.io.clock import NOT_A_TIME, check_zone, localise, parse_times
from cblcast.io.files import Table, numbers

ESTIMATE = "estimate"
NAME = "the frame"
# A grid so much larger than what was given hangs on a date that is a slip of the pen.
MOST_TIMES_GIVEN, FEW_CELLS = 50, 1_000_000
_FLAGS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}


def as_frame(given: Any) -> pd.DataFrame:
    """What a caller handed over as a frame: a frame, columns by name, or records.

    Raises
    ------
    DataError
        Anything else, columns of several lengths, no rows, or two columns of one name.
    """
    if isinstance(given, list) and all(isinstance(row, dict) for row in given):
        given = [{key: _scalar(value) for key, value in row.items()} for row in given]
    elif not isinstance(given, pd.DataFrame | dict):
        raise DataError(
            f"a model is asked with a frame of site_id, time, observed_kw and estimate, not with a {type(given).__name__}"
        )
    try:
        frame = pd.DataFrame(given)
    except ValueError as error:
        raise DataError(f"the columns make no frame ({error}): give each a list of values, one for each row") from None
    if frame.columns.has_duplicates:
        raise DataError(f"the frame has two columns {frame.columns[frame.columns.duplicated()][0]!r}: keep one")
    if frame.empty:
        raise DataError(
            "the frame has no rows: give the intervals that are to be estimated, and the history before them"
        )
    return frame


def plain(column: pd.Series) -> pd.Series:
    """The column without the dress that pyarrow or a category gives it, its rows counted from 0.

    Raises
    ------
    DataError
        A cell that holds several values.
    """
    column = column.reset_index(drop=True)
    if isinstance(column.dtype, pd.ArrowDtype):
        import pyarrow as pa

        column = pd.Series(pa.array(column).to_pandas(), name=column.name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object).infer_objects()
    if column.dtype == object:
        several = np.array([isinstance(value, list | tuple | dict | set | np.ndarray) for value in column])
        if several.any():
            raise _wrong(column, several, "one value a cell")
    return column


def flags_of(column: pd.Series, may_be_none: bool = False) -> np.ndarray:
    """The column `estimate` as bool, from true and false, 0 and 1, or these as text; nothing marked is an error unless it may be."""
    column = plain(column)
    if pd.api.types.is_numeric_dtype(column.dtype):  # bool, too, and nullable ones
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        known = column.map(lambda value: str(value).strip().lower(), na_action="ignore").map(_FLAGS)
        values = known.to_numpy(dtype=np.float64)
    bad = ~np.isin(values, (0.0, 1.0))
    if bad.any():
        raise _wrong(column, bad, "True on the intervals to be estimated and False on all others")
    if not (values.any() or may_be_none):
        raise DataError(f"no row has {ESTIMATE}=True: mark the intervals whose baseline is wanted")
    return values.astype(bool)


def power_of(column: pd.Series, ignore: np.ndarray | None = None) -> np.ndarray:
    """A column of numbers as float64, shape (n,), NaN where nothing was measured.

    Parameters
    ----------
    ignore : ndarray of bool, shape (n,), optional
        Rows that are NaN whatever they hold.
    """
    column = plain(column)
    if pd.api.types.is_bool_dtype(column.dtype) or not (
        pd.api.types.is_numeric_dtype(column.dtype)
        or pd.api.types.is_string_dtype(column.dtype)
        or column.dtype == object
    ):
        numbers(column, Table(column.to_frame(), NAME))  # says what it holds instead
    if pd.api.types.is_numeric_dtype(column.dtype):
        text, values = None, numbers_of(column)
    else:
        text = column.map(lambda value: str(value).strip(), na_action="ignore")
        empty = text.isna() | text.str.lower().isin(("", "nan", "none", "null"))
        values = pd.to_numeric(text.mask(empty), errors="coerce").to_numpy(dtype=np.float64)
    bad = np.isinf(values) if text is None else np.isinf(values) | (np.isnan(values) & ~empty.to_numpy(dtype=bool))
    if ignore is not None:
        bad, values = bad & ~ignore, np.where(ignore, np.nan, values)
    if bad.any():
        raise _wrong(column, bad, "finite numbers, 1234.5, and nothing where nothing was measured")
    return values


def numbers_of(column: pd.Series) -> np.ndarray:
    """A numeric column as float64, shape (n,), NaN where it is empty."""
    if pd.api.types.is_complex_dtype(column.dtype):
        raise DataError(f"{column.name!r} of {NAME} holds complex numbers: give the active power")
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def sites_of(column: pd.Series, trained: Iterable[str]) -> np.ndarray:
    """Names of the sites as text, shape (n,).

    A number stands for the site that reads as that number: 7 and 7.0 for ``"7"``, and for a trained site ``"007"`` if that
    is the only one of this value, since a CSV file gives its zeros away.
    """
    column = plain(column)
    codes, distinct = pd.factorize(column)
    empty = codes < 0
    empty |= np.isin(codes, [k for k, value in enumerate(distinct) if isinstance(value, str) and not value.strip()])
    if empty.any():
        raise DataError(f"row {np.flatnonzero(empty)[0]} of the frame has no {SITE}: fill it in, or drop the row")
    known = {str(name) for name in trained}
    by_number: dict[float, list[str]] = {}
    for name in known:
        by_number.setdefault(_number(name), []).append(name)
    names = np.array([_site(value, known, by_number) for value in distinct], dtype=object)
    return names[codes]


def instants_of(column: pd.Series, site: np.ndarray, zones: pd.Series) -> pd.DatetimeIndex:
    """Times as UTC microseconds.

    Parameters
    ----------
    column : Series
        With a zone, or text with an offset; without one they are of the wall clock of `zones`, and in autumn's double
        hour the first of a site is summer time.
    site : ndarray of str, shape (n,)
    zones : Series site_id -> IANA zone
        What the frame itself says; sites that are not there have none.
    """
    column = plain(column)
    if pd.api.types.is_numeric_dtype(column.dtype):
        raise DataError(f"the column {TIME!r} holds numbers: write times as 2019-06-01T17:00:00Z")
    if column.isna().any():
        row = int(np.flatnonzero(column.isna())[0])
        raise DataError(f"row {row} of {NAME} has no {TIME}: fill in the start of its interval, or drop the row")
    try:
        read = parse_times(column, Table(column.to_frame(), NAME))
    except DataError as error:
        if "time_format" not in str(error):  # an option that a served model does not have
            raise
        raise DataError(
            f"the column {TIME!r}, e.g. {str(column.iloc[0])!r}, does not hold times that all are written in one plain way: "
            "write ISO 8601, like 2019-06-01T17:00:00Z"
        ) from None
    if read.aware:
        return stamps(read.us)
    codes, names = pd.factorize(site)
    zone = zones.reindex(names).to_numpy(dtype=object)
    homeless = pd.isna(zone)
    if homeless.any():
        raise DataError(
            f"times without a zone, e.g. {column.iloc[0]!s} of site {str(names[homeless][0])!r}: write the offset "
            "(2019-06-01T17:00:00+02:00), or add a column tz with the IANA zone of the clock, such as Europe/Rome"
        )
    us = read.us.copy()
    for name in set(zone):
        rows = np.flatnonzero((zone == name)[codes])
        us[rows] = localise(read.us[rows], codes[rows], check_zone(name))
        skipped = rows[us[rows] == NOT_A_TIME]
        if len(skipped):
            raise DataError(
                f"row {skipped[0]} of the frame: the clock of {name} never showed {column.iloc[skipped[0]]!s}, it was put "
                "forward then: write the times with their offset"
            )
    return stamps(us)


def check_span(codes: np.ndarray, us: np.ndarray) -> None:
    """Refuse a stray date before a grid up to it is laid out."""
    order = np.lexsort((us, codes))
    code, time = codes[order], us[order]
    gaps = np.diff(time)[code[1:] == code[:-1]]
    gaps = gaps[gaps > 0]
    if len(gaps) and gaps.sum() / np.median(gaps) > MOST_TIMES_GIVEN * len(us) + FEW_CELLS:
        within = np.where(code[1:] == code[:-1], np.diff(time), 0)
        at = int(within.argmax())
        raise DataError(
            f"between row {order[at]} ({stamp(time[at])}) and row {order[at + 1]} ({stamp(time[at + 1])}) of the frame lie "
            f"{within[at] / 86_400e6:.0f} days without a row: mend the date, or drop the row"
        )


def _wrong(column: pd.Series, bad: np.ndarray, right: str) -> DataError:
    """What stands in the first bad row, and what should."""
    row = int(np.flatnonzero(bad)[0])
    found = _scalar(column.iloc[row])
    more = f" ({int(bad.sum())} such rows)" if bad.sum() > 1 else ""
    return DataError(f"the column {column.name!r} holds {str(found)[:60]!r} in row {row}{more}: write {right}")


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _number(text: str) -> float:
    return float(text) if text.strip().isdigit() else np.nan


def _site(value: object, known: set[str], by_number: dict[float, list[str]]) -> str:
    if isinstance(value, bool | np.bool_ | bytes) or not isinstance(value, str | Real):
        raise DataError(f"the frame has the {SITE} {value!r}: write names of sites as text or whole numbers")
    if isinstance(value, str):
        return value
    number = float(value)
    whole = value if isinstance(value, Integral) else number
    name = str(int(whole)) if number.is_integer() else str(number)
    alike = by_number.get(number, [])
    return alike[0] if name not in known and len(alike) == 1 else name
