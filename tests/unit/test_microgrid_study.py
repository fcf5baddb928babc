import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.workflow.island_year import island_year
from cblcast.workflow.microgrid import read_microgrid, size_microgrid
from cblcast.workflow.worlds import WorldResult, read_world, simulate_world, write_result

ROOT = Path(__file__).parents[2]
MANJIL = ROOT / "experiments" / "microgrid_v2g" / "manjil.yaml"


@pytest.fixture
def own_files(tmp_path):
    """A year of a user's own wind and load: synthetic, since only the reading of files is tested."""
    times = pd.date_range("2015-01-01", "2016-01-01", freq="h", inclusive="left", tz="UTC")
    wind = pd.DataFrame({"time": times, "speed": (7 + 5 * np.sin(np.arange(len(times)) / 9)).round(2)})
    wind.to_csv(tmp_path / "wind.csv", index=False)
    load = pd.DataFrame({"time": times, "load_kw": 80 + 30 * np.sin(2 * np.pi * times.hour / 24)})
    load.to_csv(tmp_path / "load.csv", index=False)
    study = {
        "world": "microgrid",
        "name": "own",
        "wind": {"file": "wind.csv", "column": "speed"},
        "load": {"file": "load.csv"},
        "island": {"hours": 6, "step_min": 30, "per_month": 1},
        "design": {"diesel_kw": 300, "vehicles": 50},
        "sizing": {"method": "grid", "grid": [25, 11], "every_vehicles": 100, "subsidies_usd": [0, 6000], "seeds": 2},
    }
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(study))
    return path, study


def written(path, study, **changes):
    path.write_text(yaml.safe_dump({**study, **changes}))
    return path


def test_a_users_own_files(own_files, tmp_path):
    path, _ = own_files
    result = simulate_world(path)
    assert result.summary["islands"] == 12
    assert any("scaled to 1000 kW" in note for note in result.notes)
    files = write_result(result, tmp_path / "out")
    assert {file.name for file in files} == {"steps.csv", "islands.csv", "summary.json", "windiest.png", "calmest.png"}
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["diesel_kw"] == 300
    steps = pd.read_csv(tmp_path / "out" / "steps.csv", index_col=["scenario", "step"])
    lost = steps["unserved_kw"].groupby("scenario").sum() * 0.5
    assert lost.mean() == pytest.approx(summary["unserved_kwh_per_island"])


def test_sizing_a_users_own_files(own_files):
    path, _ = own_files
    sized = size_microgrid(read_microgrid(path), path.parent)
    assert sized.priced.index.tolist() == [0, 6000]
    assert set(sized.fronts["subsidy_usd"]) == {0, 6000}
    assert sized.seeds.index.get_level_values("seed").unique().tolist() == [0, 1]
    assert sized.summary["threshold_bound_usd"] == pytest.approx(4974.25)


def test_failing_generators_and_sun(own_files):
    path, study = own_files
    plain = simulate_world(path).summary
    failing = simulate_world(written(path, study, generators={"count": 2, "mean_time_to_failure_h": 5})).summary
    assert failing["unserved_kwh_per_island"] > plain["unserved_kwh_per_island"]
    sun = {"file": "load.csv", "rated_kw": 300, "measured_rated_kw": 110}
    sunny = simulate_world(written(path, study, solar=sun)).summary
    assert sunny["unserved_kwh_per_island"] <= plain["unserved_kwh_per_island"]
    assert sunny["diesel_kwh_per_island"] < plain["diesel_kwh_per_island"]


def test_one_value_can_be_changed_from_outside(own_files):
    path, _ = own_files
    _, settings = read_world(path, {"design.vehicles": "7", "fleet.initial_charge": "0.5"})
    assert (settings.design.vehicles, settings.fleet.initial_charge) == (7, 0.5)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"world": "micogrid"}, "did you mean 'microgrid'"),
        ({"world": None}, "add world: NAME"),
        ({"desing": {}}, "did you mean 'design'"),
        ({"fleet": {"availabilty": 0.5}}, "unknown key 'fleet.availabilty': did you mean 'availability'"),
        ({"fleet": {"availability": 1.2}}, r"fleet: fleet.availability is 1.2"),
        ({"economics": {"discount_rate": 0}}, "discount rate of 0"),
        ({"economics": {"discount_rate": -0.2}}, "discount rate of -0.2"),
        ({"wind": {"file": "wind.csv", "dataset": "turin"}}, "give either dataset"),
        ({"sizing": {"convention": "minutes"}}, "known are summed"),
        ({"load": None}, "load"),
        ({"design": {"diesel_kw": -1, "vehicles": 0}}, "design.diesel_kw"),
        ({"sizing": {"subsidies_usd": [float("nan")]}}, "finite number"),
        ({"economics": {"diesel_usd_per_kw": float("inf")}}, "finite number"),
        ({"wind": {"file": "wind.csv", "first": "lundi"}}, "'lundi' is no time"),
        ({"load": {"file": "load.csv", "tz": "Mars/Phobos"}}, "no IANA time zone"),
        ({"sizing": {"subsidies_usd": [0, 0]}}, "given twice"),
    ],
)
def test_one_sentence_for_a_wrong_key(own_files, changes, says):
    path, study = own_files
    with pytest.raises((StudyError, DataError), match=says) as caught:
        read_world(written(path, study, **changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"island": {"step_min": 25}}, "does not divide an island of 6 h"),
        ({"wind": {"file": "wnd.csv"}}, "neither beside the study"),
        ({"wind": {"file": "wind.csv", "column": "speed", "site": "a"}}, "leave site: out"),
        ({"wind": {"file": "fast.csv", "column": "speed"}}, "above 120 m/s"),
        ({"wind": {"file": "naive.csv", "column": "speed", "tz": "Europe/Paris"}}, "1 times were never shown"),
        ({"wind": {"file": "wind.csv", "column": "sped"}}, "did you mean 'speed'"),
        ({"wind": {"file": "wind.csv", "column": "speed", "turbine": "V47"}}, "did you mean 'V47/660'"),
        ({"wind": {"dataset": "la_haute_borne_turbines"}}, "name one with site:"),
        ({"wind": {"file": "wind.csv", "column": "speed", "first": "2031"}}, "nothing is measured"),
        ({"load": {"dataset": "turin", "site": "turn"}}, "load.site"),
        ({"design": None}, "add design:"),
    ],
)
def test_one_sentence_for_what_the_data_cannot_give(own_files, changes, says):
    path, study = own_files
    wind = pd.read_csv(path.parent / "wind.csv")
    wind.assign(speed=wind["speed"] * 100).to_csv(path.parent / "fast.csv", index=False)
    wind.assign(time=wind["time"].str[:19]).to_csv(path.parent / "naive.csv", index=False)
    with pytest.raises((StudyError, DataError), match=says):
        simulate_world(written(path, study, **changes))


