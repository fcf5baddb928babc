"""The registered model as MLflow sees it: a saved forecaster that answers a long frame."""

from typing import Any

import pandas as pd
from mlflow.pyfunc import PythonModel

from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.long_frame import score_frame
from cblcast.tracking.store import ARTIFACT


class RegisteredForecaster(PythonModel):
    """Answers the marked rows of a long frame; see :func:`cblcast.forecast.long_frame.score_frame`."""

    def load_context(self, context: Any) -> None:
        """Read the forecaster from the model's files."""
        from pathlib import Path

        self.forecaster = Forecaster.load(Path(context.artifacts[ARTIFACT]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Baselines of the marked rows [kW]."""
        return score_frame(self.forecaster, model_input)
