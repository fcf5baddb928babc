"""The pretrained baseline as it ships: found, whole, without torch, on meters it never saw."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import cblcast
from cblcast import datasets
from cblcast.abilities import KnowsWhyNot, layers, outermost_able
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, StudyError
from cblcast.estimators.pooled_baseline import PooledBaseline
from cblcast.forecast.forecaster import truth
from cblcast.forecast.pretrained import VIEWS, load_pretrained, pretrained_card, pretrained_folder
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.metrics import nrmse


@pytest.fixture(scope="module")
def pretrained():
    return cblcast.load_model("pretrained")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_there_small_and_what_its_card_says(view):
    folder = pretrained_folder() / view
    card = pretrained_card()["views"][view]
    assert sum(file.stat().st_size for file in folder.iterdir()) == card["bytes"]
    assert {file.suffix for file in folder.iterdir()} == {".json", ".npz"}
    assert card["bytes"] < 6e6
    assert load_pretrained(view).view == VIEWS[view]
    assert all(data["licence"] and data["credit"] and data["rows"] > 0 for data in card["data"])


def test_it_is_named_as_a_model_and_by_its_view():
    assert cblcast.load_model("pretrained/settlement").view == View.settlement()
    assert cblcast.load_model("pretrained", view="day_ahead").view == View.day_ahead()
    assert load_pretrained(View.real_time(lead_in=2)).view.lead_in == 2
    with pytest.raises(StudyError, match="settlement"):
        cblcast.load_model("pretrained/setlement")
    with pytest.raises(StudyError, match="no pretrained baseline was made for"):
        load_pretrained(View.real_time(lead_in=5))
    with pytest.raises(StudyError, match="only the pretrained baseline has several views"):
        cblcast.load_model("models:/x@y", view="settlement")


def test_it_beats_the_mean_of_days_and_needs_no_weather(pretrained):
    panel = datasets.load("turin")
    events = placebo_events(panel, "17:00", "20:00", first="2019-11-01", last="2019-11-30")
    cases = pretrained.cases(panel, events)
    known = np.isfinite(truth(panel, cases))
    y = truth(panel, cases)[known]
    X = pretrained.matrix(panel, cases)
    error = nrmse(y, pretrained.predict(panel, cases)["predicted_kw"].to_numpy()[known])
    assert error < nrmse(y, X["history_mean_kw"].to_numpy()[known])
    bare = Panel(panel.data[["observed_kw"]], panel.sites)
    assert nrmse(y, pretrained.predict(bare, cases)["predicted_kw"].to_numpy()[known]) < 1.2 * error


def test_members_make_the_estimate_and_twice_the_load_twice_of_it(pretrained):
    panel = datasets.load("turin")
    cases = pretrained.cases(panel, placebo_events(panel, "17:00", "20:00", first="2019-11-04", last="2019-11-08"))
    X = pretrained.matrix(panel, cases)
    pooled = next(layer for layer in layers(pretrained.estimator) if isinstance(layer, PooledBaseline))
    members = pooled.predict_members(X)
    assert members.shape == (len(X), len(pooled.member_names))
    np.testing.assert_allclose(pooled.combined(members), pooled.predict(X))
    double = Panel(panel.data.assign(observed_kw=2 * panel.data["observed_kw"]), panel.sites)
    np.testing.assert_allclose(
        pretrained.estimator.predict(pretrained.matrix(double, cases)), 2 * pretrained.estimator.predict(X), rtol=1e-3
    )


def test_a_dead_meter_a_young_one_and_one_that_exports(pretrained):
    panel = datasets.load("fontana_homes").select(["home_03"])
    data = panel.data[["observed_kw", "temp_air_c"]]
    events = placebo_events(Panel(data, panel.sites), "11:00", "13:00", first="2017-05-08", last="2017-05-12")
    exports = Panel(data, panel.sites)
    predicted = pretrained.predict(exports, pretrained.cases(exports, events))["predicted_kw"]
    assert np.isfinite(predicted).all()
    assert predicted.mean() < 0
    dead = Panel(data.assign(observed_kw=0.0), panel.sites)
    X = pretrained.matrix(dead, pretrained.cases(dead, events))
    assert np.isnan(pretrained.estimator.predict(X)).all()
    assert all("dead meter" in reason for reason in outermost_able(pretrained.estimator, KnowsWhyNot).why_not(X))
    young = Panel(data[data.index.get_level_values("time") >= pd.Timestamp("2017-05-05", tz="UTC")], panel.sites)
    X = pretrained.matrix(young, pretrained.cases(young, events[:1]))
    assert np.isnan(pretrained.estimator.predict(X)).all()
    assert all(
        "fewer than 3 reference days" in reason
        for reason in outermost_able(pretrained.estimator, KnowsWhyNot).why_not(X)
    )


def test_it_predicts_without_torch():
    code = (
        "import sys\n"
        "class NoTorch:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] == 'torch': raise ImportError(name)\n"
        "sys.meta_path.insert(0, NoTorch())\n"
        "from cblcast import datasets; from cblcast.days.placebo import placebo_events; import cblcast\n"
        "p = datasets.load('turin'); f = cblcast.load_model('pretrained')\n"
        "e = placebo_events(p, '17:00', '20:00', first='2019-11-04', last='2019-11-04')\n"
        "print(f.predict(p, f.cases(p, e))['predicted_kw'].notna().all())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_a_damaged_model_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("cblcast.forecast.pretrained.pretrained_folder", lambda: tmp_path)
    with pytest.raises(DataError, match="is not at"):
        load_pretrained()
    (tmp_path / "real_time").mkdir()
    with pytest.raises(DataError, match="card of the pretrained baseline"):
        load_pretrained()
