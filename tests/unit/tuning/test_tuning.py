"""Tuning: ranges, folds of days, pruning, and a search that goes on after a kill."""

import json
import subprocess
import sys
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.base import BaseEstimator, RegressorMixin

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.estimators.ranges import FloatRange, IntRange, range_of
from cblcast.estimators.rules.similar_days import XofY
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.estimators.wrappers.ensemble import Ensemble
from cblcast.forecast.backtest import backtest, split_events
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, StudyError
from cblcast.tuning import search_space, spec_of, tune
from cblcast.tuning.folds import EventFolds
from cblcast.tuning.space import current_params, with_params

SPACE = {"x": ["int", 1, 10], "mode": None}


@lru_cache
def one_building():
    panel = datasets.load("cambridge_sme").select(["b22"])
    return panel, placebo_events(panel, "17:00", "20:00", first="2018-01-08", last="2018-03-31")


# ---- ranges


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (["float", 0.3, 0.01], "is empty: 0.3 is not below 0.01"),
        (["int", 5, 5], "is empty"),
        (["float", 0.0, 1.0, True], "logarithmic and starts at 0.0"),
        (["int", 1, 2.5], "of whole numbers"),
        (["float", 0.1, float("inf")], "two finite numbers"),
        (["float", True, 2], "two finite numbers"),
        (["real", 0, 1], "has the kind 'real'"),
        (["categorical", ["a"]], "offers no choice"),
        (["categorical", [["a"], "b"]], "must be numbers, text"),
        ({"kind": "float", "lowest": 1}, "is written"),
        ("0.1..0.3", "is written"),
        ({"low": 1, "high": 2}, "has the kind None"),
    ],
)
def test_bad_ranges_are_one_clear_sentence(spec, sentence):
    with pytest.raises(StudyError, match=r"'x'.*" + sentence):
        range_of(spec, "x")


def test_ranges_are_read_in_all_their_forms():
    expected = FloatRange(0.01, 0.3, log=True)
    for spec in (("float", 0.01, 0.3, True), {"kind": "float", "low": 0.01, "high": 0.3, "log": True}, expected):
        assert range_of(spec, "x") == expected
    assert range_of(expected.to_list(), "x") == expected
    assert range_of(["categorical", [None, 1, "a"]], "x").choices == (None, 1, "a")


def test_nested_estimators_declare_their_ranges_by_path():
    space = search_space(make_estimator("WS-Nearest5of10"))
    assert set(space) == {"mode", "estimator__x", "estimator__y"}
    changed = search_space(make_estimator("WS-Nearest5of10"), {"x": ["int", 2, 4], "y": None, "floor": ["float", 0, 1]})
    assert changed["estimator__x"] == IntRange(2, 4)
    assert set(changed) == {"mode", "estimator__x", "floor"}


def test_unknown_and_ambiguous_parameters_are_named():
    with pytest.raises(StudyError, match=r"no parameter 'learning_rat' to search"):
        search_space(XofY(), {"learning_rat": ["float", 0, 1]})
    twice = Adjusted(Adjusted(XofY()))
    with pytest.raises(StudyError, match=r"several places: write one of members__0__\S+__select, members__1__select"):
        search_space(Ensemble(members=(twice, XofY())), {"select": None} | {"x": None})
    assert "estimator__mode" in search_space(twice, {"mode": None})  # the outermost is meant, where it has one
    with pytest.raises(StudyError, match="declares no search ranges"):
        search_space(make_estimator("MeterBeforeMeterAfter"))


def test_parameters_are_set_by_path_and_the_given_estimator_stays_as_it_is():
    given = Adjusted(XofY(5, 10), "WS")
    made = with_params(given, {"estimator__x": 3, "mode": "additive"})
    assert (made.estimator.x, made.mode, made.window) == (3, "additive", "WS")
    assert (given.estimator.x, given.mode) == (5, "multiplicative")
    assert current_params(made, ["estimator__x", "mode"]) == {"estimator__x": 3, "mode": "additive"}


@pytest.mark.parametrize(
    "method",
    [
        "PBLM-Nearest5of10",
        "BW-PBLM-High3of5",
        "Mid6of10-weighted",
        {"estimator": "Adjusted", "window": Window.before(3, 1), "of": "High4of5"},
        {"estimator": "Ensemble", "members": ["High5of10", {"estimator": "Boosting", "n_estimators": 7}], "pull": 0.5},
    ],
)
def test_a_method_written_out_is_the_same_method(method):
    estimator = make_estimator(method)
    spec = yaml.safe_load(yaml.safe_dump(spec_of(estimator)))
    assert json.dumps(spec_of(make_estimator(spec)), sort_keys=True) == json.dumps(spec, sort_keys=True)
    panel, events = one_building()
    if "Boosting" not in str(method):
        folds = EventFolds(panel, events, View.settlement(), {}, folds=2)
        assert list(folds.errors(make_estimator(spec))) == list(folds.errors(estimator))


def test_only_registered_methods_can_be_written():
    class Own(RegressorMixin, BaseEstimator):
        pass

    with pytest.raises(StudyError, match="Own is not registered"):
        spec_of(Own())


