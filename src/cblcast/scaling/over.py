"""Any work over the partitions of a store: given out to a crew, written as it is done, gone on with after a kill."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.scaling.crews import crew_for
from cblcast.scaling.digest import digest_of
from cblcast.scaling.given_out import given_out
from cblcast.scaling.heard import tell_again
from cblcast.scaling.journal import Entry, Journal, open_journal, piece_digest
from cblcast.scaling.outcome import FAILURE_COLUMNS, Outcome
from cblcast.scaling.reasons import reason_of
from cblcast.scaling.work import Done, Piece, Tables, Work


class Watch(Protocol):
    """Who is told how far the work is."""

    def expect(self, total: int, what: str) -> None:
        """How many sites (or, where they are not known, partitions) are still to be done."""

    def advance(self, count: int, what: str) -> None:
        """So many more are done."""


class _Unwatched:
    def expect(self, total: int, what: str) -> None:
        """Nobody watches."""

    def advance(self, count: int, what: str) -> None:
        """Nobody watches."""


def over_partitions(
    work: Work,
    partitions: Sequence[Piece],
    out: Path | None = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    question: object = (),
    resume: bool = True,
    notes: Mapping[str, Any] | None = None,
    progress: Watch | None = None,
    pool: Executor | None = None,
    bytes_in_all: int = 0,
    faults: Sequence[tuple[str, str, str]] = (),
) -> Outcome:
    """Do `work` for each partition; what cannot be done is told with its reason, and the rest completes.

    Parameters
    ----------
    work : callable
        Piece → a DataFrame, or DataFrames by name; it must be picklable for processes and clusters. A table ``failures``
        (``site_id``, ``reason``) names sites that could not be done.
    partitions : sequence of Piece
        Where a piece can be split in halves (:class:`cblcast.scaling.Splits`), a site that cannot be used is found and left
        out.
    out : Path, optional
        Folder for the parts, ``TABLE/KEY.parquet``, each whole or not at all, and the journal. A run that was killed goes
        on there: what is finished is not done again. Without one the tables are held in memory.
    workers : int
        On this machine.
    scheduler : str, optional
        ``threads``, ``processes``, or the address of a ``distributed`` cluster (extra ``scale``), whose machines see the
        store and `out` under the same paths; see :func:`cblcast.scaling.crews.crew_for`.
    question : object
        All that the result depends on beside the files; parts of another question are never taken for this one.
    resume : bool
        False takes away the parts that are in `out`.
    notes : mapping, optional
        What is noted at the head of the journal.
    progress : Watch, optional
    pool : Executor, optional
        Worker processes that are there already.
    bytes_in_all : int
        Size of the readings, by which threads or processes are chosen.
    faults : sequence of (partition, site_id, reason)
        What is known to fail before anything is done.

    Returns
    -------
    Outcome

    Raises
    ------
    DataError, StudyError
        Nothing could be done; or options, an `out` or a cluster that cannot be used.
    """
    begun = time.perf_counter()
    watch = progress or _Unwatched()
    pieces = list(partitions)
    _check_keys(pieces)
    asked = "" if out is None else digest_of(question, f"{type(work).__module__}.{type(work).__qualname__}")
    run = _Run({piece.key: piece_digest(asked, piece) for piece in pieces} if out is not None else {})
    opened: AbstractContextManager[Journal | None] = (
        nullcontext() if out is None else open_journal(out, asked, resume, notes or {})
    )
    with opened as journal:
        run.journal = journal
        due = [piece for piece in pieces if not run.finished_before(piece)]
        _tell_changed([piece for piece in due if journal is not None and piece.key in journal.entries], out)
        counted = all(len(piece.site_ids) for piece in due)
        watch.expect(
            sum(len(p.site_ids) for p in due) if counted else len(due), _before(len(pieces) - len(due), len(pieces))
        )
        if due:
            with (
                crew_for(workers, scheduler, bytes_in_all, pool) as crew,
                closing(given_out(crew, work, due, out)) as results,
            ):
                for piece, told, again in results:
                    run.take(piece, told, again)
                    watch.advance(
                        len(piece.site_ids) if counted else 1, f"{len(run.entries)} of {len(pieces)} partitions"
                    )
    tell_again(run.heard)
    return run.outcome(pieces, out, len(pieces) - len(due), time.perf_counter() - begun, faults)


class _Run:
    """What has come of a run so far."""

    def __init__(self, digests: Mapping[str, str]) -> None:
        self.digests = digests
        self.journal: Journal | None = None
        self.entries: dict[str, Entry] = {}
        self.parts: dict[str, tuple[Tables, ...]] = {}
        self.errors: dict[str, BaseException] = {}
        self.heard: list[tuple[str, str]] = []
        self.retried = 0

    def finished_before(self, piece: Piece) -> bool:
        """Whether the journal has it."""
        entry = None if self.journal is None else self.journal.finished(piece, self.digests[piece.key])
        if entry is not None:
            self.entries[piece.key] = entry
        return entry is not None

    def take(self, piece: Piece, told: Done | BaseException, again: bool) -> None:
        """What became of a piece."""
        self.retried += again
        if isinstance(told, BaseException):
            self.errors[piece.key] = told
            return
        self.heard += told.heard
        if self.journal is None:
            self.entries[piece.key] = Entry(piece.key, "", {}, told.failures, told.sites, told.seconds)
            self.parts[piece.key] = told.parts
            return
        unseen = next((file for file in told.files if not (self.journal.folder / file).is_file()), None)
        if unseen is not None:
            self.errors[piece.key] = StudyError(
                f"its part {unseen} was written where this machine does not see it: {self.journal.folder} must be on a disk "
                "that all machines share"
            )
            return
        self.entries[piece.key] = self.journal.add(told, self.digests[piece.key])

    def outcome(
        self,
        pieces: Sequence[Piece],
        out: Path | None,
        skipped: int,
        seconds: float,
        faults: Sequence[tuple[str, str, str]],
    ) -> Outcome:
        """All of it, in the order of the pieces."""
        if self.errors and not self.entries:
            self._refuse(len(pieces))
        rows = list(faults)
        for piece in pieces:
            entry = self.entries.get(piece.key)
            if entry is None:
                rows.append((piece.key, "", reason_of(self.errors[piece.key])))
            else:
                rows += [(piece.key, site, reason) for site, reason in entry.failures]
        kept = [self.entries[piece.key] for piece in pieces if piece.key in self.entries]
        left_out = [failure for entry in kept for failure in entry.failures]
        if left_out and not any(entry.files for entry in kept) and not any(map(any, self.parts.values())):
            site, reason = left_out[0]
            raise DataError(f"none of the {len(left_out)} sites could be done; the first, {site!r}: {reason}")
        return Outcome(
            pd.DataFrame(rows, columns=FAILURE_COLUMNS, dtype="str"),
            sum(entry.sites for entry in kept),
            len(kept),
            skipped,
            self.retried,
            seconds,
            out,
            tuple(file for entry in kept for file in entry.files),
            tuple(part for piece in pieces for part in self.parts.get(piece.key, ())),
        )

    def _refuse(self, n: int) -> None:
        key, error = next(iter(self.errors.items()))
        said = {str(each) for each in self.errors.values()}
        if isinstance(error, Exception) and len(said) == 1:  # of all of them, so no partition is to be named
            raise error
        raise DataError(f"none of the {n} partitions could be done; the first, {key}: {reason_of(error)}") from error


def _check_keys(pieces: Sequence[Piece]) -> None:
    if not pieces:
        raise DataError("there is no partition: check the path and the list of sites")
    seen: set[str] = set()
    for piece in pieces:
        if piece.key in seen:
            raise DataError(f"two partitions are called {piece.key!r}: name them apart")
        seen.add(piece.key)


def _tell_changed(again: Sequence[Piece], out: Path | None) -> None:
    if again:
        warnings.warn(
            f"{len(again)} partition(s) that were finished in {out} are done again, since their files, sites or events have changed, "
            f"or their parts are gone: {', '.join(piece.key for piece in again[:3])}{' …' if len(again) > 3 else ''}",
            DataWarning,
            stacklevel=3,
        )


def _before(finished: int, n: int) -> str:
    return f"{finished} of {n} partitions were done before" if finished else f"{n} partitions"
