"""Search ranges: what estimators declare, what a user changes, and how a choice becomes a method again.

An estimator declares its ranges in a class method ``search_space() -> {parameter: range}``, a range being
``("float", low, high, log)``, ``("int", low, high, log)`` or ``("categorical", [choices])``. Parameters of nested
estimators are named by their path: ``estimator__learning_rate``, ``members__0__alpha``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone

from cblcast import registry
from cblcast.abilities import Searchable, able
from cblcast.forecast.state import is_estimator
from cblcast.frames.events import Window
from cblcast.frames.schema import StudyError, nearest

KINDS = ("float", "int", "categorical")


@dataclass(frozen=True)
class SearchRange:
    """A typed, validated range of one parameter.

    Attributes
    ----------
    kind : {"float", "int", "categorical"}
    low, high : float
        Both ends are included.
    log : bool
        Search the logarithm; needs ``low > 0``.
    choices : tuple
        Of a categorical parameter: numbers, text, bool or None.
    """

    kind: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Any, ...] = ()

    @classmethod
    def of(cls, spec: Any, name: str) -> SearchRange:
        """A range from itself, ``(kind, low, high[, log])``, ``("categorical", choices)``, or a mapping of these names.

        Raises
        ------
        StudyError
            A range that is none; the sentence names the parameter `name`.
        """
        if isinstance(spec, SearchRange):
            return spec._checked(name)
        if isinstance(spec, Mapping):
            parts = dict(spec)
        elif isinstance(spec, Sequence) and not isinstance(spec, str) and spec and spec[0] == "categorical":
            parts = {"kind": "categorical", "choices": spec[1] if len(spec) == 2 else None}
        elif isinstance(spec, Sequence) and not isinstance(spec, str) and len(spec) in (3, 4):
            parts = dict(zip(("kind", "low", "high", "log"), spec, strict=False))
        else:
            parts = {"kind": None}
        if isinstance(parts.get("choices"), (list, tuple)):
            parts["choices"] = tuple(parts["choices"])
        try:
            return cls(**parts)._checked(name)
        except TypeError:
            raise StudyError(
                f"the search range of {name!r} is written [float, 0.01, 0.3, true] or [categorical, [a, b]], not {spec!r}"
            ) from None

    def to_list(self) -> list[Any]:
        """As a study writes it."""
        if self.kind == "categorical":
            return [self.kind, list(self.choices)]
        return [self.kind, self.low, self.high, self.log]

    def _checked(self, name: str) -> SearchRange:
        if self.kind not in KINDS:
            raise StudyError(f"the search range of {name!r} has the kind {self.kind!r}: known are {', '.join(KINDS)}")
        if self.kind == "categorical":
            if not isinstance(self.choices, tuple) or len(self.choices) < 2:
                raise StudyError(f"the search range of {name!r} offers no choice: list two values at least")
            if not all(value is None or isinstance(value, (bool, int, float, str)) for value in self.choices):
                raise StudyError(f"the choices of {name!r} must be numbers, text, true/false or null: {self.choices}")
            return self
        ends = (self.low, self.high)
        if not all(isinstance(end, (int, float)) and not isinstance(end, bool) and math.isfinite(end) for end in ends):
            raise StudyError(
                f"the search range of {name!r} needs two finite numbers, not {self.low!r} and {self.high!r}"
            )
        if not self.low < self.high:
            raise StudyError(f"the search range of {name!r} is empty: {self.low} is not below {self.high}")
        if self.log and self.low <= 0:
            raise StudyError(
                f"the search range of {name!r} is logarithmic and starts at {self.low}: it must be above 0"
            )
        if self.kind == "int" and any(end != int(end) for end in ends):
            raise StudyError(f"the search range of {name!r} is of whole numbers, and {self.low}, {self.high} are not")
        return self


def search_space(estimator: Any, changes: Mapping[str, Any] | None = None) -> dict[str, SearchRange]:
    """Ranges of an estimator and of all estimators inside it, by path.

    Parameters
    ----------
    estimator : estimator
    changes : mapping path -> range or None, optional
        Ranges that replace or join the declared ones; None keeps the parameter as it is. The last part of a path is
        enough where it is unambiguous (``learning_rate``).

    Raises
    ------
    StudyError
        An unknown or ambiguous path, a bad range, or nothing to search.
    """
    space: dict[str, SearchRange] = {}
    known: set[str] = set()
    for prefix, inner in _walk(estimator):
        known |= {prefix + name for name in inner.get_params(deep=False)}
        for name, declared in type(inner).search_space().items() if able(inner, Searchable) else ():
            space[prefix + name] = SearchRange.of(declared, prefix + name)
    for name, wanted in (changes or {}).items():
        path = _full_path(name, known)
        if wanted is None:
            space.pop(path, None)
        else:
            space[path] = SearchRange.of(wanted, path)
    if not space:
        raise StudyError(
            f"{type(estimator).__name__} declares no search ranges: name them, e.g. {{x: [int, 1, 10]}} "
            f"(its parameters are {', '.join(sorted(known)[:12]) or 'none'})"
        )
    return space


def _full_path(name: str, known: set[str]) -> str:
    if name in known:
        return name
    ends = sorted(path for path in known if path.endswith(f"__{name}"))
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise StudyError(f"the parameter {name!r} is in several places: write one of {', '.join(ends)}")
    raise StudyError(f"there is no parameter {name!r} to search: {nearest(name, known)}")


def _walk(estimator: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The estimator and all estimators in its parameters, each with the prefix of its parameters."""
    yield prefix, estimator
    for name, value in estimator.get_params(deep=False).items():
        for number, inner in enumerate(value if isinstance(value, (list, tuple)) else [value]):
            if is_estimator(inner):
                place = f"{name}__{number}" if isinstance(value, (list, tuple)) else name
                yield from _walk(inner, f"{prefix}{place}__")


def with_params(estimator: Any, params: Mapping[str, Any]) -> Any:
    """A fresh clone of `estimator` with parameters set by path."""
    made = clone(estimator)
    owners = dict(_walk(made))
    for path, value in params.items():
        prefix, _, name = path.rpartition("__")
        owners[f"{prefix}__" if prefix else ""].set_params(**{name: value})
    return made


def current_params(estimator: Any, paths: Sequence[str]) -> dict[str, Any]:
    """The values that `estimator` has now at `paths`."""
    owners = dict(_walk(estimator))
    found = {}
    for path in paths:
        prefix, _, name = path.rpartition("__")
        found[path] = owners[f"{prefix}__" if prefix else ""].get_params(deep=False)[name]
    return found


def spec_of(estimator: Any) -> dict[str, Any]:
    """An estimator as a study writes it: ``{estimator: Name, parameter: value, of: {…}}``; defaults are left out.

    Raises
    ------
    StudyError
        An estimator that is not registered.
    """
    cls = type(estimator)
    name = registry.ESTIMATORS.name_of(cls)
    if name is None:
        raise StudyError(f"{cls.__qualname__} is not registered: only registered methods can be written into a study")
    import inspect

    defaults = inspect.signature(cls).parameters
    spec: dict[str, Any] = {"estimator": name}
    for key, value in estimator.get_params(deep=False).items():
        if is_estimator(value) or key in ("estimator", "members"):
            spec["of" if key == "estimator" else key] = _plain(value)
        elif not _same(value, defaults[key].default):
            spec[key] = _plain(value)
    return spec


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _plain(value: Any) -> Any:
    """A value as YAML and JSON can hold it."""
    if is_estimator(value):
        return spec_of(value)
    if isinstance(value, Window):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value
