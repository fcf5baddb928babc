"""The pretrained baseline at the doors, with a rule in its place: what is chosen, told, left out and refused."""

import json

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.config import make_study
from cblcast.errors import DataWarning, StudyError
from cblcast.forecast import pretrained
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.manifest import digest_of
from cblcast.forecast.methods import for_view, make_estimator, names_pretrained
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.io.options import ReaderOptions
from cblcast.workflow.in_the_box import boxed, praised_memory, with_pretrained
from cblcast.workflow.over_stores import score_store
from cblcast.workflow.serving import evaluate_model, score_boxed_file
from cblcast.workflow.studies import run_study
from cblcast.workflow.study_data import load_panel

DATA = [{"set": "cambridge", "sites": 2, "first": "2016-01-01", "last": "2019-12-31", "step_minutes": 60.0}]
PLACE = ReaderOptions(tz="Europe/London", country="GB", subdivision="ENG")


@pytest.fixture(autouse=True)
def box(tmp_path_factory, monkeypatch):
    """A rule where the trained models lie, which takes no time to train."""
    folder = tmp_path_factory.mktemp("pretrained")
    card = {"views": {}}
    for name, view in pretrained.VIEWS.items():
        Forecaster(make_estimator("10of10"), view=view, name="Pretrained").save(folder / name)
        card["views"][name] = {"manifest_sha256": digest_of(folder / name), "data": DATA}
    (folder / pretrained.CARD).write_text(json.dumps(card))
    monkeypatch.setattr(pretrained, "pretrained_folder", lambda: folder)
    return folder


@pytest.fixture(scope="module")
def panel() -> Panel:
    whole = datasets.load("cambridge_sme").select(["b14"])
    time = whole.data.index.get_level_values("time")
    return Panel(whole.data.loc[(time >= "2018-10-01") & (time < "2019-01-01"), ["observed_kw"]], whole.sites)


@pytest.fixture(scope="module")
def files(panel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("meter")
    panel.data.reset_index().to_csv(folder / "meter.csv", index=False)
    days = ["2018-12-13", "2018-12-28"]
    events = {"site_id": "*", "start": [f"{day}T17:00Z" for day in days], "stop": [f"{day}T20:00Z" for day in days]}
    pd.DataFrame(events).to_csv(folder / "events.csv", index=False)
    return folder / "meter.csv", folder / "events.csv"


def study(**changes):
    return make_study(
        {
            "study": "s",
            "data": {"dataset": "turin"},
            "events": {"start": "17:00", "stop": "20:00"},
            "test": ["2019-02-25", "2019-03-01"],
            "methods": ["High5of10"],
            **changes,
        }
    )


def test_a_meter_and_events_are_all_that_scoring_needs(files):
    told = score_boxed_file(*files, PLACE)
    scored, excluded, taken = told.rows, told.excluded, told.boxed
    assert excluded.empty
    assert len(scored) == 6
    assert np.isfinite(scored[["baseline_kw", "lower_kw", "upper_kw"]]).all().all()  # never without limits
    assert scored["treatment"].iloc[-1].startswith("treated as a closed day")
    assert taken.view == "real_time"
    assert "view real_time, which sees the meter until the event begins" in taken.sentence()
    assert "trained on 2 sites (2 of cambridge (2016-2019))" in taken.sentence()
    assert taken.praised().startswith("the pretrained baseline learned from 'b14' of the data itself")
    assert taken.document()["trained_on"] == DATA
    assert taken.document()["learned_from_these_sites"] == {"b14": "cambridge_sme"}


def test_a_site_that_taught_nothing_is_not_told_of(panel):
    event = pd.DataFrame({"site_id": ["b14"], "start": [pd.Timestamp("2018-12-13T17:00Z")]})
    taken = boxed(Panel(panel.data * 1.3, panel.sites), event)
    assert "2 other sites (2 of cambridge (2016-2019))" in taken.sentence()
    assert taken.praised() == ""


def test_a_store_and_a_leaderboard_tell_which_sites_taught_it(panel, files, tmp_path):
    (tmp_path / "store").mkdir()
    for site, factor in (("mine", 1.0), ("other", 1.3)):
        rows = (panel.data * factor).reset_index().assign(site_id=site)
        rows.to_parquet(tmp_path / "store" / f"{site}.parquet", index=False)
    told, _, _ = score_store(tmp_path / "store", files[1], PLACE)
    assert told.boxed.taught == {"mine": "cambridge_sme"}
    rows.assign(observed_kw=panel.data["observed_kw"].to_numpy()).to_csv(tmp_path / "mine.csv", index=False)
    data = {"panel": str(tmp_path / "mine.csv"), "tz": "Europe/London", "country": "GB"}
    own = study(data=data, test=["2018-12-03", "2018-12-14"])
    assert praised_memory(own) == ""
    assert "learned from 'other' of the data itself" in praised_memory(own, load_panel(own))


def test_the_view_can_be_named_and_a_wrong_one_is_refused_before_anything_is_read(files):
    taken = score_boxed_file(*files, PLACE, view="settlement").boxed
    assert taken.forecaster.view == View.settlement()
    assert taken.document()["why"] == "named by the user"
    with pytest.raises(StudyError, match=r"no pretrained baseline has the view 'real_tim': did you mean 'real_time'"):
        score_boxed_file("nowhere.csv", "nowhere.csv", view="real_tim")


def test_without_readings_before_the_events_the_day_ahead_is_taken(panel):
    data = panel.data.copy()
    time = data.index.get_level_values("time")
    data.loc[time >= "2018-12-13", "observed_kw"] = np.nan
    event = pd.DataFrame({"site_id": ["b14"], "start": [pd.Timestamp("2018-12-13T17:00Z")]})
    assert boxed(Panel(data, panel.sites), event).view == "day_ahead"
    assert boxed(panel, event).view == "real_time"
    between = event.assign(start=pd.Timestamp("2018-12-12T17:15Z"))  # of an hourly meter
    assert boxed(panel, between).view == "real_time"


def test_its_line_stands_beside_the_rules_and_needs_no_training():
    beside, why_not = with_pretrained(study())
    assert why_not == ""
    board = run_study(beside).leaderboard
    assert set(board.index) == {"High5of10", "Pretrained"}
    assert board.loc["Pretrained", "n_events"] == 5


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pretrained": False}, ""),
        ({"methods": ["pretrained"]}, ""),
        ({"view": {"lead_in": 1}}, "no pretrained baseline was made for"),
        ({"methods": [{"name": "Pretrained", "estimator": "XofY"}]}, "a method of the study is called 'Pretrained'"),
        ({"data": {"dataset": "cambridge_sme"}}, "learned from cambridge itself, 2016-01-01 to 2019-12-31"),
        ({"data": {"dataset": "cambridge_sme"}, "methods": ["pretrained"]}, "its line praises its memory"),
    ],
)
def test_its_line_is_left_out_where_it_would_mislead_and_that_is_told(changes, sentence):
    asked = study(**changes)
    beside, why_not = with_pretrained(asked)
    assert beside is asked
    assert sentence in why_not


