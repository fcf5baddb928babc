"""Fitted state without pickle: JSON for structure, one npz file for arrays.

The state of an estimator is its trailing-underscore attributes. Each is a number, a string, None, an array, another
cblcast estimator, or a list or dict of those. Anything else is an error that names the attribute.
"""

from __future__ import annotations

import importlib
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from cblcast.schema import DataError

_JSON_FILE, _ARRAY_FILE = "model.json", "arrays.npz"
_OWN_PACKAGE = "cblcast."


def save_state(estimator: Any, folder: Path) -> None:
    """Write an estimator's class, parameters and fitted state into `folder` (which must exist)."""
    arrays: dict[str, np.ndarray] = {}
    document = _encode(estimator, "model", arrays)
    np.savez(folder / _ARRAY_FILE, allow_pickle=False, **arrays)
    (folder / _JSON_FILE).write_text(json.dumps(document, indent=1), encoding="utf-8")


def load_state(folder: Path) -> Any:
    """The estimator that :func:`save_state` wrote; only classes of cblcast itself are made."""
    try:
        document = json.loads((folder / _JSON_FILE).read_text(encoding="utf-8"))
        with (folder / _ARRAY_FILE).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"the model in {folder.name!r} cannot be read ({error}): train and register it again"
        ) from error
    return _decode(document, arrays)


def is_estimator(value: object) -> bool:
    """Whether `value` is saved by its parameters and its fitted attributes."""
    return hasattr(value, "get_params") and not isinstance(value, type)


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
    path = f"{type(value).__module__}:{type(value).__qualname__}"
    if not path.startswith(_OWN_PACKAGE):
        raise DataError(
            f"{place} is a {path}, which cannot be saved without pickle: keep arrays, numbers and text, "
            "or wrap it in an estimator of cblcast"
        )
    if is_estimator(value):
        params = value.get_params(deep=False)
        fitted = {name: item for name, item in vars(value).items() if name.endswith("_") and not name.startswith("_")}
    elif hasattr(value, "__dataclass_fields__"):
        params, fitted = {name: getattr(value, name) for name in value.__dataclass_fields__}, {}
    else:
        raise DataError(f"{place} is a {path}, neither an estimator nor a dataclass: it cannot be saved")
    return {
        "$class": path,
        "params": {name: _encode(item, f"{place}.{name}", arrays) for name, item in params.items()},
        "state": {name: _encode(item, f"{place}.{name}", arrays) for name, item in fitted.items()},
    }


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
    made = _own_class(str(document.get("$class", "")))(
        **{key: _decode(item, arrays) for key, item in document["params"].items()}
    )
    for key, item in document["state"].items():
        setattr(made, key, _decode(item, arrays))
    return made


def _own_class(path: str) -> Any:
    """The class at ``module:Class``, if it is an estimator or a dataclass that cblcast itself defines."""
    module, _, name = path.partition(":")
    if module.startswith(_OWN_PACKAGE):
        try:
            found = getattr(importlib.import_module(module), name, None)
        except ModuleNotFoundError as error:
            if not str(error.name).startswith(_OWN_PACKAGE):
                raise
            found = None
        # What a module merely imports, and its functions, must not be called on a stranger's word.
        if isinstance(found, type) and found.__module__ == module and _is_saved_kind(found):
            return found
    raise DataError(f"the model names the class {path!r}, which is none that cblcast saves: it is not loaded")


def _is_saved_kind(kind: type) -> bool:
    return hasattr(kind, "get_params") or hasattr(kind, "__dataclass_fields__")
