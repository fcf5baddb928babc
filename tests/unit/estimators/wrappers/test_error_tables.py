"""Tables of errors by lead: weeks with a gap, bins and their look-up beside slow loops, the scale of restless hours, quantile learners."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.estimators.learners.quantile_forest import QuantileForest
from cblcast.estimators.rules.persistence import Persistence
from cblcast.estimators.wrappers.by_lead import ByLead
from cblcast.estimators.wrappers.error_tables import UnrestScale, error_table, looked_up, weeks_apart
from cblcast.estimators.wrappers.lead_intervals import LeadIntervals
from cblcast.estimators.wrappers.recent_intervals import with_lead_intervals
from cblcast.frames.schema import DataError

HOUR_US = 3_600_000_000


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.floats(0, 60), st.integers(0, 10**6))
def test_nothing_is_learned_within_the_gap_of_a_week_that_is_left_out(folds, gap_h, seed):
    origin = np.sort(np.random.default_rng(seed).integers(0, 24 * 7 * 12, 400)) * HOUR_US
    left_out = np.zeros(400, dtype=int)
    for held, learned in weeks_apart(origin, folds, gap_h):
        left_out += held
        assert not (held & learned).any()
        week = origin // (168 * HOUR_US)
        for number in np.unique(week[held]):
            start, stop = number * 168 * HOUR_US, (number + 1) * 168 * HOUR_US
            assert (learned & (origin > start - gap_h * HOUR_US + 1) & (origin < stop + gap_h * HOUR_US - 1)).sum() == 0
        if gap_h == 0:
            assert (held | learned).all()
    assert (left_out == 1).all()


def test_a_gap_that_leaves_nothing_is_refused():
    with pytest.raises(DataError, match="a gap of 200 h around every 2-th week leaves no origin"):
        list(weeks_apart(np.arange(0, 8 * 168) * HOUR_US, 2, 200.0))


def test_bins_and_their_lines_are_those_of_numpy():
    rng = np.random.default_rng(0)
    predicted, error = rng.uniform(0, 100, 1000), rng.normal(size=(1000, 2))
    centres, errors = error_table(error, predicted, (0.1, 0.9), 5)
    order = np.argsort(predicted)
    for number in range(5):
        part = order[number * 200 : (number + 1) * 200]
        assert centres[number] == pytest.approx(predicted[part].mean())
        assert errors[number] == pytest.approx([np.quantile(error[part, 0], 0.1), np.quantile(error[part, 1], 0.9)])
    asked = rng.uniform(-10, 120, 50)
    zero = np.zeros(50, dtype=int)
    found = looked_up(centres[None, None], errors[None, None], zero, zero, asked)
    np.testing.assert_allclose(found, np.column_stack([np.interp(asked, centres, errors[:, k]) for k in (0, 1)]))
    few, _ = error_table(error[:90], predicted[:90], (0.1, 0.9), 5)
    assert few[1] == few[4]  # two bins of 45, the last repeated


def test_the_scale_finds_how_errors_grow_with_unrest():
    rng = np.random.default_rng(1)
    unrest = np.exp(rng.normal(-3, 0.7, (4000, 1)))
    error = rng.normal(size=4000) * (unrest[:, 0] + 0.003) ** 0.8
    scale = UnrestScale.fit(unrest, error, rng.uniform(0, 1, 4000), np.zeros(4000, dtype=int), 1)
    assert scale.exponents[0, 0] == pytest.approx(0.8, abs=0.08)
    assert scale(np.array([[np.nan]]), np.array([0]))[0] == pytest.approx(1.0)
    assert (
        UnrestScale.fit(np.empty((9, 0)), np.ones(9), np.ones(9), np.zeros(9, int), 1)(
            np.empty((2, 0)), np.zeros(2, int)
        )
        == 1
    ).all()


def rows(n=3000, seed=0, sites=("farm",), size=1.0):
    """Origins whose error grows with how restless the power was, at two leads."""
    rng = np.random.default_rng(seed)
    origin = pd.date_range("2020-01-01", periods=n, freq="h", tz="UTC").as_unit("us")
    lead = np.tile([0, 10], n * len(sites))
    at = pd.DatetimeIndex(np.tile(np.repeat(origin.asi8, 2), len(sites)).view("M8[us]")).tz_localize("UTC")
    names = ["site_id", "origin", "time"]
    index = pd.MultiIndex.from_arrays([np.repeat(sites, 2 * n), at, at + pd.to_timedelta(lead, "min")], names=names)
    unrest = np.repeat(np.exp(rng.normal(0, 0.6, n * len(sites))), 2)
    of_site = np.repeat([size**k for k in range(len(sites))], 2 * n)
    last = np.repeat(rng.uniform(0, 100, n * len(sites)), 2) * of_site
    X = pd.DataFrame(
        {"observed_kw_ago_1": last, "unrest_sd_kw": unrest * of_site, "unrest_change_kw": unrest * of_site}, index
    )
    return X, last + rng.normal(size=len(X)) * unrest * (1 + lead) * of_site, unrest


def test_limits_cover_restless_and_quiet_hours_alike():
    X, y, _ = rows()
    fitted = LeadIntervals(Persistence()).fit(X, y)
    other, truth, unrest = rows(seed=9)
    low, high = fitted.predict_interval(other).T
    for part in (unrest < 0.7, unrest > 1.4):
        assert 0.74 < np.mean((truth >= low)[part] & (truth <= high)[part]) < 0.86
    np.testing.assert_array_equal(fitted.predict(other), other["observed_kw_ago_1"])


def test_sites_of_different_size_have_limits_of_their_own():
    X, y, _ = rows(n=1200, sites=("large", "small"), size=0.01)
    fitted = LeadIntervals(Persistence()).fit(X, y)
    assert list(fitted.table_) == [1, 2]
    low, high = fitted.predict_interval(X).T
    small = X.index.get_level_values("site_id") == "small"
    assert np.mean((high - low)[~small]) / np.mean((high - low)[small]) == pytest.approx(100, rel=0.2)
    with pytest.raises(DataError, match="the limits of site 'other' are not known: trained are large, small"):
        fitted.predict_interval(X.iloc[:4].rename({"large": "other"}))


def test_a_quantile_learner_keeps_its_form_and_gets_the_coverage_it_claims():
    X, y, _ = rows(n=1500)
    wrong = ByLead(
        QuantileForest((0.3, 0.5, 0.7), n_estimators=3, min_samples_leaf=250)
    )  # half as wide as is asked for
    error = y - X["observed_kw_ago_1"].to_numpy()
    fitted = with_lead_intervals(wrong, 0.8).fit(X, error)
    assert fitted.tails() == (1, 17)
    other, truth, _ = rows(n=1500, seed=4)
    truth = truth - other["observed_kw_ago_1"].to_numpy()
    limits = fitted.predict_interval(other)
    for lead in (0, 1):
        low, high = limits[lead::2].T
        assert 0.76 < np.mean((truth[lead::2] >= low) & (truth[lead::2] <= high)) < 0.84
    unrest = ["unrest_sd_kw", "unrest_change_kw"]
    inner = wrong.fit(X.drop(columns=unrest), error)
    estimate, quantiles = inner.predict_distribution(other.drop(columns=unrest))
    np.testing.assert_array_equal(estimate, quantiles[:, 1])
    assert inner.tails() == (0, 2)
    assert not hasattr(ByLead(Persistence()), "predict_distribution")
