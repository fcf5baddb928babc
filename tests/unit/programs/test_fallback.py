"""Too few days: what a rule does then is data, and told per event; loads are drawn so that each day can be told by its load."""

import numpy as np
import pandas as pd
import pytest

from cblcast.days.day_rules import DayRule
from cblcast.errors import StudyError
from cblcast.frames.panel import panel_of
from cblcast.programs import explain, explain_event
from cblcast.programs.model import Program
from cblcast.settlement import settle

FIRST, EVENT = pd.Timestamp("2019-05-01"), pd.Timestamp("2019-06-12")  # Wednesdays


@pytest.fixture(scope="module")
def panel():
    """Load of each day: its day of the month in May, 100 more in June [kW]."""
    times = pd.date_range(FIRST, "2019-06-14", freq="h", tz="UTC", inclusive="left", unit="us")
    load = times.day + np.where(times.month == 6, 100, 0)
    return panel_of(
        pd.DataFrame({"site_id": "a", "time": times, "observed_kw": load.astype(float)}), "UTC", country="none"
    )


def table(*days):
    start = pd.DatetimeIndex([pd.Timestamp(f"{day} 17:00", tz="UTC") for day in days])
    return pd.DataFrame({"site_id": "a", "start": start, "stop": start + pd.Timedelta("2h")})


def program(*fallback, **rule):
    own = {"applies_to": ["working", "rest"], "x": 4, "y": 4, "look_back_days": 7, "fallback": list(fallback), **rule}
    return Program(
        name="own", title="Own", day_types="working", days=[own],
        evidence={"selection": {"source": "this test", "as_of": "2026-11", "confidence": "own"}},
    )  # fmt: skip


# Working days of the 7 before 12 June are 11, 10, 7, 6, 5; three of them are event days, so that 2 qualify.
EVENTS = table("2019-06-11", "2019-06-06", "2019-06-05")


def line(panel, own, events=EVENTS):
    told = settle(panel, table("2019-06-12"), [own], other_events=events)
    return told.events.iloc[0] if len(told.events) else told.problems["reason"].iloc[0]


def test_without_a_fallback_there_is_no_baseline(panel):
    assert line(panel, program()).startswith("2 of at least 4 days qualified within 7 days")


@pytest.mark.parametrize(
    ("steps", "days", "words"),
    [
        ([{"minimum_days": 2}], [110, 107], "2 days are enough"),
        ([{"look_back_days": 9}], [110, 107, 104, 103], "9 calendar days are searched"),
        # The highest event days first: those of the 11th and the 6th, before the 5th.
        ([{"event_days": "highest"}], [111, 110, 107, 106], "earlier event days fill up, the highest first"),
        ([{"day_types": ["rest"]}], [110, 109, 108, 107], "rest days serve too"),
        ([{"minimum_days": 3}, {"event_days": "highest"}], [111, 110, 107],
         "3 days are enough, earlier event days fill up, the highest first"),
        ([{"look_back_days": 8}, {"look_back_days": 9}], [110, 107, 104, 103],
         "8 calendar days are searched, 9 calendar days are searched"),
    ],
)  # fmt: skip
def test_each_step_gives_way_and_is_told(panel, steps, days, words):
    found = line(panel, program(*steps))
    assert found["baseline_kwh"] == pytest.approx(2 * np.mean(days))
    assert found["fallback"] == words
    assert f"too few days: {words}" in found["remarks"]
    worked = explain_event(program(*steps), panel, table("2019-06-12"), other_events=EVENTS)
    assert sorted(worked.days[worked.days["selected"]]["event_hours_kw"]) == sorted(days)
    assert worked.energies["baseline_kwh"] == found["baseline_kwh"]


def test_events_with_enough_days_are_as_without_a_fallback(panel):
    asked = table("2019-05-30", "2019-06-12")
    told = settle(panel, asked, [program({"event_days": "highest"})], other_events=EVENTS).events
    plain = settle(panel, asked, [program()], other_events=EVENTS)
    assert told["fallback"].tolist() == ["", "earlier event days fill up, the highest first"]
    assert told["baseline_kwh"].iloc[0] == plain.events["baseline_kwh"].iloc[0]
    assert len(plain.events) == 1
    assert told["qualified_days"].tolist() == [5, 4]


def test_a_fallback_that_does_not_suffice_leaves_the_reason(panel):
    assert line(panel, program({"minimum_days": 3})).startswith("2 of at least 3 days qualified within 7 days")
    assert line(panel, program({"look_back_days": 8})).startswith("3 of at least 4 days qualified within 8 days")


def test_the_days_own_event_is_never_looked_at(panel):
    spoiled = panel.data["observed_kw"].copy()
    spoiled.loc[("a", slice("2019-06-12 17:00", "2019-06-12 18:00"))] = 1e6
    own = program({"event_days": "highest"})
    changed = type(panel)(panel.data.assign(observed_kw=spoiled), panel.sites)
    assert line(changed, own)["baseline_kwh"] == line(panel, own)["baseline_kwh"]


def test_fewer_days_than_y_are_told_without_any_fallback(panel):
    found = line(panel, program(minimum_days=2))
    assert found["fallback"] == ""
    assert found["remarks"] == "2 of 4 days qualified"


def test_a_fallback_is_told_in_words(panel):
    text = explain(program({"look_back_days": 60}, {"event_days": "highest"}))
    assert (
        "With fewer than 4: 60 calendar days are searched, earlier event days fill up, the highest first, one after"
        in text
    )


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"fewer": 3}], "a fallback has no step 'fewer'"),
        ([{}], "is one of minimum_days, look_back_days, event_days, day_types, not none"),
        ([{"minimum_days": 3, "look_back_days": 9}], "not minimum_days and look_back_days"),
        ([{"minimum_days": 2.5}], "a whole number above 0, not 2.5"),
        ([{"minimum_days": 4}], "asks for no fewer than the 4"),
        ([{"look_back_days": 7}], "must exceed the 7"),
        ([{"event_days": "lowest"}], "unknown event_days 'lowest'"),
        ([{"day_types": "saturday"}], "a fallback is to 'saturday' days, which is no label"),
        (["event_days"], "a step of a fallback is a mapping"),
    ],
)
def test_a_wrong_fallback_is_told(steps, message):
    with pytest.raises((StudyError, ValueError), match=message):
        program(*steps)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("x", 2.5),
        ("y", "5"),
        ("x", True),
        ("look_back_days", float("inf")),
        ("low_share", float("nan")),
        ("low_share", -0.2),
        ("min_metered_share", 1.5),
        ("high_share", 0.0),
        ("weights", [float("nan")] * 4),
        ("weights", 0.5),
        ("compare_day_before", "yes"),
        ("gap_days", -1),
        ("buffer_hours", float("inf")),
        ("minimum_days", 0),
    ],
)
def test_fields_of_a_rule_are_of_their_kind_and_range_and_named_if_not(field, value):
    with pytest.raises((StudyError, ValueError), match=field):
        program(**{field: value})


def test_a_fallback_that_is_a_word_is_no_list():
    with pytest.raises(StudyError, match=r"a fallback is a list of steps such as .* not 'highest'"):
        DayRule(fallback="highest")
