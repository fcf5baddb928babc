import numpy as np
import pytest

from cblcast.errors import DataError
from cblcast.simulate.outage import failing_share, survival_probability

CASE = {"generators": 2, "generator_kw": 1.0, "mean_time_to_failure_h": 5.0, "battery_kw": 1.0, "battery_kwh": 4.0}


def test_the_case_that_can_be_done_by_hand():
    """Only both generators alive in the first hour, and at least one through the third, carry 1, 2, 2 kW: 0.64 × 0.8704."""
    found = survival_probability([1, 2, 2, 1], charge=0.75, least_charge=0.5, **CASE)
    assert found[2] == pytest.approx(0.557056, abs=1e-12)
    assert (np.diff(found) <= 0).all()


def test_exact_against_drawn():
    load, rng = np.array([1.0, 2.0, 2.0, 1.0]), np.random.default_rng(0)
    alive = np.ones((200_000, 2), dtype=bool)
    energy, fine = np.full(200_000, 3.0), np.ones(200_000, dtype=bool)
    for want in load:
        alive &= rng.random(alive.shape) < 0.8
        gap = want - alive.sum(1)
        energy = np.minimum(energy + np.clip(-gap, 0, 1), 4.0)
        fine &= gap <= np.minimum(1, energy - 2.0) + 1e-9
        energy -= np.maximum(gap, 0)
    exact = survival_probability(load, charge=0.75, least_charge=0.5, **CASE)[-1]
    assert fine.mean() == pytest.approx(exact, abs=0.004)


def test_no_battery_and_no_failures():
    assert survival_probability([1, 2, 3], generators=2, generator_kw=1, mean_time_to_failure_h=1e12).round(
        9
    ).tolist() == [1, 1, 0]


def test_drawn_shares_fall_with_time():
    share = failing_share(4000, 36, 1 / 6, generators=4, mean_time_to_failure_h=20, failure_to_start=0.05, seed=1)
    assert share.shape == (4000, 36)
    assert set(np.unique(share)) <= {0, 0.25, 0.5, 0.75, 1}
    assert (np.diff(share, axis=1) <= 0).all()
    assert share[:, -1].mean() == pytest.approx(0.95 * np.exp(-6 / 20), abs=0.01)


def test_impossible_outages():
    with pytest.raises(DataError, match="at least one step"):
        survival_probability([1], generators=1, generator_kw=1, mean_time_to_failure_h=0.5)
    with pytest.raises(DataError, match="least_charge"):
        survival_probability([1], generators=1, generator_kw=1, mean_time_to_failure_h=5, charge=0.2, least_charge=0.5)
    with pytest.raises(DataError, match="probability"):
        failing_share(1, 1, 1.0, generators=1, mean_time_to_failure_h=5, failure_to_start=1.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"charge_efficiency": 0.0},
        {"discharge_efficiency": 2.0},
        {"generator_kw": float("nan")},
        {"generator_kw": -1.0},
        {"battery_kwh": -4.0},
        {"generators": 2.5},
        {"step_h": 0.0},
        {"load_kw": [-1.0, 2.0]},
        {"load_kw": [[1.0, 2.0]]},
    ],
)
def test_outages_that_cannot_be(changes):
    sound = {"load_kw": [1, 2], "generators": 2, "generator_kw": 1, "mean_time_to_failure_h": 5, "battery_kwh": 4}
    with pytest.raises(DataError):
        survival_probability(**{**sound, **changes})


def test_a_generator_that_never_fails_survives():
    found = survival_probability([1, 1], generators=1, generator_kw=1, mean_time_to_failure_h=float("inf"))
    assert found.tolist() == [1, 1]
    with pytest.raises(DataError, match="hours above 0"):
        failing_share(2, 3, float("nan"), generators=1, mean_time_to_failure_h=3)
