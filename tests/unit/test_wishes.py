"""Wishes for features: merged where one set serves all, refused in one sentence where none does."""

from dataclasses import dataclass
from typing import Any

import pytest

from cblcast import datasets, registry
from cblcast.days.placebo import placebo_events
from cblcast.errors import StudyError
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.rules.selected_days import SelectedDays
from cblcast.estimators.wrappers.ensemble import Ensemble
from cblcast.features.matrix import matrix
from cblcast.features.reference_days import ReferenceDays
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View, make_cases
from cblcast.wishes import merge_wishes, widest, wish_of

RESTING = ("rest",) * 5 + ("working",) * 3
WORKING = ("working",) * 5 + ("rest",) * 3


def test_wishes_are_merged_by_the_further_look():
    merged = merge_wishes(
        {"reference_days": {"days": 5, "look_back_days": 90}, "weather": {"lags_h": [1.0]}},
        {"reference_days": {"days": 10, "look_back_days": 60}, "weather": {"lags_h": (2.0, 1.0)}},
        {"reference_days": {"temperature": None}},
        {"reference_days": {"temperature": "temp_air_c"}},
    )
    assert merged["reference_days"] == {"days": 10, "look_back_days": 90, "temperature": "temp_air_c"}
    assert merged["weather"] == {"lags_h": (1.0, 2.0)}


@pytest.mark.parametrize(("key", "one", "other"), [
    ("similarity_hours", 3.0, 5.0),  # the larger of the two is another feature, not more of the same
    ("low_share", 0.25, 0.75),
    ("day_types", ("a",) * 8, ("b",) * 8),
])  # fmt: skip
def test_wishes_that_contradict_each_other_are_refused(key, one, other):
    with pytest.raises(StudyError, match=key):
        merge_wishes({"reference_days": {key: one}}, {"reference_days": {key: other}})


def test_a_builder_with_a_prefix_of_its_own_stands_apart():
    merged = merge_wishes({"reference_days": {"prefix": "ref"}}, {"reference_days": {"prefix": "far", "days": 20}})
    assert merged == {"reference_days": {"prefix": "ref"}, "reference_days/far": {"prefix": "far", "days": 20}}
    assert merge_wishes({"reference_days/far": {"days": 3}}, merged)["reference_days/far"]["days"] == 20


def test_two_learned_baselines_with_other_day_types_are_refused_when_they_are_made():
    members = (LearnedBaseline(day_types=WORKING), LearnedBaseline(day_types=RESTING))
    with pytest.raises(StudyError, match=r"with day_types=.*: give both the same"):
        Forecaster(Ensemble(members))
    assert Forecaster(Ensemble((members[0], LearnedBaseline(day_types=WORKING))))


def test_a_different_share_is_not_silently_the_larger():
    with pytest.raises(StudyError, match=r"min_metered_share=0\.9 and min_metered_share=0\.5"):
        merge_wishes({"day_history": {"min_metered_share": 0.9}}, {"day_history": {"min_metered_share": 0.5}})


def test_rules_of_two_programs_are_not_mixed():
    high, low = ({"x": 4, "y": 5, "rank": rank} for rank in ("high", "low"))
    with pytest.raises(StudyError, match="taken for one another: give one of them another prefix"):
        Forecaster(Ensemble((SelectedDays((high,)), SelectedDays((low,)))))
    assert len(Forecaster(Ensemble((SelectedDays((high,)), SelectedDays((low,), prefix="second")))).features) == 2


def test_own_windows_told_apart_by_number_are_not_mixed():
    one, other = ({"event_windows": {"windows": ({"side": "before", "hours": hours},)}} for hours in (1, 2))
    with pytest.raises(StudyError, match="use named windows"):
        merge_wishes(one, other)
    both = merge_wishes({"event_windows": {"windows": ("WS",)}}, {"event_windows": {"windows": ("BW",)}})
    assert both["event_windows"]["windows"] == ("WS", "BW")


@pytest.mark.parametrize("name", sorted(registry.FEATURES))
def test_a_wish_merged_with_itself_is_itself(name):
    wish = {name: registry.FEATURES.make(name).__dict__}
    merged = merge_wishes(wish)
    assert merge_wishes(merged, merged) == merged
    assert merge_wishes({name: {}}, merged) == merged


def test_a_builder_as_an_object_leaves_nothing_to_others():
    name, params = wish_of(ReferenceDays(days=3))
    assert (name, params["days"], params["day_types"]) == ("reference_days", 3, "working")


def test_ten_days_asked_for_as_an_object_stay_ten_though_ten_is_the_default():
    assert merge_wishes([ReferenceDays(days=10)], {"reference_days": {"days": 5}})["reference_days"]["days"] == 10
    with pytest.raises(StudyError, match="day_types='working' and day_types='all'"):
        merge_wishes([ReferenceDays(day_types="working")], {"reference_days": {"day_types": "all"}})


@pytest.mark.parametrize("wish", [
    3, "calendar", {"calendar": True}, {"calendar": ["cyclic"]}, {3: {}}, {"reference_days": {"days": "ten"}},
    {"reference_days": {"days": 2.5}}, {"reference_days": {"days": -1}}, {"day_history": {"days": "ten"}},
], ids=str)  # fmt: skip
def test_a_wish_of_another_kind_is_one_sentence(wish):
    with pytest.raises(StudyError):
        merge_wishes(wish)


@dataclass(frozen=True)
class OwnBuilder:
    """A builder of one's own, which does not say what its field may hold."""

    reach: Any = widest(1)


def test_values_that_cannot_be_compared_are_one_sentence(monkeypatch):
    with pytest.raises(StudyError, match="harmonics must be a whole number"):
        merge_wishes({"origin_clock": {"harmonics": 2}}, {"origin_clock": {"harmonics": "two"}})
    monkeypatch.setattr(registry.FEATURES, "resolve", lambda name: OwnBuilder)
    with pytest.raises(StudyError, match="of different kinds"):
        merge_wishes({"own": {"reach": 2}}, {"own": {"reach": "two"}})


def test_two_builders_that_make_one_column_are_refused():
    panel = datasets.load("turin")
    cases = make_cases(
        panel, placebo_events(panel, "17:00", "20:00", first="2019-12-16", last="2019-12-17"), View.real_time()
    )
    with pytest.raises(StudyError, match="'far_kw_01' is made twice, by reference_days/far and program_days/far"):
        matrix(panel, cases, {"reference_days/far": {}, "program_days/far": {}})
