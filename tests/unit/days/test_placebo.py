import numpy as np
import pandas as pd
import pytest

from cblcast.days.placebo import placebo_events
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, StudyError


def hourly(tz: str, start: str, days: int, **columns: np.ndarray) -> Panel:
    begin = pd.Timestamp(start, tz=tz)
    times = (
        pd.date_range(begin, begin + pd.DateOffset(days=days), freq="60min", inclusive="left")
        .tz_convert("UTC")
        .as_unit("us")
    )
    index = pd.MultiIndex.from_product([["a"], times], names=["site_id", "time"])
    sites = pd.DataFrame({"tz": tz, "country": "GB", "subdivision": "ENG"}, index=pd.Index(["a"], name="site_id"))
    return Panel(pd.DataFrame({"observed_kw": 1.0 + np.arange(float(len(times))), **columns}, index=index), sites)


def local(events: pd.DataFrame, tz: str, column: str = "start") -> list[str]:
    return events[column].dt.tz_convert(tz).dt.strftime("%m-%d %H:%M").tolist()


def test_every_working_day_but_no_holiday() -> None:
    panel = hourly("Europe/London", "2019-12-23", 7)  # Monday; Wednesday and Thursday are Christmas
    events = placebo_events(panel, "17:00", "20:00")
    assert local(events, "Europe/London") == ["12-23 17:00", "12-24 17:00", "12-27 17:00"]
    assert local(events, "Europe/London", "stop") == ["12-23 20:00", "12-24 20:00", "12-27 20:00"]


def test_the_span_is_of_local_dates_and_inclusive() -> None:
    panel = hourly("Europe/London", "2019-06-03", 12)
    events = placebo_events(panel, "17:00", "18:00", first="2019-06-05", last="2019-06-10")
    assert local(events, "Europe/London") == ["06-05 17:00", "06-06 17:00", "06-07 17:00", "06-10 17:00"]
    with pytest.raises(StudyError, match="'June' is no date"):
        placebo_events(panel, "17:00", "18:00", first="June")


@pytest.mark.parametrize(
    ("start", "kept"), [("2019-03-30", ["03-30 01:00", "04-01 01:00"]), ("2019-10-26", ["10-26 01:00", "10-28 01:00"])]
)
def test_days_whose_clock_change_swallows_or_doubles_the_event_are_left_out(start: str, kept: list[str]) -> None:
    panel = hourly("Europe/Madrid", start, 3)
    assert local(placebo_events(panel, "01:00", "05:00", days="all"), "Europe/Madrid") == kept


def test_an_evening_event_of_a_clock_change_day_stays_at_its_wall_clock() -> None:
    events = placebo_events(hourly("Europe/Madrid", "2019-03-30", 3), "17:00", "20:00", days="all")
    assert local(events, "Europe/Madrid") == ["03-30 17:00", "03-31 17:00", "04-01 17:00"]
    assert events["start"].dt.hour.tolist() == [16, 15, 15]


def test_an_event_over_midnight_ends_on_the_next_day() -> None:
    events = placebo_events(hourly("Europe/Madrid", "2019-06-03", 3), "22:00", "02:00")
    assert local(events, "Europe/Madrid", "stop") == ["06-04 02:00", "06-05 02:00"]  # the third is cut by the data


def test_days_with_an_unmetered_interval_are_left_out() -> None:
    panel = hourly("Europe/London", "2019-06-03", 3)
    data = panel.data.copy()
    data.loc[("a", pd.Timestamp("2019-06-04 18:00", tz="Europe/London")), "observed_kw"] = np.nan
    assert local(placebo_events(Panel(data, panel.sites), "17:00", "20:00"), "Europe/London") == [
        "06-03 17:00",
        "06-05 17:00",
    ]


def test_event_like_days_are_the_hottest_or_the_highest() -> None:
    warm = np.repeat([20.0, 31.0, 25.0, 30.0, 22.0], 24)
    panel = hourly("Europe/London", "2019-06-03", 5, temp_air_c=warm)
    hottest = placebo_events(panel, "17:00", "20:00", like="hottest", count=2)
    assert local(hottest, "Europe/London") == ["06-04 17:00", "06-06 17:00"]
    highest = placebo_events(panel, "17:00", "20:00", like="highest_load", count=2)
    assert local(highest, "Europe/London") == ["06-06 17:00", "06-07 17:00"]


def test_what_cannot_be_chosen_is_said() -> None:
    panel = hourly("Europe/London", "2019-06-03", 5)
    with pytest.raises(StudyError, match="'5 pm' is no time of day"):
        placebo_events(panel, "5 pm", "20:00")
    with pytest.raises(StudyError, match="count >= 1"):
        placebo_events(panel, "17:00", "20:00", like="highest_load")
    with pytest.raises(StudyError, match="hottest or highest_load, not 'coldest'"):
        placebo_events(panel, "17:00", "20:00", like="coldest", count=1)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no day qualifies"):
        placebo_events(panel, "17:00", "20:00", first="2020-01-01")
    with pytest.raises(DataError, match="no column 'temp_air_c'"):
        placebo_events(panel, "17:00", "20:00", like="hottest", count=1)


def test_hours_between_two_readings_need_the_readings_at_their_edges():
    load = np.ones(3 * 24)
    load[24 + 18] = np.nan
    panel = hourly("Europe/London", "2019-06-03", 3, observed_kw=load)
    found = placebo_events(panel, "17:07", "18:23", off_grid=True)
    assert found["start"].dt.tz_convert("Europe/London").dt.strftime("%d %H:%M").tolist() == ["03 17:07", "05 17:07"]
    assert (found["stop"] - found["start"]).eq(pd.Timedelta("76min")).all()
    with pytest.raises(DataError, match="no day qualifies"):
        placebo_events(panel, "17:07", "18:23")
