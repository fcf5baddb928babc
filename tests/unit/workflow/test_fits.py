"""What is trained when: each method once on the whole training span, and once more only where one has to be chosen."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from cblcast import tracking
from cblcast.config import make_study
from cblcast.errors import StudyError
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.rules.firm_service_level import FirmServiceLevel
from cblcast.estimators.rules.rule import Rule
from cblcast.features.reference_days import ReferenceDays
from cblcast.frames.panel import Panel
from cblcast.workflow import studies, study_data
from cblcast.workflow.choosing import choice_spans, choose_method
from cblcast.workflow.studies import judge, run_study, train_study
from cblcast.workflow.study_data import load_panel, prepare, study_events

DOCUMENT = {
    "study": "s",
    "data": {"dataset": "turin"},
    "events": {"start": "17:00", "stop": "20:00"},
    "train": ["2019-03-01", "2019-05-31"],
    "test": ["2019-06-01", "2019-06-30"],
    "features": {"calendar": {}, "reference_days": {}},
    "methods": [
        "High5of10",
        "PBLM-Nearest5of10",
        "FirmServiceLevel",
        {"name": "Ridge", "estimator": "Ridge"},
        {"name": "PBLM-Ridge", "estimator": "Adjusted", "of": {"estimator": "Ridge"}},
        {"name": "Ridge-day-ahead", "estimator": "Ridge", "view": "day_ahead"},
    ],
}
N_RIDGE = 3


def study(**changes):
    return make_study({**DOCUMENT, **changes})


@pytest.fixture(scope="module")
def panel() -> Panel:
    return load_panel(study())


@pytest.fixture
def fits(monkeypatch) -> Counter[tuple[str, int]]:
    """How often each class was fitted, by its number of rows; a rule that is fitted is counted too."""
    counted: Counter[tuple[str, int]] = Counter()
    for kind in (Ridge, FirmServiceLevel, Rule):

        def fit(self, X, y=None, *more, _of=kind.fit, **options):
            counted[type(self).__name__, len(X)] += 1
            return _of(self, X, y, *more, **options)

        monkeypatch.setattr(kind, "fit", fit)
    return counted


def by_class(counted: Counter[tuple[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for (name, _), times in counted.items():
        total[name] += times
    return dict(total)


def test_registering_a_chosen_method_fits_what_learns_once_on_all_and_once_on_the_older_days(store, fits, monkeypatch):
    loads = []
    monkeypatch.setattr(studies, "load_panel", lambda study: loads.append(study) or load_panel(study))
    wanted = study()
    result = train_study(wanted, register="fits", alias="champion")
    assert "inside the training span" in result.registered["chosen_by"]
    assert by_class(fits) == {"Ridge": 2 * N_RIDGE, "FirmServiceLevel": 2}
    assert len(loads) == 1
    train, _ = study_events(wanted, load_panel(wanted))
    older, _ = choice_spans(wanted.train)
    n_older = (train["start"] < pd.Timestamp(older[1], tz="Europe/Rome") + pd.Timedelta(days=1)).sum()
    # 12 quarters of an hour an event, and 8 in the window of PBLM
    expected = {("Ridge", 12 * n): 2 for n in (len(train), n_older)}
    expected |= {("Ridge", 20 * n): 1 for n in (len(train), n_older)}
    expected |= {("FirmServiceLevel", 12 * n): 1 for n in (len(train), n_older)}
    assert dict(fits) == expected
    loaded = tracking.load_forecaster("models:/fits@champion")
    assert loaded.name == result.registered["method"]


@pytest.mark.parametrize("named", [{"method": "Ridge"}, {}], ids=["named by the user", "not registered"])
def test_without_a_choice_each_method_is_fitted_once(store, fits, named):
    train_study(study(), register="fits" if named else None, **named)
    assert by_class(fits) == {"Ridge": N_RIDGE, "FirmServiceLevel": 1}


def test_the_only_method_needs_no_second_training(panel, fits):
    ready = prepare(study(methods=[{"name": "Ridge", "estimator": "Ridge"}]), panel)
    judge(ready)
    assert choose_method(ready) == ("Ridge", "the only method")
    assert by_class(fits) == {"Ridge": 1}


def test_intervals_are_calibrated_for_the_whole_span_alone(panel, fits):
    wanted = study(intervals=0.8, methods=["High5of10", {"name": "Ridge", "estimator": "Ridge"}])
    ready = prepare(wanted, panel)
    judge(ready)
    assert by_class(fits)["Ridge"] == 6  # five blocks of days left out in turn, then all
    choose_method(ready)
    assert by_class(fits)["Ridge"] == 7


def test_features_of_the_training_events_are_looked_up_once(panel, monkeypatch):
    asked = []

    def looked_up(self, panel, cases, _of=ReferenceDays.__call__):
        asked.append(len(cases))
        return _of(self, panel, cases)

    monkeypatch.setattr(ReferenceDays, "__call__", looked_up)
    ready = prepare(study(), panel)
    judge(ready)
    n_looked_up = len(asked)
    assert n_looked_up == 4  # two views, training and test
    choose_method(ready)
    assert len(asked) == n_looked_up


def test_rules_alone_look_up_nothing_of_the_days_they_do_not_learn_from(panel, monkeypatch):
    asked = []

    def looked_up(self, panel, cases, _of=ReferenceDays.__call__):
        asked.append(cases.index.get_level_values("origin").min())
        return _of(self, panel, cases)

    monkeypatch.setattr(ReferenceDays, "__call__", looked_up)
    ready = prepare(study(methods=["High5of10", "PBLM-High5of10"]), panel)
    judge(ready)
    choose_method(ready)
    first_of_quarter = pd.Timestamp(choice_spans(ready.study.train)[1][0], tz="Europe/Rome")
    assert len(asked) == 2
    assert min(asked) >= first_of_quarter


@pytest.mark.filterwarnings("ignore:.*below standby")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"train_events": {"start": "17:00", "stop": "20:00", "shifts_h": [-1, 0, 1]}},
        {"events": {"start": "17:00", "stop": "20:00", "like": "hottest", "count": 40}},
        {"events": {"every_min": 360, "horizon_min": 180}, "metrics": ["mape", "rmse"]},
    ],
    ids=["plain", "other hours are learned from", "hottest days", "issue times"],
)
def test_the_choice_is_that_of_a_study_of_the_training_days_alone(panel, changes):
    """The slow, obvious way: a whole study whose test span is the newest quarter of the training days."""
    wanted = study(**changes)
    older, newest = choice_spans(wanted.train)
    obvious = run_study(wanted.model_copy(update={"train": older, "test": newest}), panel).leaderboard
    chosen, why = choose_method(prepare(wanted, panel))
    assert chosen == obvious.index[0]
    assert (
        why
        == f"smallest {'rmse' if 'metrics' in changes else 'nrmse'} from {newest[0]} to {newest[1]}, inside the training span"
    )


def test_the_test_span_chooses_nothing(panel):
    data = panel.data.copy()
    later = data.index.get_level_values("time") >= pd.Timestamp("2019-06-01", tz="Europe/Rome")
    garbage = np.random.default_rng(0).uniform(1, 9000, later.sum()).astype("float32")
    data.loc[later, "observed_kw"] = garbage
    for like in ({}, {"like": "highest_load", "count": 40}):
        wanted = study(events={"start": "17:00", "stop": "20:00", **like})
        assert choose_method(prepare(wanted, panel)) == choose_method(prepare(wanted, Panel(data, panel.sites)))


def test_a_choice_without_a_training_span_is_refused_before_anything_is_trained(store, monkeypatch):
    monkeypatch.setattr(study_data, "prepare", None)
    monkeypatch.setattr(studies, "load_panel", None)
    with pytest.raises(StudyError, match=r"no train: span, .* name one with --method"):
        train_study(study(train=None, methods=["High5of10", "Low3of5"]), register="x")
