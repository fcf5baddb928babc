"""The SQLite file of a store: whether it can be used, and how a new one is made, whole or not at all.

MLflow makes its tables one by one, in seconds. A process that opens the file in the meantime, or one that is killed on
the way, leaves tables that no later start can complete. So a new store is made as a draft, under a lock that the system
takes from a dead process, and gets its name when it is whole.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from cblcast.errors import StudyError
from cblcast.tracking.unusable import ENVIRONMENT_VARIABLE, unusable

SQLITE = "sqlite:///"
LOCK_SECONDS = 5.0
MAKING_SECONDS = 300.0  # a new store takes two, of a busy machine a hundred
_VERSIONS = Path("store") / "db_migrations" / "versions"


def check_file(path: Path, writing: bool) -> bool:
    """Find out at once what MLflow would find out after a minute of retries; True when the store is still to be made.

    Raises
    ------
    StudyError
        The file is no store of this MLflow, is locked, or cannot be written; or, unless `writing`, is not there.
    """
    uri = SQLITE + path.as_posix()
    try:
        if path.is_dir():
            raise unusable(uri, "it is a folder, not a file")
        if not path.exists() and not writing:
            raise StudyError(f"there is no MLflow store {uri}: train a study first, or set {ENVIRONMENT_VARIABLE}")
        if writing:
            _check_folder(path)
        tables, schema = _look(path, writing) if path.exists() else (set(), None)
    except (sqlite3.Error, OSError) as error:
        raise unusable(uri, str(error)) from error
    if not tables:
        if not writing:
            raise StudyError(f"the MLflow store {uri} is empty: train a study first, or set {ENVIRONMENT_VARIABLE}")
        return True
    if "experiments" not in tables or schema is None:
        raise unusable(uri, f"it is a database of something else, with the table {min(tables)!r}")
    _check_schema(uri, schema)
    return False


def check_place(path: Path) -> None:
    """Whether a store can be at `path`, before work is done for it; nothing is made there.

    Raises
    ------
    StudyError
        As :func:`check_file`; or the folder that would be made has no place.
    """
    if path.exists():
        check_file(path, True)
        return
    near = next(folder for folder in path.parents if folder.exists())
    if not near.is_dir() or not os.access(near, os.W_OK | os.X_OK):
        raise unusable(SQLITE + path.as_posix(), f"{near} is no folder that may be written to")


def make_store(path: Path, artifacts: str) -> None:
    """Make the store `path`, unless another process does so first; MLflow must be loaded."""
    from filelock import FileLock, Timeout

    lock = _lock_of(path)
    try:
        with FileLock(lock, timeout=MAKING_SECONDS):
            if path.exists() and _look(path, False)[0]:
                return
            draft = path.with_name(f".{path.name}.draft")
            _remove(draft)  # of a process that was killed here
            try:
                _make_tables(draft, artifacts)
                os.replace(draft, path)
            finally:
                _remove(draft)
    except Timeout as error:
        raise unusable(
            SQLITE + path.as_posix(), f"another process has been making it for {MAKING_SECONDS:.0f} s, see {lock}"
        ) from error


def _remove(draft: Path) -> None:
    for left in (draft, Path(f"{draft}-journal")):
        left.unlink(missing_ok=True)


def _make_tables(draft: Path, artifacts: str) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(SQLITE + draft.as_posix(), artifacts).engine.dispose()


def _check_folder(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK | os.X_OK):  # SQLite writes its journal there
        raise PermissionError(f"the folder {path.parent} may not be written to")
    if not path.exists():
        _lock_of(path).touch()


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _look(path: Path, writing: bool) -> tuple[set[str], str | None]:
    """Names of the tables, and the version of MLflow's schema."""
    with closing(
        sqlite3.connect(f"{path.as_uri()}?mode={'rw' if writing else 'ro'}", uri=True, timeout=LOCK_SECONDS)
    ) as link:
        tables = {name for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if writing:
            link.execute("BEGIN IMMEDIATE")
            link.rollback()
        found = (
            link.execute("SELECT version_num FROM alembic_version").fetchone() if "alembic_version" in tables else None
        )
    return tables, None if found is None else str(found[0])


def _check_schema(uri: str, schema: str) -> None:
    """Whether this MLflow wrote the store, told by its migrations: alembic would take half a second to say so."""
    found = find_spec("mlflow")
    folder = Path((found.submodule_search_locations or [""])[0] if found else "") / _VERSIONS
    texts = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py"))]
    named = re.escape(schema)
    if not texts:
        return  # MLflow keeps them elsewhere: it will say itself
    if not any(re.search(rf"^revision\s*=\s*[\"']{named}[\"']", text, re.MULTILINE) for text in texts):
        raise StudyError(
            f"the MLflow store {uri} was written by a newer MLflow (schema {schema}): update mlflow, "
            f"or name another store in {ENVIRONMENT_VARIABLE}"
        )
    if any(re.search(rf"^down_revision\s*=\s*[\"']{named}[\"']", text, re.MULTILINE) for text in texts):
        raise StudyError(
            f"the MLflow store {uri} was written by an older MLflow (schema {schema}): keep a copy of the file and run "
            f"'mlflow db upgrade {uri}', or name another store in {ENVIRONMENT_VARIABLE}"
        )
