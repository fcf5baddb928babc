"""The commands a newcomer types, on the bundled building, with one store for all of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cblcast import datasets
from cblcast.cli import main

STUDY = """
study: newcomer
data: {dataset: turin}
events: {start: "17:00", stop: "20:00", days: working}
view: {recovery: 1}
train: [2019-03-01, 2019-05-31]
test: [2019-06-01, 2019-06-30]
methods: [High5of10, PBLM-Nearest5of10]
"""
EVENTS = "site_id,start,stop\n*,2019-06-05T17:00+02:00,2019-06-05T20:00+02:00\n"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / "study.yaml").write_text(STUDY)
    (folder / "events.csv").write_text(EVENTS)
    data = datasets.load("turin").data.loc[pd.IndexSlice[:, "2019-04-01":"2019-06-30"], :]  # type: ignore[misc]
    data.reset_index().to_csv(folder / "meter.csv", index=False)
    return folder


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cblcast", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def train_demo(run: Run, folder: Path) -> str:
    """Train and register the model `demo`, once for all tests of this file; what the command printed."""
    told = folder / "demo.json"
    if not told.is_file():
        code, out, err = run("train", "study.yaml", "--register", "demo", "--alias", "champion", "--json")
        assert code == 0, err
        told.write_text(out)
    return told.read_text()


def test_train_registers_the_method_chosen_inside_the_training_span(run: Run, folder: Path) -> None:
    answer = json.loads(train_demo(run, folder))
    assert answer["registered"]["method"] == "PBLM-Nearest5of10"
    assert "inside the training span" in answer["registered"]["chosen_by"]
    assert {row["method"] for row in answer["leaderboard"]} == {"High5of10", "PBLM-Nearest5of10"}
    assert (folder / "models" / "mlflow.db").is_file()

    code, out, err = run(
        "score",
        "--model",
        "models:/demo@champion",
        "--data",
        "meter.csv",
        "--events",
        "events.csv",
        "--out",
        "out/baseline.parquet",
    )
    assert code == 0, err
    assert max(map(len, out.splitlines())) <= 100
    for words in ("metered", "baseline", "reduction", "kWh", "Europe/Rome", "all events"):
        assert words in out
    baseline = pd.read_parquet(folder / "out" / "baseline.parquet")
    assert len(baseline) == 12
    assert baseline["baseline_kw"].between(20, 900).all()
    assert (baseline["reduction_kw"] == baseline["baseline_kw"] - baseline["metered_kw"]).all()
    assert [path.name for path in (folder / "out").iterdir()] == ["baseline.parquet"]

    code, out, err = run(
        "evaluate",
        "--model",
        "models:/demo@champion",
        "--data",
        "meter.csv",
        "--start",
        "17:00",
        "--stop",
        "20:00",
        "--json",
    )
    assert code == 0, err
    assert json.loads(out)["leaderboard"][0]["nrmse"] < 20

    code, out, err = run("compare", "newcomer", "--json")
    assert code == 0, err
    assert {row["method"] for row in json.loads(out)["methods"]} == {"High5of10", "PBLM-Nearest5of10"}


def test_evaluate_prints_a_table_and_says_what_the_sign_of_the_bias_means(run: Run) -> None:
    code, out, err = run("evaluate", "study.yaml")
    assert code == 0, err
    assert "High5of10" in out
    assert "mpe and bias > 0 overestimate" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "nowhere.yaml"], "there is no study file 'nowhere.yaml'"),
        (["train", "study.yaml", "--set", "methods=[Hgh5of10]"], "did you mean 'High5of10'"),
        (["train", "study.yaml", "--set", "view"], "--set 'view' has no value"),
        (["train", "study.yaml", "--set", "test=[2019-05-01, 2019-06-30]"], "before the training span ends"),
        (
            ["train", "study.yaml", "--set", "view=real_time", "--set", "methods=[BW-High5of10]"],
            "is hidden by the study's view",
        ),
        (["train", "study.yaml", "--alias", "champion"], "an alias needs a name"),
        (["train", "study.yaml", "--register", "p@q"], "the name 'p@q' could not be addressed"),
        (["train", "study.yaml", "--register", "p", "--alias", "a/b"], "--alias 'a/b' would make no address"),
        (["train", "study.yaml", "--method", "Low3of5", "--register", "x"], "the study has no method 'Low3of5'"),
        (["evaluate"], "give a study"),
        (["evaluate", "study.yaml", "--model", "models:/demo@champion"], "give a study"),
        (["data", "describe", "torin"], "did you mean 'turin'"),
        (["score", "--model", "models:/dmeo@champion", "--data", "meter.csv", "--events", "events.csv"], "dmeo"),
        (
            ["score", "--model", "models:/demo@champion", "--data", "nowhere.csv", "--events", "events.csv"],
            "nowhere.csv",
        ),
        (["compare", "nothing"], "nothing"),
        (["trian", "study.yaml"], "No such command 'trian'"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_exit_code_2(
    run: Run, folder: Path, arguments: list[str], sentence: str
) -> None:
    train_demo(run, folder)
    code, out, err = run(*arguments)
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err
    assert out == ""


def test_an_unknown_ending_of_the_output_writes_nothing(run: Run, folder: Path) -> None:
    train_demo(run, folder)
    code, _, err = run(
        "score",
        "--model",
        "models:/demo@champion",
        "--data",
        "meter.csv",
        "--events",
        "events.csv",
        "--out",
        "baseline.xls",
    )
    assert code == 2
    assert ".csv nor .parquet" in err
    assert not (folder / "baseline.xls").exists()


def test_data_list_and_methods_name_what_a_study_can_use(run: Run) -> None:
    code, out, _ = run("data", "list", "--json")
    assert code == 0
    assert "turin" in {row["name"] for row in json.loads(out)["datasets"]}
    code, out, _ = run("methods", "--json")
    assert code == 0
    assert {"XofY", "Adjusted", "reference_days"} <= {row["name"] for row in json.loads(out)["methods"]}


def test_tune_goes_on_where_it_stopped_and_judges_once(run: Run) -> None:
    small = "methods=[{name: boosted, estimator: Boosting, n_estimators: 20}]"
    features = "features={calendar: {}, reference_days: {}}"
    code, out, err = run(
        "tune", "study.yaml", "--set", small, "--set", features, "--trials", "2", "--folds", "2", "--json"
    )
    assert code == 0, err
    first = json.loads(out)
    assert first["best_value"] <= first["given_value"]
    assert {row["method"] for row in first["leaderboard"]} == {"boosted", "boosted tuned"}
    code, out, err = run(
        "tune", "study.yaml", "--set", small, "--set", features, "--trials", "3", "--folds", "2", "--json"
    )
    assert code == 0, err
    assert json.loads(out)["best_value"] <= first["best_value"]
    code, _, err = run("tune", "study.yaml", "--trials", "2")
    assert code == 2
    assert "name the one to tune with --method" in err


def test_data_check_counts_what_is_wrong_with_a_file(run: Run) -> None:
    code, out, err = run("data", "check", "meter.csv", "--tz", "Europe/Rome", "--json")
    assert code == 0, err
    quality = json.loads(out)["quality"][0]
    assert quality["step_min"] == 15
    assert json.loads(out)["read"][0] == {"kind": "read as", "what": "time = time", "count": 1}
    assert quality["missing"] < quality["rows"]


def test_every_command_says_how_it_read_the_file(run: Run, folder: Path) -> None:
    frame = pd.read_csv(folder / "meter.csv", parse_dates=["time"]).tail(96 * 20)
    local = pd.DataFrame(
        {"Zeitstempel": frame["time"].dt.tz_convert("Europe/Rome"), "Wirkleistung [kW]": frame["observed_kw"].round(2)}
    )
    local.to_csv(folder / "zeiten.csv", index=False, sep=";", decimal=",", date_format="%d.%m.%Y %H:%M")
    said = "zeiten.csv read as: time = Zeitstempel (day first), decimal = comma, column = Wirkleistung [kW], load = kW"
    code, out, err = run("data", "check", "zeiten.csv", "--tz", "Europe/Rome")
    assert code == 0, err
    assert said in out
    (folder / "one.csv").write_text("start,stop\n2019-06-28 17:00,2019-06-28 20:00\n")
    settle = ("settle", "--data", "zeiten.csv", "--events", "one.csv", "--tz", "Europe/Rome", "--json")
    code, out, err = run(*settle, "--program", "caiso_10in10")
    assert code == 0, err
    assert said in err
    assert json.loads(out)["events"][0]["site_id"] == "zeiten"
    code, out, err = run(*settle, "--program", "caiso_10in10", "--step", "25min")  # an error says it as well
    assert code == 2
    assert "does not divide the day" in json.loads(out)["error"]["message"]


def test_init_drafts_a_study_that_runs(run: Run, folder: Path) -> None:
    code, out, err = run("init", "meter.csv", "--tz", "Europe/Rome", "--out", "drafts/first.yaml")
    assert code == 0, err
    assert "meter.csv read as: time = time" in out
    text = (folder / "drafts" / "first.yaml").read_text(encoding="utf-8")
    assert "panel: ../meter.csv" in text
    assert "tz: Europe/Rome\n" in text  # what was said is no guess
    assert "train:" not in text  # three months teach nothing
    code, out, err = run("evaluate", "drafts/first.yaml", "--json")
    assert code == 0, err
    assert {row["method"] for row in json.loads(out)["leaderboard"]} == {
        "High5of10",
        "10of10",
        "Nearest5of10",
        "PBLM-High5of10",
        "Pretrained",
    }
    code, out, err = run("init", "meter.csv", "--tz", "Europe/Rome", "--out", "drafts/first.yaml")
    assert code == 2
    assert "is there already, and is left as it is" in err
    code, out, err = run("init", "meter.csv", "--out", "meter.csv")
    assert code == 2
    assert "is the file of METER, which would be lost" in err
