"""Comparison: the methods of the latest runs of a study, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cblcast.frames.schema import StudyError, nearest
from cblcast.metrics import UNITS
from cblcast.tracking.owners import HOST, PID, every_experiment, is_dead
from cblcast.tracking.runs import KIND, MODEL_URI, PARENT, PLANNED
from cblcast.tracking.store import connect, every_run, guarded, store_uri
from cblcast.tracking.study_runs import study_run_of
from cblcast.tracking.unusable import shown
from cblcast.tracking.words import column_of

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
    return pd.DataFrame([{"run_id": r.info.run_id, "started": _started(r), "status": _status(r)} for r in found])


def compare(
    study: str, *, uri: str | None = None, metrics: Sequence[str] | None = None, latest: int = 1
) -> pd.DataFrame:
    """One row per method of the latest runs of a study.

    Parameters
    ----------
    study : str
        Its name; or one run of it by its id, or by that of one of its methods.
    uri : str, optional
        See :func:`~cblcast.tracking.store_uri`.
    metrics : sequence of str, optional
        Columns, as the leaderboard or as the store calls them (``nrmse``, ``nrmse_pct``); by default all that were logged.
    latest : int
        How many runs of the study.

    Returns
    -------
    DataFrame
        ``method``, one column a metric (NaN where a method has none), ``started`` (UTC, of the study), ``status``,
        ``run_id``, ``model_uri`` (None where no model was logged), where a study refitted ``refit`` (how often),
        in the order in which they were logged; and of the
        study's run ``run_status``, ``methods_finished``, ``methods_planned`` (None where nobody noted it) and ``note``,
        what is missing of it in words (None where nothing is). A run is KILLED too if its process has ended and nobody
        has closed it yet.

    Raises
    ------
    StudyError
        No such study or metric; the nearest right one is offered. The latest run has no methods.
    """
    import pandas as pd

    address = store_uri(uri)
    client = connect(address)
    rows: list[dict[str, Any]] = []
    notes = []
    for parent in _parents(client, address, study, latest):
        query = f"tags.`{PARENT}` = '{parent.info.run_id}' and tags.`{KIND}` = 'method'"
        runs = every_run(client, address, [parent.info.experiment_id], query)
        whole = _completeness(parent, runs)
        notes.append(whole["note"])
        rows += [
            {"method": run.info.run_name, **_columns(run.data.metrics), "started": _started(parent), "status": _status(run),
             "run_id": run.info.run_id, "model_uri": run.data.tags.get(MODEL_URI), "refit": run.data.params.get("refit"), **whole}
            for run in runs
        ]  # fmt: skip
    if not rows:
        why = f" ({notes[0]})" if notes[0] else ""
        raise StudyError(f"the latest run of the study {study!r} has no methods{why}: train or evaluate it again")
    table = pd.DataFrame(rows)
    fixed = ["started", "status", "run_id", "model_uri", "run_status", "methods_finished", "methods_planned", "note"]
    if table["refit"].isna().all():
        table = table.drop(columns="refit")
    else:
        fixed = ["refit", *fixed]
    table["methods_planned"] = table["methods_planned"].astype("Int64")
    logged = [column for column in table.columns if column not in ("method", *fixed)]
    wanted = [column_of(metric) for metric in metrics or ()]
    for metric in wanted:
        if metric not in logged:
            raise StudyError(f"the study {study!r} has no metric {metric!r}: {nearest(metric, logged)}")
    return table[["method", *(wanted or logged), *fixed]]


def _columns(metrics: Mapping[str, float]) -> dict[str, float]:
    """What was logged as the leaderboard calls it, in its order: stores of version 0.1 have the same names as those of today."""
    found = {column_of(name): value for name, value in metrics.items()}
    order = [name for name in (*UNITS, "n_events", "n_sites", "n_excluded", "train_s", "predict_s") if name in found]
    return {name: found[name] for name in (*order, *(name for name in found if name not in order))}


def _parents(client: Any, address: str, study: str, latest: int) -> list[Any]:
    with guarded(address):
        experiment = client.get_experiment_by_name(study)
        named = None if experiment is not None else study_run_of(client, study)
        if named is not None:
            return [named]
        if experiment is None:
            names = [known.name for known in every_experiment(client) if known.name != "Default"]
            hint = nearest(study, names) if names else "nothing was trained there yet"
            raise StudyError(f"there is no study {study!r} in {shown(address)}: {hint}")
    query = f"tags.`{KIND}` = 'study'"
    found = every_run(client, address, [experiment.experiment_id], query, "attributes.start_time DESC", latest)
    if not found:
        raise StudyError(f"the study {study!r} has no run in {shown(address)}: train or evaluate it")
    return found


def _completeness(parent: Any, methods: Sequence[Any]) -> dict[str, Any]:
    """How much of a study's run is there: ``run_status``, ``methods_finished``, ``methods_planned``, ``note``."""
    status = _status(parent)
    finished = sum(run.info.status == "FINISHED" for run in methods)
    noted = str(parent.data.tags.get(PLANNED, ""))
    planned = int(noted) if noted.isascii() and noted.isdigit() else None
    host, pid = (parent.data.tags.get(key) for key in (HOST, PID))
    where = f" by process {pid} on {host}" if host and pid else ""
    ends = {
        "KILLED": "the run was killed",
        "FAILED": "the run failed",
        "RUNNING": f"the run has not ended, it was started{where} at {_started(parent):%Y-%m-%d %H:%M} UTC",
    }
    end = ends.get(status)
    if end is None and planned is not None and finished < planned:
        end = "the run ended without the others"
    counted = f"{finished} of {planned} methods" if planned is not None else f"{finished} finished methods"
    note = None if end is None else f"{counted}, {end}"
    return {"run_status": status, "methods_finished": finished, "methods_planned": planned, "note": note}


def _status(run: Any) -> str:
    """Status of a run: KILLED as well where its process has ended and nobody has closed it yet."""
    open_still = run.info.status == "RUNNING"
    return "KILLED" if open_still and is_dead(run.data.tags) else str(run.info.status)


def _started(run: Any) -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp(run.info.start_time, unit="ms", tz="UTC")
