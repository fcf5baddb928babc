"""Values as JSON and arrays, without pickle: numbers, text, None, arrays, lists, dicts, and estimators that the registry names.

A document names what :mod:`cblcast.registry` names, never a module: code may move without breaking a saved model, and
nothing is made that nobody registered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from cblcast import registry
from cblcast.errors import DataError, nearest

_KINDS = {"$estimator": registry.ESTIMATORS, "$part": registry.PARTS}


def is_estimator(value: object) -> bool:
    """Whether `value` is saved by its parameters and its fitted attributes."""
    return hasattr(value, "get_params") and not isinstance(value, type)


def _is_state(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_")


def encoded(value: Any, place: str, arrays: dict[str, np.ndarray]) -> Any:
    """`value` as JSON holds it; its arrays are put into `arrays`, by names that begin with `place`.

    Raises
    ------
    DataError
        Something in it cannot be kept so; its place is named.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, np.generic):
        return encoded(value.item(), place, arrays)
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
        return {kind: [encoded(item, f"{place}.{number}", arrays) for number, item in enumerate(value)]}
    if isinstance(value, dict):
        return {
            "$dict": [
                [encoded(key, f"{place}.key", arrays), encoded(item, f"{place}.{key}", arrays)]
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
        "params": {name: encoded(item, f"{place}.{name}", arrays) for name, item in params.items()},
        "state": {name: encoded(item, f"{place}.{name}", arrays) for name, item in fitted.items()},
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


def decoded(document: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The value that :func:`encoded` wrote; only registered classes are made.

    Raises
    ------
    DataError
        It names a class that is not registered.
    """
    if not isinstance(document, dict):
        return document
    readers = {
        "$float": lambda item: float(item),
        "$array": lambda item: arrays[item],
        "$list": lambda items: [decoded(item, arrays) for item in items],
        "$tuple": lambda items: tuple(decoded(item, arrays) for item in items),
        "$dict": lambda items: {decoded(key, arrays): decoded(item, arrays) for key, item in items},
    }
    for kind, read in readers.items():
        if kind in document:
            return read(document[kind])
    return _decode_object(document, arrays)


def _decode_object(document: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
    made = _class_of(document)(**{key: decoded(item, arrays) for key, item in document["params"].items()})
    for key, item in document["state"].items():
        if not _is_state(key):
            raise DataError(f"the model sets {key!r}, which is no fitted state and hence not loaded: train it again")
        setattr(made, key, decoded(item, arrays))
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
