"""The hours around events: how far the meter stands from the unadjusted baseline, outside the event itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.days.like_days import COMFORT_C, TEMPERATURE
from cblcast.forecast.answer import answer
from cblcast.forecast.forecaster import truth
from cblcast.frames.cases import event_rows
from cblcast.frames.collisions import collides
from cblcast.frames.events import Window, check_events
from cblcast.frames.instants import DAY_US, HOUR_US, microseconds
from cblcast.frames.known import known_mean, known_mean_by
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import ORIGIN, PREDICTED, SITE, TIME
from cblcast.programs.fitting import ready_forecaster
from cblcast.programs.model import Program

USUAL_DAYS = 14
WEATHER = ["gap_k", "cooling_k", "cooling_before_k", "heating_k"]


@dataclass(frozen=True)
class Profile:
    """Gap between the meter and the unadjusted baseline around events.

    Attributes
    ----------
    events : DataFrame
        The events, in the order of the rows.
    before, after : ndarray, shape (n_events, n_before or n_after)
        (metered − baseline) / mean baseline of the row; column 0 is the interval nearest to the event. NaN where not
        known.
    inside : ndarray, shape (n_events,)
        The same, mean over the event itself.
    level_kw : ndarray, shape (n_events,)
        Mean baseline around the event [kW].
    weather : DataFrame
        :data:`WEATHER` of each event's day, NaN without weather: distance of its mean temperature from 15 °C less that of
        the 14 days before, how far it lies above 15 °C, how far the day before did, and how far below it lies [K].
    step_hours : float
    """

    events: pd.DataFrame
    before: np.ndarray
    after: np.ndarray
    inside: np.ndarray
    level_kw: np.ndarray
    weather: pd.DataFrame
    step_hours: float

    def hours_before(self, first: float, last: float) -> np.ndarray:
        """Mean gap from `last` to `first` hours before the start, shape (n_events,)."""
        return known_mean(self.before[:, round(first / self.step_hours) : round(last / self.step_hours)])

    def hours_after(self, first: float, last: float) -> np.ndarray:
        """Mean gap from `first` to `last` hours after the stop, shape (n_events,)."""
        return known_mean(self.after[:, round(first / self.step_hours) : round(last / self.step_hours)])


def profile(
    program: Program,
    panel: Panel,
    masked: Panel,
    events: pd.DataFrame,
    hours_before: float = 15,
    hours_after: float = 4,
) -> Profile:
    """The profile of `events` by the days that `program` selects, without its adjustment.

    Parameters
    ----------
    panel, masked : Panel
        As metered, and with real events masked.
    events : DataFrame
        Events whose surroundings reach into another event are left out.
    """
    table = check_events(events, masked)
    windows = (Window.before(hours_before), Window.after(hours_after))
    table = table[~collides(masked, table, windows)].reset_index(drop=True)
    said = answer(ready_forecaster(program, masked, table, adjusted=False), masked, table, windows)
    rows = said.rows
    scored = rows["scored"].to_numpy(dtype=bool)
    baseline = rows[PREDICTED].to_numpy(dtype=np.float64)
    # Beside the event another event's hours stay masked: the meter there was moved by that event.
    metered = np.where(scored, truth(panel, rows), truth(masked, rows))
    _, event = event_rows(rows.index)  # rows and table are both sorted by site and start
    level = known_mean_by(baseline, event, len(table))
    gap = (metered - baseline) / np.where(level > 0, level, np.nan)[event]
    times, start = (microseconds(rows.index.get_level_values(name)) for name in (TIME, ORIGIN))
    stop, step = microseconds(rows["event_stop"]), masked.step_us
    before = _grid(gap, event, (start - times) // step - 1, round(hours_before * HOUR_US / step), len(table))
    after = _grid(gap, event, (times - stop) // step, round(hours_after * HOUR_US / step), len(table))
    inside = known_mean_by(np.where(scored, gap, np.nan), event, len(table))
    return Profile(table, before, after, inside, level, _weather(panel, table), masked.step_hours)


def _weather(panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    if TEMPERATURE not in panel.data.columns or events.empty:
        return pd.DataFrame(np.nan, index=range(len(events)), columns=WEATHER)
    cube = panel.cube(TEMPERATURE)
    mean = known_mean(cube.values)
    code = panel.site_codes(pd.Index(events[SITE]))
    day = local_clock(panel, code, microseconds(events["start"])) // DAY_US - cube.first_day
    before = day[:, None] - np.arange(USUAL_DAYS + 1)
    past = np.where(before >= 0, mean[code[:, None], np.maximum(before, 0)], np.nan)
    far = np.abs(past - COMFORT_C)
    cooling = np.maximum(past[:, :2] - COMFORT_C, 0)
    told = (far[:, 0] - known_mean(far[:, 1:]), cooling[:, 0], cooling[:, 1], np.maximum(COMFORT_C - past[:, 0], 0))
    return pd.DataFrame(dict(zip(WEATHER, told, strict=True)))


def _grid(values: np.ndarray, event: np.ndarray, place: np.ndarray, width: int, n_events: int) -> np.ndarray:
    grid = np.full((n_events, width), np.nan)
    use = (place >= 0) & (place < width)
    grid[event[use], place[use]] = values[use]
    return grid
