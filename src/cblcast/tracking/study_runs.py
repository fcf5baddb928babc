"""The run of a study by an id: its own, or that of one of its methods."""

from __future__ import annotations

from typing import Any

from cblcast.tracking.owners import every_experiment
from cblcast.tracking.runs import PARENT


def study_run_of(client: Any, run_id: str) -> Any | None:
    """The run of a study that is called `run_id`, or of whose methods one is; None where there is none in the store."""
    ids = [one.experiment_id for one in every_experiment(client)]
    query = "attributes.run_id = '{}'".format(run_id.replace("'", ""))
    found = client.search_runs(ids, query, max_results=1) if ids else []
    if not found:
        return None
    parent = found[0].data.tags.get(PARENT)
    return found[0] if parent is None else client.get_run(parent)
