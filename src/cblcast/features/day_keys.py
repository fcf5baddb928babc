"""What days are ranked and judged by: their load at the event's wall clock, over whole days, likeness, temperature."""

from __future__ import annotations

import numpy as np

from cblcast.days.blindfold import hidden_slots
from cblcast.frames.cases import EventArrays
from cblcast.frames.cube import DayCube
from cblcast.frames.instants import DAY_US
from cblcast.frames.known import known_mean
from cblcast.frames.panel import AnyPanel, local_clock
from cblcast.frames.schema import OBSERVED


def event_hours_mean(panel: AnyPanel, event: EventArrays, days: np.ndarray) -> np.ndarray:
    """Mean load of each day at the wall clock of the event's own intervals [kW]; (n_events, k), NaN where none.

    Equal to the mean of :func:`~cblcast.features.reference_days.reference_load` over the scored rows.
    """
    cube = panel.cube(OBSERVED)
    rows = np.flatnonzero(event.scored)
    owner = event.event_of_row[rows]
    start_day = local_clock(panel, event.site, event.start_us) // DAY_US
    local = local_clock(panel, event.site[owner], event.time_us[rows])
    offset = local // DAY_US - start_day[owner]
    slot = local % DAY_US // panel.step_us
    hidden, _ = hidden_slots(panel, event)
    total, count = np.zeros(days.shape), np.zeros(days.shape, dtype=np.int32)
    # One interval of every event at a time: the arrays stay (events, days), whatever the length of an event.
    place = np.arange(len(rows)) - np.searchsorted(owner, owner)
    for step in range(int(place.max(initial=-1)) + 1):
        now = place == step
        who = owner[now]
        day = days[who] + offset[now, None]
        inside = (days[who] >= 0) & (day >= 0) & (day < cube.n_days)
        seen = (day + cube.first_day) * DAY_US + (slot[now, None] + 1) * panel.step_us <= hidden[who, None]
        load = cube.values[event.site[who][:, None], np.where(inside, day, 0), slot[now, None]]
        use = inside & seen & np.isfinite(load)
        total[who] += np.where(use, load, 0.0)
        count[who] += use
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def whole_days(cube: DayCube, site: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The slots of some days of each event, (n_events, k, n_slots); NaN for a day that is not there."""
    inside = (days >= 0) & (days < cube.n_days)
    return np.where(inside[:, :, None], cube.values[site[:, None], np.where(inside, days, 0)], np.float32(np.nan))


def event_slots(panel: AnyPanel, event: EventArrays) -> np.ndarray:
    """Wall-clock slots that the event covers, bool, shape (n_events, n_slots)."""
    cube = panel.cube(OBSERVED)
    inside = np.zeros((len(event.site), cube.values.shape[2]), dtype=bool)
    rows = np.flatnonzero(event.scored)
    owner = event.event_of_row[rows]
    slot = local_clock(panel, event.site[owner], event.time_us[rows]) % DAY_US // panel.step_us
    inside[owner, slot] = True
    return inside


def day_before_gap(panel: AnyPanel, event: EventArrays, days: np.ndarray) -> np.ndarray:
    """Mean difference between the day before the event and the day before each of `days` [kW], (n_events, k)."""
    cube = panel.cube(OBSERVED)
    eve = local_clock(panel, event.site, event.start_us) // DAY_US - cube.first_day - 1
    return known_mean(np.abs(whole_days(cube, event.site, days - 1) - whole_days(cube, event.site, eve[:, None])))


def temperature_gap(panel: AnyPanel, event: EventArrays, days: np.ndarray, column: str) -> np.ndarray:
    """Difference between the daily maximum of the event day and of each of `days`, unit of `column`, (n_events, k)."""
    cube = panel.cube(column)
    shift = panel.cube(OBSERVED).first_day - cube.first_day
    today = local_clock(panel, event.site, event.start_us) // DAY_US - cube.first_day
    maximum = np.fmax.reduce(whole_days(cube, event.site, today[:, None]), axis=2)
    return np.abs(np.fmax.reduce(whole_days(cube, event.site, np.where(days >= 0, days + shift, -1)), axis=2) - maximum)
