"""Simulated homes: runs against a slow loop, energy kept, comfort bounded, mean days those of measured homes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast import datasets
from cblcast.errors import DataError
from cblcast.simulate.device_runs import Runs, load_of, overlap_h
from cblcast.simulate.household_devices import HABITS, Calendar, Habit, draw_runs
from cblcast.simulate.household_fit import left_over
from cblcast.simulate.household_program import HouseholdProgram, with_program
from cblcast.simulate.household_totals import add_up
from cblcast.simulate.household_weather import mean_day, measured_span
from cblcast.simulate.households import HouseholdWorld, stream_homes


def some_runs(seed: int, n: int, n_homes: int = 4) -> Runs:
    rng = np.random.default_rng(seed)
    return Runs(
        rng.integers(0, n_homes, n),
        rng.uniform(-10, 60, n),
        rng.gamma(1.0, 2.0, n),
        rng.normal(size=n),
        rng.integers(0, 2, n).astype(np.int8),
    )


@given(st.integers(0, 10_000), st.integers(0, 40), st.sampled_from([1.0, 0.5, 0.25]))
@settings(max_examples=40, deadline=None)
def test_load_of_runs_is_that_of_a_slow_loop(seed, n, step_h):
    runs = some_runs(seed, n)
    slow = np.zeros((4, round(48 / step_h)))
    for home, start, hours, kw in zip(runs.home, runs.start_h, runs.hours, runs.kw, strict=True):
        for step in range(slow.shape[1]):
            begins, ends = step * step_h, (step + 1) * step_h
            slow[home, step] += kw * max(0.0, min(ends, start + hours) - max(begins, start)) / step_h
    assert np.allclose(load_of(runs, 4, slow.shape[1], step_h), slow, atol=1e-5)


def test_runs_that_are_none_are_told():
    runs = some_runs(0, 3)
    with pytest.raises(DataError, match="finite start and a length of 0 or more"):
        load_of(replace(runs, hours=np.array([1.0, -1.0, 2.0])), 4, 48, 1.0)
    with pytest.raises(DataError, match="belongs to home"):
        load_of(runs, 1, 48, 1.0)


@given(st.integers(0, 10_000), st.sampled_from(["manual", "automatic"]), st.sampled_from(["shift", "advance", "shed"]))
@settings(max_examples=40, deadline=None)
def test_shifted_energy_is_kept_and_shed_energy_is_what_lay_in_the_event(seed, control, response):
    runs = some_runs(seed, 60)
    program = HouseholdProgram(control=control, response=response, devices=("a",), share=1, tires=1)
    follows = np.array([[True, False, True, True], [True, True, False, True]])
    changed = with_program(
        runs, ["a", "b"], np.array([True, True]), program, np.array([0, 1]), follows, np.ones((2, 4), dtype=bool),
        np.random.default_rng(seed),
    )  # fmt: skip
    lost = runs.kwh.sum() - changed.kwh.sum()
    in_events = 0.0
    for event, day in enumerate((0, 1)):
        window = (24 * day + 17.0, 24 * day + 20.0)
        who = (runs.device == 0) & follows[event][runs.home]
        if control == "manual":
            who &= runs.start_h >= window[0]
        in_events += (overlap_h(runs, *window) * runs.kw)[who].sum()
        left = (changed.device == 0) & follows[event][changed.home] & (changed.hours > 0)
        if control == "automatic":  # nothing of the devices that were called is on
            began_before = changed.take(left)
            assert (overlap_h(began_before, *window) < 1e-9).all()
    assert lost == pytest.approx(in_events if response == "shed" else 0.0, abs=1e-9)
    other = changed.device == 1
    assert changed.take(other).kwh.sum() == pytest.approx(runs.take(runs.device == 1).kwh.sum())


def test_a_vehicle_gives_back_and_is_charged_again():
    program = HouseholdProgram(devices=("vehicle",), share=1, gives_back_kw=5, round_trip=0.8)
    nothing = some_runs(0, 0)
    owns = np.array([[True, False, True, True]])
    follows = np.array([[True, True, False, True]])
    changed = with_program(
        nothing, ["vehicle"], np.array([True]), program, np.array([1]), follows, owns, np.random.default_rng(0)
    )
    assert sorted(set(changed.home.tolist())) == [0, 3]
    assert changed.kwh[changed.kw < 0].sum() == pytest.approx(-2 * 5 * 3)
    assert changed.kwh[changed.kw > 0].sum() == pytest.approx(2 * 5 * 3 / 0.8)
    assert (changed.start_h[changed.kw > 0] >= 24 + 20).all()


def test_habits_are_kept_on_average():
    calendar = Calendar("2017-01-01", 365)
    runs, owns = draw_runs(HABITS, 2000, calendar, np.random.default_rng(1))
    for number, (name, habit) in enumerate(HABITS.items()):
        own = runs.take(runs.device == number)
        assert owns[number].mean() == pytest.approx(habit.share, abs=0.04), name
        in_use = np.isin(calendar.month, habit.months).mean()
        per_day = len(own) / owns[number].sum() / calendar.days
        assert per_day == pytest.approx(habit.runs_per_day * in_use, rel=0.05), name
        assert own.hours.mean() == pytest.approx(habit.hours, rel=0.03), name
        day = (own.start_h // 24).astype(int)
        rest = calendar.weekend[day].mean() / calendar.weekend.mean()
        assert rest / ((1 - calendar.weekend[day].mean()) / (1 - calendar.weekend.mean())) == pytest.approx(
            habit.weekend, rel=0.08
        ), name


def test_who_follows_tires_and_minds_heat_and_pay():
    program = HouseholdProgram(
        control="manual", share=0.6, tires=0.8, heat_k=10, hot_c=30, pay_per_kwh=0.5, half_pay_per_kwh=0.5
    )
    share = program.share_of(np.array([10, 11, 12, 40]), np.array([25.0, 25.0, 35.0, 45.0]))
    assert share == pytest.approx([0.3, 0.3 * 0.8, 0.3 * 0.64 * 0.5, 0.0])
    automatic = replace(program, control="automatic")
    assert automatic.share_of(np.array([10]), np.array([45.0])) == pytest.approx([0.6])


@pytest.fixture(scope="module")
def measured():
    return measured_span(datasets.load("fontana_homes"), "2017-06-01", 56)


@pytest.fixture(scope="module")
def world(measured) -> HouseholdWorld:
    return HouseholdWorld(
        300, measured.calendar, program=HouseholdProgram(share=0.7), event_days=(5, 6, 20), enrolled=0.9, seed=3
    )


def test_simulated_mean_days_are_the_measured_ones(measured, world):
    rest = left_over(world, measured)
    totals = add_up(world, measured.weather, rest.other_kw, 10)
    simulated = mean_day(totals.mean_truth_kw, world.calendar, 1.0)
    wanted = mean_day(measured.load_kw, world.calendar, 1.0)
    known = np.isfinite(wanted)
    assert np.abs(simulated - wanted)[known].mean() < 0.03 * np.nanmean(wanted)
    assert rest.exceeded < 0.05
    assert (rest.other_kw >= 0).all()


def test_the_same_seed_is_the_same_world_and_without_a_program_nothing_happens(measured, world):
    first, again = (next(stream_homes(world, measured.weather)) for _ in range(2))
    assert np.array_equal(first.load_kw, again.load_kw)
    assert np.array_equal(first.follows, again.follows)
    quiet = next(stream_homes(replace(world, program=None, event_days=()), measured.weather))
    assert np.array_equal(quiet.load_kw, quiet.truth_kw)
    assert not np.array_equal(first.load_kw, first.truth_kw)


def test_only_those_who_follow_change_and_only_from_the_event_on(measured, world):
    block = next(stream_homes(world, measured.weather))
    less = block.truth_kw - block.load_kw
    before = less[:, : 24 * 5 + 17]
    assert not before.any()
    never = ~block.follows.any(0)
    assert never.any()
    assert not less[never].any()
    assert less[block.follows[0]][:, 24 * 5 + 17 : 24 * 5 + 20].mean() > 0.2
    # Thermostats were moved by 2 K: no room becomes warmer than that beside what it would have been.
    assert (block.warmest_k <= 2 + 1e-3).all()
    assert (block.warmest_k >= -1e-3).all()
    assert (block.load_kw >= 0).all()


def test_devices_add_up_to_the_load(measured, world):
    block = next(stream_homes(world, measured.weather, keep_devices=True))
    for total, parts in ((block.load_kw, block.device_kw), (block.truth_kw, block.device_truth_kw)):
        assert np.allclose(sum(parts.values()), total, atol=1e-4)


def test_worlds_that_are_none_are_told(measured):
    calendar = measured.calendar
    for change, sentence in [
        ({"homes": 0}, "a world of 0 homes has nothing in it"),
        ({"step_h": 0.3}, "step_h is 0.3"),
        ({"pv_share": 1.5}, "pv_share is 1.5"),
        ({"noise": float("nan")}, "noise a share below 1"),
        ({"event_days": (3,)}, "event_days need a program"),
        ({"event_days": (3, 3), "program": HouseholdProgram()}, "counted from 0 and ascending"),
        ({"habits": {"tv": 3}}, "'tv' is no habit"),
    ]:
        with pytest.raises(DataError, match=sentence):
            HouseholdWorld(**{"homes": 5, "calendar": calendar, **change})
    for change, sentence in [
        ({"start_h": 20, "stop_h": 17}, "the start first"),
        ({"control": "magic"}, "control is 'magic'"),
        ({"share": 2}, "share is 2"),
        ({"tires": 0}, "tires is 0"),
        ({"pay_per_kwh": float("inf")}, "pay_per_kwh is inf"),
        ({"heat_k": float("nan")}, "heat_k is nan"),
    ]:
        with pytest.raises(DataError, match=sentence):
            HouseholdProgram(**change)
    with pytest.raises(DataError, match="24 weights"):
        Habit(0.5, 1, 1, 1, (1.0,))
    with pytest.raises(DataError, match="write a local date"):
        Calendar("yesterday", 3)
    with pytest.raises(DataError, match="choose a span within"):
        measured_span(datasets.load("fontana_homes"), "2019-01-01", 10)
    with pytest.raises(DataError, match="have no 'load_kw'"):
        measured_span(datasets.load("turin"))


def test_light_on_level_ground_is_made_of_its_parts():
    """Fontana has both: what falls on level ground, and the direct part; the rest is diffuse."""
    panel = datasets.load("fontana_homes").select(["home_01"])
    whole = measured_span(panel, "2017-06-01", 30).weather.ghi_wm2
    data = panel.data
    diffuse = data["ghi_wm2"] - _direct_on_level_ground(panel)
    parts = replace(panel, data=data.drop(columns="ghi_wm2").assign(dhi_wm2=diffuse))
    again = measured_span(parts, "2017-06-01", 30).weather.ghi_wm2
    assert np.allclose(again, whole, atol=5)


def _direct_on_level_ground(panel):
    """By the Almanac's solar coordinates, which are not those of the package."""
    middle = panel.data.index.get_level_values("time") + panel.step / 2
    days = (middle - pd.Timestamp("2000-01-01 12:00", tz="UTC")) / pd.Timedelta("1D")
    anomaly = np.radians(357.529 + 0.98560028 * days)
    longitude = np.radians(280.459 + 0.98564736 * days + 1.915 * np.sin(anomaly) + 0.02 * np.sin(2 * anomaly))
    declination = np.arcsin(np.sin(np.radians(23.439)) * np.sin(longitude))
    ascension = np.arctan2(np.cos(np.radians(23.439)) * np.sin(longitude), np.cos(longitude))
    lat, lon = panel.sites[["lat", "lon"]].iloc[0]
    angle = np.radians((18.697374558 + 24.06570982441908 * days) * 15 + lon) - ascension
    lat = np.radians(lat)
    up = np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(angle)
    return panel.data["dni_wm2"] * np.maximum(up, 0)


def test_long_spans_of_short_steps_are_simulated_fewer_homes_at_a_time(monkeypatch):
    from cblcast.simulate import households

    span = measured_span(datasets.load("fontana_homes"), "2017-07-01", 3)
    world = HouseholdWorld(7, span.calendar)
    monkeypatch.setattr(households, "VALUES_AT_ONCE", 3 * world.n_steps)
    assert [len(block.load_kw) for block in stream_homes(world, span.weather)] == [3, 3, 1]
