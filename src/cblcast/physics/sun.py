"""Where the sun stands and what falls on a tilted surface. Pure functions.

Angles in degrees, irradiance in W/m². Azimuth is clockwise from north. Sources: Spencer (1971), Search 2(5), 172 (position);
Perez, Ineichen, Seals, Michalsky and Stewart (1990), Solar Energy 44, 271-289 (diffuse light of a tilted surface).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
SOLAR_CONSTANT = 1367.0
GROUND_REFLECTS = 0.2
# Table 6 of Perez et al. (1990): F11, F12, F13, F21, F22, F23 by bin of clearness.
_CLEARNESS = np.array([1.065, 1.23, 1.5, 1.95, 2.8, 4.5, 6.2])
_PEREZ = np.array([
    [-0.008, 0.588, -0.062, -0.060, 0.072, -0.022],
    [0.130, 0.683, -0.151, -0.019, 0.066, -0.029],
    [0.330, 0.487, -0.221, 0.055, -0.064, -0.026],
    [0.568, 0.187, -0.295, 0.109, -0.152, -0.014],
    [0.873, -0.392, -0.362, 0.226, -0.462, 0.001],
    [1.132, -1.237, -0.412, 0.288, -0.823, 0.056],
    [1.060, -1.600, -0.359, 0.264, -1.127, 0.131],
    [0.678, -0.327, -0.250, 0.156, -1.377, 0.251],
])  # fmt: skip


class SunPosition(NamedTuple):
    """Zenith and azimuth [°], and the extraterrestrial irradiance normal to the beam [W/m²]."""

    zenith_deg: Array
    azimuth_deg: Array
    extraterrestrial_wm2: Array


def sun_position(day_of_year: ArrayLike, hour: ArrayLike, lat_deg: float, lon_deg: float, zone_h: float) -> SunPosition:
    """Position of the sun.

    Parameters
    ----------
    day_of_year : array_like
        1 … 366.
    hour : array_like
        Local standard time [h], 0-24: give the middle of an interval.
    lat_deg, lon_deg : float
        North and east > 0.
    zone_h : float
        Standard time minus UTC [h].
    """
    angle = 2 * np.pi * (np.asarray(day_of_year, dtype=np.float64) - 1) / 365
    declination = (
        0.006918 - 0.399912 * np.cos(angle) + 0.070257 * np.sin(angle) - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle) - 0.002697 * np.cos(3 * angle) + 0.00148 * np.sin(3 * angle)
    )  # fmt: skip
    minutes = 229.18 * (
        0.000075 + 0.001868 * np.cos(angle) - 0.032077 * np.sin(angle)
        - 0.014615 * np.cos(2 * angle) - 0.040849 * np.sin(2 * angle)
    )  # fmt: skip
    solar_hour = np.asarray(hour, dtype=np.float64) + (lon_deg - 15 * zone_h) / 15 + minutes / 60
    turn, lat = np.radians(15 * (solar_hour - 12)), np.radians(lat_deg)
    up = np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(turn)
    east = -np.cos(declination) * np.sin(turn)
    north = np.cos(lat) * np.sin(declination) - np.sin(lat) * np.cos(declination) * np.cos(turn)
    outside = SOLAR_CONSTANT * (1 + 0.033 * np.cos(angle))
    return SunPosition(
        np.degrees(np.arccos(np.clip(up, -1, 1))), np.degrees(np.arctan2(east, north)) % 360, outside + 0.0 * up
    )


class Tilted(NamedTuple):
    """Irradiance of a surface: beam, diffuse with what the ground reflects [W/m²], and the beam's angle of incidence [°]."""

    beam_wm2: Array
    diffuse_wm2: Array
    incidence_deg: Array


def on_surface(sun: SunPosition, dni_wm2: ArrayLike, dhi_wm2: ArrayLike, tilt_deg: float, azimuth_deg: float) -> Tilted:
    """What falls on a surface.

    Parameters
    ----------
    sun : SunPosition
    dni_wm2, dhi_wm2 : array_like
        Direct normal and diffuse horizontal irradiance [W/m²], ≥ 0.
    tilt_deg : float
        0 looks up, 90 is a wall.
    azimuth_deg : float
        Where a wall looks: 180 is south.
    """
    dni, dhi = np.asarray(dni_wm2, dtype=np.float64), np.asarray(dhi_wm2, dtype=np.float64)
    zenith, tilt = np.radians(sun.zenith_deg), np.radians(tilt_deg)
    beside = np.radians(sun.azimuth_deg - azimuth_deg)
    cosine = np.cos(zenith) * np.cos(tilt) + np.sin(zenith) * np.sin(tilt) * np.cos(beside)
    beam = dni * np.maximum(cosine, 0.0)
    z3 = 1.041 * zenith**3
    clear = np.where(dhi > 0, ((dhi + dni) / np.maximum(dhi, 1e-6) + z3) / (1 + z3), 1.0)
    air_mass = 1 / (np.maximum(np.cos(zenith), 0.01) + 0.50572 * np.maximum(96.07995 - sun.zenith_deg, 3.0) ** -1.6364)
    bright = dhi * air_mass / sun.extraterrestrial_wm2
    f = _PEREZ[np.searchsorted(_CLEARNESS, clear, side="right")]
    around = np.maximum(0.0, f[..., 0] + f[..., 1] * bright + f[..., 2] * zenith)
    horizon = f[..., 3] + f[..., 4] * bright + f[..., 5] * zenith
    near = np.maximum(cosine, 0.0) / np.maximum(np.cos(zenith), np.cos(np.radians(85.0)))
    sky = dhi * ((1 - around) * (1 + np.cos(tilt)) / 2 + around * near + horizon * np.sin(tilt))
    flat = dni * np.maximum(np.cos(zenith), 0.0) + dhi
    ground = flat * GROUND_REFLECTS * (1 - np.cos(tilt)) / 2
    return Tilted(beam, np.maximum(sky, 0.0) + ground, np.degrees(np.arccos(np.clip(cosine, -1, 1))))
