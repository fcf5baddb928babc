"""Columns of features as one block: those that differ from row to row, and those that all rows of an event share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from cblcast.frames.one_look import space_for


def feature_frame(cases: pd.DataFrame, event_of_row: np.ndarray, *columns: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """A frame of features in one block, which is neither copied nor checked column by column.

    Parameters
    ----------
    cases : DataFrame
        Whose index the features have.
    event_of_row : ndarray of int64, shape (n_rows,)
    columns : mappings name -> ndarray, shape (n_rows,) or (n_events,)
        In this order; those of a mapping have one shape. Where there are as many rows as events, these are the same.
    """
    names = [name for part in columns for name in part]
    block = space_for(cases, len(names), len(event_of_row))
    begin = 0
    for part in columns:
        own = block[begin : begin + len(part)]
        begin += len(part)
        for row, values in zip(own, part.values(), strict=True):
            if len(values) == len(row):
                row[:] = values
            else:
                np.take(values, event_of_row, out=row, mode="clip")  # no copy in between; every event has its value
    return pd.DataFrame(block.T, index=cases.index, columns=column_index(names), copy=False)


def column_index(names: Iterable[str]) -> pd.Index:
    """An index of columns; the same names give the same one (:meth:`pandas.Index.is_`), which is then not made anew."""
    return _index_of(tuple(names)).view()


@lru_cache(maxsize=256)
def _index_of(names: tuple[str, ...]) -> pd.Index:
    return pd.Index(names)
