"""The hours around events: how far the meter stands from the unadjusted baseline, outside the event itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.cases import EventArrays, make_cases
from cblcast.frames.events import HOUR_US, Window, check_events
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.programs import program_forecaster
from cblcast.programs.fitting import fitted
from cblcast.programs.model import Program
from cblcast.settle.estimate import window_blocked


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
    step_hours : float
    """

    events: pd.DataFrame
    before: np.ndarray
    after: np.ndarray
    inside: np.ndarray
    level_kw: np.ndarray
    step_hours: float

    def hours_before(self, first: float, last: float) -> np.ndarray:
        """Mean gap from `last` to `first` hours before the start, shape (n_events,)."""
        return _mean(self.before[:, round(first / self.step_hours) : round(last / self.step_hours)])

    def hours_after(self, first: float, last: float) -> np.ndarray:
        """Mean gap from `first` to `last` hours after the stop, shape (n_events,)."""
        return _mean(self.after[:, round(first / self.step_hours) : round(last / self.step_hours)])


def profile(
    program: Program,
    panel: Panel,
    masked: Panel,
    events: pd.DataFrame,
    hours_before: float = 10,
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
    table = table[~window_blocked(masked, table, windows)].reset_index(drop=True)
    forecaster = program_forecaster(program, adjusted=False)
    cases = make_cases(masked, table, forecaster.view, windows)
    X = forecaster.matrix(masked, cases)
    baseline = np.asarray(fitted(program, forecaster, masked, table, X).predict(X), dtype=np.float64)
    index = cases.index
    site = masked.site_codes(index.get_level_values(SITE))
    times = pd.DatetimeIndex(index.get_level_values("time")).as_unit("us").asi8
    metered = np.where(
        cases["scored"].to_numpy(dtype=bool),
        panel.values_at(OBSERVED, site, times),
        masked.values_at(OBSERVED, site, times),
    )
    event = EventArrays.of(masked, cases).event_of_row  # cases and table are both sorted by site and start
    level = _mean_by(baseline, event, len(table))
    gap = (metered - baseline) / np.where(level > 0, level, np.nan)[event]
    start = pd.DatetimeIndex(index.get_level_values("origin")).as_unit("us").asi8
    stop = pd.DatetimeIndex(cases["event_stop"]).as_unit("us").asi8
    step = masked.step_us
    before = _grid(gap, event, (start - times) // step - 1, round(hours_before * HOUR_US / step), len(table))
    after = _grid(gap, event, (times - stop) // step, round(hours_after * HOUR_US / step), len(table))
    scored = cases["scored"].to_numpy(dtype=bool)
    inside = _mean_by(np.where(scored, gap, np.nan), event, len(table))
    return Profile(table, before, after, inside, level, masked.step_hours)


def _grid(values: np.ndarray, event: np.ndarray, place: np.ndarray, width: int, n_events: int) -> np.ndarray:
    grid = np.full((n_events, width), np.nan)
    use = (place >= 0) & (place < width)
    grid[event[use], place[use]] = values[use]
    return grid


def _mean_by(values: np.ndarray, event: np.ndarray, n_events: int) -> np.ndarray:
    known = np.isfinite(values)
    count = np.bincount(event[known], minlength=n_events)
    total = np.bincount(event[known], weights=values[known], minlength=n_events)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _mean(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(1)
    return np.where(known.any(1), total / np.maximum(known.sum(1), 1), np.nan)
