"""The day history on a real building, against loops over pandas; clock changes; what is hidden, missing or zero."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import StudyError
from cblcast.features.day_history import DayHistory
from cblcast.features.reference_days import ReferenceDays
from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import Event
from cblcast.frames.panel import Panel


@pytest.fixture(scope="module")
def panel():
    return datasets.load("cambridge_sme").select(["b25"])


def event(day, clock="17:00", hours=3):
    start = pd.Timestamp(f"{day} {clock}", tz="Europe/London").tz_convert("UTC")
    return Event("b25", start, start + pd.Timedelta(hours=hours))


def local_load(panel, day, hour):
    stamp = pd.Timestamp(f"{day} {hour:02d}:00", tz="Europe/London").tz_convert("UTC")
    return float(panel.data["observed_kw"].loc[("b25", stamp)])


def test_means_seen_hours_and_adjustments_by_hand(panel):
    cases = make_cases(panel, [event("2018-10-30")], View.real_time())  # two days after the clock change
    found = DayHistory()(panel, cases)
    days = ["2018-10-29", "2018-10-26", "2018-10-25", "2018-10-24", "2018-10-23", "2018-10-22", "2018-10-19",
            "2018-10-18", "2018-10-17", "2018-10-16"]  # fmt: skip
    mean = {h: np.mean([local_load(panel, day, h) for day in days]) for h in (15, 16, 17, 18, 19)}
    np.testing.assert_allclose(found["history_mean_kw"], [mean[h] for h in (17, 18, 19)], rtol=1e-6)
    np.testing.assert_allclose(found["history_day_2_kw"], [local_load(panel, days[1], h) for h in (17, 18, 19)])
    seen = {h: local_load(panel, "2018-10-30", h) for h in (15, 16)}
    np.testing.assert_allclose(found["history_before_1_kw"], seen[16])
    np.testing.assert_allclose(found["history_before_2_above_mean_kw"], seen[15] - mean[15], rtol=1e-4)
    ratio = (seen[15] + seen[16]) / (mean[15] + mean[16])
    np.testing.assert_allclose(found["history_mean_ratio_kw"], [mean[h] * ratio for h in (17, 18, 19)], rtol=1e-6)
    np.testing.assert_allclose(found["history_climb_mean_kw"], [mean[h] - mean[16] for h in (17, 18, 19)], rtol=1e-5)
    assert (found["history_age_1_days"] == 1).all()
    assert (found["history_age_2_days"] == 4).all()


def test_the_newest_days_are_those_of_the_reference_days(panel):
    events = [event(day) for day in ("2018-03-27", "2018-04-03", "2018-07-10", "2018-11-05")]  # Easter, clock changes
    cases = make_cases(panel, events, View.real_time())
    found, days = DayHistory()(panel, cases), ReferenceDays(days=10, look_back_days=100)(panel, cases)
    for k in range(1, 11):
        np.testing.assert_array_equal(found[f"history_day_{k}_kw"], days[f"ref_kw_{k:02d}"])


def test_a_year_ago_is_the_same_weekday_brought_to_todays_scale(panel):
    cases = make_cases(panel, [event("2018-10-30")], View.real_time())
    found = DayHistory()(panel, cases)
    near = ["2017-10-30", "2017-10-31", "2017-11-01"]  # 364 days before is Tuesday 2017-10-31
    before = pd.bdate_range("2017-10-16", "2017-10-29").strftime("%Y-%m-%d")
    level = np.mean([np.mean([local_load(panel, day, h) for h in range(24)]) for day in before])
    expected = [np.mean([local_load(panel, day, h) for day in near]) for h in (17, 18, 19)]
    scale = found["history_scale_kw"].to_numpy() / level
    np.testing.assert_allclose(found["history_year_ago_kw"], np.array(expected) * scale, rtol=1e-5)


def test_without_a_year_of_data_the_recent_days_stand_in(panel):
    time = panel.data.index.get_level_values("time")
    young = Panel(panel.data[time >= "2018-08-01"], panel.sites)
    found = DayHistory()(young, make_cases(young, [event("2018-10-30")], View.real_time()))
    np.testing.assert_array_equal(found["history_year_ago_kw"], found["history_mean_kw"])
    assert (found["history_year_ago_change_kw"] == 0).all()


def test_a_day_ahead_nothing_of_the_day_is_there(panel):
    found = DayHistory()(panel, make_cases(panel, [event("2018-10-30")], View.day_ahead()))
    assert found.filter(like="history_before_").filter(regex=r"\d_kw").isna().all(axis=None)
    np.testing.assert_array_equal(found["history_adjusted_kw"], found["history_mean_kw"])
    assert found[["history_steady_kw", "history_quick_kw"]].notna().all(axis=None)


def test_at_settlement_the_hours_after_are_there_and_real_time_hides_them(panel):
    columns = [f"history_after_{k}_kw" for k in (1, 2, 3, 4)]
    later = DayHistory()(panel, make_cases(panel, [event("2018-10-30")], View.settlement()))
    now = DayHistory()(panel, make_cases(panel, [event("2018-10-30")], View.real_time()))
    np.testing.assert_allclose(later[columns].iloc[0], [local_load(panel, "2018-10-30", h) for h in (20, 21, 22, 23)])
    assert now[columns].isna().all(axis=None)


def test_many_events_at_once_are_each_event_alone(panel, monkeypatch):
    monkeypatch.setattr("cblcast.features.day_history._EVENTS_AT_ONCE", 3)
    monkeypatch.setattr("cblcast.features.hour_blocks._EVENTS_AT_ONCE", 2)
    events = [event(str(day)[:10]) for day in pd.bdate_range("2018-05-01", periods=8)]
    whole = DayHistory()(panel, make_cases(panel, events, View.real_time()))
    alone = pd.concat([DayHistory()(panel, make_cases(panel, [one], View.real_time())) for one in events])
    pd.testing.assert_frame_equal(whole, alone, rtol=1e-9)


def test_zeros_and_gaps_give_numbers_or_nan_but_never_infinity(panel):
    time = panel.data.index.get_level_values("time")
    data = panel.data[(time >= "2018-06-01") & (time < "2018-11-01")].copy()
    data.loc[data.index.get_level_values("time") < "2018-09-20", "observed_kw"] = 0.0
    data.loc[data.index.get_level_values("time") >= "2018-10-29 12:00", "observed_kw"] = np.nan
    broken = Panel(data, panel.sites)
    found = DayHistory()(broken, make_cases(broken, [event("2018-09-12"), event("2018-10-29")], View.real_time()))
    assert not np.isinf(found.to_numpy()).any()
    assert (found["history_mean_kw"].iloc[:3] == 0).all()
    assert found["history_mean_kw"].iloc[3:].gt(0).all()


def test_the_meter_is_no_weather():
    with pytest.raises(StudyError, match="'observed_kw' is no weather"):
        DayHistory(weather=("observed_kw",))
