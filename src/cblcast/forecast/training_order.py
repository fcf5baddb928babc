"""The order in which rows are learned from: a matter of the data, so that neither files nor names decide anything."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import microseconds
from cblcast.frames.known import run_starts
from cblcast.frames.schema import ORIGIN, SITE, TIME


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
    X = X.iloc[ordered]
    level = X.index.names.index(SITE)
    names = X.index.get_level_values(SITE)
    code, ranked = pd.factorize(names)
    levels, codes = list(X.index.levels), list(X.index.codes)
    levels[level], codes[level] = pd.Index(ranked, dtype=X.index.levels[level].dtype, name=SITE), code
    index = pd.MultiIndex(levels=levels, codes=codes, names=X.index.names, verify_integrity=False)
    return X.set_axis(index), y[ordered]


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
    code, names = pd.factorize(index.get_level_values(SITE))
    origin, time = (microseconds(index.get_level_values(level)) for level in (ORIGIN, TIME))
    order = np.lexsort((time, origin, code))
    rows_of_site = np.split(order, run_starts(code[order])[1:])
    ranked = sorted(rows_of_site, key=lambda rows: (y[rows].tolist(), str(names[code[rows[0]]])))
    return np.concatenate(ranked) if ranked else order
