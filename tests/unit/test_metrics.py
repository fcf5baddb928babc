"""Error measures on numbers small enough to follow."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import norm

from cblcast import metrics, registry

Y, P = np.array([10.0, 20.0, 30.0]), np.array([12.0, 18.0, 33.0])


@pytest.mark.parametrize(("name", "value"), [
    ("bias", 1.0), ("mpe", 5.0), ("mape", 100 * 7 / 60), ("wape", 100 * 7 / 60), ("mae", 7 / 3),
    ("mape_textbook", 100 * (0.2 + 0.1 + 0.1) / 3), ("rmse", np.sqrt(17 / 3)),
    ("nrmse", 100 * np.sqrt(17 / 3) / 20), ("rrmse", 100 * np.sqrt(17 / 3) / 20),
])  # fmt: skip
def test_by_hand(name, value):
    assert registry.METRICS.resolve(name)(Y, P) == pytest.approx(value)


def test_measures_of_measurement_and_verification():
    """Errors of ±10 kW about 250 kW: RMSE 10 kW, CVRMSE 10/250 as a share, no bias."""
    observed, predicted = [100.0, 200.0, 300.0, 400.0], [110.0, 190.0, 310.0, 390.0]
    assert metrics.rmse(observed, predicted) == pytest.approx(10)
    assert metrics.cvrmse(observed, predicted) == pytest.approx(0.04)
    assert metrics.nmbe(observed, predicted) == pytest.approx(0, abs=1e-12)
    assert metrics.nmbe([100.0, 100.0], [110.0, 110.0]) == pytest.approx(0.1)  # too high is above zero


def test_measures_of_intervals_and_quantiles():
    assert metrics.coverage(Y, [9, 21, 30], [11, 25, 30]) == pytest.approx(200 / 3)
    assert metrics.interval_width(Y, [9, 21, 30], [11, 25, 30]) == pytest.approx(100 * 2 / 20)
    assert metrics.pinball([10.0], [8.0], 0.9) == pytest.approx(1.8)
    assert metrics.pinball([10.0], [12.0], 0.9) == pytest.approx(0.2)
    # Quantiles all at one point: the score is the absolute error.
    assert metrics.crps_from_quantiles([10.0], [[7.0, 7.0, 7.0]], [0.25, 0.5, 0.75]) == pytest.approx(3.0)
    assert metrics.skill(Y, Y, P) == 100
    assert metrics.skill(Y, P, P) == 0


@pytest.mark.parametrize("name", sorted(set(registry.METRICS) - {"coverage", "interval_width", "crps", "pinball"}))
def test_nothing_is_dropped_silently(name):
    measure, given = registry.METRICS.resolve(name), np.array
    if name in ("crps", "pinball"):  # of quantiles, here of one
        measure, given = partial(measure, levels=[0.5]), lambda values: np.array(values)[:, None]
    assert np.isnan(measure([1.0, 2.0], given([1.0, np.nan])))
    with pytest.raises(ValueError, match="must be alike"):
        measure([1.0, 2.0], given([1.0]))
    with pytest.raises(ValueError, match="empty"):
        measure([], given([]))


def test_a_scale_of_zero_has_no_percentage():
    assert np.isnan(metrics.mpe([-1.0, 1.0], [0.0, 1.0]))
    assert np.isnan(metrics.nrmse([0.0, 0.0], [1.0, 1.0]))
    assert metrics.mape_textbook([0.0, 1.0], [1.0, 1.0]) == np.inf


def test_crps_of_the_normal_distribution_from_uneven_levels():
    """Gneiting and Raftery 2007, equation 21: at the mean it is σ (2 φ(0) − 1/√π) = 0.2337 σ."""
    levels = np.r_[0.001, 0.005, 0.01, np.arange(0.02, 0.5, 0.02), 0.5, np.arange(0.51, 1, 0.01), 0.995, 0.999]
    quantiles = norm.ppf(levels)[None, :]
    assert metrics.crps_from_quantiles([0.0], quantiles, levels) == pytest.approx(0.2337, abs=0.002)


def test_every_measure_of_the_registry_says_its_unit():
    own = {name for name, path in registry.METRICS.items() if str(path).startswith("cblcast.")}
    assert (own - {"cvrmse", "nmbe"}) | {"skill"} == set(metrics.UNITS)


@pytest.mark.parametrize(
    ("measure", "values", "best", "words"),
    [
        ("rmse", [3.0, 2.0, np.nan], 1, "smallest X"),
        ("mpe", [-5.0, 2.0], 1, "X nearest zero"),
        ("bias", [-1.0, 2.0], 0, "X nearest zero"),
        ("nmbe", [-0.1, 0.05], 1, "X nearest zero"),
        ("skill", [-5.0, 20.0], 1, "largest X"),
        ("coverage", [70.0, 99.0, 91.0], 2, "X nearest what was asked for"),
        ("own_error", [1.0, 0.5], 1, "smallest X"),
    ],
)
def test_each_measure_is_best_at_its_own_place(measure, values, best, words):
    assert np.nanargmin(metrics.from_best(measure, values)) == best
    assert metrics.best_in_words(measure, "X") == words
