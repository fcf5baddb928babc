"""The order in which rows are learned from: a matter of the data, so that neither files nor names decide anything."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from cblcast.frames.coded import codes_and_level, instants_of_rows
from cblcast.frames.known import run_starts
from cblcast.frames.schema import ORIGIN, SITE, TIME

_FIRST_VALUES = 16


def in_training_order(X: pd.DataFrame, y: np.ndarray, rows: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Some rows of a feature matrix and their target, in the one order in which they are learned from.

    Parameters
    ----------
    X : DataFrame, index (site_id, origin, time)
        An index of other names is left as it stands.
    y : ndarray, shape (n,)
    rows : ndarray of int64
        Positions of the rows to learn from, whose `y` is finite.

    Returns
    -------
    X, y
        The level ``site_id`` of the index names the sites in their order, too, for estimators that go by its codes.
    """
    y = np.asarray(y, dtype=np.float64)
    if not {SITE, ORIGIN, TIME} <= set(X.index.names):
        return X.iloc[rows], y[rows]
    ordered = rows[training_order(X.index[rows], y[rows])]
    return X.iloc[ordered].set_axis(index_in_order(X.index, ordered)), y[ordered]


def index_in_order(index: pd.MultiIndex, ordered: np.ndarray) -> pd.MultiIndex:
    """The index of rows in their order, whose level ``site_id`` names the sites as they follow each other."""
    level = index.names.index(SITE)
    levels, codes = list(index.levels), [np.asarray(each)[ordered] for each in index.codes]
    codes[level], ranked = pd.factorize(codes[level])
    levels[level] = levels[level].take(ranked)
    return pd.MultiIndex(levels=levels, codes=codes, names=index.names, verify_integrity=False)


def training_order(index: pd.MultiIndex, y: np.ndarray) -> np.ndarray:
    """Positions of training rows in the one order that they are learned in.

    Boosting, forests and nets draw rows by their position, so another order of the same rows is another model. Within a
    site rows follow origin and time; the sites follow each other by what they metered, compared value by value, and not by
    their names: who renames sites, or gives them in another order, gets the same model. Only sites that metered the very
    same follow their names.

    Parameters
    ----------
    index : MultiIndex (site_id, origin, time)
    y : ndarray of float64, shape (n,)
        Metered load, finite [kW].

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    code, names = codes_and_level(index, SITE)
    origin, time = (instants_of_rows(index, level) for level in (ORIGIN, TIME))
    order = np.arange(len(y)) if _is_sorted(code, origin, time) else np.lexsort((time, origin, code))
    rows_of_site = np.split(order, run_starts(code[order])[1:])
    begins = [tuple(y[rows[:_FIRST_VALUES]].tolist()) for rows in rows_of_site]
    shared = Counter(begins)

    def rank(number: int) -> tuple[tuple[float, ...], list[float], str]:
        """The first values decide nearly always: all of them are compared where these are shared."""
        rows, begin = rows_of_site[number], begins[number]
        return begin, y[rows].tolist() if shared[begin] > 1 else [], str(names[code[rows[0]]])

    ranked = sorted(range(len(rows_of_site)), key=rank)
    return np.concatenate([rows_of_site[number] for number in ranked]) if len(order) else order


def _is_sorted(*keys: np.ndarray) -> bool:
    """Whether rows stand in the order of `keys`, the first above all."""
    onward, alike = np.zeros(max(len(keys[0]) - 1, 0), dtype=bool), True
    for key in keys:
        onward |= alike & (key[1:] > key[:-1])
        alike = alike & (key[1:] == key[:-1])
    return bool((onward | alike).all())
