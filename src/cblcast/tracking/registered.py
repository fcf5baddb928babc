"""The registered model as MLflow sees it: a saved forecaster that answers a long frame."""

from typing import Any

import pandas as pd
from mlflow.pyfunc import PythonModel

from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.long_frame import score_frame
from cblcast.tracking.models import DIGEST
from cblcast.tracking.store import ARTIFACT


class RegisteredForecaster(PythonModel):
    """Answers the marked rows of a long frame; see :func:`cblcast.forecast.long_frame.score_frame`."""

    def load_context(self, context: Any) -> None:
        """Read the forecaster from the model's files, if they are those that were described when it was logged."""
        from pathlib import Path

        noted = (context.model_config or {}).get(DIGEST)  # not there in models of version 0.1
        self.forecaster = Forecaster.load(Path(context.artifacts[ARTIFACT]), noted)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Baselines of the marked rows [kW]."""
        return score_frame(self.forecaster, model_input)
