"""Training rows that lie on disk: a feature matrix in files, read block by block in the order in which rows are learned from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.errors import DataError, nearest
from cblcast.frames.schema import SITE

if TYPE_CHECKING:
    from cblcast.scaling.pooled_blocks import Hands

ROWS_AT_ONCE = 10_000  # of a block: what is made of it is a dozen times as large
Change = Callable[[pd.DataFrame], pd.DataFrame]  # picklable, where others than this process work on blocks


@dataclass(frozen=True, eq=False)
class MatrixFiles:
    """A matrix in several .npy files, one below the other.

    Attributes
    ----------
    paths : tuple of Path
    columns : tuple of str
    first : ndarray of int64, shape (n_files + 1,)
        Row at which each file begins; last the number of rows.
    """

    paths: tuple[Path, ...]
    columns: tuple[str, ...]
    first: np.ndarray

    def only(self, rows: np.ndarray) -> tuple[MatrixFiles, np.ndarray]:
        """The files that hold some rows, and these rows' places in them."""
        used, own = np.unique(np.searchsorted(self.first, rows, side="right") - 1, return_inverse=True)
        first = np.r_[0, np.cumsum(np.diff(self.first)[used])]
        paths = tuple(self.paths[number] for number in used.tolist())
        return MatrixFiles(paths, self.columns, first), rows - self.first[used][own] + first[own]

    def read(self, rows: np.ndarray, columns: Sequence[str]) -> np.ndarray:
        """Some rows and columns, float64; a file is mapped only as long as it is read, so that nothing of it stays."""
        place = [self.columns.index(name) for name in columns]
        whole = place == list(range(len(self.columns)))
        out = np.empty((len(rows), len(place)))
        file = np.searchsorted(self.first, rows, side="right") - 1
        for number in np.unique(file).tolist():
            own = np.flatnonzero(file == number)
            mapped = np.load(self.paths[number], mmap_mode="r")
            found = mapped[rows[own] - self.first[number]]
            out[own] = found if whole else found[:, place]
            del mapped
        return out


def write_matrix(path: Path, columns: Sequence[str], n_rows: int, blocks: Iterable[np.ndarray]) -> MatrixFiles:
    """A matrix of `n_rows` float32 rows, written block by block; the file is there whole or not at all."""
    draft = path.with_name(path.name + f".{os.getpid()}.draft")
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype("<f4")),
        "fortran_order": False,
        "shape": (n_rows, len(columns)),
    }
    with draft.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype="<f4").tobytes())
    os.replace(draft, path)
    return MatrixFiles((path,), tuple(columns), np.array([0, n_rows]))


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Rows to learn from; only their index, load and weight are in memory.

    Attributes
    ----------
    files : MatrixFiles
    place : ndarray of int64, shape (n,)
        Row of the files that each row is.
    index : MultiIndex (site_id, origin, time), shape (n,)
        Rows of a site stand together.
    y : ndarray of float64, shape (n,)
    weight : ndarray of float64, shape (n,), optional
    columns : tuple of str
        Those that are read, of the files.
    changes : tuple of callable
        What is made of a block's frame before anybody sees it, row by row.
    hands : Hands, optional
        Who works on blocks; this thread unless given.
    """

    files: MatrixFiles
    place: np.ndarray
    index: pd.MultiIndex
    y: np.ndarray
    weight: np.ndarray | None = None
    columns: tuple[str, ...] = ()
    changes: tuple[Change, ...] = field(default=())
    hands: Hands | None = None

    def __len__(self) -> int:
        return len(self.place)

    @property
    def names(self) -> list[str]:
        """Columns of a block."""
        return [str(name) for name in self.block(slice(0, 1)).columns]

    def block(self, rows: slice | np.ndarray) -> pd.DataFrame:
        """Features of some rows, float64, indexed as in memory."""
        X = pd.DataFrame(self.files.read(self.place[rows], self.columns), self.index[rows], list(self.columns))
        for change in self.changes:
            X = change(X)
        return X

    def parts(self, at_once: int | None = None) -> list[slice]:
        """All rows, some at a time."""
        size = at_once or ROWS_AT_ONCE
        return [slice(first, min(first + size, len(self))) for first in range(0, len(self), size)]

    def parts_of_sites(self, at_once: int | None = None) -> list[slice]:
        """All rows, whole sites at a time, as many as fit into `at_once` rows or one."""
        size, found, first = at_once or ROWS_AT_ONCE, [], 0
        code = np.asarray(self.index.codes[self.index.names.index(SITE)])
        ends = np.r_[np.flatnonzero(np.diff(code)) + 1, len(self)]
        while first < len(self):
            fits = int(np.searchsorted(ends, first + size, side="right")) - 1
            stop = int(ends[fits]) if fits >= 0 and ends[fits] > first else int(ends[fits + 1])
            found.append(slice(first, stop))
            first = stop
        return found

    def part(self, rows: slice) -> TrainingRows:
        """Some rows that stand together, with nothing of the others; nobody else works on them."""
        files, place = self.files.only(self.place[rows])
        weight = None if self.weight is None else self.weight[rows]
        index = self.index[rows].remove_unused_levels()
        return replace(self, files=files, place=place, index=index, y=self.y[rows], weight=weight, hands=None)

    def where(self, keep: np.ndarray) -> TrainingRows:
        """Some of the rows, in the same order."""
        weight = None if self.weight is None else self.weight[keep]
        return replace(self, place=self.place[keep], index=self.index[keep], y=self.y[keep], weight=weight)

    def with_target(self, y: np.ndarray) -> TrainingRows:
        """The same rows, for another target."""
        return replace(self, y=y)

    def weighted(self, weight: np.ndarray | None) -> TrainingRows:
        """The same rows with weights."""
        return replace(self, weight=weight)

    def changed(self, change: Change) -> TrainingRows:
        """The same rows with `change` made of every block after all others."""
        return replace(self, changes=(*self.changes, change))

    def only(self, names: Sequence[str]) -> TrainingRows:
        """The same rows with some of the columns of the files, before any change."""
        lacking = [name for name in names if name not in self.columns]
        if lacking:
            raise DataError(f"the features lack the column {lacking[0]!r}: {nearest(lacking[0], self.columns)}")
        return replace(self, columns=tuple(names))


def chosen_columns(X: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """Some columns of a block, float64, shape (n_rows, len(names))."""
    lacking = [name for name in names if name not in X.columns]
    if lacking:
        raise DataError(f"the features lack the column {lacking[0]!r}: {nearest(lacking[0], map(str, X.columns))}")
    return X[list(names)].to_numpy(dtype=np.float64)
