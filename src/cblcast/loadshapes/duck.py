"""The duck of a day: the belly that the sun digs at noon, the neck that must be climbed in the evening, and its head."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.errors import DataError, StudyError
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED

MIDDAY = (9.0, 17.0)  # local hours in which a belly is looked for


def duck_shape(curves: np.ndarray, *, ramp_hours: float = 3.0, midday: tuple[float, float] = MIDDAY) -> pd.DataFrame:
    """What a net load's day looks like.

    Parameters
    ----------
    curves : ndarray of float, shape (n_days, n_slots) or (n_slots,)
        Net load [kW or MW] by the local clock from midnight, of equal intervals.
    ramp_hours : float
        Over how many hours the climb is measured (3 h as system operators do).
    midday : (float, float)
        Local hours [h] between which the belly is looked for.

    Returns
    -------
    DataFrame, one row a day
        ``peak`` and ``peak_hour``: the highest interval and its start. ``belly``, ``belly_hour``: the lowest around noon.
        ``ramp``: the largest rise within `ramp_hours` of one day, ``ramp_hour``: when it begins. ``mean``,
        ``load_factor`` = mean / peak (NaN unless the peak is above 0). A day with a gap has NaN everywhere.

    Raises
    ------
    StudyError
        A ramp that is no whole number of intervals within the day, or hours that are none.
    """
    values = np.atleast_2d(np.asarray(curves, dtype=np.float64))
    n_slots = values.shape[1]
    hours = 24.0 / n_slots
    steps = ramp_hours / hours
    if not (np.isfinite(steps) and steps == round(steps) and 1 <= steps < n_slots):
        raise StudyError(f"a ramp of {ramp_hours} h is no whole number of intervals of {hours:g} h within a day")
    first, last = round(midday[0] / hours), round(midday[1] / hours)
    if not 0 <= first < last <= n_slots:
        raise StudyError(f"midday lies between two hours of a day, e.g. (9, 17), not {midday}")
    whole = np.asarray(np.isfinite(values).all(1))
    filled = np.where(whole[:, None], values, 0.0)
    rise = filled[:, int(steps) :] - filled[:, : -int(steps)]
    peak_at, belly_at, ramp_at = filled.argmax(1), first + filled[:, first:last].argmin(1), rise.argmax(1)
    row = np.arange(len(values))
    peak, mean = filled[row, peak_at], filled.mean(1)
    table = {
        "peak": peak,
        "peak_hour": peak_at * hours,
        "belly": filled[row, belly_at],
        "belly_hour": belly_at * hours,
        "ramp": rise[row, ramp_at],
        "ramp_hour": ramp_at * hours,
        "mean": mean,
        "load_factor": np.divide(mean, peak, out=np.full(len(values), np.nan), where=peak > 0),
    }
    return pd.DataFrame({name: np.where(whole, each, np.nan) for name, each in table.items()})


def duck_of_days(
    panel: Panel, column: str = OBSERVED, *, ramp_hours: float = 3.0, midday: tuple[float, float] = MIDDAY
) -> pd.DataFrame:
    """The duck of each day of all sites together.

    Parameters
    ----------
    panel : Panel
    column : str
        Net load [kW].
    ramp_hours, midday
        As in :func:`duck_shape`.

    Returns
    -------
    DataFrame, index day (local date)
        Columns of :func:`duck_shape` with ``_kw`` at powers, means over the sites [kW per site], and ``n_sites`` metered on
        that day. The 23 h and 25 h days are whole days: the hour that spring skips is taken between its neighbours.

    Raises
    ------
    DataError
        A column that is not there or a day without any whole curve.
    """
    if column not in panel.data.columns:
        raise DataError(f"the panel has no column {column!r}: read the homes with their net load first")
    cube = panel.cube(column)
    values = _spring_bridged(cube.values)
    whole = np.isfinite(values).all(2)
    if not whole.any():
        raise DataError(f"no site has a day of {column!r} without a gap: fill the gaps, or take a longer span")
    mean = known_mean(np.where(whole[:, :, None], values, np.nan), 0)
    found = duck_shape(mean, ramp_hours=ramp_hours, midday=midday)
    found = found.rename(columns={name: f"{name}_kw" for name in ("peak", "belly", "ramp", "mean")})
    found["n_sites"] = whole.sum(0)
    return found.set_axis(pd.DatetimeIndex(cube.days.astype("M8[us]"), name="day"), axis=0)


def _spring_bridged(values: np.ndarray) -> np.ndarray:
    """Where all sites lack the same hour of a day and nothing else near it, it is the hour that spring skips."""
    n_slots = values.shape[2]
    hour = max(1, round(n_slots / 24))
    missing = ~np.isfinite(values)
    lacks = missing.all(0) & ~missing.all((0, 2))[:, None]
    days = np.flatnonzero(lacks.sum(1) == hour)
    filled = values.astype(np.float64)
    for day in days:
        at = np.flatnonzero(lacks[day])
        if at[-1] - at[0] != hour - 1 or at[0] == 0 or at[-1] == n_slots - 1 or at[-1] * 24 / n_slots > 4:
            continue
        share = np.arange(1, hour + 1) / (hour + 1)
        left, right = filled[:, day, at[0] - 1, None], filled[:, day, at[-1] + 1, None]
        filled[:, day, at] = left + share * (right - left)
    return filled
