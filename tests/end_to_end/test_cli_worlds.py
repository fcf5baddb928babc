"""`cblcast simulate` and `cblcast size` as a user runs them."""

import json
from pathlib import Path

import pytest

from cblcast.cli import main

MANJIL = Path(__file__).parents[2] / "experiments" / "microgrid_v2g" / "manjil.yaml"


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["cblcast", *map(str, arguments)])
    code = 0
    try:
        main()
    except SystemExit as stop:
        code = stop.code
    return code, capsys.readouterr()


def test_simulate(monkeypatch, capsys, tmp_path):
    code, said = run(
        monkeypatch, capsys, "simulate", MANJIL, "--set", "design.vehicles=0", "--out", tmp_path / "o", "--json"
    )
    assert code == 0
    found = json.loads(said.out)
    assert (found["islands"], found["vehicles"]) == (48, 0)
    assert found["system_minutes_summed"] == pytest.approx(48 * found["system_minutes_mean_event"])
    assert all(Path(name).is_file() for name in found["files"])


def test_size_is_tracked(monkeypatch, capsys, tmp_path, store):
    text = MANJIL.read_text().replace("method: nsga2", "method: grid").replace("[0, 5000, 5500, 6000]", "[0, 6000]")
    study = tmp_path / "study.yaml"
    study.write_text(text)
    code, said = run(monkeypatch, capsys, "size", study, "--json")
    assert code == 0, said.err
    found = json.loads(said.out)
    assert [row["vehicles"] > 0 for row in found["prices"]] == [False, True]
    from mlflow import MlflowClient

    client = MlflowClient(store)
    names = {item.path for item in client.list_artifacts(found["run_id"])}
    assert {"fronts.csv", "fronts.png", "prices.csv", "prices.png", "reliable_designs.csv", "summary.json"} <= names
    assert client.get_run(found["run_id"]).data.metrics["6000.0/price_usd_per_hour"] > 0


def test_bad_input_is_one_sentence(monkeypatch, capsys, tmp_path):
    code, said = run(monkeypatch, capsys, "simulate", MANJIL, "--set", "island.step_min=25")
    assert code == 2
    assert said.err.strip().count("\n") == 0
    assert "does not divide" in said.err


BUILDINGS = Path(__file__).parents[2] / "experiments" / "building_worlds" / "world.yaml"


def test_a_world_of_buildings_is_written_and_reproduced(monkeypatch, capsys, tmp_path):
    small = ("--set", "customers.count=2", "--set", "days=40", "--set", "step_min=60", "--set", "program.days=2")
    for out in ("one", "two"):
        code, said = run(monkeypatch, capsys, "simulate", BUILDINGS, *small, "--out", tmp_path / out, "--json")
        assert code == 0, said.err
    names = {"panel.csv", "truth.csv", "devices.csv", "events.csv", "sites.csv", "responses.csv", "summary.json"}
    assert {path.name for path in (tmp_path / "one").iterdir()} == names
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)
    code, said = run(monkeypatch, capsys, "simulate", BUILDINGS, "--set", "customers.kind=castle")
    assert code == 2
    assert said.err.strip().count("\n") == 0
