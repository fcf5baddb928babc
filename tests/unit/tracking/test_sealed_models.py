"""Registered models: the store notes the SHA-256 of the manifest, and whoever loads the model checks it."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cblcast import tracking
from cblcast.errors import DataError, DataWarning
from cblcast.estimators.rules.firm_service_level import FirmServiceLevel
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.manifest import digest_of
from cblcast.tracking import models
from cblcast.tracking.store import connect

SAVED_BY_0_1 = Path(__file__).parents[1] / "forecast" / "saved_by_0_1" / "kernel"
NAME = "models:/sme-baseline@champion"


def trained(level: float) -> Forecaster:
    made = Forecaster(FirmServiceLevel(level_kw=level), name="FirmServiceLevel")
    made.estimator.fit(pd.DataFrame({"x": [0.0]}), np.zeros(1))
    return made


@pytest.fixture
def registered(store):
    """The run of a registered model, and the folder of its files."""
    with tracking.study_run("sme", {}) as study:
        run = study.method("FirmServiceLevel", forecaster=trained(300.0))
    tracking.register(run.model_uri, "sme-baseline", "champion")
    location, _ = models._location_of_name(connect(store), store, "sme-baseline", "champion", None)
    return run, Path(location.removeprefix("file://")) / "artifacts" / "forecaster"


def ways(run) -> list[str]:
    return [NAME, "models:/sme-baseline/1", f"runs:/{run.run_id}", run.model_uri]


def test_it_is_noted_with_the_run_the_model_and_the_version(registered, store):
    run, folder = registered
    client, digest = connect(store), digest_of(folder)
    assert client.get_run(run.run_id).data.tags[models.DIGEST] == digest
    assert client.get_logged_model(run.model_uri.removeprefix("models:/")).tags[models.DIGEST] == digest
    assert client.get_model_version("sme-baseline", "1").tags[models.DIGEST] == digest
    for way in ways(run):
        assert tracking.load_forecaster(way).estimator.level_kw == 300.0


def test_another_model_in_its_place_is_noticed_on_every_way(registered, monkeypatch):
    run, folder = registered
    trained(200.0).save(folder)  # whole in itself
    assert Forecaster.load(folder).estimator.level_kw == 200.0
    for way in ways(run):
        with pytest.raises(DataError, match="is not the one that was registered"):
            tracking.load_forecaster(way)
    monkeypatch.setattr(models, "local_folder", lambda *_, **__: None)
    with pytest.raises(DataError, match="is not the one that was registered"):
        tracking.load_forecaster(NAME)


def test_mlflow_itself_notices_it_too(registered):
    import mlflow

    _, folder = registered
    trained(200.0).save(folder)
    with pytest.raises(DataError, match="is not the one that was registered"):
        mlflow.pyfunc.load_model(str(folder.parents[1]))


@pytest.mark.parametrize("harm", ["flip", "missing", "extra", "no manifest"])
def test_damage_is_one_sentence_that_names_the_file(registered, harm):
    run, folder = registered
    file = folder / ("manifest.json" if harm == "no manifest" else "arrays.npz")
    if harm == "flip":
        content = bytearray(file.read_bytes())
        content[7] ^= 4
        file.write_bytes(content)
    elif harm == "extra":
        file = folder / "more.txt"
        file.touch()
    else:
        file.unlink()
    for way in ways(run):
        with pytest.raises(DataError, match=file.name):
            tracking.load_forecaster(way)


def test_a_model_of_version_0_1_loads_and_it_is_told_that_it_cannot_be_checked(registered, store):
    run, folder = registered
    shutil.rmtree(folder)
    shutil.copytree(SAVED_BY_0_1, folder)
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as link, link:
        for table in ("model_version_tags", "logged_model_tags"):
            column = "key" if table == "model_version_tags" else "tag_key"
            link.execute(f"DELETE FROM {table} WHERE {column} = ?", (models.DIGEST,))
    for way in ways(run):
        with pytest.warns(DataWarning, match=r"cblcast 0\.1, which kept no checksums") as told:
            tracking.load_forecaster(way)
        assert len(told) == 1
    # Where a digest was noted, an old model in its place is another model.
    with pytest.raises(DataError, match=r"has lost its manifest\.json"):
        Forecaster.load(folder, 64 * "0")
    assert json.loads((folder / "forecaster.json").read_text())["format"] == 1
