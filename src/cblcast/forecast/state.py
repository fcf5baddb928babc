"""Fitted state without pickle: JSON for structure, one npz file for arrays.

The state of an estimator is its trailing-underscore attributes. Each is a number, a string, None, an array, another
registered estimator, or a list or dict of those. Anything else is an error that names the attribute.

A file names what :mod:`cblcast.registry` names, never a module: code may move without breaking a saved model, and
nothing is made that nobody registered.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cblcast import registry
from cblcast.errors import DataError, StudyError, nearest
from cblcast.forecast.manifest import MOST_BYTES, format_of, read_unsealed, read_whole, seal, unseal

_JSON_FILE, _ARRAY_FILE = "model.json", "arrays.npz"
FORMAT = 2  # 1, of version 0.1, named "module:Class" and had no number
_KINDS = {"$estimator": registry.ESTIMATORS, "$part": registry.PARTS}


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
    document = {"format": FORMAT, "model": _encode(estimator, "model", arrays)}
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
    made = _decode(document["model"] if written > 1 else document, arrays)
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


def is_estimator(value: object) -> bool:
    """Whether `value` is saved by its parameters and its fitted attributes."""
    return hasattr(value, "get_params") and not isinstance(value, type)


def _is_state(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_")


def _encode(value: Any, place: str, arrays: dict[str, np.ndarray]) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, np.generic):
        return _encode(value.item(), place, arrays)
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject and all(isinstance(item, str) for item in value.flat):
            value = value.astype(str)  # scikit-learn keeps feature names so
        if value.dtype.hasobject:
            raise DataError(f"{place} is an array of Python objects, which is not saved: use a numeric or string dtype")
        name = place if place not in arrays else f"{place}#{len(arrays)}"  # keys may read alike: "a.b", or 1 and "1"
        arrays[name] = value
        return {"$array": name}
    if isinstance(value, (list, tuple)):
        kind = "$tuple" if isinstance(value, tuple) else "$list"
        return {kind: [_encode(item, f"{place}.{number}", arrays) for number, item in enumerate(value)]}
    if isinstance(value, dict):
        return {
            "$dict": [
                [_encode(key, f"{place}.key", arrays), _encode(item, f"{place}.{key}", arrays)]
                for key, item in value.items()
            ]
        }
    return _encode_object(value, place, arrays)


def _encode_object(value: Any, place: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    kind, name = _name_of(type(value), place)
    if is_estimator(value):
        params = value.get_params(deep=False)
        fitted = {name: item for name, item in vars(value).items() if _is_state(name)}
    else:
        params, fitted = {name: getattr(value, name) for name in value.__dataclass_fields__}, {}
    return {
        kind: name,
        "params": {name: _encode(item, f"{place}.{name}", arrays) for name, item in params.items()},
        "state": {name: _encode(item, f"{place}.{name}", arrays) for name, item in fitted.items()},
    }


def _name_of(cls: type, place: str) -> tuple[str, str]:
    for kind, table in _KINDS.items():
        name = table.name_of(cls)
        if name is not None:
            return kind, name
    raise DataError(
        f"{place} is a {cls.__module__}:{cls.__qualname__}, which cannot be saved without pickle: keep arrays, numbers "
        "and text, or register its class (cblcast.registry.ESTIMATORS.register)"
    )


def _decode(document: Any, arrays: dict[str, np.ndarray]) -> Any:
    if not isinstance(document, dict):
        return document
    readers = {
        "$float": lambda item: float(item),
        "$array": lambda item: arrays[item],
        "$list": lambda items: [_decode(item, arrays) for item in items],
        "$tuple": lambda items: tuple(_decode(item, arrays) for item in items),
        "$dict": lambda items: {_decode(key, arrays): _decode(item, arrays) for key, item in items},
    }
    for kind, read in readers.items():
        if kind in document:
            return read(document[kind])
    return _decode_object(document, arrays)


def _decode_object(document: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    made = _class_of(document)(**{key: _decode(item, arrays) for key, item in document["params"].items()})
    for key, item in document["state"].items():
        if not _is_state(key):
            raise DataError(f"the model sets {key!r}, which is no fitted state and hence not loaded: train it again")
        setattr(made, key, _decode(item, arrays))
    return made


def _class_of(document: dict[str, Any]) -> Any:
    """The class that a document names, if it is registered; nothing is imported on a stranger's word."""
    for kind, table in _KINDS.items():
        if kind not in document:
            continue
        name = str(document[kind])
        if name in table:
            return table.resolve(name)
        raise DataError(
            f"the model names the {table.what} {name!r}, which is not registered and hence not loaded "
            f"({nearest(name, table)}): install the package that adds it, or name its module with --plugin"
        )
    return _class_of_format_1(str(document.get("$class", "")))


def _class_of_format_1(path: str) -> Any:
    """The class of a model of version 0.1, which wrote ``cblcast.module:Class``; no class has changed its name since."""
    module, _, name = path.partition(":")
    for table in _KINDS.values():
        if module.startswith("cblcast.") and name in table:
            return table.resolve(name)
    raise DataError(f"the model names the class {path!r}, which is none that cblcast saves: it is not loaded")
