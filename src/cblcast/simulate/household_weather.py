"""Weather of a simulated span from measured homes: local standard days, gaps told, the sun of a roof per kW."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel
from cblcast.physics.sun import sun_position
from cblcast.simulate.household_devices import Calendar
from cblcast.simulate.households import HouseholdWeather

ROOF_QUANTILE = 0.999  # installed power of a roof, where nobody says it: what it reaches for nine hours a year


class MeasuredSpan(NamedTuple):
    """Weather of whole local days, what homes used then, and how many hours were filled.

    Attributes
    ----------
    calendar : Calendar
    weather : HouseholdWeather
    load_kw : ndarray, shape (n_steps,)
        Mean over the measured homes; NaN where none was metered.
    first : Timestamp
        Local midnight of the first day, standard time.
    filled : int
        Intervals whose weather was interpolated.
    """

    calendar: Calendar
    weather: HouseholdWeather
    load_kw: np.ndarray
    first: pd.Timestamp
    filled: int


def measured_span(panel: Panel, first_day: str | None = None, days: int | None = None) -> MeasuredSpan:
    """A span of a panel of homes as a simulated world needs it.

    Parameters
    ----------
    panel : Panel
        ``load_kw``, ``pv_kw``, ``temp_air_c``, and ``ghi_wm2`` or ``dni_wm2`` with ``dhi_wm2`` and the sites' ``lat`` and ``lon``;
        sites of one place.
    first_day : str, optional
        Local date; the first whole one unless given.
    days : int, optional
        As many as there are unless given.

    Raises
    ------
    DataError
        A column that is missing, weather missing for more than six hours in a row, a span that the panel lacks.
    """
    for name in ("load_kw", "pv_kw", "temp_air_c"):
        if name not in panel.data.columns:
            raise DataError(
                f"the measured homes have no {name!r}: a world of homes needs load_kw, pv_kw and temp_air_c"
            )
    zone = _standard_zone(panel)
    times = panel.data.index.get_level_values("time")
    mean = panel.data.drop(columns="observed_kw").groupby(times).mean()
    mean = mean.set_axis(mean.index.tz_convert(zone))
    whole = mean.index.normalize()
    begin = whole[0] if whole[0] == mean.index[0] else whole[0] + pd.Timedelta(days=1)
    first = begin if first_day is None else pd.Timestamp(first_day).tz_localize(zone)
    there = int((mean.index[-1] + panel.step - first) / pd.Timedelta(days=1))
    wanted = there if days is None else days
    if first < begin or wanted < 1 or wanted > there:
        raise DataError(
            f"the measured homes cover {begin:%Y-%m-%d} to {mean.index[-1]:%Y-%m-%d}, not {wanted} days from {first:%Y-%m-%d}: "
            "choose a span within"
        )
    span = pd.date_range(first, periods=round(wanted * 24 / panel.step_hours), freq=panel.step)
    mean = mean.reindex(span)
    weather, filled = _filled(_with_ghi(mean, panel), ["temp_air_c", "ghi_wm2", "pv_kw"], panel.step_hours)
    installed = float(mean["pv_kw"].quantile(ROOF_QUANTILE))
    per_kw = weather["pv_kw"].to_numpy() / installed if installed > 0 else np.zeros(len(span))
    made = HouseholdWeather(weather["temp_air_c"].to_numpy(), weather["ghi_wm2"].to_numpy(), per_kw)
    return MeasuredSpan(Calendar(f"{first:%Y-%m-%d}", wanted), made, mean["load_kw"].to_numpy(), first, filled)


def _standard_zone(panel: Panel) -> str:
    """The fixed offset of the sites' winter, as an Etc zone: a simulated world has no clock changes."""
    zones = panel.sites["tz"].unique()
    if len(zones) != 1:
        raise DataError(f"the measured homes stand in {len(zones)} zones: a world has one place, select its homes")
    time = panel.data.index.levels[1][0]
    offsets = [pd.Timestamp(year=time.year, month=month, day=15, tz=zones[0]).utcoffset() for month in (1, 7)]
    hours = min(offset.total_seconds() for offset in offsets if offset is not None) / 3600
    if hours != round(hours):
        raise DataError(f"the zone {zones[0]} is no whole number of hours from UTC, which a world of homes needs")
    return f"Etc/GMT{-int(hours):+d}"


def _with_ghi(mean: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    if "ghi_wm2" in mean.columns:
        return mean
    if not {"dni_wm2", "dhi_wm2"} <= set(mean.columns) or not {"lat", "lon"} <= set(panel.sites.columns):
        raise DataError("the measured homes need ghi_wm2, or dni_wm2 and dhi_wm2 with lat and lon in their sites")
    middle = mean.index + panel.step / 2
    lat, lon = (float(panel.sites[name].iloc[0]) for name in ("lat", "lon"))
    zone_h = mean.index[0].utcoffset().total_seconds() / 3600
    hour = (middle.hour + middle.minute / 60).to_numpy()
    sun = sun_position(middle.day_of_year.to_numpy(), hour, lat, lon, zone_h)
    up = np.maximum(np.cos(np.radians(sun.zenith_deg)), 0.0)
    return mean.assign(ghi_wm2=mean["dhi_wm2"] + mean["dni_wm2"] * up)


def _filled(mean: pd.DataFrame, columns: list[str], step_h: float) -> tuple[pd.DataFrame, int]:
    """Gaps of at most six hours bridged by a straight line, and how many intervals had one."""
    gaps = mean[columns].isna()
    filled = mean[columns].interpolate(limit=round(6 / step_h), limit_direction="both")
    still = filled.isna().any(axis=1)
    if still.any():
        raise DataError(
            f"the weather is missing for more than six hours about {still.index[still.argmax()]}: choose another span"
        )
    return filled, int(gaps.any(axis=1).sum())


def mean_day(values: np.ndarray, calendar: Calendar, step_h: float) -> np.ndarray:
    """Mean by month, kind of day and clock, shape (12, 2, n_slots): what is not there is the mean over all months, or NaN."""
    a_day = round(24 / step_h)
    days = values.reshape(calendar.days, a_day)
    found = np.full((12, 2, a_day), np.nan)
    for month in range(12):
        for rest in (0, 1):
            rows = (calendar.month == month + 1) & (calendar.weekend == bool(rest))
            if rows.any():
                found[month, rest] = known_mean(days[rows], 0)
    return found
