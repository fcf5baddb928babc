"""A short way to a registered model: MLflow takes two seconds to load, scoring one event a tenth of one.

It answers only the plain case, a model whose files lie on this machine under a name in an SQLite store. For all else,
and for every error, it says nothing and MLflow is asked.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlparse
from urllib.request import url2pathname

from cblcast.tracking.store import sqlite_path

_QUERY = """
SELECT coalesce(v.storage_location, v.source),
    (SELECT t.value FROM model_version_tags t WHERE t.name = v.name AND t.version = v.version AND t.key = :tag)
FROM model_versions v
WHERE v.name = :name AND v.current_stage <> 'Deleted_Internal' AND v.version = coalesce(:version,
    (SELECT a.version FROM registered_model_aliases a WHERE a.name = v.name AND a.alias = :alias))
"""


class Near(NamedTuple):
    """The folder of a registered model on this machine, and the value of the tag that was asked for."""

    folder: Path
    noted: str | None


def local_folder(uri: str, tag: str, name: str, alias: str | None, version: str | None) -> Near | None:
    """Folder of the registered model with the value of its `tag`, None when MLflow has to be asked."""
    store = sqlite_path(uri)
    if store is None or not store.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:
            number = None if version is None else int(version)
            found = connection.execute(_QUERY, {"tag": tag, "name": name, "alias": alias, "version": number}).fetchall()
    except (sqlite3.Error, OverflowError):  # or a version of more digits than SQLite has
        return None
    if len(found) != 1 or not str(found[0][0]).startswith("file:"):
        return None
    folder = Path(url2pathname(urlparse(found[0][0]).path))
    return Near(folder, found[0][1]) if (folder / "MLmodel").is_file() else None
