"""Ranks against ordinary days: the rates they promise, and the slow way to the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.integrity.ranks import cusum, explained_away, family_p, normal_scores, upper_p


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 60), st.integers(1, 5))
def test_the_family_flags_no_more_than_its_rate_of_any_pool(seed, n, n_detectors):
    # Of every pool, whatever its distribution: each day takes its turn as the event, as exchangeable days do.
    rng = np.random.default_rng(seed)
    scores = rng.standard_t(2, (n, n_detectors)) @ rng.normal(size=(n_detectors, n_detectors))
    p = upper_p(scores)
    flagged = np.array([(family_p(p, p[day]) <= 0.2).any() for day in range(n)])
    assert flagged.mean() <= 0.2
    # Each detector by itself keeps the rate, all of them together do not.
    assert ((p <= 0.2).mean(0) <= 0.2).all()


def test_p_counts_the_pool_that_is_as_extreme():
    p = upper_p(np.array([[3.0], [1.0], [2.0], [np.nan], [2.0]]))[:, 0]
    np.testing.assert_allclose(p, [0.25, 1.0, 0.75, np.nan, 0.75])


def test_the_family_counts_the_least_p_of_each_day():
    p = np.array([[0.25, 1.0], [0.5, 0.5], [0.75, 0.25], [1.0, np.nan]])
    # The least of each day: .25, .5, .25, 1.
    np.testing.assert_allclose(family_p(p, np.array([0.25, 0.5, 1.0, np.nan])), [0.5, 0.75, 1.0, np.nan])


def test_what_conditions_explain_is_taken_out():
    rng = np.random.default_rng(1)
    given_ = rng.normal(size=(200, 2))
    noise = rng.normal(size=200) * 0.1
    left = explained_away(3 * given_[:, 0] - given_[:, 1] + noise, given_)
    assert np.corrcoef(left, given_[:, 0])[0, 1] == pytest.approx(0, abs=0.05)  # the ridge leaves a little
    assert left.std() == pytest.approx(noise.std(), rel=0.05)


def test_unknown_scores_and_conditions_harm_nobody():
    score = np.array([1.0, 2.0, np.nan, 4.0, 5.0, 6.0, 7.0])
    given_ = np.array([1.0, 2.0, 3.0, np.nan, 5.0, 6.0, 7.0])[:, None]
    left = explained_away(score, given_)
    assert np.isnan(left[2])
    assert np.isfinite(np.delete(left, 2)).all()
    np.testing.assert_allclose(explained_away(score, np.full((7, 1), np.nan))[:2], [1 - 25 / 6, 2 - 25 / 6])
    np.testing.assert_allclose(explained_away(score[:3], given_[:3]), [-0.5, 0.5, np.nan])


def test_normal_scores_are_symmetric_and_silent_where_nothing_is_known():
    z = normal_scores(upper_p(np.array([[1.0], [2.0], [3.0], [np.nan]])))[:, 0]
    assert z[1] == pytest.approx(0)
    assert z[2] == pytest.approx(-z[0])
    assert z[3] == 0


def test_the_cusum_adds_what_lies_above_and_forgets_what_lies_below():
    path = cusum(np.array([1.0, 2.0, -9.0, 0.5, 1.5]), 0.5)
    np.testing.assert_allclose(path, [0.5, 2.0, 0.0, 0.0, 1.0])
