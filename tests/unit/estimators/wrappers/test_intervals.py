"""Conformal intervals: the finite-sample rule, honesty (out of sample, by day), and coverage on real buildings."""

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.estimators.wrappers.conformal_scores import ErrorScale, day_blocks, last_days
from cblcast.estimators.wrappers.inner import event_rows_of
from cblcast.estimators.wrappers.intervals import Conformal, ConformalQuantile, with_intervals
from cblcast.forecast.backtest import backtest, split_events
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.schema import DataError, DataWarning, StudyError

VIEWS = {"10of10": View.day_ahead(), "PBLM-Nearest5of10": View.real_time(), "BW-Nearest5of10": View.settlement()}


class Memory(RegressorMixin, BaseEstimator):
    """Knows the load of every row it was trained on, and the mean of the rest."""

    def fit(self, X, y):
        self.known_ = dict(zip(X.index, y, strict=True))
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.array([self.known_.get(key, self.mean_) for key in X.index])


class ShareOfLevel(RegressorMixin, BaseEstimator):
    """Quantiles of the load over the mean of ten reference days, for limits that are much too narrow."""

    def _level(self, X):
        return X[[f"ref_kw_{k:02d}" for k in range(1, 11)]].mean(axis=1).to_numpy()

    def fit(self, X, y):
        self.shares_ = np.nanquantile(y / self._level(X), [0.4, 0.5, 0.6])
        return self

    def predict(self, X):
        return self.shares_[1] * self._level(X)

    def predict_interval(self, X):
        return self.shares_[[2, 0]] * self._level(X)[:, None]  # crossed, as independent quantiles may be


@lru_cache
def buildings():
    panel = datasets.load("cambridge_sme")
    events = placebo_events(panel, "17:00", "20:00", first="2017-01-01", last="2019-12-31")
    return panel, *split_events(events, panel, ("2017-01-01", "2018-12-31"), ("2019-01-01", "2019-12-31"))


@lru_cache
def matrix(name, sites=("b1", "b22")):
    """Features and load of the training events of two buildings, as the method `name` wants them."""
    panel, train, _ = buildings()
    forecaster = Forecaster(Conformal(make_estimator(name)), view=VIEWS[name])
    cases = forecaster.cases(panel, train[train["site_id"].isin(sites)].reset_index(drop=True))
    X, y = forecaster.matrix(panel, cases), truth(panel, cases)
    known = np.isfinite(y)
    return X[known], y[known]


def test_blocks_are_consecutive_days_and_together_everything():
    day = np.repeat(np.arange(1000, 1023), 3)
    blocks = day_blocks(day, 5)
    assert np.sum(blocks, axis=0).tolist() == [1] * len(day)
    assert all(np.ptp(day[block]) + 1 == len(np.unique(day[block])) for block in blocks)
    assert np.unique(day[last_days(day, 0.25)]).tolist() == list(range(1017, 1023))


@lru_cache
def scored():
    panel, train, test = buildings()
    methods = {name: Forecaster(with_intervals(make_estimator(name), 0.9), view=view) for name, view in VIEWS.items()}
    return backtest(panel, methods, test, train)


@pytest.mark.parametrize("name", VIEWS)
def test_ninety_percent_intervals_cover_the_event_hours_of_the_next_year(name):
    """Calibrated 2017-2018, judged on 2019, mean over 12 buildings; the target is 88-92 %."""
    rows = scored().scored.query("method == @name")
    assert 88 <= evaluate(rows, metrics=("coverage",))["coverage"].iloc[0] <= 92
    assert np.isfinite(rows[["lower_kw", "upper_kw"]].to_numpy()).all()
    assert (rows["lower_kw"] <= rows["predicted_kw"]).all()
    assert (rows["upper_kw"] >= rows["predicted_kw"]).all()
    assert (rows["lower_kw"] >= 0).all()


