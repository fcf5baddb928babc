"""Runs, models and the registry in an SQLite store."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cblcast import tracking
from cblcast.estimators.rules.firm_service_level import FirmServiceLevel
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.schema import StudyError
from cblcast.tracking import database_file, models, runs
from cblcast.tracking import store as address_book


@pytest.fixture
def forecaster() -> Forecaster:
    made = Forecaster(FirmServiceLevel(level_kw=300.0), name="FirmServiceLevel")
    made.estimator.fit(pd.DataFrame({"x": [0.0]}), np.zeros(1))
    made.sites = pd.DataFrame({"tz": ["Europe/Rome"]}, index=pd.Index(["a"], name="site_id"))
    return made


def client(uri):
    return address_book.connect(uri)


def files(uri, run_id) -> dict[str, Path]:
    folder = Path(client(uri).get_run(run_id).info.artifact_uri.removeprefix("file://"))
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


def test_importing_the_package_leaves_mlflow_alone():
    code = "import sys, cblcast.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env=os.environ.copy()).returncode == 0


def test_the_store_is_the_argument_else_the_variable_else_a_folder_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    assert tracking.store_uri("sqlite:///a/b.db") == f"sqlite:///{tmp_path}/a/b.db"
    assert tracking.store_uri("a/b.db") == f"sqlite:///{tmp_path}/a/b.db"
    assert tracking.store_uri() == "https://mlflow.example"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking.store_uri() == f"sqlite:///{tmp_path}/models/mlflow.db"
    for folder in ("mlruns", "file:///somewhere"):
        with pytest.raises(StudyError, match=r"is a folder, .* name a database, such as sqlite:"):
            tracking.store_uri(folder)


def test_a_study_is_a_parent_with_a_child_for_each_method(store, tmp_path):
    from matplotlib.figure import Figure

    scored = pd.DataFrame({"predicted_kw": [1.0, np.nan]}, index=pd.Index(["a", "b"], name="site_id"))
    with tracking.study_run("sme", {"name": "sme", "hours": ("10:00", "12:00")}, tags={"origin": "test"}) as study:
        method = study.method(
            "PBLM-High5of10",
            params={"method": make_estimator("PBLM-High5of10"), "view": {"lead_in": 0.0}},
            metrics={"nrmse": 0.25, "coverage": np.nan},
            scored=scored,
            figures={"one event": Figure},
        )
        study.table("leaderboard", pd.DataFrame({"nrmse": [0.25], "note": ["x"]}, index=["PBLM-High5of10"]))
        trial = study.trial(3, {"alpha": 0.1}, 7.5)

    parent = client(store).get_run(study.run_id)
    assert parent.info.status == "FINISHED"
    assert parent.info.experiment_id == study.experiment_id
    assert parent.data.tags["origin"] == "test"
    assert parent.data.metrics == {"PBLM-High5of10/nrmse": 0.25}
    kept = files(store, study.run_id)
    assert yaml.safe_load(kept["study.yaml"].read_text()) == {"name": "sme", "hours": ["10:00", "12:00"]}
    assert kept["leaderboard.csv"].read_text().splitlines()[1] == "PBLM-High5of10,0.25,x"

    child = client(store).get_run(method.run_id)
    assert child.info.run_name == "PBLM-High5of10"
    assert child.data.tags["mlflow.parentRunId"] == study.run_id
    assert child.data.params["method"] == "Adjusted"
    assert child.data.params["method.estimator"] == "XofY"
    assert child.data.params["method.estimator.x"] == "5"
    assert child.data.params["view.lead_in"] == "0.0"
    assert child.data.metrics["nrmse"] == 0.25
    assert np.isnan(child.data.metrics["coverage"])
    kept = files(store, method.run_id)
    pd.testing.assert_frame_equal(pd.read_parquet(kept["scored.parquet"]), scored)
    assert kept["figures/one event.png"].read_bytes().startswith(b"\x89PNG")
    assert client(store).get_run(trial).data.metrics == {"value": 7.5, "number": 3.0}
    # Everything lies beside the store.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "mlflow.db"]


def test_many_parameters_and_metrics_fit():
    assert runs.flatten({"a": {"b": {"c": 1}}, "d": []}) == {"a.b.c": "1", "d": "[]"}
    deep = Adjusted(make_estimator("High5of10"), "WS").get_params(deep=True)
    assert runs.flatten(deep) == runs.flatten(Adjusted(make_estimator("High5of10"), "WS").get_params(deep=False))


def test_more_than_one_batch(store):
    with tracking.study_run("big", {}) as study:
        run = study.method("m", params={f"p{k}": k for k in range(230)}, metrics={f"m{k}": k for k in range(1700)})
    data = client(store).get_run(run.run_id).data
    assert len(data.params) == 230
    assert data.metrics == {f"m{k}": k for k in range(1700)}


@pytest.mark.parametrize(("error", "status"), [(RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_run_that_breaks_is_marked(store, error, status):
    def draw():
        raise error("half way")

    def run():
        with tracking.study_run("sme", {}) as study:
            study.method("m", figures={"broken": draw})

    with pytest.raises(error, match="half way"):
        run()
    experiment = client(store).get_experiment_by_name("sme")
    found = client(store).search_runs([experiment.experiment_id])
    assert {run.info.status for run in found} == {status}
    assert len(found) == 2


def test_a_locked_store_is_told_at_once(store, monkeypatch):
    monkeypatch.setattr(database_file, "LOCK_SECONDS", 0.05)
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StudyError, match="is locked by another process: wait until"):
            tracking.study_run("sme", {}).__enter__()
        other.rollback()


def test_a_broken_store_is_told_at_once(tmp_path):
    path = tmp_path / "mlflow.db"
    path.write_text("no database " * 100)
    with pytest.raises(StudyError, match=r"cannot be used \(file is not a database\): mend it, or name another"):
        tracking.compare("sme", uri=f"sqlite:///{path}")


def test_reading_makes_no_store(tmp_path):
    with pytest.raises(StudyError, match=r"there is no MLflow store sqlite:.*: train a study first"):
        tracking.load_forecaster("models:/a@b", uri=f"sqlite:///{tmp_path}/mlflow.db")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def registered(store, forecaster) -> str:
    with tracking.study_run("sme", {}) as study:
        run = study.method("FirmServiceLevel", forecaster=forecaster)
    assert tracking.register(run.model_uri, "sme-baseline") == 1
    assert tracking.register(f"runs:/{run.run_id}", "sme-baseline", "champion") == 2
    return run


@pytest.mark.parametrize("name", ["models:/sme-baseline@champion", "models:/sme-baseline/1", "runs", "logged"])
def test_a_model_comes_back_by_every_name(registered, forecaster, name):
    uri = {"runs": f"runs:/{registered.run_id}", "logged": registered.model_uri}.get(name, name)
    loaded = tracking.load_forecaster(uri)
    assert loaded.name == forecaster.name
    assert loaded.estimator.get_params() == forecaster.estimator.get_params()
    pd.testing.assert_frame_equal(loaded.sites, forecaster.sites, check_dtype=False)


@pytest.mark.parametrize("name", ["models:/sme-baseline@champion", "models:/sme-baseline/1"])
def test_the_short_way_and_mlflow_lead_to_the_same_files(registered, store, monkeypatch, name):
    match = models._REGISTERED.match(name)
    near = models.local_folder(store, models.DIGEST, **match.groupdict())
    assert near is not None
    location, noted = models._location_of_name(client(store), store, **match.groupdict())
    assert near == (Path(location.removeprefix("file://")), noted)
    assert len(noted) == 64
    monkeypatch.setattr(models, "local_folder", lambda *a, **k: None)
    assert tracking.load_forecaster(name).name == "FirmServiceLevel"


def test_the_model_holds_no_pickle_and_asks_for_no_torch(registered, store):
    location, _ = models._location_of_name(client(store), store, "sme-baseline", "champion", None)
    folder = Path(location.removeprefix("file://"))
    kept = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"MLmodel", "declare.py", "forecaster.json", "model.json", "arrays.npz"} <= kept
    assert not [name for name in kept if name.endswith((".pkl", ".pickle", ".joblib", ".skops"))]
    requirements = (folder / "requirements.txt").read_text()
    assert "cblcast==" in requirements
    assert "torch" not in requirements
    described = yaml.safe_load((folder / "MLmodel").read_text())
    assert described["signature"]["inputs"] is None  # the model checks its frame itself (docs/serving.md)
    assert '"name": "reason"' in described["signature"]["outputs"]
    assert {"site_id", "time", "observed_kw", "estimate", "tz"} <= set(described["metadata"]["input_columns"])


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("models:/sme-baselin@champion", "no model is registered as 'sme-baselin' .*did you mean 'sme-baseline'"),
        ("models:/sme-baseline@champ", "has no alias 'champ': did you mean 'champion'"),
        ("models:/sme-baseline/7", "has no version 7: write models:/sme-baseline@champion or models:/sme-baseline/1"),
        ("models:/sme-baseline", "needs an alias or a version: write models:/sme-baseline@champion"),
        ("models:/m-" + 32 * "0", "there is no model 'm-0"),
        ("runs:/nowhere", "there is no run 'nowhere'"),
        ("champion", "'champion' names no model: write models:/NAME@alias"),
    ],
)
def test_a_model_that_is_not_there_gets_one_sentence(registered, uri, sentence):
    with pytest.raises(StudyError, match=sentence):
        tracking.load_forecaster(uri)


def test_an_empty_registry_says_how_to_fill_it(store):
    with pytest.raises(StudyError, match="nothing is registered there yet, train with --register NAME"):
        tracking.load_forecaster("models:/sme-baseline@champion")


def test_a_run_without_a_model_cannot_be_registered(store):
    with tracking.study_run("sme", {}) as study:
        pass
    with pytest.raises(StudyError, match="has no model: name the run of a method"):
        tracking.register(f"runs:/{study.run_id}", "sme-baseline")


def test_a_bad_alias_leaves_no_version_behind(registered, store):
    for name in ("sme-baseline", "new-name"):
        with pytest.raises(StudyError, match=r"MLflow refuses this: .*alias"):
            tracking.register(registered.model_uri, name, "not an alias!")
    assert [model.name for model in client(store).search_registered_models()] == ["sme-baseline"]
    assert sorted(int(made.version) for made in client(store).search_model_versions()) == [1, 2]
    with pytest.raises(StudyError, match=r"MLflow refuses this: .*name"):
        tracking.register(registered.model_uri, "a/b")


@pytest.mark.parametrize("name", ["p@q", "a/b", "a:b", "", " ", " a", "m-" + 32 * "0"])
def test_a_name_that_no_address_finds_is_refused(name, tmp_path):
    with pytest.raises(StudyError, match=r"could not be addressed as models:/NAME@alias: choose a name without @"):
        tracking.register("models:/m-" + 32 * "0", name, uri=f"sqlite:///{tmp_path}/mlflow.db")
    assert list(tmp_path.iterdir()) == []


def test_compare_shows_the_methods_of_the_latest_run(store):
    for nrmse in (0.3, 0.2):
        with tracking.study_run("sme", {}) as study:
            study.method("High5of10", metrics={"nrmse": nrmse, "mape": 0.1})
            study.method("Low3of5", metrics={"nrmse": 0.5})
            study.trial(0, {}, 1.0)
    table = tracking.compare("sme")
    assert table["method"].tolist() == ["High5of10", "Low3of5"]
    assert table["nrmse"].tolist() == [0.2, 0.5]
    assert table["mape"].isna().tolist() == [False, True]
    assert tracking.compare("sme", metrics=["nrmse"]).columns.tolist() == [
        "method",
        "nrmse",
        "started",
        "status",
        "run_id",
        "model_uri",
        "run_status",
        "methods_finished",
        "methods_planned",
        "note",
    ]
    assert tracking.compare("sme", latest=2)["nrmse"].tolist() == [0.2, 0.5, 0.3, 0.5]
    assert tracking.parent_runs("sme")["run_id"].tolist() == [study.run_id]
    with pytest.raises(StudyError, match=r"there is no study 'sne' .*did you mean 'sme'"):
        tracking.compare("sne")
    with pytest.raises(StudyError, match="has no metric 'nrmsse': did you mean 'nrmse'"):
        tracking.compare("sme", metrics=["nrmsse"])
