"""Maximum base load, or firm service level: the level a customer has agreed to stay below (NAESB; family 1)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

from cblcast.schema import DataError


class FirmServiceLevel(RegressorMixin, BaseEstimator):
    """A constant level per site, the "non-baseline": performance is metered load against the level, not against history.

    Parameters
    ----------
    level_kw : float or mapping site_id -> float, optional
        The contracted level [kW]. None learns it per site as the `quantile` of the training load in the event hours.
    quantile : float
        1.0 is the maximum base load.
    """

    def __init__(self, level_kw: float | Mapping[str, float] | None = None, quantile: float = 1.0) -> None:
        self.level_kw = level_kw
        self.quantile = quantile

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> FirmServiceLevel:
        """Learn the level of each site unless it is given."""
        load = pd.Series(np.asarray(y, dtype=np.float64), index=_sites(X))
        levels = load.groupby(level=0).quantile(self.quantile)
        self.level_of_site_ = {str(site): float(level) for site, level in levels.items()}
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Level [kW], float64, shape (n_rows,)."""
        if isinstance(self.level_kw, (int, float)):
            return np.full(len(X), float(self.level_kw))
        known = self.level_kw if self.level_kw is not None else self.level_of_site_
        sites = _sites(X)
        unknown = sites.unique().difference(pd.Index(list(known)))
        if len(unknown):
            raise DataError(
                f"no firm service level is known for site {unknown[0]!r}: give level_kw, or train on that site"
            )
        return sites.map(dict(known)).to_numpy(dtype=np.float64)

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]
        """A constant scores poorly by design."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


def _sites(X: pd.DataFrame) -> pd.Index:
    if isinstance(X, pd.DataFrame) and "site_id" in X.index.names:
        return X.index.get_level_values("site_id").astype(str)
    return pd.Index(["all"] * len(X))
