"""What is warned of and remarked while work is done in another process, so that it can be told in this one."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cblcast.errors import DataWarning

READERS = "cblcast.io"  # the log in which readers say how they read
_own = threading.local()
_once = threading.Lock()
_listening = False


@contextmanager
def hearing(elsewhere: bool) -> Iterator[list[tuple[str, str]]]:
    """Warnings (``warning``) and remarks of readers (``note``) of this thread, while the block runs.

    Where the work is done in the process that tells the user, it hears them itself, and nothing is collected.
    """
    heard: list[tuple[str, str]] = []
    if not elsewhere:
        yield heard
        return
    _listen()
    before, _own.heard = getattr(_own, "heard", None), heard
    try:
        yield heard
    finally:
        _own.heard = before


def tell_again(heard: tuple[tuple[str, str], ...]) -> None:
    """Warn and remark here of what was heard elsewhere."""
    for kind, text in heard:
        if kind == "warning":
            warnings.warn(text, DataWarning, stacklevel=2)
        else:
            logging.getLogger(READERS).info(text)


def _listen() -> None:
    """Listen for the rest of this process: filters of warnings belong to all of its threads, so they are set once."""
    global _listening
    with _once:
        if _listening:
            return
        _listening = True
    usual = warnings.showwarning
    warnings.simplefilter("always", DataWarning)

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        heard = getattr(_own, "heard", None)
        if heard is not None and issubclass(category, DataWarning):
            heard.append(("warning", str(message)))
        elif heard is None:
            usual(message, category, *place, **more)

    warnings.showwarning = show
    handler = logging.Handler()
    handler.emit = _remark  # type: ignore[method-assign]
    logger = logging.getLogger(READERS)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def _remark(record: logging.LogRecord) -> None:
    heard = getattr(_own, "heard", None)
    if heard is not None:
        heard.append(("note", record.getMessage()))
