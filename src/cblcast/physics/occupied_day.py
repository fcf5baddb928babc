"""Energy of a day of offices, homes and commutes in closed form (equations 3-6 of the commuters paper).

p_o(t) is piecewise linear, so ∫ exp(−β p_o) dt over a straight piece is elementary; the tests integrate numerically.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.errors import DataError
from cblcast.physics.occupancy import BuildingPower, Commute, OfficeHours, home_load_kw


@dataclass(frozen=True)
class DayEnergy:
    """Energy of a day [kWh]."""

    office_kwh: float
    home_kwh: float
    transport_kwh: float

    @property
    def total_kwh(self) -> float:
        """E_c + E_abs."""
        return self.office_kwh + self.home_kwh + self.transport_kwh


def occupied_day(
    hours: OfficeHours,
    persons: float,
    working: float,
    *,
    power: BuildingPower | None = None,
    commute: Commute | None = None,
    on_the_road_h: float = 0.0,
) -> DayEnergy:
    """Energy of the analytic model (section 3.1).

    Parameters
    ----------
    hours : OfficeHours
    persons : float
        n_p; also the number of workplaces.
    working : float
        n_w: who goes to work today, ≤ `persons`.
    on_the_road_h : float
        Hours that each of them spends commuting, when nobody's home load counts [h]; 0 as the golden numbers have it
        (n_trav = 0).

    Returns
    -------
    DayEnergy

    Raises
    ------
    DataError
        More people at work than there are, or nobody.

    Examples
    --------
    >>> round(occupied_day(OfficeHours.from_core(10, 14), 23_095, 23_095).transport_kwh)
    313515
    """
    power, commute = power or BuildingPower(), commute or Commute()
    if not (persons > 0 and 0 <= working <= persons):
        raise DataError(
            f"{working:g} of {persons:g} persons go to work: it takes persons, and not more at work than there are"
        )
    absent = working * (hours.work_h + on_the_road_h)
    if on_the_road_h < 0 or hours.work_h + on_the_road_h > 24:
        raise DataError(f"{on_the_road_h:g} h on the road beside {hours.work_h:g} h of work do not fit into a day")
    saturated = 24.0 - saturation_integral_h(hours, working / persons, power.saturation)
    office = persons * (24.0 * power.office_base_kw + power.office_saturation_kw * saturated)
    home = float(home_load_kw(persons - absent / 24.0, persons, power)) * 24.0
    return DayEnergy(office, home, float(commute.energy_kwh(working)))


def saturation_integral_h(hours: OfficeHours, share: float, saturation: float) -> float:
    """∫ exp(−β s p(t)) dt over a day [h], for the share s of persons who work today.

    Empty: 24 h − (te − ts). Core: (tce − tcs) e^(−βs). A ramp of length L from 0 to 1: L (1 − e^(−βs)) / (βs).
    """
    k = saturation * share
    ramps = (hours.core_from - hours.opens) + (hours.closes - hours.core_until)
    mean_on_ramp = -np.expm1(-k) / k if k > 0 else 1.0
    empty = 24.0 - (hours.closes - hours.opens)
    return float(empty + ramps * mean_on_ramp + (hours.core_until - hours.core_from) * np.exp(-k))
