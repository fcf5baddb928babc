"""Fitted state without pickle: JSON for structure, one npz file for arrays.

The state of an estimator is its trailing-underscore attributes. Each is a number, a string, None, an array, another
registered estimator, or a list or dict of those. Anything else is an error that names the attribute.

What a document may hold, and name: :mod:`cblcast.encoding`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cblcast.encoding import decoded, encoded, is_estimator
from cblcast.errors import DataError, StudyError
from cblcast.forecast.manifest import MOST_BYTES, format_of, read_unsealed, read_whole, seal, unseal

_JSON_FILE, _ARRAY_FILE = "model.json", "arrays.npz"
FORMAT = 2  # 1, of version 0.1, named "module:Class" and had no number


def save_state(estimator: Any, folder: Path, further: Mapping[str, str] | None = None) -> None:
    """Write an estimator's class, parameters and fitted state into `folder` (which must exist), the manifest last.

    Parameters
    ----------
    estimator : estimator
    folder : Path
    further : mapping name -> text, optional
        Files that are saved with it.
    """
    arrays: dict[str, np.ndarray] = {}
    document = {"format": FORMAT, "model": encoded(estimator, "model", arrays)}
    texts = {**(further or {}), _JSON_FILE: json.dumps(document, indent=1)}
    names = (*texts, _ARRAY_FILE)
    unseal(folder, names)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    np.savez(folder / _ARRAY_FILE, allow_pickle=False, **arrays)
    seal(folder, names)


def load_state(folder: Path) -> Any:
    """The estimator that :func:`save_state` wrote, of this version or an earlier one; only registered classes are made.

    Raises
    ------
    DataError
        A file that is not what was saved, cannot be read, or names a class that is not registered.
    StudyError
        A newer version wrote it.
    """
    with readable(folder):
        return state_of(files_of(folder), folder)


def files_of(folder: Path, *needed: str, digest: str | None = None) -> dict[str, bytes]:
    """Content of the files of a saved model, checked by its manifest; a model of version 0.1 has none.

    Parameters
    ----------
    folder : Path
    needed : str
        Files that it must have beside those of its estimator.
    digest : str, optional
        SHA-256 of the manifest, as noted when the model was saved.
    """
    names = (_JSON_FILE, _ARRAY_FILE, *needed)
    files = read_whole(folder, digest)
    if files is None:
        return {name: read_unsealed(folder, name) for name in names}
    for name in names:
        if name not in files:
            raise DataError(f"the model in {folder.name!r} has no {name}: train and register it again")
    return files


def state_of(files: Mapping[str, bytes], folder: Path) -> Any:
    """The estimator whose files these are; `folder` is where they lay, for what has to be said of them."""
    document = json.loads(files[_JSON_FILE].decode("utf-8"))
    with zipfile.ZipFile(io.BytesIO(files[_ARRAY_FILE])) as packed:  # np.load takes other files too
        unpacked = sum(member.file_size for member in packed.infolist())
        if unpacked > MOST_BYTES:
            raise DataError(f"{_ARRAY_FILE} holds {unpacked} bytes, where {MOST_BYTES} are the most: train it again")
    with np.load(io.BytesIO(files[_ARRAY_FILE]), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    written = format_of(document, FORMAT, unsaid=1)
    made = decoded(document["model"] if written > 1 else document, arrays)
    if not is_estimator(made):
        raise DataError(f"the model in {folder.name!r} holds no estimator: train and register it again")
    return made


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Whatever is wrong with the files of a saved model, said in one sentence; a stranger may have written them."""
    try:
        yield
    except (DataError, StudyError):
        raise
    except (
        OSError,
        EOFError,
        ValueError,
        zipfile.BadZipFile,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        MemoryError,
    ) as error:
        raise DataError(
            f"the model in {folder.name!r} cannot be read ({type(error).__name__}: {error}): train and register it again"
        ) from error
