"""Parts of a load whose heating and cooling are known, what adds up, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.end_uses import add_up, end_uses
from cblcast.end_uses.weeks import WeekSums
from cblcast.errors import DataError, StudyError
from cblcast.frames.panel import Panel, panel_of

HOURS = 24 * 7 * 40


def weather(seed: int = 0) -> np.ndarray:
    """Forty weeks from January: a season, spells of a few days, a day's course [°C]."""
    rng = np.random.default_rng(seed)
    t = np.arange(HOURS)
    spells = np.convolve(rng.normal(0, 1, HOURS // 24 + 8), np.ones(4) / 2, "valid")[: HOURS // 24]
    return 12 - 12 * np.cos(2 * np.pi * t / 8766) + 3 * np.repeat(spells, 24) - 4 * np.cos(2 * np.pi * (t - 3) / 24)


TEMP = weather()
HOUR = np.arange(HOURS) % 24
HEATING, COOLING = 0.1 * np.maximum(14 - TEMP, 0), 0.2 * np.maximum(TEMP - 22, 0)
PEOPLE = np.where((HOUR >= 7) & (HOUR < 22), 0.8, 0.0)


def panel(load: np.ndarray, temp: np.ndarray | None = TEMP, freq: str = "h", **more: np.ndarray) -> Panel:
    times = pd.date_range("2018-01-01", periods=len(load), freq=freq, tz="UTC")
    frame = pd.DataFrame({"site_id": "home", "time": times, "observed_kw": load, **more})
    return panel_of(frame if temp is None else frame.assign(temp_air_c=temp))


@pytest.mark.parametrize("per_hour", [1, 4])
def test_known_parts_are_found(per_hour):
    load = np.repeat(0.3 + PEOPLE + HEATING + COOLING, per_hour)
    found = end_uses(panel(load, np.repeat(TEMP, per_hour), freq=f"{60 // per_hour}min"))
    site = found.sites.loc["home"]
    assert site["explained"] > 0.999
    assert site["base_mean_kw"] == pytest.approx(0.3, abs=0.01)
    assert site["occupancy_mean_kw"] == pytest.approx(PEOPLE.mean(), abs=0.01)
    assert site["heating_mean_kw"] == pytest.approx(HEATING.mean(), rel=0.02)
    assert site["cooling_mean_kw"] == pytest.approx(COOLING.mean(), rel=0.02)
    assert (site["heats_below_c"], site["cools_above_c"]) == (14, 22)
    assert (site["heating_time_constant_h"], site["cooling_time_constant_h"]) == (0, 0)
    for part in ("base", "occupancy", "heating", "cooling"):
        assert site[f"{part}_lower_kw"] <= site[f"{part}_mean_kw"] + 1e-9
        assert site[f"{part}_upper_kw"] >= site[f"{part}_mean_kw"] - 1e-9


def test_a_use_that_follows_the_months_is_no_cooling():
    rng = np.random.default_rng(1)
    month = pd.date_range("2018-01-01", periods=HOURS, freq="h").month
    pump = np.where(month.isin(range(4, 11)) & (HOUR >= 8) & (HOUR < 16), 1.2, 0.0)
    found = end_uses(panel(0.3 + PEOPLE + pump + rng.exponential(0.3, HOURS))).sites.loc["home"]
    assert found["cooling_mean_kw"] + found["heating_mean_kw"] < 0.02 * pump.mean()


def test_a_home_without_heating_or_cooling_has_none():
    rng = np.random.default_rng(2)
    site = end_uses(panel(0.2 + PEOPLE * rng.gamma(4, 1 / 4, HOURS))).sites.loc["home"]
    assert site["heating_mean_kw"] + site["cooling_mean_kw"] < 0.01
    assert site["base_mean_kw"] == pytest.approx(0.2, abs=0.03)  # months scatter: the lowest is below the mean of all


def test_counted_people_stand_for_the_clock():
    rng = np.random.default_rng(3)
    people = np.where(rng.random(HOURS) < 0.5, rng.integers(1, 6, HOURS), 0).astype(np.float64)
    load = 0.3 + 0.2 * people + HEATING
    people[:50] = np.nan
    found = end_uses(panel(load, occupants=people), occupants="occupants")
    assert found.sites.loc["home", "rows_left_out"] == 50
    assert found.sites.loc["home", "occupancy_mean_kw"] == pytest.approx(0.2 * np.nanmean(people), rel=0.02)
    assert found.parts.iloc[:50].isna().all(axis=None)


def test_gaps_are_left_out_counted_and_expected_all_the_same():
    load = 0.3 + PEOPLE + HEATING + COOLING
    load[1000:1100] = np.nan
    found = end_uses(panel(load))
    assert found.sites.loc["home", "rows_left_out"] == 100
    assert found.parts["base_kw"].isna().sum() == 100
    assert found.expected.notna().all(axis=None)
    assert found.expected["heating_kw"].to_numpy()[1000:1100] == pytest.approx(HEATING[1000:1100], abs=0.02)


def test_nothing_is_expected_of_hours_and_months_that_were_never_metered():
    month = pd.date_range("2018-01-01", periods=HOURS, freq="h").month
    unknown = (HOUR == 3) | (month == 5)
    found = end_uses(panel(np.where(unknown, np.nan, 0.3 + PEOPLE + HEATING)))
    assert (found.expected.isna().all(axis=1).to_numpy() == unknown).all()
    assert found.sites.loc["home", "heating_mean_kw"] == pytest.approx(HEATING[~unknown].mean(), rel=0.02)


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_parts_are_not_negative_and_add_up_to_the_load(seed):
    rng = np.random.default_rng(seed)
    load = rng.gamma(0.5, 1.0, 60) * (rng.random(60) < 0.9)
    expected = rng.gamma(0.5, 0.5, (60, 4)) * (rng.random((60, 4)) < 0.8)
    parts = add_up(load, expected)
    assert parts.min() >= 0
    assert np.allclose(parts.sum(1), load, atol=1e-12)
    above = load >= expected.sum(1)
    assert np.allclose(parts[above, :4], expected[above])
    assert (parts[:, :4] <= expected + 1e-12).all()
    assert np.isnan(add_up(np.array([np.nan]), expected[:1])).all()


def test_weeks_left_out_are_those_of_a_slow_fit():
    rng = np.random.default_rng(4)
    n, shape = 24 * 7 * 12, (3, 24)
    week, cell = np.arange(n) // 168, np.arange(n) // (n // 3) * 24 + np.arange(n) % 24
    degree = np.column_stack([rng.gamma(1, 2, n), np.zeros(n), rng.gamma(1, 2, n), np.zeros(n)])
    load = 1 + cell % 24 * 0.1 + cell // 24 * 0.5 + degree @ [0.1, 0, 0.2, 0] + rng.normal(0, 0.1, n)
    sums = WeekSums.of(load, cell, shape, degree, week)
    often = rng.integers(0, 3, 12)
    slope, levels = sums.solve(often.astype(np.float64), np.array([True, True, True, False]))
    rows = np.repeat(np.arange(n), often[week])
    dummies = (cell[rows, None] == np.arange(72)).astype(np.float64)
    slow = np.linalg.lstsq(np.column_stack([dummies, degree[rows][:, [0, 2]]]), load[rows], rcond=None)[0]
    assert slope[[0, 2]] == pytest.approx(slow[72:], rel=1e-6)
    assert slope[[1, 3]].tolist() == [0, 0]
    net = load[rows] - degree[rows] @ slope
    both = np.column_stack([cell[rows, None] % 24 == np.arange(24), cell[rows, None] // 24 == np.arange(3)]).astype(
        float
    )
    effect = np.linalg.lstsq(both, net, rcond=None)[0]
    assert levels == pytest.approx((effect[24:, None] + effect[None, :24]).ravel(), abs=1e-6)
    assert sums.worth_keeping(np.array([0, 0, 1, 1])).all()


LOAD = 0.3 + PEOPLE


@pytest.mark.parametrize(
    ("load", "temp", "sentence"),
    [
        (LOAD, None, "no 'temp_air_c', and without it heating and cooling cannot be told"),
        (LOAD, np.full(HOURS, np.nan), "site 'home': no row has a temperature"),
        (LOAD, np.full(HOURS, 20.0), "changes by less than 1 K"),
        (np.full(HOURS, 0.5), TEMP, "is 0.5 kW throughout: a constant has no end uses"),
        (LOAD - 0.5, TEMP, "no use is below 0: give what is used"),
        (np.where(np.arange(HOURS) < 500, LOAD, np.nan), TEMP, "20.8 days have load and temperature: 28 are needed"),
    ],
)
def test_bad_input_is_told(load, temp, sentence):
    with pytest.raises(DataError, match=sentence):
        end_uses(panel(load, temp))


def test_steps_below_a_quarter_hour_and_odd_levels_are_refused():
    with pytest.raises(StudyError, match="15 min or longer, not 10 min"):
        end_uses(panel(LOAD, freq="10min"))
    with pytest.raises(StudyError, match="between 0 and 1, not 90"):
        end_uses(panel(LOAD), level=90)
    with pytest.raises(DataError, match="nobody is ever there"):
        end_uses(panel(LOAD, people=np.zeros(HOURS)), occupants="people")
