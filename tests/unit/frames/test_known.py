"""Means over what is known, and runs of what is alike, against slow loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cblcast.frames.known import (
    known_mean,
    known_mean_by,
    known_mean_of_runs,
    known_moments,
    run_begins,
    run_lengths,
    run_starts,
)

NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.just(math.nan))


def slow_mean(values):
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (6, 4), elements=NUMBERS))
def test_means_leave_out_what_is_not_known(values):
    np.testing.assert_allclose(known_mean(values), [slow_mean(row) for row in values], rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(known_mean(values, 0), [slow_mean(row) for row in values.T], rtol=1e-9, atol=1e-6)
    group = np.array([2, 0, 0, 2, 2, 0])
    by_group = [slow_mean(values[group == k, 0]) for k in range(4)]
    np.testing.assert_allclose(known_mean_by(values[:, 0], group, 4), by_group, rtol=1e-9, atol=1e-6)
    first = np.array([0, 1, 4])
    of_runs = [[slow_mean(part) for part in run.T] for run in np.split(values, first[1:])]
    np.testing.assert_allclose(known_mean_of_runs(values, first), of_runs, rtol=1e-9, atol=1e-6)


def test_where_nothing_is_known_stands_what_the_caller_says():
    nothing = np.full((2, 3), np.nan)
    assert np.isnan(known_mean(nothing)).all()
    assert (known_mean(nothing, otherwise=0.0) == 0).all()
    assert [part.tolist() for part in known_moments(nothing)] == [[0.0] * 3, [0.0] * 3]


def test_weights_count_only_where_there_is_a_value():
    values = np.array([[1.0, 3.0, np.nan], [np.nan, 2.0, 4.0], [1.0, np.nan, np.nan]])
    weight = np.array([1.0, 3.0, 6.0])
    assert known_mean(values, weight=weight).tolist() == [2.5, 30 / 9, 1.0]
    assert np.isnan(known_mean(values, weight=np.array([0.0, np.nan, 0.0]))).all()
    even = known_mean(values, weight=np.full(3, 0.5))
    np.testing.assert_allclose(even, known_mean(values), rtol=1e-15)


def test_float32_is_summed_in_float64_unless_its_own_sums_are_asked_for():
    values = np.full(3_000_001, 0.1, dtype=np.float32)
    exact = float(np.float32(0.1))
    assert abs(known_mean(values) - exact) < 1e-15
    assert known_mean(values[:30_000], dtype=np.float32) == pytest.approx(exact, rel=1e-6)


def test_moments_are_those_of_the_values_that_are_there():
    values = np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, 5.0], [8.0, 5.0]])
    mean, spread = known_moments(values)
    assert mean.tolist() == [4.0, 5.0]
    assert spread.tolist() == [pytest.approx(np.std([1, 3, 8])), 0.0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1)), max_size=12))
def test_a_run_ends_where_any_key_changes(rows):
    flag = np.array([flag for flag, _ in rows], dtype=bool)
    site = np.array([site for _, site in rows], dtype=np.int64)
    begins = [k == 0 or rows[k] != rows[k - 1] for k in range(len(rows))]
    assert run_begins(flag, site).tolist() == begins
    assert run_starts(flag, site).tolist() == [k for k, begin in enumerate(begins) if begin]
    length = []
    for k in range(len(rows)):
        first = max(j for j in range(k + 1) if begins[j])
        end = next((j for j in range(k + 1, len(rows)) if begins[j]), len(rows))
        length.append(end - first)
    assert run_lengths(flag, site).tolist() == length
