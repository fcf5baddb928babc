"""A baseline that somebody declared."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.checked.parameters import Text
from cblcast.estimators.columns import take
from cblcast.estimators.rules.rule import Rule


class Declared(Rule):
    """The schedule that the customer or the operator declared before the event (RTE by forecast, Elia declared).

    Parameters
    ----------
    column : str
        Panel column with the schedule [kW].
    """

    def __init__(self, column: Text = "declared_kw") -> None:
        self.column = column

    def required_features(self) -> dict[str, dict[str, object]]:
        """Builders and the parameters this rule needs of them."""
        return {"given": {"panel_columns": (self.column,)}}

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Declared power [kW], float64, shape (n_rows,); NaN where none was declared."""
        return take(X, [self.column], self)[:, 0]
