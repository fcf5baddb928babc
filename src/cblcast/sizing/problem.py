"""The two objectives of sizing a microgrid: present cost and system minutes of a design."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError
from cblcast.simulate.island import Cut, Fleet, Islands, energy_not_supplied
from cblcast.simulate.reliability import DEFAULT_CONVENTION, system_minutes

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SizingProblem:
    """What a design is judged by.

    Attributes
    ----------
    islands : Islands
    fleet : Fleet
    critical_peak_kw, system_peak_kw : float
        What system minutes divide by; see :mod:`cblcast.simulate.reliability`.
    surplus_usd : float
        Surplus cost of one vehicle before subsidies.
    subsidy_usd : float
        Per vehicle.
    diesel_usd_per_kw : float
        Investment; running costs are left out, as in the paper (a few hours a year).
    cut : {"units", "curtail"}
    convention : str
    most_diesel_kw, most_vehicles : float
        Upper limits of a design.
    """

    islands: Islands
    fleet: Fleet
    critical_peak_kw: float = 1000.0
    system_peak_kw: float = 5000.0
    surplus_usd: float = 6654.25
    subsidy_usd: float = 0.0
    diesel_usd_per_kw: float = 800.0
    cut: Cut = "units"
    convention: str = DEFAULT_CONVENTION
    most_diesel_kw: float = 1200.0
    most_vehicles: int = 1000

    def __post_init__(self) -> None:
        if not (self.most_diesel_kw > 0 and self.most_vehicles >= 0 and self.diesel_usd_per_kw >= 0):
            raise DataError(
                f"designs reach up to {self.most_diesel_kw} kW at {self.diesel_usd_per_kw} $/kW and {self.most_vehicles} "
                "vehicles: give limits above 0 and a price of 0 or more"
            )

    def with_subsidy(self, subsidy_usd: float) -> SizingProblem:
        """The same problem with another subsidy per vehicle [$]."""
        return replace(self, subsidy_usd=subsidy_usd)

    @property
    def net_surplus_usd(self) -> float:
        """Surplus cost of one vehicle after the subsidy [$]."""
        return self.surplus_usd - self.subsidy_usd

    def cost_usd(self, diesel_kw: ArrayLike, vehicles: ArrayLike) -> Array:
        """Present cost of designs [$] (equation 9, lost in print): 800 $/kW × rating + vehicles × (surplus − subsidy)."""
        diesel, count = np.asarray(diesel_kw, dtype=np.float64), np.asarray(vehicles, dtype=np.float64)
        return self.diesel_usd_per_kw * diesel + count * self.net_surplus_usd

    def minutes(self, diesel_kw: ArrayLike, vehicles: ArrayLike) -> Array:
        """System minutes of designs (n_designs,), by the problem's convention."""
        ens = energy_not_supplied(self.islands, diesel_kw, vehicles, self.fleet, self.cut)
        return system_minutes(ens, self.critical_peak_kw, self.system_peak_kw, self.convention)
