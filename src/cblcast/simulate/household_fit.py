"""What no device explains, so that simulated homes have the mean days of measured ones."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cblcast.errors import DataError
from cblcast.simulate.household_weather import MeasuredSpan, mean_day
from cblcast.simulate.households import HOMES_AT_ONCE, HouseholdWorld, stream_homes


class LeftOver(NamedTuple):
    """Load that no device explains [kW] interval by interval, and the share of intervals at which devices alone exceed the homes."""

    other_kw: np.ndarray
    exceeded: float


def left_over(world: HouseholdWorld, measured: MeasuredSpan) -> LeftOver:
    """The rest that makes simulated mean days those of measured homes, by month, kind of day and clock.

    Parameters
    ----------
    world : HouseholdWorld
        Its homes without a program; up to a thousand of them are simulated to know what their devices use.
    measured : MeasuredSpan
        Of the same days and step.

    Notes
    -----
    The rest is never below 0: where the devices alone use more than the measured homes, the simulated day stays above the
    measured one, and the share of such intervals is told.
    """
    if measured.calendar.days != world.calendar.days:
        raise DataError("the measured span and the world have different days: make the world from the span")
    pilot = replace(world, homes=min(world.homes, HOMES_AT_ONCE), program=None, event_days=(), noise=0.0)
    total, homes = np.zeros(world.n_steps), 0
    for block in stream_homes(pilot, measured.weather):
        total += block.truth_kw.sum(0, dtype=np.float64)
        homes += len(block.truth_kw)
    devices = mean_day(total / homes, world.calendar, world.step_h)
    wanted = mean_day(measured.load_kw, world.calendar, world.step_h)
    rest = wanted - devices
    known = np.isfinite(rest)
    if not known.any():
        raise DataError("the measured homes were never metered in this span: choose another")
    low = known & (rest < 0)
    filled = np.where(known, np.maximum(rest, 0.0), np.nanmean(np.where(known, rest, np.nan)))
    calendar = world.calendar
    other = filled[calendar.month - 1, calendar.weekend.astype(int)]
    return LeftOver(other.ravel(), float(low.sum() / known.sum()))
