"""Power from one wind speed column: the farm's own curve by bins."""

from __future__ import annotations

from typing import Annotated, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Between, Text
from cblcast.estimators.columns import take
from cblcast.frames.schema import DataError
from cblcast.physics.power_curve import PowerCurve, fit_power_curve


class BinnedCurve(RegressorMixin, BaseEstimator):
    """A curve by 0.5 m/s bins from a speed column to the power of the interval (IEC 61400-12-1 method of bins).

    With a forecast speed this is the simplest statistical correction of a forecast. With `measured_speed` and
    `measured_power`, both as of the origin, the curve is the turbine's: fitted to what was measured together, and then
    fed with the forecast (the paper's "ECMWF" rows).

    Parameters
    ----------
    speed : str
        Column that predicts [m/s].
    measured_speed, measured_power : str or None
        Columns as of the origin, in place of `speed` and the target, for the fit only.
    speed_factor : float
        Multiplies `speed` first, e.g. (80/100)^α of the height law.
    width : float
        Bin width [m/s].
    monotone : bool
        Make the curve rise (pool adjacent violators).
    """

    def __init__(
        self,
        speed: Text = "wind_speed_100m_ms",
        measured_speed: Text | None = None,
        measured_power: Text | None = None,
        speed_factor: Annotated[float, Between(0, 100, above=True)] = 1.0,
        width: Annotated[float, Between(0.01, 100)] = 0.5,
        monotone: bool = False,
    ) -> None:
        self.speed = speed
        self.measured_speed = measured_speed
        self.measured_power = measured_power
        self.speed_factor = speed_factor
        self.width = width
        self.monotone = monotone

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit the curve.

        Raises
        ------
        DataError
            Only one of the two measured columns, or too few rows for two bins.
        """
        check_parameters(self)
        if (self.measured_speed is None) != (self.measured_power is None):
            raise DataError("a measured curve needs both measured_speed and measured_power, as of the origin")
        if self.measured_speed is None or self.measured_power is None:
            curve = fit_power_curve(
                self.speed_factor * take(X, [self.speed], self)[:, 0], np.asarray(y), width=self.width
            )
        else:
            origins = first_of_each_origin(X)
            v, p = take(X, [self.measured_speed, self.measured_power], self)[origins].T
            curve = fit_power_curve(v, p, width=self.width)
        curve = curve.monotone() if self.monotone else curve
        self.curve_speed_, self.curve_power_, self.curve_count_ = curve.speed, curve.power, curve.count
        self.curve_spread_ = curve.spread
        self.n_features_in_ = 1
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Power [kW], float64, shape (n_rows,)."""
        check_is_fitted(self, "curve_speed_")
        return self.curve()(self.speed_factor * take(X, [self.speed], self)[:, 0])

    def curve(self) -> PowerCurve:
        """The fitted curve."""
        return PowerCurve(self.curve_speed_, self.curve_power_, self.curve_count_, self.curve_spread_)


def first_of_each_origin(X: pd.DataFrame) -> np.ndarray:
    """Positions of one row of each (site_id, origin): what is as of the origin stands in each of its rows."""
    if not isinstance(X.index, pd.MultiIndex) or "origin" not in X.index.names:
        return np.arange(len(X))
    return np.flatnonzero(~X.index.droplevel("time").duplicated())
