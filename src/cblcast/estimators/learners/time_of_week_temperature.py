"""Time of week and temperature (TOWT): the whole-building model of Lawrence Berkeley National Laboratory."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Celsius, Filled, Text
from cblcast.estimators.columns import take
from cblcast.estimators.design import finite_target
from cblcast.estimators.groups import group_rows
from cblcast.frames.known import known_mean, known_mean_by
from cblcast.frames.schema import DataError, DataWarning, StudyError

logger = logging.getLogger(__name__)

KNOTS_C = (-1.1, 7.2, 12.8, 18.3, 23.9, 32.2)  # 30, 45, 55, 65, 75, 90 °F
OCCUPIED_SHARE = 0.65
BALANCE_HEATING_C, BALANCE_COOLING_C = 10.0, 18.3  # 50 and 65 °F


def piecewise_temperature(temp_c: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Temperature split into the parts between the knots [K], shape (n, len(knots) + 1).

    The first column is min(T, knot_1) and may be negative; the others are how far T reaches into their segment, so the
    sum of a row is T (Mathieu et al. 2011, section II-B).
    """
    edges = np.concatenate([[-np.inf], knots, [np.inf]])
    low = np.where(np.isfinite(edges[:-1]), edges[:-1], 0.0)
    reach = np.clip(temp_c[:, None], edges[:-1], edges[1:]) - low
    reach[:, 0] = np.minimum(temp_c, knots[0])
    return reach


def occupied_times(time: np.ndarray, n_times: int, temp_c: np.ndarray, load_kw: np.ndarray, share: float) -> np.ndarray:
    """Times of week at which the building is in its high-load mode, bool, shape (n_times,).

    A time is occupied when more than `share` of its loads lie above a regression on heating and cooling degrees alone.
    """
    simple = np.column_stack(
        [
            np.ones(len(load_kw)),
            np.maximum(BALANCE_HEATING_C - temp_c, 0.0),
            np.maximum(temp_c - BALANCE_COOLING_C, 0.0),
        ]
    )
    above = load_kw > simple @ np.linalg.lstsq(simple, load_kw, rcond=None)[0]
    count = np.bincount(time, minlength=n_times)
    return np.bincount(time, weights=above, minlength=n_times) > share * np.maximum(count, 1)


