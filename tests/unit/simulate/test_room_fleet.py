from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.physics.thermal import ideal_heat_kw
from cblcast.simulate.room_fleet import stream_rooms
from cblcast.simulate.rooms import Drive, Rooms, Signals


def rooms(n=6, seed=0, two=False):
    rng = np.random.default_rng(seed)
    one = np.ones(n)
    loss = rng.uniform(0.1, 0.5, n)
    return Rooms(
        loss_kw_k=loss, time_constant_h=rng.uniform(10, 80, n), heat_set_c=rng.uniform(19, 21, n), cool_set_c=rng.uniform(24, 26, n),
        setback_k=3 * one, occupied_from_h=7 * one, occupied_until_h=22 * one, heat_max_kw=25 * loss, cool_max_kw=14 * loss,
        heat_cop=3 * one, cool_cop=2.5 * one, gain_kw=0.4 * one, aperture_m2=2 * one,
        air_share=0.1 * one if two else None, air_coupling=4 * one if two else None,
    )  # fmt: skip


def weather(days=4, step_h=0.25, mean=12.0, swing=14.0):
    hours = np.arange(round(days * 24 / step_h)) * step_h
    sun = np.maximum(np.sin((hours % 24 - 6) / 12 * np.pi), 0) * 700
    return Drive(mean + swing * np.sin((hours - 9) / 24 * 2 * np.pi), sun, hours % 24)


def run(fleet, drive, step_h=0.25, **kw):
    blocks = [(b.hvac_kw.copy(), b.air_c.copy()) for b in stream_rooms(fleet, drive, step_h, keep_air=True, **kw)]
    return np.concatenate([b[0] for b in blocks]), np.concatenate([b[1] for b in blocks])


def slow(fleet, drive, step_h, signals):
    """Oracle: one customer after the other in float64, from the pure functions."""
    c = fleet.steps(step_h)
    power = np.empty((len(drive.out_c), len(fleet)))
    air_all = np.empty_like(power)
    for i in range(len(fleet)):
        air = mass = float(np.clip(drive.out_c[0], fleet.heat_set_c[i], fleet.cool_set_c[i]))
        for t, (out, sun, hour) in enumerate(zip(*drive, strict=True)):
            there = fleet.occupied_from_h[i] <= hour < fleet.occupied_until_h[i]
            apart = (0 if there else fleet.setback_k[i]) + signals.set_point_shift_k[t]
            heat_set, cool_set = fleet.heat_set_c[i] - apart, fleet.cool_set_c[i] + apart
            if heat_set > cool_set:
                heat_set = cool_set = (heat_set + cool_set) / 2
            gain = fleet.gain_kw[i] * (1 if there else 1 / 3) + fleet.aperture_m2[i] * sun / 1000
            share, most = signals.load_fraction[t], signals.power_set_point_kw[t]
            limits = [
                min(fleet.heat_max_kw[i] * share, most * fleet.heat_cop[i]),
                min(fleet.cool_max_kw[i] * share, most * fleet.cool_cop[i]),
            ]
            free = c.air_air[i] * air + c.air_out[i] * out
            if c.air_mass is None:
                free += c.air_heat[i] * gain
            else:
                free += c.air_mass[i] * mass + c.air_gain[i] * gain
            q = float(ideal_heat_kw(free, heat_set, cool_set, c.air_heat[i], *limits))
            if c.air_mass is not None:
                mass = (
                    c.mass_air[i] * air
                    + c.mass_mass[i] * mass
                    + c.mass_out[i] * out
                    + c.mass_heat[i] * q
                    + c.mass_gain[i] * gain
                )
            air = free + c.air_heat[i] * q
            power[t, i] = max(q / fleet.heat_cop[i], -q / fleet.cool_cop[i])
            air_all[t, i] = air
    return power, air_all


def program(n, shift=2.0, fraction=1.0, power=np.inf, first=60, stop=72):
    signals = Signals.none(n)
    signals.set_point_shift_k[first:stop] = shift
    signals.load_fraction[first:stop] = fraction
    signals.power_set_point_kw[first:stop] = power
    return signals


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("asked", [{}, {"shift": -4.0}, {"fraction": 0.5}, {"fraction": 0.0}, {"power": 0.3}])
def test_the_fast_loop_is_the_slow_one(two, asked):
    fleet, drive = rooms(two=two), weather()
    signals = program(len(drive.out_c), **asked)
    power, air = run(fleet, drive, signals=signals, block_steps=50)
    wanted, warmth = slow(fleet, drive, 0.25, signals)
    np.testing.assert_allclose(air, warmth, atol=2e-3)
    np.testing.assert_allclose(power, wanted, atol=5e-3)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.floats(-10, 30), st.sampled_from([1 / 60, 0.25, 1.0]))
