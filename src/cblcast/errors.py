"""Errors and warnings that teach: what is wrong, where, and how to mend it. Light, so that the command line can import it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DataError(ValueError):
    """Data that cannot be used as it stands; the message names the place, the rule and the remedy."""


class StudyError(ValueError):
    """A study, method or option that cannot be used; the message names the key and the nearest right one."""


class DataWarning(UserWarning):
    """Data that can be used, but looks wrong."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A half sentence that offers the nearest known names, for the end of an error message."""
    options = sorted(known)
    folded = {option.casefold(): option for option in options}
    close = [folded[c] for c in difflib.get_close_matches(str(name).casefold(), folded, n=3, cutoff=0.5)]
    if close:
        return f"did you mean {' or '.join(repr(c) for c in close)}?"
    return f"known are {', '.join(options[:40])}{' …' if len(options) > 40 else ''}"