def test_recalibration_catches_up_with_a_building_that_changed():
    """b16 became more volatile in 2019; the first quarter is enough to see it."""
    panel, train, test = buildings()
    forecaster = Forecaster(Conformal(make_estimator("PBLM-Nearest5of10")))
    X, y = {}, {}
    for span, events in (("2017-2018", train), ("2019", test)):
        cases = forecaster.cases(panel, events[events["site_id"] == "b16"].reset_index(drop=True))
        X[span], y[span] = forecaster.matrix(panel, cases), truth(panel, cases)
    known = np.isfinite(y["2017-2018"])
    fitted = forecaster.estimator.fit(X["2017-2018"][known], y["2017-2018"][known])
    late = X["2019"].index.get_level_values("origin") >= pd.Timestamp("2019-04-01", tz="UTC")
    judged = late & event_rows_of(X["2019"])

    def coverage():
        low, high = fitted.predict_interval(X["2019"])[judged].T
        return np.mean((y["2019"][judged] >= low) & (y["2019"][judged] <= high))

    before = coverage()
    fitted.recalibrate(X["2019"][~late], y["2019"][~late])
    assert before < 0.85
    assert 0.88 < coverage() < 0.96


def test_calibration_never_meets_days_that_were_trained_on():
    X, y = matrix("10of10")
    fitted = Conformal(Memory()).fit(X, y)
    np.testing.assert_array_equal(fitted.predict(X), y)  # in sample it is perfect …
    low, high = fitted.predict_interval(X).T
    assert np.mean(high - low) > 0.5 * y.std()  # … and its intervals know better


def test_held_out_share_calibrates_on_the_last_days_only():
    X, y = matrix("10of10")
    fitted = Conformal(make_estimator("10of10"), held_out_share=0.25).fit(X, y)
    assert fitted.n_days_ == pytest.approx(0.25 * len(set(X.index.get_level_values("origin"))), abs=1)


def test_rows_of_the_adjustment_window_are_not_calibrated_on():
    X, y = matrix("PBLM-Nearest5of10")
    event = event_rows_of(X)
    assert 0 < event.sum() < len(X)
    spoiled = np.where(event, y, y * 50)  # the meter of the window, where the adjusted baseline is judged by nobody
    one, other = (Conformal(make_estimator("PBLM-Nearest5of10")).fit(X, load) for load in (y, spoiled))
    np.testing.assert_array_equal(one.predict_interval(X), other.predict_interval(X))


def test_wrapping_keeps_windows_features_and_estimates():
    inner = make_estimator("BW-PBLM-Nearest5of10")
    wrapped = with_intervals(inner, 0.8)
    assert wrapped.windows() == inner.windows()
    assert wrapped.required_features().keys() >= inner.required_features().keys()
    assert with_intervals(wrapped, 0.9) is wrapped
    X, y = matrix("PBLM-Nearest5of10")
    plain = make_estimator("PBLM-Nearest5of10").fit(X, y)
    np.testing.assert_array_equal(with_intervals(plain).fit(X, y).predict(X), plain.predict(X))


def test_intervals_scale_with_the_load_and_follow_their_rows():
    X, y = matrix("10of10")
    fitted = Conformal(make_estimator("10of10")).fit(X, y)
    limits = fitted.predict_interval(X)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_array_equal(fitted.predict_interval(X.iloc[order]), limits[order])
    kw = [name for name in X.columns if "kw" in name]
    larger = X.assign(**{name: 1000 * X[name] for name in kw})
    scaled = Conformal(make_estimator("10of10")).fit(larger, 1000 * y)
    np.testing.assert_allclose(scaled.predict_interval(larger), 1000 * limits, rtol=1e-9)


def test_a_new_site_gets_the_intervals_of_all_sites_and_a_row_without_estimate_none():
    X, y = matrix("10of10")
    fitted = Conformal(make_estimator("10of10")).fit(X, y)
    new = X.rename(index={"b1": "new", "b22": "newer"}, level="site_id").sort_index()
    with pytest.warns(
        DataWarning, match=r"calibrated on 2 sites, and 2 of the 2 asked are none of them, e.g. 'new'.*Adapted"
    ):
        limits = fitted.predict_interval(new)
    assert np.isfinite(limits[np.isfinite(fitted.predict(new))]).all()
    gone = X.iloc[:3].assign(**dict.fromkeys([c for c in X.columns if "_kw_" in c or "age" in c], np.nan))
    assert np.isnan(fitted.predict_interval(gone)).all()


