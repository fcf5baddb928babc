"""Limits of sums."""

import numpy as np
import pandas as pd
import pytest

from cblcast.value.portfolio import (
    daily_sums,
    delivered_limits,
    independent_halfwidth,
)


def test_a_baseline_that_errs_high_claims_too_much():
    lower, upper = delivered_limits(np.array([10.0]), np.array([2.0]), np.array([5.0]))
    assert (lower[0], upper[0]) == (5.0, 8.0)


def test_errors_are_summed_over_sites_on_the_same_day():
    days = pd.to_datetime(["2024-03-01", "2024-03-04"])
    errors = pd.DataFrame(
        {"site_id": ["a", "b", "a", "b"], "day": days.repeat(2), "error_kwh": [1.0, 2.0, -3.0, np.nan]}
    )
    both = pd.Index(["a", "b"])
    assert daily_sums(errors, both).tolist() == [3.0]  # the second day knows one site of two
    assert daily_sums(errors, both, min_share=0.5).tolist() == [3.0, -6.0]  # -3 of one site stands for two
    assert daily_sums(errors, pd.Index(["a"])).tolist() == pytest.approx([1.0, -3.0])


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
