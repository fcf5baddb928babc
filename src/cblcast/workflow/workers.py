"""Worker processes that load their libraries while this one loads its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context


@contextmanager
def loading_workers(processes: int | None) -> Iterator[Executor | None]:
    """A pool of fresh interpreters on their way to settle, None for one process.

    A fresh interpreter: forking one that has threads of its own can lock up.
    """
    if processes is None or processes < 2:
        yield None
        return
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        for _ in range(processes):
            pool.submit(load)
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def load() -> None:
    """Import what a settlement of days needs."""

    import cblcast.features.program_days
    import cblcast.settlement.stream  # noqa: F401
