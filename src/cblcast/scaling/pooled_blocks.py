"""Passes over training rows block by block: by this thread, or by whoever is asked for, with the same numbers in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast.errors import DataError, StudyError
from cblcast.frames.schema import SITE
from cblcast.scaling.asked import Asked
from cblcast.scaling.outcome import Outcome
from cblcast.scaling.over import over_partitions
from cblcast.scaling.pooled_rows import TrainingRows, chosen_columns
from cblcast.scaling.watched import InWords, Progress
from cblcast.scaling.work import Failure

Arrays = Mapping[str, np.ndarray]
BlockWork = Callable[["Block"], Arrays]  # picklable


@dataclass(frozen=True, eq=False)
class Block:
    """Some training rows that stand together; what is sent elsewhere is no larger than they are.

    Attributes
    ----------
    whole : TrainingRows
    part : slice
    of_sites : bool
        Whether no site lies in another block, so that it can be done in halves.
    """

    whole: TrainingRows
    part: slice
    of_sites: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        rows = self.rows
        return _Sent, (rows, slice(0, len(rows)), self.of_sites, self.key)

    @property
    def key(self) -> str:
        """Where its rows begin and end."""
        return f"rows_{self.part.start:012d}_{self.part.stop:012d}"

    @property
    def rows(self) -> TrainingRows:
        """Its rows alone."""
        return self.whole.part(self.part)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that they are read from."""
        return self.whole.files.only(self.whole.place[self.part])[0].paths

    @property
    def site_ids(self) -> tuple[str, ...]:
        """Its sites, where they are its own."""
        return tuple(map(str, self._sites())) if self.of_sites else ()

    @property
    def asked(self) -> object:
        """What the result depends on beside the files."""
        rows = self.rows
        return rows.files.only(rows.place)[1], rows.columns, rows.y, rows.weight

    def halves(self) -> tuple[Block, Block] | None:
        """The same with half of the sites each; None for one site, or where sites lie in several blocks."""
        if not self.of_sites or len(self._sites()) < 2:
            return None
        code = np.asarray(self.whole.index.codes[self.whole.index.names.index(SITE)])[self.part]
        ends = self.part.start + np.flatnonzero(np.diff(code)) + 1
        middle = int(ends[len(ends) // 2])
        first, second = slice(self.part.start, middle), slice(middle, self.part.stop)
        return Block(self.whole, first, True), Block(self.whole, second, True)

    def _sites(self) -> pd.Index:
        return self.whole.index[self.part].get_level_values(SITE).unique()


@dataclass(frozen=True, eq=False)
class _Sent(Block):
    """A block in another process: its rows are all that it has, and it is called as it was."""

    name: str = ""

    @property
    def key(self) -> str:
        """As it was called where it came from."""
        return self.name


@dataclass(eq=False)
class Hands:
    """Who works on blocks of rows, and what could not be done.

    Attributes
    ----------
    asked : Asked
    folder : Path, optional
        Where results that take long are kept, so that a training that was killed goes on.
    question : str
        Digest of what the whole training is made from.
    progress : callable
        Is told of passes that take long.
    failures : list of (site_id, reason)
    """

    asked: Asked
    folder: Path | None = None
    question: str = ""
    progress: Progress = lambda _: None
    failures: list[Failure] = field(default_factory=list)
    passes: int = 0

    @property
    def alone(self) -> bool:
        """Whether there is nobody but this thread."""
        return self.asked.workers == 1 and self.asked.scheduler is None and self.asked.pool is None

    def over(self, work: BlockWork, blocks: Sequence[Block], kept: bool) -> list[Arrays]:
        """What became of all blocks, in their order.

        Parameters
        ----------
        kept : bool
            Whether results are kept as they are done, and sites that cannot be used are noted and left out; otherwise any
            failure is an error.
        """
        self.passes += 1
        out = self.folder / f"pass_{self.passes:03d}_{self.question[:12]}" if kept and self.folder is not None else None
        try:
            outcome = self._done(work, blocks, out)
        except (
            DataError
        ) as error:  # nothing could be done: what is wrong with the first block says more than its number
            raise (error.__cause__ if isinstance(error.__cause__, (DataError, StudyError)) else error) from None
        if outcome.partial:
            failed = outcome.failures[["site_id", "reason"]].itertuples(index=False)
            lost = [(str(site), str(reason)) for site, reason in failed]
            if not kept or not all(site for site, _ in lost):
                raise DataError(next(reason for site, reason in lost if not kept or not site))
            self.failures += lost
        return [_arrays_of(table) for part in outcome.parts() for table in part.values()]

    def _done(self, work: BlockWork, blocks: Sequence[Block], out: Path | None) -> Outcome:
        rows = blocks[0].whole
        return over_partitions(
            _Tabled(work),
            blocks,
            out,
            workers=self.asked.workers,
            scheduler=self.asked.scheduler,
            question=(self.question, self.passes),
            resume=self.asked.resume,
            progress=None if out is None else InWords(self.progress, "models"),
            pool=self.asked.pool,
            bytes_in_all=8 * len(rows) * len(rows.columns),
        )


def each_block(
    rows: TrainingRows, work: BlockWork, of_sites: bool = False, at_once: int | None = None, kept: bool = False
) -> Iterator[Arrays]:
    """What `work` makes of each block of rows, in their order, whoever does it.

    Parameters
    ----------
    work : callable
        Block → arrays by name; picklable.
    of_sites : bool
        Whole sites at a time.
    at_once : int, optional
        Rows of a block.
    kept : bool
        See :meth:`Hands.over`.
    """
    parts = rows.parts_of_sites(at_once) if of_sites else rows.parts(at_once)
    blocks = [Block(rows, part, of_sites) for part in parts]
    if not blocks:
        return
    if rows.hands is None or (rows.hands.alone and not kept):
        yield from map(work, blocks)
        return
    yield from rows.hands.over(work, blocks, kept)


def some_columns(rows: TrainingRows, names: Sequence[str]) -> pd.DataFrame:
    """A few columns of all rows, in memory."""
    parts = [found["values"] for found in each_block(rows, _Chosen(tuple(names)))]
    return pd.DataFrame(np.concatenate(parts), rows.index, list(names))


def asked_rows(rows: TrainingRows, predict: Callable[[pd.DataFrame], np.ndarray]) -> np.ndarray:
    """What `predict` (picklable) says of all rows, float64, shape (n,)."""
    parts = [found["values"] for found in each_block(rows, _Predicted(predict))]
    return np.concatenate(parts) if parts else np.zeros(0)


def frame_of(rows: TrainingRows) -> pd.DataFrame:
    """Features of all the rows of a block."""
    return rows.block(slice(0, len(rows)))


@dataclass(frozen=True)
class _Chosen:
    names: tuple[str, ...]

    def __call__(self, block: Block) -> Arrays:
        return {"values": chosen_columns(frame_of(block.rows), self.names)}


@dataclass(frozen=True)
class _Predicted:
    predict: Callable[[pd.DataFrame], np.ndarray]

    def __call__(self, block: Block) -> Arrays:
        return {"values": np.asarray(self.predict(frame_of(block.rows)), dtype=np.float64)}


@dataclass(frozen=True)
class _Tabled:
    """The arrays of a block as a table, which parts of a run are kept as."""

    work: BlockWork

    def __call__(self, block: Block) -> pd.DataFrame:
        told = {name: np.asarray(values, order="C") for name, values in self.work(block).items()}
        return pd.DataFrame(
            {
                "name": list(told),
                "dtype": [values.dtype.str for values in told.values()],
                "shape": [",".join(map(str, np.shape(values))) for values in told.values()],
                "bytes": [values.tobytes() for values in told.values()],
            },
            dtype=object,
        )


def _arrays_of(table: pd.DataFrame) -> Arrays:
    found = {}
    for row in table.itertuples(index=False):
        shape = tuple(int(size) for size in str(row.shape).split(",") if size)
        kind = np.dtype(str(row.dtype))
        found[str(row.name)] = (
            np.frombuffer(row.bytes, kind).reshape(shape).copy() if row.bytes else np.empty(shape, kind)
        )
    return found