def fit_site(time: np.ndarray, n_times: int, parts: np.ndarray, load_kw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Effects of the times of week and slopes of the temperature parts, least squares.

    The indicators are projected out (Frisch, Waugh and Lovell), so that only the few slopes have to be solved for.

    Returns
    -------
    effect : ndarray, shape (n_times,)
        NaN for a time never seen [kW].
    slope : ndarray, shape (parts.shape[1],)
        [kW/K]
    """
    mean_load = known_mean_by(load_kw, time, n_times)
    used = np.flatnonzero(np.ptp(parts, axis=0) > 0) if len(parts) else np.empty(0, dtype=np.int64)
    mean_parts = (
        np.stack([known_mean_by(parts[:, k], time, n_times) for k in used], axis=1)
        if (len(used))
        else np.zeros((n_times, 0))
    )
    centred = parts[:, used] - mean_parts[time]
    slope = np.zeros(parts.shape[1])
    slope[used] = np.linalg.lstsq(centred.T @ centred, centred.T @ (load_kw - mean_load[time]), rcond=1e-10)[0]
    return mean_load - mean_parts @ slope[used], slope


class TimeOfWeekTemperature(RegressorMixin, BaseEstimator):
    """A load for each time of the week plus a piecewise-linear effect of temperature, one model per site.

    Occupied and unoccupied times of week have slopes of their own. Reads ``hour_of_week`` and the temperature.

    Parameters
    ----------
    knots_c : sequence of float
        Bounds of the temperature segments [°C], ascending.
    temperature : str
        Column [°C]; a NaN takes the site's training mean.
    occupancy : bool
        Two temperature responses; one if False.

    Attributes
    ----------
    sites_ : ndarray of str
    effect_ : ndarray, shape (n_sites, n_times)
        [kW]; ``times_`` are the hours of the week.
    slope_ : ndarray, shape (n_sites, 2, n_segments)
        Unoccupied, occupied [kW/K].

    Notes
    -----
    A time of week that a site never showed in training takes the site's mean effect and is counted in a DataWarning. A
    site never trained is an error: its level is unknown. Wrap the model in ``PerSite`` with a fallback, or use a pooled
    one.

    References
    ----------
    Mathieu, Price, Kiliccote, Piette (2011), Quantifying changes in building electricity use, with application to demand
    response, IEEE Trans. Smart Grid 2(3); the occupancy rule is that of Price (2010), LBNL-3713E, as in CalTRACK 3.9.
    """

    pooled = False  # a site's model is its own

    def __init__(
        self,
        knots_c: Annotated[Sequence[Celsius], Filled()] = KNOTS_C,
        temperature: Text = "temp_air_c",
        occupancy: bool = True,
    ) -> None:
        self.knots_c = knots_c
        self.temperature = temperature
        self.occupancy = occupancy

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and the parameters this model needs of them."""
        return {"calendar": {}, "weather": {"columns": (self.temperature,)}}

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit every site of `X`."""
        check_parameters(self)
        knots = self._knots()
        load = finite_target(y, self)
        hour, temp = take(X, ["hour_of_week", self.temperature], self).T
        self.n_features_in_ = X.shape[1]
        self.times_, time = np.unique(hour, return_inverse=True)
        groups = group_rows(X, ("site_id",), self)
        self.sites_, site = groups.keys, groups.of_row
        n_sites, n_times = len(self.sites_), len(self.times_)
        self.effect_ = np.full((n_sites, n_times), np.nan)
        self.slope_ = np.zeros((n_sites, 2, len(knots) + 1))
        self.occupied_ = np.zeros((n_sites, n_times), dtype=bool)
        self.mean_temp_ = np.zeros(n_sites)
        order = np.argsort(site, kind="stable")
        for s, rows in enumerate(np.split(order, np.searchsorted(site[order], np.arange(1, n_sites)))):
            known = np.isfinite(temp[rows])
            self.mean_temp_[s] = temp[rows][known].mean() if known.any() else 0.0
            warmth = np.where(known, temp[rows], self.mean_temp_[s])
            if self.occupancy:
                self.occupied_[s] = occupied_times(time[rows], n_times, warmth, load[rows], OCCUPIED_SHARE)
            parts = self._by_mode(piecewise_temperature(warmth, knots), self.occupied_[s, time[rows]])
            self.effect_[s], slope = fit_site(time[rows], n_times, parts, load[rows])
            self.slope_[s] = slope.reshape(2, -1)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,)."""
        check_is_fitted(self, "effect_")
        hour, temp = take(X, ["hour_of_week", self.temperature], self).T
        if len(hour) == 0:
            return np.zeros(0)
        groups = group_rows(X, ("site_id",), self)
        site = groups.among(self.sites_)
        strange = site < 0
        if strange.any():
            raise DataError(
                f"{type(self).__name__} was not trained on {int(strange.sum())} of {len(groups)} sites, e.g. "
                f"{str(groups.names[strange][0, 0])!r}: train it with their history, or use a pooled model"
            )
        site = site[groups.of_row]
        time = np.minimum(np.searchsorted(self.times_, hour), len(self.times_) - 1)
        mean_effect = known_mean(self.effect_)
        seen = self.times_[time] == hour
        effect = np.where(seen, self.effect_[site, time], np.nan)
        unseen = ~np.isfinite(effect)
        if unseen.any():
            sentence = (
                f"{type(self).__name__}: {int(unseen.sum())} of {len(effect)} rows lie at a time of week that their "
                "site never showed in training; the mean over its week is used"
            )
            logger.warning(sentence)
            warnings.warn(sentence, DataWarning, stacklevel=2)
        occupied = np.where(seen, self.occupied_[site, time], False)
        warmth = np.where(np.isfinite(temp), temp, self.mean_temp_[site])
        slope = self.slope_[site, occupied.astype(np.int64)]
        parts = piecewise_temperature(warmth, self._knots())
        return np.where(unseen, mean_effect[site], effect) + (parts * slope).sum(1)

    def _knots(self) -> np.ndarray:
        knots = np.asarray(self.knots_c, dtype=np.float64)
        if len(knots) < 1 or not (np.diff(knots) > 0).all():
            raise StudyError(f"knots_c must ascend and hold at least one temperature, not {self.knots_c!r}")
        return knots

    @staticmethod
    def _by_mode(parts: np.ndarray, occupied: np.ndarray) -> np.ndarray:
        return np.concatenate([parts * ~occupied[:, None], parts * occupied[:, None]], axis=1)
