"""The forecaster: features merged, trained, saved and loaded as one thing."""

import json

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, StudyError
from cblcast.estimators.rules.similar_days import XofY
from cblcast.features.calendar import Calendar
from cblcast.features.reference_days import ReferenceDays
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.manifest import seal
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("turin")
    return Panel(whole.data[whole.data.index.get_level_values("time") < "2019-04-01"], whole.sites)


@pytest.fixture(scope="module")
def events(panel):
    return placebo_events(panel, "17:00", "20:00", first="2019-03-01")


def test_saved_and_loaded_it_says_the_same(panel, events, tmp_path):
    features = {"event_windows": {"hours_before": 2, "windows": (Window.before(1),)}, "calendar": {"cyclic": False}}
    made = Forecaster(make_estimator("PBLM-High5of10"), features, View.settlement(0, 1), name="mine")
    cases = made.cases(panel, events)
    expected = made.fit(panel, cases).predict(panel, cases)
    made.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict(panel, cases), expected, check_exact=True)
    assert (loaded.name, loaded.view) == ("mine", made.view)
    assert loaded.sites["tz"].tolist() == ["Europe/Rome"]
    # What was a window comes back as a mapping; builders made of it can still be shared in a cache.
    assert loaded.matrix(panel, cases, {}).columns.tolist() == made.matrix(panel, cases).columns.tolist()


def test_only_scored_rows_are_answered(panel, events):
    made = Forecaster(make_estimator("WS-High5of10"), view=View.settlement())
    cases = made.cases(panel, events)
    found = made.fit(panel, cases).predict(panel, cases)
    assert len(found) == cases["scored"].sum() < len(cases)
    assert found["lower_kw"].isna().all()


def test_builders_may_be_given_as_objects(panel, events, tmp_path):
    named = Forecaster(make_estimator("Ridge"), {"reference_days": {"days": 3}, "calendar": {}})
    made = Forecaster(make_estimator("Ridge"), [ReferenceDays(days=3), Calendar(), ReferenceDays(days=2, prefix="far")])
    assert set(made.features) == {"reference_days", "calendar", "reference_days/far"}
    cases = made.cases(panel, events)
    columns = made.matrix(panel, cases).columns
    assert [name for name in columns if not name.startswith("far_")] == named.matrix(panel, cases).columns.tolist()
    assert "far_kw_02" in columns
    expected = made.fit(panel, cases).predict(panel, cases)
    made.save(tmp_path)
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path).predict(panel, cases), expected, check_exact=True)


def test_a_strange_builder_is_refused_with_the_remedy():
    with pytest.raises(StudyError, match="register your own frozen dataclass"):
        Forecaster(make_estimator("Ridge"), [object()])


def test_nothing_to_train_on_is_said(panel, events):
    made = Forecaster(make_estimator("High5of10"))
    X = made.matrix(panel, made.cases(panel, events))
    with pytest.raises(DataError, match="nothing to train on"):
        made.fit_matrix(X, np.full(len(X), np.nan), panel.sites)


def test_a_folder_without_a_model_is_said(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        Forecaster.load(tmp_path)


HOSTILE = {
    "no_format": {"format": ...},
    "format_as_text": {"format": "a"},
    "view_of_another_kind": {"view": {"a": 1}},
    "view_null": {"view": None},
    "features_a_number": {"features": 3},
    "days_as_text": {"features": {"reference_days": {"days": "ten"}}},
    "a_parameter_too_small": {"features": {"reference_days": {"prefix": "far", "days": -1}}},
    "sites_a_number": {"sites": 3},
    "sites_without_names": {"sites": [{"a": 1}]},
    "no_name": {"name": ...},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_strangers_file_is_one_clear_sentence(tmp_path, change):
    Forecaster(make_estimator("High5of10")).save(tmp_path)
    file = tmp_path / "forecaster.json"
    document = {key: value for key, value in (json.loads(file.read_text()) | change).items() if value is not ...}
    file.write_text(json.dumps(document))
    seal(tmp_path, ("arrays.npz", "forecaster.json", "model.json"))  # as a stranger may
    with pytest.raises((DataError, StudyError), match=r"^((?!damaged).)*$"):
        Forecaster.load(tmp_path)


@pytest.mark.parametrize("estimator", [None, "High5of10", 3, {"estimator": "XofY"}, XofY])
def test_what_is_no_estimator_is_refused_when_it_is_given(estimator):
    with pytest.raises(StudyError, match="make_estimator"):
        Forecaster(estimator)


def test_a_view_by_its_name_is_refused_when_it_is_given():
    with pytest.raises(StudyError, match=r"View\.real_time\(\)"):
        Forecaster(XofY(), view="real_time")
