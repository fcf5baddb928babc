"""Names of the columns of a frame, and values by them: looked up once a frame of columns, since a nowcast asks for them lead by lead."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import pandas as pd

SMALL = 200_000  # values that are quicker taken all together than column by column


class _Same:
    """An index, which never changes, as itself: one that is merely equal is another, a view of it is the same."""

    __slots__ = ("index",)

    def __init__(self, index: pd.Index) -> None:
        self.index = index

    def __hash__(self) -> int:
        return len(self.index)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.index.is_(other.index)


@lru_cache(maxsize=8)
def _placed(columns: _Same) -> tuple[list[str], dict[str, int]]:
    names = [str(name) for name in columns.index.tolist()]
    return names, {name: number for number, name in enumerate(names)}


@lru_cache(maxsize=8)
def _with(columns: _Same, name: str) -> pd.Index:
    return columns.index.append(pd.Index([name], dtype=columns.index.dtype))


def placed_names(columns: pd.Index) -> tuple[list[str], dict[str, int]]:
    """Names of the columns, and where each stands; neither is to be changed."""
    return _placed(_Same(columns))


def values_of(X: pd.DataFrame, names: Sequence[str], rows: np.ndarray | None = None) -> np.ndarray:
    """The columns `names`, all of which are there, of all rows or those at positions `rows`; float64, shape (n_rows, len(names))."""
    there, place = placed_names(X.columns)
    if rows is not None:
        return np.asarray(X.to_numpy(dtype=np.float64)[rows[:, None], [place[name] for name in names]])
    if len(names) == len(there) and list(names) == there:
        return X.to_numpy(dtype=np.float64)
    if len(names) == 1:
        return X.iloc[:, place[names[0]]].to_numpy(dtype=np.float64)[:, None]
    places = [place[name] for name in names]
    if X.size <= SMALL:
        return np.asarray(X.to_numpy(dtype=np.float64)[:, places])
    return X.iloc[:, places].to_numpy(dtype=np.float64)


class AnswersSomeRows(Protocol):
    """An estimator that can be asked for some rows of a frame, of which it copies no more than the columns that it reads."""

    def predict_rows(self, X: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
        """As ``predict`` of the rows at positions `rows` of a frame in one block, float64, shape (len(rows),)."""


def with_column(X: pd.DataFrame, name: str, values: np.ndarray) -> pd.DataFrame:
    """`X` with a further column of numbers, or another in its place."""
    if X.size > SMALL or name in X.columns:
        return X.assign(**{name: values})
    block = np.empty((X.shape[1] + 1, len(X)))
    block[:-1], block[-1] = X.to_numpy(dtype=np.float64).T, values
    return pd.DataFrame(block.T, index=X.index, columns=_with(_Same(X.columns), name), copy=False)


def without(X: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """`X` without the columns `names`, as far as they are there; where they stand last nothing is copied."""
    place = placed_names(X.columns)[1]
    gone = [place[name] for name in names if name in place]
    keep = X.shape[1] - len(gone)
    if not gone or min(gone) >= keep:
        return X.iloc[:, :keep]
    return X.drop(columns=[name for name in names if name in place])
