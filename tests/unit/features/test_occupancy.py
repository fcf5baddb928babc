import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError, StudyError
from cblcast.features.occupancy import Occupancy
from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import Event
from cblcast.frames.panel import panel_of

TZ = "Europe/Berlin"


@pytest.fixture(scope="module")
def panel():
    """Four weeks around a clock change; occupants are 100 minus the hour on working days; half of it on 4 April."""
    times = pd.date_range("2019-03-11", "2019-04-08", freq="h", tz=TZ, inclusive="left").tz_convert("UTC").as_unit("us")
    wall = times.tz_convert(TZ)
    people = np.where(wall.day_of_week < 5, 100.0 - wall.hour, 0.0)
    people[wall.normalize() == pd.Timestamp("2019-04-04", tz=TZ)] *= 0.5
    data = pd.DataFrame({"site_id": "office", "time": times, "observed_kw": 1.0, "occupants": people})
    return panel_of(data, tz=TZ)


def cases(panel, view=None, day="2019-04-04"):
    start = pd.Timestamp(f"{day} 13:00", tz=TZ)
    return make_cases(panel, [Event("office", start, start + pd.Timedelta(hours=2))], view or View.real_time())


def test_a_plan_tells_the_occupants_and_what_they_are_short_of(panel):
    found = Occupancy()(panel, cases(panel))
    assert found["occupants"].tolist() == [43.5, 43.0]
    assert found["occupants_usual"].tolist() == [87.0, 86.0]  # the same wall clock, also from before the clock change
    assert found["occupants_change"].tolist() == [-43.5, -43.0]


def test_what_is_counted_is_known_until_the_event(panel):
    found = Occupancy(known="measured")(panel, cases(panel))
    assert found["occupants_seen"].isna().all()
    assert found["occupants_before_change"].tolist() == [-(89 + 88) / 4] * 2  # 11 and 12 h
    assert found["occupants_usual"].tolist() == [87.0, 86.0]
    settled = Occupancy(known="measured")(panel, cases(panel, View.settlement()))
    assert settled["occupants_seen"].isna().all()
    ahead = Occupancy(known="measured")(panel, cases(panel, View.day_ahead()))
    assert ahead["occupants_before_change"].abs().max() == 0  # the evening before was as usual


def test_usual_is_that_of_days_of_the_same_kind(panel):
    sunday = Occupancy()(panel, cases(panel, day="2019-03-31"))
    assert sunday["occupants_usual"].tolist() == [0.0, 0.0]
    first = Occupancy()(panel, cases(panel, day="2019-03-11"))
    assert first["occupants_usual"].isna().all()
    assert first["occupants"].notna().all()


@pytest.mark.parametrize(("params", "says"), [
    ({"known": "perhaps"}, "known must be one of 'plan'"), ({"days": 30}, "look_back_days"), ({"hours_before": 0}, "hours_before must be"),
])  # fmt: skip
def test_bad_parameters_are_one_sentence(params, says):
    with pytest.raises(StudyError, match=says):
        Occupancy(**params)


def test_a_panel_without_occupants_says_so(panel):
    with pytest.raises(DataError, match="no column 'people'"):
        Occupancy(column="people")(panel, cases(panel))


@pytest.mark.parametrize("wrong", [
    {"hours_before": float("nan")}, {"hours_before": float("inf")}, {"days": 2.5}, {"days": "3"}, {"look_back_days": 10**9},
])  # fmt: skip
def test_days_and_hours_are_numbers_one_can_look_back(wrong):
    with pytest.raises(StudyError, match=r"must be a (whole )?number|can never hold"):
        Occupancy(**wrong)
