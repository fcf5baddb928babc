"""Parameters checked by their annotations, where they are declared, and told in words where one is not kept.

``x: int`` takes whole numbers and no 2.5, ``share: Share`` numbers from 0 to 1 (:mod:`cblcast.checked.parameters`); every number is
finite. Lists, tuples and arrays may stand for one another. An annotation that says nothing checkable (a class of one's own,
Any) is left to its owner, so own parts are checked by the annotations that they have anyway.
"""

from __future__ import annotations

import inspect
import math
import reprlib
import types
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from functools import lru_cache
from numbers import Integral, Real
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from cblcast.checked.parameters import items_of
from cblcast.errors import StudyError, nearest

LONGEST_LIST = 100_000
_LARGEST = 2**63 - 1
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = 4


def allowed(cls: type) -> dict[str, str]:
    """Parameter -> what it may be, in words; only those whose annotation says something."""
    return {name: _said(hint) for name, hint in _hints(cls).items() if _said(hint)}


def check_values(cls: type, values: Mapping[str, Any], owner: str | None = None) -> None:
    """Refuse the first of `values` that its parameter does not take.

    Parameters
    ----------
    cls : type
        Whose parameters they are.
    values : mapping name -> value
    owner : str, optional
        What errors call `cls`; its name unless given.

    Raises
    ------
    StudyError
        The parameter, the value and what is allowed, in one sentence.
    """
    hints = _hints(cls)
    for name, value in values.items():
        if name in hints and not _holds(hints[name], value):
            near = _nearest_word(hints[name], value)
            raise StudyError(
                f"{owner or cls.__name__}: {name} must be {_said(hints[name])}, not {_shown(value)}{near}: mend it"
            )


def check_fields(part: object) -> None:
    """Refuse the first parameter of `part`, an estimator or a dataclass, whose value it does not take."""
    cls: type = type(part)
    check_values(cls, {name: getattr(part, name) for name in _hints(cls) if hasattr(part, name)})


@lru_cache(maxsize=512)
def _hints(cls: type) -> dict[str, Any]:
    """Annotation of each parameter of a class; none where they cannot be told."""
    try:
        found = get_type_hints(cls if is_dataclass(cls) else vars(_owner_of_init(cls))["__init__"], include_extras=True)
        known = inspect.signature(cls).parameters
    except (NameError, TypeError, ValueError, AttributeError):  # names for a type checker only; no Python
        return {}
    return {name: found[name] for name in known if name in found}


def _owner_of_init(cls: type) -> type:
    """The class among the parents of `cls` that writes its parameters down."""
    return next(parent for parent in cls.__mro__ if "__init__" in vars(parent))


def _holds(hint: Any, value: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _holds(parts[0], value) and all(_allows(bound, value) for bound in parts[1:])
    if origin in (Union, types.UnionType):
        return any(_holds(part, value) for part in parts)
    if origin is Literal:
        return any(value is part or (type(value) is type(part) and value == part) for part in parts)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            _holds(parts[0], key) and _holds(parts[1], item) for key, item in value.items()
        )
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _holds_items(origin, parts, value)
    return _is_a(hint, value)


def _holds_items(origin: type, parts: tuple[Any, ...], value: Any) -> bool:
    items = items_of(value)
    if items is None or len(items) > LONGEST_LIST:
        return False
    if origin is tuple and Ellipsis not in parts:
        return len(items) == len(parts) and all(map(_holds, parts, items))
    return all(_holds(parts[0], item) for item in items)


def _is_a(hint: Any, value: Any) -> bool:
    if hint is type(None):
        return value is None
    truth = type(value).__name__ in ("bool", "bool_")  # Python counts bool among the whole numbers
    if hint is bool:
        return truth
    if hint is int:
        return not truth and isinstance(value, Integral) and abs(int(value)) <= _LARGEST
    if hint is float:
        return not truth and isinstance(value, Real) and _finite(value)
    if hint is str:
        return isinstance(value, str)
    if isinstance(hint, type) and hint.__module__.startswith("cblcast."):
        return isinstance(value, hint)
    return True


def _allows(bound: Any, value: Any) -> bool:
    if not hasattr(bound, "allows"):  # another library's
        return True
    try:
        return bool(bound.allows(value))
    except (TypeError, ValueError):
        return False


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _shown(value: Any) -> str:
    return " ".join(_SHORT.repr(value).split())


_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}


def _said(hint: Any) -> str:
    """An annotation in words, empty where it says nothing."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        words = _said(parts[0])
        for bound in parts[1:]:
            words = bound.said(words) if hasattr(bound, "said") else words
        return words
    if origin in (Union, types.UnionType):
        return ", or ".join(dict.fromkeys(filter(None, map(_said, parts))))
    if origin is Literal:
        return f"{'one of ' if len(parts) > 1 else ''}{', '.join(map(repr, parts))}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping of {_said(parts[0]) or 'keys'} to {_said(parts[1]) or 'values'}"
    if origin is tuple and Ellipsis not in parts:
        return f"a list of {len(parts)}: {', '.join(_said(part) or 'anything' for part in parts)}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"a list, each item {_said(parts[0])}" if _said(parts[0]) else "a list"
    if isinstance(hint, type) and hint.__module__.startswith("cblcast."):
        return f"a {hint.__name__}"
    return _WORDS.get(hint, "")


def _nearest_word(hint: Any, value: Any) -> str:
    """An offer where one of some words was meant."""
    parts = get_args(hint)
    given = parts if get_origin(hint) is Literal else [c for part in parts for c in getattr(part, "choices", ())]
    words = [part for part in given if isinstance(part, str)]
    return f" ({nearest(value, words)})" if isinstance(value, str) and words else ""
