"""Limits of sums."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.value.portfolio import daily_sums, days_needed, delivered_limits, signed_limits


def test_limits_are_order_statistics():
    # n = 19, coverage 90 %: rank ceil(20 × 0.95) = 19, the largest and the smallest of nineteen.
    assert days_needed(0.9) == 19
    assert signed_limits(np.arange(19.0), 0.9) == (0.0, 18.0)
    assert all(np.isnan(signed_limits(np.arange(18.0), 0.9)))
    # n = 39: rank ceil(40 × 0.95) = 38.
    assert signed_limits(np.arange(39.0), 0.9) == (1.0, 37.0)


def test_a_baseline_that_errs_high_claims_too_much():
    lower, upper = delivered_limits(np.array([10.0]), np.array([2.0]), np.array([5.0]))
    assert (lower[0], upper[0]) == (5.0, 8.0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=40, max_size=40, unique=True))
def test_a_new_error_of_the_same_kind_lies_within_the_limits_as_often_as_promised(values):
    # Every one of 40 like errors takes its turn as the new one: exactly 36 of them, 90 %, lie within.
    errors = np.array(values)
    inside = 0
    for k in range(40):
        low, high = signed_limits(np.delete(errors, k), 0.9)
        inside += low <= errors[k] <= high
    assert inside == 36


def test_errors_are_summed_over_sites_on_the_same_day():
    days = pd.to_datetime(["2024-03-01", "2024-03-04"])
    errors = pd.DataFrame(
        {"site_id": ["a", "b", "a", "b"], "day": days.repeat(2), "error_kwh": [1.0, 2.0, -3.0, np.nan]}
    )
    both = pd.Index(["a", "b"])
    assert daily_sums(errors, both).tolist() == [3.0]  # the second day knows one site of two
    assert daily_sums(errors, both, min_share=0.5).tolist() == [3.0, -6.0]  # -3 of one site stands for two
    assert daily_sums(errors, pd.Index(["a"])).tolist() == pytest.approx([1.0, -3.0])
