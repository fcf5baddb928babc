"""Tables with a row for each day and a column for each hour, turned so that each row is one interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cblcast.io.day_slots import slot_of
from cblcast.io.files import Table, holds_numbers, numbers
from cblcast.io.names import TIME_WORDS, stem
from cblcast.io.time_columns import clock_of

FEWEST = 23  # hours of the shortest day
SLOT = "hour"
HOURS = "the columns of the hours"  # what their values are called: no unit is said by that


def unfolded(table: Table) -> Table:
    """The table with one row for each interval, if its columns are the hours of its days; else the table itself.

    Columns are hours by number (``1`` … ``24``, ``25`` on the long day, ``H01``, ``HE1``) or by clock (``00:00``, ``00:15``). An
    empty cell at the end of a row is an hour that the day lacks; elsewhere it was not metered.
    """
    frame = table.frame
    columns = [str(column) for column in frame.columns]
    hours = [column for column in columns if slot_of(column) is not None or clock_of(column) is not None]
    days = [column for column in columns if column not in hours and stem(column) in TIME_WORDS]
    if len(hours) < FEWEST or not days or not all(holds_numbers(frame[column], table) for column in hours):
        return table
    read = [slot_of(column) for column in hours]
    by_number = all(read)
    values = np.column_stack([numbers(frame[column], table).to_numpy() for column in hours])
    known = np.isfinite(values)
    # The last known hour of each day: what is empty behind it, the day does not have.
    last = np.where(known.any(1), values.shape[1] - 1 - known[:, ::-1].argmax(1), -1)
    kept = np.arange(values.shape[1]) <= last[:, None] if by_number else np.ones_like(known)
    day, hour = np.nonzero(kept)
    others = frame[[column for column in columns if column not in hours]].iloc[day]
    labels = np.array([pair[0] for pair in read if pair]) if by_number else np.array(hours, dtype=object)
    made = others.assign(**{SLOT: labels[hour], HOURS: values[day, hour]})
    return replace(table, frame=made)
