"""Measured weather on the steps of a simulation."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE
from cblcast.simulate.rooms import Drive

LONGEST_GAP_H = 24.0


@dataclass(frozen=True, eq=False)
class SteppedWeather:
    """Weather of a place, one value a step.

    Attributes
    ----------
    times : DatetimeIndex
        Start of each step, UTC.
    drive : Drive
    day : ndarray of int
        Local day of each step, days since 1970-01-01.
    tz : str
    warm_up : int
        Steps before the first day, which only bring rooms to life.
    notes : tuple of str
        What was bridged or is missing.
    """

    times: pd.DatetimeIndex
    drive: Drive
    day: np.ndarray
    tz: str
    warm_up: int
    notes: tuple[str, ...] = ()


def stepped_weather(
    panel: Panel,
    site: str,
    first_day: str,
    days: int,
    step_min: float,
    *,
    temperature: str = "temp_air_c",
    irradiance: str = "ghi_wm2",
    warm_up_days: int = 3,
) -> SteppedWeather:
    """Bring the weather of a site to the steps of a simulation, by straight lines between the values.

    Parameters
    ----------
    panel : Panel
        Its load is not looked at.
    site : str
    first_day : str
        Local date.
    days : int
    step_min : float
        Must divide the hour.
    warm_up_days : int
        Days before that are simulated and thrown away; fewer where the weather begins later.

    Raises
    ------
    DataError
        The weather does not cover the days, or has a gap of more than a day.
    """
    if not 1 <= days <= 36_600 or not 1 / 60 <= step_min <= 60 or round(60 / step_min) * step_min != 60:
        raise DataError(
            f"{days} days in steps of {step_min} min: give 1 to 36600 days, and a step of 1 s to 60 min that divides the hour"
        )
    panel.site_codes(pd.Index([site]))
    own = panel.data.xs(site, level=SITE)
    if temperature not in own.columns:
        raise DataError(f"the weather of site {site!r} has no column {temperature!r}: a building needs its weather")
    tz = str(panel.sites.loc[site, "tz"])
    try:
        begin = pd.Timestamp(first_day).tz_localize(ZoneInfo(tz), ambiguous=True, nonexistent="shift_forward")
    except (ValueError, TypeError):
        raise DataError(f"first_day is {first_day!r}: write a local date like 2019-06-01") from None
    stop = (begin.tz_localize(None) + pd.Timedelta(days=days)).tz_localize(
        begin.tz, ambiguous=True, nonexistent="shift_forward"
    )
    end_of_data = own.index[-1] + panel.step
    if begin < own.index[0] or stop > end_of_data:
        raise DataError(
            f"the weather of site {site!r} runs from {own.index[0]:%Y-%m-%d} to {end_of_data:%Y-%m-%d}, the world from "
            f"{first_day} for {days} days: choose days within the weather"
        )
    step = pd.Timedelta(minutes=step_min)
    warm = min(pd.Timedelta(days=warm_up_days), (begin - own.index[0]).floor(step))
    times = pd.date_range(begin.tz_convert("UTC") - warm, stop.tz_convert("UTC"), freq=step, inclusive="left")
    notes = []
    out_c, bridged = _at(own[temperature], times, site, temperature)
    if bridged:
        notes.append(f"{bridged} gaps of {temperature} were bridged by straight lines")
    if irradiance in own.columns and own[irradiance].notna().any():
        ghi, bridged = _at(own[irradiance], times, site, irradiance)
        if bridged:
            notes.append(f"{bridged} gaps of {irradiance} were bridged by straight lines")
    else:
        ghi = np.zeros(len(times))
        notes.append(f"the weather has no {irradiance}: rooms have no solar gains")
    wall = times.tz_convert(tz).tz_localize(None)
    day = (wall.normalize() - pd.Timestamp("1970-01-01")).days.to_numpy()
    hour = ((wall - wall.normalize()) / pd.Timedelta(hours=1)).to_numpy()
    drive = Drive(out_c, np.maximum(ghi, 0.0), hour)
    return SteppedWeather(times.as_unit("us"), drive, day, tz, round(warm / step), tuple(notes))


def _at(column: pd.Series, times: pd.DatetimeIndex, site: str, name: str) -> tuple[np.ndarray, int]:
    """Values at `times`, and how many gaps were bridged within them."""
    known = column[
        (column.index >= times[0] - pd.Timedelta(hours=LONGEST_GAP_H))
        & (column.index <= times[-1] + pd.Timedelta(hours=LONGEST_GAP_H))
    ].dropna()
    if len(known) < 2:
        raise DataError(f"the weather of site {site!r} has no {name} in these days: choose others")
    gaps = np.diff(known.index.as_unit("us").asi8) / 3.6e9
    if gaps.max() > LONGEST_GAP_H:
        at = known.index[int(gaps.argmax())]
        raise DataError(
            f"{name} of site {site!r} has a gap of {gaps.max():.0f} h after {at:%Y-%m-%d %H:%M} UTC, too long to bridge: "
            "choose other days"
        )
    bridged = int((gaps > np.median(gaps) * 1.5).sum())
    return np.interp(
        times.as_unit("us").asi8, known.index.as_unit("us").asi8, known.to_numpy(dtype=np.float64)
    ), bridged
