"""How the MLflow interface shows an experiment: as training runs, each method a row, best first, with the columns that matter.

MLflow keeps a view that is shared as a tag of the experiment; an address that names its key opens it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cblcast.tracking.words import metric_name

VIEW = "leaderboard"
NOTE = "mlflow.note.content"
SIGNED = "<!-- cblcast -->"  # a note that ends so was written here, and may be written anew
_KIND_TAG, _TRAINING = "mlflow.experimentKind", "custom_model_development"
_SHARED = f"mlflow.sharedViewState.{VIEW}"
_METHODS = "tags.`cblcast.kind` = 'method'"
_PARAMS = ("rule", "learner", "adjustment", "window", "x", "y")
_LONGEST = 4_900  # of a tag's value, which MLflow cuts or refuses above 5,000 in older servers


def show_training(client: Any, experiment: Any) -> None:
    """Mark an experiment as one of training runs; the interface would open it on traces of language models."""
    if experiment.tags.get(_KIND_TAG) != _TRAINING:
        client.set_experiment_tag(experiment.experiment_id, _KIND_TAG, _TRAINING)


def set_view(client: Any, experiment_id: str, measures: Sequence[str], further: Sequence[str] = ()) -> None:
    """Keep the view of an experiment's methods: sorted by the first of `measures`, smallest first.

    Parameters
    ----------
    measures : sequence of str
        Columns of the leaderboard.
    further : sequence of str
        Parameters, shown beside those that every method has.
    """
    names = [metric_name(measure) for measure in measures]
    columns = [f"metrics.`{name}`" for name in names] + [f"params.`{name}`" for name in (*_PARAMS, *further)]
    view = {
        "searchFilter": _METHODS,
        "orderByKey": columns[0],
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": columns,
        "columnOrder": columns,
        "runsHiddenMode": "FIRST_20_RUNS",
    }
    client.set_experiment_tag(experiment_id, _SHARED, json.dumps(view))


def set_note(client: Any, experiment: Any, text: str) -> None:
    """Describe an experiment, unless somebody has written a description of their own."""
    known = str(experiment.tags.get(NOTE, ""))
    if text and (not known or known.endswith(SIGNED)) and known != signed(text):
        client.set_experiment_tag(experiment.experiment_id, NOTE, signed(text))


def signed(text: str) -> str:
    """`text` as a note, cut where MLflow would cut it."""
    return f"{text[:_LONGEST]}\n{SIGNED}"


def training_page(experiment: Any) -> str:
    """The part of an address that opens an experiment on its methods, best first; one of version 0.1 on its runs."""
    key = f"&viewStateShareKey={VIEW}" if _SHARED in experiment.tags else ""
    return f"#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning{key}"


def picture(run_id: str, path: str, what: str) -> str:
    """Markdown that shows an image among the artifacts of a run."""
    return f"![{what}](get-artifact?path={path}&run_uuid={run_id})"
