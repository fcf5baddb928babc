"""Persistence, curves, the paper's regressions and the model per lead, on the bundled farm and by hand."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.estimators.learners.autoregression import Autoregression
from cblcast.estimators.learners.power_curve import BinnedCurve
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.learners.speed_first import SpeedFirst
from cblcast.estimators.learners.stepwise import StepwiseRegression
from cblcast.estimators.rules.persistence import Persistence, SmartPersistence
from cblcast.estimators.wrappers.by_lead import ByLead
from cblcast.features.lags import Lags
from cblcast.features.nwp import Nwp
from cblcast.features.nwp_error import NwpError
from cblcast.forecast.forecaster import truth
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import rolling_origins
from cblcast.frames.schema import DataError, StudyError
from cblcast.io.nwp import attach
from cblcast.physics.power_curve import fit_power_curve, published_power_curve

MEASURED, WIND = "wind_speed_nacelle_ms", "wind_speed_100m_ms"


@pytest.fixture(scope="module")
def rows():
    """Ten weeks of La Haute Borne with ERA5, leads 10 and 60 min: X, y and the lead of each row."""
    farm = datasets.load("la_haute_borne")
    inside = farm.data.index.get_level_values("time") < pd.Timestamp("2014-03-15", tz="UTC")
    panel = attach(Panel(farm.data[inside], farm.sites), datasets.load_reanalysis("era5"))
    cases = rolling_origins(panel, [10, 60])
    X = pd.concat([Nwp((WIND, "wind_u_100m_ms", "wind_v_100m_ms"))(panel, cases), NwpError(WIND, MEASURED)(panel, cases),
                   Lags(columns=("observed_kw", MEASURED), ago=(1, 2, 3, 4))(panel, cases)], axis=1)  # fmt: skip
    y = truth(panel, cases)
    known = np.isfinite(y) & X.notna().all(axis=1).to_numpy()
    X, y = X[known], y[known]
    ahead = np.asarray((X.index.get_level_values("time") - X.index.get_level_values("origin")) / pd.Timedelta("1min"))
    return X, y, ahead


def rmse(y, predicted):
    return float(np.sqrt(np.mean((y - predicted) ** 2)))


def halves(rows):
    X, y, ahead = rows
    early = X.index.get_level_values("origin") < pd.Timestamp("2014-02-15", tz="UTC")
    return X[early], y[early], X[~early], y[~early], ahead[~early]


def test_persistence_repeats_the_last_power(rows):
    X, y, _ = rows
    np.testing.assert_array_equal(Persistence().fit(X, y).predict(X), X["observed_kw_ago_1"])


def test_smart_persistence_by_hand(rows):
    X, _, _ = rows
    np.testing.assert_allclose(SmartPersistence(8200, weight=0.0).predict(X), X["observed_kw_ago_1"].clip(upper=8200))
    row = pd.DataFrame({"observed_kw_ago_1": [3000.0], f"{MEASURED}_ago_1": [8.0], "speed_error_ago_1": [-1.0],
                        "observed_minus_nwp_ms": [-3.0]})  # fmt: skip
    # The forecast rises by 2 m/s; half of it is believed: 8 -> 9 m/s on the MM92 curve, scaled to the farm
    curve = published_power_curve("MM92/2050")
    expected = 3000 + 8200 * (curve(9.0) - curve(8.0)) / curve.power.max()
    np.testing.assert_allclose(SmartPersistence(8200, weight=0.5).predict(row), expected)
    with pytest.raises(StudyError, match="rated_kw must be a number above 0"):
        SmartPersistence(0.0).fit(row)


def test_a_binned_curve_is_the_method_of_bins(rows):
    X, y, _ = rows
    fitted = BinnedCurve(WIND).fit(X, y)
    np.testing.assert_allclose(fitted.predict(X), fit_power_curve(X[WIND], y)(X[WIND]))
    rising = BinnedCurve(WIND, monotone=True).fit(X, y)
    assert (np.diff(rising.curve_power_) >= -1e-9).all()


def test_a_measured_curve_is_the_turbine_s_and_takes_the_forecast(rows):
    X, y, _ = rows
    fitted = BinnedCurve(WIND, f"{MEASURED}_ago_1", "observed_kw_ago_1", speed_factor=0.9).fit(X, y)
    once = X[~X.index.droplevel("time").duplicated()]
    np.testing.assert_allclose(
        fitted.curve_power_, fit_power_curve(once[f"{MEASURED}_ago_1"], once["observed_kw_ago_1"]).power, rtol=1e-6
    )
    np.testing.assert_allclose(fitted.predict(X), fitted.curve()(0.9 * X[WIND]))
    with pytest.raises(DataError, match="both measured_speed and measured_power"):
        BinnedCurve(WIND, measured_speed=f"{MEASURED}_ago_1").fit(X, y)


def test_the_paper_s_regression_regresses_the_speed_and_takes_the_curve(rows):
    X, y, other, z, _ = halves(rows)
    columns = (WIND, "wind_u_100m_ms", "wind_v_100m_ms", "observed_minus_nwp_ms")
    fitted = ByLead(SpeedFirst(StepwiseRegression(columns))).fit(X, y)
    # Its target is looked up: the wind of an interval is the last wind of the origin that follows it
    speed = X[f"{MEASURED}_ago_1"].xs(pd.Timestamp("2014-01-10 12:10", tz="UTC"), level="origin").iloc[0]
    given = datasets.load("la_haute_borne").data.loc[
        ("la_haute_borne", pd.Timestamp("2014-01-10 12:00", tz="UTC")), MEASURED
    ]
    assert speed == pytest.approx(given)
    assert rmse(z, fitted.predict(other)) < 0.8 * rmse(z, BinnedCurve(WIND).fit(X, y).predict(other))


def test_speed_first_needs_an_origin_at_every_step(rows):
    X, y, _ = rows
    origin = X.index.get_level_values("origin")
    seldom = (origin.minute == 0) & (origin.hour % 2 == 0)
    with pytest.raises(DataError, match="an origin at every step of 10 min"):
        SpeedFirst().fit(X[seldom], y[seldom])


def slow_forward_bic(A, y, limit):
    chosen, n = [], len(y)
    best = n * np.log(((y - y.mean()) ** 2).sum() / n) + np.log(n)
    while len(chosen) < limit:
        found = []
        for k in set(range(A.shape[1])) - set(chosen):
            B = np.column_stack([np.ones(n), A[:, [*chosen, k]]])
            rss = ((y - B @ np.linalg.lstsq(B, y, rcond=None)[0]) ** 2).sum()
            found.append((n * np.log(rss / n) + np.log(n) * (len(chosen) + 2), k))
        bic, k = min(found)
        if bic >= best:
            break
        best = bic
        chosen.append(k)
    return chosen


def test_forward_selection_matches_the_slow_loop(rows):
    X, y, _ = rows
    X, y = X.iloc[::40], y[::40]
    fitted = StepwiseRegression(max_columns=6).fit(X, y)
    assert [list(X.columns).index(name) for name in fitted.selected_] == slow_forward_bic(X.to_numpy(), y, 6)
    B = np.column_stack([np.ones(len(X)), X[fitted.selected_]])
    np.testing.assert_allclose(fitted.predict(X), B @ np.linalg.lstsq(B, y, rcond=None)[0], rtol=1e-6, atol=1e-3)


def test_noise_is_not_selected():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(3000, 12))
    fitted = StepwiseRegression().fit(A, 3 * A[:, 4] - A[:, 7] + rng.normal(size=3000))
    assert fitted.selected_[:2] == ["x4", "x7"]
    assert len(fitted.selected_) <= 3


def test_a_column_that_is_never_there_is_named():
    frame = pd.DataFrame({"a": np.arange(9.0), "b": np.nan})
    with pytest.raises(DataError, match="drop 'b', which is never there"):
        StepwiseRegression().fit(frame, np.arange(9.0))


def test_the_order_of_an_autoregression_is_chosen_by_bic(rows):
    rng = np.random.default_rng(0)
    x = np.zeros(4000)
    for t in range(2, 4000):
        x[t] = 0.5 * x[t - 1] + 0.3 * x[t - 2] + rng.normal()
    lags = pd.DataFrame({f"observed_kw_ago_{k}": x[4 - k : -k] for k in (1, 2, 3, 4)})
    fitted = Autoregression((1, 2, 3, 4)).fit(lags, x[4:])
    assert fitted.order_ == 2
    np.testing.assert_allclose(fitted.coef_[1:], [0.5, 0.3], atol=0.05)
    X, y, other, z, ahead = halves(rows)
    direct = ByLead(Autoregression((1, 2, 4))).fit(X, y).predict(other)
    for lead in (0, 50):
        assert rmse(z[ahead == lead], direct[ahead == lead]) < rmse(
            z[ahead == lead], other["observed_kw_ago_1"][ahead == lead]
        )
    with pytest.raises(StudyError, match="orders must be a list with 1 item at least, each item a whole number from 1"):
        Autoregression(()).fit(lags, x[4:])


def test_one_model_per_lead(rows):
    X, y, ahead = rows
    fitted = ByLead(Ridge()).fit(X, y)
    assert fitted.leads_ == [0, 50]
    own = Ridge().fit(X[ahead == 50], y[ahead == 50]).predict(X[ahead == 50])
    np.testing.assert_allclose(fitted.predict(X)[ahead == 50], own)


def test_leads_trained_side_by_side_are_the_same_models(rows):
    X, y, _ = rows
    np.testing.assert_array_equal(ByLead(Ridge(), n_jobs=2).fit(X, y).predict(X), ByLead(Ridge()).fit(X, y).predict(X))
    with pytest.raises(StudyError, match="n_jobs must be a whole number from 1 up to 1,024, not 0"):
        ByLead(Ridge(), n_jobs=0).fit(X, y)


def test_a_lead_not_trained_is_refused(rows):
    X, y, ahead = rows
    fitted = ByLead(Persistence()).fit(X[ahead == 0], y[ahead == 0])
    with pytest.raises(StudyError, match="starts 50 min after the origin was not trained: trained are 0 min"):
        fitted.predict(X)


def test_speed_first_does_not_learn_a_wind_that_is_only_held(rows):
    X, y, _ = rows
    lead = X.index.get_level_values("time") == X.index.get_level_values("origin")
    X, y = X[lead].copy(), y[lead]
    speed = f"{MEASURED}_ago_1"
    gone = np.arange(1000, 1300)  # not measured: the builder holds the last value, here for all of it
    held = X.copy()
    held.iloc[gone, held.columns.get_loc(speed)] = held[speed].iloc[999]
    unknown = X.copy()
    unknown.iloc[gone, unknown.columns.get_loc(speed)] = np.nan
    inner = StepwiseRegression((WIND, "wind_u_100m_ms", "wind_v_100m_ms"))
    a, b = (SpeedFirst(inner).fit(rows_, y) for rows_ in (held, unknown))
    np.testing.assert_array_equal(a.curve_power_, b.curve_power_)
    np.testing.assert_array_equal(a.predict(X), b.predict(X))
