"""A baseline that a feature builder has already made."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.checked.parameters import Text
from cblcast.estimators.columns import take
from cblcast.estimators.rules.rule import Rule


class Column(Rule):
    """One column of the features, as it is: the baseline that a learned correction starts from.

    Parameters
    ----------
    name : str
        [kW].
    """

    def __init__(self, name: Text = "history_mean_kw") -> None:
        self.name = name

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """The column, float64, shape (n_rows,)."""
        return take(X, [self.name], self)[:, 0].copy()
