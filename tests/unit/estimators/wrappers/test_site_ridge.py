"""The kernels of online adaptation beside a slow and obvious loop over events, each of which sees only its own past."""

import numpy as np
import pytest

from cblcast.estimators.wrappers import site_ridge as kernel

N_EVENTS, ROWS, K = 40, 3, 4


@pytest.fixture(scope="module")
def site():
    """Forty days with gaps; some loads are not known; the last known day of each event is one to three days back."""
    rng = np.random.default_rng(5)
    day = np.sort(rng.choice(np.arange(17000, 17070), N_EVENTS, replace=False)).astype(float)
    event = np.repeat(np.arange(N_EVENTS), ROWS)
    lead = np.tile(np.arange(ROWS), N_EVENTS)
    load = rng.gamma(4.0, 2.0, N_EVENTS * ROWS)
    load[rng.random(len(load)) < 0.1] = np.nan
    design = rng.normal(0, 1, (len(load), K))
    return {
        "day": day,
        "before": day - rng.integers(0, 3, N_EVENTS),
        "event": event,
        "lead": lead,
        "load": load,
        "design": design,
        "left": load - 8 + design @ [0.5, 0.0, -1.0, 0.2],
    }


def past(site, e, half_life, window):
    """Rows of the days that event `e` may use, and their weight."""
    rows, weight = [], []
    for row, other in enumerate(site["event"]):
        age = site["day"][e] - site["day"][other]
        if 0 < age <= window and site["day"][other] < site["before"][e] and np.isfinite(site["load"][row]):
            rows.append(row)
            weight.append(0.5 ** (age / half_life))
    return np.array(rows, dtype=int), np.array(weight)


def weights(site, half_life=20.0, window=50):
    return kernel.recency(site["day"], site["before"], half_life, window)


def test_ridge_is_that_of_augmented_least_squares_on_the_own_past(site):
    variance = np.linspace(0.5, 3.0, N_EVENTS)
    moments = kernel.ridge_moments(site["design"], site["left"], site["event"], N_EVENTS)
    found = kernel.ridge_coefficients(moments, weights(site), variance, 7.0)
    for e in range(N_EVENTS):
        rows, weight = past(site, e, 20.0, 50)
        root = np.sqrt(weight)
        left = np.vstack([site["design"][rows] * root[:, None], np.sqrt(7.0 * variance[e]) * np.eye(K)])
        right = np.concatenate([site["left"][rows] * root, np.zeros(K)])
        coefficient = np.linalg.lstsq(left, right, rcond=None)[0]
        np.testing.assert_allclose(found[e], coefficient, rtol=1e-9, atol=1e-12)


def test_means_of_earlier_days_are_those_of_the_same_interval(site):
    found = kernel.earlier_means(site["load"], site["event"], site["lead"], weights(site))
    for row, e in enumerate(site["event"]):
        rows, weight = past(site, e, 20.0, 50)
        same = site["lead"][rows] == site["lead"][row]
        if same.any():
            assert found[row] == pytest.approx(np.average(site["load"][rows][same], weights=weight[same]))
        else:
            assert np.isnan(found[row])


def test_weights_fall_exponentially_with_the_excess_of_the_squared_error(site):
    error = np.stack([site["left"], 0.5 * site["left"], 2 * site["left"]], axis=1)
    prior = np.array([0.5, 0.25, 0.25])
    found = kernel.exponential_weights(error, site["event"], weights(site), 0.3, prior)
    for e in range(N_EVENTS):
        rows, _ = past(site, e, 20.0, 50)
        days = sum(0.5 ** ((site["day"][e] - site["day"][other]) / 20.0) for other in set(site["event"][rows]))
        expected = prior * np.exp(-0.3 * days * (np.array([1.0, 0.25, 4.0]) - 1)) if len(rows) else prior
        np.testing.assert_allclose(found[e], expected / expected.sum(), rtol=1e-9)


def test_tails_are_weighted_quantiles_drawn_to_the_prior_where_days_are_few(site):
    scores = np.where(np.isfinite(site["load"]), site["left"], np.nan)
    found = kernel.blended_tails(scores, site["event"], weights(site), 0.05, np.full(N_EVENTS, 1.5), 10.0)
    for e in range(N_EVENTS):
        rows, weight = past(site, e, 20.0, 50)
        if len(rows) == 0:
            assert found[e] == 1.5
            continue
        mass = np.array(
            [w / (site["event"][rows] == site["event"][row]).sum() for row, w in zip(rows, weight, strict=True)]
        )
        reached, own = 0.0, np.nan
        for row, m in sorted(zip(rows, mass, strict=True), key=lambda pair: scores[pair[0]]):
            reached, own = reached + m, scores[row]
            if reached >= 0.95 * mass.sum() * (1 - 1e-9):
                break
        share = mass.sum() / (mass.sum() + 10.0)
        assert found[e] == pytest.approx(share * own + (1 - share) * 1.5)


def test_variance_and_least_load_of_the_past(site):
    known = np.isfinite(site["load"])
    square = kernel.by_event(np.where(known, site["load"], 0.0) ** 2, site["event"], N_EVENTS)
    count = kernel.by_event(known.astype(float), site["event"], N_EVENTS)
    found = kernel.error_variance(weights(site), square, count, np.full(N_EVENTS, 9.0), 4.0)
    least = kernel.least_known(site["load"], site["event"], weights(site))
    for e in range(N_EVENTS):
        rows, weight = past(site, e, 20.0, 50)
        expected = (np.sum(weight * site["load"][rows] ** 2) + 36.0) / (weight.sum() + 4.0)
        assert found[e] == pytest.approx(expected)
        assert least[e] == (site["load"][rows].min() if len(rows) else np.inf)
