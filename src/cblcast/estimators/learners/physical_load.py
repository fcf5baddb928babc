"""A physically based load model (PBLM) of each site, corrected by its ten newest days."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.estimators.columns import numbered, take
from cblcast.estimators.design import finite_target
from cblcast.estimators.groups import group_rows
from cblcast.estimators.learners.filtered_degrees import degrees, identify, occupied_times
from cblcast.estimators.ranges import FloatRange, SearchRange
from cblcast.frames.known import known_mean
from cblcast.frames.schema import DataError, DataWarning, StudyError

logger = logging.getLogger(__name__)
Array = np.ndarray
TIME_CONSTANTS_H = (0.0, 2.0, 6.0, 12.0, 24.0, 48.0, 96.0)


class PhysicallyBasedLoad(RegressorMixin, BaseEstimator):
    """Base load by time of week, heating and cooling degrees behind the building's own filter, and a ten-day correction.

    What the building draws is modelled (:func:`~cblcast.estimators.learners.filtered_degrees.identify`); what the model
    missed on the newest reference days at the same wall clock, a weighted mean that falls with age, is added: the model
    carries the weather, the days carry how the building is used just now. All history comes from the builder
    ``thermal_days``, so the fitted model works row by row.

    Parameters
    ----------
    days : int
        Reference days of the correction; 0 for none.
    half_life_days : float or None
        Age [d] at which a reference day counts half; None weighs all alike.
    day_types : str or eight labels
        Only days of the event day's own type are reference days.
    time_constants_h : sequence of float
        Candidates of the filter [h].
    temperature : str
        Column of the panel [°C].

    Attributes
    ----------
    sites_ : ndarray of str
    slope_kw_k_ : ndarray, shape (n_sites, 4)
        Heating unoccupied, heating occupied, cooling unoccupied, cooling occupied [kW of electricity per K], ≥ 0.
    time_constant_h_, balance_c_ : ndarray, shape (n_sites, 2)
        Of heating, of cooling.
    time_constant_range_h_ : ndarray, shape (n_sites, 2, 2)
        Time constants that explain the load within 1 % as well. Normal load does not tell a room's time constant: where
        the range is wide, nothing is known of it, and an event's recovery has to be seen.

    Notes
    -----
    A site never trained is an error: its building is unknown; ``PerSite`` gives it a fallback. A row without a reference
    day is estimated by the model alone and counted in a :class:`~cblcast.errors.DataWarning`; one without a
    temperature has no estimate.

    References
    ----------
    Gabaldón et al. (2021), Utilities Policy 70, 101213 (physically based load models for baselines); output-error
    identification: Ljung (1999), System Identification, section 7.3.
    """

    pooled = False  # a site's building is its own

    def __init__(
        self,
        days: int = 10,
        half_life_days: float | None = 4.0,
        day_types: str | Sequence[str] = "working",
        time_constants_h: Sequence[float] = TIME_CONSTANTS_H,
        temperature: str = "temp_air_c",
    ) -> None:
        self.days = days
        self.half_life_days = half_life_days
        self.day_types = day_types
        self.time_constants_h = time_constants_h
        self.temperature = temperature

    @classmethod
    def search_space(cls) -> dict[str, SearchRange]:
        """Ranges that a tuning searches unless told otherwise."""
        return {"half_life_days": FloatRange(1.0, 30.0, log=True)}

    def required_features(self) -> dict[str, dict[str, Any]]:
        """Builders and the parameters this model needs of them."""
        wanted = {
            "days": max(self.days, 1),
            "look_back_days": max(60, 3 * self.days),
            "day_types": self.day_types,
            "time_constants_h": tuple(self.time_constants_h),
            "temperature": self.temperature,
        }
        return {"thermal_days": wanted, "calendar": {}}

    def check(self) -> None:
        """Raise :class:`~cblcast.errors.StudyError` for parameters that make no model."""
        if not isinstance(self.days, (int, np.integer)) or self.days < 0:
            raise StudyError(f"days is a whole number, 0 for no correction, not {self.days!r}")
        if self.half_life_days is not None and not self.half_life_days > 0:
            raise StudyError(f"half_life_days must be above 0, or None for equal weights, not {self.half_life_days!r}")
        if not len(tuple(self.time_constants_h)):
            raise StudyError("time_constants_h needs at least one time constant [h]; 0 is no filter")

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Identify every site of `X`."""
        self.check()
        load = finite_target(y, self)
        names = self._filters()
        taken = take(X, ["hour", "thermal_day", *names], self)
        known = np.isfinite(taken).all(axis=1)
        if not known.any():
            raise DataError(
                f"{type(self).__name__}: no training row has a temperature: give weather with {self.temperature!r}"
            )
        of_week = taken[:, 1] * 24 + taken[:, 0]
        self.n_features_in_ = X.shape[1]
        self.times_ = np.unique(of_week[known])
        groups = group_rows(X, ("site_id",), self)
        self.sites_ = groups.keys
        n, n_times, taus = len(groups), len(self.times_), np.asarray(self.time_constants_h, dtype=np.float64)
        self.base_kw_, self.occupied_ = np.full((n, n_times), np.nan), np.zeros((n, n_times), dtype=bool)
        self.slope_kw_k_, self.balance_c_ = np.zeros((n, 4)), np.full((n, 2), np.nan)
        self.filter_, self.time_constant_h_ = np.zeros((n, 2), dtype=np.int64), np.full((n, 2), np.nan)
        self.time_constant_range_h_ = np.full((n, 2, 2), np.nan)
        time = np.searchsorted(self.times_, np.where(known, of_week, self.times_[0]))
        for site in range(n):
            rows = np.flatnonzero((groups.of_row == site) & known)
            if len(rows) == 0:
                continue
            found = identify(load[rows], time[rows], n_times, taken[rows, 2:], taus)
            self.base_kw_[site], self.slope_kw_k_[site], self.filter_[site] = (
                found.base_kw,
                found.slope_kw_k,
                found.filters,
            )
            self.balance_c_[site], self.time_constant_range_h_[site] = found.balance_c, found.ranges_h
            self.time_constant_h_[site] = taus[found.filters]
            self.occupied_[site] = occupied_times(load[rows], time[rows], n_times)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,); NaN where the temperature is unknown."""
        check_is_fitted(self, "base_kw_")
        hour, day = take(X, ["hour", "thermal_day"], self).T
        site = self._sites_of(X)
        filters = take(X, self._filters(), self)
        modelled = self._model(site, day * 24 + hour, filters)
        if self.days == 0 or len(X) == 0:
            return modelled
        missed, weight = np.empty((len(X), self.days)), np.empty((len(X), self.days))
        metered, then, age = (take(X, numbered("thermal", key, self.days), self) for key in ("kw", "day", "age_days"))
        for k in range(self.days):
            filters = take(X, [f"{name}_{k + 1:02d}" for name in self._filters()], self)
            missed[:, k] = metered[:, k] - self._model(site, then[:, k] * 24 + hour, filters)
            weight[:, k] = 1.0 if self.half_life_days is None else 0.5 ** (age[:, k] / self.half_life_days)
        correction = known_mean(missed, weight=np.where(np.isfinite(weight), weight, 0.0))
        self._tell(np.isfinite(modelled) & ~np.isfinite(correction))
        return modelled + np.where(np.isfinite(correction), correction, 0.0)

    def _filters(self) -> list[str]:
        return [f"thermal_{float(tau):g}h_c" for tau in self.time_constants_h]

    def _sites_of(self, X: pd.DataFrame) -> Array:
        if len(X) == 0:
            return np.zeros(0, dtype=np.int64)
        groups = group_rows(X, ("site_id",), self)
        place = groups.among(self.sites_)
        if (place < 0).any():
            raise DataError(
                f"{type(self).__name__} was not trained on {int((place < 0).sum())} of {len(groups)} sites, e.g. "
                f"{str(groups.names[place < 0][0, 0])!r}: train it with their history, or wrap it in PerSite with a fallback"
            )
        return place[groups.of_row]

    def _model(self, site: Array, of_week: Array, filters: Array) -> Array:
        """Load of the model alone [kW]; a time of week never seen has the mean base load of its site."""
        known = np.isfinite(of_week)
        time = np.minimum(np.searchsorted(self.times_, np.where(known, of_week, 0.0)), len(self.times_) - 1)
        seen = known & (self.times_[time] == of_week)
        base = np.where(seen, self.base_kw_[site, time], np.nan)
        base = np.where(np.isfinite(base), base, known_mean(self.base_kw_)[site])
        occupied = np.where(seen, self.occupied_[site, time], False).astype(np.int64)
        rows = np.arange(len(site))
        for kind in (0, 1):
            reached = degrees(filters[rows, self.filter_[site, kind]], self.balance_c_[site, kind], kind == 0)
            base = base + self.slope_kw_k_[site, 2 * kind + occupied] * reached
        return np.where(known, base, np.nan)

    def _tell(self, bare: Array) -> None:
        if bare.any():
            sentence = (
                f"{type(self).__name__}: {int(bare.sum())} of {len(bare)} rows have no reference day; "
                "the model alone estimates them, uncorrected"
            )
            logger.warning(sentence)
            warnings.warn(sentence, DataWarning, stacklevel=3)

    def __sklearn_tags__(self) -> Any:
        """Missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
