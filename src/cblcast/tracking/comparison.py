"""Comparison: the methods of the latest runs of a study, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cblcast.frames.schema import StudyError, nearest
from cblcast.tracking.runs import KIND, MODEL_URI, PARENT
from cblcast.tracking.store import connect, guarded, store_uri

if TYPE_CHECKING:
    import pandas as pd


def parent_runs(study: str, *, uri: str | None = None, latest: int = 1) -> pd.DataFrame:
    """The latest runs of a study, newest first.

    Returns
    -------
    DataFrame
        ``run_id``, ``started`` (UTC), ``status``.

    Raises
    ------
    StudyError
        No such study, or one without runs.
    """
    import pandas as pd

    address = store_uri(uri)
    found = _parents(connect(address), address, study, latest)
    return pd.DataFrame([{"run_id": r.info.run_id, "started": _started(r), "status": r.info.status} for r in found])


def compare(
    study: str, *, uri: str | None = None, metrics: Sequence[str] | None = None, latest: int = 1
) -> pd.DataFrame:
    """One row per method of the latest runs of a study.

    Parameters
    ----------
    study : str
    uri : str, optional
        See :func:`~cblcast.tracking.store_uri`.
    metrics : sequence of str, optional
        Columns; by default all that were logged.
    latest : int
        How many runs of the study.

    Returns
    -------
    DataFrame
        ``method``, one column a metric (NaN where a method has none), ``started`` (UTC, of the study), ``status``,
        ``run_id``, ``model_uri`` (None where no model was logged), in the order in which they were logged.

    Raises
    ------
    StudyError
        No such study or metric; the nearest right one is offered.
    """
    import pandas as pd

    address = store_uri(uri)
    client = connect(address)
    rows: list[dict[str, Any]] = []
    for parent in _parents(client, address, study, latest):
        query = f"tags.`{PARENT}` = '{parent.info.run_id}' and tags.`{KIND}` = 'method'"
        for run in _search(client, address, parent.info.experiment_id, query, "attributes.start_time ASC"):
            rows.append(
                {"method": run.info.run_name, **run.data.metrics, "started": _started(parent),
                 "status": run.info.status, "run_id": run.info.run_id, "model_uri": run.data.tags.get(MODEL_URI)}
            )  # fmt: skip
    if not rows:
        raise StudyError(f"the latest run of the study {study!r} has no methods: train or evaluate it again")
    table = pd.DataFrame(rows)
    fixed = ["started", "status", "run_id", "model_uri"]
    logged = [column for column in table.columns if column not in ("method", *fixed)]
    for metric in metrics or ():
        if metric not in logged:
            raise StudyError(f"the study {study!r} has no metric {metric!r}: {nearest(metric, logged)}")
    return table[["method", *(metrics or logged), *fixed]]


def _parents(client: Any, address: str, study: str, latest: int) -> list[Any]:
    with guarded(address):
        experiment = client.get_experiment_by_name(study)
        if experiment is None:
            names = [known.name for known in client.search_experiments() if known.name != "Default"]
            hint = nearest(study, names) if names else "nothing was trained there yet"
            raise StudyError(f"there is no study {study!r} in {address}: {hint}")
    query = f"tags.`{KIND}` = 'study'"
    found = _search(client, address, experiment.experiment_id, query, "attributes.start_time DESC", latest)
    if not found:
        raise StudyError(f"the study {study!r} has no run in {address}: train or evaluate it")
    return found


def _search(client: Any, address: str, experiment: str, query: str, order: str, most: int | None = None) -> list[Any]:
    """All runs that `query` finds, page by page."""
    found: list[Any] = []
    token = None
    with guarded(address):
        while most is None or len(found) < most:
            page = client.search_runs([experiment], query, max_results=most or 1000, order_by=[order], page_token=token)
            found += page
            token = page.token
            if not token:
                break
    return found


def _started(run: Any) -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp(run.info.start_time, unit="ms", tz="UTC")
