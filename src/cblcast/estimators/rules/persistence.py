"""Persistence: what was measured last, or the wind measured last, goes on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.checked.parameters import Positive, Share, Text
from cblcast.estimators.columns import take
from cblcast.estimators.rules.rule import Rule
from cblcast.physics.power_curve import PowerCurve, published_power_curve


class Persistence(Rule):
    """The last measured power.

    Parameters
    ----------
    column : str
        A column of :class:`cblcast.features.lags.Lags`.
    """

    def __init__(self, column: Text = "observed_kw_ago_1") -> None:
        self.column = column

    def required_features(self) -> dict[str, dict[str, object]]:
        """The last measured interval."""
        return {"lags": {"columns": ("observed_kw",), "ago": (1,)}} if self.column == "observed_kw_ago_1" else {}

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Power [kW], float64, shape (n_rows,)."""
        return take(X, [self.column], self)[:, 0]


class SmartPersistence(Rule):
    """The last measured power, moved by what the forecast wind does from then to the interval.

    P(t) = P(t0) + rated · (c(V0 + w (N(t) − N(t0))) − c(V0)), with c a published curve as a share of rated power, V0 the
    wind measured last and N the forecast wind; clipped to [0, rated]. Weight w 0 is plain persistence.

    Parameters
    ----------
    rated_kw : float
        Rated power of the farm [kW].
    turbine : str
        Published curve.
    weight : float
        Trust in the forecast change, 0 to 1.
    power, speed : str
        Columns: the power [kW] and the wind [m/s] measured last.
    error_now, error_then : str
        Columns of ``nwp_error``: measured minus forecast wind [m/s] at the origin and at the interval; their difference is the
        forecast change of wind speed.
    """

    def __init__(
        self,
        rated_kw: Positive = 1.0,
        turbine: Text = "MM92/2050",
        weight: Share = 0.5,
        power: Text = "observed_kw_ago_1",
        speed: Text = "wind_speed_nacelle_ms_ago_1",
        error_now: Text = "speed_error_ago_1",
        error_then: Text = "observed_minus_nwp_ms",
    ) -> None:
        self.rated_kw = rated_kw
        self.turbine = turbine
        self.weight = weight
        self.power = power
        self.speed = speed
        self.error_now = error_now
        self.error_then = error_then

    def required_features(self) -> dict[str, dict[str, object]]:
        """The last measured power."""
        return {"lags": {"columns": ("observed_kw",), "ago": (1,)}} if self.power == "observed_kw_ago_1" else {}

    def check(self) -> None:
        """The curve exists."""
        published_power_curve(self.turbine)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Power [kW], float64, shape (n_rows,); NaN where nothing was measured."""
        power, speed, now, then = take(X, [self.power, self.speed, self.error_now, self.error_then], self).T
        curve: PowerCurve = published_power_curve(self.turbine)
        change = now - then  # (V0 − N(t0)) − (V0 − N(t)) = N(t) − N(t0)
        moved = curve(np.maximum(speed + self.weight * change, 0.0)) - curve(speed)
        return np.clip(power + self.rated_kw * moved / curve.power.max(), np.minimum(power, 0.0), self.rated_kw)
