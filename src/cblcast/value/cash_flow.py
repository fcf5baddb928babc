"""Money at different times: present values, and the surplus cost of an electric vehicle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cblcast.errors import DataError


def check_rate(rate: float) -> None:
    """Raise :class:`DataError` unless the discount rate is above 0 (and a number)."""
    if not (np.isfinite(rate) and rate > 0):
        raise DataError(f"a discount rate of {rate} is not used here: give a rate above 0 a year, like 0.2 for 20 %")


def annuity_factor(rate: float, years: float) -> float:
    """Present value of 1 paid at the end of every year: a = (1 − (1 + r)^−n) / r [years].

    Parameters
    ----------
    rate : float
        Discount rate r per year, > 0.
    years : float
        n, > 0.

    Examples
    --------
    >>> round(annuity_factor(0.2, 20), 4)
    4.8696
    """
    check_rate(rate)
    if not (np.isfinite(years) and years > 0):
        raise DataError(f"a span of {years} years has no annuity: give years above 0")
    return float(-np.expm1(-years * np.log1p(rate)) / rate)  # exact for the smallest rates too


def present_value(amounts: ArrayLike, years: ArrayLike, rate: float) -> float:
    """Present value of `amounts` that are paid after `years`, same shapes."""
    check_rate(rate)
    money, when = np.broadcast_arrays(np.asarray(amounts, dtype=np.float64), np.asarray(years, dtype=np.float64))
    if not np.isfinite(money).all() or not (when >= 0).all():
        raise DataError("a cash flow has amounts that are numbers and years that are 0 or later")
    return float((money * (1 + rate) ** -when).sum())


@dataclass(frozen=True)
class VehicleCosts:
    """Why an electric vehicle costs more than a conventional one, the paper's figures for Iran in 2014 as defaults.

    Attributes
    ----------
    price_gap_usd : float
        Dearer to buy, ΔP.
    infrastructure_usd : float
        Communication and control per vehicle, C_I.
    battery_usd : float
        Battery replacement C_B, at the end of `battery_year`.
    battery_year : float
        The paper's 10; beyond `life_years` there is none.
    saving_usd_per_year : float
        Fuel saved, S: (0.08 − 0.05) l/km × 30,000 km × 0.3 $/l = 270 $.
    life_years : float
    discount_rate : float
    """

    price_gap_usd: float = 6000.0
    infrastructure_usd: float = 1000.0
    battery_usd: float = 6000.0
    battery_year: float = 10.0
    saving_usd_per_year: float = 270.0
    life_years: float = 20.0
    discount_rate: float = 0.2

    def surplus_usd(self) -> float:
        """Surplus cost of an electric vehicle over its life, present value [$] (equation 10, lost in print).

        EVC − CVC = ΔP + C_I + C_B (1 + r)^−m − S ((1 + r)^n − 1) / (r (1 + r)^n)
                  = 6000 + 1000 + 6000 / 1.2^10 − 270 × 4.8696 = **6654.25 $** (the paper: about 6654).

        Examples
        --------
        >>> round(VehicleCosts().surplus_usd(), 2)
        6654.25
        """
        for name in ("price_gap_usd", "infrastructure_usd", "battery_usd", "battery_year", "saving_usd_per_year"):
            if not np.isfinite(getattr(self, name)):
                raise DataError(f"{name} of a vehicle is {getattr(self, name)}: give a number")
        first = self.price_gap_usd + self.infrastructure_usd
        fuel = self.saving_usd_per_year * annuity_factor(self.discount_rate, self.life_years)
        battery = 0.0
        if self.battery_year < self.life_years:
            battery = present_value(self.battery_usd, self.battery_year, self.discount_rate)
        return first + battery - fuel
