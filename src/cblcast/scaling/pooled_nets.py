"""Nets on rows that lie on disk: torch draws batches from a buffer that is filled anew from everywhere in the files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cblcast.estimators.design import finite_target, row_weights
from cblcast.estimators.neural.attention_training import Batch, tensors_of
from cblcast.estimators.neural.day_attention import DayAttention
from cblcast.estimators.neural.day_inputs import DayInputs
from cblcast.scaling.pooled_rows import TrainingRows

if TYPE_CHECKING:
    from torch import Generator

BUFFER_ROWS = 200_000
CHUNK_ROWS = 256  # that stand together on disk and are read together


@dataclass(frozen=True, eq=False)
class StreamedDraws:
    """Batches of rows on disk, as :func:`~cblcast.estimators.neural.attention_training.train_attention` draws them.

    A buffer is filled with chunks from everywhere, drawn by the seed of the training, and its rows are dealt out in an order
    drawn from the same; what does not fill a batch goes on into the next buffer. Where all rows fit into the buffer, the
    batches are those of a training in memory, row by row.

    Attributes
    ----------
    rows : TrainingRows
        Columns of :func:`~cblcast.estimators.neural.day_inputs.table_columns`, in their order.
    weight : ndarray, shape (n,)
    n_days, n_hours : int
    buffer_rows : int
    """

    rows: TrainingRows
    weight: np.ndarray
    n_days: int
    n_hours: int
    buffer_rows: int = BUFFER_ROWS

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def like(self) -> DayInputs:
        """A row, for the sizes of the net."""
        return self._inputs(np.arange(min(1, len(self))))

    def epoch(self, size: int, generator: Generator) -> Iterator[Batch]:
        """Batches of one epoch, as many as all rows fill."""
        import torch

        left: Batch | None = None
        for rows in self._buffers(generator):
            filled = tensors_of(self._inputs(rows), self.rows.y[rows], (self.weight / self.weight.mean())[rows])
            if left is not None:
                filled = Batch.joined(left, filled)
            order = torch.randperm(len(filled), generator=generator)
            whole = len(order) // size * size
            for drawn in order[:whole].reshape(-1, size):
                yield filled.take(drawn)
            left = filled.take(order[whole:])

    def _buffers(self, generator: Generator) -> Iterator[np.ndarray]:
        import torch

        if len(self) <= self.buffer_rows:
            yield np.arange(len(self))
            return
        first = torch.randperm(-(-len(self) // CHUNK_ROWS), generator=generator).numpy() * CHUNK_ROWS
        each = max(1, self.buffer_rows // CHUNK_ROWS)
        for place in range(0, len(first), each):
            chunks = first[place : place + each]
            yield np.concatenate([np.arange(begin, min(begin + CHUNK_ROWS, len(self))) for begin in chunks.tolist()])

    def _inputs(self, rows: np.ndarray) -> DayInputs:
        return DayInputs.of_table(self.rows.block(rows).to_numpy(), self.n_days, self.n_hours)


def fit_attention(net: DayAttention, rows: TrainingRows, buffer_rows: int = BUFFER_ROWS) -> DayAttention:
    """Train the nets on batches that are streamed from disk."""
    target = finite_target(rows.y, net)
    weight = row_weights(rows.weight, len(target), net)
    net.n_features_in_ = len(rows.names)
    return net.train(StreamedDraws(rows.with_target(target), weight, net.days, net.hours, buffer_rows))
