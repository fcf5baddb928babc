"""Signals that end a command: the first stops it in good order, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
PATIENCE_S = 10.0  # what is in the middle of compiled code hears of a signal only when that returns
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt inside; a second one, or ten more seconds, end the process.

    A signal that was ignored when the command began (nohup, a shell's ``&``) stays ignored. Outside the main thread,
    where Python takes no signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    last_word = threading.Timer(PATIENCE_S, _end_at_once)
    last_word.daemon = True

    def stop(number: int, frame: FrameType | None) -> None:
        if last_word.is_alive():
            _end_at_once()
        last_word.start()
        raise KeyboardInterrupt

    usual = {}
    for name in _ENDING:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            usual[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        last_word.cancel()
        for number, handler in usual.items():
            signal.signal(number, handler)


def _end_at_once() -> None:
    os._exit(INTERRUPTED)
