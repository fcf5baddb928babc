"""The step of a store, told by its first readings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cblcast.errors import DataError
from cblcast.io.store.day_rows import DayRows, lists_in, step_of_days
from cblcast.io.store.footers import Footer
from cblcast.io.store.long_rows import Rows, instants_in, step_of
from cblcast.io.store.row_groups import coded, codes_in

FIRST_ROWS = 65_536


def step_of_store(folder: Path, footers: Sequence[Footer]) -> int | None:
    """Length of one interval [us] by the first rows of the first file that can be read; None where these do not say."""
    import numpy as np
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    for footer in footers:
        layout = footer.layout
        wanted = [layout.site, layout.value if layout.kind == "days" else layout.when]
        try:
            with ParquetFile(folder / footer.file, read_dictionary=coded(layout, footer.folders)) as file:
                columns = [column for column in wanted if column in file.schema_arrow.names]
                batch = next(file.iter_batches(FIRST_ROWS, columns=columns, use_threads=False))
        except (OSError, pa.ArrowException, StopIteration):
            continue  # whoever reads it is told
        table = pa.Table.from_batches([batch])
        none = np.zeros(len(batch), dtype=np.int32)
        try:
            if layout.kind == "days":
                lengths, values = lists_in(table[layout.value])
                apart = np.arange(len(batch), dtype=np.int32)  # which dates they are of is not looked at
                return step_of_days([DayRows(["?"], none, apart, lengths, values, footer.file)])
            codes, names = (none, ["?"])
            if layout.site in table.column_names:
                codes, names = codes_in(table[layout.site], layout.site, footer.file)
            us = instants_in(table[layout.when], layout.when, footer.file)
            return step_of([Rows(list(names), codes, us, us.astype(np.float32), footer.file)])
        except DataError:
            return None  # whoever reads the partition is told
    return None
