"""Tracking in MLflow: studies, methods, models and their registry. Nothing outside this folder imports mlflow.

MLflow takes a second to load, so every module here imports it inside functions: importing this package is cheap.
"""

from cblcast.tracking.comparison import compare, parent_runs
from cblcast.tracking.inputs import DataUsed, data_used
from cblcast.tracking.models import declare_model, load_forecaster
from cblcast.tracking.registration import check_name, register
from cblcast.tracking.results import RunResults, knows_study, run_results
from cblcast.tracking.runs import REFIT, MethodRun, StudyRun, study_run
from cblcast.tracking.server import open_ui
from cblcast.tracking.store import check_store, store_uri
from cblcast.tracking.words import method_words, metric_name

__all__ = [
    "REFIT",
    "DataUsed",
    "MethodRun",
    "RunResults",
    "StudyRun",
    "check_name",
    "check_store",
    "compare",
    "data_used",
    "declare_model",
    "knows_study",
    "load_forecaster",
    "method_words",
    "metric_name",
    "open_ui",
    "parent_runs",
    "register",
    "run_results",
    "store_uri",
    "study_run",
]
