"""The MLflow store: where it is, whether it can be used, and one clear sentence when it cannot."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from cblcast.errors import StudyError
from cblcast.tracking.database_file import MAKING_SECONDS, SQLITE, check_file, check_place, make_store
from cblcast.tracking.reach import check_server
from cblcast.tracking.unusable import ENVIRONMENT_VARIABLE, shown, unusable

ARTIFACT = "forecaster"  # folder of a saved forecaster inside a registered model
DEFAULT_STORE = Path("models") / "mlflow.db"
_SWITCHES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # its own seven keep a user waiting for minutes before an error
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
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
        named = SQLITE + named
    path = sqlite_path(named)
    if path is not None:
        return SQLITE + path.as_posix()
    if named.startswith("file:") or ("://" not in named and named != "databricks"):
        raise StudyError(
            f"the store {shown(named)!r} is a folder, which MLflow no longer writes to: name a database, such as "
            "sqlite:///models/mlflow.db, or the address of a server"
        )
    return named


def sqlite_path(uri: str) -> Path | None:
    """Absolute path of an SQLite store, None for any other."""
    return Path(uri.removeprefix(SQLITE)).absolute() if uri.startswith(SQLITE) else None


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


def check_store(uri: str | None = None) -> None:
    """Find out in seconds, without MLflow and before any work, whether results can be kept; makes nothing.

    Raises
    ------
    StudyError
        The store cannot be used; see :func:`connect`.
    """
    address = store_uri(uri)
    path = sqlite_path(address)
    if path is None:
        check_server(address)
    else:
        check_place(path)


def connect(uri: str, *, writing: bool = False) -> Any:
    """A client of the store `uri`; a new SQLite store is made whole, under a lock.

    Raises
    ------
    StudyError
        The store is locked, is no database, cannot be written, cannot be reached, or, unless `writing`, is not there.
    """
    path = sqlite_path(uri)
    new = False
    if path is None:
        check_server(uri)
    else:
        new = check_file(path, writing)
    mlflow = quiet_mlflow()
    with guarded(uri):
        if path is not None and new:
            make_store(path, str(artifact_root(uri)))
        with _artifacts_beside(uri), _one_at_a_time(uri):
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
        except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
            if getattr(error, "error_code", None) == "INVALID_PARAMETER_VALUE":
                raise StudyError(f"MLflow refuses this: {str(error).splitlines()[0][:300]}") from error
            raise unusable(uri, str(error)) from error


def experiment_of(client: Any, uri: str, study: str) -> str:
    """Id of the experiment that holds the runs of `study`, made when there is none."""
    from mlflow.exceptions import MlflowException

    known = client.get_experiment_by_name(study)
    if known is None:
        try:
            return str(client.create_experiment(study, artifact_location=artifact_root(uri)))
        except MlflowException:  # another process made it in the meantime
            known = client.get_experiment_by_name(study)
            if known is None:
                raise
    if known.lifecycle_stage == "deleted":
        client.restore_experiment(known.experiment_id)
    return str(known.experiment_id)


def every_run(
    client: Any,
    uri: str,
    experiments: Sequence[str],
    query: str,
    order: str = "attributes.start_time ASC",
    most: int | None = None,
) -> list[Any]:
    """All runs that `query` finds, page by page."""
    found: list[Any] = []
    token = None
    with guarded(uri):
        while most is None or len(found) < most:
            page = client.search_runs(
                list(experiments), query, max_results=most or 1000, order_by=[order], page_token=token
            )
            found += page
            token = page.token
            if not token:
                break
    return found


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


def _one_at_a_time(uri: str) -> AbstractContextManager[Any]:
    """Of the processes of this machine that open a database server, which may be empty; nothing for any other store."""
    if uri.startswith((SQLITE, "http", "databricks")):
        return nullcontext()
    from filelock import FileLock

    user = getattr(os, "getuid", int)()  # nobody may open the lock of another user
    name = hashlib.sha256(f"{user} {uri}".encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"cblcast-{name}.lock", timeout=MAKING_SECONDS)
