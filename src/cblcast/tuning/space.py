"""Search ranges: what estimators declare, what a user changes, and how a choice becomes a method again.

Ranges are those of :mod:`cblcast.estimators.ranges`. Parameters of nested estimators are named by their path:
``estimator__learning_rate``, ``members__0__alpha``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sklearn.base import clone

from cblcast import registry
from cblcast.abilities import Searchable, able
from cblcast.encoding import is_estimator
from cblcast.estimators.ranges import IntRange, SearchRange, range_of
from cblcast.frames.events import Window
from cblcast.frames.schema import StudyError, nearest


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
            space[prefix + name] = range_of(declared, prefix + name)
    for name, wanted in (changes or {}).items():
        path = _full_path(name, known)
        if wanted is None:
            space.pop(path, None)
        else:
            space[path] = _still_bound(range_of(wanted, path), space.get(path))
    if not space:
        raise StudyError(
            f"{type(estimator).__name__} declares no search ranges: name them, e.g. {{x: [int, 1, 10]}} "
            f"(its parameters are {', '.join(sorted(known)[:12]) or 'none'})"
        )
    return space


def _still_bound(wanted: SearchRange, declared: SearchRange | None) -> SearchRange:
    """Other ends do not undo what a parameter may not exceed."""
    if isinstance(wanted, IntRange) and isinstance(declared, IntRange) and wanted.at_most is None:
        return replace(wanted, at_most=declared.at_most)
    return wanted


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


def draw(trial: Any, given: Any, ranges: Mapping[str, SearchRange]) -> dict[str, Any]:
    """Values for `ranges`, drawn by a trial of Optuna; one that is bound by another parameter (``x <= y``) comes after it."""
    drawn: dict[str, Any] = {}
    for path, bound in _bounds_first(ranges):
        if bound is None:
            drawn[path] = ranges[path].suggest(trial, path)
        else:
            most = drawn[bound] if bound in drawn else current_params(given, [bound])[bound]
            drawn[path] = ranges[path].suggest(trial, path, most)  # type: ignore[call-arg]
    return {path: drawn[path] for path in ranges}


def widest(given: Any, ranges: Mapping[str, SearchRange]) -> Any:
    """The candidate that looks back furthest: every whole number at its largest that its bound allows."""
    largest: dict[str, int] = {}
    for path, bound in _bounds_first(ranges):
        searched = ranges[path]
        if isinstance(searched, IntRange):
            largest[path] = int(searched.high)
            if bound is not None:
                most = largest[bound] if bound in largest else current_params(given, [bound])[bound]
                largest[path] = min(largest[path], int(most))
    return with_params(given, largest)


def _bounds_first(ranges: Mapping[str, SearchRange]) -> list[tuple[str, str | None]]:
    """Each path with that of the parameter which it must not exceed, those without one first."""
    bounds: list[tuple[str, str | None]] = []
    for path, searched in ranges.items():
        prefix, separator, _ = path.rpartition("__")
        other = getattr(searched, "at_most", None)
        bounds.append((path, None if other is None else f"{prefix}{separator}{other}"))
    return sorted(bounds, key=lambda each: each[1] is not None)


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
