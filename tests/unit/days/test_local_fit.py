"""Limits that follow the conditions: against a slow regression, against ranks, and where they must give up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.days.local_fit import RIDGE, effective_days, predict, ranked_quantile


def slow(error, conditions, weight, here):
    """One unit, by loops and a dense solve: fit, residuals over their size, widening."""
    nearest = weight.max()
    weight = weight / nearest
    middle = np.average(conditions, axis=0, weights=weight)
    spread = np.sqrt(np.average((conditions - middle) ** 2, axis=0, weights=weight))
    design = np.column_stack([np.ones(len(error)), (conditions - middle) / spread])
    place = np.r_[1.0, (here - middle) / spread]
    W = np.diag(weight)
    A = design.T @ W @ design + np.diag([0.0, *[RIDGE] * conditions.shape[1]])
    hat = design @ np.linalg.solve(A, design.T @ W)
    residual = error - hat @ error
    size = [np.sqrt(max(1 - 2 * hat[k, k] + (hat[k] ** 2).sum(), 0.25)) for k in range(len(error))]
    centre = place @ np.linalg.solve(A, design.T @ W @ error)
    # As if a day of weight w erred with the variance 1 / w.
    return centre, residual / size, np.sqrt(1 + place @ np.linalg.inv(A) @ place / nearest)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(25, 60))
def test_the_fast_fit_is_the_slow_one(seed, n_days):
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.05, 1.0, (3, n_days))
    conditions, here = rng.normal(size=(3, n_days, 2)), rng.normal(size=(3, 2))
    error = rng.normal(size=(3, n_days)) + conditions[..., 0]
    told = predict(error, conditions, weight, here, 0.8)
    for unit in range(3):
        centre, residual, reach = slow(error[unit], conditions[unit], weight[unit], here[unit])
        counted = effective_days(weight[unit])
        assert told.like_days[unit] == pytest.approx(counted * weight[unit].max())
        assert told.centre[unit] == pytest.approx(centre)
        few = bool(told.few[unit])
        assert few == (told.like_days[unit] < 9)
        for end, side in ((-1, -residual), (1, residual)):
            bound = ranked_quantile(side[None], weight[unit][None], np.array([counted]), 0.9)[0]
            found = (told.low, told.high)[end > 0][unit]
            if few:  # Student's t where that is wider
                assert end * (found - centre) >= reach * bound - 1e-9 or np.isinf(bound)
            else:
                assert found == pytest.approx(centre + end * reach * bound)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.floats(0.5, 0.98))
def test_equal_weights_give_the_rank_of_a_further_draw(scores, level):
    scores = np.array(scores)
    n = len(scores)
    found = ranked_quantile(scores[None], np.ones((1, n)), np.array([float(n)]), level)[0]
    if level * (n + 1) > n + 1e-6:
        assert np.isinf(found)
    elif level * (n + 1) < n - 1e-6:
        assert found == pytest.approx(np.quantile(scores, level, method="weibull"), abs=1e-6)


def test_days_without_weight_do_not_count_whatever_they_hold():
    rng = np.random.default_rng(0)
    error, conditions = rng.normal(size=(1, 40)), rng.normal(size=(1, 40, 1))
    weight = np.ones((1, 40))
    short = predict(error, conditions, weight, np.zeros((1, 1)), 0.9)
    more = np.concatenate([error, [[np.nan, 1e9]]], axis=1)
    wide = predict(
        more, np.pad(conditions, ((0, 0), (0, 2), (0, 0))), np.pad(weight, ((0, 0), (0, 2))), np.zeros((1, 1)), 0.9
    )
    assert (wide.low, wide.high, wide.like_days) == (short.low, short.high, short.like_days)


def test_fewer_than_eight_days_give_no_limits():
    error = np.arange(7.0)[None]
    told = predict(error, np.zeros((1, 7, 1)), np.ones((1, 7)), np.zeros((1, 1)), 0.9)
    assert np.isnan([told.low, told.high, told.centre]).all()
    assert told.few.all()
    eight = predict(np.arange(8.0)[None], np.zeros((1, 8, 1)), np.ones((1, 8)), np.zeros((1, 1)), 0.9)
    assert eight.centre[0] == pytest.approx(3.5)
    assert eight.low[0] < 3.5 < eight.high[0]
    assert eight.few.all()


def test_days_that_are_far_are_few_and_their_limits_wider():
    rng = np.random.default_rng(1)
    error = rng.normal(size=(1, 60))
    near, far = (
        predict(error, np.zeros((1, 60, 1)), np.full((1, 60), weight), np.zeros((1, 1)), 0.9) for weight in (1.0, 0.1)
    )
    assert (near.like_days[0], far.like_days[0]) == pytest.approx((60, 6))
    assert (near.few[0], far.few[0]) == (False, True)
    assert far.high[0] - far.low[0] > near.high[0] - near.low[0]


def test_limits_cover_what_they_say_where_errors_follow_a_condition():
    # Synthetic, so that the truth is known: the bias grows with the condition, and a fixed quantile would miss it.
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 81))
    error = 2 * x + rng.standard_t(4, size=x.shape)
    here = np.full((400, 1), 1.5)
    truth = 3.0 + rng.standard_t(4, size=400)
    told = predict(error[:, :80], x[:, :80, None], np.ones((400, 80)), here, 0.9)
    covered = ((told.low <= truth) & (truth <= told.high)).mean()
    assert 0.86 <= covered <= 0.94
    assert told.centre.mean() == pytest.approx(3.0, abs=0.15)
