"""Worker processes that load their libraries while this one loads its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager


@contextmanager
def loading_workers(processes: int) -> Iterator[Executor | None]:
    """A pool of fresh interpreters on their way to settle, None for one process."""
    if processes < 2:
        yield None
        return
    from cblcast.scaling.processes import worker_processes

    with worker_processes(processes) as pool:
        for _ in range(processes):
            pool.submit(load)
        yield pool


def load() -> None:
    """Import what a settlement of days needs."""
    import cblcast.features.program_days
    import cblcast.settlement.stream  # noqa: F401
