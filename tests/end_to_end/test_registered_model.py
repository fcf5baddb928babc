"""One registered model, four ways to ask it, one answer: as no pickle may be read, none is needed."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cblcast
from cblcast import datasets, tracking
from cblcast.days.placebo import placebo_events
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.long_frame import frame_of, score_frame
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.scoring import score_events
from cblcast.frames.panel import Panel

MODEL = "models:/sme-baseline@champion"
COLUMNS = ["baseline_kw", "lower_kw", "upper_kw"]


@pytest.fixture
def asked(store) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A frame for the model that was just trained and registered, and the answer of the forecaster in memory."""
    turin = datasets.load("turin")
    panel = Panel(turin.data[turin.data.index.get_level_values("time") < "2019-03-16"], turin.sites)
    forecaster = Forecaster(make_estimator("PBLM-High5of10"), {"weather": {}, "calendar": {}}, name="PBLM-High5of10")
    known = placebo_events(panel, "10:00", "12:00", first="2019-02-11", last="2019-03-01")
    forecaster.fit(panel, forecaster.cases(panel, known))
    events = placebo_events(panel, "10:00", "12:00", first="2019-03-11", last="2019-03-14").iloc[[0, 3]]
    frame = frame_of(panel, events)
    with tracking.study_run("sme", {}) as study:
        run = study.method("PBLM-High5of10", params={"m": forecaster.estimator}, forecaster=forecaster, example=frame)
    tracking.register(run.model_uri, "sme-baseline", "champion")
    scored, excluded = score_events(forecaster, panel, events)
    assert excluded.empty
    assert len(scored) == 16
    return frame, scored


def predict_on_the_command_line(store: str, kind: str, given: Path, answer: Path) -> pd.DataFrame:
    source = str(Path(cblcast.__file__).parents[1])
    command = [sys.executable, "-m", "mlflow", "models", "predict", "--env-manager", "local", "-m", MODEL]
    result = subprocess.run(
        [*command, "-i", str(given), "-t", kind, "-o", str(answer)],
        env={**os.environ, "MLFLOW_TRACKING_URI": store, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
             "PYTHONPATH": source}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    return pd.DataFrame(json.loads(answer.read_text())["predictions"])


def test_every_way_to_ask_gives_the_same_numbers(store, asked, tmp_path):
    import mlflow

    frame, scored = asked
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"

    pd.testing.assert_frame_equal(
        score_frame(tracking.load_forecaster(MODEL), frame).reset_index(drop=True),
        scored[["site_id", "time", *COLUMNS]],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of its own type hints while it is imported
        model = mlflow.pyfunc.load_model(MODEL)
    for written in (frame, frame.assign(time=frame["time"].dt.tz_localize(None)), frame.drop(columns="subdivision")):
        np.testing.assert_array_equal(model.predict(written)[COLUMNS], scored[COLUMNS])

    frame.to_csv(tmp_path / "in.csv", index=False)
    text = frame.assign(time=[time.isoformat() for time in frame["time"]])
    split = json.loads(text.to_json(orient="split", index=False, double_precision=15))
    (tmp_path / "in.json").write_text(json.dumps({"dataframe_split": split}))
    for kind in ("csv", "json"):
        answer = predict_on_the_command_line(store, kind, tmp_path / f"in.{kind}", tmp_path / f"out.{kind}")
        np.testing.assert_allclose(answer[COLUMNS].astype(float), scored[COLUMNS], rtol=1e-12)
        assert pd.to_datetime(answer["time"]).tolist() == scored["time"].tolist()
