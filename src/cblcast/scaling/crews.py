"""Who does the work: this thread, threads, processes that are watched, or a cluster; all of them executors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from cblcast.errors import StudyError, nearest
from cblcast.scaling.heard import Where
from cblcast.scaling.processes import worker_processes

THREADS, PROCESSES = "threads", "processes"
EACH_CORE, LEAST_MOST = 4, 32  # workers for a core, and workers that any machine may be asked for
SMALL_BYTES = 50_000_000  # below, fresh interpreters cost more than they save


@dataclass(frozen=True)
class Crew:
    """Those who do the work.

    Attributes
    ----------
    width : int
        How many pieces are given out at a time.
    opened : callable
        Context of an executor; asked again after a worker took the executor with it, then with the number of workers.
    where : {"here", "threads", "elsewhere"}
        This thread, others of this process, or other processes.
    alone : callable
        Whether nobody is there to do the work.
    """

    width: int
    opened: Callable[[int], AbstractContextManager[Executor]]
    where: Where = "here"
    alone: Callable[[], bool] = field(default=lambda: False)


class _Here(Executor):
    """Does what it is given in the calling thread, at once."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - handed to whoever asks the future, as every executor does
            future.set_exception(error)
        return future


@contextmanager
def _here(count: int) -> Iterator[Executor]:
    yield _Here()


@contextmanager
def _threads(count: int) -> Iterator[Executor]:
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(count, thread_name_prefix="cblcast")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def takes_processes(scheduler: str | None, bytes_in_all: int) -> bool:
    """Whether several workers of this machine are processes."""
    return scheduler == PROCESSES or (scheduler is None and bytes_in_all >= SMALL_BYTES)


@contextmanager
def crew_for(workers: int, scheduler: str | None, bytes_in_all: int, pool: Executor | None = None) -> Iterator[Crew]:
    """Those who do the work, as they are asked for.

    Parameters
    ----------
    workers : int
    scheduler : str, optional
        ``threads``, ``processes``, or the address of a cluster (``tcp://HOST:8786``). Unless given, processes for more than
        50 MB, threads for less, and nobody but this thread for one worker.
    bytes_in_all : int
        Of all pieces.
    pool : Executor, optional
        Worker processes that are there already; not shut down here.

    Raises
    ------
    StudyError
    """
    check_workers(workers)
    if scheduler is not None and "://" in scheduler:
        from cblcast.scaling.cluster import ClusterExecutor, cluster, nobody_there, threads_of

        with cluster(scheduler) as client:
            yield Crew(
                2 * threads_of(client),
                lambda count: _kept(ClusterExecutor(client)),
                where="elsewhere",
                alone=lambda: nobody_there(client),
            )
        return
    if scheduler not in (None, THREADS, PROCESSES):
        raise StudyError(
            f"--scheduler {scheduler!r} is neither the address of a cluster (tcp://HOST:8786) nor {THREADS} or {PROCESSES}: "
            f"{nearest(str(scheduler), (THREADS, PROCESSES))}"
        )
    if pool is not None:
        yield Crew(workers, _first(pool), where="elsewhere")
    elif workers == 1 and scheduler is None:
        yield Crew(1, _here)
    elif takes_processes(scheduler, bytes_in_all):
        yield Crew(workers, worker_processes, where="elsewhere")
    else:
        yield Crew(workers, _threads, where="threads")


def check_workers(workers: int) -> None:
    """Refuse a number of workers that does nothing, or that a machine with so many cores cannot carry."""
    if workers < 1:
        raise StudyError(f"--workers {workers} does nothing: give 1 or more")
    cores = os.cpu_count() or 1
    if workers > max(LEAST_MOST, EACH_CORE * cores):
        raise StudyError(
            f"--workers {workers} is more than this machine of {cores} cores can carry: give about as many as it has cores"
        )


@contextmanager
def _kept(executor: Executor) -> Iterator[Executor]:
    """An executor that somebody else shuts down."""
    yield executor


def _first(pool: Executor) -> Callable[[int], AbstractContextManager[Executor]]:
    """`pool` when it is asked for first, and fresh processes after that: a pool that lost a process is of no use."""
    given: list[Executor] = [pool]
    return lambda count: _kept(given.pop()) if given else worker_processes(count)
