"""The registered model as MLflow sees it: a saved forecaster that answers a long frame."""

from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel

from cblcast.errors import DataError, StudyError
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.long_frame import score_frame
from cblcast.tracking.models import DIGEST
from cblcast.tracking.store import ARTIFACT


class RefusedFrame(MlflowException, DataError):
    """A frame that cannot be answered: a DataError to Python, and to MLflow's server status 400 with one sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, error_code=INVALID_PARAMETER_VALUE)
        self.sentence = sentence

    def serialize_as_json(self) -> str:
        """The answer's body; the server has put the whole frame before the message, which helps nobody."""
        self.message = self.sentence
        return str(super().serialize_as_json())


class Answered(pd.DataFrame):
    """An answer whose records hold None where there is no number, since JSON knows no NaN."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def to_dict(self, *args: Any, **kwargs: Any) -> Any:
        """As pandas does it, with None for what is missing."""
        plain = pd.DataFrame(self).astype(object)
        return plain.where(plain.notna(), None).to_dict(*args, **kwargs)


class RegisteredForecaster(PythonModel):
    """Answers the marked rows of a long frame; see :func:`cblcast.forecast.long_frame.score_frame`."""

    def load_context(self, context: Any) -> None:
        """Read the forecaster from the model's files, if they are those that were described when it was logged."""
        from pathlib import Path

        noted = (context.model_config or {}).get(DIGEST)  # not there in models of version 0.1
        self.forecaster = Forecaster.load(Path(context.artifacts[ARTIFACT]), noted)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Baselines of the marked rows [kW]; :class:`RefusedFrame` for a frame that cannot be answered."""
        try:
            return Answered(score_frame(self.forecaster, model_input))
        except (DataError, StudyError) as error:
            raise RefusedFrame(str(error)) from None
