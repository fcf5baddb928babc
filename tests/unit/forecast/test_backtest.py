"""The backtest: methods do not disturb each other, and what is not estimated is counted with its reason."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError
from cblcast.forecast.backtest import backtest, split_events
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme")
    two = whole.select(list(whole.site_ids[:2]))
    time = two.data.index.get_level_values("time")
    return Panel(two.data[(time >= "2018-01-01") & (time < "2018-05-01")], two.sites)


@pytest.fixture(scope="module")
def events(panel):
    return placebo_events(panel, "17:00", "20:00", first="2018-01-08")


def methods(*names, view=None):
    return {name: Forecaster(make_estimator(name), view=view or View.settlement(), name=name) for name in names}


def test_a_method_scores_the_same_alone_and_among_others(panel, events):
    names = ("High5of10", "WS-High5of10", "BW-PBLM-Low3of5", "MeterBeforeMeterAfter")
    together = backtest(panel, methods(*names), events).scored
    for name in names:
        alone = backtest(panel, methods(name), events).scored
        pd.testing.assert_frame_equal(together[together["method"] == name], alone, check_exact=True)


def test_events_without_an_estimate_are_excluded_whole_with_a_reason(panel, events):
    found = backtest(panel, methods("High5of10"), events)
    assert found.scored["predicted_kw"].notna().all()
    early = found.excluded[found.excluded["origin"] < pd.Timestamp("2018-01-15", tz="UTC")]
    assert len(early) == 10  # five working days of two sites: fewer than ten days before them
    assert early["reason"].str.contains(r"[1-9] days qualified in 60 days of look-back \(.*outside the data").all()
    n_events = found.scored.groupby(["site_id", "origin"]).ngroups
    assert n_events + len(found.excluded) == len(events)


def test_a_day_with_a_gap_or_a_real_event_is_told_and_not_learned_from(panel):
    gap, real = pd.Timestamp("2018-04-10 18:00", tz="UTC"), pd.Timestamp("2018-04-12 17:00", tz="UTC")
    data = panel.data.copy()
    data.loc[(panel.site_ids[0], gap), "observed_kw"] = np.nan
    dispatched = pd.DataFrame({"site_id": panel.site_ids[1:2], "start": [real], "stop": [real + pd.Timedelta("1h")]})
    gappy = Panel(data, panel.sites).with_events(dispatched)
    marked = placebo_events(gappy, "17:00", "20:00", first="2018-03-01", keep_unmetered=True)
    whole = placebo_events(gappy, "17:00", "20:00", first="2018-03-01")
    assert len(marked) == len(whole) + 2
    learned, judged = split_events(marked, gappy, ("2018-04-01", "2018-04-30"), ("2018-03-01", "2018-03-31"))
    assert learned["metered"].all()
    _, judged = split_events(marked, gappy, None, ("2018-03-01", "2018-04-30"))
    found = backtest(gappy, methods("High5of10"), judged)
    told = found.excluded[found.excluded["origin"].dt.strftime("%m-%d").isin(["04-10", "04-12"])]
    assert told["reason"].tolist() == [
        "the event was not metered throughout",
        "a real event was dispatched then, whose load is masked",
    ]
    scored = backtest(gappy, methods("High5of10"), whole).scored
    pd.testing.assert_frame_equal(found.scored, scored, check_exact=True)


def test_the_future_does_not_move_a_backtest_in_real_time(panel, events):
    cut = pd.Timestamp("2018-03-01", tz="UTC")
    early = events[(events["stop"] < cut) & (events["start"] > cut - pd.Timedelta(days=14))].reset_index(drop=True)
    data = panel.data.copy()
    data.loc[data.index.get_level_values("time") >= early["start"].max(), "observed_kw"] *= 7
    last = early["start"].max()
    named = methods("PBLM-Nearest5of10", "High5of10", view=View.real_time())
    for name, column in ((name, "predicted_kw") for name in named):
        honest = backtest(panel, {name: named[name]}, early).scored[column]
        spoilt = backtest(Panel(data, panel.sites), {name: named[name]}, early).scored[column]
        pd.testing.assert_series_equal(honest, spoilt, check_exact=True)
    assert last < cut


def test_a_learner_needs_training_events_and_a_rule_does_not(panel, events):
    with pytest.raises(DataError, match="must be trained"):
        backtest(panel, {"level": Forecaster(make_estimator("FirmServiceLevel"))}, events)
    given = Forecaster(make_estimator({"estimator": "FirmServiceLevel", "level_kw": 100.0}))
    assert (backtest(panel, {"level": given}, events).scored["predicted_kw"] == 100).all()
    learned = Forecaster(make_estimator("FirmServiceLevel"))
    scored = backtest(panel, {"level": learned}, events.iloc[::2], events.iloc[1::2]).scored
    assert (scored.groupby("site_id")["predicted_kw"].std() == 0).all()


def test_split_by_local_date(panel, events):
    train, test = split_events(events, panel, ("2018-01-01", "2018-03-31"), ("2018-04-01", "2018-04-30"))
    assert train["start"].max() < pd.Timestamp("2018-04-01", tz="Europe/London") <= test["start"].min()
    assert len(train) + len(test) == len(events)
    with pytest.raises(DataError, match="overlaps"):
        split_events(events, panel, ("2018-01-01", "2018-04-01"), ("2018-04-01", "2018-04-30"))
    with pytest.raises(DataError, match="no event lies in the test span"):
        split_events(events, panel, None, ("2021-01-01", "2021-04-30"))


def test_no_method_is_no_backtest(panel, events):
    with pytest.raises(DataError, match="no methods"):
        backtest(panel, {}, events)


def test_seconds_and_progress_are_told(panel, events):
    told = []
    found = backtest(panel, methods("High5of10", "10of10"), events, progress=told.append)
    assert told == ["High5of10", "10of10"]
    assert all(np.isfinite(list(spent.values())).all() for spent in found.seconds.values())
