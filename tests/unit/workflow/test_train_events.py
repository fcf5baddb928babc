"""Learning from other hours than those that are judged: the ``train_events:`` section of a study."""

import pandas as pd
import pytest

from cblcast.config import make_study
from cblcast.frames.cases import View, make_cases
from cblcast.frames.schema import DataError, StudyError
from cblcast.workflow.studies import run_study
from cblcast.workflow.study_data import load_panel, shifted_clock, study_events

NET = {"estimator": "NeuralNetPerSite", "hidden": [3], "max_epochs": 3, "columns": ["hour", "month"]}


def study(**changes):
    document = {
        "study": "s",
        "data": {"dataset": "turin"},
        "events": {"start": "17:00", "stop": "20:00"},
        "train": ["2019-05-01", "2019-08-31"],
        "test": ["2019-09-01", "2019-09-30"],
        "features": {"calendar": {}},
        "methods": [{"name": "NN-CBL", **NET}, {"name": "PBLM-NN-CBL", "estimator": "Adjusted", "of": NET}],
    }
    return make_study({**document, **changes})


def hours(events):
    local = (pd.DatetimeIndex(events[edge]).tz_convert("Europe/Rome") for edge in ("start", "stop"))
    return {(start.hour, stop.hour) for start, stop in zip(*local, strict=True)}


def test_other_hours_are_learned_from_and_the_same_are_judged():
    plain, more = study(), study(train_events={"start": "10:00", "stop": "23:00", "days": "monday_to_saturday"})
    panel = load_panel(plain)
    train, test = study_events(more, panel)
    assert hours(train) == {(10, 23)}
    assert hours(test) == {(17, 20)}
    assert set(pd.DatetimeIndex(train["start"]).tz_convert("Europe/Rome").day_of_week) == set(range(6))
    assert train["start"].max() < test["start"].min()
    pd.testing.assert_frame_equal(test, study_events(plain, panel)[1])


def test_a_net_learns_every_interval_of_the_longer_hours():
    both = study(train_events={"start": "00:00", "stop": "24:00"})
    panel = load_panel(both)
    result = run_study(both, panel)
    train, _ = study_events(both, panel)
    learned = {name: made.estimator for name, made in result.backtest.forecasters.items()}
    days = round(0.6 * len(train))  # 60 % of whole days of 96 quarters of an hour train, 20 % validate, 20 % test
    assert learned["NN-CBL"].history_["rows_train"] == [pytest.approx(days * 96, abs=96)]
    # What is adjusted must be estimated in its window too, so the window's eight quarters are learned as well.
    assert learned["PBLM-NN-CBL"].estimator_.history_["rows_train"] == [pytest.approx(days * 104, abs=104)]
    assert (result.leaderboard["n_events"] == len(study_events(both, panel)[1])).all()


def test_the_spans_may_not_overlap_either_way():
    for test in (["2019-08-20", "2019-09-30"], ["2018-01-01", "2018-12-31"]):
        with pytest.raises(StudyError, match="before the training span ends"):
            study(train_events={"start": "10:00", "stop": "23:00"}, test=test)


def test_shifted_hours_give_several_looks_at_each_day_and_may_overlap():
    shifted = study(
        train_events={"start": "17:00", "stop": "20:00", "shifts_h": [-1, 0, 1]},
        methods=[{"estimator": "FirmServiceLevel"}],
    )
    panel = load_panel(shifted)
    train, test = study_events(shifted, panel)
    assert hours(train) == {(16, 19), (17, 20), (18, 21)}
    assert hours(test) == {(17, 20)}
    assert run_study(shifted, panel).leaderboard["n_events"].iloc[0] == len(test)


@pytest.mark.parametrize(
    ("clock", "hours_later", "expected"), [("17:00", -1, "16:00"), ("23:30", 1, "00:30"), ("00:15", -0.5, "23:45")]
)
def test_a_shifted_clock_comes_round_at_midnight(clock, hours_later, expected):
    assert shifted_clock(clock, hours_later) == expected


def test_the_same_event_twice_is_refused_even_where_overlap_is_allowed():
    panel = load_panel(study())
    events = study_events(study(), panel)[1]
    doubled = pd.concat([events, events.head(1)], ignore_index=True)
    with pytest.raises(DataError, match="overlaps the event before it"):
        make_cases(panel, doubled, View.real_time(), may_overlap=True)
