"""Money of a program, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from cblcast.errors import DataError
from cblcast.value.flexibility import FlexibilityTerms, flexibility_value

TRUTH = np.full(24, 2.0)
LOAD = TRUTH.copy()
LOAD[17:20] = 1.0  # 3 kWh less
LOAD[20:22] = 3.25  # 2.5 kWh more
EVENT = np.full(24, -1)
EVENT[17:20] = 0
PRICE = np.full(24, 50.0)
PRICE[17:20] = 200.0
TERMS = FlexibilityTerms(0.1, switching_per_home_year=0.05, capacity_per_kw_year=0.2, peaker_per_kw_year=10.0)


def test_by_hand():
    found = flexibility_value(LOAD, TRUTH, EVENT, PRICE, 1.0, TERMS)
    assert found.reduced_kwh == pytest.approx(3)
    assert found.shifted_kwh == pytest.approx(2.5)
    assert found.energy_value == pytest.approx(3 * 0.2 - 2.5 * 0.05)
    assert found.firm_kw == pytest.approx(1)
    assert found.profit == pytest.approx(0.6 - 0.125 + 0.2 - 0.3 - 0.05)
    assert found.peaker_alternative == pytest.approx(10)
    even = replace_price(found.break_even_price_per_mwh)
    assert flexibility_value(LOAD, TRUTH, EVENT, even, 1.0, TERMS).profit == pytest.approx(0)
    dearer = replace(TERMS, incentive_per_kwh=found.break_even_incentive_per_kwh)
    assert flexibility_value(LOAD, TRUTH, EVENT, PRICE, 1.0, dearer).profit == pytest.approx(0)


def replace_price(in_events: float) -> np.ndarray:
    price = PRICE.copy()
    price[17:20] = in_events
    return price


def test_rebound_may_be_the_suppliers():
    ours = flexibility_value(LOAD, TRUTH, EVENT, PRICE, 1.0, replace(TERMS, recharged=False))
    assert ours.energy_value == pytest.approx(0.6)


def test_events_that_fail_are_not_paid_and_nothing_is_firm():
    load, event = np.r_[LOAD, TRUTH + 1], np.r_[EVENT, np.where(EVENT == 0, 1, -1)]
    found = flexibility_value(load, np.r_[TRUTH, TRUTH], event, np.r_[PRICE, PRICE], 1.0, TERMS)
    assert found.firm_kw == 0
    assert found.incentives == pytest.approx(0.1 * 3)
    assert found.reduced_kwh == pytest.approx(0)
    assert np.isnan(found.break_even_price_per_mwh)


def test_what_cannot_be_priced_is_told():
    with pytest.raises(DataError, match=r"have \(24,\), \(24,\), \(23,\) and \(24,\) intervals"):
        flexibility_value(LOAD, TRUTH, EVENT, PRICE[1:], 1.0, TERMS)
    with pytest.raises(DataError, match="price_per_mwh is missing at interval 3"):
        flexibility_value(LOAD, TRUTH, EVENT, np.where(np.arange(24) == 3, np.nan, PRICE), 1.0, TERMS)
    with pytest.raises(DataError, match="no interval belongs to an event"):
        flexibility_value(LOAD, TRUTH, np.full(24, -1), PRICE, 1.0, TERMS)
    with pytest.raises(DataError, match="incentive_per_kwh is -1"):
        FlexibilityTerms(-1)


def test_events_are_numbers_not_a_mask():
    with pytest.raises(DataError, match="event is yes or no at each interval"):
        flexibility_value(LOAD, TRUTH, EVENT >= 0, PRICE, 1.0, TERMS)
    with pytest.raises(DataError, match="event needs a whole number"):
        flexibility_value(LOAD, TRUTH, np.where(EVENT < 0, np.nan, EVENT), PRICE, 1.0, TERMS)
    by_number = [flexibility_value(LOAD, TRUTH, np.where(EVENT < 0, -1, k), PRICE, 1.0, TERMS) for k in (0, 10**12)]
    assert by_number[0] == by_number[1] == flexibility_value(LOAD, TRUTH, EVENT.astype(float), PRICE, 1.0, TERMS)
    with pytest.raises(DataError, match="finite and above 0"):
        flexibility_value(LOAD, TRUTH, EVENT, PRICE, 1.0, TERMS, years=np.inf)
