"""Limits that follow how they held: scores and factors beside a slow loop, and a season unlike the one that was learned."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.estimators.rules.persistence import Persistence
from cblcast.estimators.wrappers.lead_intervals import LeadIntervals
from cblcast.estimators.wrappers.recent_errors import IssueScores, factors, interval_scores, one_each
from cblcast.estimators.wrappers.recent_intervals import RecentIntervals, with_lead_intervals
from cblcast.frames.instants import DAY_US, HOUR_US
from cblcast.frames.recent_issues import ISSUE_ENDS, ISSUE_KNOWS, ISSUE_POWER
from cblcast.frames.schema import StudyError

NAMES = ["site_id", "origin", "time"]


def test_the_score_is_the_share_of_the_room_on_its_side():
    y = np.array([12.0, 5.0, 10.0, 10.0])
    score = interval_scores(y, np.full(4, 10.0), np.array([0.0, 0.0, 0.0, 10.0]), np.array([14.0, 14.0, 14.0, 10.0]))
    assert score.tolist() == [0.5, 0.5, 0.0, 0.0]
    assert interval_scores(np.ones(1), np.zeros(1), np.zeros(1), np.zeros(1))[0] > 1e5  # no room, and missed


def slow_factors(scores, group, knows, days, coverage):
    found = []
    for own, knowledge in zip(group, knows, strict=True):
        midnight = knowledge // DAY_US * DAY_US
        seen = [
            score
            for g, issued, ended, score in scores
            if g == own and ended <= midnight and issued >= midnight - days * DAY_US and np.isfinite(score)
        ]
        middle = min(max(np.quantile(seen, coverage), 0.25), 4.0) if seen else 1.0
        found.append(middle ** (len(seen) / (len(seen) + 40)))
    return found


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 200), days=st.integers(1, 12))
def test_factors_are_those_of_a_slow_loop(seed, n, days):
    rng = np.random.default_rng(seed)
    group, issued = rng.integers(0, 3, n), rng.integers(0, 20 * DAY_US, n) // HOUR_US * HOUR_US
    ended = issued + np.array([HOUR_US, 2 * HOUR_US, 30 * HOUR_US])[group]
    score = np.where(rng.random(n) < 0.1, np.nan, rng.exponential(1.0, n) * 3)
    none = np.zeros(0, dtype=np.int64)
    known = IssueScores(none, none, none, np.zeros(0)).with_more(IssueScores(group, issued, ended, score))
    asked, knows = rng.integers(0, 4, 25), rng.integers(0, 22 * DAY_US, 25)
    slow = slow_factors(list(zip(group, issued, ended, score, strict=True)), asked, knows, days, 0.8)
    np.testing.assert_allclose(factors(known, asked, knows, days, 0.8), slow)


def test_one_issue_each_three_hours():
    group, hour = np.array([0, 0, 0, 1, 0]), np.array([4, 0, 2, 1, 5])
    assert one_each(group, hour * HOUR_US, 3 * HOUR_US).tolist() == [0, 1, 3]
    assert one_each(group[:0], hour[:0], 3 * HOUR_US).tolist() == []


def rows(first, days, width, seed=0):
    """Hourly issues of a farm whose errors have a given size [kW], at two leads; with what was metered."""
    rng = np.random.default_rng(seed)
    origin = np.repeat(pd.date_range(first, periods=24 * days, freq="h", tz="UTC").as_unit("us"), 2)
    time = origin + pd.to_timedelta(np.tile([0, 60], 24 * days), "min")
    last = np.repeat(rng.uniform(200, 800, 24 * days), 2)
    index = pd.MultiIndex.from_arrays([np.repeat("farm", len(time)), origin, time], names=NAMES)
    return pd.DataFrame({"observed_kw_ago_1": last}, index), last + rng.normal(size=len(time)) * width


def marked(X, y, earlier):
    """The columns that a forecaster puts beside the features; `earlier` rows are those of which the power is known."""
    origin, time = (pd.DatetimeIndex(X.index.get_level_values(name)).asi8 for name in ("origin", "time"))
    marks = {ISSUE_POWER: np.where(earlier, y, np.nan), ISSUE_ENDS: time + HOUR_US, ISSUE_KNOWS: origin}
    return X.assign(**{name: np.asarray(values, dtype=np.float64) for name, values in marks.items()})


def covered(limits, y):
    return np.mean((y >= limits[:, 0]) & (y <= limits[:, 1]))


def test_a_season_with_twice_the_errors_gets_limits_of_its_own():
    X, y = rows("2020-01-01", 60, 50.0)
    plain, follows = LeadIntervals(Persistence()).fit(X, y), RecentIntervals(Persistence()).fit(X, y)
    np.testing.assert_array_equal(plain.errors_, follows.errors_)
    wild, truth = rows("2020-03-01", 80, 100.0, seed=1)
    late = np.asarray(wild.index.get_level_values("origin") >= pd.Timestamp("2020-04-05", tz="UTC"))
    asked, seen = wild[late], truth[late]
    assert covered(plain.predict_interval(asked), seen) < 0.55
    beside = marked(wild, truth, np.ones(len(wild), dtype=bool))
    both = pd.concat(
        [marked(asked, seen, np.zeros(len(asked), dtype=bool)), beside]
    )  # each knows what had ended by its midnight
    assert 0.76 < covered(follows.predict_interval(both)[: len(asked)], seen) < 0.84
    # What is learned from is not asked: its own limits are those that were learned.
    np.testing.assert_array_equal(follows.predict_interval(both)[len(asked) :], plain.predict_interval(wild))
    np.testing.assert_array_equal(follows.predict(beside), plain.predict(wild))
    # Nothing known yet, long after the training: as they were learned.
    np.testing.assert_array_equal(follows.predict_quantiles(asked), plain.predict_quantiles(asked))


def test_the_errors_of_the_last_training_days_count_at_first():
    X, y = rows("2020-01-01", 90, np.repeat([50.0, 150.0], 90 * 24))
    follows = RecentIntervals(Persistence()).fit(X, y)
    asked, truth = rows("2020-03-31", 5, 150.0, seed=3)
    assert covered(LeadIntervals(Persistence()).fit(X, y).predict_interval(asked), truth) < 0.65
    assert 0.7 < covered(follows.predict_interval(asked), truth) < 0.86
    held = follows.held_out_
    assert len(held["score"]) == 31 * 8 * 2
    assert held["issued_us"].min() >= pd.Timestamp("2020-02-29", tz="UTC").value // 1000


def test_what_is_not_known_by_midnight_changes_nothing():
    X, y = rows("2020-01-01", 60, 50.0)
    follows = RecentIntervals(Persistence()).fit(X, y)
    wild, truth = rows("2020-03-01", 10, 100.0, seed=1)
    day = pd.DatetimeIndex(wild.index.get_level_values("origin")).normalize()
    now = np.asarray(day == pd.Timestamp("2020-03-05", tz="UTC"))
    limits = follows.predict_interval(marked(wild, truth, ~now))[now]
    garbage = np.where(np.asarray(day >= pd.Timestamp("2020-03-05", tz="UTC")), 1e6, truth)
    np.testing.assert_array_equal(follows.predict_interval(marked(wild, garbage, ~now))[now], limits)
    known = np.where(np.asarray(day < pd.Timestamp("2020-03-05", tz="UTC")), 1e6, truth)
    assert (follows.predict_interval(marked(wild, known, ~now))[now] != limits).any()


def test_issues_within_the_training_are_not_wanted():
    X, y = rows("2020-01-01", 60, 50.0)
    follows = RecentIntervals(Persistence(), days=10)
    at = np.array([pd.Timestamp("2020-03-05T12:00Z").value // 1000])
    assert len(follows.earlier_origins(at)) == 0  # untrained
    origins = pd.to_datetime(follows.fit(X, y).earlier_origins(at), unit="us", utc=True)
    assert (origins[0], origins[-1]) == (pd.Timestamp("2020-03-01T00:00Z"), pd.Timestamp("2020-03-04T21:00Z"))
    assert len(origins) == 4 * 8
    with pytest.raises(StudyError, match="has one level"):
        RecentIntervals(Persistence(), levels=(0.5,)).fit(X, y)


def test_a_study_wraps_what_has_no_limits_by_lead():
    made = with_lead_intervals(Persistence(), 0.9)
    assert isinstance(made, RecentIntervals)
    assert made.tails() == (0, 18)
    assert with_lead_intervals(made, 0.8) is made
    plain = LeadIntervals(Persistence())
    assert with_lead_intervals(plain, 0.8) is plain


class Optimist(Persistence):
    """Promises more than there will be, so that nine tenths of the powers lie below."""

    def predict(self, X):
        return super().predict(X) + 80.0


def test_limits_hold_the_estimate():
    X, y = rows("2020-01-01", 60, 50.0)
    calm, truth = rows("2020-03-01", 40, 10.0, seed=1)
    calm = marked(calm, truth, np.arange(len(calm)) < len(calm) - 1)
    follows = RecentIntervals(Optimist()).fit(X, y)
    estimate, quantiles = follows.predict_distribution(calm)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles[:, 0] <= estimate).all()
    assert (quantiles[:, -1] >= estimate).all()
    assert quantiles[-1, -1] == estimate[-1]
    assert quantiles[-1, 1] < estimate[-1] - 50
