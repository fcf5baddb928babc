"""`cblcast evaluate` on a world's files: events that carry their truth, by interval or as a mean."""

import numpy as np
import pandas as pd
import pytest
import yaml

from cblcast.config import read_study
from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.forecast.event_truth import with_event_truth
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.report.figures import event_figure
from cblcast.workflow.serving import backtest_trained
from cblcast.workflow.studies import run_study
from cblcast.workflow.study_data import load_panel, prepare
from cblcast.workflow.worlds import simulate_world, write_result

WORLD = {
    "world": "households",
    "measured": {"dataset": "fontana_homes", "first_day": "2017-05-01", "days": 50},
    "homes": 5,
    "panel_homes": 5,
    "pv_share": 0.0,
    "cooling_share": 1.0,
    "program": {"start": "17:00", "stop": "19:00", "share": 1.0, "tires": 1.0},
    "events": {"hottest": 3},
}
# On mild days some homes have nothing that the program could switch.
pytestmark = pytest.mark.filterwarnings("ignore:truth_kw of 4 of 15 events is what was metered")
RULES = ["High5of10", "BW-High5of10"]
AS_MEAN = "ignore:the truth of .* is known as their mean alone"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("lab")
    (place / "world.yaml").write_text(yaml.safe_dump(WORLD))
    write_result(simulate_world(place / "world.yaml"), place / "out")
    return place


def study(folder, **changes):
    document = {
        "study": "lab",
        "data": {"panel": "out/panel.csv", "site_table": "out/sites.csv"},
        "events": {"file": "out/events.csv", "truth": "out/truth.csv"},
        "view": "settlement",
        "test": ["2017-05-01", "2017-06-19"],
        "methods": RULES,
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(document | changes))
    return read_study(folder / "study.yaml")


def test_the_truth_of_a_world_is_what_its_methods_are_judged_by(folder):
    result = run_study(study(folder))
    scored = result.backtest.scored
    truth = pd.read_csv(folder / "out" / "truth.csv", parse_dates=["time"]).set_index(["site_id", "time"])["truth_kw"]
    mine = scored.droplevel("origin")["observed_kw"]
    assert np.allclose(mine, truth.reindex(mine.index), atol=1e-6)
    metered = pd.read_csv(folder / "out" / "panel.csv", parse_dates=["time"]).set_index(["site_id", "time"])[
        "observed_kw"
    ]
    assert (mine - metered.reindex(mine.index)).mean() > 0.2
    assert (result.leaderboard["n_events"] == 15).all()
    # What comes back after the event is metered by the window after it, and by nothing else.
    bias = result.leaderboard["mpe"]
    assert bias["BW-High5of10"] > bias["High5of10"] + 5


def test_without_the_intervals_the_mean_is_judged_and_told(folder):
    with pytest.warns(DataWarning, match="truth of 15 events is known as their mean alone"):
        means = run_study(study(folder, events={"file": "out/events.csv"})).leaderboard
    whole = run_study(study(folder)).leaderboard
    assert np.allclose(means["mpe"].sort_index(), whole["mpe"].sort_index(), atol=0.01)
    assert (means["rmse"].sort_index() < whole["rmse"].sort_index()).all()


def test_the_events_are_masked_once_and_for_everybody(folder):
    wanted = study(folder)
    panel = load_panel(wanted)
    ready = prepare(wanted, panel)
    assert ready.panel is panel
    assert len(panel.events) == 15
    masked = panel.data["observed_kw"].isna().sum()
    assert masked == 15 * 2


def test_what_learns_needs_other_events_and_learns_from_none_of_these(folder):
    spans = {"train": ["2017-05-01", "2017-06-09"], "test": ["2017-06-10", "2017-06-19"]}
    net = {"name": "level", "estimator": "FirmServiceLevel"}
    with pytest.raises(
        StudyError, match=r"events\.csv were dispatched, since they carry truth_kw, so level cannot learn"
    ):
        run_study(study(folder, methods=[net], **spans))
    wanted = study(folder, methods=[net], train_events={"start": "17:00", "stop": "19:00"}, **spans)
    ready = prepare(wanted, load_panel(wanted))
    days = pd.MultiIndex.from_frame(ready.events.judged[["site_id", "start"]])
    assert not pd.MultiIndex.from_frame(ready.train[["site_id", "start"]]).isin(days).any()


