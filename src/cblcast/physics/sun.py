"""Where the sun stands, and what of its light falls on level ground. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def sine_of_elevation(hours_utc: ArrayLike, lat_deg: float, lon_deg: float) -> Array:
    """Sine of the sun's elevation above the horizon, < 0 at night.

    Parameters
    ----------
    hours_utc : array_like
        Hours since 2000-01-01 12:00 UTC [h].
    lat_deg, lon_deg : float
        Place, north and east > 0 [°].

    Notes
    -----
    The Astronomical Almanac's approximate solar coordinates (U.S. Naval Observatory): right to about 0.01° between 1950 and 2050.
    """
    days = np.asarray(hours_utc, dtype=np.float64) / 24
    anomaly = np.radians(357.529 + 0.98560028 * days)
    longitude = np.radians(280.459 + 0.98564736 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    tilt = np.radians(23.439 - 0.00000036 * days)
    declination = np.arcsin(np.sin(tilt) * np.sin(longitude))
    ascension = np.arctan2(np.cos(tilt) * np.sin(longitude), np.cos(longitude))
    sidereal = np.radians((18.697374558 + 24.06570982441908 * days) * 15 + lon_deg)
    lat = np.radians(lat_deg)
    angle = sidereal - ascension
    return np.asarray(np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(angle))


def global_horizontal(dni_wm2: ArrayLike, dhi_wm2: ArrayLike, sine: ArrayLike) -> Array:
    """Global irradiance on level ground [W/m²] = diffuse + direct normal × sin(elevation); none below the horizon.

    Parameters
    ----------
    dni_wm2, dhi_wm2 : array_like
        Direct normal and diffuse horizontal irradiance [W/m²].
    sine : array_like
        :func:`sine_of_elevation` at the middle of the interval.
    """
    return np.asarray(np.asarray(dhi_wm2) + np.asarray(dni_wm2) * np.maximum(np.asarray(sine), 0.0))
