"""The code of every registered model: MLflow copies this file beside the model and runs it when the model is loaded."""

from cblcast.tracking import declare_model

declare_model()
