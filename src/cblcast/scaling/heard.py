"""What is warned of and remarked while work is done in another process, so that it can be told in this one."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from cblcast.errors import DataWarning

Where = Literal["here", "threads", "elsewhere"]  # this thread, others of this process, other processes
_NUMBER = re.compile(r"\d[\d.,]*|'[^']*'")  # and names
READERS = "cblcast.io"  # the log in which readers say how they read
_own = threading.local()
_once = threading.Lock()
_listening = False


@contextmanager
def hearing(where: Where) -> Iterator[list[tuple[str, str]]]:
    """Warnings (``warning``) and, in another process, remarks of readers (``note``), while the block runs.

    Threads of the process that tells the user share its filters of warnings, so there nothing is collected: it hears itself.
    """
    heard: list[tuple[str, str]] = []
    if where == "threads":
        yield heard
        return
    if where == "here":
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DataWarning)
            yield heard
        for one in caught:
            if issubclass(one.category, DataWarning):
                heard.append(("warning", str(one.message)))
            else:
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        return
    _listen()
    before, _own.heard = getattr(_own, "heard", None), heard
    try:
        yield heard
    finally:
        _own.heard = before


def tell_again(heard: Iterable[tuple[str, str]]) -> None:
    """Warn and remark here of what was heard of partitions; what differs in its numbers alone is told once, and how often."""
    alike: dict[tuple[str, str], list[str]] = {}
    for kind, text in heard:
        alike.setdefault((kind, _NUMBER.sub("", text)), []).append(text)
    for (kind, _), texts in alike.items():
        text = texts[0] if len(texts) == 1 else f"{texts[0]} (and the like of {len(texts) - 1} other partitions)"
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