def test_energy_balances_and_comfort_holds_where_the_plant_is_not_saturated(seed, two, mean, step_h):
    fleet = replace(rooms(seed=seed, two=two), aperture_m2=np.zeros(6))
    drive = weather(1 if step_h < 0.1 else 4, step_h, mean)
    power, air = run(fleet, drive, step_h)
    power, air = power.astype(float), air.astype(float)
    assert (power >= 0).all()
    assert (power <= np.maximum(fleet.heat_max_kw / fleet.heat_cop, fleet.cool_max_kw / fleet.cool_cop) + 1e-5).all()
    apart = np.where((drive.hour >= 7) & (drive.hour < 22), 0.0, 3.0)[:, None]
    cold, hot = air < fleet.heat_set_c - apart - 0.01, air > fleet.cool_set_c + apart + 0.01
    at_limit = (
        np.isclose(power, fleet.heat_max_kw / fleet.heat_cop, rtol=1e-3),
        np.isclose(power, fleet.cool_max_kw / fleet.cool_cop, rtol=1e-3),
    )
    assert not (cold & ~at_limit[0]).any(), "only a saturated heater leaves a room too cold"
    assert not (hot & ~at_limit[1]).any(), "only a saturated cooler leaves a room too warm"
    if not two:  # C ΔT = (gains + heat − H (T − T_out)) Δt, with T the mean that the exact step implies
        heat = np.where(
            air <= (fleet.heat_set_c + fleet.cool_set_c) / 2, power * fleet.heat_cop, -power * fleet.cool_cop
        )
        gain = fleet.gain_kw * np.where(apart > 0, 1 / 3, 1.0)
        rest = drive.out_c[:, None] + (gain + heat) / fleet.loss_kw_k
        before = np.vstack([np.clip(drive.out_c[0], fleet.heat_set_c, fleet.cool_set_c), air[:-1]])
        keeps = np.exp(-step_h / fleet.time_constant_h)
        mean_air = rest + (before - rest) * (1 - keeps) * fleet.time_constant_h / step_h
        stored = fleet.time_constant_h * fleet.loss_kw_k * (air[-1] - before[0])
        lost = fleet.loss_kw_k * (mean_air - drive.out_c[:, None])
        flows = ((gain + heat - lost) * step_h).sum(axis=0)
        # float32 carries a room of 20 °C to 2e-6 K: a balance to half a thousandth of the heat exchanged.
        exchanged = (np.abs(heat) + np.abs(lost)).sum(axis=0) * step_h
        assert (np.abs(stored - flows) <= 5e-4 * exchanged + 0.02).all()


def test_who_does_not_follow_is_left_alone():
    fleet, drive = rooms(), weather(mean=32)
    follows = np.arange(6) % 2 == 0
    free, _ = run(fleet, drive)
    asked, _ = run(fleet, drive, signals=program(len(drive.out_c), fraction=0.0), follows=follows)
    np.testing.assert_array_equal(asked[:, ~follows], free[:, ~follows])
    assert (asked[60:72, follows] == 0).all()
    assert (free[60:72, follows].sum(axis=0) > 0).any()


def test_a_fleet_that_switches_uses_about_what_an_ideal_one_does():
    fleet, drive = rooms(20), weather(5, 1 / 60, 30.0, 5.0)
    fleet = replace(fleet, cool_max_kw=3 * fleet.cool_max_kw)
    ideal, _ = run(fleet, drive, 1 / 60)
    switched, air = run(fleet, drive, 1 / 60, deadband_k=1.0)
    day = slice(3 * 1440, None)
    assert switched[day].sum() == pytest.approx(ideal[day].sum(), rel=0.05)
    full = fleet.cool_max_kw / fleet.cool_cop
    assert (
        np.isclose(switched, 0, atol=1e-6).sum() + np.isclose(switched, full, rtol=1e-4).sum() >= 0.99 * switched.size
    )
    assert (air[day].max(axis=0) < fleet.cool_set_c + 3 + 0.6).all()  # half the dead band, and a minute


def test_bad_rooms_weather_and_signals_are_named():
    fleet, drive = rooms(), weather()
    with pytest.raises(DataError, match="heated to more than it is cooled to"):
        replace(fleet, heat_set_c=fleet.cool_set_c + 1)
    with pytest.raises(DataError, match="cool_max_kw is below 0"):
        replace(fleet, cool_max_kw=-fleet.cool_max_kw)
    with pytest.raises(DataError, match="gain_kw needs one finite number a customer"):
        replace(fleet, gain_kw=fleet.gain_kw[:3])
    with pytest.raises(DataError, match="heat_cop must be above 0"):
        replace(fleet, heat_cop=0 * fleet.heat_cop)
    with pytest.raises(DataError, match="fill its gaps"):
        list(stream_rooms(fleet, drive._replace(out_c=np.where(drive.hour == 3, np.nan, drive.out_c)), 0.25))
    with pytest.raises(DataError, match="load_fraction lies between"):
        Signals(np.zeros(3), np.full(3, 1.5), np.ones(3))
    with pytest.raises(DataError, match="signals have 5 steps"):
        list(stream_rooms(fleet, drive, 0.25, Signals.none(5)))
    with pytest.raises(DataError, match="air_coupling must exceed"):
        replace(rooms(two=True), air_coupling=np.full(6, 0.5)).steps(0.25)
