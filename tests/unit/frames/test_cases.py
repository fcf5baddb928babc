"""Cases by the slow obvious way: what is asked, what is hidden, and which windows meet another event."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.frames.cases import EventArrays, View, make_cases
from cblcast.frames.events import Event, Window
from cblcast.frames.panel import Panel
from cblcast.frames.schema import FAR_FUTURE, DataError, StudyError

DAY = pd.Timestamp("2019-06-03", tz="UTC")


def panel(step: str = "60min", days: int = 4, sites: dict[str, str] | None = None) -> Panel:
    times = pd.date_range(
        DAY - pd.Timedelta("1D"), periods=int(days * pd.Timedelta("1D") / pd.Timedelta(step)), freq=step
    )
    zones = sites or {"a": "UTC", "b": "UTC"}
    index = pd.MultiIndex.from_product([list(zones), times.as_unit("us")], names=["site_id", "time"])
    frame = pd.DataFrame({"tz": list(zones.values())}, index=pd.Index(list(zones), name="site_id"))
    return Panel(pd.DataFrame({"observed_kw": 1.0}, index=index), frame)


def at(hour: float) -> pd.Timestamp:
    return DAY + pd.Timedelta(hours=hour)


def event(start: float, stop: float, site: str = "a") -> Event:
    return Event(site, at(start), at(stop))


def table(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(site, at(start), at(stop)) for site, start, stop in rows], columns=["site_id", "start", "stop"]
    )


def test_two_sites_with_one_interval_in_the_same_hour_keep_both_rows() -> None:
    cases = make_cases(panel(), [event(17, 18, "a"), event(17, 18, "b")], View.real_time())
    assert cases.index.get_level_values("site_id").tolist() == ["a", "b"]


def test_an_event_may_fill_the_whole_record() -> None:
    cases = make_cases(panel(days=1), [event(-24, 0)], View.real_time(), [Window.before(2)])
    assert cases.index.get_level_values("time").tolist() == list(pd.date_range(at(-24), at(-1), freq="h"))
    assert cases["scored"].all()


@pytest.mark.parametrize(
    ("view", "hidden_from", "hidden_until"),
    [
        (View(), 17, None),
        (View.real_time(), 17, None),
        (View.real_time(lead_in=1.5), 15.5, None),
        (View.settlement(), 17, 20),
        (View.settlement(lead_in=2), 15, 20),
        (View.settlement(recovery=3), 17, 23),
        (View.settlement(lead_in=0.5, recovery=0.25), 16.5, 20.25),
        (View.day_ahead(), 0, None),
        (View(lead_in=20, whole_day=True), -3, None),  # the longer of the two
        (View(lead_in=1, recovery=2, whole_day=True), 0, 22),
    ],
)
def test_what_a_view_hides_in_hours(view: View, hidden_from: float, hidden_until: float | None) -> None:
    cases = make_cases(panel(), [event(17, 20)], view)
    assert (cases["hidden_from"] == at(hidden_from)).all()
    assert (cases["hidden_until"] == (FAR_FUTURE if hidden_until is None else at(hidden_until))).all()


def test_a_day_ahead_view_hides_the_local_day_of_each_site() -> None:
    zones = {"a": "Asia/Kolkata", "b": "America/St_Johns", "c": "UTC"}
    cases = make_cases(panel(sites=zones), [event(17, 18, site) for site in zones], View.day_ahead())
    # 17:00 UTC is 22:30 in Kolkata (its day began at 18:30 UTC) and 14:30 in St John's (02:30 UTC).
    assert cases["hidden_from"].tolist() == [at(-5.5), at(2.5), at(0)]


SEEN = [
    (View.settlement(), Window.before(2)),
    (View.settlement(lead_in=1), Window.before(2, buffer=1)),
    (View.settlement(lead_in=2), Window.after(1)),
    (View.settlement(recovery=1), Window.after(2, buffer=1)),
    (View.settlement(recovery=3), Window.before(1)),
    (View.real_time(), Window.before(2)),
    (View.real_time(lead_in=1), Window.before(2, buffer=2)),
]
HIDDEN = [
    (View.settlement(lead_in=2), Window.before(2, buffer=1)),
    (View.settlement(recovery=2), Window.after(2, buffer=1)),
    (View.real_time(), Window.after(2, buffer=24)),
    (View.real_time(lead_in=1), Window.before(2)),
    (View.day_ahead(), Window.before(1, buffer=20)),
    (View(recovery=0, whole_day=True), Window.after(1)),
]


@pytest.mark.parametrize(("view", "window"), SEEN)
def test_a_window_that_the_view_shows_gives_rows(view: View, window: Window) -> None:
    cases = make_cases(panel(), [event(10, 12)], view, [window])
    beside = cases.index.get_level_values("time")[~cases["scored"]]
    first, end = window.span(at(10), at(12))
    assert beside.tolist() == list(pd.date_range(first, end, freq="h", inclusive="left"))


@pytest.mark.parametrize(("view", "window"), HIDDEN)
def test_a_window_that_the_view_hides_has_no_rows_to_give(view: View, window: Window) -> None:
    with pytest.raises(StudyError, match="is hidden by the study's view"):
        make_cases(panel(), [event(10, 12)], view, [window])


@pytest.mark.parametrize(
    ("step", "hours", "buffer", "fits"),
    [
        ("15min", 0.5, 0.25, True),
        ("5min", 0.75, 5 / 60, True),
        ("30min", 1.5, 0.5, True),
        ("15min", 0.4, 0.0, False),
        ("30min", 1.0, 0.25, False),
        ("60min", 1.0, 0.5, False),
        ("60min", 0.5, 0.5, False),  # its far edge lies on the grid, its near edge does not
    ],
)
def test_windows_are_whole_intervals(step: str, hours: float, buffer: float, fits: bool) -> None:
    for window in (Window.before(hours, buffer), Window.after(hours, buffer)):
        if fits:
            cases = make_cases(panel(step), [event(10, 12)], View.settlement(), [window])
            assert (~cases["scored"]).sum() == round(hours / (pd.Timedelta(step) / pd.Timedelta("1h")))
        else:
            with pytest.raises(StudyError, match="does not end on intervals"):
                make_cases(panel(step), [event(10, 12)], View.settlement(), [window])


def test_a_panel_whose_events_are_known_to_be_none_lets_every_window_be() -> None:
    nothing = table(("a", 1, 2)).iloc[:0]
    cases = make_cases(panel().with_events(nothing), [event(10, 12)], View.settlement(), [Window.before(2)])
    assert len(cases) == 4


def test_a_collision_names_both_events_and_counts_them() -> None:
    real = table(("a", 1, 2), ("a", 20, 21), ("b", 4, 6), ("b", 12, 14))
    own = [event(9, 11, "a"), event(6, 8, "b"), event(14, 16, "b")]
    sentence = (
        r"the 2 h window before the event of site 'b' at 2019-06-03 06:00:00\+00:00 "
        r"reaches into the event at 2019-06-03 04:00:00\+00:00.*\(2 events in all\)"
    )
    with pytest.raises(DataError, match=sentence):
        make_cases(panel().with_events(real), own, View.settlement(), [Window.before(2)])


def overlaps(first: tuple[pd.Timestamp, pd.Timestamp], other: tuple[pd.Timestamp, pd.Timestamp]) -> bool:
    return first[0] < other[1] and other[0] < first[1]


@st.composite
def collisions(draw: st.DrawFn) -> tuple[list[tuple[str, float, float]], list[tuple[str, float, float]], Window]:
    """Real events and asked ones at two sites, none overlapping its neighbour, and a window."""

    def events(count: int) -> list[tuple[str, float, float]]:
        rows = []
        for site in "ab":
            edges = sorted(draw(st.sets(st.integers(-20, 60), min_size=2 * count, max_size=2 * count)))
            rows += [(site, edges[2 * k], edges[2 * k + 1]) for k in range(count)]
        return rows

    window = Window(draw(st.sampled_from(["before", "after"])), draw(st.integers(1, 4)), draw(st.integers(0, 3)))
    return events(draw(st.integers(1, 3))), events(1), window


@settings(max_examples=60, deadline=None)
@given(collisions())
def test_a_window_is_free_when_no_real_event_of_its_site_lies_in_it(drawn) -> None:
    real, own, window = drawn
    known = panel().with_events(table(*real))
    expected = any(
        site == other_site and overlaps(window.span(at(start), at(stop)), (at(first), at(last)))
        for site, start, stop in own
        for other_site, first, last in real
    )
    asked = [event(start, stop, site) for site, start, stop in own]
    if expected:
        with pytest.raises(DataError, match="reaches into the event"):
            make_cases(known, asked, View.settlement(), [window])
    else:
        assert make_cases(known, asked, View.settlement(), [window])["scored"].any()


def test_the_rows_of_cases_are_the_slow_loop_on_a_fine_grid() -> None:
    here = panel("5min", days=2)
    windows = [Window.before(0.5, buffer=0.25), Window.after(1, buffer=5 / 60), Window.before(0.25, buffer=0.5)]
    events = [("a", 3.0, 3.25), ("a", 20.5, 23.75), ("b", 3.0, 4.5)]
    cases = make_cases(
        here, [event(start, stop, site) for site, start, stop in events], View.settlement(1 / 12), windows
    )
    expected = []
    for site, start, stop in events:
        spans = [(at(start), at(stop)), *(window.span(at(start), at(stop)) for window in windows)]
        every = pd.date_range(at(-24), at(24), freq="5min", inclusive="left")
        expected += [
            (site, at(start), time, time >= at(start) and time < at(stop))
            for time in every
            if any(first <= time < last for first, last in spans)
        ]
    found = [(*key, scored) for key, scored in zip(cases.index, cases["scored"], strict=True)]
    assert found == expected
    assert np.unique(cases["hidden_from"] - cases.index.get_level_values("origin")) == [-pd.Timedelta("5min")]


@pytest.mark.parametrize(
    "part", [slice(0, 3), slice(0, 1), slice(1, 3), slice(2, 9), slice(0, 0), slice(3, 9)], ids=str
)
def test_events_taken_by_a_slice_are_those_taken_by_a_mask(part: slice) -> None:
    whole = panel(sites={"a": "UTC", "b": "Europe/Rome"})
    cases = make_cases(whole, table(("a", 5, 8), ("a", 30, 31), ("b", 6, 10)), View.settlement(), [Window.before(2)])
    arrays = EventArrays.of(whole, cases)
    mask = np.zeros(3, dtype=bool)
    mask[part] = True
    (sliced, rows), (masked, expected) = arrays.take(part), arrays.take(mask)
    np.testing.assert_array_equal(np.arange(len(cases))[rows], expected)
    for name in vars(sliced):
        np.testing.assert_array_equal(getattr(sliced, name), getattr(masked, name), err_msg=name)
    if mask.any():
        again = EventArrays.of(whole, cases.iloc[expected])
        np.testing.assert_array_equal(again.first_row, masked.first_row)
        np.testing.assert_array_equal(again.event_of_row, masked.event_of_row)
