"""Shares add up, and what is rounded is rounded once."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.value.contract import Contract
from cblcast.value.money import energy, energy_units, exact, rounded, share_of_month, shared

CENTS = Contract()


@given(st.integers(-100_000, 100_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_shares_add_up_to_the_cent_and_stay_within_a_cent(cents, weights):
    total = Decimal(cents).scaleb(-2)
    parts = shared(total, weights, CENTS)
    assert sum(parts) == total
    whole = sum(weights)
    if whole > 1e-3:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(float(part) - float(total) * weight / whole) <= 0.01 + 1e-6


def test_equal_weights_of_nothing_share_equally():
    assert shared(Decimal("1.00"), [0, 0, 0], CENTS) == [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]
    assert shared(Decimal("-0.01"), [1, 3], CENTS) == [Decimal("0.00"), Decimal("-0.01")]


@given(st.integers(0, 1_000_000), st.integers(1, 40), st.sampled_from(["half_up", "half_even", "down"]))
@example(10_000, 3, "down")  # a third three times is 99.99…
def test_the_shares_of_a_month_add_up(cents, count, rounding):
    total, contract = Decimal(cents).scaleb(-2), Contract(rounding=rounding)
    assert sum(share_of_month(total, k, count, contract) for k in range(count)) == total


def test_numbers_are_taken_as_they_are_written():
    assert exact(0.1) == Decimal("0.1")
    assert rounded(Decimal("2.675"), CENTS) == Decimal("2.68")
    assert energy_units(np.array([0.0005, -0.0005, 1.0]), Contract(energy_decimals=3)).tolist() == [1, -1, 1000]
    assert energy(1234, Contract(energy_decimals=3)) == Decimal("1.234")


def test_what_is_too_large_to_be_counted_is_refused_and_does_not_wrap_around():
    with pytest.raises(DataError, match=r"an energy of 1e\+13 kWh cannot be counted to 6 decimals: check the unit"):
        energy_units(np.array([1.0, -1e13]), CENTS)
    assert energy_units(np.array([-1e13]), Contract(energy_decimals=0)).tolist() == [-(10**13)]
    with pytest.raises(DataError, match=r"an amount of 1\.00e\+30 EUR has more digits than money is counted with"):
        rounded(Decimal("1e30"), CENTS)
