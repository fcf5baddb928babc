"""Person-hours of random populations add up, whatever was cut, wrapped or left open."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError, StudyError
from cblcast.io.matsim.activity_types import meaning_of
from cblcast.io.matsim.events import ACTIVITY_COLUMNS, TRIP_COLUMNS
from cblcast.io.matsim.presence import PresenceLedger

HOUR = 3600.0


def population(days):
    """Frames as the reader makes them; each day is a list of gaps [h] between leaving, arriving, leaving … of one person."""
    trips, activities, persons = [], [], []
    for number, gaps in enumerate(days):
        times = np.cumsum(gaps) * HOUR
        kinds = ["work", "shop", "home"]
        person = f"p{number}"
        for k in range(0, len(times) - 1, 2):
            trips.append((person, "car", "1", "2", times[k], times[k + 1], 1.0, times[0]))
            kind = kinds[k // 2 % 3]
            if k + 2 < len(times):
                activities.append((person, kind, "2", times[k + 1], times[k + 2], times[0]))
        if len(times) % 2:  # ends on the road
            persons.append((person, "home", "1", times[0], "", "", times[-1], np.nan))
        else:
            last = kinds[(len(times) - 2) // 2 % 3]
            persons.append((person, "home", "1", times[0], last, "2", times[-1], np.nan))
    columns = ["person", "first_activity", "first_link", "first_s", "last_activity", "last_link", "last_s", "stuck_s"]
    return (
        pd.DataFrame(trips, columns=TRIP_COLUMNS),
        pd.DataFrame(activities, columns=ACTIVITY_COLUMNS),
        pd.DataFrame(persons, columns=columns),
    )


gap = st.integers(0, 12).map(lambda n: n / 2)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(gap, min_size=1, max_size=7), min_size=1, max_size=5), st.sampled_from(["wrap", "clip"]))
def test_person_hours_are_24_a_head(days, policy):
    trips, activities, persons = population(days)
    found = PresenceLedger(policy).frames(trips, activities).presence(persons)
    assert found.balance["total_h"].sum() == pytest.approx(24 * len(days))
    np.testing.assert_allclose(
        found.balance["total_h"], found.balance[["known_h", "before_h", "after_h"]].sum(axis=1), atol=1e-9
    )
    # In every slice everybody is somewhere, once.
    np.testing.assert_allclose(found.mean.sum(), len(days), atol=1e-9)
    assert (found.peak.to_numpy() >= found.mean.to_numpy() - 1e-9).all()


def test_a_night_out_wraps_or_is_cut():
    # Leaves at 20 h, works 21-26 h, home at 27 h: 3 h of the next day.
    frames = population([[20, 1, 5, 1]])
    frames[2].loc[0, ["last_activity", "last_link"]] = ["home", "1"]
    wrapped = PresenceLedger("wrap").frames(*frames[:2]).presence(frames[2])
    assert wrapped.of("work").iloc[0][[0.0, 1.0, 2.0, 21.0, 23.75]].tolist() == [1, 1, 0, 1, 1]
    assert wrapped.balance["total_h"].to_dict() == {"home": 17, "work": 5, "elsewhere": 0, "travel": 2}
    clipped = PresenceLedger("clip").frames(*frames[:2]).presence(frames[2])
    assert clipped.balance["total_h"].to_dict() == {"home": 20, "work": 3, "elsewhere": 0, "travel": 1}
    assert list(clipped.odd.values()) == [2]


def test_a_day_of_thirty_hours_is_cut_and_counted():
    frames = population([[5, 1, 30, 1]])
    found = PresenceLedger("wrap").frames(*frames[:2]).presence(frames[2])
    assert found.balance["total_h"].sum() == 24
    assert sum(found.odd.values()) >= 1


def test_memory_is_that_of_places_and_moments_not_of_days(monkeypatch):
    import cblcast.io.matsim.presence as module

    monkeypatch.setattr(module, "COMPACT_AT", 100)
    trips, activities, persons = population([[7, 1, 8, 1]])
    ledger = PresenceLedger()
    for _ in range(500):
        ledger.frames(trips, activities)
    assert sum(len(keys) for keys in ledger._keys) < 200
    assert ledger.presence(persons).balance.loc["work", "known_h"] == 500 * 8


def test_patterns_and_what_the_file_tells():
    hours = {"home_1": 10.0, "h": 3.0, "work_3600": 8.0, "Work": 1.0, "workshop": 2.0, "edu": 5.0}
    purpose = meaning_of(hours, {"home_1": 5}).purpose
    assert purpose == {
        "home_1": "home",
        "h": "home",
        "work_3600": "work",
        "Work": "work",
        "workshop": "elsewhere",
        "edu": "elsewhere",
    }
    told = meaning_of({"dom": 10.0, "buro": 8.0, "bar": 1.0}, {"dom": 9, "bar": 1})
    assert told.guessed == {"home": "dom", "work": "buro"}
    assert meaning_of({"x": 1.0}, {"x": 1}).purpose == {"x": "home"}
    only = meaning_of({"a": 8.0, "b": 2.0}, {"b": 3}, work=("a.*",))
    assert only.purpose == {"a": "work", "b": "home"}


@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: PresenceLedger("fold"), StudyError, "'wrap' or 'clip'"),
    (lambda: meaning_of({}, {}), DataError, "no activities"),
    (lambda: meaning_of({"h": 1.0}, {}, work=("h",)), StudyError, "both home and work"),
    (lambda: meaning_of({"h": 1.0}, {}, home=("(",)), StudyError, "no regular expression"),
])  # fmt: skip
def test_bad_input_is_one_sentence(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_persons_without_work_and_a_slice_that_does_not_fit():
    trips, activities, persons = population([[7, 1]])
    persons.loc[0, "last_activity"] = "shop"
    found = PresenceLedger().frames(trips, activities).presence(persons, work=("work", "shop"))
    assert found.workplaces().to_dict() == {"2": 1}
    with pytest.raises(DataError, match="do not divide"):
        PresenceLedger().frames(trips, activities).presence(persons, slice_h=7)


def test_a_ledger_tells_once_and_takes_times_beyond_reason():
    trips = pd.DataFrame({"departure_s": [8.0 * 3600], "arrival_s": [1e300], "first_s": [8.0 * 3600]})
    activities = pd.DataFrame({"activity": [], "link": [], "start_s": [], "end_s": [], "first_s": []})
    persons = pd.DataFrame(
        {
            "person": ["p"], "first_activity": "home", "first_link": "1", "first_s": 8.0 * 3600, "last_activity": "home",
            "last_link": "1", "last_s": 1e300, "stuck_s": float("nan"),
        }
    )  # fmt: skip
    ledger = PresenceLedger().frames(trips, activities)
    found = ledger.presence(persons)
    assert found.balance["total_h"].to_dict() == {"home": 0, "work": 0, "elsewhere": 0, "travel": 24}
    assert found.odd["trips and activities cut off, beyond the day or 24 h after a person's first event"] >= 1
    with pytest.raises(StudyError, match="once"):
        ledger.presence(persons)
