"""What it is worth to switch homes' devices, and to whom: customers, an aggregator, and whoever would build a peaking plant instead.

Duck-curve notebook: "automated control would require the price point of wholesale energy needs to be lower than switching on new
production … cost = incentivizing customers, paying x per kwh, revenue = selling that energy to wholesale".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.errors import DataError

Array = np.ndarray


@dataclass(frozen=True)
class FlexibilityTerms:
    """Who pays whom; amounts in one currency.

    Attributes
    ----------
    incentive_per_kwh : float
        Paid to customers for each kWh less in an event.
    switching_per_home_year : float
        Controls, communication and enrolment of a home, a year.
    capacity_per_kw_year : float
        What a kW of reduction that can be relied on earns a year beside energy.
    peaker_per_kw_year : float
        What a kW of a new peaking plant costs a year: the alternative.
    recharged : bool
        Whether the aggregator also buys what is used more outside the events (rebound); else its supplier bears it.
    """

    incentive_per_kwh: float
    switching_per_home_year: float = 0.0
    capacity_per_kw_year: float = 0.0
    peaker_per_kw_year: float = 0.0
    recharged: bool = True

    def __post_init__(self) -> None:
        for name in ("incentive_per_kwh", "switching_per_home_year", "capacity_per_kw_year", "peaker_per_kw_year"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise DataError(f"{name} is {value}: give a finite amount of 0 or more")


@dataclass(frozen=True)
class FlexibilityValue:
    """A year of events, amounts a home.

    Attributes
    ----------
    reduced_kwh : float
        Less in the events [kWh]; < 0 where more was used.
    shifted_kwh : float
        More outside them [kWh].
    energy_value : float
        Worth of all that, at wholesale prices: > 0 if cheaper energy replaced dearer.
    capacity_value, incentives, switching : float
    profit : float
        Of the aggregator: energy + capacity − incentives − switching.
    customer_gain : float
        Incentives alone; bills at a flat tariff change by the energy given up only.
    firm_kw : float
        Least mean reduction over the events [kW]: what can be relied on.
    break_even_price_per_mwh : float
        Wholesale price in the events at which the aggregator neither gains nor loses; NaN where nothing was reduced.
    break_even_incentive_per_kwh : float
        The most that could be paid to customers; NaN where nothing was reduced.
    peaker_alternative : float
        What the same firm power from a new plant costs.
    """

    reduced_kwh: float
    shifted_kwh: float
    energy_value: float
    capacity_value: float
    incentives: float
    switching: float
    profit: float
    customer_gain: float
    firm_kw: float
    break_even_price_per_mwh: float
    break_even_incentive_per_kwh: float
    peaker_alternative: float


def flexibility_value(
    load_kw: Array,
    truth_kw: Array,
    event: Array,
    price_per_mwh: Array,
    step_h: float,
    terms: FlexibilityTerms,
    *,
    years: float = 1.0,
) -> FlexibilityValue:
    """Money of a program, from homes' mean load with it and without.

    Parameters
    ----------
    load_kw, truth_kw : ndarray, shape (n_steps,)
        Mean load of the homes with the program and without [kW per home].
    event : ndarray of int, shape (n_steps,)
        Number of the event that an interval belongs to, -1 outside all events.
    price_per_mwh : ndarray, shape (n_steps,)
        Wholesale price of each interval; may be negative.
    step_h : float
        Length of an interval [h].
    terms : FlexibilityTerms
    years : float
        Length of the span [a]; amounts are for the whole span, yearly terms count this often.

    Returns
    -------
    FlexibilityValue

    Raises
    ------
    DataError
        Arrays of different lengths, a value that is not finite, an event that is no number, no event.
    """
    load, truth, price = (np.asarray(each, dtype=np.float64) for each in (load_kw, truth_kw, price_per_mwh))
    called = _numbered(event)
    if load.ndim != 1 or not load.shape == truth.shape == price.shape == called.shape:
        raise DataError(
            f"load, truth, price and event have {load.shape}, {truth.shape}, {price.shape} and {called.shape} intervals: give one "
            "value of each an interval, all for the same span"
        )
    for name, values in (("load_kw", load), ("truth_kw", truth), ("price_per_mwh", price)):
        if not np.isfinite(values).all():
            raise DataError(
                f"{name} is missing at interval {int((~np.isfinite(values)).argmax())}: fill it before pricing"
            )
    if not (called >= 0).any():
        raise DataError("no interval belongs to an event: there is nothing to price")
    if not (0 < step_h < np.inf and 0 < years < np.inf):
        raise DataError(f"step_h and years are finite and above 0, not {step_h} and {years}")
    inside = called >= 0
    less_kwh = (truth - load) * step_h
    reduced, shifted = float(less_kwh[inside].sum()), float(-less_kwh[~inside].sum())
    in_events = float((less_kwh * price)[inside].sum() / 1000)
    outside = float((less_kwh * price)[~inside].sum() / 1000) if terms.recharged else 0.0
    number = np.unique(called[inside], return_inverse=True)[1]
    hours = np.bincount(number) * step_h
    mean_kw = np.bincount(number, less_kwh[inside]) / hours
    firm = max(float(mean_kw.min()), 0.0)
    # Paid for by the event: a home that used more in one owes nothing for it.
    paid_kwh = float(np.maximum(mean_kw * hours, 0.0).sum())
    incentives, switching = terms.incentive_per_kwh * paid_kwh, terms.switching_per_home_year * years
    capacity = terms.capacity_per_kw_year * firm * years
    profit = in_events + outside + capacity - incentives - switching
    return FlexibilityValue(
        reduced_kwh=reduced,
        shifted_kwh=shifted,
        energy_value=in_events + outside,
        capacity_value=capacity,
        incentives=incentives,
        switching=switching,
        profit=profit,
        customer_gain=incentives,
        firm_kw=firm,
        break_even_price_per_mwh=1000 * (incentives + switching - capacity - outside) / reduced
        if reduced > 0
        else np.nan,
        break_even_incentive_per_kwh=(profit + incentives) / paid_kwh if paid_kwh > 0 else np.nan,
        peaker_alternative=terms.peaker_per_kw_year * firm * years,
    )


def _numbered(event: Array) -> Array:
    """Numbers of events as int64; a mask would make one event of all that lies outside."""
    given = np.asarray(event)
    if given.dtype == bool:
        raise DataError("event is yes or no at each interval: give the number of the event, -1 outside all of them")
    if given.dtype.kind not in "iuf" or not np.isfinite(given).all() or (given != np.floor(given)).any():
        raise DataError("event needs a whole number at each interval: that of the event, -1 outside all of them")
    return given.astype(np.int64)
