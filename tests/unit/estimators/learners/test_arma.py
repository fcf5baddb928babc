"""ARMA: what is known of a simulated series (synthetic: only there the true coefficients are known), and the real farm."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.estimators.learners.arma import ARMA, innovations, lag_weights
from cblcast.estimators.rules.persistence import Persistence
from cblcast.features.lags import Lags
from cblcast.forecast.forecaster import truth
from cblcast.forecast.state import load_state, save_state
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import rolling_origins
from cblcast.frames.schema import DataError, StudyError

PHI, THETA, MEAN, SD = 0.8, 0.4, 1000.0, 50.0


def synthetic_rows(n=6000, lead_min=10, depth=23, seed=3):
    """SYNTHETIC ARMA(1,1) around 1000 kW as rows of lags, one origin a step, and the target of one lead."""
    e = np.random.default_rng(seed).normal(0.0, SD, n + 100)
    z = np.zeros(n + 100)
    for t in range(1, n + 100):
        z[t] = PHI * z[t - 1] + e[t] + THETA * e[t - 1]
    x, ahead = z[100:] + MEAN, lead_min // 10 - 1
    at = np.arange(depth, n - ahead)
    origin = pd.date_range("2020-01-01", periods=n, freq="10min", tz="UTC", unit="us")
    index = pd.MultiIndex.from_arrays(
        [np.full(len(at), "farm"), origin[at], origin[at + ahead]], names=["site_id", "origin", "time"]
    )
    X = pd.DataFrame({f"observed_kw_ago_{k}": x[at - k] for k in range(1, depth + 1)}, index=index)
    return X, x[at + ahead], e[100:][at - 1]


@pytest.fixture(scope="module")
def farm_rows():
    """Two months of La Haute Borne, leads 10 and 60 min."""
    farm = datasets.load("la_haute_borne")
    inside = farm.data.index.get_level_values("time") < pd.Timestamp("2014-03-01", tz="UTC")
    panel = Panel(farm.data[inside], farm.sites)
    cases = rolling_origins(panel, [10, 60])
    X, y = Lags(**ARMA().required_features()["lags"])(panel, cases), truth(panel, cases)
    return X[np.isfinite(y)], y[np.isfinite(y)]


def test_it_recovers_a_simulated_arma_1_1():
    X, y, e = synthetic_rows()
    fitted = ARMA(orders=((1, 1),)).fit(X, y)
    # Standard errors of 6000 steps are 0.009 and 0.014 (Box and Jenkins, ARMA(1,1)); four of them
    assert fitted.ar_[0] == pytest.approx(PHI, abs=0.036)
    assert fitted.ma_[0] == pytest.approx(THETA, abs=0.056)
    assert fitted.innovation_sd_ == pytest.approx(SD, rel=0.04)
    assert fitted.mean_ == pytest.approx(MEAN, abs=4 * SD * (1 + THETA) / (1 - PHI) / np.sqrt(len(X)))
    own = innovations(X.to_numpy() - fitted.mean_, fitted.long_)[:, 0]
    assert np.corrcoef(own, e)[0, 1] > 0.99


def test_bic_chooses_the_order_that_was_simulated():
    X, y, _ = synthetic_rows()
    assert ARMA(orders=((1, 0), (2, 0), (0, 2), (1, 1), (3, 2)), long=20).fit(X, y).order_ == [1, 1]


@pytest.mark.parametrize("lead_min", [10, 30])
def test_the_error_is_that_of_the_theory(lead_min):
    X, y, _ = synthetic_rows(lead_min=lead_min)
    late = np.arange(len(X)) >= len(X) // 2
    fitted = ARMA(orders=((1, 1),)).fit(X[~late], y[~late])
    psi = np.r_[1.0, (PHI + THETA) * PHI ** np.arange(lead_min // 10 - 1)]
    expected = SD * np.sqrt((psi**2).sum())  # Box and Jenkins 5.1.16
    assert np.sqrt(np.mean((y[late] - fitted.predict(X[late])) ** 2)) == pytest.approx(expected, rel=0.08)


def test_the_weights_of_a_lead_are_the_recursion_written_out():
    rng = np.random.default_rng(0)
    ar, ma, long = np.array([0.9, -0.3, 0.1]), np.array([0.5, 0.2]), rng.normal(0, 0.2, 6)
    Z = rng.normal(size=(4, 8))
    e = innovations(Z, long)
    for row in range(len(Z)):
        past, shocks = list(Z[row, ::-1]), list(e[row, 1::-1])  # oldest first
        for lead in range(1, 8):
            past.append(sum(ar[i] * past[-1 - i] for i in range(3)) + sum(ma[j] * shocks[-1 - j] for j in range(2)))
            shocks.append(0.0)
            assert lag_weights(ar, ma, long, 7)[lead - 1] @ Z[row] == pytest.approx(past[-1], rel=1e-12)


def test_pure_orders_are_the_textbook_ones():
    X, y, _ = synthetic_rows(n=2000)
    Z = X.to_numpy()
    only_ar = ARMA(orders=((1, 0),)).fit(X, y)
    np.testing.assert_allclose(only_ar.predict(X), only_ar.mean_ + only_ar.ar_[0] * (Z[:, 0] - only_ar.mean_))
    far, z, _ = synthetic_rows(n=2000, lead_min=30)
    only_ma = ARMA(orders=((0, 2),)).fit(far, z)
    np.testing.assert_allclose(only_ma.predict(far), only_ma.mean_)  # three steps ahead an MA(2) knows nothing


def test_on_the_farm_it_beats_persistence(farm_rows):
    X, y = farm_rows
    late = X.index.get_level_values("origin") >= pd.Timestamp("2014-02-01", tz="UTC")
    fitted = ARMA().fit(X[~late], y[~late])
    far = late & (X.index.get_level_values("time") > X.index.get_level_values("origin"))
    known = np.isfinite(fitted.predict(X)) & far
    error, other = (fitted.predict(X) - y)[known], (Persistence().fit(X, y).predict(X) - y)[known]
    assert np.sqrt(np.mean(error**2)) < 0.99 * np.sqrt(np.mean(other**2))


def test_saved_and_loaded_it_says_the_same(farm_rows, tmp_path):
    X, y = farm_rows
    fitted = ARMA(orders=((2, 1), (3, 2))).fit(X, y)
    save_state(fitted, tmp_path)
    np.testing.assert_array_equal(load_state(tmp_path).predict(X), fitted.predict(X))


def test_a_missing_lag_takes_the_next_newer_value(farm_rows):
    X, y = farm_rows
    fitted, some = ARMA().fit(X, y), X.iloc[5000:5003].copy()
    filled = some.assign(observed_kw_ago_4=some["observed_kw_ago_3"])
    np.testing.assert_array_equal(fitted.predict(some.assign(observed_kw_ago_4=np.nan)), fitted.predict(filled))
    assert np.isnan(fitted.predict(some.assign(observed_kw_ago_1=np.nan))).all()


def test_what_cannot_be_is_said_in_a_sentence(farm_rows):
    X, y = farm_rows
    with pytest.raises(DataError, match="'observed_kw_ago_23', which lags makes"):
        ARMA().fit(X.drop(columns="observed_kw_ago_23"), y)
    fitted = ARMA().fit(X, y)
    with pytest.raises(DataError, match="'observed_kw_ago_7', which lags makes"):
        fitted.predict(X.drop(columns="observed_kw_ago_7"))
    with pytest.raises(DataError, match="needs 230 origins with all lags"):
        ARMA().fit(X.iloc[:100], y[:100])
    with pytest.raises(DataError, match="no whole number of 60 min steps"):
        ARMA(step_min=60).fit(X, y).predict(X)
    with pytest.raises(StudyError, match="pairs"):
        ARMA(orders=((0, 0),)).fit(X, y)
    for orders in ((), (3, 2), ((-1, 2),), ((1.5, 2),), ((1, 2, 3),)):
        with pytest.raises(StudyError, match="ARMA: orders must be a list with 1 item at least, each item a list of 2"):
            ARMA(orders=orders).fit(X, y)
    with pytest.raises(StudyError, match="shorter than p"):
        ARMA(long=4).fit(X, y)


def test_a_series_that_explodes_is_refused():
    X, y, _ = synthetic_rows(n=2000)
    growing = X * 0.0 + 1.001 ** np.arange(len(X))[:, None] * 1.001 ** -np.arange(1, 24.0)
    with pytest.raises(DataError, match="is stationary"):
        ARMA(orders=((1, 0),)).fit(growing, y)
