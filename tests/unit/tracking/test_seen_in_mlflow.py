"""What the MLflow interface shows: descriptions, data set, view, and studies that version 0.1 wrote."""

import json

import pytest

from cblcast import datasets, tracking
from cblcast.errors import StudyError
from cblcast.tracking import store as address_book
from cblcast.tracking.server import _page
from cblcast.tracking.views import NOTE, SIGNED, set_note, training_page


def client(uri):
    return address_book.connect(uri, writing=True)


@pytest.fixture
def data():
    return tracking.data_used(datasets.load("turin"), "turin", "cblcast data set turin")


def test_a_study_has_a_view_a_note_and_its_data(store, data):
    with tracking.study_run("sme", {}, note="what is asked", data=data) as study:
        child = study.method("High5of10", metrics={"nrmse_pct": 4.0}, note="how it did", tags={"family": "High5of10"})
        study.summary(
            "**High5of10 is best**", params={"test": "2019"}, metrics={"best/nrmse_pct": 4.0}, measures=["nrmse"]
        )
    home = client(store).get_experiment(study.experiment_id)
    assert home.tags["mlflow.experimentKind"] == "custom_model_development"
    assert home.tags[NOTE] == f"what is asked\n{SIGNED}"
    view = json.loads(home.tags["mlflow.sharedViewState.leaderboard"])
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`nrmse_pct`", True)
    page = training_page(home)
    assert page.startswith(f"#/experiments/{study.experiment_id}/runs?workflowType=machine_learning")
    assert page.endswith("viewStateShareKey=leaderboard")
    for run_id in (study.run_id, child.run_id):
        run = client(store).get_run(run_id)
        [used] = run.inputs.dataset_inputs
        assert (used.dataset.name, used.dataset.digest) == ("turin", data.digest)
        columns = json.loads(used.dataset.schema)["mlflow_colspec"]
        assert [column["name"] for column in columns][:3] == ["site_id", "time", "observed_kw"]
        assert run.data.tags["mlflow.source.name"].startswith("cblcast ")
    assert client(store).get_run(child.run_id).data.tags["family"] == "High5of10"
    parent = client(store).get_run(study.run_id)
    assert parent.data.metrics == {"best/nrmse_pct": 4.0}
    assert parent.data.tags[NOTE].startswith("**High5of10 is best**")


def test_the_digest_is_of_the_readings(data):
    panel = datasets.load("turin")
    assert tracking.data_used(panel, "other name", "elsewhere").digest == data.digest
    changed = panel.data.copy()
    changed.iloc[5, 0] += 1.0
    assert tracking.data_used(type(panel)(changed, panel.sites), "turin", "x").digest != data.digest


def test_somebody_elses_description_is_kept(store):
    with tracking.study_run("sme", {}, note="ours") as study:
        pass
    client(store).set_experiment_tag(study.experiment_id, NOTE, "mine")
    set_note(client(store), client(store).get_experiment(study.experiment_id), "ours again")
    assert client(store).get_experiment(study.experiment_id).tags[NOTE] == "mine"


def test_a_run_of_version_0_1_compares_with_one_of_today(store):
    with tracking.study_run("sme", {}) as study:  # the names that version 0.1 gave
        study.method(
            "High5of10", params={"estimator__estimator__x": 5}, metrics={"nrmse": 5.0, "mpe": 1.0, "n_events": 9}
        )
    with tracking.study_run("sme", {}) as study:
        study.method("High5of10", metrics={"nrmse_pct": 4.0, "mpe_pct": 2.0, "event/judged": 9})
    table = tracking.compare("sme", latest=2)
    assert table["nrmse"].tolist() == [4.0, 5.0]
    assert table["n_events"].tolist() == [9.0, 9.0]
    assert table.columns.tolist()[:4] == ["method", "mpe", "nrmse", "n_events"]
    for name in ("nrmse", "nrmse_pct"):
        assert tracking.compare("sme", metrics=[name]).columns.tolist()[:2] == ["method", "nrmse"]


def test_the_interface_opens_on_the_newest_study_or_the_named_one(store):
    for name in ("old", "new"):
        with tracking.study_run(name, {}) as study:
            study.method("m", metrics={"nrmse_pct": 1.0})
            study.summary("x", measures=["nrmse"])
    ids = {name: client(store).get_experiment_by_name(name).experiment_id for name in ("old", "new")}
    assert f"#/experiments/{ids['new']}/runs" in _page(client(store), store, None)
    assert f"#/experiments/{ids['old']}/runs" in _page(client(store), store, "old")
    with pytest.raises(StudyError, match="there is no study 'odl'"):
        _page(client(store), store, "odl")


def test_a_run_is_named_by_its_id_or_by_that_of_a_method(store):
    ids = []
    for error in (1.0, 2.0):
        with tracking.study_run("s", {}) as study:
            study.method("m", metrics={"nrmse_pct": error})
        ids.append(study.run_id)
    method = tracking.compare("s", latest=2)["run_id"].iloc[1]
    for name in (ids[0], method):
        assert tracking.compare(name)["nrmse"].tolist() == [1.0]
        assert "#/experiments/" in _page(client(store), store, name)
    assert tracking.compare("s")["nrmse"].tolist() == [2.0]
    with pytest.raises(StudyError, match=r"there is no study .*known are s"):
        tracking.compare("0' or 1")