def test_net_load_may_have_a_negative_limit():
    X, y = matrix("10of10")
    shift = 2 * y.max()
    kw = [name for name in X.columns if name.startswith("ref_kw_") or name.startswith("ref_event_kw_")]
    prosumer = X.assign(**{name: X[name] - shift for name in kw})
    low = Conformal(make_estimator("10of10")).fit(prosumer, y - shift).predict_interval(prosumer)[:, 0]
    assert (low < 0).all()


def test_intervals_are_stored_with_the_model(tmp_path):
    panel, _, test = buildings()
    forecaster = scored().forecasters["PBLM-Nearest5of10"]
    forecaster.save(tmp_path / "model")
    cases = forecaster.cases(panel, test.iloc[:20])
    again = Forecaster.load(tmp_path / "model")
    pd.testing.assert_frame_equal(again.predict(panel, cases), forecaster.predict(panel, cases), check_exact=True)


def test_conformalised_quantiles_correct_quantiles_that_are_too_narrow():
    X, y = matrix("10of10")
    early = X.index.get_level_values("origin") < pd.Timestamp("2018-07-01", tz="UTC")
    known = np.isfinite(ShareOfLevel().fit(X, y).predict(X))
    train, later = early & known, ~early & known
    fitted = with_intervals(ShareOfLevel()).fit(X[train], y[train])
    assert type(fitted) is ConformalQuantile
    low, high = fitted.predict_interval(X[later]).T
    assert 0.86 <= np.mean((y[later] >= low) & (y[later] <= high)) <= 0.96
    own = fitted.estimator_.predict_interval(X[later])
    assert np.mean((y[later] >= own[:, 1]) & (y[later] <= own[:, 0])) < 0.4
    with pytest.raises(StudyError, match="XofY has no limits of its own to correct"):
        ConformalQuantile(make_estimator("10of10")).fit(X, y)


def test_too_few_days_is_one_clear_sentence_and_never_an_infinite_limit():
    X, y = matrix("10of10")
    days = X.index.get_level_values("origin").normalize().unique()[:18]
    few = X.index.get_level_values("origin").normalize().isin(days)
    with pytest.raises(DataError, match=r"90 % intervals need at least 19 event days.* there are 18"):
        Conformal(make_estimator("10of10")).fit(X[few], y[few])
    panel, _, test = buildings()
    with pytest.raises(DataError, match="must be trained: give training events"):
        backtest(panel, {"m": Forecaster(Conformal(make_estimator("10of10")))}, test)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"coverage": 90}, "coverage must be a number above 0 below 1"),
        ({"folds": 1}, "folds must be a whole number from 2"),
        ({"held_out_share": 1.5}, "held_out_share must be a number above 0 below 1"),
        ({"half_life_days": 0}, "half_life_days must be a number above 0"),
    ],
)
def test_bad_parameters(params, sentence):
    X, y = matrix("10of10")
    with pytest.raises(StudyError, match=sentence):
        Conformal(make_estimator("10of10"), **params).fit(X, y)


def test_a_half_life_that_leaves_nothing_is_refused():
    X, y = matrix("10of10")
    with pytest.raises(DataError, match="choose a longer half-life"):
        Conformal(make_estimator("10of10"), half_life_days=1).fit(X, y)


def test_error_scale_of_a_site_that_is_off_stays_positive():
    X, y = matrix("10of10")
    off = X.assign(**dict.fromkeys([c for c in X.columns if "kw" in c], 0.0))
    scale = ErrorScale.fit(off, np.zeros(len(y)), np.zeros(len(y)))
    assert (scale(off, np.zeros(len(y))) > 0).all()
