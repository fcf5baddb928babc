"""Studies: what is accepted, and the one sentence for what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cblcast.config import make_study, read_study
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
