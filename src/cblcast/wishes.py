"""Wishes for features: what several parts of a method want of the builders, merged into one set that serves them all.

A wish is ``{builder: {parameter: value}}``; what it leaves out it leaves to others. How a parameter of two wishes joins is
declared at the builder's own field: :func:`union`, :func:`widest` or :func:`alone`; a plain field must be equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, fields, is_dataclass
from typing import Any

from cblcast import registry
from cblcast.errors import StudyError

Wish = Mapping[str, Mapping[str, Any] | None]
_JOIN, _WHY = "join", "why"


def joined(default: Any, how: Callable[[Any, Any], Any]) -> Any:
    """A field of which two values join by a function of the builder's own, which may refuse with its own sentence."""
    return field(default=default, metadata={_JOIN: how})


def union(default: tuple[Any, ...]) -> Any:
    """A field that holds a list: who wants more items than another gets all of both."""
    return joined(default, _union)


def widest(default: float) -> Any:
    """A field whose larger value serves also who asked for less: days, hours, or a switch that adds columns."""
    return joined(default, max)


def alone(default: Any, why: str) -> Any:
    """A field of which two wishes cannot both be served; `why` is the sentence that says so and what helps."""
    return field(default=default, metadata={_WHY: why})


def merge_wishes(*wishes: Wish | Iterable[Any]) -> dict[str, dict[str, Any]]:
    """One set of builders that serves all wishes.

    Parameters
    ----------
    *wishes : mapping builder -> parameters, or sequence of builders
        A builder with a prefix of its own stands apart from its namesakes: ``reference_days/far``.

    Returns
    -------
    dict
        Builder (with its prefix, if that is its own) -> parameters as the builder keeps them.

    Raises
    ------
    StudyError
        Unknown builder or parameter; two wishes that contradict each other.
    """
    merged: dict[str, dict[str, Any]] = {}
    for wish in wishes:
        for name, given in _pairs(wish):
            params = {str(key): _frozen(value) for key, value in (given or {}).items()}
            made = builder_of(name, params)
            own = {key: getattr(made, key) for key in params}
            into = merged.setdefault(_key(name, made), {})
            for key, value in own.items():
                into[key] = _join(made, name, key, into[key], value) if key in into else value
    return merged


def _pairs(wish: Wish | Iterable[Any]) -> list[tuple[str, Mapping[str, Any] | None]]:
    if isinstance(wish, (str, bytes)) or not isinstance(wish, Iterable):
        raise StudyError(
            f"features are a mapping {{calendar: {{}}}} or a list of builders [ReferenceDays(days=10)], not {wish!r}"
        )
    pairs: list[tuple[Any, Any]] = (
        list(wish.items()) if isinstance(wish, Mapping) else [wish_of(builder) for builder in wish]
    )
    for name, params in pairs:
        if not isinstance(name, str) or not (params is None or isinstance(params, Mapping)):
            raise StudyError(
                f"features name a builder and map its parameters, {{days: 10}} or {{}}: not {name!r}: {params!r}"
            )
    return pairs


def builder_of(name: str, params: Mapping[str, Any]) -> Any:
    """The feature builder that one entry of a wish describes.

    Parameters
    ----------
    name : str
        Registered name, with a prefix after a slash where there are several of one kind: ``reference_days/far``.
    params : mapping
    """
    name, _, prefix = name.partition("/")
    return registry.FEATURES.make(name, {**params, "prefix": prefix} if prefix else params)


def wish_of(builder: Any) -> tuple[str, dict[str, Any]]:
    """Name and parameters of a builder given as an object: all of them, since nothing of it was left to others."""
    name = registry.FEATURES.name_of(type(builder))
    if name is None or not is_dataclass(builder):
        raise StudyError(
            f"{builder!r} is no registered feature builder: give an instance of one (ReferenceDays(days=10)), or register "
            "your own frozen dataclass by @cblcast.registry.FEATURES.register"
        )
    return name, {each.name: getattr(builder, each.name) for each in fields(builder) if each.init}


def _key(name: str, made: Any) -> str:
    name, _, _ = name.partition("/")
    default = {each.name: each.default for each in fields(made)}.get("prefix") if is_dataclass(made) else None
    prefix = getattr(made, "prefix", default)
    return name if prefix == default else f"{name}/{prefix}"


def _frozen(value: Any) -> Any:
    """Lists of a study as tuples, since builders are hashed."""
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value


def _union(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _join(made: Any, name: str, key: str, one: Any, other: Any) -> Any:
    if one == other or other is None:
        return one
    if one is None:
        return other
    how: Mapping[str, Any] = next((each.metadata for each in fields(made) if each.name == key), {})
    if _JOIN in how:
        try:
            return how[_JOIN](one, other)
        except TypeError:
            raise StudyError(
                f"two parts of a method want {name} with {key}={one!r} and {key}={other!r}, which are of different kinds: "
                "mend the wrong one"
            ) from None
    remedy = "give both the same, or one of them another prefix" if hasattr(made, "prefix") else "give both the same"
    why = how.get(_WHY, remedy)
    raise StudyError(f"two parts of a method want {name} with {key}={one!r} and {key}={other!r}: {why}")
