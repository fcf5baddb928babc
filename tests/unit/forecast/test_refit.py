"""The refitted backtest: each span is what a backtest of its own would give, and learns from nothing after its gap."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, StudyError
from cblcast.forecast.backtest import backtest
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.refit import Refit, backtest_refitted, ended_by, local_dates
from cblcast.frames.panel import Panel

FEATURES = {"calendar": {}, "reference_days": {}}


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme")
    two = whole.select(list(whole.site_ids[:2]))
    time = two.data.index.get_level_values("time")
    return Panel(two.data[(time >= "2018-01-01") & (time < "2018-07-01")], two.sites)


@pytest.fixture(scope="module")
def events(panel):
    return placebo_events(panel, "17:00", "20:00", first="2018-01-22", keep_unmetered=False)


def methods():
    return {name: Forecaster(make_estimator(name), FEATURES, name=name) for name in ("High5of10", "Ridge")}


def dated(panel, events, first, last):
    date = local_dates(panel, events)
    return events[(date >= np.datetime64(first)) & (date <= np.datetime64(last))].reset_index(drop=True)


def test_spans_of_the_calendar_are_cut_by_the_test():
    spans = Refit("quarterly", 1).spans("2015-02-10", "2015-07-05")
    assert [(s.name, s.first, s.last, s.learned_until) for s in spans] == [
        ("2015Q1", "2015-02-10", "2015-03-31", "2015-02-08"),
        ("2015Q2", "2015-04-01", "2015-06-30", "2015-03-30"),
        ("2015Q3", "2015-07-01", "2015-07-05", "2015-06-29"),
    ]
    assert [s.name for s in Refit("weekly", 0).spans("2015-03-04", "2015-03-09")] == ["2015-03-02", "2015-03-09"]
    due = Refit("monthly", 2).following("2015-12-31")
    assert (due.name, due.first, due.learned_until) == ("2016-01", "2016-01-01", "2015-12-29")


@given(
    every=st.sampled_from(["weekly", "monthly", "quarterly", "yearly"]),
    gap=st.integers(0, 40),
    first=st.dates(pd.Timestamp("2000-01-01").date(), pd.Timestamp("2030-01-01").date()),
    length=st.integers(1, 800),
)
@settings(max_examples=50, deadline=None)
def test_spans_cover_every_day_once_and_learn_only_before_their_gap(every, gap, first, length):
    days = pd.date_range(first, periods=length)
    spans = Refit(every, gap).spans(str(days[0].date()), str(days[-1].date()))
    covered = [day for span in spans for day in pd.date_range(span.first, span.last)]
    assert covered == list(days)
    for span in spans:
        assert pd.Timestamp(span.first) - pd.Timestamp(span.learned_until) == pd.Timedelta(days=gap + 1)


def test_each_span_is_a_backtest_of_its_own(panel, events):
    refit, test = Refit("monthly", 1), dated(panel, events, "2018-04-10", "2018-06-20")
    found = backtest_refitted(panel, methods(), test, events, refit)
    assert list(found.refits.index) == ["2018-04", "2018-05", "2018-06"]
    for span in refit.spans("2018-04-10", "2018-06-20"):
        judged = dated(panel, events, span.first, span.last)
        learned = ended_by(panel, events, span.learned_until)
        alone = backtest(panel, methods(), judged, learned, fold=span.name)
        mine = found.scored[found.scored["fold"] == span.name]
        pd.testing.assert_frame_equal(mine, alone.scored, check_exact=True)
        assert found.refits.loc[span.name, "n_learned"] == len(learned)
        assert found.refits.loc[span.name, "n_judged"] == len(judged)
        assert local_dates(panel, learned, "stop").max() <= np.datetime64(span.learned_until)
    assert set(found.seconds) == {"High5of10", "Ridge"}


def test_what_comes_after_the_gap_teaches_nothing(panel, events):
    refit, test = Refit("monthly", 5), dated(panel, events, "2018-06-01", "2018-06-29")
    before = backtest_refitted(panel, {"Ridge": methods()["Ridge"]}, test, events, refit).scored
    late = events[~events.index.isin(ended_by(panel, events.reset_index(), "2018-05-26")["index"])]
    fewer = events.drop(late.index).reset_index(drop=True)
    after = backtest_refitted(panel, {"Ridge": methods()["Ridge"]}, test, fewer, refit).scored
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    assert len(fewer) < len(events)


def test_progress_is_told_by_method_and_span(panel, events):
    told = []
    test = dated(panel, events, "2018-05-20", "2018-06-10")
    backtest_refitted(panel, methods(), test, events, Refit("monthly"), told.append)
    assert told == ["High5of10 2018-05", "Ridge 2018-05", "High5of10 2018-06", "Ridge 2018-06"]


def test_a_span_before_which_nothing_can_be_learned_is_told(panel, events):
    test = dated(panel, events, "2018-05-01", "2018-06-10")
    with pytest.raises(DataError, match=r"span 2018-05: no training event ends by 2018-04-29"):
        backtest_refitted(panel, methods(), test, dated(panel, events, "2018-05-01", "2018-06-10"), Refit("monthly"))


@pytest.mark.parametrize(("every", "gap"), [("montly", 1), ("monthly", -1), ("monthly", 1.5), ("monthly", True)])
def test_bad_settings_are_told(every, gap):
    with pytest.raises(StudyError, match=r"did you mean 'monthly'|whole number of days"):
        Refit(every, gap)
