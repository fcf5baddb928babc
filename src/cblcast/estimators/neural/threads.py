"""Processor threads: how many torch may use, and jobs beside one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use `count` threads, and as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_side_by_side(jobs: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """Results of `jobs` in order, on at most `threads` processor threads.

    Several jobs each get one thread: waiting for each other inside every sum costs more than it brings, and thirty times
    as much when another program holds one of the cores. torch's own setting is restored afterwards.
    """
    import torch

    workers = min(threads, len(jobs))
    with torch_threads(threads if workers <= 1 else 1):
        if workers <= 1:
            return [job() for job in jobs]
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(lambda job: job(), jobs))
