"""Largest demand of an event, against the slow way, and the baseline that is made of it."""

import numpy as np
import pandas as pd
import pytest

from cblcast.days.day_rules import DayRule
from cblcast.estimators.rules.largest_demand import LargestDemandDays, largest_demand
from cblcast.frames.schema import StudyError


@pytest.mark.parametrize("step", [5, 15, 60])
def test_the_largest_quarter_hour_is_the_slow_one(step):
    rng = np.random.default_rng(step)
    times = pd.date_range("2024-07-01 05:00", periods=240 // step, freq=f"{step}min", tz="UTC")
    load = rng.uniform(0, 100, (2 * len(times), 3))
    load[rng.random(load.shape) < 0.1] = np.nan
    group = np.repeat([0, 1], len(times))
    found = largest_demand(load, np.tile(times.as_unit("us").asi8, 2), group, 15)
    for which in (0, 1):
        own = pd.DataFrame(load[group == which], index=times)
        slow = own.resample("15min").mean().max()
        np.testing.assert_allclose(found[which], slow)


def test_what_counts_partly_weighs_partly_and_what_does_not_count_is_not_seen():
    times = pd.date_range("2024-07-01", periods=4, freq="5min", tz="UTC").as_unit("us").asi8
    load, hours = np.array([[90.0], [30.0], [30.0], [500.0]]), np.array([1, 2, 0, 0]) / 12
    assert largest_demand(load, times, np.zeros(4, dtype=int), 15, hours)[0, 0] == pytest.approx((90 + 2 * 30) / 3)


def test_nothing_known_is_not_a_demand_of_nothing():
    times = pd.date_range("2024-07-01", periods=2, freq="15min", tz="UTC").as_unit("us").asi8
    assert np.isnan(largest_demand(np.full((2, 1), np.nan), times, np.zeros(2, dtype=int), 15)).all()


def test_the_baseline_is_the_mean_of_the_days_maxima_in_every_interval():
    times = pd.date_range("2024-07-01 05:00", periods=3, freq="15min", tz="UTC").as_unit("us")
    index = pd.MultiIndex.from_product([["a"], [times[0]], times], names=["site_id", "origin", "time"])
    X = pd.DataFrame(
        {"program_kw_01": [10.0, 40.0, 20.0], "program_kw_02": [30.0, 5.0, 0.0], "program_rule": 0.0}, index
    )
    rule = LargestDemandDays([DayRule(x=2, y=2)])
    assert rule.fit(X).predict(X).tolist() == [35.0] * 3


def test_a_demand_that_does_not_divide_the_hour_is_refused():
    with pytest.raises(StudyError, match="a demand of 25 minutes"):
        LargestDemandDays(minutes=25).check()
