"""Wind at a height, on the compass, and in air of a given density: pure functions, numpy arrays in and out.

Sources: Dupré et al. 2020, The Economic Value of Wind Energy Nowcasting, Energies 13(20) 5266 (equations 1-3);
IEC 61400-12-1:2017, Power performance measurements of electricity producing wind turbines (clause 9.1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError

Array = NDArray[np.float64]

GAS_CONSTANT_DRY_AIR = 287.05  # J/(kg K), IEC 61400-12-1
GAS_CONSTANT_VAPOUR = 461.5  # J/(kg K), IEC 61400-12-1
STRONGEST_MS = 150.0  # no wind near the ground or at the height of jets is stronger
REFERENCE_DENSITY = 1.225  # kg/m³, ISO standard atmosphere at sea level


def shear_exponent(mean_speed_low: float, mean_speed_high: float, height_low: float, height_high: float) -> float:
    """Exponent α of the height law U(z) = c z^α, from mean speeds at two heights (equations 1 and 2).

    Parameters
    ----------
    mean_speed_low, mean_speed_high : float
        Wind speed averaged over the same period at the two heights [m/s].
    height_low, height_high : float
        Heights above ground [m].

    Returns
    -------
    float
        α [-]; about 0.14 over open land by day, up to 0.4 over forest or at night.

    Raises
    ------
    DataError
        Speeds or heights that are not positive, or equal heights.

    Examples
    --------
    >>> round(shear_exponent(4.0, 6.0, 10.0, 100.0), 4)
    0.1761
    """
    if not (mean_speed_low > 0 and mean_speed_high > 0):
        raise DataError(
            f"the height law needs mean speeds above 0 m/s, not {mean_speed_low} and {mean_speed_high}: "
            "average over calm and windy hours together"
        )
    if not (height_low > 0 and height_high > 0) or height_low == height_high:
        raise DataError(f"the height law needs two different heights above 0 m, not {height_low} and {height_high}")
    return float((np.log(mean_speed_low) - np.log(mean_speed_high)) / (np.log(height_low) - np.log(height_high)))


def speed_at_height(speed: ArrayLike, height: float, target_height: float, alpha: float) -> Array:
    """Wind speed [m/s] carried from `height` to `target_height` [m] by the height law (equation 3).

    Parameters
    ----------
    speed : array_like
        Wind speed at `height` [m/s], any shape.
    alpha : float
        Shear exponent, see :func:`shear_exponent`.
    """
    if not (height > 0 and target_height > 0):
        raise DataError(f"heights are above 0 m, not {height} and {target_height}")
    return np.asarray(speed, dtype=np.float64) * (target_height / height) ** alpha


def air_density(pressure_pa: ArrayLike, temperature_k: ArrayLike, relative_humidity: ArrayLike = 0.0) -> Array:
    """Density of moist air [kg/m³].

    ρ = (1/T) (B/R0 − φ P_w (1/R0 − 1/R_w)), P_w = 2.05e-5 exp(0.0631846 T): IEC 61400-12-1:2017, equation 12.

    Parameters
    ----------
    pressure_pa : array_like
        Air pressure B [Pa].
    temperature_k : array_like
        Air temperature T [K].
    relative_humidity : array_like
        φ, between 0 and 1.

    Raises
    ------
    DataError
        Temperatures that can only be degrees Celsius, pressures that can only be hPa, humidity in per cent.
    """
    given = (pressure_pa, temperature_k, relative_humidity)
    pressure, kelvin, humidity = (np.asarray(x, dtype=np.float64) for x in given)
    if np.nanmin(kelvin, initial=np.inf) < 150:
        raise DataError(f"a temperature of {np.nanmin(kelvin):g} K is impossible: give kelvin, °C + 273.15")
    if np.nanmin(pressure, initial=np.inf) < 10_000:
        raise DataError(f"a pressure of {np.nanmin(pressure):g} Pa is impossible on land: give pascal, hPa × 100")
    if np.nanmax(humidity, initial=0.0) > 1.0:
        raise DataError("relative humidity lies between 0 and 1 here: divide per cent by 100")
    vapour_pressure = 2.05e-5 * np.exp(0.0631846 * kelvin)
    humid = humidity * vapour_pressure * (1 / GAS_CONSTANT_DRY_AIR - 1 / GAS_CONSTANT_VAPOUR)
    return (pressure / GAS_CONSTANT_DRY_AIR - humid) / kelvin


def density_normalised_speed(speed: ArrayLike, density: ArrayLike, reference: float = REFERENCE_DENSITY) -> Array:
    """Wind speed [m/s] that carries the same power in air of the `reference` density [kg/m³].

    V_n = V (ρ/ρ0)^(1/3): IEC 61400-12-1:2017, equation 14, for turbines with active power control.
    """
    return np.asarray(speed, dtype=np.float64) * np.cbrt(np.asarray(density, dtype=np.float64) / reference)


def density_normalised_power(power_kw: ArrayLike, density: ArrayLike, reference: float = REFERENCE_DENSITY) -> Array:
    """Power [kW] of a stall-regulated turbine in air of the `reference` density: P ρ0/ρ (IEC 61400-12-1, eq. 13)."""
    return np.asarray(power_kw, dtype=np.float64) * (reference / np.asarray(density, dtype=np.float64))


def speed_and_direction(u: ArrayLike, v: ArrayLike) -> tuple[Array, Array]:
    """Speed [m/s] and the direction the wind comes FROM [deg, 0 <= d < 360, north 0, east 90].

    Parameters
    ----------
    u, v : array_like
        Wind components towards east and towards north [m/s] (meteorological sign).
    """
    east, north = np.asarray(u, dtype=np.float64), np.asarray(v, dtype=np.float64)
    direction = np.degrees(np.arctan2(-east, -north)) % 360.0
    return np.hypot(east, north), np.where(direction >= 360.0, 0.0, direction)  # -1e-15 % 360 is 360


def components(speed: ArrayLike, direction_deg: ArrayLike) -> tuple[Array, Array]:
    """Components (u, v) [m/s] of a wind of `speed` [m/s] FROM `direction_deg`: undoes :func:`speed_and_direction`."""
    s, angle = np.asarray(speed, dtype=np.float64), np.radians(np.asarray(direction_deg, dtype=np.float64))
    return -s * np.sin(angle), -s * np.cos(angle)


def direction_difference(a_deg: ArrayLike, b_deg: ArrayLike) -> Array:
    """The turn from `b` to `a` [deg], −180 <= difference < 180: 10° − 350° is 20°, not −340°."""
    return (np.asarray(a_deg, dtype=np.float64) - np.asarray(b_deg, dtype=np.float64) + 180.0) % 360.0 - 180.0


def mean_direction(direction_deg: ArrayLike, axis: int = -1) -> Array:
    """Mean of directions on the circle [deg]: of 350° and 10° it is 0°. NaN are left out; all NaN gives NaN."""
    angle = np.radians(np.asarray(direction_deg, dtype=np.float64))
    seen = np.isfinite(angle)
    u = np.where(seen, np.sin(angle), 0.0).sum(axis)
    v = np.where(seen, np.cos(angle), 0.0).sum(axis)
    mean = np.round(np.degrees(np.arctan2(u, v)) % 360.0, 10) % 360.0
    return np.where(seen.any(axis), mean, np.nan)
