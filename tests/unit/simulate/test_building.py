"""The world of buildings: what it leaves, that its truth is one, and what it says of adjustments."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import DataError
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel
from cblcast.simulate.building import BuildingWorld, simulate_building
from cblcast.simulate.building_program import BuildingProgram
from cblcast.simulate.building_weather import stepped_weather
from cblcast.simulate.hot_water import draws
from cblcast.simulate.suggested_windows import suggest_windows, window_bias

APART = ("2019-06-26", "2019-07-03", "2019-07-10", "2019-07-17", "2019-07-24")  # a week apart: nothing is left over
PRECOOL = BuildingProgram(17, 20, shift_k=2, prepare_h=2, prepare_k=1, notice_h=2)
WORLD = BuildingWorld(kind="sme", count=20, program=PRECOOL, event_days=APART, noise=0.0)


@cache
def summer():
    """Turin's measured summer, in quarter hours."""
    return stepped_weather(datasets.load("turin"), "turin_building", "2019-06-20", 40, 15)


@cache
def simulated(world=WORLD):
    return simulate_building(world, summer())


def loads(result):
    devices = result.devices.sum(axis=1).unstack("site_id")
    return devices.to_numpy(), (devices + result.moved_kw).to_numpy()


def test_the_same_seed_gives_the_same_world_and_another_does_not():
    small = replace(WORLD, count=4, noise=0.05, hot_water_share=0.5, refrigeration_share=0.5)
    one, again, other = (simulate_building(replace(small, seed=seed), summer()).panel.data for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one, again, check_exact=True)
    assert not one["observed_kw"].equals(other["observed_kw"])


def test_the_truth_is_the_meter_where_nothing_was_asked():
    result = simulated()
    data = result.panel.data
    same = data["observed_kw"].unstack("site_id").to_numpy() == data["truth_kw"].unstack("site_id").to_numpy()
    first = result.spans[0][0] - round(2 / 0.25)
    assert same[:first].all(), "before the first preparation"
    assert not same[slice(*result.spans[0])].all(axis=0).any()
    np.testing.assert_allclose(data["truth_kw"].unstack("site_id").to_numpy(), loads(result)[1], rtol=1e-6)


def test_events_hold_their_truth():
    result = simulated()
    events = result.events
    assert len(events) == 20 * len(APART)
    own = events[events["site_id"] == "sme01"].iloc[0]
    truth = result.panel.data["truth_kw"].loc["sme01"]
    inside = truth[(truth.index >= own["start"]) & (truth.index < own["stop"])]
    assert own["truth_kw"] == pytest.approx(inside.mean())
    assert own["start"] - own["notified"] == pd.Timedelta(hours=2)
    assert events["shed_kw"].mean() > 1


def test_two_hours_of_precooling_bias_the_two_hours_before_and_not_those_before_them():
    """The paper's window PBLM is the last two hours before an event, WS the two before those (table 4)."""
    result = simulated()
    with_it, without = loads(result)
    biased = [window_bias(with_it[:, n], without[:, n], result.spans, Window.before(2), 0.25) for n in range(20)]
    clean = [
        window_bias(with_it[:, n], without[:, n], result.spans, Window.before(2, buffer=2), 0.25) for n in range(20)
    ]
    assert 0.14 <= np.mean(biased) <= 0.27
    assert np.abs(clean).max() < 0.001


def test_suggested_windows_reach_back_to_the_notification_and_wait_for_the_recovery():
    result = simulated()
    with_it, without = loads(result)
    for number in range(20):
        told = suggest_windows(
            with_it[:, number], without[:, number], result.spans, 0.25, notice_h=3, prepares=True, steps_per_day=96
        )
        assert told.before is not None
        assert told.before.buffer >= 3
        assert abs(told.bias_before) <= 0.02 < abs(told.bias_unbuffered_before)
        if told.after is not None:
            assert abs(told.bias_after) <= 0.02
            assert abs(told.bias_after) <= abs(told.bias_unbuffered_after) + 1e-12
    longest = [
        suggest_windows(with_it[:, n], without[:, n], result.spans, 0.25, largest_bias=0.001).after for n in range(20)
    ]
    shortest = [
        suggest_windows(with_it[:, n], without[:, n], result.spans, 0.25, largest_bias=0.05).after for n in range(20)
    ]
    pairs = [(a.buffer, b.buffer) for a, b in zip(longest, shortest, strict=True) if a is not None and b is not None]
    assert pairs
    assert all(a >= b for a, b in pairs)


def test_who_prepares_only_may_begin_with_the_notification():
    flat = np.full(96 * 12, 5.0)
    told = suggest_windows(flat, flat, [(96 * 11, 96 * 11 + 4)], 0.25, notice_h=5, prepares=False)
    assert (told.before, told.after) == (Window.before(2), Window.after(2))
    assert suggest_windows(flat, flat, [(960, 964)], 0.25, notice_h=5, prepares=True).before == Window.before(
        2, buffer=5
    )
    with pytest.raises(DataError, match="at least one event"):
        suggest_windows(flat, flat, [], 0.25)


