"""What a run of the store holds: the study, the scored frames of its methods, what was left out."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cblcast.errors import StudyError
from cblcast.tracking.runs import KIND, PARENT
from cblcast.tracking.store import connect, every_run, guarded, store_uri
from cblcast.tracking.study_runs import study_run_of
from cblcast.tracking.unusable import shown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RunResults:
    """A study's run, read back.

    Attributes
    ----------
    run_id : str
    settings : dict
        The study as it was logged.
    status : str
    scored : DataFrame, index (site_id, origin, time)
        Rows of all methods that were logged.
    excluded : DataFrame
        ``method``, ``site_id``, ``origin`` (UTC), ``reason``.
    leaderboard : DataFrame, index method, or None
        As it was logged, money among it; None where an earlier version logged none.
    """

    run_id: str
    settings: dict[str, Any]
    status: str
    scored: pd.DataFrame
    excluded: pd.DataFrame
    leaderboard: pd.DataFrame | None = None


def run_results(run: str, *, uri: str | None = None) -> RunResults:
    """The results of a run of a study, named by its id, the id of one of its methods, or the name of the study (its latest run).

    Raises
    ------
    StudyError
        No such run or study, or one that holds no scored rows.
    """
    import pandas as pd
    import yaml

    address = store_uri(uri)
    client = connect(address)
    parent = _parent(client, address, run)
    experiments = [parent.info.experiment_id]
    methods = every_run(
        client, address, experiments, f"tags.`{PARENT}` = '{parent.info.run_id}' and tags.`{KIND}` = 'method'"
    )
    with tempfile.TemporaryDirectory() as folder, guarded(address):
        frames = [_artifact(client, each.info.run_id, "scored.parquet", folder) for each in methods]
        found = [pd.read_parquet(path) for path in frames if path is not None]
        settings = _artifact(client, parent.info.run_id, "study.yaml", folder)
        excluded = _artifact(client, parent.info.run_id, "excluded.csv", folder)
        board = _artifact(client, parent.info.run_id, "leaderboard.csv", folder)
        leaderboard = None if board is None else pd.read_csv(board, index_col=0, dtype={0: str})
        document = {} if settings is None else yaml.safe_load(settings.read_text(encoding="utf-8"))
        left_out = (
            pd.DataFrame(columns=["method", "site_id", "origin", "reason"])
            if excluded is None
            else pd.read_csv(excluded)
        )
    if not found or not document:
        raise StudyError(f"the run {run!r} holds no scored rows: name the run of a study that was trained or evaluated")
    scored = pd.concat(found).set_index(["site_id", "origin", "time"])
    left_out = left_out.assign(origin=pd.to_datetime(left_out["origin"], utc=True))
    return RunResults(parent.info.run_id, document, parent.info.status, scored, left_out, leaderboard)


def knows_study(name: str, *, uri: str | None = None) -> bool:
    """Whether a study is so called in the store; none is where there is no store."""
    address = store_uri(uri)
    try:
        client = connect(address)
        with guarded(address):
            return client.get_experiment_by_name(name) is not None
    except StudyError:
        return False


def _artifact(client: Any, run_id: str, name: str, folder: str) -> Path | None:
    if not any(each.path == name for each in client.list_artifacts(run_id)):
        return None
    own = Path(folder) / run_id
    own.mkdir(exist_ok=True)
    return Path(client.download_artifacts(run_id, name, str(own)))


def _parent(client: Any, address: str, run: str) -> Any:
    """The study's run that is meant."""
    with guarded(address):
        named = client.get_experiment_by_name(run)
        by_id = None if named is not None else study_run_of(client, run)
    if named is None:
        found = [] if by_id is None else [by_id]
    else:
        query = f"tags.`{KIND}` = 'study'"
        found = every_run(client, address, [named.experiment_id], query, "attributes.start_time DESC", 1)
    if not found:
        raise StudyError(f"{run!r} is no file, and no run or study of {shown(address)}: check the name, or --store")
    return found[0]
