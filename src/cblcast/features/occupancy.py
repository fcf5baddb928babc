"""Who is there: the occupants of a building as planned or as counted, and against what is usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Between, Days, Text
from cblcast.days.blindfold import hidden_slots
from cblcast.days.day_types import DayTypes, site_day_types
from cblcast.errors import StudyError
from cblcast.frames.cases import EventArrays
from cblcast.frames.instants import DAY_US, HOUR_US
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED

Array = np.ndarray


@dataclass(frozen=True)
class Occupancy:
    """Occupants at the interval, usually, and the difference.

    ``known="plan"``: the column is known beforehand for every interval (a roster, a simulation's plan); the blindfold does
    not hide it. Columns ``<column>``, ``<column>_usual`` (mean at the same wall clock of the newest `days` earlier days
    of the same day type) and ``<column>_change`` (the one minus the other), all in persons.

    ``known="measured"``: it was counted like the load, so the blindfold hides it like the load. Columns
    ``<column>_usual`` (of days and hours that may be seen), ``<column>_seen`` (at the interval, NaN where hidden) and
    ``<column>_before_change`` (mean over the `hours_before` hours before what is hidden, minus what is usual then): what a
    telework day shows before the event begins.

    Parameters
    ----------
    column : str
        Column of the panel [persons].
    known : {"plan", "measured"}
    days, look_back_days : int
        How many days make what is usual, and how far back they may lie.
    day_types : str or eight labels
    hours_before : float
        Hours [h].
    """

    column: Text = "occupants"
    known: Literal["plan", "measured"] = "plan"
    days: Days = 10
    look_back_days: Days = 28
    day_types: DayTypes = "working"
    hours_before: Annotated[float, Between(0, 168, above=True)] = 2.0

    def __post_init__(self) -> None:
        check_fields(self)
        if self.column == OBSERVED:
            raise StudyError(f"{OBSERVED!r} is no occupancy: its plan would be read without the blindfold")
        if self.days > self.look_back_days:
            raise StudyError(f"look_back_days={self.look_back_days} can never hold days={self.days}: lengthen it")

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        return (self.column,)

    def columns_ahead(self) -> tuple[str, ...]:
        """The plan, which is read on hidden hours too; a count is not."""
        return (self.column,) if self.known == "plan" else ()

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        row = event.event_of_row
        site = event.site[row]
        now = panel.values_at(self.column, site, event.time_us)
        if self.known == "plan":
            usual = self._usual(panel, site, event.time_us, None)
            found = {self.column: now, f"{self.column}_usual": usual, f"{self.column}_change": now - usual}
            return pd.DataFrame(found, index=cases.index)
        hidden = hidden_slots(panel, event)
        wall = local_clock(panel, site, event.time_us) // panel.step_us * panel.step_us
        seen = _may_be_seen(wall, hidden[0][row], hidden[1][row], panel.step_us)
        found = {
            f"{self.column}_usual": self._usual(panel, site, event.time_us, (hidden[0][row], hidden[1][row])),
            f"{self.column}_seen": np.where(seen, now, np.nan),
            f"{self.column}_before_change": self._before(panel, event, hidden)[row],
        }
        return pd.DataFrame(found, index=cases.index)

    def _before(self, panel: Panel, event: EventArrays, hidden: tuple[Array, Array]) -> Array:
        """Mean of the seen hours before the blindfold minus what is usual in them, one per event."""
        step = panel.step_us
        count = max(1, round(self.hours_before * HOUR_US / step))
        first = panel.first_times_us[event.site]
        newest = first + (event.hidden_from_us - first) // step * step - step  # the last interval that ends by then
        times = newest[:, None] - np.arange(count) * step
        site = np.broadcast_to(event.site[:, None], times.shape).ravel()
        bounds = tuple(np.repeat(side, count) for side in hidden)
        wall = local_clock(panel, site, times.ravel()) // step * step
        now = panel.values_at(self.column, site, times.ravel())
        now = np.where(_may_be_seen(wall, bounds[0], bounds[1], step), now, np.nan)
        change = (now - self._usual(panel, site, times.ravel(), (bounds[0], bounds[1]))).reshape(times.shape)
        known = np.isfinite(change)
        n = known.sum(axis=1)
        return np.where(n > 0, np.where(known, change, 0.0).sum(axis=1) / np.maximum(n, 1), np.nan)

    def _usual(self, panel: Panel, site: Array, times_us: Array, hidden: tuple[Array, Array] | None) -> Array:
        """Mean of the newest `days` earlier days of the same type at the same wall clock; NaN where there is none."""
        cube = panel.cube(self.column)
        wall = local_clock(panel, site, times_us)
        day, slot = wall // DAY_US, wall % DAY_US // panel.step_us
        types = site_day_types(panel, self.day_types, cube.first_day, cube.n_days)
        own = _type_at(types, site, day - cube.first_day)
        total, count = np.zeros(len(site)), np.zeros(len(site))
        for ago in range(1, self.look_back_days + 1):
            value = cube.lookup(site, day - ago, slot)
            usable = (
                np.isfinite(value) & (_type_at(types, site, day - ago - cube.first_day) == own) & (count < self.days)
            )
            if hidden is not None:
                begin = (day - ago) * DAY_US + slot * panel.step_us
                usable &= _may_be_seen(begin, hidden[0], hidden[1], panel.step_us)
            total += np.where(usable, value, 0.0)
            count += usable
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _may_be_seen(wall_us: Array, begin_us: Array, end_us: Array, step_us: int) -> Array:
    return (wall_us + step_us <= begin_us) | (wall_us >= end_us)


def _type_at(types: Array, site: Array, position: Array) -> Array:
    inside = (position >= 0) & (position < types.shape[1])
    return np.where(inside, types[site, np.where(inside, position, 0)], -1)