def test_a_saturated_plant_sheds_nothing_and_that_is_told():
    # A few hours hotter than the plants were sized for: less than 1 % of all hours.
    weather = summer()
    wave = (weather.day == 18073) & (weather.drive.hour >= 9) & (weather.drive.hour < 16)
    hot = replace(weather, drive=weather.drive._replace(out_c=weather.drive.out_c + np.where(wave, 30.0, 0.0)))
    world = replace(WORLD, program=BuildingProgram(14, 16, shift_k=1), event_days=("2019-06-26",))
    result = simulate_building(world, hot)
    shed = result.responses[0].shed_kw
    nothing = (result.saturated >= 0.999) & (shed < 0.01 * result.customers.rooms.cool_max_kw / 3)
    assert nothing.any()
    assert any(f"{nothing.sum()} of 20 customers" in note and "sheds nothing" in note for note in result.notes)
    assert shed[result.saturated < 0.5].min() >= 0
    assert not any("sheds nothing" in note for note in simulated().notes)


def test_a_plant_that_can_never_reach_its_set_point_is_told():
    result = simulate_building(replace(WORLD, count=5, plant_size=(0.01, 0.02)), summer())
    assert any("5 of 5 customers have a plant too small" in note for note in result.notes)
    assert not any("too small" in note for note in simulated().notes)
    with pytest.raises(DataError, match="plant_size"):
        simulate_building(replace(WORLD, plant_size=(2.0, 1.0)), summer())


@pytest.mark.parametrize(
    ("program", "asked"),
    [
        (BuildingProgram(17, 20, load_fraction=0.0), "switched off"),
        (BuildingProgram(17, 20, power_set_point_kw=0.5), "power"),
        (BuildingProgram(17, 20, shift_k=2), "set point"),
    ],
)
def test_every_kind_of_event_sheds_and_is_paid_back(program, asked):
    result = simulate_building(replace(WORLD, count=6, program=program), summer())
    mean = {key: np.mean([getattr(one, key) for one in result.responses]) for key in ("shed_kw", "snapback_kwh")}
    assert mean["shed_kw"] > 0.5, asked
    assert 0 < mean["snapback_kwh"] < 3 * mean["shed_kw"] * 1.05, "not more than was shed"


def test_half_of_a_plant_that_runs_less_than_half_sheds_nothing():
    """Cycling by share of the plant bites only where it runs more than that share."""
    result = simulate_building(replace(WORLD, program=BuildingProgram(17, 20, load_fraction=0.5)), summer())
    rooms = result.customers.rooms
    hvac = result.devices["hvac_kw"].unstack("site_id").to_numpy()
    most = np.array([(hvac + result.moved_kw.to_numpy())[slice(*span)].max(axis=0) for span in result.spans]).max(
        axis=0
    )
    idle = most < 0.5 * rooms.cool_max_kw / rooms.cool_cop - 1e-6
    assert idle.any()
    shed = np.array([one.shed_kw for one in result.responses])
    assert np.abs(shed[:, idle]).max() < 1e-6


def test_hot_water_is_what_was_asked_for():
    hour = np.arange(96 * 60) % 96 / 4
    litres = draws(np.full(300, 62.5), hour, 0.25, np.random.default_rng(0))
    per_day = litres.sum(axis=0) / 60
    assert per_day.mean() == pytest.approx(62.5, rel=0.02)
    assert (litres == 0).mean() > 0.8, "drawn now and then, not all the time"
    with pytest.raises(DataError, match="litres_per_day"):
        draws(np.array([-1.0]), hour, 0.25, np.random.default_rng(0))


def test_bad_programs_worlds_and_weather_are_one_sentence():
    for asked, match in (
        ({"start_h": 20, "stop_h": 17, "shift_k": 1}, "the start before the stop"),
        ({"load_fraction": 1.5}, "load_fraction is 1.5"),
        ({}, "asks for nothing"),
        ({"shift_k": 1, "prepare_h": 2, "prepare_k": 1}, "nobody can prepare"),
        ({"shift_k": 1, "prepare_h": 20, "prepare_k": 1, "notice_h": 24}, "the day before"),
        ({"shift_k": 1, "notice_h": -1}, "0 or more"),
    ):
        with pytest.raises(DataError, match=match):
            BuildingProgram(**asked)
    for changes, match in (
        ({"kind": "castle"}, "kind is 'castle'"),
        ({"count": 0}, "nothing in it"),
        ({"event_days": ("2018-01-01",)}, "outside the world's days"),
        ({"count": 100_000}, "stream them"),
    ):
        with pytest.raises(DataError, match=match):
            simulate_building(replace(WORLD, **changes), summer())
    for changes, match in (
        ({"noise": 2.0}, "noise is 2.0"),
        ({"participation": -1}, "participation"),
        ({"deadband_k": 0.0}, "deadband_k"),
    ):
        with pytest.raises(DataError, match=match):
            replace(WORLD, **changes)
    turin = datasets.load("turin")
    for arguments, match in (
        (("2018-06-01", 10, 15), "choose days within the weather"),
        (("2019-06-01", 10, 7), "divides the hour"),
        (("soon", 10, 15), "write a local date"),
    ):
        with pytest.raises(DataError, match=match):
            stepped_weather(turin, "turin_building", *arguments)
    with pytest.raises(DataError, match="a building needs its weather"):
        stepped_weather(Panel(turin.data[["observed_kw"]], turin.sites), "turin_building", "2019-06-01", 3, 15)
    gap = turin.data.copy()
    gap.loc[(slice(None), slice("2019-06-10", "2019-06-12")), "temp_air_c"] = np.nan
    with pytest.raises(DataError, match="too long to bridge"):
        stepped_weather(Panel(gap, turin.sites), "turin_building", "2019-06-09", 6, 15)
