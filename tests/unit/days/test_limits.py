"""Limits that hold with finitely many days: order statistics, against slow loops, and what follows from one another."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.days.limits import conformal_p, days_needed, each_tail, signed_limits, tail_bound


# ceil((n + 1)(1 - a)) <= n: 19 days for a tail of 5 %, 39 for 2.5 %, 9 for 10 % (Lei et al. 2018, section 2)
@pytest.mark.parametrize(("miscoverage", "needed"), [(0.05, 19), (0.025, 39), (0.1, 9), (0.5, 1)])
def test_days_needed(miscoverage, needed):
    assert days_needed(miscoverage) == needed
    enough = np.arange(needed, dtype=float)
    assert tail_bound(enough, np.arange(needed), miscoverage) == enough.max()
    assert tail_bound(enough[1:], np.arange(needed - 1), miscoverage) == math.inf


def test_tail_bound_is_the_usual_rule_with_one_row_a_day():
    scores = np.random.default_rng(0).normal(size=137)
    for miscoverage in (0.05, 0.1, 0.3):
        rank = math.ceil(138 * (1 - miscoverage))
        assert tail_bound(scores, np.arange(137), miscoverage) == np.sort(scores)[rank - 1]


def test_tail_bound_against_the_slow_loop_with_days_of_unequal_length():
    rng = np.random.default_rng(1)
    day = np.repeat(np.arange(40), rng.integers(1, 6, 40))
    scores = rng.normal(size=len(day))
    rows_of = np.bincount(day)
    for miscoverage in (0.05, 0.2):
        slow = math.inf
        for candidate in sorted(scores):
            below = sum(1 / rows_of[d] / 41 for s, d in zip(scores, day, strict=True) if s <= candidate)
            if below >= 1 - miscoverage - 1e-12:
                slow = candidate
                break
        assert tail_bound(scores, day, miscoverage) == slow


def test_rows_of_one_day_are_not_more_evidence():
    scores = np.arange(18, dtype=float)
    assert tail_bound(np.repeat(scores, 12), np.repeat(np.arange(18), 12), 0.05) == math.inf


def test_older_errors_weigh_less():
    day = np.arange(200)
    scores = np.where(day < 100, 10.0, 1.0)
    weight = 0.5 ** ((199 - day) / 30)
    assert tail_bound(scores, day, 0.2) == 10.0
    assert tail_bound(scores, day, 0.2, weight) == 1.0


def test_limits_are_order_statistics():
    # n = 19, coverage 90 %: rank ceil(20 × 0.95) = 19, the largest and the smallest of nineteen.
    assert days_needed(each_tail(0.9)) == 19
    assert signed_limits(np.arange(19.0), 0.9) == (0.0, 18.0)
    assert all(np.isnan(signed_limits(np.arange(18.0), 0.9)))
    # n = 39: rank ceil(40 × 0.95) = 38.
    assert signed_limits(np.arange(39.0), 0.9) == (1.0, 37.0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=40, max_size=40, unique=True))
def test_a_new_error_of_the_same_kind_lies_within_the_limits_as_often_as_promised(values):
    # Every one of 40 like errors takes its turn as the new one: exactly 36 of them, 90 %, lie within.
    errors = np.array(values)
    inside = 0
    for k in range(40):
        low, high = signed_limits(np.delete(errors, k), 0.9)
        inside += low <= errors[k] <= high
    assert inside == 36


@pytest.mark.parametrize(
    ("coverage", "days"), [(0.5, 3), (0.6, 4), (0.7, 6), (0.75, 7), (0.8, 9), (0.9, 19), (0.95, 39)]
)
def test_the_least_number_of_days_has_limits_and_one_fewer_has_none(coverage, days):
    # 2 / (1 - coverage) - 1, though 1 - 0.8 is a little less than a fifth in binary.
    assert days_needed(each_tail(coverage)) == days
    assert all(np.isfinite(signed_limits(np.arange(float(days)), coverage)))
    assert all(np.isnan(signed_limits(np.arange(days - 1.0), coverage)))


def test_unknown_errors_do_not_count_as_days():
    assert signed_limits(np.r_[np.arange(19.0), np.nan], 0.9) == (0.0, 18.0)
    assert all(np.isnan(signed_limits(np.r_[np.arange(18.0), np.nan], 0.9)))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=60, max_size=60, unique=True))
def test_false_alarms_are_bounded_whatever_the_distribution(scores):
    # Every one of 60 like days takes its turn as the event: exactly 3 of them, 5 %, are flagged.
    days = np.array(scores)
    flagged = [conformal_p(days[k : k + 1], np.delete(days, k))[0] <= 0.05 for k in range(60)]
    assert sum(flagged) == 3


def test_nothing_is_flagged_with_fewer_than_19_ordinary_days():
    assert conformal_p(np.array([1e9]), np.zeros(18))[0] > 0.05
    assert conformal_p(np.array([1e9]), np.zeros(19))[0] <= 0.05
    assert np.isnan(conformal_p(np.array([np.nan]), np.zeros(30))[0])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=60), st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5]))
def test_a_score_is_as_rare_as_the_miscoverage_exactly_beyond_the_bound(reference, miscoverage):
    days = np.array(reference, dtype=np.float64)
    score = np.arange(-21.0, 22.0)
    rare = conformal_p(score, days) <= miscoverage + 1e-12
    assert rare.tolist() == (score > tail_bound(days, np.arange(len(days)), miscoverage)).tolist()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), max_size=80), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_the_two_limits_are_ranks_from_either_end(values, coverage):
    errors = np.sort(np.array(values, dtype=np.float64))
    rank = math.ceil((len(errors) + 1) * (1 - (1 - coverage) / 2) - 1e-9)
    low, high = signed_limits(errors, coverage)
    if rank > len(errors):
        assert math.isnan(low)
        assert math.isnan(high)
    else:
        assert (low, high) == (errors[len(errors) - rank], errors[rank - 1])
