"""Day rows taken apart: each reading at its instant, through the days on which clocks change."""

from __future__ import annotations

import numpy as np

from cblcast.frames.instants import DAY_US
from cblcast.io.read_report import Note
from cblcast.io.store.day_rows import DayRows, on_the_wall
from cblcast.io.store.long_rows import Rows
from cblcast.io.store.zones import Zones, clock_changes, midnights


def readings_of_days(part: DayRows, zones: Zones, step_us: int) -> tuple[Rows, list[Note]]:
    """A row for each interval that passed on the days of one row group, and what was taken otherwise than it stood.

    Both intervals of a double hour have its value where the day is told by wall clock.
    """
    grid, notes = on_the_wall(part, zones, step_us)
    n_slots = DAY_US // step_us
    begins = np.cumsum(part.lengths) - part.lengths
    zone_of = zones.of(part.names)
    pieces: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for zone in sorted(set(zone_of)):
        own = (zone_of == zone)[part.codes]
        days = np.unique(part.days[own]).astype(np.int64)
        begin_us = midnights(days, zone)
        changes = clock_changes(days, zone, step_us)
        plain = np.flatnonzero(own & ~np.isin(part.days, list(changes)))
        us = begin_us[np.searchsorted(days, part.days[plain])][:, None] + np.arange(n_slots) * step_us
        pieces.append((np.repeat(part.codes[plain], n_slots), us.reshape(-1), grid[plain].reshape(-1)))
        for day, change in changes.items():
            count = len(change.slots)
            rows = np.flatnonzero(own & (part.days == day))
            values = grid[rows][:, change.slots]  # of wall-clock days, and of days without readings
            passed = part.lengths[rows] == count
            values[passed] = part.values[begins[rows[passed]][:, None] + np.arange(count)]
            us = begin_us[np.searchsorted(days, day)] + np.arange(count) * step_us
            pieces.append((np.repeat(part.codes[rows], count), np.tile(us, len(rows)), values.reshape(-1)))
    codes, us, values = (np.concatenate(arrays) for arrays in zip(*pieces, strict=True))
    return Rows(part.names, codes, us, values, part.source), notes
