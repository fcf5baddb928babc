"""The nowcast paper's LR_SW: regress the wind speed first, then send it through the turbine's curve."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Inner, StepMin, Text
from cblcast.estimators.columns import take
from cblcast.estimators.learners.power_curve import first_of_each_origin
from cblcast.estimators.learners.stepwise import StepwiseRegression
from cblcast.frames.schema import DataError
from cblcast.physics.power_curve import PowerCurve, fit_power_curve

CALM_MS = 0.5  # an anemometer that stands still repeats itself


class SpeedFirst(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """A regression of the hub's wind speed, sent through the IEC curve of speed and power measured together.

    Its target is the wind measured in the interval, which no feature may carry: it is looked up, within the training rows,
    as the last measured wind of the origin that follows the interval. Origins must therefore come at every step. The builder
    of that feature lets a value stand in for missing ones after it; a wind that is exactly that of the origin before is
    therefore taken as not measured in the interval, unless it is calm.

    Two to three per cent of rated power are lost by the detour (the curve of the mean is not the mean of the curve, and
    stops are invisible in the wind); it is kept because the paper's LR_obs is a yardstick.

    Parameters
    ----------
    estimator : estimator or None
        Regresses the speed; :class:`StepwiseRegression` unless given.
    speed, power : str
        Wind [m/s] and power [kW] measured in the last interval before the origin.
    step_min : int
        Step of the panel [min].
    """

    def __init__(
        self,
        estimator: Inner | None = None,
        speed: Text = "wind_speed_nacelle_ms_ago_1",
        power: Text = "observed_kw_ago_1",
        step_min: StepMin = 10,
    ) -> None:
        self.estimator = estimator
        self.speed = speed
        self.power = power
        self.step_min = step_min

    def required_features(self) -> dict[str, dict[str, object]]:
        """The last measured wind and power."""
        columns = tuple(
            str(name).removesuffix("_ago_1") for name in (self.power, self.speed) if str(name).endswith("_ago_1")
        )
        return {"lags": {"columns": columns, "ago": (1,)}} if columns else {}

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit the curve and the regression of the speed.

        Raises
        ------
        DataError
            Rows that are not indexed (site_id, origin, time), or origins that do not come at every step.
        """
        check_parameters(self)
        if not isinstance(X.index, pd.MultiIndex) or list(X.index.names) != ["site_id", "origin", "time"]:
            raise DataError(
                "SpeedFirst looks the wind of each interval up by origin: index its rows (site_id, origin, time)"
            )
        rows = first_of_each_origin(X)
        speed, power = take(X, [self.speed, self.power], self)[rows].T
        last = pd.Series(speed, index=X.index.droplevel("time")[rows])
        fresh = last.mask(self._held(last))
        curve = fit_power_curve(fresh.to_numpy(), power)
        self.curve_speed_, self.curve_power_ = curve.speed, curve.power
        site, time = (X.index.get_level_values(level) for level in ("site_id", "time"))
        target = fresh.reindex(self._origins(site, time, 1)).to_numpy()
        known = np.isfinite(target)
        if known.sum() < 0.2 * len(target):
            raise DataError(
                f"the wind of only {int(known.sum())} of {len(target)} intervals is known: SpeedFirst needs an origin at "
                f"every step of {self.step_min} min (every_min of the rolling origins)"
            )
        inner = StepwiseRegression(max_columns=14) if self.estimator is None else clone(self.estimator)
        self.estimator_ = inner.fit(X[known], target[known])
        self.n_features_in_ = X.shape[1]
        return self

    def _held(self, last: pd.Series) -> np.ndarray:
        """Whether each origin's last wind only repeats that of the origin a step before."""
        site, origin = (last.index.get_level_values(level) for level in ("site_id", "origin"))
        before = last.reindex(self._origins(site, origin, -1)).to_numpy()
        return np.asarray((last.to_numpy() == before) & (before > CALM_MS))

    def _origins(self, site: pd.Index, instant: pd.Index, steps: int) -> pd.MultiIndex:
        moved = instant + steps * pd.Timedelta(minutes=self.step_min)
        return pd.MultiIndex.from_arrays([site, moved], names=["site_id", "origin"])

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Power [kW], float64, shape (n_rows,)."""
        check_is_fitted(self, "estimator_")
        nothing = np.full(len(self.curve_speed_), np.nan)
        return PowerCurve(self.curve_speed_, self.curve_power_, nothing, nothing)(self.estimator_.predict(X))
