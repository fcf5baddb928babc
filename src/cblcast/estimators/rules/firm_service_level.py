"""Maximum base load, or firm service level: the level a customer has agreed to stay below (NAESB; family 1)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Number, Share, Text
from cblcast.estimators.columns import take
from cblcast.frames.schema import DataError, StudyError


class FirmServiceLevel(RegressorMixin, BaseEstimator):
    """A constant level per site, the "non-baseline": performance is metered load against the level, not against history.

    Parameters
    ----------
    level_kw : float or mapping site_id -> float, optional
        The contracted level [kW].
    quantile : float
        Where no level is given it is learned per site as this quantile of the training load in the event hours; 1.0 is the
        maximum base load.
    level_column : str, optional
        Instead of `level_kw`: column of the sites frame that holds it, e.g. ``plc_kw``, PJM's peak load contribution. A
        level that is given in either way needs no training days.
    """

    pooled = False  # a level of its own for each site

    def __init__(
        self,
        level_kw: Number | Mapping[str, Number] | None = None,
        quantile: Share = 1.0,
        level_column: Text | None = None,
    ) -> None:
        self.level_kw = level_kw
        self.quantile = quantile
        self.level_column = level_column

    def required_features(self) -> dict[str, dict[str, object]]:
        """The column of the sites frame, where the level stands in one."""
        return {} if self.level_column is None else {"given": {"site_columns": (self.level_column,)}}

    def check(self) -> None:
        """Raise for parameters that make no level."""
        if self.level_kw is not None and self.level_column is not None:
            raise StudyError("a firm service level is given by level_kw or by level_column, not by both")

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> FirmServiceLevel:
        """Learn the level of each site unless it is given."""
        check_parameters(self)
        self.check()
        if self._given:
            return self
        load = pd.Series(np.asarray(y, dtype=np.float64), index=_sites(X))
        levels = load.groupby(level=0).quantile(self.quantile)
        self.level_of_site_ = {str(site): float(level) for site, level in levels.items()}
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Level [kW], float64, shape (n_rows,)."""
        if self.level_column is not None:
            return take(X, [self.level_column], self)[:, 0]
        if self.level_kw is None:
            check_is_fitted(self, "level_of_site_")
            known: Mapping[str, float] = self.level_of_site_
        elif isinstance(self.level_kw, Mapping):
            known = self.level_kw
        else:
            return np.full(len(X), float(self.level_kw))
        sites = _sites(X)
        unknown = sites.unique().difference(pd.Index(list(known)))
        if len(unknown):
            raise DataError(
                f"no firm service level is known for site {unknown[0]!r}: give level_kw, or train on that site"
            )
        return sites.map(dict(known)).to_numpy(dtype=np.float64)

    @property
    def _given(self) -> bool:
        return self.level_kw is not None or self.level_column is not None

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]
        """A constant scores poorly by design; a given level needs no training."""
        tags = super().__sklearn_tags__()
        tags.requires_fit = not self._given
        tags.regressor_tags.poor_score = True
        return tags


def _sites(X: pd.DataFrame) -> pd.Index:
    if isinstance(X, pd.DataFrame) and "site_id" in X.index.names:
        return X.index.get_level_values("site_id").astype(str)
    return pd.Index(["all"] * len(X))
