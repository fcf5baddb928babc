"""The sequence of days on a real building and a real home, against pandas; what is hidden, missing or not there."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import StudyError
from cblcast.features.day_sequence import DaySequence
from cblcast.features.reference_days import ReferenceDays
from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import Event
from cblcast.frames.panel import Panel


@pytest.fixture(scope="module")
def panel():
    return datasets.load("cambridge_sme").select(["b25"])


def event(day, clock="17:00", hours=3, site="b25", tz="Europe/London"):
    start = pd.Timestamp(f"{day} {clock}", tz=tz).tz_convert("UTC")
    return Event(site, start, start + pd.Timedelta(hours=hours))


def local(panel, day, hour, column="observed_kw"):
    stamp = pd.Timestamp(f"{day} {hour:02d}:00", tz="Europe/London").tz_convert("UTC")
    return float(panel.data[column].loc[("b25", stamp)])


def test_days_and_hours_by_hand(panel):
    found = DaySequence()(panel, make_cases(panel, [event("2018-10-30")], View.settlement()))  # after the clock change
    days = pd.bdate_range("2018-09-26", "2018-10-29")[::-1].strftime("%Y-%m-%d")  # 24 working days
    for k, day in enumerate(days, start=1):
        number = f"{k:02d}"
        evening = [local(panel, day, h) for h in (17, 18, 19)]
        np.testing.assert_allclose(found[f"seq_kw_{number}"], evening, rtol=1e-6)
        np.testing.assert_allclose(found[f"seq_event_kw_{number}"], np.mean(evening), rtol=1e-6)
        whole = np.mean([local(panel, day, h) for h in range(24)])
        np.testing.assert_allclose(found[f"seq_day_kw_{number}"], whole, rtol=1e-5)
        np.testing.assert_allclose(found[f"seq_before_2_kw_{number}"], local(panel, day, 15), rtol=1e-6)
        np.testing.assert_allclose(found[f"seq_after_1_kw_{number}"], local(panel, day, 20), rtol=1e-6)
        warmer = [
            local(panel, "2018-10-30", h, "temp_air_c") - local(panel, day, h, "temp_air_c") for h in (17, 18, 19)
        ]
        np.testing.assert_allclose(found[f"seq_temp_gap_c_{number}"], warmer, atol=1e-5)
    assert (found["seq_same_weekday_05"] == 1).all()  # the Tuesday before
    assert (found["seq_same_weekday_04"] == 0).all()
    assert (found["seq_age_days_05"] == 7).all()
    np.testing.assert_allclose(found["seq_now_before_1_kw"], local(panel, "2018-10-30", 16), rtol=1e-6)
    np.testing.assert_allclose(found["seq_now_after_4_kw"], local(panel, "2018-10-30", 23), rtol=1e-6)
    scale = np.mean([np.mean([abs(local(panel, day, h)) for h in range(24)]) for day in days[:10]])
    np.testing.assert_allclose(found["seq_scale_kw"], scale, rtol=1e-5)


def test_the_days_are_those_of_the_reference_days(panel):
    cases = make_cases(panel, [event(day) for day in ("2018-03-27", "2018-04-03", "2018-11-05")], View.real_time())
    found, days = DaySequence()(panel, cases), ReferenceDays(days=24, look_back_days=100)(panel, cases)
    for k in range(1, 25):
        np.testing.assert_array_equal(found[f"seq_kw_{k:02d}"], days[f"ref_kw_{k:02d}"])


@pytest.mark.parametrize(
    ("view", "hidden"),
    [
        (View.real_time(), ["after_1", "after_4"]),
        (View.real_time(lead_in=2), ["before_1", "before_2", "after_1"]),
        (View.day_ahead(), ["before_1", "before_8", "after_1"]),
    ],
)
def test_what_a_view_hides_is_not_there(panel, view, hidden):
    found = DaySequence()(panel, make_cases(panel, [event("2018-10-30")], view))
    assert found[[f"seq_now_{hour}_kw" for hour in hidden]].isna().all(axis=None)
    assert found["seq_kw_01"].notna().all()


def test_a_meter_without_weather_is_no_error(panel):
    bare = Panel(panel.data[["observed_kw"]], panel.sites)
    cases = make_cases(bare, [event("2018-10-30")], View.real_time())
    found, other = DaySequence()(bare, cases), DaySequence()(panel, cases)
    weather = [name for name in found.columns if "temp" in name]
    assert found[weather].isna().all(axis=None)
    pd.testing.assert_frame_equal(found.drop(columns=weather), other.drop(columns=weather))


def test_the_size_of_a_site_that_exports_is_positive():
    homes = datasets.load("fontana_homes").select(["home_03"])
    cases = make_cases(homes, [event("2017-05-10", "11:00", 2, "home_03", "America/Los_Angeles")], View.real_time())
    found = DaySequence(temperature=None)(homes, cases)
    assert (found["seq_day_kw_01"] < found["seq_scale_kw"]).all()
    assert (found["seq_kw_01"] < 0).all()
    assert (found["seq_scale_kw"] > 0.5).all()


def test_a_young_meter_has_fewer_days(panel):
    time = panel.data.index.get_level_values("time")
    young = Panel(panel.data[time >= "2018-10-22"], panel.sites)
    found = DaySequence()(young, make_cases(young, [event("2018-10-30")], View.real_time()))
    assert found["seq_kw_05"].notna().all()  # the day on which the record begins is not whole
    assert found["seq_kw_07"].isna().all()


def test_the_load_is_no_weather():
    with pytest.raises(StudyError, match="is no weather"):
        DaySequence(temperature="observed_kw")
    with pytest.raises(StudyError, match="hours_before >= 1"):
        DaySequence(hours_before=0)
