"""One registered model, four ways to ask it, one answer: as no pickle may be read, none is needed."""

import json
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pandas as pd
import pytest

import cblcast
from cblcast import datasets, tracking
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError
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
    command = [sys.executable, "-m", "mlflow", "models", "predict", "--env-manager", "local", "-m", MODEL]
    result = subprocess.run(
        [*command, "-i", str(given), "-t", kind, "-o", str(answer)],
        env=environment(store), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    return pd.DataFrame(json.loads(answer.read_text())["predictions"])


def environment(store: str) -> dict[str, str]:
    source = str(Path(cblcast.__file__).parents[1])
    return {**os.environ, "MLFLOW_TRACKING_URI": store, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
            "PYTHONPATH": source, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}  # fmt: skip


@contextmanager
def served(store: str, log: Path) -> Iterator[Callable[[bytes | str, str], tuple[int, dict]]]:
    """A server of MLflow as `mlflow models serve` starts it, ended with all that it started; asks it, status and answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local", "-m", MODEL, "-w", "1"]
    with log.open("w") as told:
        server = subprocess.Popen([*command, "-h", "127.0.0.1", "-p", str(port)], env=environment(store), stdout=told,
                                  stderr=told, start_new_session=True)  # fmt: skip

    def ask(body: bytes | str, kind: str = "application/json") -> tuple[int, dict]:
        sent = HTTPConnection("127.0.0.1", port, timeout=60)
        with closing(sent):
            sent.request("POST", "/invocations", body, {"Content-Type": kind})
            got = sent.getresponse()
            return got.status, json.loads(got.read(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    try:
        give_up = monotonic() + 300
        while monotonic() < give_up:
            assert server.poll() is None, log.read_text()[-3000:]
            with suppress(OSError), closing(HTTPConnection("127.0.0.1", port, timeout=5)) as sent:
                sent.request("GET", "/ping")
                if sent.getresponse().status == 200:
                    break
            sleep(0.1)
        yield ask
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def as_split(frame: pd.DataFrame) -> str:
    return json.dumps({"dataframe_split": json.loads(frame.to_json(orient="split", index=False, double_precision=15))})


WRONG = {
    "no_time": (lambda f: f.drop(columns="time"), "the frame lacks the column 'time'"),
    "text_in_load": (lambda f: f.assign(observed_kw="much"), "the column 'observed_kw' holds 'much' in row 0"),
    "twice": (lambda f: pd.concat([f, f.iloc[:1]]), "duplicated times"),
    "two_steps": (lambda f: pd.concat([f.iloc[:192:2], f.iloc[192:]]), "changes its step near"),
    "empty": (lambda f: f.iloc[:0], "the frame has no rows"),
    "none_asked": (lambda f: f.assign(estimate=0), "no row has estimate=True"),
    "all_asked": (lambda f: f.assign(estimate=1), "every row has estimate=True"),
    "no_site": (lambda f: f.assign(site_id=None), "row 0 of the frame has no site_id"),
    "infinite": (lambda f: f.assign(observed_kw="Infinity"), "the column 'observed_kw' holds 'Infinity' in row 0"),
    "naive": (lambda f: f.drop(columns="tz").assign(time=f["time"].str[:19]), "times without a zone"),
    "flag": (lambda f: f.assign(estimate="maybe"), "the column 'estimate' holds 'maybe'"),
}


def test_the_server_takes_every_format_and_refuses_with_one_sentence(store, asked, tmp_path):
    frame, scored = asked
    text = frame.assign(time=[time.isoformat() for time in frame["time"]], estimate=frame["estimate"].astype(int))
    missing = json.loads(text.to_json(orient="records", double_precision=15))
    bodies = {
        "split": (as_split(text), "application/json"),
        "records": (json.dumps({"dataframe_records": missing}), "application/json"),
        "inputs": (json.dumps({"inputs": {name: [row[name] for row in missing] for name in text}}), "application/json"),
        "csv": (text.to_csv(index=False), "text/csv"),
        "parquet": (frame.to_parquet(index=False), "application/vnd.apache.parquet"),
    }
    with served(store, tmp_path / "server.log") as ask:
        for name, (body, kind) in bodies.items():
            status, told = ask(body, kind)
            assert status == 200, (name, told)
            answer = pd.DataFrame(told["predictions"])
            np.testing.assert_allclose(answer["baseline_kw"], scored["baseline_kw"], rtol=1e-12, err_msg=name)
            assert pd.to_datetime(answer["time"]).tolist() == scored["time"].tolist()
            assert answer["reason"].tolist() == answer["lower_kw"].tolist() == [None] * len(scored)

        # Of two events the earlier one has no history: its rows say so, the others are answered.
        early = text.assign(estimate=text["estimate"] + (np.arange(len(text)) < 2))
        status, told = ask(as_split(early))
        assert status == 200
        reasons = [row["reason"] for row in told["predictions"]]
        assert reasons[:2] == [reasons[0]] * 2
        assert "days qualified" in reasons[0]
        assert reasons[2:] == [None] * len(scored)
        assert [row["baseline_kw"] is None for row in told["predictions"]] == [True] * 2 + [False] * len(scored)

        for name, (change, sentence) in WRONG.items():
            status, told = ask(as_split(change(text)))
            assert status == 400, name
            assert sentence in told["message"], name
            assert "stack_trace" not in told
            assert len(told["message"]) < 400


def test_the_model_in_python_refuses_with_a_data_error(asked):
    import mlflow

    frame, _ = asked
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = mlflow.pyfunc.load_model(MODEL)
    whole = frame.assign(observed_kw=frame["observed_kw"].ffill().round())
    expected = model.predict(whole)
    for dressed in (
        whole.astype({"observed_kw": "int64", "estimate": "int8", "site_id": "category"}),
        whole.astype({"observed_kw": "Int64", "estimate": "boolean", "temp_air_c": "Float32"}),
        whole.convert_dtypes(dtype_backend="pyarrow"),
        whole.assign(further=1.0, remark="as billed").drop(columns=["country", "subdivision"]),
    ):
        pd.testing.assert_frame_equal(pd.DataFrame(model.predict(dressed)), pd.DataFrame(expected))
    assert set(model.predict(frame.assign(site_id=7))["site_id"]) == {"7"}
    with pytest.raises(DataError, match=r"^the frame lacks the column 'time'"):
        model.predict(frame.drop(columns="time"))
    assert model.metadata.metadata["input_columns"]["estimate"].startswith("True")


def test_every_way_to_ask_gives_the_same_numbers(store, asked, tmp_path):
    import mlflow

    frame, scored = asked
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"

    pd.testing.assert_frame_equal(
        score_frame(tracking.load_forecaster(MODEL), frame).reset_index(drop=True),
        scored[["site_id", "time", *COLUMNS]].assign(reason=pd.Series([None] * len(scored), dtype=object)),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of its own type hints while it is imported
        model = mlflow.pyfunc.load_model(MODEL)
    for written in (
        frame,
        frame.assign(time=frame["time"].dt.tz_convert("Europe/Rome").dt.tz_localize(None)),
        frame.drop(columns="subdivision"),
    ):
        np.testing.assert_array_equal(model.predict(written)[COLUMNS], scored[COLUMNS])

    frame.to_csv(tmp_path / "in.csv", index=False)
    text = frame.assign(time=[time.isoformat() for time in frame["time"]])
    split = json.loads(text.to_json(orient="split", index=False, double_precision=15))
    (tmp_path / "in.json").write_text(json.dumps({"dataframe_split": split}))
    for kind in ("csv", "json"):
        answer = predict_on_the_command_line(store, kind, tmp_path / f"in.{kind}", tmp_path / f"out.{kind}")
        np.testing.assert_allclose(answer[COLUMNS].astype(float), scored[COLUMNS], rtol=1e-12)
        assert pd.to_datetime(answer["time"]).tolist() == scored["time"].tolist()
