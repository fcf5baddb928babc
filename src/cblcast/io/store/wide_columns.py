"""A wide store (a column for each site): only the columns of the sites that are asked for are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.io.store.layouts import Layout
from cblcast.io.store.long_rows import Alike, Rows, instants_in, loads
from cblcast.io.store.partitions import Partition
from cblcast.io.store.row_groups import Span, narrowed, row_groups


def read_wide(
    folder: Path, layout: Layout, partition: Partition, sites: pd.Index | None, around: Span
) -> list[Rows | Alike]:
    """The readings of a partition's columns in row groups that meet a span of instants [us UTC]."""
    partition = narrowed(partition, sites)
    columns = partition.columns
    if not columns:
        return []
    parts: list[Rows | Alike] = []
    for read in row_groups(folder, layout, partition, [layout.when, *columns], around):
        us = instants_in(read.table[layout.when], layout.when, read.source)
        values = np.stack([loads(read.table[str(column)]) for column in columns])
        alike = Alike(list(columns), us, values, read.source)
        parts.append(alike if (np.diff(us) > 0).all() else alike.rows())
    return parts
