"""Boosted trees on rows that lie on disk: LightGBM reads them in batches, and keeps one byte a value."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cblcast.errors import DataError
from cblcast.estimators.design import finite_target, row_weights
from cblcast.estimators.learners.boosting import Boosting
from cblcast.scaling.pooled_blocks import Arrays, Block, each_block, frame_of
from cblcast.scaling.pooled_rows import TrainingRows, chosen_columns

if TYPE_CHECKING:
    from lightgbm import Sequence

_SAMPLED_AT_ONCE = 20_000  # rows of LightGBM's sample for bins that are read at once


def fit_boosting(boosting: Boosting, rows: TrainingRows) -> Boosting:
    """Grow the trees; the model is the one that :meth:`Boosting.fit` grows on the same values, since the bins are the same.

    Notes
    -----
    LightGBM draws the rows that its bins are made of by number, in memory and here alike, and holds of each value only its
    bin: one byte where float64 takes eight.
    """
    target = finite_target(rows.y, boosting)
    if len(rows) == 0:
        raise DataError("Boosting has no training rows: check the events and their metered hours")
    there = rows.names
    boosting.feature_names_ = there if boosting.columns is None else list(boosting.columns)
    boosting.n_features_in_ = len(there)
    weight = row_weights(rows.weight, len(target), boosting)
    if boosting.linear:
        boosting.low_, boosting.high_ = _range(rows, boosting.feature_names_)

    return boosting.grow(_sequence_of(rows, boosting.feature_names_), target, weight)


def _sequence_of(rows: TrainingRows, names: list[str]) -> Sequence:
    import lightgbm

    class Rows(lightgbm.Sequence):
        """Some rows of the matrix when LightGBM asks for them."""

        batch_size = 8192

        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, which: int | slice | list[int]) -> np.ndarray:
            if isinstance(which, (int, np.integer)):
                return self._sampled(int(which))
            chosen = which if isinstance(which, slice) else np.asarray(which)
            return chosen_columns(rows.block(chosen), names)

        def _sampled(self, row: int) -> np.ndarray:
            """One row of the sample for the bins; those after it lie near and are asked next, one by one."""
            first = row // _SAMPLED_AT_ONCE * _SAMPLED_AT_ONCE
            if getattr(self, "_first", None) != first:
                self._first, self._block = first, self[first : min(first + _SAMPLED_AT_ONCE, len(rows))]
            found: np.ndarray = self._block[row - first]
            return found

    return Rows()


def _range(rows: TrainingRows, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest known value of each column."""
    low, high = np.full(len(names), np.nan), np.full(len(names), np.nan)
    for found in each_block(rows, partial(_extremes, tuple(names))):
        low, high = np.fmin(low, found["low"]), np.fmax(high, found["high"])
    return low, high


def _extremes(names: tuple[str, ...], block: Block) -> Arrays:
    values = chosen_columns(frame_of(block.rows), names)
    return {"low": np.fmin.reduce(values), "high": np.fmax.reduce(values)}
