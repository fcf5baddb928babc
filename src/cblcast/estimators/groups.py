"""Rows that share a model: by site, by lead, by hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cblcast.estimators.columns import take
from cblcast.frames.coded import codes_and_level
from cblcast.frames.schema import SITE, StudyError


@dataclass(frozen=True, eq=False)
class RowGroups:
    """The groups of some rows.

    Attributes
    ----------
    names : ndarray of str, shape (n_groups, n_by)
        What the rows of each group share, in the order in which it was asked for.
    keys : ndarray of str, shape (n_groups,)
        The same as one text, sorted, each name behind a bar: ``|b1|17.0``. What a fitted estimator keeps.
    of_row : ndarray of int64, shape (n_rows,)
        Group of each row.
    """

    names: np.ndarray
    keys: np.ndarray
    of_row: np.ndarray

    def __len__(self) -> int:
        return len(self.keys)

    def among(self, known: np.ndarray) -> np.ndarray:
        """Position of each group in the sorted keys `known`, -1 where it is not among them; int64, shape (n_groups,)."""
        if len(known) == 0:
            return np.full(len(self), -1)
        place = np.minimum(np.searchsorted(known, self.keys), len(known) - 1)
        return np.where(known[place] == self.keys, place, -1)


def group_rows(X: Any, by: Sequence[str], estimator: object) -> RowGroups:
    """Groups of rows by an index level or columns."""
    if isinstance(by, str):
        raise StudyError(f"{type(estimator).__name__}: by is a list of names, e.g. [site_id, hour], not {by!r}")
    names, group = np.empty((1, 0), dtype=np.str_), np.zeros(len(X), dtype=np.int64)
    for name in by:
        if name == SITE and isinstance(X, pd.DataFrame) and SITE in X.index.names:
            part, code = _sites_of_rows(X.index)
        else:
            code, values = pd.factorize(take(X, [name], estimator)[:, 0], use_na_sentinel=False)
            part = values.astype(np.str_)
        width = max(len(part), 1)
        both, group = _compact(group * width + code, max(len(names), 1) * width)
        names = np.column_stack([names[both // width], part[both % width]])
    keys = np.full(len(names), "", dtype=np.str_)
    for column in names.T:
        keys = np.strings.add(keys, np.strings.add("|", column))
    order = np.argsort(keys)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return RowGroups(names[order], keys[order], rank[group])


def _compact(group: np.ndarray, many: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers below `many` that occur, ascending, and the place of each row's among them."""
    if many > 4 * len(group):
        return np.unique(group, return_inverse=True)
    there = np.bincount(group, minlength=many) > 0
    return np.flatnonzero(there), (np.cumsum(there) - 1)[group]


def _sites_of_rows(index: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """Names of the sites that have rows, and the site of each row; an index that is no MultiIndex holds sites alone."""
    if not isinstance(index, pd.MultiIndex):
        code, values = pd.factorize(index)
        return np.asarray(values, dtype=object).astype(np.str_), code
    own, level = codes_and_level(index, SITE)
    used, code = _compact(own.astype(np.int64), len(level))
    return np.asarray(level.take(used), dtype=object).astype(np.str_), code
