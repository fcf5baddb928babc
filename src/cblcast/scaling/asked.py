"""How work over a store is asked for: who does it, where finished partitions are kept, who is told how far it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cblcast.hush import no_data_warnings
from cblcast.scaling.crews import PROCESSES, THREADS, takes_processes
from cblcast.scaling.heard import READERS
from cblcast.scaling.journal import noted, take_away
from cblcast.scaling.memory import bytes_at_once, evened
from cblcast.scaling.outcome import Outcome
from cblcast.scaling.over import Watch, over_partitions
from cblcast.scaling.processes import worker_processes
from cblcast.scaling.work import Work

if TYPE_CHECKING:
    from cblcast.io.store import MeterStore
    from cblcast.scaling.stores import Cut

_LOG = logging.getLogger(READERS)
SIZE = "bytes_at_once"
OF_A_CLUSTER = 8  # workers that a cluster has at least, as far as sizes go


@dataclass(frozen=True)
class Asked:
    """Who works over a store, and where what is finished is kept.

    Attributes
    ----------
    workers : int
        On this machine.
    scheduler : str, optional
        ``threads``, ``processes`` or the address of a cluster; see :func:`cblcast.scaling.crews.crew_for`.
    parts : Path, optional
        Folder of finished partitions, so that a run that was killed goes on; None holds them in memory.
    keep : bool
        Whether the folder stays when all is done.
    resume : bool
        False begins anew.
    progress : Watch, optional
    pool : Executor, optional
        Worker processes that are there already.
    """

    workers: int = 1
    scheduler: str | None = None
    parts: Path | None = None
    keep: bool = True
    resume: bool = True
    progress: Watch | None = field(default=None, compare=False)
    pool: Executor | None = field(default=None, compare=False)

    def size_for(self, store: MeterStore, weight: int = 1) -> int:
        """Bytes of one partition: what a run that is gone on with had, else what the memory of those who work on it allows.

        Parameters
        ----------
        weight : int
            How many times the memory of usual work it takes.
        """
        before: Any = noted(self.parts).get(SIZE) if self.resume else None
        if isinstance(before, int) and before > 0:
            return before
        workers = self.workers if self.scheduler in (None, THREADS, PROCESSES) else max(self.workers, OF_A_CLUSTER)
        size = bytes_at_once(weight, own) if (own := self._memory_elsewhere()) else bytes_at_once(self.workers * weight)
        with no_data_warnings():  # whoever cuts the store says it
            partitions = store.partitions(bytes_at_once=size)
        return evened(size, sum(partition.bytes for partition in partitions), workers)

    def _memory_elsewhere(self) -> int:
        """What a worker of a cluster has for one piece [bytes]; 0 on this machine, or where none says."""
        if self.scheduler is None or "://" not in self.scheduler:
            return 0
        from cblcast.scaling.cluster import memory_of_workers

        return memory_of_workers(self.scheduler)

    def over(self, work: Work, parts: Cut, question: object) -> Outcome:
        """The work over the pieces of a store; what cannot be used of the store is among the failures."""
        outcome = over_partitions(
            work,
            parts.pieces,
            self.parts,
            workers=self.workers,
            scheduler=self.scheduler,
            question=question,
            resume=self.resume,
            notes={SIZE: parts.size},
            progress=self.progress,
            pool=self.pool,
            bytes_in_all=parts.bytes,
            faults=parts.faults,
        )
        if outcome.retried:
            _LOG.info("%d partitions were begun again, since their worker was ended from outside", outcome.retried)
        return outcome

    @contextmanager
    def at_hand(self, bytes_in_all: int) -> Iterator[Asked]:
        """The same with worker processes that several works share, where processes are what is taken for so many bytes."""
        alone = self.workers == 1 and self.scheduler is None
        if alone or self.pool is not None or not takes_processes(self.scheduler, bytes_in_all):
            yield self
            return
        with worker_processes(self.workers) as pool:
            yield replace(self, pool=pool)

    def done(self, outcome: Outcome) -> None:
        """The result is written: what only served to go on is taken away, unless something is left to be done."""
        if self.parts is None:
            return
        if outcome.partial:
            _LOG.info("what is finished lies in %s: the same command does only what failed", self.parts)
        elif not self.keep:
            take_away(self.parts)