def test_a_load_above_everything_that_can_be_built(own_files):
    path, study = own_files
    small = {"most_diesel_kw": 50, "most_vehicles": 10, "method": "grid"}
    with pytest.raises(StudyError, match="no design up to 50 kW"):
        size_microgrid(read_microgrid(written(path, study, sizing=small)), path.parent)


def test_a_subsidy_above_the_surplus_cost_is_told(own_files):
    path, study = own_files
    rich = {"method": "grid", "grid": [5, 5], "every_vehicles": 100, "most_vehicles": 300, "subsidies_usd": [7000]}
    with pytest.warns(DataWarning, match=r"exceeds the surplus cost by 345\.75"):
        sized = size_microgrid(read_microgrid(written(path, study, sizing=rich)), path.parent)
    assert sized.priced.at[7000.0, "at_limit"]
    assert any("raise most_vehicles" in note for note in sized.notes)


def test_the_bundled_study_says_what_it_did():
    _, notes = island_year(read_microgrid(MANJIL))
    assert [note.split(" ")[0] for note in notes] == ["wind", "load", "load"]


def test_files_that_are_no_study(tmp_path):
    for text, says in (("- a", "mapping"), ("a: [", "not valid YAML"), ("a: 2019-02-31", "no date of the calendar")):
        (tmp_path / "x.yaml").write_text(text)
        with pytest.raises(StudyError, match=says):
            read_microgrid(tmp_path / "x.yaml")
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(StudyError, match="UTF-8"):
        read_microgrid(tmp_path / "x.yaml")
    with pytest.raises(StudyError, match="there is no study file"):
        read_microgrid(tmp_path / "none.yaml")


def test_a_result_is_written_whole_or_not_at_all(tmp_path):
    def broken():
        raise DataError("no picture")

    with pytest.raises(DataError, match="no picture"):
        write_result(WorldResult({"a": 1}, {"t": pd.DataFrame({"x": [1]})}, {"f": broken}), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("kept")
    with pytest.raises(StudyError, match="is a file"):
        write_result(WorldResult({}), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"


def test_times_as_yaml_reads_them(own_files):
    path, study = own_files
    for first in ("2015-01-01", "2015-01", "2015"):
        wind = f"wind: {{file: wind.csv, column: speed, first: {first}}}\n"
        path.write_text(wind + yaml.safe_dump({k: v for k, v in study.items() if k != "wind"}))
        assert read_microgrid(path).wind.first == first


def test_several_sites_are_taken_where_all_measure(own_files):
    """Two of the twelve buildings were not metered in the first year: the load must not be looked up there."""
    path, study = own_files
    load = {"dataset": "cambridge_sme", "tz": "Europe/London"}
    result = simulate_world(written(path, study, load=load))
    assert any("load of 2017-01" in note for note in result.notes)


def test_a_summary_without_wind_is_json(own_files, tmp_path):
    path, study = own_files
    write_result(simulate_world(written(path, study, wind={**study["wind"], "turbines": 0})), tmp_path / "out")
    text = (tmp_path / "out" / "summary.json").read_text()
    assert json.loads(text)["spilled_wind_pct"] is None
    assert "NaN" not in text


def test_sun_below_zero_is_told(own_files, tmp_path):
    path, study = own_files
    sun = pd.read_csv(tmp_path / "load.csv")
    sun["load_kw"] -= 60
    sun.to_csv(tmp_path / "sun.csv", index=False)
    solar = {"file": "sun.csv", "rated_kw": 300, "measured_rated_kw": 110}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        result = simulate_world(written(path, study, solar=solar))
    assert any("solar below 0 kW in" in note for note in result.notes)


def test_no_vehicles_have_no_threshold_and_no_deal_is_told(own_files):
    path, study = own_files
    sizing = {**study["sizing"], "seeds": 1}
    none = size_microgrid(read_microgrid(written(path, study, sizing={**sizing, "most_vehicles": 0})), path.parent)
    assert none.summary["threshold_usd"] is None
    greedy = written(path, study, sizing=sizing, economics={"operator_fallback_usd": 1e9})
    assert any("at 6000 $: No deal" in note for note in size_microgrid(read_microgrid(greedy), path.parent).notes)


def test_a_result_that_has_no_place(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "within"):
        with pytest.raises(StudyError, match="--out"):
            write_result(WorldResult({}), place)