def test_a_truth_beside_placebo_events_is_refused(folder):
    with pytest.raises(StudyError, match="truth: belongs to the dispatched events of file:"):
        study(folder, events={"start": "17:00", "stop": "19:00", "truth": "out/truth.csv"})
    with pytest.raises(StudyError, match=r"events\.truth names the file 'none\.csv'"):
        study(folder, events={"file": "out/events.csv", "truth": "none.csv"})


def test_a_truth_of_other_sites_or_another_step_is_refused(folder):
    truth = pd.read_csv(folder / "out" / "truth.csv", parse_dates=["time"])
    truth[truth["site_id"] != "home_00003"].to_csv(folder / "few.csv", index=False)
    with pytest.raises(DataError, match=r"few\.csv has no truth of site 'home_00003' \(1 sites in all\)"):
        load_panel(study(folder, events={"file": "out/events.csv", "truth": "few.csv"}))
    truth[truth["time"].dt.hour % 2 == 0].to_csv(folder / "coarse.csv", index=False)
    with pytest.raises(DataError, match=r"coarse\.csv has a step of 2 h"):
        load_panel(study(folder, events={"file": "out/events.csv", "truth": "coarse.csv"}))


def test_events_files_that_cannot_be_meant_are_refused(folder):
    events = pd.read_csv(folder / "out" / "events.csv")
    events.head(1).assign(site_id="*").to_csv(folder / "all.csv", index=False)
    with pytest.raises(DataError, match="gives one truth_kw to every site"):
        load_panel(study(folder, events={"file": "all.csv"}))
    events.assign(truth_kw=events["truth_kw"].astype(str).where(events.index != 1, "much")).to_csv(
        folder / "text.csv", index=False
    )
    with pytest.raises(DataError, match=r"line 3.*'truth_kw' is 'much', not a number"):
        load_panel(study(folder, events={"file": "text.csv"}))


def test_a_truth_of_the_meter_data_that_the_events_do_not_claim_is_told(folder):
    truth = pd.read_csv(folder / "out" / "truth.csv")["truth_kw"]
    pd.read_csv(folder / "out" / "panel.csv").assign(truth_kw=truth).to_csv(folder / "both.csv", index=False)
    pd.read_csv(folder / "out" / "events.csv").drop(columns="truth_kw").to_csv(folder / "bare.csv", index=False)
    data = {"panel": "both.csv", "site_table": "out/sites.csv"}
    with pytest.warns(
        DataWarning, match="have a column truth_kw and the events have none, so they are judged by what was"
    ):
        panel = load_panel(study(folder, data=data, events={"file": "bare.csv"}))
    assert panel.events is None
    panel = load_panel(study(folder, data=data, events={"file": "out/events.csv"}))
    assert len(panel.events) == 15  # the column of the meter data is the truth by interval: nothing is told


@pytest.mark.filterwarnings(AS_MEAN)
def test_a_registered_model_is_judged_likewise_and_its_figure_shows_the_truth(folder):
    wanted = study(folder)
    panel = load_panel(wanted)
    events = prepare(wanted, panel).events.judged
    one = Forecaster(make_estimator("High5of10"), view=View.settlement(), name="High5of10")
    found = backtest_trained(panel, one, events).scored
    pd.testing.assert_frame_equal(found, run_study(study(folder, methods=["High5of10"]), panel).backtest.scored)
    assert with_event_truth(panel, events) is panel
    labels = event_figure(panel, found, "High5of10").axes[0].get_legend_handles_labels()[1]
    assert labels == ["event", "metered", "without the event", "High5of10"]
