"""Scores of single events: larger is more suspicious. What a score of honest days looks like is asked elsewhere.

All are differences of relative gaps (metered − baseline) / baseline, so that a day on which everything is higher or
lower, for the weather's sake, does not count by itself. Hours: the window is what the adjustment meters; the morning
lies before it and before any notification. What may explain a score honestly (:data:`GIVEN`) is taken out of it before it
is ranked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cblcast.integrity.profile import Profile


@dataclass(frozen=True)
class Hours:
    """Hours before the start that the detectors look at.

    Attributes
    ----------
    window_first, window_last : float
        The adjustment window: from `window_last` to `window_first` hours before the start.
    morning_first, morning_last : float
        Undisturbed hours before the window and the notification.
    recovery : float
        Hours after the stop in which a snapback is looked for.
    ramp_first, ramp_last : float
        An early ramp begins between so many hours before the start.
    night : float
        Hours before the ramp with which it is compared.
    """

    window_first: float = 0.0
    window_last: float = 2.0
    morning_first: float = 4.0
    morning_last: float = 8.0
    recovery: float = 2.0
    ramp_first: float = 4.0
    ramp_last: float = 11.0
    night: float = 4.0


Score = Callable[[Profile, Hours], np.ndarray]


def raised_window(profile: Profile, hours: Hours) -> np.ndarray:
    """Load raised in the adjustment window: the window stands higher over its baseline than the morning does."""
    window = profile.hours_before(hours.window_first, hours.window_last)
    return window - profile.hours_before(hours.morning_first, hours.morning_last)


def shifted_maintenance(profile: Profile, hours: Hours) -> np.ndarray:
    """A shutdown laid onto the event: the load is low in BOTH shoulders, not only while it was called."""
    before = profile.hours_before(0, hours.morning_first)
    after = profile.hours_after(0, max(hours.recovery, hours.morning_first))
    return -np.fmax(before, after) + np.where(np.isfinite(before) & np.isfinite(after), 0.0, np.nan)


def low_anyway(profile: Profile, hours: Hours) -> np.ndarray:
    """A day that would have been low without any event: its morning is below the baseline."""
    return -profile.hours_before(hours.morning_first, hours.morning_last)


def snapback(profile: Profile, hours: Hours) -> np.ndarray:
    """Load that comes back after the event, where an adjustment may meet it: higher over its baseline than the morning."""
    return profile.hours_after(0, hours.recovery) - profile.hours_before(hours.morning_first, hours.morning_last)


def precooling(profile: Profile, hours: Hours) -> np.ndarray:
    """Load drawn ahead in the last hour before the start: higher over its baseline than the morning."""
    return profile.hours_before(0, 1) - profile.hours_before(hours.morning_first, hours.morning_last)


def early_ramp(profile: Profile, hours: Hours) -> np.ndarray:
    """Load raised from the morning on, so that window and morning stand equally high: the largest rise over the hours before.

    For every full hour at which it may have begun, the mean gap from then to the start less that of the four hours before.
    """
    begins = np.arange(np.ceil(hours.ramp_first), np.floor(hours.ramp_last) + 1)
    rises = [profile.hours_before(0, each) - profile.hours_before(each, each + hours.night) for each in begins]
    return np.fmax.reduce(rises)


def morning(profile: Profile, hours: Hours) -> np.ndarray:
    """The gap of the undisturbed hours."""
    return profile.hours_before(hours.morning_first, hours.morning_last)


def night(profile: Profile, hours: Hours) -> np.ndarray:
    """The gap of the hours before any ramp."""
    return profile.hours_before(hours.ramp_last, hours.ramp_last + hours.night)


def _weather(column: str, power: int = 1) -> Score:
    def condition(profile: Profile, hours: Hours) -> np.ndarray:
        return profile.weather[column].to_numpy(dtype=np.float64) ** power

    return condition


DETECTORS: dict[str, Score] = {
    "raised_window": raised_window,
    "shifted_maintenance": shifted_maintenance,
    "low_anyway": low_anyway,
    "snapback": snapback,
    "precooling": precooling,
    "early_ramp": early_ramp,
}
# Load follows the heat more steeply the hotter it is, and remembers the day before.
HONEST_WEATHER = (
    _weather("gap_k"),
    _weather("cooling_k"),
    _weather("cooling_k", 2),
    _weather("cooling_before_k"),
    _weather("heating_k"),
)
GIVEN: dict[str, tuple[Score, ...]] = {
    "raised_window": (morning, *HONEST_WEATHER),
    "shifted_maintenance": (night, *HONEST_WEATHER),
    "low_anyway": HONEST_WEATHER,
    "snapback": (morning, *HONEST_WEATHER),
    "precooling": (morning, *HONEST_WEATHER),
    "early_ramp": (night, *HONEST_WEATHER),
}
