"""The MLflow store: where it is, whether it can be used, and one clear sentence when it cannot."""

from __future__ import annotations

import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from cblcast.frames.schema import StudyError

ARTIFACT = "forecaster"  # folder of a saved forecaster inside a registered model
DEFAULT_STORE = Path("models") / "mlflow.db"
ENVIRONMENT_VARIABLE = "MLFLOW_TRACKING_URI"
LOCK_SECONDS = 5.0
_SQLITE = "sqlite:///"
_SWITCHES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # its own seven keep a user waiting for minutes before an error
}


def store_uri(uri: str | None = None) -> str:
    """Address of the MLflow store: `uri`, else MLFLOW_TRACKING_URI, else ``models/mlflow.db`` under the working folder.

    Parameters
    ----------
    uri : str, optional
        ``sqlite:///folder/mlflow.db``, the address of a server, or the path of a ``.db`` file.

    Returns
    -------
    str
        An SQLite address is absolute, so that it stays the same store after a change of folder.

    Raises
    ------
    StudyError
        A folder or ``file:`` address, which MLflow no longer takes as a store.
    """
    named = uri or os.environ.get(ENVIRONMENT_VARIABLE) or str(DEFAULT_STORE)
    if "://" not in named and named.endswith(".db"):
        named = _SQLITE + named
    path = sqlite_path(named)
    if path is not None:
        return _SQLITE + path.as_posix()
    if named.startswith("file:") or ("://" not in named and named != "databricks"):
        raise StudyError(
            f"the store {named!r} is a folder, which MLflow no longer writes to: name a database, such as "
            "sqlite:///models/mlflow.db, or the address of a server"
        )
    return named


def sqlite_path(uri: str) -> Path | None:
    """Absolute path of an SQLite store, None for any other."""
    return Path(uri.removeprefix(_SQLITE)).absolute() if uri.startswith(_SQLITE) else None


def artifact_root(uri: str) -> str | None:
    """Where new experiments keep their files: beside an SQLite store; a server decides for itself."""
    path = sqlite_path(uri)
    return None if path is None else (path.parent / "artifacts").as_uri()


def quiet_mlflow() -> Any:
    """The module mlflow, without telemetry, progress bars and log lines."""
    for name, value in _SWITCHES.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)  # prints the stack of what it raises anyway
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return mlflow


def connect(uri: str, *, writing: bool = False) -> Any:
    """A client of the store `uri`.

    Raises
    ------
    StudyError
        The store is locked, is no database, cannot be written, cannot be reached, or, unless `writing`, is not there.
    """
    path = sqlite_path(uri)
    if path is not None:
        _check_file(path, writing)
    mlflow = quiet_mlflow()
    with guarded(uri):
        with _artifacts_beside(uri):
            client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
            client.search_experiments(max_results=1)  # opens the store, and makes the tables of a new one
        return client


@contextmanager
def guarded(uri: str) -> Iterator[None]:
    """Turn whatever the store throws into one sentence, and keep MLflow's own warnings from the user."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (MlflowException, SQLAlchemyError, OSError) as error:
            if getattr(error, "error_code", None) == "INVALID_PARAMETER_VALUE":
                raise StudyError(f"MLflow refuses this: {str(error).splitlines()[0][:300]}") from error
            raise _sentence(uri, str(error)) from error


def experiment_of(client: Any, uri: str, study: str) -> str:
    """Id of the experiment that holds the runs of `study`, made when there is none."""
    known = client.get_experiment_by_name(study)
    if known is None:
        return str(client.create_experiment(study, artifact_location=artifact_root(uri)))
    if known.lifecycle_stage == "deleted":
        client.restore_experiment(known.experiment_id)
    return str(known.experiment_id)


@contextmanager
def _artifacts_beside(uri: str) -> Iterator[None]:
    """MLflow makes a folder ./mlruns for its default experiment unless this variable names another."""
    name, root = "_MLFLOW_SERVER_ARTIFACT_ROOT", artifact_root(uri)
    if root is None or name in os.environ:
        yield
        return
    os.environ[name] = root
    try:
        yield
    finally:
        del os.environ[name]


def _check_file(path: Path, writing: bool) -> None:
    """Find out at once what MLflow would find out after a minute of retries."""
    uri = _SQLITE + path.as_posix()
    try:
        if not path.exists():
            if not writing:
                raise StudyError(f"there is no MLflow store {uri}: train a study first, or set {ENVIRONMENT_VARIABLE}")
            path.parent.mkdir(parents=True, exist_ok=True)
            return
        with closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
            if writing:
                connection.execute("BEGIN IMMEDIATE")
                connection.rollback()
    except (sqlite3.Error, OSError) as error:
        raise _sentence(uri, str(error)) from error


def _sentence(uri: str, message: str) -> StudyError:
    if "database is locked" in message:
        return StudyError(
            f"the MLflow store {uri} is locked by another process: wait until that has finished, "
            f"or name another store in {ENVIRONMENT_VARIABLE}"
        )
    lines = [line for line in message.splitlines() if line.strip()] or ["no reason given"]
    return StudyError(
        f"the MLflow store {uri} cannot be used ({lines[0].rstrip('.: ')[:300]}): mend it, "
        f"or name another store in {ENVIRONMENT_VARIABLE}"
    )
