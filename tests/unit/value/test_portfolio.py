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
    errors = np.array([[1.0, -3.0], [2.0, np.nan]])
    np.testing.assert_array_equal(daily_sums(errors), [3.0, np.nan])  # the second day knows one site of two
    np.testing.assert_array_equal(daily_sums(errors, min_share=0.5), [3.0, -6.0])  # -3 of one site stands for two
    np.testing.assert_array_equal(daily_sums(errors[:1]), [1.0, -3.0])


def test_a_day_counts_when_exactly_the_least_share_of_sites_is_known():
    errors = np.full((10, 1), 2.0)
    errors[9] = np.nan
    # Nine of ten, the default share of 0.9; their sum stands for ten sites.
    assert daily_sums(errors).tolist() == pytest.approx([20.0])
    errors[8] = np.nan
    assert np.isnan(daily_sums(errors)).all()
    assert daily_sums(errors, min_share=0.8).tolist() == pytest.approx([20.0])
    assert np.isnan(daily_sums(np.full((2, 1), np.nan), min_share=0.0)).all()


def test_independent_sites_add_their_half_widths_as_squares():
    limits = pd.DataFrame({"lower_kwh": [-3.0, -1.0], "upper_kwh": [3.0, 7.0]})
    assert independent_halfwidth(limits) == 5.0
