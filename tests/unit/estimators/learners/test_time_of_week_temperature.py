"""TOWT against the design matrix written out, on a real building."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.estimators.learners.time_of_week_temperature import (
    KNOTS_C,
    TimeOfWeekTemperature,
    occupied_times,
    piecewise_temperature,
)
from cblcast.features.calendar import Calendar
from cblcast.features.weather import Weather
from cblcast.forecast.forecaster import truth
from cblcast.frames.cases import View, make_cases


@pytest.fixture(scope="module")
def year():
    """Every metered hour of one building in 2018, and of another."""
    panel = datasets.load("cambridge_sme").select(["b25", "b9"])
    events = placebo_events(panel, "00:00", "24:00", days="all", first="2018-01-01", last="2018-12-31")
    cases = make_cases(panel, events, View.day_ahead())
    X = pd.concat([Calendar()(panel, cases), Weather()(panel, cases)], axis=1)
    y = truth(panel, cases)
    return X[np.isfinite(y)], y[np.isfinite(y)]


def test_the_parts_of_a_temperature_sum_to_it():
    temp = np.array([-8.0, -1.1, 0.0, 7.2, 15.0, 21.0, 31.0, 40.0])
    parts = piecewise_temperature(temp, np.array(KNOTS_C))
    np.testing.assert_allclose(parts.sum(1), temp)
    # Mathieu et al. 2011, section II-B: a segment is filled before the next begins
    np.testing.assert_allclose(parts[4], [-1.1, 8.3, 5.6, 2.2, 0, 0, 0], atol=1e-12)


def test_it_is_least_squares_on_indicators_and_temperature_parts(year):
    X, y = year
    own = np.asarray(X.index.get_level_values("site_id") == "b25")
    X, y = X[own], y[own]
    times, time = np.unique(X["hour_of_week"], return_inverse=True)
    temp = X["temp_air_c"].fillna(X["temp_air_c"].mean()).to_numpy()
    mode = occupied_times(time, len(times), temp, y, 0.65)[time]
    parts = piecewise_temperature(temp, np.array(KNOTS_C))
    design = np.hstack([np.eye(len(times))[time], parts * ~mode[:, None], parts * mode[:, None]])
    written_out = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    ours = TimeOfWeekTemperature().fit(X, y).predict(X)
    # Same residual sum: least squares has one, even where its coefficients are not unique.
    assert ((ours - y) ** 2).sum() == pytest.approx(((written_out - y) ** 2).sum(), rel=1e-6)
    assert 0.2 < mode.mean() < 0.8, "the building has two modes"


def test_time_and_temperature_explain_most_of_a_building(year):
    X, y = year
    model = TimeOfWeekTemperature().fit(X, y)
    for site in ("b25", "b9"):
        own = np.asarray(X.index.get_level_values("site_id") == site)
        explained = 1 - ((model.predict(X)[own] - y[own]) ** 2).mean() / y[own].var()
        assert explained > 0.5


def test_a_time_of_week_never_seen_takes_the_mean_of_the_week_and_warns(year):
    X, y = year
    known = np.asarray(X["hour_of_week"] != 100.0)
    model = TimeOfWeekTemperature().fit(X[known], y[known])
    with pytest.warns(DataWarning, match="rows lie at a time of week that their site never showed"):
        found = model.predict(X)
    assert np.isfinite(found).all()
    assert found[~known].std() < y.std()


def test_a_site_never_trained_is_named(year):
    X, y = year
    own = np.asarray(X.index.get_level_values("site_id") == "b25")
    model = TimeOfWeekTemperature().fit(X[own], y[own])
    with pytest.raises(DataError, match=r"not trained on 1 of 2 sites, e.g. 'b9'"):
        model.predict(X)


def test_a_constant_site_and_a_missing_temperature_stay_finite(year):
    X, y = year
    model = TimeOfWeekTemperature().fit(X.assign(temp_air_c=np.nan), y * 0 + 5.0)
    np.testing.assert_allclose(model.predict(X), 5.0)


def test_knots_ascend(year):
    X, y = year
    with pytest.raises(StudyError, match="knots_c must ascend"):
        TimeOfWeekTemperature(knots_c=(20.0, 10.0)).fit(X, y)
