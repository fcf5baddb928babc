"""Normalised, Residual, PerSite and Column: what they hand on, and what they do with sites that break the rule."""

import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cblcast.errors import DataError, StudyError
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.quantile_boosting import QuantileBoosting
from cblcast.estimators.learners.regression import LeastSquares, Ridge
from cblcast.estimators.rules.column import Column
from cblcast.estimators.rules.similar_days import XofY
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.estimators.wrappers.normalised import Normalised
from cblcast.estimators.wrappers.per_site import PerSite
from cblcast.estimators.wrappers.residual import Residual
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.state import load_state, save_state
from cblcast.frames.events import Window
from cblcast.frames.units import unit_of_column


def sites(factors, n=120, seed=0):
    """The same shape of load at sites of different size."""
    frames = []
    for site, factor in factors.items():
        rng = np.random.default_rng(seed)
        days = pd.date_range("2019-01-01 17:00", periods=n, freq="D", tz="UTC").as_unit("us")
        index = pd.MultiIndex.from_arrays([[site] * n, days, days], names=["site_id", "origin", "time"])
        load, warmth = rng.uniform(0.5, 1.5, n), rng.normal(size=n)
        X = pd.DataFrame({"history_scale_kw": 1.0 * factor, "ref_kw_01": load * factor, "temp_air_c": warmth}, index)
        frames.append(X.assign(y=(load + 0.2 * warmth) * factor))
    joined = pd.concat(frames).sort_index()
    return joined.drop(columns="y"), joined["y"].to_numpy()


def test_what_is_in_kilowatts_is_told_by_the_name():
    assert [
        n for n in ("ref_kw_01", "seen_before_1_kw", "temp_air_c", "kwh_day", "age_days") if unit_of_column(n) == "kw"
    ] == [
        "ref_kw_01",
        "seen_before_1_kw",
    ]


def test_normalised_learns_on_small_sites_and_serves_a_large_one():
    X, y = sites({"small": 2.0, "other": 5.0})
    large, truth = sites({"large": 900.0}, seed=4)
    found = Normalised(Ridge(alphas=(1e-6,), clip=None)).fit(X, y).predict(large)
    np.testing.assert_allclose(found, truth, rtol=1e-4)


def test_normalised_scales_with_the_load():
    X, y = sites({"a": 3.0, "b": 7.0})
    model = Normalised(LeastSquares(), log_scale=False).fit(X, y)
    kilowatts = [name for name in X if unit_of_column(name) == "kw"]
    np.testing.assert_allclose(model.predict(X.assign(**{n: 10 * X[n] for n in kilowatts})), 10 * model.predict(X))


def test_an_all_zero_site_gets_zero_and_a_site_without_days_gets_nan(caplog):
    X, y = sites({"zero": 0.0, "good": 2.0, "new": 4.0})
    X.loc["new", "history_scale_kw"] = np.nan
    with caplog.at_level(logging.INFO):
        model = Normalised(Ridge()).fit(X, y)
        found = pd.Series(model.predict(X), X.index)
    assert (found["zero"] == 0).all()
    assert found["new"].isna().all()
    assert found["good"].notna().all()
    assert "240 of 360 training rows have no load to divide by" in caplog.text
    assert "120 have no reference days" in caplog.text
    with pytest.raises(DataError, match="no training row with 'history_scale_kw' above zero"):
        Normalised(Ridge()).fit(X.loc[["zero"]], np.zeros(120))


def test_residual_adds_what_the_baseline_leaves():
    X, y = sites({"a": 3.0})
    model = Residual(LeastSquares(["temp_air_c"]), Column("ref_kw_01")).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y, rtol=1e-9)  # the load is the day plus 0.2 × 3 kW × warmth
    assert model.estimator_.design_.names == ["temp_air_c"]


