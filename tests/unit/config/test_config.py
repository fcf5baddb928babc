"""Studies: what is accepted, and the one sentence for what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cblcast.config import Study, make_study, read_study
from cblcast.frames.cases import View
from cblcast.frames.schema import StudyError


def study(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "study": "s",
        "data": {"dataset": "turin"},
        "events": {"start": "17:00", "stop": "20:00"},
        "test": ["2019-09-01", "2019-12-31"],
        "methods": ["High5of10"],
    }
    return {**document, **changes}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"metod": 1}, r"unknown key 'metod': did you mean 'methods'"),
        ({"data": {"dataset": "turin", "timezone": "UTC"}}, r"unknown key 'data.timezone'"),
        ({"events": {"strat": "17:00", "stop": "20:00"}}, r"unknown key 'events.strat': did you mean 'start'"),
        ({"methods": ["Hihg5of10"]}, r"unknown method 'Hihg5of10': did you mean 'High5of10'"),
        ({"methods": [{"estimator": "XofY", "xx": 3}]}, r"'XofY' has no parameter 'xx': did you mean 'x'"),
        ({"methods": ["High5of10", "High5of10"]}, r"two methods are called 'High5of10'"),
        ({"methods": ["High9of5"]}, r"1 <= x <= y, not x=9, y=5"),
        ({"features": {"calender": {}}}, r"unknown feature builder 'calender': did you mean 'calendar'"),
        ({"metrics": ["nrsme"]}, r"unknown metric 'nrsme': did you mean 'nrmse'"),
        ({"view": "realtime"}, r"unknown view 'realtime': did you mean 'real_time'"),
        ({"view": {"lead": 1}}, r"unknown key 'view.lead': did you mean 'lead_in'"),
        ({"aggregate": "per_sites"}, r"unknown aggregate 'per_sites': did you mean 'per_site'"),
        ({"data": {}}, r"give either dataset"),
        ({"events": {"start": "17:00"}}, r"give file"),
        ({"train_events": {"start": "10:00", "stop": "23:00"}}, r"train_events: needs the span.*add train:"),
        ({"train_events": {"start": "10:00", "stopp": "23:00"}}, r"unknown key 'train_events.stopp': did you mean"),
        ({"format": 99}, r"the study has format 99.*update cblcast"),
    ],
)
def test_a_wrong_key_or_name_is_answered_with_the_nearest_right_one(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StudyError, match=sentence):
        make_study(study(**changes))


def test_a_missing_key_is_named() -> None:
    document = study()
    del document["test"]
    with pytest.raises(StudyError, match="'test' is missing"):
        make_study(document)


def test_an_unquoted_clock_is_read_as_the_user_meant_it(tmp_path: Path) -> None:
    # YAML 1.1 reads 17:00 as 17 * 60
    path = tmp_path / "s.yaml"
    path.write_text(
        "study: s\ndata: {dataset: turin}\nevents: {start: 17:00, stop: 20:30}\n"
        "test: [2019-09-01, 2019-12-31]\nmethods: [High5of10]\n"
    )
    read = read_study(path)
    assert (read.events.start, read.events.stop) == ("17:00", "20:30")
    assert read.test == ("2019-09-01", "2019-12-31")


def test_set_replaces_values_and_refuses_what_is_no_section(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "study: s\ndata: {dataset: turin}\nevents: {start: '17:00', stop: '20:00'}\n"
        "test: [2019-09-01, 2019-12-31]\nmethods: [High5of10]\n"
    )
    assert read_study(path, {"events.stop": "'19:00'", "view": "day_ahead"}).events.stop == "19:00"
    with pytest.raises(StudyError, match="no section"):
        read_study(path, {"study.name": "x"})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("a: [1", "not valid YAML"), ("- 1", "holds no study"), (None, "there is no study file")],
)
def test_an_unreadable_study_file_is_one_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "s.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StudyError, match=sentence):
        read_study(path)


def test_a_study_that_names_a_missing_file_is_refused_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "study: s\ndata: {panel: nowhere.csv}\nevents: {start: '17:00', stop: '20:00'}\n"
        "test: [2019-09-01, 2019-12-31]\nmethods: [High5of10]\n"
    )
    with pytest.raises(StudyError, match=r"data.panel names the file 'nowhere.csv'"):
        read_study(path)


def test_a_method_may_have_its_own_view_and_name() -> None:
    methods = ["High5of10", {"name": "late", "estimator": "BW-High5of10", "view": {"recovery": 1}}]
    forecasters = make_study(study(methods=methods)).forecasters()
    assert forecasters["High5of10"].view == View.real_time()
    assert forecasters["late"].view == View.settlement(recovery=1)
    assert [window.side for window in forecasters["late"].windows()] == ["after"]


LINES = {
    "study": "s",
    "data": "{dataset: turin}",
    "events": "{start: 17:00, stop: 20:00}",
    "train": "[2019-02-01, 2019-08-31]",
    "test": "[2019-09-01, 2019-12-31]",
    "methods": "[High5of10]",
}


def read(folder: Path, changes: dict[str, str] | None = None, more: str = "") -> Study:
    """The study of these lines, from a file."""
    path = folder / "s.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in {**LINES, **(changes or {})}.items()) + more)
    return read_study(path)


def test_values_stay_as_written(tmp_path: Path) -> None:
    found = read(tmp_path, {"data": "{dataset: turin, country: NO, sites: [12, 0077]}"})
    assert (found.events.start, found.data.country, found.data.sites) == ("17:00", "NO", ("12", "0077"))
    assert found.train == ("2019-02-01", "2019-08-31")


@pytest.mark.parametrize(("changes", "more", "sentence"), [
    ({"methods": "[High5of999999999]"}, "", "line 6: methods.0: estimator 'XofY': y must be a whole number from 1 up to 3,660"),
    ({"methods": f"[High5of{'9' * 5000}]"}, "", "line 6: methods.0: unknown method"),
    ({"methods": "[High5of10, {name: a, estimator: XofY, x: 2.5}]"}, "", "line 6: methods.1: estimator 'XofY': x must be .*not 2.5"),
    ({"methods": "[{}]"}, "", "line 6: methods.0: a method is a name"),
    ({"methods": "[]"}, "", "line 6: methods: needs 1 at least"),
    ({"methods": "[5]"}, "", "line 6: methods.0: must be text"),
    ({"methods": "[{name: a, estimator: SelectedDays, rules: [{buffer_hours: -5}]}]"}, "", "buffer_hours must be a number from 0"),
    ({"methods": "[{name: a, estimator: High5of10, view: {lead_in: -1}}]"}, "", "line 6: methods.0: view: lead_in: .*not -1"),
    ({"methods": "[{name: a, estimator: NeuralNet, trainer: adamv}]"}, "", "methods.0: trainer 'adamv' is not known: did you mean 'adamw'"),
    ({}, "metrics: []", "line 7: metrics: needs 1 at least"),
    ({}, "metrics: [mae, mae]", "two metrics are called 'mae'"),
    ({}, "metrics: [mea]", "line 7: metrics.0: unknown metric 'mea'"),
    ({}, "features: {reference_days: {look_back_days: .nan}}", "line 7: features.reference_days: .*look_back_days must be"),
    ({}, "features: {reference_days: {gap_days: -3}}", "gap_days must be a whole number from 0"),
    ({}, "features: {5: {}}", "line 7: features.5: must be text"),
    ({}, "view: {lead_in: .inf}", "line 7: view.lead_in: must be a finite number, not inf"),
    ({}, "view:\n  lead_in: 9000", "line 8: view.lead_in: .*8784"),
    ({}, "intervals: .nan", "line 7: intervals: must be a finite number"),
    ({}, "test: [2019-09-01, 2019-12-31]", "line 7: the key 'test' stands twice, first in line 5"),
    ({"test": "[2018-09-01, 2018-12-31]"}, "", "line 5: test: begins on 2018-09-01, before the training span ends"),
    ({"train": "[2019-08-31, 2019-02-01]"}, "", "line 4: train: its first day 2019-08-31 comes after its last"),
    ({"test": "[2019-02-31, 2019-12-31]"}, "", "line 5: 2019-02-31 is no date of the calendar"),
    ({"test": "[2019-09, 2019-12]"}, "", "line 5: test.0: '2019-09' is no date"),
    ({"test": "[2019-09-01, 9999-12-31]"}, "", "line 5: test.1: 9999-12-31 lies outside 1970 to 2199"),
    ({"events": "{start: 17, stop: 20:00}"}, "", "line 3: events.start: 17 is no time of day: write it like 17:00"),
    ({"events": "{start: 17:00, stop: 25:00}"}, "", "line 3: events.stop: '25:00' is no time of day"),
    ({"events": "{start: 17:00, stop: 20:00, days: workng}"}, "", "line 3: events.days: unknown day types 'workng'"),
    ({"events": "{every_min: 1.0e30, horizon_min: 10}"}, "", "line 3: events.every_min"),
    ({"data": "{dataset: turin, sites: [1.5]}"}, "", "line 2: data.sites.0: must be text .in quotes., not 1.5"),
])  # fmt: skip
def test_a_value_that_no_study_has_is_one_sentence_with_its_line(tmp_path: Path, changes, more, sentence) -> None:
    with pytest.raises(StudyError, match=rf"^s\.yaml.*{sentence}") as told:
        read(tmp_path, changes, more)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 700


@pytest.mark.parametrize(
    ("key", "value"), [("view", "[1"), ("view.lead_in", ".nan"), ("a..b", "1"), ("events.start", "17")]
)
def test_a_wrong_change_is_one_sentence(tmp_path: Path, key: str, value: str) -> None:
    read(tmp_path)
    with pytest.raises(StudyError):
        read_study(tmp_path / "s.yaml", {key: value})
