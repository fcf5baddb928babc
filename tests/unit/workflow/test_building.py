"""The file of a world of buildings, and what it leaves behind."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from cblcast import datasets
from cblcast.config.building import BuildingFile
from cblcast.errors import DataError, StudyError
from cblcast.workflow.building import Building

FILE = {
    "world": "building",
    "weather": {"dataset": "turin"},
    "customers": {"kind": "sme", "count": 4},
    "program": {"start": "16:00", "stop": "18:00", "days": 3, "set_point_shift_k": 2},
    "first_day": "2019-07-01",
    "days": 21,
    "step_min": 60,
}


def run(tmp_path, **changes):
    return Building().run(BuildingFile(**{**FILE, **changes}), tmp_path)


def test_it_leaves_panel_devices_events_and_the_truth_without_them(tmp_path):
    result = run(tmp_path)
    assert set(result.tables) == {"panel", "truth", "devices", "events", "sites", "responses"}
    assert list(result.tables["truth"]) == ["truth_kw"]
    assert set(result.tables["devices"]) == {"hvac_kw", "hot_water_kw", "refrigeration_kw", "base_kw"}
    assert len(result.tables["panel"]) == 4 * 21 * 24
    assert len(result.tables["events"]) == 12
    assert result.summary["events"] == 3
    assert result.summary["shed_kw_per_follower"] > 0
    assert result.tables["responses"]["before_hours"].between(1, 4).all()
    assert any("no ghi_wm2" in note for note in result.notes)


def test_without_a_program_the_meter_is_the_truth(tmp_path):
    result = run(tmp_path, program=None)
    np.testing.assert_array_equal(result.tables["panel"]["observed_kw"], result.tables["truth"]["truth_kw"])
    assert "responses" not in result.tables
    assert result.tables["events"].empty


def test_its_files_feed_a_study(tmp_path):
    """Written as a user gets them, read as a meter and an event file, and judged."""
    from cblcast.config import make_study
    from cblcast.workflow.studies import run_study

    result = run(tmp_path, days=40)
    result.tables["panel"].reset_index().to_csv(tmp_path / "panel.csv", index=False)
    study = make_study(
        {
            "study": "shops",
            "data": {"panel": "panel.csv", "tz": "Europe/Rome"},
            "events": {"start": "16:00", "stop": "18:00", "days": "working"},
            "train": ["2019-07-01", "2019-07-31"],
            "test": ["2019-08-01", "2019-08-08"],
            "methods": ["5of5", "PBLM"],
        },
        "study.yaml",
        tmp_path,
    )
    scored = run_study(study).backtest.scored
    assert scored.groupby("method")["predicted_kw"].count().min() > 0


def test_own_weather_beside_the_file(tmp_path):
    turin = (
        datasets.load("turin").data.loc["turin_building"].loc["2019-07-01":"2019-07-31", ["observed_kw", "temp_air_c"]]
    )
    turin.resample("1h").mean().reset_index().to_csv(tmp_path / "mine.csv", index=False)
    result = run(tmp_path, weather={"panel": "mine.csv", "tz": "Europe/Rome"}, first_day="2019-07-05", days=14)
    assert isinstance(result.tables["panel"], pd.DataFrame)
    with pytest.raises(StudyError, match="neither beside the world's file"):
        run(tmp_path, weather={"panel": "theirs.csv", "tz": "Europe/Rome"})


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"program": {"set_point_shift_k": 1, "prepare_h": 2, "prepare_k": 1}}, "nobody can prepare"),
        ({"program": {}}, "asks for nothing"),
        ({"program": {"set_point_shift_k": 1, "start": "16:20"}}, "cuts a step of 60 min"),
        ({"program": {"set_point_shift_k": 1, "days": 400}}, "400 event days of 15 working days"),
        ({"first_day": "2019-07-06", "days": 1}, "3 event days of 0 working days"),
        ({"first_day": "2021-01-01"}, "choose days within the weather"),
        ({"weather": {"dataset": "turin", "site": "b1"}}, "site 'b1' is not in the panel"),
    ],
)
def test_what_cannot_be_simulated_is_one_sentence(tmp_path, changes, match):
    with pytest.raises(DataError, match=match):
        run(tmp_path, **changes)


def test_a_wrong_file_is_refused_before_anything_runs():
    wrong = (
        {"program": {"start": "noon", "set_point_shift_k": 1}},
        *(
            {"customers": part}
            for part in ({"kind": "castle"}, {"noise": 2}, {"litres_per_day": 1e12}, {"deadband_k": 1e6})
        ),
        *({"program": {"set_point_shift_k": 1, "days": days}} for days in (0, -3, [])),
        *(
            {"days": 0},
            {"days": 100_000_000},
            {"step_min": 0},
            {"step_min": 1e-300},
            {"program": {"set_point_shift_k": 1e9}},
        ),
    )
    for changes in wrong:
        with pytest.raises(ValidationError):
            BuildingFile(**{**FILE, **changes})


def test_a_day_that_is_named_twice_has_one_event(tmp_path):
    program = {"set_point_shift_k": 1, "days": ["2019-07-10", "2019-07-10"]}
    assert len(run(tmp_path, program=program).tables["events"]) == 4
