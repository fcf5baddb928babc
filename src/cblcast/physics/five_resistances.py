"""The simple hourly method of ISO 13790:2008 (annex C): five resistances, one capacity. Pure functions.

Heat flows in W, temperatures in °C, areas in m², as in the standard. Nodes: the air, the inner surfaces, the mass. Names
of quantities follow the standard: H_ve, H_tr,w, H_tr,is, H_tr,ms, H_tr,em, C_m, θ_air, θ_m.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError, DataWarning

Array = NDArray[np.float64]
H_IS, H_MS = 3.45, 9.1  # W/(m² K), sections 7.2.2.2 and 12.2.2
SURFACE_PER_FLOOR = 4.5  # m² of inner surface per m² of floor, section 7.2.2.2


@dataclass(frozen=True)
class Zone:
    """A zone of the simple hourly method; every field a number, or an array over zones.

    Attributes
    ----------
    window_w_k, opaque_w_k : float
        H_tr,w and H_tr,op: heat lost through windows and through opaque parts [W/K].
    air_w_k : float
        H_ve: heat lost by ventilation and infiltration [W/K].
    capacity_j_k : float
        C_m [J/K].
    mass_area_m2, surface_area_m2 : float
        A_m and A_t.
    h_is : float
        Between air and surface [W/(m² K)].
    couple_em : bool
        Whether H_tr,em follows from H_tr,op by equation 63, 1/(1/H_op − 1/H_ms); else H_tr,op is taken for it, as some
        implementations do.
    """

    window_w_k: float
    opaque_w_k: float
    air_w_k: float
    capacity_j_k: float
    mass_area_m2: float
    surface_area_m2: float
    h_is: float = H_IS
    couple_em: bool = True

    @property
    def is_w_k(self) -> float:
        """H_tr,is between air and surface [W/K]."""
        return self.h_is * self.surface_area_m2

    @property
    def ms_w_k(self) -> float:
        """H_tr,ms between surface and mass [W/K]."""
        return H_MS * self.mass_area_m2

    @property
    def em_w_k(self) -> float:
        """H_tr,em between mass and outdoors [W/K] (equation 63)."""
        return 1.0 / (1.0 / self.opaque_w_k - 1.0 / self.ms_w_k) if self.couple_em else self.opaque_w_k


def zone_of_floor(
    floor_area_m2: float, window_w_k: float, opaque_w_k: float, air_w_k: float, mass: str = "medium"
) -> Zone:
    """A zone by the default areas and capacities of table 12.

    Parameters
    ----------
    floor_area_m2 : float
        A_f.
    mass : {"very_light", "light", "medium", "heavy", "very_heavy"}
    """
    if mass not in MASS_CLASSES:
        raise DataError(f"mass is {mass!r}: one of {', '.join(MASS_CLASSES)}")
    area, capacity = MASS_CLASSES[mass]
    return Zone(
        window_w_k,
        opaque_w_k,
        air_w_k,
        capacity * floor_area_m2,
        area * floor_area_m2,
        SURFACE_PER_FLOOR * floor_area_m2,
    )


# A_m per A_f, C_m per A_f [J/(m² K)]: table 12.
MASS_CLASSES = {
    "very_light": (2.5, 80_000.0),
    "light": (2.5, 110_000.0),
    "medium": (2.5, 165_000.0),
    "heavy": (3.0, 260_000.0),
    "very_heavy": (3.5, 370_000.0),
}


def gain_fractions(zone: Zone) -> tuple[Array, Array]:
    """Shares of the gains (half the internal, all the solar) that reach the mass and the surface (equations C.2, C.3).

    Returns
    -------
    to_mass, to_surface : ndarray
        Each within [0, 1], together at most 1: the rest leaves through the window (H_tr,w / (9.1 A_t)). Odd areas
        (A_m > A_t), for which the equations would send more than everything to the mass, are held at 1 and told in a
        :class:`~cblcast.errors.DataWarning`.
    """
    mass = np.asarray(zone.mass_area_m2, dtype=np.float64) / zone.surface_area_m2
    lost = np.asarray(zone.window_w_k, dtype=np.float64) / (H_MS * np.asarray(zone.surface_area_m2))
    if (mass > 1).any() or (mass + lost > 1).any():
        warnings.warn(
            f"the mass area is {np.max(mass):.2f} of the inner surface and the windows let {np.max(lost):.2f} of the gains out, "
            "more than there are: the shares are held within [0, 1]; check the areas",
            DataWarning,
            stacklevel=2,
        )
    to_mass = np.minimum(mass, 1.0)
    return to_mass, np.clip(1.0 - to_mass - lost, 0.0, 1.0)


@dataclass(frozen=True)
class ZoneHour:
    """One hour of a zone: heat supplied (> 0) or removed [W]; mean mass temperature, its end value, air temperature [°C]."""

    heat_w: Array
    mass_mean_c: Array
    mass_end_c: Array
    air_c: Array


def zone_step(
    zone: Zone,
    mass_c: ArrayLike,
    out_c: ArrayLike,
    internal_w: ArrayLike,
    solar_w: ArrayLike,
    heat_set_c: ArrayLike,
    cool_set_c: ArrayLike,
    heat_max_w: ArrayLike = np.inf,
    cool_max_w: ArrayLike = np.inf,
    step_s: float = 3600.0,
) -> ZoneHour:
    """One step of the zone by Crank and Nicolson (annex C.3, C.4).

    Parameters
    ----------
    mass_c : array_like
        θ_m at the beginning of the step [°C].
    out_c : array_like
        Outdoor temperature, also of the supplied air [°C].
    internal_w, solar_w : array_like
        Gains [W].
    heat_set_c, cool_set_c : array_like
        Set points of the air [°C].
    heat_max_w, cool_max_w : array_like
        Limits of the plant [W], both ≥ 0.
    """
    solve = _Solver(zone, np.asarray(mass_c, np.float64), np.asarray(out_c, np.float64), internal_w, solar_w, step_s)
    free = solve.air(np.zeros_like(solve.mass))
    ten = solve.air(np.full_like(solve.mass, 10.0 * _floor(zone)))
    per_w = (ten - free) / (10.0 * _floor(zone))  # equation C.13, by linearity
    heating = np.clip((np.asarray(heat_set_c) - free) / per_w, 0.0, heat_max_w)
    cooling = np.clip((free - np.asarray(cool_set_c)) / per_w, 0.0, cool_max_w)
    heat = heating - cooling
    end = solve.mass_end(heat)
    return ZoneHour(heat, (end + solve.mass) / 2, end, solve.air(heat))


def _floor(zone: Zone) -> Array:
    """Any area serves the unit load of annex C.4.2."""
    return np.asarray(zone.surface_area_m2, dtype=np.float64) / SURFACE_PER_FLOOR


class _Solver:
    """Equations C.4 to C.11 for one step."""

    def __init__(
        self, zone: Zone, mass: Array, out: Array, internal: ArrayLike, solar: ArrayLike, step_s: float
    ) -> None:
        self.zone, self.mass, self.out, self.step_s = zone, np.atleast_1d(mass), out, step_s
        internal = np.asarray(internal, dtype=np.float64)
        gains = 0.5 * internal + np.asarray(solar, dtype=np.float64)
        to_mass, to_surface = gain_fractions(zone)
        self.to_air, self.to_surface, self.to_mass = 0.5 * internal, to_surface * gains, to_mass * gains
        self.h1 = 1 / (1 / zone.air_w_k + 1 / zone.is_w_k)
        self.h2 = self.h1 + zone.window_w_k
        self.h3 = 1 / (1 / self.h2 + 1 / zone.ms_w_k)

    def _through_air(self, heat: Array) -> Array:
        return np.asarray(self.h1 * ((self.to_air + heat) / self.zone.air_w_k + self.out))

    def mass_end(self, heat: Array) -> Array:
        """θ_m at the end of the step (equations C.4, C.5)."""
        zone = self.zone
        total = self.to_mass + zone.em_w_k * self.out
        total = total + self.h3 * (self.to_surface + zone.window_w_k * self.out + self._through_air(heat)) / self.h2
        rate, loss = zone.capacity_j_k / self.step_s, 0.5 * (self.h3 + zone.em_w_k)
        return np.asarray((self.mass * (rate - loss) + total) / (rate + loss))

    def air(self, heat: Array) -> Array:
        """θ_air, mean over the step (equations C.9 to C.11)."""
        zone = self.zone
        mean = (self.mass_end(heat) + self.mass) / 2
        surface = zone.ms_w_k * mean + self.to_surface + zone.window_w_k * self.out + self._through_air(heat)
        surface = surface / (zone.ms_w_k + self.h2)
        return np.asarray(
            (zone.is_w_k * surface + zone.air_w_k * self.out + self.to_air + heat) / (zone.is_w_k + zone.air_w_k)
        )
