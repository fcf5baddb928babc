"""One piece of work where it is done: computed, written, and its sites one by one where they do not go together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from cblcast.errors import DataError, SourceError, StudyError
from cblcast.scaling.heard import Where, hearing
from cblcast.scaling.tables import part_file, write_part

Tables = Mapping[str, pd.DataFrame]
Work = Callable[[Any], "Tables | pd.DataFrame"]  # of a piece
Failure = tuple[str, str]  # site ("" for all of a piece) and reason
ROWS = "rows"  # what a single table is called
FAILURES = "failures"  # the table in which work names sites it could not do: site_id, reason
MOST_TRIES = 64  # halves of one piece that are tried for the sites at fault


@runtime_checkable
class Piece(Protocol):
    """A partition, or a partition with what is asked of it; it is sent to other processes."""

    @property
    def key(self) -> str:
        """A name that is the same on every run, and can be a file's."""
        ...

    @property
    def paths(self) -> Sequence[Path]:
        """The files that it is read from: where one is changed, what was made of it is made again."""
        ...

    @property
    def site_ids(self) -> Sequence[str]:
        """Its sites, as far as they are known before it is read."""
        ...


@runtime_checkable
class Splits(Protocol):
    """A piece that can be done in halves, so that a site that cannot be used does not take the others with it."""

    def halves(self) -> tuple[Piece, Piece] | None:
        """Two pieces with half of its sites each; None for a single site."""
        ...


@dataclass(frozen=True)
class Done:
    """What became of a piece.

    Attributes
    ----------
    key : str
    parts : tuple of mapping
        Tables by name, one mapping for each half that was done by itself; empty where they were written.
    files : mapping
        File that was written, relative to the folder of the parts → its bytes.
    failures : tuple of (site_id, reason)
    heard : tuple of (kind, text)
        What was warned of and remarked meanwhile.
    sites : int
        Sites that were done.
    seconds : float
        Wall clock.
    """

    key: str
    parts: tuple[Tables, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    heard: tuple[tuple[str, str], ...] = ()
    sites: int = 0
    seconds: float = 0.0


def perform(work: Work, piece: Piece, out: Path | None, where: Where) -> Done:
    """Do one piece; runs where the work is done.

    Parameters
    ----------
    work : callable
        Piece → a table, or tables by name.
    out : Path, optional
        Folder of the parts, on a disk that this machine sees; without one the tables are handed back.
    where : {"here", "threads", "elsewhere"}
        Whether this is the thread that tells the user, another of its process, or another process.

    Raises
    ------
    DataError, StudyError
        Nothing of the piece could be done; a source that was lost meanwhile.
    """
    begun = time.perf_counter()
    with hearing(where) as heard:
        told, failures = _divided(work, piece)
    parts = []
    for tables in told:
        named = {name: table for name, table in tables.items() if name != FAILURES}
        own = tables.get(FAILURES)
        if own is not None:
            failures += list(zip(own["site_id"].astype(str), own["reason"].astype(str), strict=True))
        parts.append(named)
    files = {} if out is None else _written(parts, piece.key, out)
    sites = max(len(piece.site_ids) - len({site for site, _ in failures}), 0)
    seconds = time.perf_counter() - begun
    return Done(
        piece.key, () if out is not None else tuple(parts), files, tuple(failures), tuple(heard), sites, seconds
    )


def _written(parts: Sequence[Tables], key: str, out: Path) -> dict[str, int]:
    files = {}
    for number, tables in enumerate(parts):
        for name, table in tables.items():
            file = part_file(name, key, number)
            files[file] = write_part(table, out / file)
    return files


def _tried(work: Work, piece: Piece) -> Tables | DataError | StudyError:
    try:
        told = work(piece)
    except SourceError:
        raise  # no site is at fault: all of the piece is done again when the command is
    except (DataError, StudyError) as error:
        return error
    return {ROWS: told} if isinstance(told, pd.DataFrame) else told


def _divided(work: Work, piece: Piece) -> tuple[list[Tables], list[Failure]]:
    """The tables of a piece; where it cannot be done as a whole, those of its halves, down to the sites at fault."""
    parts: list[Tables] = []
    failures: list[Failure] = []
    due: list[tuple[Piece, Tables | DataError | StudyError]] = [(piece, _tried(work, piece))]
    tries = 0
    while due:
        one, told = due.pop()
        if not isinstance(told, Exception):
            parts.append(told)
            continue
        halves = one.halves() if isinstance(one, Splits) and tries < MOST_TRIES else None
        again = [] if halves is None else [_tried(work, half) for half in halves]
        tries += len(again)
        if halves is None or all(isinstance(each, Exception) and str(each) == str(told) for each in again):
            if one is piece:
                raise told  # nothing to do with single sites
            failures += [(str(site), str(told)) for site in one.site_ids]
            continue
        due += reversed(list(zip(halves, again, strict=True)))  # the first half first, so that sites stay in order
    return parts, failures
