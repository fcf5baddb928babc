"""Tests of equal accuracy, against independent implementations and under what must hold."""

import numpy as np
import pytest

from cblcast.metrics import rmae
from cblcast.value.significance import diebold_mariano, giacomini_white


def losses() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(42)
    y = rng.normal(size=60)
    a, b = y + rng.normal(size=60), y + 0.8 * rng.normal(size=60)
    y, a, b = (np.round(x, 2) for x in (y, a, b))
    return (y - a) ** 2, (y - b) ** 2


@pytest.mark.parametrize(
    ("horizon", "variance", "statistic", "p_value"),
    [  # the package dieboldmariano 1.1.0 on the same numbers
        (1, "acf", -0.21539322952568538, 0.8302036127627148),
        (3, "acf", -0.19922902794982486, 0.8427686080997924),
        (3, "bartlett", -0.19972821205453478, 0.8423799421363203),
    ],
)
def test_diebold_mariano_against_another_implementation(horizon, variance, statistic, p_value):
    told = diebold_mariano(*losses(), horizon=horizon, variance=variance)
    assert told.statistic == pytest.approx(statistic, rel=1e-10)
    assert told.p_value == pytest.approx(p_value, rel=1e-10)


def test_giacomini_white_is_n_r2_of_the_regression_of_one_on_the_moments():
    a, b = losses()
    d = a - b
    moments = np.column_stack([d[1:], d[1:] * d[:-1]])
    fitted = moments @ np.linalg.lstsq(moments, np.ones(59), rcond=None)[0]
    n_r2 = 59 * (1 - np.mean((1 - fitted) ** 2))
    told = giacomini_white(a, b)
    assert abs(told.statistic) == pytest.approx(n_r2)
    assert told.statistic < 0
    assert told.p_value == pytest.approx(np.exp(-n_r2 / 2))  # χ² with two degrees of freedom


def test_sizes_and_power():
    rng = np.random.default_rng(0)
    for test in (diebold_mariano, giacomini_white):
        null = [test(*rng.normal(size=(2, 200)) ** 2).p_value < 0.05 for _ in range(400)]
        assert 0.02 < np.mean(null) < 0.09
        shifted = [test(rng.normal(size=200) ** 2, (1.5 * rng.normal(size=200)) ** 2).p_value < 0.05 for _ in range(50)]
        assert np.mean(shifted) > 0.9


def test_the_two_sides_mirror_and_equal_losses_say_nothing():
    a, b = losses()
    one, other = diebold_mariano(a, b, horizon=2), diebold_mariano(b, a, horizon=2)
    assert one.statistic == pytest.approx(-other.statistic)
    assert one.p_value == pytest.approx(other.p_value)
    assert np.isnan(diebold_mariano(a, a).p_value)
    assert np.isnan(giacomini_white(a, a).p_value)


def test_bad_losses():
    a, b = losses()
    for given, match in (((a, b[:-1]), "two series"), ((a[:3], b[:3]), "too few"), ((a, np.full(60, np.nan)), "NaN")):
        for test in (diebold_mariano, giacomini_white):
            with pytest.raises(ValueError, match=match):
                test(*given)
    with pytest.raises(ValueError, match="'bartlett' or 'acf'"):
        diebold_mariano(a, b, variance="odd")


def test_rmae_by_hand():
    assert rmae([1.0, 3.0], [2.0, 3.0], [3.0, 5.0]) == pytest.approx(0.25)
    assert np.isnan(rmae([1.0], [2.0], [1.0]))
