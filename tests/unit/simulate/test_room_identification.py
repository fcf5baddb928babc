"""Identification of rooms whose truth is known."""

import numpy as np
import pytest

from cblcast.errors import DataError
from cblcast.simulate.building_program import BuildingProgram
from cblcast.simulate.room_fleet import stream_rooms
from cblcast.simulate.room_identification import identify_room
from cblcast.simulate.rooms import Drive, Rooms, Signals
from cblcast.simulate.thermostat_room import Asked, simulated_kw

STEP_H, DAYS = 0.25, 28
HOUR = np.arange(96 * DAYS) % 96 * STEP_H
DAY = np.arange(96 * DAYS) // 96 + 4  # 1970-01-05 is a Monday
EVENTS = np.array([8, 14, 18, 24, 29]) + 1
PROGRAM = BuildingProgram(14, 17, load_fraction=0.0)
# A set point that is reached within the event tells the time constant; one that is not acts like a switch, whose recovery
# takes back what was shed whatever the time constant is.
REACHED_K = {15.0: 1.5, 60.0: 0.4}


def weather(mean=30.0):
    rng = np.random.default_rng(5)
    daily = np.cumsum(rng.normal(0, 1, DAYS))[DAY - 4] * 0.7
    return mean + daily + 5 * np.sin((HOUR - 9) / 24 * 2 * np.pi)


def customer(tau, loss=0.4, cools=True):
    one = np.ones(1)
    return Rooms(
        loss * one, tau * one, (21 if not cools else -40) * one, (24 if cools else 70) * one, 0 * one, 0 * one, 24 * one,
        (0 if cools else 12) * one, (8 if cools else 0) * one, 3 * one, 3 * one, 0.3 * one, 0 * one,
    )  # fmt: skip


def metered(rooms, out, signals, noise=0.0):
    drive = Drive(out, np.zeros(len(out)), HOUR)
    hvac = np.concatenate([b.hvac_kw.astype(float).copy() for b in stream_rooms(rooms, drive, STEP_H, signals)])[:, 0]
    base = 1.5 + np.sin(HOUR / 24 * 2 * np.pi)
    return hvac, (hvac + base) * (1 + noise * np.random.default_rng(1).standard_normal(len(out)))


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("tau", [15.0, 60.0])
def test_an_event_tells_the_time_constant_the_shed_and_the_snapback(tau, noise):
    program = BuildingProgram(14, 17, shift_k=REACHED_K[tau])
    out, signals = weather(), program.signals(DAY, HOUR, EVENTS)
    hvac, load = metered(customer(tau), out, signals, noise)
    asked = Asked.kept(len(out), signals)
    found = identify_room(load, out, HOUR, DAY, STEP_H, asked)
    assert found.time_constant_h == pytest.approx(tau, rel=0.2)
    assert found.per_k_kw == pytest.approx(0.4 / 3, rel=0.05)
    if noise:
        assert found.range_h[0] < found.time_constant_h < found.range_h[1] < 2 * tau
    free, _ = metered(customer(tau), out, Signals.none(len(out)))
    spans = program.spans(DAY, HOUR, EVENTS)
    told = found.response(out, asked, spans[0], STEP_H)
    first, stop = spans[0]
    end = spans[1][0]
    assert told.shed_kw[0] == pytest.approx((free - hvac)[first:stop].mean(), rel=0.1)
    moved = (hvac - free)[stop:end]
    expected = found.power_kw(out, asked, STEP_H) - found.power_kw(out, asked.without_program(), STEP_H)
    assert expected[stop:end].sum() == pytest.approx(moved.sum(), rel=0.1)
    assert told.first_hour_kwh[0] == pytest.approx(moved[:4].sum() * STEP_H, rel=0.25)


def test_normal_load_of_a_kept_set_point_does_not_tell_the_time_constant():
    """A plant that is always at work: any time constant explains the load, and the range says so."""
    out = weather(34.0)
    _, load = metered(customer(30.0), out, Signals.none(len(out)), 0.05)
    found = identify_room(load, out, HOUR, DAY, STEP_H)
    assert found.range_h[1] / max(found.range_h[0], 1e-9) > 5
    assert found.per_k_kw == pytest.approx(0.4 / 3, rel=0.05)


def test_heating_is_the_mirror_of_cooling():
    program = BuildingProgram(14, 17, shift_k=0.7)
    out, signals = weather(2.0), program.signals(DAY, HOUR, EVENTS)
    _, load = metered(customer(40.0, cools=False), out, signals, 0.02)
    found = identify_room(load, out, HOUR, DAY, STEP_H, Asked.kept(len(out), signals), cools=False)
    assert found.time_constant_h == pytest.approx(40, rel=0.2)
    assert found.balance_c == pytest.approx(21 - 0.3 / 0.4, abs=0.5)


def test_one_parameter_set_is_simulated_as_among_others():
    asked = Asked.kept(len(HOUR), PROGRAM.signals(DAY, HOUR, EVENTS))
    inputs = np.concatenate([weather()[None], asked.stacked()])
    sets = np.array([[0.1, 22.0, 20.0, 3.0, 1.0], [0.2, 25.0, 80.0, 1.0, 0.0]])
    both = simulated_kw(sets, inputs, STEP_H, True)
    for number in (0, 1):
        np.testing.assert_allclose(
            simulated_kw(sets[number : number + 1], inputs, STEP_H, True)[0], both[number], atol=1e-9
        )


def test_what_cannot_be_identified_is_one_sentence():
    out = weather()
    _, load = metered(customer(30.0), out, Signals.none(len(out)))
    with pytest.raises(DataError, match="at least 14 days"):
        identify_room(np.where(DAY < 20, np.nan, load), out, HOUR, DAY, STEP_H)
    with pytest.raises(DataError, match="does not fall with the temperature"):
        identify_room(load, out, HOUR, DAY, STEP_H, cools=False)