def test_residual_leaves_out_rows_without_a_baseline_and_says_so(caplog):
    X, y = sites({"a": 3.0})
    X.iloc[:7, X.columns.get_loc("ref_kw_01")] = np.nan
    with caplog.at_level(logging.INFO):
        found = Residual(Ridge(), Column("ref_kw_01")).fit(X, y).predict(X)
    assert "7 of 120 training rows have no baseline" in caplog.text
    assert np.isnan(found[:7]).all()
    assert np.isfinite(found[7:]).all()
    with pytest.raises(DataError, match="Column gives no baseline for any training row"):
        Residual(Ridge(), Column("ref_kw_01")).fit(X.assign(ref_kw_01=np.nan), y)


def test_residual_does_not_learn_from_the_hours_beside_the_event():
    X, y = sites({"a": 3.0})
    X["hours_since_start"] = np.tile([-2.0, 0.0], 60)
    X["hours_since_stop"] = X["hours_since_start"] - 3
    wild = np.where(X["hours_since_start"] < 0, 1e6, y)
    ours = Residual(LeastSquares(["temp_air_c"]), Column("ref_kw_01")).fit(X, wild)
    np.testing.assert_allclose(ours.predict(X), y, rtol=1e-9)


def test_wrappers_merge_the_windows_and_features_of_what_they_hold():
    model = Normalised(Residual(Boosting(), Adjusted(XofY(5, 15, "nearest"), "PBLM")))
    assert model.windows() == (Window.before(2),)
    assert model.required_features()["reference_days"]["days"] == 15
    assert "event_windows" in model.required_features()


def test_one_model_per_site_is_that_model_alone_and_a_new_site_falls_back():
    X, y = sites({"a": 3.0, "b": 7.0})
    model = PerSite(Ridge(), fallback=LeastSquares()).fit(X, y)
    for site in ("a", "b"):
        own = np.asarray(X.index.get_level_values("site_id") == site)
        np.testing.assert_array_equal(model.predict(X)[own], Ridge().fit(X[own], y[own]).predict(X[own]))
    new, _ = sites({"new": 4.0}, n=10)
    np.testing.assert_array_equal(model.predict(new), LeastSquares().fit(X, y).predict(new))
    with pytest.raises(DataError, match=r"not trained on 1 of 1 sites, e.g. 'new'.*fallback"):
        PerSite(Ridge()).fit(X, y).predict(new)
    with pytest.raises(DataError, match=r"2 sites have fewer than 500 training rows, e.g. 'a'"):
        PerSite(Ridge(), fewest_rows=500).fit(X, y)


def test_they_nest_clone_and_come_back_without_pickle(tmp_path):
    X, y = sites({"a": 3.0, "b": 7.0})
    nested = Normalised(PerSite(Residual(Boosting(n_estimators=10), Column("ref_kw_01")), fallback=Ridge()))
    model = clone(nested).fit(X, y)
    save_state(model, tmp_path)
    np.testing.assert_array_equal(load_state(tmp_path).predict(X), model.predict(X))


def test_limits_are_handed_on_only_where_there_are_any():
    X, y = sites({"a": 3.0})
    quantiles = QuantileBoosting((0.1, 0.5, 0.9), n_estimators=30)
    model = Normalised(Residual(quantiles, Column("ref_kw_01"))).fit(X, y)
    limits = model.predict_interval(X)
    assert (limits[:, 0] <= model.predict(X)).all()
    assert (limits[:, 1] >= model.predict(X)).all()
    assert not hasattr(Normalised(Ridge()), "predict_interval")


def test_a_study_writes_them_as_it_writes_adjusted():
    model = make_estimator(
        {"estimator": "Normalised", "of": {"estimator": "PerSite", "of": "Ridge", "fallback": {"estimator": "Ridge"}}}
    )
    assert isinstance(model.estimator.estimator, Ridge)
    X, y = sites({"a": 3.0})
    with pytest.raises(
        StudyError,
        match=r"Normalised: estimator must be an estimator .*, not None",
    ):
        Normalised().fit(X, y)
