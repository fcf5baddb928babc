"""Limited power: runs below the curve and plateaus are found, gusts are not, and the posterior is that of the slow oracle."""

import itertools

import numpy as np
import pytest

from cblcast.errors import DataError
from cblcast.physics.limited_power import LimitModel, _posterior, limited_power
from cblcast.physics.power_curve import fit_power_curve, fit_sound_power_curve

RATED = 2000.0


def free_turbine(n=20_000, seed=0):
    rng = np.random.default_rng(seed)
    slow = np.zeros(n)
    for k in range(1, n):  # wind that changes slowly, as ten-minute means do
        slow[k] = 0.98 * slow[k - 1] + rng.normal(0, 0.2)
    speed = np.clip(8 + 2.5 * slow, 0, 20)
    power = np.interp(speed, [0, 3, 12, 25], [0, 0, RATED, RATED]) * (1 + rng.normal(0, 0.07, n))
    return speed, np.minimum(power, RATED * 1.02)


def test_the_posterior_is_the_sum_over_all_paths():
    rng = np.random.default_rng(3)
    enter, leave = 0.05, 0.2
    ratio = rng.lognormal(0, 2, 9)
    weights = {}
    for path in itertools.product((0, 1), repeat=len(ratio)):
        before = enter / (enter + leave)
        chance = 1.0
        for at, (state, given) in enumerate(zip(path, ratio, strict=True)):
            if at == 0:
                to_limited = before * (1 - leave) + (1 - before) * enter
            else:
                to_limited = (1 - leave) if path[at - 1] else enter
            chance *= (to_limited * given) if state else (1 - to_limited)
        weights[path] = chance
    whole = sum(weights.values())
    slow = [sum(w for path, w in weights.items() if path[at]) / whole for at in range(len(ratio))]
    np.testing.assert_allclose(_posterior(ratio, enter, leave), slow, rtol=1e-10)


def test_a_derating_is_found_and_a_free_turbine_is_left_alone():
    speed, power = free_turbine()
    curve = fit_sound_power_curve(speed, power)
    assert limited_power(speed, power, curve, RATED).mean() < 0.002
    low = power.copy()
    low[5000:5400] *= 0.6
    found = limited_power(speed, low, curve, RATED)
    told = curve(speed)[5000:5400] > 0.05 * RATED
    assert found[5000:5400][told].mean() > 0.95
    assert np.delete(found, slice(5000, 5400)).mean() < 0.002


def test_a_set_point_is_found_where_the_curve_is_near():
    speed = np.full(300, 7.0) + np.sin(np.arange(300) / 5)
    curve = fit_sound_power_curve(*free_turbine())
    power = curve(speed)
    held = power.copy()
    held[100:200] = np.minimum(power[100:200], 0.93 * curve(7.0))
    found = limited_power(speed, held, curve, RATED)
    hit = held[100:200] < power[100:200] - 20
    blind = limited_power(speed, held, curve, RATED, LimitModel(plateau_records=10_000))
    assert found[100:200][hit].mean() > 0.5 > 0.4 > blind[100:200][hit].mean()
    assert not found[:90].any()
    assert not found[210:].any()


def test_gaps_and_calm_say_nothing():
    speed, power = free_turbine(500)
    curve = fit_sound_power_curve(*free_turbine())
    gone = np.full(500, np.nan)
    assert not limited_power(speed, gone, curve, RATED).any()
    assert not limited_power(gone, power, curve, RATED).any()
    assert not limited_power(np.zeros(500), np.zeros(500), curve, RATED).any()
    assert limited_power(speed[:0], power[:0], curve, RATED).shape == (0,)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4])
def test_curtailed_records_do_not_bend_the_sound_curve(share):
    speed, power = free_turbine(seed=1)
    clean = fit_power_curve(speed, power)
    rng = np.random.default_rng(2)
    low = np.where(rng.random(len(power)) < share, 0.6 * power, power)
    fitted, at = fit_sound_power_curve(speed, low), np.arange(5.0, 12.0)
    np.testing.assert_allclose(fitted(at), clean(at), atol=0.015 * RATED)
    if share:
        assert np.abs(fit_power_curve(speed, low)(at) - clean(at)).max() > 0.03 * RATED


def test_too_little_to_fit_is_told():
    with pytest.raises(DataError, match="needs two bins"):
        fit_sound_power_curve([5.0, 5.1], [100.0, 110.0])


def test_a_longer_gap_between_limits_asks_for_more_evidence():
    speed, power = free_turbine(2000)
    curve = fit_sound_power_curve(*free_turbine())
    low = power.copy()
    low[1000:1004] = np.maximum(low[1000:1004] - 0.12 * RATED, 0)
    easy = limited_power(speed, low, curve, RATED, LimitModel(begins_every=50.0))
    hard = limited_power(speed, low, curve, RATED, LimitModel(begins_every=1e9))
    assert easy.sum() >= hard.sum()
