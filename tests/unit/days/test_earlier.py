"""Earlier days by hand: local dates, what is known by when, and days that are kept out."""

import numpy as np
import pandas as pd
import pytest

from cblcast.days.earlier import events_by_clock, first_unusable_day, local_days
from cblcast.errors import DataWarning
from cblcast.frames.events import event_table
from cblcast.frames.instants import HOUR_US
from cblcast.frames.panel import Panel


def california(days=30):
    times = pd.date_range("2019-05-01 07:00", periods=24 * days, freq="h", tz="UTC").as_unit("us")
    index = pd.MultiIndex.from_product([["home"], times], names=["site_id", "time"])
    data = pd.DataFrame({"observed_kw": np.arange(len(index), dtype=float)}, index=index)
    return Panel(data, pd.DataFrame({"tz": "America/Los_Angeles"}, index=pd.Index(["home"], name="site_id")))


def event(day, hours=3):
    start = pd.Timestamp(f"{day} 16:00", tz="America/Los_Angeles").tz_convert("UTC").as_unit("us")
    return {"site_id": "home", "start": start, "stop": start + pd.Timedelta(hours=hours)}


def table(*rows):
    return pd.DataFrame(list(rows))


def test_days_are_local_ones():
    # 16:00 on a Friday in California lies on Friday by its clock though 17:00 there is Saturday in UTC.
    friday = table({**event("2019-05-24"), "start": pd.Timestamp("2019-05-25 00:00", tz="UTC")})
    assert local_days(california(), friday).tolist() == [18040]  # 2019-05-24


def test_working_days_before_the_event_and_no_days_of_real_events():
    panel = california().with_events(table(event("2019-05-22")))
    ((which, earlier),) = list(events_by_clock(panel, table(event("2019-05-24")), days=7))
    assert which.tolist() == [0]
    days = pd.DatetimeIndex(earlier["start"]).tz_convert("America/Los_Angeles").strftime("%m-%d %H").tolist()
    # Saturday 18 and Sunday 19 rest; Wednesday 22 was dispatched; neither the event itself nor a later day is earlier.
    assert days == ["05-17 16", "05-20 16", "05-21 16", "05-23 16"]


def test_events_of_other_hours_and_of_days_of_rest_have_days_of_their_own():
    asked = table(event("2019-05-23"), event("2019-05-24", hours=2), event("2019-05-25"))
    parts = {tuple(which): earlier for which, earlier in events_by_clock(california(), asked, days=10)}
    assert set(parts) == {(0,), (1,), (2,)}
    length = {which[0]: set(own["stop"] - own["start"]) for which, own in parts.items()}
    assert length == {0: {pd.Timedelta("3h")}, 1: {pd.Timedelta("2h")}, 2: {pd.Timedelta("3h")}}
    weekdays = pd.DatetimeIndex(parts[2,]["start"]).tz_convert("America/Los_Angeles").day_of_week
    assert set(weekdays) == {5, 6}


def test_an_event_of_a_day_has_no_earlier_days_and_that_is_told():
    with pytest.warns(
        DataWarning, match=r"lasts a day or longer, at site 'home' from 2019-05-24 16:00 on.*not adapted"
    ):
        ((_, earlier),) = list(events_by_clock(california(), table(event("2019-05-24", hours=24)), days=10))
    assert earlier.empty


def test_a_day_is_used_once_its_load_is_known_before_the_blindfold_begins():
    site, day = np.zeros(4, dtype=np.int64), np.array([100, 101, 102, 103])
    known = (day * 24 + 20) * HOUR_US
    usable = np.array([True, True, False, True])
    at_the_start = (day * 24 + 17) * HOUR_US
    # The third day was dispatched, so that the fourth has the second as its last.
    assert first_unusable_day(site, day, at_the_start, known, usable).tolist() == [0, 101, 102, 102]
    notified_a_day_before = at_the_start - 24 * HOUR_US
    assert first_unusable_day(site, day, notified_a_day_before, known, usable).tolist() == [0, 0, 101, 102]
    midnight = day * 24 * HOUR_US
    assert first_unusable_day(site, day, midnight, known, usable).tolist() == [0, 101, 102, 102]


def test_sites_do_not_share_days():
    site, day = np.array([0, 1, 1]), np.array([100, 101, 102])
    hours = day * 24 * HOUR_US
    assert first_unusable_day(site, day, hours, hours - HOUR_US, np.ones(3, dtype=bool)).tolist() == [0, 0, 102]


def test_the_table_of_events_is_taken_as_a_forecaster_makes_it():
    events = event_table([])
    assert list(events_by_clock(california(), events, days=10)) == []
