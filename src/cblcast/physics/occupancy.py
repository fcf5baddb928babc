"""Where people are decides what buildings draw: presence, office saturation, home load, commutes. Pure functions.

Source: D. Röder, K. Nagel 2014, Integrated Analysis of Commuters' Energy Consumption, Procedia Computer Science 32,
699-706, doi 10.1016/j.procs.2014.05.479 (equations 1-7, tables 1-2). Errata handled here, each where it belongs: p(t)
after the core hours must fall (:meth:`OfficeHours.presence`), the sign lost in equation 3 (:func:`office_load_kw`), τ = 6 h
and not 8 (:func:`workplace_power`), 96 slices of 0.25 h in a day and not 144.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError

Array = NDArray[np.float64]

SATURATION = 5.0  # β of equation 3, "set to 5 throughout this paper"
OFF_PEAK_SHARE = 0.3  # α: off-peak over peak power, after Agarwal et al. 2010 (section 3.3)
TWH_PER_PJ_PRINTED = 112 / 400  # section 3.3 prints this factor for 1/3.6 = 0.2778
TWH_PER_PJ = 1 / 3.6
LITRE_TO_MJ = 0.75 * 43.0  # kg/l × MJ/kg of petrol (section 3.3)
MJ_PER_KWH = 3.6


@dataclass(frozen=True)
class OfficeHours:
    """Opening hours and core hours of offices [h of the day], ts ≤ tcs ≤ tce ≤ te (section 3.1).

    Attributes
    ----------
    opens, core_from, core_until, closes : float
        ts, tcs, tce and te. Core hours equal to opening hours mean that everybody comes and goes at once.
    """

    opens: float
    core_from: float
    core_until: float
    closes: float

    def __post_init__(self) -> None:
        if not 0 <= self.opens <= self.core_from <= self.core_until <= self.closes <= 24:
            raise DataError(
                f"office hours {self.opens:g}, {self.core_from:g}, {self.core_until:g}, {self.closes:g} h: opening, begin and "
                "end of the core hours and closing follow each other within [0, 24] h"
            )

    @classmethod
    def from_core(cls, core_from: float, core_until: float, work_h: float = 6.0) -> OfficeHours:
        """Hours with the given core that give everybody `work_h` hours of work, symmetric about the core.

        The average working time is (tce + te)/2 − (ts + tcs)/2: core hours 10-14 and 6 h of work give 8-16 h, core hours
        9-15 give 9-15 (section 3.3).
        """
        spare = work_h - (core_until - core_from)
        return cls(core_from - spare, core_from, core_until, core_until + spare)

    @property
    def work_h(self) -> float:
        """Average time at work [h]."""
        return (self.core_until + self.closes - self.opens - self.core_from) / 2

    def presence(self, hour: ArrayLike) -> Array:
        """p(t): probability that somebody who works today is at work.

        Parameters
        ----------
        hour : array_like
            Time of day [h], any shape.

        Returns
        -------
        ndarray
            0 outside the opening hours, 1 in the core hours, straight lines between.

        Notes
        -----
        The paper prints (t − tce)/(te − tce) for tce < t < te, which rises; people leave then, so it is
        (te − t)/(te − tce).
        """
        t = np.asarray(hour, dtype=np.float64)
        return np.minimum(_ramp(t, self.opens, self.core_from), 1.0 - _ramp(t, self.core_until, self.closes))


def _ramp(t: Array, begin: float, end: float) -> Array:
    """0 before `begin`, 1 from `end` on."""
    if end > begin:
        return np.asarray((np.clip(t, begin, end) - begin) / (end - begin))
    return (t >= end).astype(np.float64)


@dataclass(frozen=True)
class BuildingPower:
    """Power per person (table 2).

    Attributes
    ----------
    office_base_kw, office_saturation_kw : float
        Pbo and Pso [kW per workplace].
    home_base_kw, home_presence_kw : float
        Pbh and Pah [kW per person].
    saturation : float
        β of equation 3 [-].
    """

    office_base_kw: float = 0.149
    office_saturation_kw: float = 0.347
    home_base_kw: float = 0.400
    home_presence_kw: float = 0.934
    saturation: float = SATURATION

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < np.inf:
                raise DataError(f"{name} is {value}: it must be 0 or more")


def office_load_kw(at_work: ArrayLike, workplaces: ArrayLike, power: BuildingPower | None = None) -> Array:
    """Load of offices e_o(t) [kW], equation 3: n (Pbo + Pso (1 − exp(−β p_o))), p_o = people at work / workplaces.

    The exponent's sign is lost in the paper's text: it must be minus for the load to saturate.

    Parameters
    ----------
    at_work : array_like
        Persons at work, ≥ 0.
    workplaces : array_like
        Size n of the offices; broadcasts. Without workplaces there is no load.

    Raises
    ------
    DataError
        Fewer than no persons or workplaces, or persons where there are no workplaces.
    """
    power = power or BuildingPower()
    people, size = np.broadcast_arrays(np.asarray(at_work, np.float64), np.asarray(workplaces, np.float64))
    if (people < 0).any() or (size < 0).any():
        raise DataError("persons at work and workplaces cannot be fewer than 0: check the counts")
    if ((size == 0) & (people > 0)).any():
        raise DataError(
            "somebody is at work where there are no workplaces: an office is at least as large as its people"
        )
    share = np.divide(people, size, out=np.zeros(people.shape), where=size > 0)
    return size * (power.office_base_kw + power.office_saturation_kw * -np.expm1(-power.saturation * share))


def home_load_kw(at_home: ArrayLike, residents: ArrayLike, power: BuildingPower | None = None) -> Array:
    """Load of homes e_h(t) [kW], equation 4: n_p Pbh + n_ph Pah; one person at home or none in each dwelling.

    Parameters
    ----------
    at_home, residents : array_like
        Persons at home now, and persons who live there; broadcast.
    """
    power = power or BuildingPower()
    people, size = np.broadcast_arrays(np.asarray(at_home, np.float64), np.asarray(residents, np.float64))
    if (people < 0).any() or (size < 0).any():
        raise DataError("persons at home and residents cannot be fewer than 0: check the counts")
    return size * power.home_base_kw + people * power.home_presence_kw


@dataclass(frozen=True)
class Commute:
    """What commuting takes (table 2).

    Attributes
    ----------
    car_mj_km, transit_mj_km, other_mj_km : float
        Specific energy of each mode [MJ/km]; that of public transport is half a car's, without a source (section 3.3).
    car_share, transit_share : float
        Modal split; the rest walks or cycles.
    distance_km : float
        There and back [km].
    """

    car_mj_km: float = 1.771
    transit_mj_km: float = 0.885
    other_mj_km: float = 0.0
    car_share: float = 0.54
    transit_share: float = 0.25
    distance_km: float = 41.5

    def __post_init__(self) -> None:
        if (
            not all(0 <= value < np.inf for value in vars(self).values())
            or self.car_share + self.transit_share > 1 + 1e-12
        ):
            raise DataError(
                "a commute's energies, shares and distance are 0 or more, and its shares add up to 1 at most"
            )

    def energy_kwh(self, commuters: ArrayLike) -> Array:
        """E_c [kWh] of a day, equation 5."""
        other = 1.0 - self.car_share - self.transit_share
        per_km = self.car_mj_km * self.car_share + self.transit_mj_km * self.transit_share + self.other_mj_km * other
        return per_km / MJ_PER_KWH * self.distance_km * np.asarray(commuters, dtype=np.float64)


def _check_day(energy: float, hours: float, share: float) -> None:
    if not (0 <= energy < np.inf and 0 <= hours <= 24 and 0 <= share <= 1 and hours + share > 0):
        raise DataError(
            f"energy {energy:g}, {hours:g} h of presence, off-peak share {share:g}: energy is 0 or more, hours lie within "
            "[0, 24] and the share within [0, 1], not both 0"
        )


def car_mj_per_km(litres_per_100km: float = 5.49, litre_mj: float = LITRE_TO_MJ) -> float:
    """Specific energy of a car [MJ/km]: 5.49 l/100 km × 0.75 kg/l × 43 MJ/kg = 1.771 (section 3.3)."""
    return litres_per_100km / 100 * litre_mj


def household_kwh_per_person_day(
    petajoule: float = 2400.0, dwellings: float = 36_089_000, persons_per_dwelling: float = 2.0,
    twh_per_pj: float = TWH_PER_PJ_PRINTED,
) -> float:  # fmt: skip
    """Energy of a person at home [kWh/day]: 25.5 with the printed 112/400 TWh/PJ, 25.31 with 1/3.6 (section 3.3)."""
    return petajoule * twh_per_pj * 1e9 / (dwellings * persons_per_dwelling * 365)


def home_power(
    kwh_per_day: float = 25.5, at_home_h: float = 17.0, share: float = OFF_PEAK_SHARE
) -> tuple[float, float]:
    """(Pbh, Pah) [kW/person] from 24 h Pbh + τ Pah = E and Pbh = α (Pbh + Pah); τ = 17 h at home (section 3.3)."""
    _check_day(kwh_per_day, at_home_h, share)
    peak = kwh_per_day / (24 * share + at_home_h * (1 - share))
    return share * peak, (1 - share) * peak


def workplace_power(
    kwh_per_m2_year: float = 220.0, m2: float = 8.0, workdays: float = 219.0, at_work_h: float = 6.0,
    share: float = OFF_PEAK_SHARE,
) -> tuple[float, float]:  # fmt: skip
    """(Pbo, Pso) [kW/workplace], equation 7: E 8 m² / (n_work (τ + (24 h − τ) α) + (365 − n_work) 24 h α).

    120 + 100 kWh/m² a year of electricity and heat, 8 m² a workplace (ASR A1.2). The paper prints τ = 8 h, which gives
    0.457 kW; its result, 0.496 kW, and table 2 need **τ = 6 h**, the average working time used everywhere else.
    """
    _check_day(kwh_per_m2_year * m2, at_work_h, share)
    if not 0 < workdays <= 365:
        raise DataError(f"{workdays:g} working days a year: give a number above 0, 365 at most")
    hours = workdays * (at_work_h + (24 - at_work_h) * share) + (365 - workdays) * 24 * share
    peak = kwh_per_m2_year * m2 / hours
    return share * peak, (1 - share) * peak
