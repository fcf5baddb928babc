"""Instants and wall clocks: there and back, and what happens where a clock is put forward or back."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.instants import (
    HOUR_US,
    NO_INSTANT,
    instants_of_wall,
    local_microseconds,
    microseconds,
    stamp,
    stamps,
)

ZONES = ["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "UTC"]


def wall(*times):
    return microseconds(pd.DatetimeIndex(times))


@pytest.mark.parametrize("tz", ZONES)
def test_a_wall_clock_leads_back_to_its_instant_except_in_the_double_hour(tz):
    at = microseconds(pd.date_range("2019-01-01", "2020-01-01", freq="30min", tz="UTC"))
    back = instants_of_wall(local_microseconds(at, tz), tz)
    late = at - back
    assert set(np.unique(late)) <= {0, HOUR_US // 2, HOUR_US}
    double_us = {"UTC": 0, "Australia/Lord_Howe": HOUR_US // 2}.get(tz, HOUR_US)
    assert (late > 0).sum() * HOUR_US // 2 == double_us  # its second half is told as the first


def test_where_a_clock_changes_the_policy_decides():
    twice, never, plain = wall("2019-10-27 02:30", "2019-03-31 02:30", "2019-07-01 12:00").reshape(3, 1)
    first = [stamp(instants_of_wall(each, "Europe/Rome")[0]) for each in (twice, never, plain)]
    assert first == [
        pd.Timestamp("2019-10-27 00:30", tz="UTC"),  # the summer half of the two
        pd.Timestamp("2019-03-31 01:00", tz="UTC"),  # the instant at which the clock is put forward
        pd.Timestamp("2019-07-01 10:00", tz="UTC"),
    ]
    none = [instants_of_wall(each, "Europe/Rome", unclear="none")[0] for each in (twice, never, plain)]
    assert none[:2] == [NO_INSTANT] * 2
    assert stamp(none[2]) == first[2]


def test_each_time_may_have_a_zone_of_its_own():
    zones = np.array(["Europe/Rome", "America/New_York", "Europe/Rome"], dtype=object)
    at = wall("2019-07-01 12:00", "2019-07-01 12:00", "2019-12-01 12:00")
    found = instants_of_wall(at, zones)
    assert stamps(found).hour.tolist() == [10, 16, 11]
    assert local_microseconds(found, zones).tolist() == at.tolist()
