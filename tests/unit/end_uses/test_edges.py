"""Edges, runs and classes of a load that is made of known runs, and of a simulated home."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.end_uses import FoundRuns, classed_runs, find_edges, load_of_runs, named_classes, pair_edges
from cblcast.errors import DataError, StudyError
from cblcast.simulate.device_runs import Runs, load_of
from cblcast.simulate.household_devices import HABITS, Calendar
from cblcast.simulate.households import HouseholdWeather, HouseholdWorld, stream_homes

STEP_H = 1 / 60
DAY = 1440


def of_runs(*runs: tuple[float, float, float], n: int = DAY) -> np.ndarray:
    """Load of (start_h, hours, kw), by the minute."""
    start, hours, kw = np.array(runs, dtype=np.float64).T
    zero = np.zeros(len(runs), dtype=np.int64)
    return load_of(Runs(zero, start, hours, kw, zero.astype(np.int8)), 1, n, STEP_H)[0].astype(np.float64)


def found_in(load: np.ndarray) -> FoundRuns:
    return pair_edges(find_edges(load, STEP_H), load)


def test_edges_are_found_between_minutes():
    edges = find_edges(0.2 + of_runs((6.005, 0.5, 2.0)), STEP_H)
    assert edges.kw == pytest.approx([2.0, -2.0], abs=1e-4)
    assert edges.at_h == pytest.approx([6.005, 6.505], abs=1e-4)
    assert edges.least_kw == 0.25


def test_runs_that_overlap_are_told_apart():
    true = [(5.0, 3.0, 3.0), (6.2, 0.5, 1.2), (7.1, 4.0, 0.5), (20.0, 0.3, 3.1)]
    found = found_in(0.3 + of_runs(*true))
    assert np.column_stack([found.start_h, found.hours, found.kw]) == pytest.approx(np.array(true), abs=1e-3)
    assert (found.left_on, found.left_off) == (0, 0)
    assert found.kwh == pytest.approx([9.0, 0.6, 2.0, 0.93], abs=1e-2)


def test_two_devices_switched_at_once_are_two_runs():
    for runs in ([(5.0, 1.0, 3.0), (5.0, 2.0, 1.0)], [(5.0, 2.0, 3.0), (6.0, 1.0, 1.0)]):
        found = found_in(0.3 + of_runs(*runs))
        assert sorted(found.kw) == pytest.approx([1.0, 3.0], abs=1e-3)
        assert found.kwh.sum() == pytest.approx(sum(h * kw for _, h, kw in runs), rel=1e-3)


def test_a_gap_ends_what_can_be_paired():
    load = 0.3 + of_runs((5.0, 2.0, 3.0), (12.0, 1.0, 2.0))
    load[350:360] = np.nan
    found = found_in(load)
    assert found.kw == pytest.approx([2.0], abs=1e-3)
    assert (found.left_on, found.left_off) == (1, 1)


def test_a_restless_load_raises_the_smallest_change():
    rng = np.random.default_rng(0)
    load = 1.0 + 0.2 * rng.standard_normal(20 * DAY).clip(-4, 4)
    edges = find_edges(load, STEP_H)
    assert edges.least_kw == pytest.approx(0.8, rel=0.05)
    assert len(edges) <= 6


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_load_of_runs_is_that_of_the_simulation(seed):
    rng = np.random.default_rng(seed)
    start, hours, kw = rng.uniform(0, 24, 8), rng.uniform(0, 4, 8), rng.uniform(0.1, 5, 8)
    fast = load_of_runs(FoundRuns(start, hours, kw, 0, 0), DAY, STEP_H)
    assert np.allclose(fast, of_runs(*zip(start, hours, kw, strict=True)), atol=1e-4)


def test_devices_of_a_simulated_home_are_found_and_named():
    days = 14
    n = days * DAY
    weather = HouseholdWeather(np.full(n, 20.0), np.zeros(n), np.zeros(n))
    names = ("dryer", "water_heater", "vehicle")
    habits = {name: HABITS[name] for name in names}
    world = HouseholdWorld(
        12, Calendar("2018-07-02", days), step_h=STEP_H, habits=habits, cooling_share=0.0, noise=0.05, seed=1
    )
    block = next(stream_homes(world, weather, np.full(n, 0.3), keep_devices=True))
    true, got, wrong = np.zeros(3), np.zeros(3), 0.0
    for home in range(12):
        load = block.load_kw[home].astype(np.float64)
        runs = found_in(load)
        label, classes = classed_runs(runs, days)
        named = named_classes(classes, {name: (habit.kw, habit.hours) for name, habit in habits.items()})
        own = np.array([block.device_kw[name][home].sum() * STEP_H for name in names])
        of = named.to_numpy()[label] if len(runs) else np.empty(0, dtype=str)
        true += own
        got += [runs.kwh[of == name].sum() for name in names]
        wrong += sum(runs.kwh[of == name].sum() for name, kwh in zip(names, own, strict=True) if kwh == 0)
    assert np.all(np.abs(got / true - 1) < 0.1)
    assert wrong < 0.02 * true.sum()


def test_classes_are_cut_where_powers_are_rare_and_follow_the_weather():
    rng = np.random.default_rng(2)
    temp = rng.normal(25, 4, 30)
    cooled = np.repeat(np.arange(30), np.maximum(temp - 18, 0).astype(int)) * 24 + 12.0
    often = np.arange(30) * 24 + 8.0
    start = np.concatenate([cooled, often])
    kw = np.concatenate([1.5 * np.exp(rng.normal(0, 0.01, len(cooled))), np.full(30, 3.0)])
    runs = FoundRuns(start, np.full(len(start), 0.5), kw, 0, 0)
    label, classes = classed_runs(runs, 30, temp)
    assert (label == (kw > 2)).all()
    assert classes["runs"].tolist() == [len(cooled), 30]
    assert classes["kwh"].sum() == pytest.approx(runs.kwh.sum())
    assert classes.loc[0, "temp_correlation"] > 0.9
    assert np.isnan(classes.loc[1, "temp_correlation"])  # the same every day
    assert named_classes(classes, {"dryer": (3.2, 0.6)}).tolist() == ["cooling", "dryer"]
    assert named_classes(classes, {"kettle": (3.2, 0.05)}).tolist() == ["cooling", "unknown"]
    assert named_classes(classes, {}).tolist() == ["cooling", "unknown"]


def test_no_runs_have_no_classes():
    load = 0.3 + np.linspace(0, 0.1, DAY)
    label, classes = classed_runs(found_in(load), 1)
    assert len(label) == len(classes) == 0
    assert named_classes(classes, {"dryer": (3.0, 1.0)}).empty


@pytest.mark.parametrize(
    ("load", "step_h", "least_kw", "error", "sentence"),
    [
        (np.ones(DAY), STEP_H, 0.25, DataError, "is 1 kW throughout: a constant has no edges"),
        (of_runs((5, 1, -2)), STEP_H, 0.25, DataError, "no use is below 0"),
        (np.full(DAY, np.nan), STEP_H, 0.25, DataError, "0 readings are metered"),
        (of_runs((5, 1, 2)), 0.25, 0.25, StudyError, "2 min or less, not 15 min"),
        (of_runs((5, 1, 2)), STEP_H, 0.0, StudyError, "give the smallest change"),
        (of_runs((5, 1, 2)), np.nan, 0.25, StudyError, "step_h is nan"),
        (np.ones((2, DAY)), STEP_H, 0.25, DataError, "one number a reading of one home"),
        (np.where(np.arange(DAY) == 9, np.inf, 1.0), STEP_H, 0.25, DataError, "infinite values"),
    ],
)
def test_bad_input_is_told(load, step_h, least_kw, error, sentence):
    with pytest.raises(error, match=sentence):
        find_edges(load, step_h, least_kw=least_kw)


def test_bad_options_are_told():
    load = of_runs((5, 1, 2))
    with pytest.raises(StudyError, match="longest run, above 0 h"):
        pair_edges(find_edges(load, STEP_H), load, longest_h=0)
    with pytest.raises(StudyError, match="the days that the readings cover"):
        classed_runs(found_in(load), 0)
    with pytest.raises(DataError, match="one finite temperature for each of 1 days"):
        classed_runs(found_in(load), 1, np.array([np.nan]))
    with pytest.raises(StudyError, match="both above 0"):
        named_classes(pd.DataFrame(), {"dryer": (0.0, 1.0)})
