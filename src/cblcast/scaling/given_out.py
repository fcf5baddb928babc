"""Pieces given out to a crew, a few at a time, and taken back as they are done; those whose worker died once more, alone."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from pathlib import Path

from cblcast.errors import StudyError
from cblcast.scaling.crews import Crew
from cblcast.scaling.reasons import lost_worker
from cblcast.scaling.work import Done, Piece, Work, perform

LOOKS_S = 1.0  # between two looks whether somebody is still there
ALONE_S = 60.0  # after which what is left is given up

Result = tuple[Piece, Done | BaseException, bool]  # the last: whether it was begun again


def given_out(
    crew: Crew, work: Work, pieces: Sequence[Piece], out: Path | None, patience_s: float = ALONE_S
) -> Generator[Result, None, None]:
    """What became of each piece, in the order in which they are done.

    A worker that is killed takes others with it (all of its pool; on a cluster whatever stood in its queue): these pieces
    are then done once more, one at a time, so that only the one at fault fails.

    Parameters
    ----------
    patience_s : float
        How long nobody may be there to do the work [s].
    """
    waiting = deque(pieces)
    while waiting:
        suspects: list[Piece] = []
        with crew.opened(min(crew.width, len(waiting))) as executor:
            yield from _until_broken(crew, executor, work, waiting, suspects, out, patience_s)
        for piece in suspects:
            with crew.opened(1) as executor:
                future = executor.submit(perform, work, piece, out, crew.where)
                yield piece, _told(future), True


def _until_broken(
    crew: Crew,
    executor: Executor,
    work: Work,
    waiting: deque[Piece],
    suspects: list[Piece],
    out: Path | None,
    patience_s: float,
) -> Iterator[Result]:
    """Results until all is done, or the executor is broken: then `suspects` holds what was being worked on."""
    running: dict[Future[Done], Piece] = {}
    seen = time.monotonic()
    while waiting or running:
        while waiting and len(running) < crew.width and not suspects:
            piece = waiting.popleft()
            try:
                running[executor.submit(perform, work, piece, out, crew.where)] = piece
            except BrokenExecutor:
                suspects.append(piece)
        done, _ = wait(running, timeout=LOOKS_S, return_when=FIRST_COMPLETED)
        for future in done:
            piece, told = running.pop(future), _told(future)
            if lost_worker(told):
                suspects.append(piece)
            else:
                yield piece, told, False
        if suspects and not running:
            return
        if done or not crew.alone():
            seen = time.monotonic()
        elif time.monotonic() - seen > patience_s:
            given_up = StudyError(
                f"no worker of the cluster was there for {patience_s:g} s: start some, and run the command again"
            )
            for future in running:
                future.cancel()
            yield from ((piece, given_up, False) for piece in (*running.values(), *waiting))
            waiting.clear()
            return


def _told(future: Future[Done]) -> Done | BaseException:
    """What a piece gave, or why it did not."""
    if future.cancelled():
        return StudyError(
            "the scheduler of the cluster was lost: run the command again, and what is finished is not repeated"
        )
    error = future.exception()
    return future.result() if error is None else error
