"""Weights over reference days against the slow, obvious way."""

import numpy as np
import pytest

from cblcast.features.day_weights import (
    alike_weights,
    conditional_weights,
    day_gaps,
    nearest_weights,
    newest_weights,
    weighted,
    weighted_each,
)


@pytest.fixture
def days():
    """Two sites, 30 days, 5 hours: one whose days shift as a whole, one whose hours have nothing to do with each other."""
    rng = np.random.default_rng(0)
    shifting = 10 + rng.normal(0, 1, (30, 1)) + rng.normal(0, 0.05, (30, 5))
    volatile = 10 + rng.normal(0, 1, (30, 5))
    return np.stack([shifting, volatile])


def test_the_conditional_weights_are_the_best_linear_prediction(days):
    then, other = days[:, :, :4], days[:, :, 4]
    today = then.mean(1) + np.array([[1.5], [1.5]])
    prior = np.full((2, 30), 1 / 30)
    weights = conditional_weights(today, then, prior, 0.2)
    for site in range(2):  # ridge of the fifth hour on the four that are seen, written out
        X = then[site] - then[site].mean(0)
        S = X.T @ X / 30
        c = X.T @ (other[site] - other[site].mean()) / 30
        slope = np.linalg.solve(S + 0.2 * np.trace(S) / 4 * np.eye(4), c)
        expected = other[site].mean() + slope @ (today[site] - then[site].mean(0))
        assert weights[site] @ other[site] == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(weights.sum(1), 1.0)


def test_it_knows_when_not_to_adjust(days):
    today = days[:, :, :4].mean(1) + 1.5  # the day so far runs 1.5 kW above the days before
    weights = conditional_weights(today, days[:, :, :4], np.full((2, 30), 1 / 30), 0.3)
    lift = weighted(days[:, :, 4], weights) - days[:, :, 4].mean(1)
    assert lift[0] > 1.2, "a building that shifts as a whole is followed"
    assert abs(lift[1]) < 0.6, "hours that say nothing of each other leave the baseline where it is"


def test_what_is_not_seen_changes_nothing(days):
    then = days[:, :, :4]
    blind = conditional_weights(np.full((2, 4), np.nan), then, np.full((2, 30), 1 / 30), 0.3)
    np.testing.assert_allclose(blind, 1 / 30)
    assert np.isnan(conditional_weights(np.zeros((1, 4)), then[:1], np.full((1, 30), np.nan), 0.3)).all()


def test_a_constant_site_keeps_its_level():
    flat = np.full((1, 20, 4), 5.0)
    weights = conditional_weights(np.full((1, 4), 9.0), flat, np.full((1, 20), 0.05), 0.3)
    np.testing.assert_allclose(weighted(np.full((1, 20), 5.0), weights), 5.0)
    np.testing.assert_allclose(alike_weights(day_gaps(np.full((1, 4), 5.0), flat), 0.6, 1.0), 0.05)


def test_gaps_look_only_at_hours_seen_on_both_days():
    today = np.array([[1.0, np.nan, 3.0]])
    then = np.array([[[2.0, 9.0, 3.0], [np.nan, 9.0, 5.0], [np.nan, 1.0, np.nan]]])
    np.testing.assert_allclose(day_gaps(today, then), [[np.sqrt(0.5), 2.0, np.nan]])


def test_nearest_and_newest():
    gap = np.array([[3.0, 1.0, np.nan, 2.0, 0.1]])
    np.testing.assert_allclose(nearest_weights(gap, 2, 4), [[0, 0.5, 0, 0.5, 0]])
    assert np.isnan(nearest_weights(np.full((1, 5), np.nan), 2, 4)).all()
    np.testing.assert_allclose(newest_weights(np.array([[True, False, True, True]]), 2), [[0.5, 0, 0.5, 0]])


def test_weighted_fills_the_unknown_with_the_mean_of_the_known():
    values = np.array([[1.0, np.nan, 3.0]])
    assert weighted(values, np.array([[0.25, 0.5, 0.25]]))[0] == 2.0
    assert np.isnan(weighted(values, np.full((1, 3), np.nan))[0])
    assert np.isnan(weighted(np.full((1, 3), np.nan), np.full((1, 3), 1 / 3))[0])


def test_several_schemes_at_once_are_each_the_slow_sum():
    rng = np.random.default_rng(4)
    values = rng.gamma(3.0, 2.0, (6, 9, 4))
    values[rng.random(values.shape) < 0.3] = np.nan
    schemes = {
        "equal": np.full((6, 9), 1 / 9),
        "signed": rng.normal(1 / 9, 0.2, (6, 9)),
        "none": np.full((6, 9), np.nan),
    }
    schemes["signed"][:, 0] = 0.0
    found = weighted_each(values, schemes)
    assert np.isnan(found["none"]).all()
    for name in ("equal", "signed"):
        for n in range(6):
            for h in range(4):
                known = np.isfinite(values[n, :, h]) & (schemes[name][n] != 0)
                own, weight = values[n, known, h], schemes[name][n, known]
                mean = np.abs(weight) @ own / np.abs(weight).sum()
                assert found[name][n, h] == pytest.approx(mean + weight @ (own - mean), rel=1e-9)