def test_who_asks_for_its_line_gets_it_or_a_refusal():
    beside, told = with_pretrained(study(data={"dataset": "cambridge_sme"}, pretrained=True))
    assert len(beside.methods) == 2
    assert told.endswith("its line praises its memory")
    with pytest.raises(StudyError, match="no pretrained baseline was made for"):
        with_pretrained(study(view={"lead_in": 1}, pretrained=True))


def test_a_missing_model_does_not_stop_a_study(box):
    (box / pretrained.CARD).unlink()
    beside, why_not = with_pretrained(study())
    assert len(beside.methods) == 1
    assert "install cblcast again" in why_not


def test_it_is_a_method_by_itself_behind_an_adjustment_and_as_what_is_learned_from():
    methods = [
        {"name": "own", "estimator": "pretrained"},
        "PBLM-pretrained",
        {"name": "learned", "estimator": "Residual", "of": "Ridge", "baseline": {"estimator": "pretrained"}},
    ]
    span = {"train": ["2019-01-28", "2019-02-22"], "test": ["2019-02-25", "2019-03-01"]}
    board = run_study(study(methods=methods, features={"reference_days": {"days": 3}}, **span)).leaderboard
    assert (board["n_events"] == 5).all()
    assert board["nrmse"].nunique() == 3


def test_a_method_takes_the_model_of_the_view_of_its_study():
    assert for_view("PBLM-pretrained", View.settlement()) == "PBLM-pretrained/settlement"
    assert for_view({"name": "pretrained", "estimator": "XofY"}, View.settlement())["name"] == "pretrained"
    assert names_pretrained({"estimator": "Residual", "baseline": {"estimator": "pretrained"}})
    with pytest.raises(StudyError, match="'pretrained/settlement' reads what the view of the study hides"):
        study(methods=["pretrained/settlement"])


def test_a_model_with_limits_is_judged_with_its_coverage(files):
    with pytest.warns(DataWarning, match="learned from 'b14' of the data itself"):
        board, _ = evaluate_model("pretrained", files[0], PLACE, start="17:00", stop="20:00")
    assert 50 < board["coverage"].iloc[0] <= 100
    assert board["interval_width"].iloc[0] > 0


def test_a_step_that_it_never_saw_is_told_with_its_estimate(box, files):
    card = (box / pretrained.CARD).read_text()
    (box / pretrained.CARD).write_text(card.replace('"step_minutes": 60.0', '"step_minutes": 15.0'))
    with pytest.warns(DataWarning, match=r"trained on 15 min and is asked for intervals of 60 min"):
        scored = score_boxed_file(*files, PLACE).rows
    assert len(scored) == 6


def test_a_meter_that_says_the_same_throughout_is_told(panel):
    stuck = panel.data.copy()
    stuck.loc[panel.site_ids[:1], "observed_kw"] = 3.0
    start = panel.data.index.get_level_values("time").max().normalize() - pd.Timedelta("1D") + pd.Timedelta("16h")
    events = pd.DataFrame({"site_id": panel.site_ids, "start": start, "stop": start + pd.Timedelta("2h")})
    with pytest.warns(DataWarning, match=rf"1 of {len(panel.site_ids)} meters say the same throughout, e.g. '.*' 3 kW"):
        boxed(Panel(stuck, panel.sites), events)
