"""Odd days are told wherever a model is made, once, and not again where a reader told them."""

import warnings

import numpy as np
import pandas as pd
import pytest

from cblcast.days.placebo import placebo_events
from cblcast.errors import DataWarning
from cblcast.forecast.backtest import backtest
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.panel import Panel, panel_of
from cblcast.frames.quality import warn_of_odd_days
from cblcast.io.tabular import read_panel
from cblcast.settlement.conductor import settle


def hours(spike: float) -> pd.DataFrame:
    time = pd.date_range("2019-03-01", periods=24 * 60, freq="h", tz="UTC")
    load = 10 + np.sin(np.arange(len(time)) / 4)
    load[700] = spike
    return pd.DataFrame({"site_id": "a", "time": time, "observed_kw": load})


@pytest.fixture
def panel() -> Panel:
    return panel_of(hours(9000.0), "Europe/Rome", country="IT")


def test_training_names_the_days_once(panel):
    days = placebo_events(panel, "10:00", "12:00", first="2019-04-20")
    made = Forecaster(make_estimator("High5of10"))
    with pytest.warns(DataWarning, match="the panel: a spike, .* on 1 days .a 2019-03-30.: mend or drop them"):
        made.fit(panel, made.cases(panel, days))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backtest(panel.with_events(days.iloc[:1]), {"High5of10": made}, days.iloc[1:])


def test_a_backtest_names_them_too(panel):
    days = placebo_events(panel, "10:00", "12:00", first="2019-04-20")
    with pytest.warns(DataWarning, match="a spike"):
        backtest(panel, {"High5of10": Forecaster(make_estimator("High5of10"))}, days)


def test_a_settlement_names_them_too(panel):
    event = pd.DataFrame(
        {"site_id": ["a"], "start": [pd.Timestamp("2019-04-23T10:00Z")], "stop": [pd.Timestamp("2019-04-23T12:00Z")]}
    )
    with pytest.warns(DataWarning, match="the panel: a spike"):
        settle(panel, event, ["pjm_economic"])


def test_an_ordinary_panel_is_silent():
    warn_of_odd_days(panel_of(hours(10.0), "Europe/Rome"))


def test_what_a_reader_told_is_not_told_again():
    with pytest.warns(DataWarning, match="a spike"):
        read = read_panel(hours(9000.0), tz="Europe/Rome")
    warn_of_odd_days(read)
