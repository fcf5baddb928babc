"""Worker processes that end with whoever started them, however that ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process


@contextmanager
def worker_processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Fresh interpreters (forking one that has threads of its own can lock up); none is left when the block ends.

    An exception inside, an interrupt included, ends the workers in the middle of what they do.

    Parameters
    ----------
    count : int
        How many processes.
    """
    before = {child.pid for child in active_children()}
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_mind_the_parent)
    try:
        yield pool
    except BaseException:
        for child in active_children():
            if child.pid not in before:
                child.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown()


def _mind_the_parent() -> None:
    """Leave a terminal's ^C to the parent, and end when that is gone, even if it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