# ---- folds


def test_folds_judge_every_event_once_and_never_in_training():
    panel, events = one_building()
    trained, judged = [], []

    class Watching(RegressorMixin, BaseEstimator):
        def required_features(self):
            return {"calendar": {}}

        def fit(self, X, y):
            trained.append(set(X.index.get_level_values("origin")))
            return self

        def predict(self, X):
            judged.append(set(X.index.get_level_values("origin")))
            return np.ones(len(X))

    errors = list(EventFolds(panel, events, View.real_time(), {}, folds=3).errors(Watching()))
    assert len(errors) == 3
    assert all(share == 1 for _, share in errors)
    assert all(train.isdisjoint(test) for train, test in zip(trained, judged, strict=True))
    assert sorted(origin for fold in judged for origin in fold) == sorted(events["start"])
    assert max(judged[0]) < min(judged[1]) < max(judged[1]) < min(judged[2])


def test_the_error_of_a_rule_is_that_of_a_backtest():
    panel, events = one_building()
    folds = EventFolds(panel, events, View.real_time(), {}, folds=2, metric="mape")
    rule = make_estimator("PBLM-Nearest5of10")
    scored = backtest(panel, {"m": folds.forecaster(rule)}, events).scored
    middle = sorted(set(events["start"]))[len(events) // 2]
    halves = np.where(scored.index.get_level_values("origin") < middle, 0, 1)
    by_hand = [evaluate(scored[halves == half], metrics=("mape",))["mape"].iloc[0] for half in (0, 1)]
    np.testing.assert_allclose([error for error, _ in folds.errors(rule)], by_hand)


def test_too_few_days_or_a_measure_without_a_best_end_is_refused():
    panel, events = one_building()
    with pytest.raises(DataError, match="4 folds need at least 8 days with training events, and there are 5"):
        tune(panel, events.head(5), "PBLM-Nearest5of10")
    with pytest.raises(StudyError, match="'mpe' is not an error to be made small"):
        tune(panel, events, "PBLM-Nearest5of10", metric="mpe")
    with pytest.raises(StudyError, match="trials >= 1"):
        tune(panel, events, "PBLM-Nearest5of10", trials=0)


# ---- search


def test_a_search_finds_parameters_that_are_better_on_left_out_days():
    panel, events = one_building()
    told = []
    result = tune(panel, events, "PBLM-Low1of10", space=SPACE | {"y": None}, trials=12, folds=2, on_trial=told.append)
    assert [trial.number for trial in told] == list(range(12)) == list(result.trials.index)
    assert told[0].params == {"estimator__x": 1}
    assert told[0].value == pytest.approx(result.given_value)
    assert result.best_value < result.given_value
    assert result.best_value == result.trials.query("state == 'complete'")["value"].min()
    assert result.best_spec["of"] == {"estimator": "XofY", "select": "low", "x": result.best_params["estimator__x"]}
    assert make_estimator(result.best_spec).estimator.x == result.best_params["estimator__x"]
    again = tune(panel, events, "PBLM-Low1of10", space=SPACE | {"y": None}, trials=12, folds=2)
    pd.testing.assert_frame_equal(again.trials.drop(columns="seconds"), result.trials.drop(columns="seconds"))


def test_hopeless_trials_are_given_up_and_none_is_spent_on_what_is_no_rule():
    panel, events = one_building()
    space = {"x": ["int", 1, 12], "y": ["int", 5, 12], "mode": None}
    result = tune(panel, events, "PBLM-Low5of10", space=space, trials=30, folds=4)
    states = result.trials["state"].value_counts()
    assert states["pruned"] > 0
    assert "failed" not in states
    assert (result.trials["estimator__x"] <= result.trials["estimator__y"]).all()
    assert result.trials["estimator__x"].nunique() > 2
    assert set(result.importance) == {"estimator__x", "estimator__y"}
    assert sum(result.importance.values()) == pytest.approx(1.0)


def test_a_bound_by_what_is_not_searched_holds_too():
    panel, events = one_building()
    result = tune(panel, events, "Low3of5", space={"x": ["int", 1, 10], "y": None}, trials=6, folds=2)
    assert (result.trials["x"] <= 5).all()
    assert (result.trials["state"] != "failed").all()


def test_events_without_history_for_the_widest_candidate_judge_nobody():
    panel, _ = one_building()
    since = panel.data.index.get_level_values("time") >= pd.Timestamp("2017-12-18", tz="UTC")
    panel = Panel(panel.data[since], panel.sites)
    events = placebo_events(panel, "17:00", "20:00", first="2018-01-08", last="2018-03-31")
    result = tune(panel, events, "Low3of5", space={"x": None, "y": ["int", 5, 20]}, trials=6, folds=2)
    assert 0 < result.without_history < len(events) / 4
    assert (result.trials["state"] != "failed").all()


def test_parameters_do_not_win_by_leaving_hard_events_out():
    panel, _ = one_building()
    since = panel.data.index.get_level_values("time") >= pd.Timestamp("2017-12-01", tz="UTC")
    panel = Panel(panel.data[since], panel.sites)
    events = placebo_events(panel, "17:00", "20:00", first="2018-01-08", last="2018-03-31")
    result = tune(panel, events, "High3of5", space={"x": ["int", 3, 5], "y": ["int", 5, 60]}, trials=6, folds=2)
    lazy = result.trials[result.trials["y"] > 45]
    assert len(lazy) > 0
    assert (lazy["state"] == "failed").all()
    assert lazy["reason"].str.contains("of the event intervals of fold 1 got an estimate").all()


def test_the_given_method_stands_where_nothing_is_better():
    panel, events = one_building()
    result = tune(panel, events, "PBLM-Nearest5of10", space=SPACE | {"y": None, "x": ["int", 1, 2]}, trials=3, folds=2)
    assert result.best_params == {"estimator__x": 5}
    assert result.best_value == result.given_value
    assert result.best_spec == spec_of(make_estimator("PBLM-Nearest5of10"))


def test_the_best_method_is_trained_on_all_events_when_asked():
    panel = datasets.load("cambridge_sme").select(["b22"])
    events = placebo_events(panel, "17:00", "20:00", first="2018-01-08", last="2018-05-31")
    train, test = split_events(events, panel, ("2018-01-08", "2018-03-31"), ("2018-04-01", "2018-05-31"))
    space = {"n_estimators": ["int", 5, 20], "num_leaves": ["int", 4, 8]} | dict.fromkeys(
        ("learning_rate", "min_child_samples", "subsample", "colsample_bytree", "reg_lambda")
    )
    result = tune(
        panel, train, "Boosting", features={"reference_days": {"days": 5}}, space=space, trials=2, folds=2, refit=True
    )
    estimate = result.forecaster.predict(panel, result.forecaster.cases(panel, test))
    assert np.isfinite(estimate["predicted_kw"]).all()
    assert result.forecaster.estimator.n_estimators == result.best_params["n_estimators"]


# ---- resuming

KILLED = """
import os, signal, sys
from pathlib import Path
from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.tuning import tune
from cblcast.tuning.folds import EventFolds

judge = EventFolds._mean_over_sites
calls = []
def dies(self, *rows):
    calls.append(rows)
    if len(calls) == 12:  # two for the method as given, four trials of two folds, the second fold of the fifth
        os.kill(os.getpid(), signal.SIGKILL)
    return judge(self, *rows)
EventFolds._mean_over_sites = dies
panel = datasets.load("cambridge_sme").select(["b22"])
events = placebo_events(panel, "17:00", "20:00", first="2018-01-08", last="2018-03-31")
tune(panel, events, "PBLM-Nearest5of10", space={"x": ["int", 1, 10], "mode": None}, trials=9, folds=2,
     storage=Path(sys.argv[1]), name="search", on_trial=lambda trial: print(trial.number, trial.value, flush=True))
"""


def test_a_killed_search_goes_on_where_it_was(tmp_path):
    journal = tmp_path / "deeper" / "search.log"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(journal)], capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    before = [line.split() for line in killed.stdout.splitlines()]
    assert [number for number, _ in before] == ["0", "1", "2", "3"]
    journal.write_bytes(journal.read_bytes() + b'{"op_code": 6, "worker')  # a line that the kill cut in two
    panel, events = one_building()
    told = []
    search = {"space": SPACE, "folds": 2, "storage": journal, "name": "search"}
    result = tune(panel, events, "PBLM-Nearest5of10", trials=9, on_trial=told.append, **search)
    states = result.trials["state"]
    assert (states == "killed").sum() == 1
    assert (states != "killed").sum() == 9
    assert len(told) == 5
    for number, value in before:
        assert result.trials.loc[int(number), "value"] == pytest.approx(float(value))
    more = tune(panel, events, "PBLM-Nearest5of10", trials=9, on_trial=told.append, **search)
    assert len(told) == 5  # all nine are finished: nothing is left to do
    assert more.best_params == result.best_params

    with pytest.raises(StudyError, match=r"'search' in search.log was begun with another method"):
        tune(panel, events, "PBLM-High5of10", trials=9, **search)
    with pytest.raises(StudyError, match="was begun with another training events"):
        tune(panel, events.iloc[1:], "PBLM-Nearest5of10", trials=9, **search)
    with pytest.raises(StudyError, match="was begun with another search ranges"):
        tune(panel, events, "PBLM-Nearest5of10", trials=9, **(search | {"space": SPACE | {"x": ["int", 1, 9]}}))


def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path):
    panel, events = one_building()
    path = tmp_path / "notes.txt"
    path.write_text("my notes\nof last year\n")
    with pytest.raises(StudyError, match=r"notes\.txt is no journal of a tuning"):
        tune(panel, events, "PBLM-Nearest5of10", trials=1, folds=2, storage=path)
    assert path.read_text() == "my notes\nof last year\n"


def test_time_given_is_kept_between_trials():
    panel, events = one_building()
    result = tune(panel, events, "PBLM-Nearest5of10", space=SPACE, trials=10_000, folds=2, seconds=0.0)
    assert len(result.trials) == 0
    assert result.best_params == current_params(make_estimator("PBLM-Nearest5of10"), list(result.best_params))
