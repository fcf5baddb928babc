"""`cblcast simulate` of a world of homes: its tables are what the other commands read."""

import numpy as np
import pandas as pd
import pytest
import yaml

from cblcast.errors import DataError, StudyError
from cblcast.io.formats import read_meter
from cblcast.workflow.worlds import simulate_world, write_result

WORLD = {
    "world": "households",
    "name": "small",
    "measured": {"dataset": "fontana_homes", "first_day": "2017-07-01", "days": 21},
    "homes": 30,
    "panel_homes": 4,
    "program": {"start": "17:00", "stop": "19:00", "share": 0.9},
    "events": {"hottest": 2},
}


def written(tmp_path, **changes):
    path = tmp_path / "world.yaml"
    path.write_text(yaml.safe_dump(WORLD | changes))
    return path


def test_its_tables_are_read_by_the_readers(tmp_path):
    result = simulate_world(written(tmp_path))
    names = {path.name for path in write_result(result, tmp_path / "out")}
    assert names == {
        "panel.csv", "truth.csv", "sites.csv", "devices.csv", "events.csv", "responses.csv", "event_day.png", "summary.json",
    }  # fmt: skip
    panel = read_meter(tmp_path / "out" / "panel.csv", sites=tmp_path / "out" / "sites.csv")
    assert len(panel.site_ids) == 4
    assert np.allclose(panel.data["load_kw"], panel.data["observed_kw"] + panel.data["pv_kw"], atol=2e-4)
    truth = pd.read_csv(tmp_path / "out" / "truth.csv")
    events = pd.read_csv(tmp_path / "out" / "events.csv")
    less = truth["truth_kw"].to_numpy() - panel.data["observed_kw"].to_numpy()
    assert np.abs(less).max() > 0.1
    assert set(events["site_id"]) <= set(panel.site_ids)
    assert result.summary["reduction_kw_per_home"] > 0.1
    assert any("simulated" in note for note in result.notes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"events": {"dates": ["2019-01-01"]}}, "2019-01-01 lies outside the span 2017-07-01 to 2017-07-21"),
        ({"events": {"hottest": 40}}, "15 working days, fewer than hottest: 40"),
        ({"devices": {"dishwaser": {"share": 1}}}, "'dishwaser' is no device: did you mean 'dishwasher'"),
        ({"program": None}, "events need program"),
        ({"measured": {"data": "none.csv"}}, "'none.csv' is neither beside"),
        ({"measured": {}}, "give either dataset"),
        ({"program": {"devices": ["dishwahser"]}}, "'dishwahser', which is no device: did you mean 'dishwasher'"),
        ({"program": {"start": "17:20"}}, "cuts an interval of 60 min"),
        ({"program": {"gives_back_kw": 1e300}}, "gives_back_kw"),
        ({"program": {"rebound_h": 1e9}}, "rebound_h"),
        ({"devices": {"vehicle": {"runs_per_day": 1e9}}}, "runs_per_day"),
        ({"program": {"start": "late"}}, "'late' is no time of day"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path, changes, sentence):
    with pytest.raises((StudyError, DataError), match=sentence):
        simulate_world(written(tmp_path, **changes))


def test_every_home_that_was_called_has_its_events_whether_it_followed_or_not(tmp_path):
    result = simulate_world(written(tmp_path, program={"control": "manual", "share": 0.0}))
    events = result.tables["events"]
    assert len(events) == 2 * 4
    assert events["truth_kw"].notna().all()
    assert (result.tables["responses"]["followed_share"] == 0).all()


def test_an_event_in_the_morning_needs_no_belly_to_fill(tmp_path):
    result = simulate_world(written(tmp_path, program={"start": "06:00", "stop": "09:00"}))
    assert len(result.tables["responses"]) == 2


def test_an_event_on_the_last_day_is_told(tmp_path):
    result = simulate_world(written(tmp_path, events={"dates": ["2017-07-21"]}))
    assert any("the last event is on the last day" in note for note in result.notes)
