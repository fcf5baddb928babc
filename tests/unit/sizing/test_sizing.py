import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cblcast.errors import DataError, StudyError
from cblcast.simulate.island import Fleet, Islands
from cblcast.sizing.designs import least_diesel_kw, observed_threshold_usd, polished, priced_designs, reliable_designs
from cblcast.sizing.front import crowding_distance, hypervolume, non_dominated
from cblcast.sizing.grid import front_of, grid_designs, with_costs_of
from cblcast.sizing.nsga2 import nsga2_front
from cblcast.sizing.problem import SizingProblem
from cblcast.value.bargaining import Terms, threshold_subsidy

POINTS = arrays(
    np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(0, 10).map(lambda x: round(x, 1))
)


def problem(cut="curtail", seed=0, **changes):
    """Synthetic wind that comes and goes; only the methods are tested here, not the wind."""
    rng = np.random.default_rng(seed)
    level = np.abs(rng.normal(0, 350, (24, 1))) + rng.normal(0, 40, (24, 18)).cumsum(axis=1)
    one = np.clip(level, 0, 660)[:, :, None]
    islands = Islands(np.repeat(one, 2, axis=2), rng.uniform(500, 1000, (24, 18)), 1 / 3)
    return SizingProblem(islands, Fleet(), cut=cut, **{"most_vehicles": 600, **changes})


@given(POINTS)
def test_the_front_is_what_nothing_beats(f):
    rows = non_dominated(f)
    for i in range(len(f)):
        beaten = ((f <= f[i]).all(axis=1) & (f < f[i]).any(axis=1)).any()
        earlier = (f[:i] == f[i]).all(axis=1).any()
        assert (i in rows) == (not beaten and not earlier)


@given(POINTS)
def test_hypervolume_against_counting_squares(f):
    side = (np.arange(0, 100) + 0.5) / 10
    x, y = np.meshgrid(side, side)
    dominated = ((x[..., None] >= f[:, 0]) & (y[..., None] >= f[:, 1])).any(axis=-1)
    assert hypervolume(f, [10, 10]) == pytest.approx(dominated.sum() / 100)


def test_crowding_distance_of_scaled_objectives():
    assert crowding_distance([[0, 0], [0.5, 50], [1, 100]]).tolist() == [np.inf, 1, np.inf]
    metrics = pytest.importorskip(
        "pymoo.operators.survival.rank_and_crowding.metrics",
        reason="the oracle is pymoo's: pip install cblcast[sizing]",
    )
    f = np.random.default_rng(0).random((30, 2))
    f = f[non_dominated(f)]
    with pytest.warns(DeprecationWarning, match="row_stack"):
        theirs = metrics.calc_crowding_distance(f)
    assert crowding_distance(f) == pytest.approx(theirs)


def test_bisection_finds_the_edge():
    own = problem()
    count = np.array([0, 50, 300])
    kw = least_diesel_kw(own, count, 30.0)
    assert (own.minutes(kw, count) <= 30).all()
    some = kw > 0
    assert (own.minutes(kw[some] - 0.1, count[some]) > 30).all()
    assert (np.diff(kw) <= 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_no_vehicle_below_the_closed_form_threshold(seed):
    own = problem(seed=seed)
    reliable = reliable_designs(own, 30.0, 10)
    bound = threshold_subsidy(own.surplus_usd, 0.7, 3.0, 800.0)
    assert (
        observed_threshold_usd(reliable, own.surplus_usd) >= bound - 0.05 * 800 / 10
    )  # the bisection's 0.05 kW over ten vehicles
    priced = priced_designs(own, reliable, (0.0, 4970.0, 6600.0), Terms())
    assert priced["vehicles"].tolist()[:2] == [0, 0]
    assert priced["vehicles"].iloc[2] > 0
    assert not priced["deal"].iloc[0]
    assert priced["cost_change_pct"].iloc[2] < 0


def test_the_grid_and_its_front():
    own = problem()
    grid = grid_designs(own, 13, 7)
    assert len(grid) == 91
    assert grid["cost_usd"].max() == pytest.approx(800 * 1200 + 600 * 6654.25)
    dear = with_costs_of(grid, own.with_subsidy(6000))
    assert dear["system_minutes"].equals(grid["system_minutes"])
    front = front_of(dear)
    assert front["cost_usd"].is_monotonic_increasing
    assert front["system_minutes"].is_monotonic_decreasing


def test_nsga2_reaches_the_grid():
    pytest.importorskip("pymoo", reason="sizing needs pip install cblcast[sizing]")
    own = problem(cut="units", subsidy_usd=6000.0)
    front = nsga2_front(own, 60, 40, seed=1)
    exact = front_of(grid_designs(own, 61, 61))
    worst = exact[["cost_usd", "system_minutes"]].to_numpy().max(axis=0) * 1.01
    columns = ["cost_usd", "system_minutes"]
    assert hypervolume(front[columns].to_numpy(), worst) >= 0.99 * hypervolume(exact[columns].to_numpy(), worst)
    assert front.equals(nsga2_front(own, 60, 40, seed=1))
    best = polished(own, front, 30.0).iloc[0]
    every = reliable_designs(own, 30.0, 5)
    assert best["cost_usd"] <= 1.02 * own.cost_usd(every["diesel_kw"], every["vehicles"]).min()
    assert best["system_minutes"] <= 30


def test_without_pymoo_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymoo.optimize", None)
    with pytest.raises(StudyError, match=r"cblcast\[sizing\]"):
        nsga2_front(problem())


def test_what_cannot_be_sized():
    with pytest.raises(StudyError, match="no design up to 100 kW"):
        reliable_designs(problem(most_diesel_kw=100.0, most_vehicles=20), 30.0)
    with pytest.raises(DataError, match="limits above 0"):
        problem(most_diesel_kw=0.0)
    with pytest.raises(DataError, match="two objectives"):
        non_dominated(np.zeros((3, 3)))
    with pytest.raises(StudyError, match="at least 4"):
        nsga2_front(problem(), population=2)


def test_a_wide_search_is_as_exact_as_a_narrow_one():
    narrow = least_diesel_kw(problem(), np.array([0, 100]))
    wide = least_diesel_kw(problem(most_diesel_kw=1e9), np.array([0, 100]))
    assert wide == pytest.approx(narrow, abs=0.11)


def test_the_most_vehicles_are_always_tried():
    found = reliable_designs(problem(most_vehicles=25), every=10)
    assert found["vehicles"].tolist() == [0, 10, 20, 25]


def test_free_diesel_that_is_not_enough_still_costs_infinitely():
    found = reliable_designs(problem(most_diesel_kw=400.0, most_vehicles=600, diesel_usd_per_kw=0.0), every=100)
    assert np.isinf(found["diesel_cost_usd"]).tolist() == np.isinf(found["diesel_kw"]).tolist()
    assert np.isinf(found["diesel_cost_usd"]).any()


def test_fronts_that_are_none():
    for wrong in (
        lambda: hypervolume([], [1, 1]),
        lambda: hypervolume([[0, 0]], [1, 1, 1]),
        lambda: crowding_distance([]),
        lambda: crowding_distance([[1, 2], [3, np.inf]]),
    ):
        with pytest.raises(DataError):
            wrong()
