"""From raw rows to what a net can learn from: gaps filled, scales, and a split in three. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cblcast.frames.known import known_moments
from cblcast.frames.schema import DataError, StudyError, nearest

Array = NDArray[np.float64]

# Fewer rows than this cannot be split 60/20/20.
FEWEST_ROWS = 5


@dataclass(frozen=True)
class Rows:
    """The training rows of one net.

    Attributes
    ----------
    x : ndarray (n, features)
        Raw inputs; NaN = missing.
    y : ndarray (n,)
        Targets, finite.
    groups : ndarray (n,) of int or None
        Rows with the same number go to the same part of the split; None = every row alone.
    name : str
        For messages, e.g. the site.
    seed : int
        Of the starting weights and the split.
    """

    x: Array
    y: Array
    groups: NDArray[np.int64] | None = None
    name: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Scales:
    """The line ``(value - offset) * gain`` of each feature and the target, and the medians that fill gaps.

    A gain of 0 switches a feature off; a target gain of 0 marks a net that always answers ``y_offset``.
    """

    x_fill: Array
    x_offset: Array
    x_gain: Array
    y_offset: float
    y_gain: float


def _minmax(values: Array) -> tuple[Array, Array]:
    low, high = values.min(axis=0), values.max(axis=0)
    return (low + high) / 2.0, (high - low) / 2.0


def _standard(values: Array) -> tuple[Array, Array]:
    return values.mean(axis=0), values.std(axis=0)


SCALINGS = {"minmax": _minmax, "standard": _standard}


def check_scaling(scaling: str) -> None:
    """Raise :class:`StudyError` for a scaling that is not in the table."""
    if scaling not in SCALINGS:
        raise StudyError(f"scaling {scaling!r} is not known: {nearest(scaling, SCALINGS)}")


def check_split(split: tuple[float, float, float]) -> None:
    """Raise :class:`StudyError` unless `split` is three shares that add up to one, the first of them above 0."""
    if len(tuple(split)) != 3 or min(split) < 0 or split[0] <= 0 or abs(sum(split) - 1.0) > 1e-9:
        raise StudyError(
            f"split={split!r}: give three shares (train, validation, test) that add up to 1, e.g. (0.6, 0.2, 0.2)"
        )


def canonical(rows: Rows) -> Rows:
    """The same rows in an order that does not depend on the order they came in, so that a fit does not either."""
    keys = (
        (rows.x[:, ::-1].T, rows.y[None, :])
        if rows.groups is None
        else (rows.groups[None, :], rows.x[:, ::-1].T, rows.y[None, :])
    )
    order = np.lexsort(np.concatenate(keys))
    groups = None if rows.groups is None else rows.groups[order]
    return Rows(rows.x[order], rows.y[order], groups, rows.name, rows.seed)


def learn_scales(rows: Rows, scaling: str) -> tuple[Scales, dict[str, int]]:
    """Medians and scales of one net's rows.

    Parameters
    ----------
    rows : Rows
    scaling : {"minmax", "standard"}
        ``minmax`` maps to [-1, 1] (MATLAB's mapminmax), ``standard`` to mean 0 and deviation 1.

    Returns
    -------
    Scales
    dict
        How often each fallback was taken: ``imputed_values`` (missing inputs replaced by the feature's median),
        ``feature_without_values`` and ``constant_feature`` (switched off), ``constant_target`` (always answered).

    Raises
    ------
    DataError
        For infinite inputs or targets that are not finite.
    """
    where = f" of {rows.name}" if rows.name else ""
    if not np.isfinite(rows.y).all():
        raise DataError(
            f"the target{where} has {int((~np.isfinite(rows.y)).sum())} values that are NaN or infinite: "
            "drop those rows before fit"
        )
    if np.isinf(rows.x).any():
        column = int(np.argmax(np.isinf(rows.x).any(axis=0)))
        raise DataError(f"feature number {column}{where} has infinite values: replace them by NaN or mend the feature")
    missing = np.isnan(rows.x)
    fill = np.zeros(rows.x.shape[1])
    x = rows.x
    empty = missing.all(axis=0)
    if missing.any():
        fill[~empty] = np.nanmedian(rows.x[:, ~empty], axis=0)
        x = np.where(missing, fill, rows.x)
    offset, spread = SCALINGS[scaling](x)
    y_offset, y_spread = SCALINGS[scaling](rows.y)
    # A spread at rounding level would blow noise up to full scale.
    flat = spread <= 1e-12 * np.maximum(np.abs(offset), 1.0)
    gain = np.where(flat, 0.0, 1.0 / np.where(flat, 1.0, spread))
    constant = bool(y_spread <= 1e-12 * max(abs(float(y_offset)), 1e-12))
    counts = {
        "imputed_values": int(missing.sum() - missing[:, empty].sum()),
        "feature_without_values": int(empty.sum()),
        "constant_feature": int((flat & ~empty).sum()),
        "constant_target": int(constant),
    }
    y_gain = 0.0 if constant else 1.0 / float(y_spread)
    return Scales(fill, offset, gain, float(y_offset), y_gain), counts


def scaled_inputs(x: Array, fill: Array, offset: Array, gain: Array) -> Array:
    """Filled and scaled inputs, the samples (n, features) in rows as given."""
    return (np.where(np.isnan(x), fill, x) - offset) * gain


def usual_range(x: Array) -> tuple[Array, Array]:
    """Centre and spread of each feature over what is known, for :func:`clipped_inputs`; the spread is above 0."""
    centre, spread = known_moments(x)
    return centre, spread + 1e-9


def clipped_inputs(x: Array, centre: Array, spread: Array, limit: float) -> NDArray[np.float32]:
    """Inputs in spreads from the centre, at most `limit` of them; float32, the samples (n, features) in rows as given.

    What is missing is taken as usual, and what is far out may not drag the net with it.
    """
    return np.nan_to_num(np.clip((x - centre) / spread, -limit, limit)).astype(np.float32)


def split_rows(
    n: int, groups: NDArray[np.int64] | None, split: tuple[float, float, float], seed: int
) -> tuple[list[NDArray[np.int64]], bool]:
    """Row numbers for training, validation and test, drawn at random, whole groups at a time.

    Returns
    -------
    list of three ndarray of int
    bool
        True if there were too few groups to fill each part, so that single rows were drawn instead.
    """
    rng = np.random.default_rng([seed, 60, 20, 20])
    if groups is not None:
        _, codes = np.unique(groups, return_inverse=True)
        sizes = np.bincount(codes)
        order = rng.permutation(len(sizes))
        # A group belongs where its middle row falls.
        middle = np.empty(len(sizes))
        middle[order] = (np.cumsum(sizes[order]) - sizes[order] / 2.0) / n
        parts = _cut(middle[codes], split)
        if all(len(part) > 0 for part, share in zip(parts, split, strict=True) if share > 0):
            return parts, False
    place = np.empty(n)
    place[rng.permutation(n)] = (np.arange(n) + 0.5) / n
    return _cut(place, split), groups is not None


def _cut(place: Array, split: tuple[float, float, float]) -> list[NDArray[np.int64]]:
    first, second = split[0], split[0] + split[1]
    # Shares of 0 must stay empty although 0.8 + 0.2 may round below 1.
    second = 1.0 if split[2] == 0 else second
    return [
        np.flatnonzero(place < first),
        np.flatnonzero((place >= first) & (place < second)),
        np.flatnonzero(place >= max(first, second)),
    ]
