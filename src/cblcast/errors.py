"""Errors and warnings that teach: what is wrong, where, and how to mend it. Light, so that the command line can import it."""

from __future__ import annotations

import difflib
import errno
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class DataError(ValueError):
    """Data that cannot be used as it stands; the message names the place, the rule and the remedy."""


class SourceError(DataError):
    """A source that did not give its data: no single site is at fault, and the same may go well another time."""


class StudyError(ValueError):
    """A study, method or option that cannot be used; the message names the key and the nearest right one."""


class DataWarning(UserWarning):
    """Data that can be used, but looks wrong."""


class _Where(type):
    """Of a class that stands for the data warnings of threads that asked for silence, and of no other."""

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


def nearest(name: str, known: Iterable[str]) -> str:
    """A half sentence that offers the nearest known names, for the end of an error message."""
    options = sorted(known)
    folded = {option.casefold(): option for option in options}
    close = [folded[c] for c in difflib.get_close_matches(str(name).casefold(), folded, n=3, cutoff=0.5)]
    if close:
        return f"did you mean {' or '.join(repr(c) for c in close)}?"
    return f"known are {', '.join(options[:40])}{' …' if len(options) > 40 else ''}"


_WHY_NOT = {
    errno.ENOENT: "it is not there: check the path",
    errno.ENOSPC: "the disk is full: make room, or choose another place",
    errno.EDQUOT: "the quota is used up: make room, or choose another place",
    errno.EFBIG: "it would be larger than its disk allows: choose another place",
    errno.EACCES: "it may not be read or written: choose another place, or mend its permissions",
    errno.EPERM: "it may not be read or written: choose another place, or mend its permissions",
    errno.EROFS: "its disk is read-only: choose another place",
    errno.EEXIST: "a part of its path is a file: choose another place",
    errno.ENOTDIR: "a part of its path is a file: choose another place",
    errno.EISDIR: "it is a folder: name a file in it",
    errno.ENAMETOOLONG: "its name is too long: choose a shorter one",
    errno.ELOOP: "its links go round in a circle: name the file itself",
    errno.EMFILE: "too many files are open: close some, or raise the limit (ulimit -n)",
    errno.EADDRINUSE: "its address is taken: choose another",
    errno.ECONNREFUSED: "nobody answers there: check the address",
}


def why_not(error: OSError) -> str:
    """Why a file or address cannot be used, and what to do: the end of a sentence."""
    return _WHY_NOT.get(error.errno or 0, f"{error.strerror or error}: choose another place")
