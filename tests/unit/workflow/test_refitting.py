"""Studies that refit: labelled everywhere, the drift by span, and the stored model is the one that is due next."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from cblcast import tracking
from cblcast.config import make_study
from cblcast.errors import StudyError
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.refit import ended_by
from cblcast.workflow.choosing import choose_method
from cblcast.workflow.leaderboard import leaderboard
from cblcast.workflow.refitting import due_model
from cblcast.workflow.studies import planned_steps, run_study, train_study
from cblcast.workflow.study_data import load_panel, prepare

DOCUMENT = {
    "study": "refitted",
    "data": {"dataset": "turin"},
    "events": {"start": "17:00", "stop": "20:00"},
    "train": ["2019-02-01", "2019-04-30"],
    "test": ["2019-05-01", "2019-06-30"],
    "refit": {"every": "monthly", "gap_days": 2},
    "features": {"calendar": {}, "reference_days": {}},
    "methods": ["High5of10", {"name": "Ridge", "estimator": "Ridge"}],
}


def study(**changes):
    return make_study({**DOCUMENT, **changes})


@pytest.fixture(scope="module")
def panel():
    return load_panel(study())


@pytest.fixture(scope="module")
def trained(tmp_path_factory, migrated_database):
    store = f"sqlite:///{shutil.copy(migrated_database, tmp_path_factory.mktemp('store'))}"
    told = []
    return train_study(study(), register="kept", alias="champion", store=store, progress=told.append), store, told


def test_the_drift_is_the_leaderboard_span_by_span(panel):
    result = run_study(study(), panel)
    assert list(result.drift.index.unique("span")) == ["2019-05", "2019-06"]
    for span in ("2019-05", "2019-06"):
        one = result.backtest
        rows = type(one)(one.scored[one.scored["fold"] == span], one.excluded.iloc[:0], one.forecasters, one.seconds)
        alone = leaderboard(study(), panel, rows)
        np.testing.assert_allclose(
            result.drift.xs(span, level="span").loc[alone.index, "nrmse"], alone["nrmse"], rtol=1e-12
        )
    assert list(result.drift.loc["Ridge", "learned_until"]) == ["2019-04-28", "2019-05-29"]
    assert result.leaderboard["refit"].to_dict() == {"Ridge": "monthly, gap 2 days", "High5of10": "never trained"}


def test_the_stored_model_is_trained_up_to_the_next_span(panel, trained):
    _, store, _ = trained
    ready = prepare(study(), panel)
    events = ended_by(panel, ready.train, "2019-06-28")
    by_hand = Forecaster(make_estimator("Ridge"), DOCUMENT["features"], name="Ridge")
    by_hand.fit(panel, by_hand.cases(panel, events))
    due = due_model(ready, "Ridge")
    cases = due.cases(panel, ready.test)
    pd.testing.assert_frame_equal(due.predict(panel, cases), by_hand.predict(panel, cases), check_exact=True)
    kept = tracking.load_forecaster("models:/kept@champion", uri=store)
    said = kept if isinstance(kept, Forecaster) else kept[0]
    if said.name == "Ridge":
        pd.testing.assert_frame_equal(said.predict(panel, cases), by_hand.predict(panel, cases))


def test_every_table_says_how_often_was_refitted(trained):
    result, store, told = trained
    assert "refit monthly, gap 2 days" in result.registered["chosen_by"]
    table = tracking.compare("refitted", uri=store).set_index("method")
    assert table.loc["Ridge", "refit"] == "monthly, gap 2 days"
    assert table.loc["High5of10", "refit"] == "never trained"
    assert len(told) == planned_steps(study()) == 6
    json.dumps(result.drift.reset_index().to_dict("records"))


def test_the_choice_is_made_the_same_way(panel):
    name, why = choose_method(prepare(study(), panel))
    assert name in ("High5of10", "Ridge")
    assert why.endswith("inside the training span, refit monthly, gap 2 days")


def test_a_period_alone_is_enough_and_bad_ones_are_told():
    assert study(refit="quarterly").refit.refit().gap_days == 1
    with pytest.raises(StudyError, match=r"refit.every: 'montly' is no period: did you mean 'monthly'"):
        study(refit="montly")
    with pytest.raises(StudyError, match="where learning begins"):
        make_study({key: value for key, value in DOCUMENT.items() if key != "train"})
    with pytest.raises(StudyError, match=r"unknown key 'refit\.gap'"):
        study(refit={"every": "monthly", "gap": 1})


def test_hours_to_learn_from_go_on_through_the_test_span(panel):
    other = study(train_events={"start": "10:00", "stop": "20:00"})
    learned = prepare(other, panel).train
    assert learned["start"].max() > pd.Timestamp("2019-06-20", tz="UTC")
    result = run_study(other, panel)
    assert result.backtest.refits["n_learned"].is_monotonic_increasing
