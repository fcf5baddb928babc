"""The physically based load model: what it identifies, and how its ten days correct it."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.estimators.learners.filtered_degrees import degrees, identify, occupied_times
from cblcast.estimators.learners.physical_load import PhysicallyBasedLoad
from cblcast.forecast.backtest import backtest
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View

TAUS = np.array([0.0, 12.0, 48.0])


def building(tau=1, noise=0.0, n=24 * 400):
    """Load that follows the model exactly, but for noise."""
    rng = np.random.default_rng(3)
    hour = np.arange(n) % 24
    out = (
        12
        - 12 * np.cos(np.arange(n) / n * 2 * np.pi)
        + 6 * np.sin((hour - 9) / 24 * 2 * np.pi)
        + np.cumsum(rng.normal(0, 0.3, n)) * 0.3
    )
    filtered = np.empty((n, 3))
    for k, constant in enumerate(TAUS):
        keeps, state = (np.exp(-1 / constant) if constant else 0.0), out[0]
        for t in range(n):
            state = keeps * state + (1 - keeps) * out[t]
            filtered[t, k] = state
    open_ = (hour >= 8) & (hour < 20)
    base = np.where(open_, 60.0, 10.0)
    load = (
        base
        + degrees(filtered[:, tau], 14, True) * np.where(open_, 1.5, 0.5)
        + degrees(filtered[:, 0], 22, False) * np.where(open_, 4.0, 1.0)
    )
    return load * (1 + noise * rng.standard_normal(n)), hour, filtered


def test_slopes_balance_temperatures_and_filter_come_back():
    load, hour, filtered = building()
    found = identify(load, hour, 24, filtered, TAUS)
    np.testing.assert_allclose(found.slope_kw_k, [0.5, 1.5, 1.0, 4.0], rtol=0.01)
    assert found.balance_c.tolist() == [14, 22]
    assert TAUS[found.filters].tolist() == [12, 0]
    np.testing.assert_allclose(found.base_kw, np.where((np.arange(24) >= 8) & (np.arange(24) < 20), 60, 10), atol=0.3)


def test_noise_widens_the_range_of_the_time_constant():
    sharp, vague = (identify(*arguments[:2], 24, arguments[2], TAUS) for arguments in (building(), building(noise=0.5)))
    assert sharp.ranges_h[0].tolist() == [12, 12]
    assert np.ptp(vague.ranges_h[0]) > 0


def test_slopes_are_physical():
    load, hour, filtered = building()
    found = identify(100 - load, hour, 24, filtered, TAUS)  # falls with need: no plant does that
    assert (found.slope_kw_k >= 0).all()
    assert found.slope_kw_k[1] == pytest.approx(0, abs=1e-6)


def test_occupied_times_are_the_upper_half_of_the_week():
    load = np.array([1.0, 1, 9, 9, 5.1, 1])
    assert occupied_times(load, np.array([0, 0, 1, 1, 2, 3]), 5).tolist() == [False, True, True, False, False]


@cache
def turin():
    return datasets.load("turin")


@cache
def fitted(**params):
    events = placebo_events(turin(), "15:00", "18:00", first="2019-02-01", last="2019-09-30")
    made = Forecaster(PhysicallyBasedLoad(), view=View.day_ahead())
    return made.fit(turin(), made.cases(turin(), events))


def autumn(**params):
    made = Forecaster(PhysicallyBasedLoad(**params), view=View.day_ahead())
    cases = made.cases(turin(), placebo_events(turin(), "15:00", "18:00", first="2019-10-01", last="2019-10-31"))
    return made.matrix(turin(), cases)


def test_a_correction_is_the_weighted_mean_of_what_the_model_missed():
    X, model = autumn(), fitted().estimator
    row = X.iloc[[5]]
    missed, weight = [], []
    bare = PhysicallyBasedLoad(days=0)
    bare.__dict__.update({key: value for key, value in vars(model).items() if key.endswith("_")})
    for k in range(1, 11):
        own = {name: row[f"{name}_{k:02d}"].to_numpy() for name in (*model._filters(), "thermal_day")}
        missed.append(row[f"thermal_kw_{k:02d}"].item() - bare.predict(row.assign(**own))[0])
        weight.append(0.5 ** (row[f"thermal_age_days_{k:02d}"].item() / 4))
    expected = bare.predict(row)[0] + np.average(missed, weights=weight)
    assert model.predict(row)[0] == pytest.approx(expected, rel=1e-9)


def test_without_reference_days_the_model_stands_alone_and_without_weather_nothing_does():
    X, model = autumn(), fitted().estimator
    lost = X.copy()
    lost[[name for name in X.columns if name.startswith("thermal_kw_")]] = np.nan
    with pytest.warns(DataWarning, match="the model alone estimates them"):
        alone = model.predict(lost)
    assert np.isfinite(alone).all()
    blind = X.assign(**dict.fromkeys(model._filters(), np.nan))
    assert np.isnan(model.predict(blind)).all()


def test_a_stranger_and_a_site_without_weather_are_named():
    X, model = autumn(), fitted().estimator
    stranger = X.set_axis(X.index.set_levels(["elsewhere"], level="site_id"))
    with pytest.raises(DataError, match=r"was not trained on 1 of 1 sites, e\.g\. 'elsewhere'"):
        model.predict(stranger)
    with pytest.raises(DataError, match="no training row has a temperature"):
        PhysicallyBasedLoad().fit(X.assign(**dict.fromkeys(model._filters(), np.nan)), np.ones(len(X)))
    for params in ({"days": -1}, {"half_life_days": 0}, {"time_constants_h": ()}):
        with pytest.raises(StudyError):
            PhysicallyBasedLoad(**params).check()


def test_it_is_a_method_by_name_and_beats_a_mean_of_ten_days_on_a_real_building():
    assert isinstance(make_estimator("PBLM"), PhysicallyBasedLoad)
    train = placebo_events(turin(), "15:00", "18:00", first="2019-02-01", last="2019-07-31")
    test = placebo_events(turin(), "15:00", "18:00", first="2019-08-01", last="2019-10-31")
    methods = {name: Forecaster(make_estimator(name), view=View.day_ahead()) for name in ("PBLM", "10of10")}
    table = evaluate(backtest(turin(), methods, test, train).scored)
    assert table.loc["PBLM", "nrmse"] < 0.9 * table.loc["10of10", "nrmse"]
    assert isinstance(table, pd.DataFrame)
