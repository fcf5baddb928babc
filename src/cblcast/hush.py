"""Data warnings that nobody is to hear while something is tried: of one thread, and of no other."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from cblcast.errors import DataWarning


class _Where(type):
    """Makes `_Hushed` stand for data warnings of the threads that are inside :func:`no_data_warnings`, and of no other."""

    def __subclasscheck__(cls, category: type) -> bool:
        return getattr(_own, "inside", 0) > 0 and issubclass(category, DataWarning)


class _Hushed(Warning, metaclass=_Where):
    """What the filter of :func:`no_data_warnings` names: filters of warnings belong to all threads, so it asks whose warning it is."""


_own = threading.local()
_lock = threading.Lock()
_inside = 0  # of all threads


@contextmanager
def no_data_warnings() -> Iterator[None]:
    """No :class:`DataWarning` of this thread inside; other threads are heard as ever.

    With ``warnings.catch_warnings`` in each thread, the first to leave would let the others be heard, the last would leave the
    filters of the first in force for good, and meanwhile nobody would be heard.
    """
    global _inside
    with _lock:
        _inside += 1
        if not _is_first():
            warnings.simplefilter("ignore", _Hushed)
    _own.inside = getattr(_own, "inside", 0) + 1
    try:
        yield
    finally:
        _own.inside -= 1
        with _lock:
            _inside -= 1
            if not _inside and _is_first():
                del warnings.filters[0]  # type: ignore[attr-defined]


def _is_first() -> bool:
    """Whether the filter stands before all others, as any that were set since would be asked first."""
    filters = warnings.filters
    return bool(filters) and filters[0][2] is _Hushed
