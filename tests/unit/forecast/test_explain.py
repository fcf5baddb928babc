"""Importance over whole events, and SHAP values that add up to the estimate."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.wrappers.ensemble import Ensemble
from cblcast.estimators.wrappers.intervals import Conformal
from cblcast.estimators.wrappers.normalised import Normalised
from cblcast.estimators.wrappers.residual import Residual
from cblcast.forecast.backtest import split_events
from cblcast.forecast.explain import EXPECTED, explain_forecaster, feature_groups, permutation_importance
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.schema import DataError, StudyError

FEATURES = {"reference_days": {"days": 5}, "event_windows": {"hours_before": 2}, "calendar": {"cyclic": False}}


@pytest.fixture(scope="module")
def trained():
    """A boosted model with intervals for two real buildings, trained 2018, and its cases of spring 2019."""
    panel = datasets.load("cambridge_sme").select(["b1", "b22"])
    events = placebo_events(panel, "17:00", "20:00", first="2018-01-01", last="2019-03-31")
    train, test = split_events(events, panel, ("2018-01-01", "2018-12-31"), ("2019-01-01", "2019-03-31"))
    forecaster = Forecaster(Conformal(Boosting(n_estimators=40), folds=2), FEATURES, name="boosted")
    forecaster.fit(panel, forecaster.cases(panel, train))
    return forecaster, panel, forecaster.cases(panel, test)


def frame(n_events=40, n_rows=3, seed=0):
    """Two sites with features of which the load is made: 'course' varies within the event, 'day' between events."""
    rng = np.random.default_rng(seed)
    origin = pd.date_range("2019-01-07 17:00", periods=n_events, freq="D", tz="UTC").as_unit("us")
    index = pd.MultiIndex.from_tuples(
        [(s, o, o + pd.Timedelta(hours=h)) for s in ("a", "b") for o in origin for h in range(n_rows)],
        names=["site_id", "origin", "time"],
    )
    size = np.where(index.get_level_values(0) == "a", 10.0, 1000.0)
    course = np.tile(np.arange(n_rows), 2 * n_events) * size
    day_1 = np.repeat(rng.normal(size=2 * n_events), n_rows) * size
    noise = rng.normal(size=len(index))
    return pd.DataFrame({"course": course, "day_1": day_1, "day_2": day_1, "noise": noise, "size": size}, index=index)


def test_only_what_varies_between_the_events_of_a_site_is_important():
    X = frame()
    y = (X["size"] * 5 + X["course"] + X["day_1"]).to_numpy()
    importance, error = permutation_importance(
        lambda X: (X["size"] * 5 + X["course"] + (X["day_1"] + X["day_2"]) / 2).to_numpy(), X, y
    )
    assert error == pytest.approx(0, abs=1e-9)
    assert importance["nrmse_rise"].idxmax() == "day"  # both columns at once: one alone would hide behind the other
    assert importance.loc["day", "n_columns"] == 2
    assert importance.loc["day", "nrmse_rise"] > 10
    # The course is the same in every event, the size differs between sites only: nothing is lost.
    np.testing.assert_allclose(importance.loc[["course", "size", "noise"], "nrmse_rise"], 0, atol=1e-9)


def test_events_of_different_length_are_not_mixed():
    X = pd.concat([frame(20, 3), frame(15, 2, seed=1).rename(index={"a": "c", "b": "d"}, level=0)]).sort_index()
    seen = []
    permutation_importance(
        lambda X: seen.append(X["course"].to_numpy()) or X["size"].to_numpy(), X, X["size"].to_numpy()
    )
    for course in seen:
        np.testing.assert_array_equal(course, X["course"])


def test_the_same_seed_gives_the_same_table(trained):
    one, other = (explain_forecaster(*trained, repeats=1, max_events=30).importance for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


def test_numbered_columns_are_one_feature_and_units_are_kept():
    groups = feature_groups(
        ["ref_kw_01", "ref_kw_02", "ref_gap_kw_01", "seen_before_1_kw", "wind_speed_100m_ms", "hour"]
    )
    assert groups == {
        "ref_kw": ["ref_kw_01", "ref_kw_02"],
        "ref_gap_kw": ["ref_gap_kw_01"],
        "seen_before_kw": ["seen_before_1_kw"],
        "wind_speed_100m_ms": ["wind_speed_100m_ms"],
        "hour": ["hour"],
    }


def test_a_boosted_forecaster_is_explained_in_tables(trained):
    forecaster, panel, cases = trained
    found = explain_forecaster(forecaster, panel, cases, repeats=2, max_events=60)
    assert found.importance["nrmse_rise"].is_monotonic_decreasing
    # The hours right before the event are what a baseline in real time lives on (baseline paper, PBLM against none).
    assert "seen_before_kw" in found.importance.index[:3]
    shap = found.shap["boosted"]
    np.testing.assert_allclose(shap.sum(axis=1), forecaster.estimator.predict(found.seen["boosted"]), rtol=1e-6)
    assert (shap[EXPECTED] == shap[EXPECTED].iloc[0]).all()
    table = found.shap_table()
    assert table["mean_abs_shap"].is_monotonic_decreasing
    assert EXPECTED not in set(table["feature"])


def test_boosted_models_inside_wrappers_are_explained_with_what_they_see(trained):
    _, panel, cases = trained
    inner = Ensemble(members=(Residual(Boosting(n_estimators=5), make_estimator("10of10")), Boosting(n_estimators=6)))
    forecaster = Forecaster(Normalised(inner, scale="ref_day_kw_01"), {**FEATURES, "reference_days": {"days": 10}})
    forecaster.name = "pooled"
    forecaster.fit(panel, cases)
    X = forecaster.matrix(panel, cases)
    before = forecaster.estimator.predict(X)
    found = explain_forecaster(forecaster, panel, cases, repeats=1, max_events=1000)
    assert sorted(found.shap) == ["pooled_1", "pooled_2"]
    assert "baseline_kw" in found.shap["pooled_1"]  # only the one that learns a residual sees the baseline
    assert "baseline_kw" not in found.shap["pooled_2"]
    one, two = (values.sum(axis=1) for values in found.shap.values())
    both = (found.seen["pooled_1"]["baseline_kw"] + one + two) / 2  # an equal mean, as shares of the site's scale
    np.testing.assert_allclose(both * X["ref_day_kw_01"], before, rtol=1e-6)
    np.testing.assert_array_equal(forecaster.estimator.predict(X), before)  # nothing is left listening


def test_a_rule_uses_only_the_days_it_averages(trained):
    _, panel, cases = trained
    rule = Forecaster(make_estimator("High3of5"), FEATURES, View.real_time())
    rule.estimator.fit(pd.DataFrame())
    found = explain_forecaster(rule, panel, cases, repeats=1, max_events=40)
    assert found.shap == {}
    assert set(found.importance.index[found.importance["nrmse_rise"] != 0]) <= {"ref_kw", "ref_event_kw"}
    assert found.importance.loc["ref_kw", "nrmse_rise"] > 0


def test_bad_input_is_one_clear_sentence(trained):
    with pytest.raises(StudyError, match="repeats >= 1"):
        explain_forecaster(*trained, repeats=0)
    X = frame()
    with pytest.raises(DataError, match="nothing to explain"):
        permutation_importance(lambda X: X["size"].to_numpy(), X, np.full(len(X), np.nan))
