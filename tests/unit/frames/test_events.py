"""Events, their windows and the cases they make."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import NAMED_WINDOWS, Event, Window, check_events
from cblcast.frames.panel import Panel, panel_of
from cblcast.frames.schema import DataError, StudyError, check_cases

DAY = pd.Timestamp("2019-06-03", tz="Europe/Rome")


def hourly(
    days: int = 4, tz: str = "Europe/Rome", start: str = "2019-06-01", sites: tuple[str, ...] = ("a", "b")
) -> Panel:
    begin = pd.Timestamp(start, tz=tz).tz_convert("UTC")
    times = pd.date_range(begin, periods=24 * days, freq="60min", unit="us")
    index = pd.MultiIndex.from_product([sites, times], names=["site_id", "time"])
    return panel_of(pd.DataFrame({"observed_kw": np.arange(float(len(index)))}, index=index), tz)


def at(hour: float, day: pd.Timestamp = DAY) -> pd.Timestamp:
    return day + pd.Timedelta(hours=hour)


def hours(cases: pd.DataFrame, scored: bool) -> list[int]:
    times = cases.index.get_level_values("time")[cases["scored"] == scored]
    return times.tz_convert("Europe/Rome").hour.tolist()


# Baseline paper, figure 3: event 08-13, pre-window 05-07 (a1 = 2, b1 = 1), post-window 15-18 (a2 = 3, b2 = 2);
# table 4 for the event 17-20: WS 13-15, PBLM 15-17, BW 21-23.
@pytest.mark.parametrize(
    ("window", "event", "expected"),
    [
        (Window.before(2, buffer=1), (8, 13), (5, 7)),
        (Window.after(3, buffer=2), (8, 13), (15, 18)),
        (NAMED_WINDOWS["WS"], (17, 20), (13, 15)),
        (NAMED_WINDOWS["PBLM"], (17, 20), (15, 17)),
        (NAMED_WINDOWS["BW"], (17, 20), (21, 23)),
    ],
)
def test_windows_of_the_baseline_paper(window: Window, event: tuple[int, int], expected: tuple[int, int]) -> None:
    assert window.span(at(event[0]), at(event[1])) == (at(expected[0]), at(expected[1]))
    clock = np.arange(24.0)
    inside = window.contains(clock - event[0], clock - event[1])
    assert clock[inside].tolist() == list(range(*expected))
    cases = make_cases(hourly(), [Event("a", at(event[0]), at(event[1]))], View.settlement(), [window])
    assert hours(cases, scored=False) == list(range(*expected))
    assert hours(cases, scored=True) == list(range(*event))


def test_a_window_is_read_as_a_study_writes_it() -> None:
    assert Window.of("WS") == Window.of({"side": "before", "hours": 2, "buffer": 2}) == Window.before(2, buffer=2)
    assert Window.of(Window.after(1).to_dict()) == Window.after(1)
    for wrong in (
        "WSS",
        {"side": "before", "length": 2},
        {"side": "during", "hours": 1},
        {"side": "after", "hours": 0},
    ):
        with pytest.raises(StudyError):
            Window.of(wrong)


@pytest.mark.parametrize(
    ("view", "hidden_from", "hidden_until"),
    [
        (View.real_time(lead_in=1), at(16), pd.Timestamp("2200-01-01", tz="UTC")),
        (View.settlement(lead_in=0.5, recovery=2), at(16.5), at(22)),
        (View.day_ahead(), at(0), pd.Timestamp("2200-01-01", tz="UTC")),
    ],
)
def test_what_a_view_hides(view: View, hidden_from: pd.Timestamp, hidden_until: pd.Timestamp) -> None:
    cases = make_cases(hourly(), [Event("a", at(17), at(20))], view)
    check_cases(cases)
    assert (cases["hidden_from"] == hidden_from).all()
    assert (cases["hidden_until"] == hidden_until).all()
    assert (cases["event_stop"] == at(20)).all()
    assert cases.index.get_level_values("origin").unique().tolist() == [at(17)]


@pytest.mark.parametrize(
    ("tz", "day", "first_instant"),
    [
        ("America/Havana", "2019-11-03", "2019-11-03T04:00Z"),  # midnight shows twice; the day begins at the first
        ("America/Santiago", "2019-09-08", "2019-09-08T04:00Z"),  # midnight is skipped; the day begins at 01:00
        ("Asia/Kolkata", "2019-06-03", "2019-06-02T18:30Z"),
    ],
)
def test_a_day_ahead_view_hides_from_the_first_instant_of_the_local_day(tz: str, day: str, first_instant: str) -> None:
    noon = pd.Timestamp(f"{day} 12:00", tz=tz)
    first = noon.floor("60min") - pd.Timedelta("48h")
    times = pd.date_range(first.tz_convert("UTC"), periods=96, freq="60min", unit="us")
    index = pd.MultiIndex.from_product([["a"], times], names=["site_id", "time"])
    panel = panel_of(pd.DataFrame({"observed_kw": 1.0}, index=index), tz)
    cases = make_cases(panel, [Event("a", times[52], times[54])], View.day_ahead())
    assert cases["hidden_from"].iloc[0] == pd.Timestamp(first_instant)


def test_cases_stand_by_site_and_origin_and_windows_share_hours() -> None:
    events = [Event("b", at(17), at(19)), Event("a", at(17), at(19)), Event("a", at(9), at(10))]
    cases = make_cases(hourly(), events, View.settlement(), [Window.before(2), Window.before(4), Window.after(1)])
    check_cases(cases)
    assert not cases.index.has_duplicates
    assert cases.groupby(["site_id", "origin"])["scored"].agg(["sum", "size"]).to_numpy().tolist() == [
        [1, 6],
        [2, 7],
        [2, 7],
    ]


def test_a_window_ends_with_the_data() -> None:
    panel = hourly(days=3)
    cases = make_cases(panel, [Event("a", at(20), at(22))], View.settlement(), [Window.after(4)])
    assert hours(cases, scored=False) == [22, 23]


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([Event("a", at(17), at(17))], "stops at or before it starts"),
        ([Event("a", at(18), at(17))], "stops at or before it starts"),
        ([Event("a", at(17.5), at(19))], "metering grid of 1 h"),
        ([Event("a", at(17, DAY + pd.Timedelta("9D")), at(18, DAY + pd.Timedelta("9D")))], "outside the metered span"),
        ([Event("a", at(47), at(49))], "outside the metered span"),
        ([Event("a", at(17), at(20)), Event("a", at(19), at(21))], "overlaps the event before it"),
        ([Event("aa", at(17), at(20))], "site 'aa' is not in the panel: did you mean 'a'"),
        ([], "there are no events"),
    ],
)
def test_events_that_cannot_be_judged_are_named(events: list[Event], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        check_events(events, hourly())


def test_neighbouring_events_and_those_of_other_sites_do_not_overlap() -> None:
    events = [Event("a", at(17), at(20)), Event("b", at(18), at(19)), Event("a", at(20), at(21))]
    assert check_events(events, hourly())["site_id"].tolist() == ["a", "a", "b"]


def test_naive_event_times_are_refused_and_a_missing_column_named() -> None:
    naive = pd.DataFrame(
        {"site_id": ["a"], "start": [pd.Timestamp("2019-06-03 17:00")], "stop": [pd.Timestamp("2019-06-03 19:00")]}
    )
    with pytest.raises(DataError, match="without a zone"):
        make_cases(hourly(), naive, View.real_time())
    with pytest.raises(DataError, match="lacks the column 'stop'"):
        make_cases(hourly(), naive.drop(columns="stop"), View.real_time())


@pytest.mark.parametrize(
    ("view", "window"),
    [
        (View.real_time(), Window.after(1)),
        (View.real_time(lead_in=2), Window.before(2, buffer=1)),
        (View.settlement(recovery=2), Window.after(1, buffer=1)),
        (View.day_ahead(), Window.before(1)),
    ],
)
def test_a_window_that_the_view_hides_is_refused(view: View, window: Window) -> None:
    with pytest.raises(StudyError, match="is hidden by"):
        make_cases(hourly(), [Event("a", at(17), at(20))], view, [window])


def test_a_window_off_the_metering_grid_is_refused() -> None:
    with pytest.raises(StudyError, match="does not end on intervals of 1 h"):
        make_cases(hourly(), [Event("a", at(17), at(20))], View.settlement(), [Window.before(1.5)])


@pytest.mark.parametrize("window", [Window.before(3), Window.before(1, buffer=4), Window.after(3, buffer=1)])
def test_a_window_reaching_into_another_real_event_is_refused(window: Window) -> None:
    events = pd.DataFrame({"site_id": "a", "start": [at(10), at(15), at(20)], "stop": [at(13), at(17), at(21)]})
    mine = events.iloc[[1]]
    with pytest.raises(DataError, match=r"site 'a' .* reaches into the event at 2019-06-03"):
        make_cases(hourly().with_events(events), mine, View.settlement(), [window])


def test_a_window_between_real_events_is_free_and_other_sites_do_not_matter() -> None:
    panel = hourly().with_events(
        pd.DataFrame({"site_id": ["a", "a", "b"], "start": [at(10), at(15), at(13)], "stop": [at(13), at(17), at(15)]})
    )
    cases = make_cases(panel, [Event("a", at(15), at(17))], View.settlement(), [Window.before(2), Window.after(2)])
    assert hours(cases, scored=False) == [13, 14, 17, 18]


def test_a_window_needs_hours_and_may_stand_right_beside_the_event() -> None:
    assert Window("before", 0.25) == Window.before(0.25) == Window("before", 0.25, 0.0)
    assert Window.after(0.25) == Window("after", 0.25, 0.0)
    for side, length, buffer in (("before", 0, 0), ("after", -1, 0), ("after", 1, -0.5), ("before", -1, -1)):
        with pytest.raises(StudyError, match=r"must be a number (above|from) 0"):
            Window(side, length, buffer)


@pytest.mark.parametrize("minutes", [5, 15, 60])
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_window_holds_the_intervals_of_its_span_whatever_the_step(minutes: int, side: str) -> None:
    window = Window(side, 7 * minutes / 60, 3 * minutes / 60)
    start, stop = at(10), at(10) + pd.Timedelta(minutes=4 * minutes)
    times = pd.date_range(at(10) - pd.Timedelta("1D"), at(10) + pd.Timedelta("2D"), freq=f"{minutes}min")
    first = start - pd.Timedelta(minutes=10 * minutes) if side == "before" else stop + pd.Timedelta(minutes=3 * minutes)
    expected = pd.date_range(first, periods=7, freq=f"{minutes}min")
    inside = window.contains(
        np.asarray((times - start) / pd.Timedelta("1h")), np.asarray((times - stop) / pd.Timedelta("1h"))
    )
    assert times[inside].tolist() == expected.tolist()


def test_an_event_may_begin_and_end_with_the_record_but_not_beyond() -> None:
    panel = hourly()
    begin, end = at(-48), at(48)
    assert len(check_events([Event("a", begin, end)], panel)) == 1
    for start, stop in ((begin - pd.Timedelta("1h"), end), (begin, end + pd.Timedelta("1h"))):
        with pytest.raises(DataError, match="outside the metered span"):
            check_events([Event("a", start, stop)], panel)


def test_the_grid_is_that_of_the_site_not_that_of_the_clock() -> None:
    # Hourly readings at a quarter past: events begin and end at a quarter past.
    panel = hourly(start="2019-06-01 00:15")
    assert len(check_events([Event("a", at(17.25), at(19.25))], panel)) == 1
    for start, stop in ((17, 19.25), (17.25, 19), (17.75, 19.25), (17, 19)):
        with pytest.raises(DataError, match="metering grid"):
            check_events([Event("a", at(start), at(stop))], panel)


def test_only_several_bad_events_are_counted() -> None:
    one, two = Event("a", at(17), at(17)), Event("b", at(18), at(17))
    with pytest.raises(DataError, match=r"site 'a' from .* swap or mend its times$"):
        check_events([one], hourly())
    with pytest.raises(DataError, match=r"site 'a' from .* swap or mend its times \(2 events in all\)$"):
        check_events([two, one], hourly())


def test_events_that_are_only_learned_from_may_overlap_but_none_comes_twice() -> None:
    pair = [Event("a", at(17), at(20)), Event("a", at(18), at(21))]
    assert len(check_events(pair, hourly(), may_overlap=True)) == 2
    assert len(make_cases(hourly(), pair, View.real_time(), may_overlap=True)) == 6
    with pytest.raises(DataError, match="overlaps the event before it"):
        check_events([pair[0], Event("a", at(17), at(18))], hourly(), may_overlap=True)
    same = [Event("a", at(17), at(20)), Event("b", at(17), at(20))]
    assert len(check_events(same, hourly(), may_overlap=True)) == 2


def test_each_event_is_held_against_the_one_before_it_at_its_own_site() -> None:
    fine = [
        Event("a", at(17), at(20)),
        Event("b", at(9), at(10)),
        Event("b", at(12), at(13)),
        Event("b", at(13), at(15)),
    ]
    assert len(check_events(fine, hourly())) == 4
    assert len(check_events(fine, hourly(), may_overlap=True)) == 4
    with pytest.raises(DataError, match=r"site 'b' from 2019-06-03 12:00:00\+00:00 .* overlaps"):
        check_events([*fine, Event("b", at(14), at(16))], hourly())
    # Learned from: an event may begin within another, but not at its start.
    assert len(check_events([*fine, Event("b", at(14), at(16))], hourly(), may_overlap=True)) == 5
    for again in (9, 12, 13):
        with pytest.raises(DataError, match="overlaps the event before it"):
            check_events([*fine, Event("b", at(again), at(again + 4))], hourly(), may_overlap=True)
