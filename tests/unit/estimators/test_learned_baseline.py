"""The learned baseline on real buildings: better than its own best rule, and safe at sites unlike those it knows."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError
from cblcast.estimators.learned_baseline import LearnedBaseline, even_weights, within_evidence
from cblcast.estimators.wrappers.ensemble import Ensemble
from cblcast.forecast.backtest import backtest, split_events
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(["b9", "b25", "b63", "b97"])
    time = whole.data.index.get_level_values("time")
    return Panel(whole.data[(time >= "2017-01-01") & (time < "2018-12-31")], whole.sites)


@pytest.fixture(scope="module")
def result(panel):
    """Trained on 17 months of three buildings; the fourth is never seen in training."""
    events = placebo_events(panel, "17:00", "20:00", first="2017-02-01")
    train, test = split_events(events, panel, ("2017-02-01", "2018-06-30"), ("2018-07-01", "2018-12-20"))
    view = View.real_time()
    methods = {"learned": LearnedBaseline(n_estimators=60)} | {
        name: make_estimator(name) for name in ("PBLM-Nearest5of10", "PBLM-10of10", "Nearest5of10")
    }
    seen = train[train["site_id"] != "b97"].reset_index(drop=True)
    return backtest(panel, {name: Forecaster(est, view=view, name=name) for name, est in methods.items()}, test, seen)


def test_it_beats_every_rule_on_buildings_it_knows_and_on_one_it_does_not(result):
    table = evaluate(result.scored, by=("method", "site_id"))["nrmse"].unstack("method")
    assert table["learned"].mean() < 0.95 * table.drop(columns="learned").mean().min()
    assert table.loc["b97", "learned"] < table.loc["b97"].drop("learned").min()


def test_one_building_gone_wrong_does_not_spoil_the_others(panel, result):
    data = panel.data.copy()
    here = data.index.get_level_values("site_id") == "b9"
    time = data.index.get_level_values("time")
    data.loc[here & (time < "2017-09-01"), "observed_kw"] = 0.001  # an empty building that fills at once
    data.loc[here & (time >= "2017-12-01") & (time < "2017-12-20"), "observed_kw"] = np.nan
    broken = Panel(data, panel.sites)
    events = placebo_events(broken, "17:00", "20:00", first="2017-02-01")
    train, test = split_events(events, broken, ("2017-02-01", "2018-06-30"), ("2018-07-01", "2018-12-20"))
    seen = train[train["site_id"] != "b97"].reset_index(drop=True)
    again = backtest(broken, {"learned": Forecaster(LearnedBaseline(n_estimators=60))}, test, seen)
    good, bad = (
        evaluate(found.scored, by=("method", "site_id"))["nrmse"].loc["learned"].drop("b9") for found in (result, again)
    )
    assert (bad / good).max() < 1.1


def test_an_empty_home_is_estimated_as_empty_and_a_site_without_days_not_at_all(panel, result):
    model = result.forecasters["learned"]
    time = panel.data.index.get_level_values("time")
    data = panel.data[(time >= "2018-06-01") & (time < "2018-11-01")].copy()
    data.loc["b25", "observed_kw"] = 0.0
    early = (data.index.get_level_values("site_id") == "b9") & (data.index.get_level_values("time") < "2018-10-28")
    data.loc[early, "observed_kw"] = np.nan
    odd = Panel(data, panel.sites)
    events = placebo_events(odd, "17:00", "20:00", first="2018-10-29", last="2018-10-29")
    found = model.predict(odd, model.cases(odd, events))["predicted_kw"]
    assert (found["b25"] == 0).all()
    assert found["b9"].isna().all()
    assert found["b97"].between(1, 100).all()


def test_saved_and_loaded_it_says_the_same(panel, result, tmp_path):
    model = result.forecasters["learned"]
    cases = model.cases(panel, placebo_events(panel, "17:00", "20:00", first="2018-12-01", last="2018-12-10"))
    model.save(tmp_path)
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path).predict(panel, cases), model.predict(panel, cases))


def test_another_hour_and_a_longer_event_than_trained_are_estimated(panel, result):
    model = result.forecasters["learned"]
    cases = model.cases(panel, placebo_events(panel, "08:00", "13:00", first="2018-11-05", last="2018-11-09"))
    found = model.predict(panel, cases)["predicted_kw"].to_numpy()
    error = found - truth(panel, cases)
    assert np.isfinite(found).all()
    assert np.sqrt((error**2).mean()) < 0.35 * truth(panel, cases).mean()


def test_weights_even_out_sites_whose_errors_differ_by_orders_of_magnitude():
    index = pd.MultiIndex.from_product([["calm", "wild"], range(50), [0]], names=["site_id", "origin", "time"])
    X = pd.DataFrame({"history_scale_kw": 1.0, "history_mean_kw": 1.0}, index)
    error = np.r_[np.full(50, 0.1), np.full(50, 100.0)]
    weight = even_weights(X, 1.0 + error, None)
    contribution = (weight * error**2).reshape(2, 50).sum(1)
    assert contribution[1] <= 50.0 * (1 + 1e-9)
    assert weight[0] > 100 * weight[50]


def test_an_estimate_outside_all_evidence_is_held_at_it():
    X = pd.DataFrame({"history_mean_kw": [5.0, 5.0, np.nan], "history_day_1_kw": [7.0, 7.0, np.nan]})
    np.testing.assert_array_equal(within_evidence(X, np.array([6.0, 1e6, 3.0]), None), [6.0, 7.0, 3.0])


def test_without_the_day_history_the_builder_is_named():
    with pytest.raises(DataError, match="add day_history to the features"):
        LearnedBaseline().fit(pd.DataFrame({"hour": [1.0]}), np.ones(1))


def test_in_one_method_each_keeps_to_the_weather_and_the_year_it_was_given(panel):
    members = (LearnedBaseline(n_estimators=2), LearnedBaseline((), year_ago=False, n_estimators=2))
    made = Forecaster(Ensemble(members))
    events = placebo_events(panel, "17:00", "20:00", first="2018-09-01", last="2018-10-15")
    cases = made.cases(panel, events)
    made.fit(panel, cases)
    rich, plain = made.estimator.members_
    assert {"history_temp_air_c_climb", "history_year_ago_kw"} < set(rich.columns_)
    alone = Forecaster(members[1]).fit(panel, cases)
    assert plain.columns_ == alone.estimator.columns_
    np.testing.assert_allclose(
        plain.predict(made.matrix(panel, cases)), alone.estimator.predict(alone.matrix(panel, cases))
    )
