"""Limits of sums."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.value.portfolio import (
    daily_sums,
    days_needed,
    delivered_limits,
    independent_halfwidth,
    signed_limits,
)


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


@pytest.mark.parametrize(
    ("coverage", "days"), [(0.5, 3), (0.6, 4), (0.7, 6), (0.75, 7), (0.8, 9), (0.9, 19), (0.95, 39)]
)
def test_the_least_number_of_days_has_limits_and_one_fewer_has_none(coverage, days):
    # 2 / (1 - coverage) - 1, though 1 - 0.8 is a little less than a fifth in binary.
    assert days_needed(coverage) == days
    assert all(np.isfinite(signed_limits(np.arange(float(days)), coverage)))
    assert all(np.isnan(signed_limits(np.arange(days - 1.0), coverage)))


def test_unknown_errors_do_not_count_as_days():
    assert signed_limits(np.r_[np.arange(19.0), np.nan], 0.9) == (0.0, 18.0)
    assert all(np.isnan(signed_limits(np.r_[np.arange(18.0), np.nan], 0.9)))


def test_a_day_counts_when_exactly_the_least_share_of_sites_is_known():
    sites = pd.Index([f"s{k}" for k in range(10)])
    day = pd.Timestamp("2024-03-01")
    errors = pd.DataFrame({"site_id": sites, "day": day, "error_kwh": [2.0] * 9 + [np.nan]})
    # Nine of ten, the default share of 0.9; their sum stands for ten sites.
    assert daily_sums(errors, sites).tolist() == pytest.approx([20.0])
    assert daily_sums(errors.iloc[:8], sites).tolist() == []
    assert daily_sums(errors.iloc[:8], sites, min_share=0.8).tolist() == pytest.approx([20.0])


def test_independent_sites_add_their_half_widths_as_squares():
    limits = pd.DataFrame({"lower_kwh": [-3.0, -1.0], "upper_kwh": [3.0, 7.0]})
    assert independent_halfwidth(limits) == 5.0
