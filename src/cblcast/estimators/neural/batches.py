"""Which nets are trained together, and their rows as tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cblcast.estimators.neural.network import Architecture, Array

if TYPE_CHECKING:
    import torch

    from cblcast.estimators.neural.gradients import Samples

# Numbers that the activations and matrices of one batch may take. A processor gains nothing beyond half a dozen nets of
# 5,000 rows (torch's calls are then cheap beside their work), a graphics card wants as many at once as it has memory for.
_CPU_CELLS = {False: 3_000_000, True: 8_000_000}
_CUDA_SHARE = 0.4


def keep_freed_memory() -> None:
    """Let the C library keep the memory that every epoch frees, and take it again in the next one.

    glibc hands large blocks back to the system until one just as large has been freed once; the page faults of taking
    them anew cost a third of the time. Its limit for such blocks is 32 MiB. Elsewhere this does nothing.
    """
    np.empty(31 * 2**20, dtype=np.uint8)


def cell_budget(device: torch.device, *, second_order: bool) -> int:
    """Numbers of 8 bytes that one batch may take on `device`."""
    if device.type == "cpu":
        return _CPU_CELLS[second_order]
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return int(_CUDA_SHARE * free / 8)


def batches(lengths: NDArray[np.int64], net: Architecture, *, second_order: bool, budget: int) -> Iterator[list[int]]:
    """Site numbers, longest first, so that a batch pads little; as many as its budget holds."""
    per_net = 6 * net.n_parameters**2 if second_order else 8 * net.n_parameters
    order = [int(s) for s in np.argsort(-lengths, kind="stable")]
    while order:
        # Activations, their derivatives and the inputs of the longest net of this batch.
        cells = per_net + int(lengths[order[0]]) * (3 * sum(net.sizes) + 4)
        width = max(1, budget // max(1, cells))
        yield order[:width]
        order = order[width:]


def pack(columns: list[tuple[Array, Array]], device: torch.device, dtype: torch.dtype) -> Samples:
    """One batch from the scaled (inputs (n, F), targets (n,)) of each net."""
    import torch

    from cblcast.estimators.neural.gradients import Samples

    longest = max(len(y) for _, y in columns)
    x = np.zeros((len(columns), columns[0][0].shape[1], longest))
    y = np.zeros((len(columns), longest))
    count = np.array([len(t) for _, t in columns])
    for b, (inputs, targets) in enumerate(columns):
        x[b, :, : len(targets)], y[b, : len(targets)] = inputs.T, targets
    mask = None
    if count.min() < longest:
        mask = torch.from_numpy(np.arange(longest)[None, :] < count[:, None]).to(device, dtype)
    # A net without validation rows must not divide by zero; its error is then 0.
    counts = torch.from_numpy(np.maximum(count, 1)).to(device, dtype)
    return Samples(torch.from_numpy(x).to(device, dtype), torch.from_numpy(y).to(device, dtype), mask, counts)
