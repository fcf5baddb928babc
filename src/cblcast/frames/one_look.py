"""What builders of features share while they look at the same cases of the same panel: found once, and forgotten with the look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class _Look:
    panel: object
    cases: object
    found: dict[Callable[[Any, Any], Any], Any] = field(default_factory=dict)


_NOW: ContextVar[_Look | None] = ContextVar("_NOW", default=None)


@contextmanager
def one_look(panel: object, cases: object) -> Iterator[None]:
    """While it lasts, :func:`shared` finds each thing of these cases of this panel once. Nobody may change either meanwhile."""
    token = _NOW.set(_Look(panel, cases))
    try:
        yield
    finally:
        _NOW.reset(token)


def shared(find: Callable[[Any, Any], Found], panel: object, cases: object) -> Found:
    """``find(panel, cases)``, or what it gave before within one look at these two."""
    look = _NOW.get()
    if look is None or look.panel is not panel or look.cases is not cases:
        return find(panel, cases)
    if find not in look.found:
        look.found[find] = find(panel, cases)
    found: Found = look.found[find]
    return found
