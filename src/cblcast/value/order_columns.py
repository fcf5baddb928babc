"""The columns of an order stream as arrays: words as numbers, flags, numbers, ticks; what cannot be is named by its row."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError

_MOST_TICKS = 2**40  # beyond it a price or a volume is a slip, and sums of volumes would run over


def words_of(frame: pd.DataFrame, column: str, known: dict[str, int], default: str | None = None) -> np.ndarray:
    """Numbers of a column of words; a word that is none of `known` is refused by its row."""
    if column not in frame and default is not None:
        return np.full(len(frame), known[default], dtype=np.int64)
    codes, words = pd.factorize(frame[column])
    numbers = np.array([known.get(str(word).strip().lower(), -9) for word in words], dtype=np.int64)
    found = numbers[codes] if len(words) else np.zeros(0, dtype=np.int64)
    wrong = (found == -9) | (codes < 0)
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        raise DataError(f"row {k} of the order stream has {column} {frame[column][k]!r}: known are {', '.join(known)}")
    return found


def whole_of(column: pd.Series, name: str) -> np.ndarray:
    """A column of whole numbers, int64; one that is missing or broken is refused."""
    if column.isna().any() or not pd.api.types.is_integer_dtype(column.dtype):
        raise DataError(f"{name} of the order stream must be a whole number in every row: give each order one")
    return column.to_numpy(dtype=np.int64)


def flag_of(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column of true and false; an empty cell is false, a word such as 'False' is refused since it would count as true."""
    if column not in frame:
        return np.zeros(len(frame), dtype=bool)
    given = frame[column]
    known = (given.isna() | given.isin([True, False])).to_numpy()
    if not known.all():
        k = int(np.argmin(known))
        raise DataError(f"row {k} of the order stream has {column} {given[k]!r}: it must be True or False (or empty)")
    return given.isin([True]).to_numpy()


def numbers_of(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column of numbers, float64, NaN where empty; text is refused."""
    try:
        return frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise DataError(f"{column} of the order stream must hold numbers: {str(frame[column].iloc[0])!r} …") from None


def ticks_of(frame: pd.DataFrame, column: str, tick: float, needed: np.ndarray | None) -> np.ndarray:
    """A column in whole ticks, int64; what is off the grid or missing where `needed` is refused by its row."""
    if not 0 < tick < np.inf:
        raise DataError(f"the tick of {column} is {tick}: give the market's smallest step, above 0")
    if column not in frame:
        return np.zeros(len(frame), dtype=np.int64)
    value = numbers_of(frame, column) / tick
    there = np.ones(len(frame), dtype=bool) if needed is None else needed
    lacking = np.isinf(value) | (np.isnan(value) if needed is not None else False)
    with np.errstate(invalid="ignore"):
        whole = np.round(value)
        off = there & (lacking | (np.abs(value - whole) > 1e-6 * np.maximum(1.0, np.abs(whole))))
        off |= there & (np.abs(whole) > _MOST_TICKS)
    if off.any():
        k = int(np.flatnonzero(off)[0])
        raise DataError(
            f"row {k} of the order stream has {column} {frame[column][k]}, no multiple of the tick {tick:g}: give the tick, or mend the row"
        )
    return np.where(there & np.isfinite(whole), whole, 0.0).astype(np.int64)
