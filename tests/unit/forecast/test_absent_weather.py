"""A method that can do without weather does so where the panel has none, and says how to have it."""

import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, DataWarning
from cblcast.forecast.backtest import backtest
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.scoring import score_events
from cblcast.frames.panel import Panel

SMALL = {"estimator": "LearnedBaseline", "n_estimators": 5}


@pytest.fixture(scope="module")
def bare() -> Panel:
    whole = datasets.load("cambridge_sme").select(["b1"])
    time = whole.data.index.get_level_values("time")
    return Panel(whole.data.loc[(time >= "2018-01-01") & (time < "2018-07-01"), ["observed_kw"]], whole.sites)


def events(panel: Panel, first: str, last: str):
    return placebo_events(panel, "17:00", "20:00", first=first, last=last)


@pytest.mark.parametrize("spec", [SMALL, {"estimator": "UnusualDay", "of": SMALL}], ids=["plain", "wrapped"])
def test_a_meter_without_weather_is_learned_from_and_that_is_told(bare, spec):
    made = Forecaster(make_estimator(spec), name="mine")
    train, test = events(bare, "2018-03-01", "2018-05-31"), events(bare, "2018-06-04", "2018-06-08")
    with pytest.warns(DataWarning, match=r"have no temp_air_c, so mine learns without weather.*weather: \[\]"):
        result = backtest(bare, {"mine": made}, test, train)
    assert len(result.scored) == 15
    assert made.features["day_history"]["weather"] == ()
    score_events(made, bare, test)  # what it reads is settled: nothing more is said


def test_who_wants_no_weather_is_told_nothing(bare):
    made = Forecaster(make_estimator({**SMALL, "weather": []}))
    made.fit(bare, made.cases(bare, events(bare, "2018-03-01", "2018-05-31")))


def test_a_model_of_weather_is_refused_where_there_is_none(bare):
    whole = datasets.load("cambridge_sme").select(["b1"])
    made = Forecaster(make_estimator(SMALL), name="mine")
    made.fit(whole, made.cases(whole, events(whole, "2018-03-01", "2018-04-30")))
    with pytest.raises(DataError, match=r"lacks the column 'temp_air_c', which mine was trained on.*weather: \[\]"):
        score_events(made, bare, events(bare, "2018-06-04", "2018-06-05"))
