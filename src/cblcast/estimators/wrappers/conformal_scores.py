"""What conformal intervals are made of: folds of whole days, and a scale for the scores."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.known import known_mean
from cblcast.frames.schema import ORIGIN, SITE

_REFERENCE_LEVEL = re.compile(r"^(.+)_event_kw_01$")
_NEAR_ZERO = 1e-3  # share of the level below which spread, likeness and error count as nothing


def day_blocks(day: np.ndarray, folds: int) -> list[np.ndarray]:
    """`folds` masks over the rows, each one block of consecutive days, together all rows exactly once."""
    known = np.unique(day)
    block = np.searchsorted(known, day) * folds // max(len(known), 1)
    return [block == number for number in range(folds) if (block == number).any()]


def last_days(day: np.ndarray, share: float) -> np.ndarray:
    """Mask of the rows in the last `share` of the days: the calibration part of a time-ordered split."""
    known = np.unique(day)
    return np.searchsorted(known, day) >= len(known) - max(1, round(share * len(known)))


def day_and_site(X: pd.DataFrame | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Day of each row's origin (since 1970, UTC) and its site; rows without such an index are days of their own."""
    index = X.index if isinstance(X, pd.DataFrame) else None
    if not isinstance(index, pd.MultiIndex) or not {SITE, ORIGIN} <= set(index.names):
        return np.arange(len(X)), np.full(len(X), "", dtype=np.str_)
    origin = microseconds(index.get_level_values(ORIGIN))
    return origin // DAY_US, np.asarray(index.get_level_values(SITE), dtype=np.str_)


@dataclass(frozen=True)
class ErrorScale:
    """How large the error of each row is expected to be [kW]: level of the load × a power of what the features show.

    log(|error| / level) is regressed on the logarithms of spread and of unlikeness of the reference days and of the
    estimate, each over the level. A site whose days differ more than before gets wider intervals at once, without new
    calibration, and sites of different size share one.

    Attributes
    ----------
    prefix : str
        Prefix of the reference-day columns; empty where there are none.
    coefficient, typical : ndarray, shape (k,)
        Exponents, and the mean logarithm that stands in where a feature is missing.
    sites : ndarray of str, shape (n_sites,)
    site_level : ndarray, shape (n_sites,)
        Mean absolute load of each site in training [kW].
    """

    prefix: str
    coefficient: np.ndarray
    typical: np.ndarray
    sites: np.ndarray
    site_level: np.ndarray

    @classmethod
    def fit(cls, X: pd.DataFrame | np.ndarray, y: np.ndarray, predicted: np.ndarray) -> ErrorScale:
        """The scale of the errors ``y - predicted`` [kW], which must be finite and out of sample."""
        _, site = day_and_site(X)
        sites, code = np.unique(site, return_inverse=True)
        site_level = np.bincount(code, weights=np.abs(y)) / np.bincount(code)
        prefix = _reference_prefix(X)
        blank = cls(prefix, np.zeros(0), np.zeros(0), sites, site_level)
        level = blank.level(X, predicted)
        hints = _hints(X, prefix, level, predicted)
        typical = known_mean(hints, 0, otherwise=0.0)
        centred = np.where(np.isfinite(hints), hints - typical, 0.0)
        target = np.log(np.abs(y - predicted) / level + _NEAR_ZERO)
        # The penalty of one row keeps a hint that never varies (a gap when nothing is seen) from exploding.
        gram = centred.T @ centred + np.eye(centred.shape[1])
        coefficient = np.linalg.solve(gram, centred.T @ (target - target.mean()))
        return cls(prefix, coefficient, typical, sites, site_level)

    def level(self, X: pd.DataFrame | np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Size of the load [kW], > 0: reference days in the event hours, else the site in training, else the estimate."""
        _, site = day_and_site(X)
        place = np.minimum(np.searchsorted(self.sites, site), len(self.sites) - 1)
        in_training = np.where(self.sites[place] == site, self.site_level[place], np.nan)
        size = np.abs(predicted)
        if self.prefix and isinstance(X, pd.DataFrame):
            size = np.abs(known_mean(_reference(X, self.prefix, "event_kw")))
        # A week of closed doors must not make an interval of width nothing: a twentieth of the usual load is the floor.
        size = np.fmax(size, 0.05 * in_training)
        size = np.where(np.isfinite(size), size, np.where(np.isfinite(in_training), in_training, np.abs(predicted)))
        return np.maximum(size, 1e-9)

    def __call__(self, X: pd.DataFrame | np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Scale of each row [kW], > 0; NaN where nothing was estimated."""
        level = self.level(X, predicted)
        hints = _hints(X, self.prefix, level, predicted)
        centred = np.where(np.isfinite(hints), hints - self.typical, 0.0)
        return np.where(np.isfinite(predicted), level * np.exp(centred @ self.coefficient), np.nan)


def _reference_prefix(X: pd.DataFrame | np.ndarray) -> str:
    if not isinstance(X, pd.DataFrame):
        return ""
    return next((found[1] for name in map(str, X.columns) if (found := _REFERENCE_LEVEL.match(name))), "")


def _reference(X: pd.DataFrame, prefix: str, key: str) -> np.ndarray:
    names = [name for name in map(str, X.columns) if re.fullmatch(rf"{re.escape(prefix)}_{key}_\d+", name)]
    return X[names].to_numpy(dtype=np.float64)


def _hints(X: pd.DataFrame | np.ndarray, prefix: str, level: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Logarithms of what foretells the error, each over the level, shape (n_rows, k); NaN where it is not known."""
    found = [np.abs(predicted)]
    if prefix and isinstance(X, pd.DataFrame):
        load = _reference(X, prefix, "kw")
        spread = np.sqrt(known_mean((load - known_mean(load)[:, None]) ** 2))
        found += [spread, known_mean(_reference(X, prefix, "gap_kw"))]
    return np.log(np.stack(found, axis=1) / level[:, None] + _NEAR_ZERO)
