"""What builders of features share while they look at the same cases of the same panel: found once, and forgotten with the look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

Found = TypeVar("Found")


@dataclass(eq=False)
class Room:
    """Where features may be written at once instead of being copied there.

    Attributes
    ----------
    rows : ndarray, shape (n_columns, n_rows)
    used : int
        So many columns are taken.
    """

    rows: np.ndarray
    used: int = 0

    def put(self, columns: np.ndarray) -> None:
        """The next columns of features, shape (n_columns, n_rows), which may have been written here or elsewhere."""
        own = self.rows[self.used : self.used + len(columns)]
        if _place(columns) != _place(own):
            own[:] = columns
        self.used += len(columns)


def _place(values: np.ndarray) -> tuple[Any, ...]:
    return values.ctypes.data, values.strides, values.shape, values.dtype


@dataclass(frozen=True, eq=False)
class _Look:
    panel: object
    cases: object
    room: Room | None = None
    found: dict[Callable[[Any, Any], Any], Any] = field(default_factory=dict)


_NOW: ContextVar[_Look | None] = ContextVar("_NOW", default=None)


@contextmanager
def one_look(panel: object, cases: object, room: Room | None = None) -> Iterator[None]:
    """While it lasts, :func:`shared` finds each thing of these cases of this panel once. Nobody may change either meanwhile."""
    token = _NOW.set(_Look(panel, cases, room))
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


def space_for(cases: object, n_columns: int, n_rows: int) -> np.ndarray:
    """Where the features of `cases` are to be written, float64, shape (n_columns, n_rows): the room of this look, or a new place."""
    look = _NOW.get()
    if look is not None and look.room is not None and look.cases is cases:
        own = look.room.rows[look.room.used : look.room.used + n_columns]
        if own.shape == (n_columns, n_rows):
            return own
    return np.empty((n_columns, n_rows))
