"""Slow obvious loops beside the choice and the weighing of days, and what rules refuse."""

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError, StudyError
from cblcast.estimators.ranges import FloatRange, IntRange
from cblcast.estimators.rules.firm_service_level import FirmServiceLevel
from cblcast.estimators.rules.meter import MeteringGeneratorOutput
from cblcast.estimators.rules.similar_days import (
    ComparableDay,
    ExponentialMovingAverage,
    SimpleAverage,
    XofY,
    choose_days,
    weighted_days,
)
from cblcast.estimators.wrappers.adjusted import Adjusted


def slow_choice(key, x, side, minimum_days):
    """One row at a time; ties go to the newer day."""
    chosen = []
    for row in key:
        days = [day for day in range(len(row)) if np.isfinite(row[day])]
        if len(days) < minimum_days:
            days = []
        ranked = sorted(days, key=lambda day: -row[day] if side == "largest" else row[day])
        drop = max(len(days) - x, 0) // 2 if side == "middle" else 0
        kept = sorted(ranked[drop : drop + x])
        chosen.append(kept + [-1] * (min(x, len(row)) - len(kept)))
    return np.array(chosen)


@pytest.mark.parametrize("side", ["largest", "smallest", "middle"])
@pytest.mark.parametrize(("x", "y", "minimum"), [(1, 1, 1), (3, 5, 3), (5, 10, 10), (4, 6, 2), (6, 10, 1), (7, 7, 7)])
def test_choice_and_weights_equal_the_slow_loop(side, x, y, minimum):
    rng = np.random.default_rng(x * y)
    key = rng.integers(0, 5, (200, y)).astype(float)  # many ties
    key[rng.random(key.shape) < 0.2] = np.nan
    load = np.where(rng.random(key.shape) < 0.05, np.nan, rng.random(key.shape))
    chosen = choose_days(key, x, side, minimum)
    np.testing.assert_array_equal(chosen, slow_choice(key, x, side, minimum))
    weights = rng.random(x)
    slow = []
    for row, days in zip(load, chosen, strict=True):
        pairs = [(w, row[d]) for w, d in zip(weights, days, strict=True) if d >= 0 and np.isfinite(row[d])]
        slow.append(sum(w * v for w, v in pairs) / sum(w for w, _ in pairs) if pairs else np.nan)
    np.testing.assert_allclose(weighted_days(load, chosen, weights), slow)


def days(load, **keys):
    """Feature columns of one row per list, newest day first."""
    columns = {f"ref_kw_{k:02d}": [row[k - 1] for row in load] for k in range(1, len(load[0]) + 1)}
    for key, rows in {"age_days": np.where(np.isfinite(load), np.arange(1, len(load[0]) + 1), np.nan), **keys}.items():
        columns |= {f"ref_{key}_{k:02d}": [row[k - 1] for row in rows] for k in range(1, len(load[0]) + 1)}
    return pd.DataFrame(columns)


def test_too_few_days_are_nan_unless_fewer_are_allowed():
    X = days([[1.0, 2.0, np.nan]], event_kw=[[1.0, 2.0, np.nan]])
    assert np.isnan(XofY(2, 3).fit(X).predict(X)).all()
    assert XofY(2, 3, minimum_days=2).fit(X).predict(X) == [1.5]


def test_exponential_moving_average_by_hand():
    X = days([[4.0, 2.0, 8.0]])
    found = ExponentialMovingAverage(0.5, days=3, minimum_days=3).fit(X).predict(X)
    assert found == pytest.approx([(4 + 0.5 * 2 + 0.25 * 8) / 1.75])


def test_comparable_day_takes_the_one_nearest_day():
    X = days([[4.0, 2.0, 8.0]], temp_gap_c=[[3.0, 2.0, 2.5]], humidity_gap_pct=[[0.0, 9.0, 1.0]])
    assert ComparableDay(3).fit(X).predict(X) == [2.0]
    assert ComparableDay(3, humidity_pct=1.0).fit(X).predict(X) == [8.0]


def test_generator_output():
    X = days([[4.0, 2.0, 9.0]])
    assert MeteringGeneratorOutput().fit(X).predict(X) == [0.0]
    assert MeteringGeneratorOutput(3).fit(X).predict(X) == [5.0]


def test_firm_service_level_is_given_or_learned():
    index = pd.MultiIndex.from_product([["a", "b"], range(3)], names=["site_id", "time"])
    X = pd.DataFrame(index=index)
    load = np.array([1.0, 5.0, 3.0, 7.0, 2.0, 4.0])
    np.testing.assert_array_equal(FirmServiceLevel().fit(X, load).predict(X), [5, 5, 5, 7, 7, 7])
    np.testing.assert_array_equal(FirmServiceLevel({"a": 2, "b": 3}).predict(X), [2, 2, 2, 3, 3, 3])
    np.testing.assert_array_equal(FirmServiceLevel(np.int64(4)).predict(X), [4] * 6)
    with pytest.raises(DataError, match="site 'b'"):
        FirmServiceLevel({"a": 2}).predict(X)
    with pytest.raises(StudyError, match="quantile"):
        FirmServiceLevel(quantile=90).fit(X, load)


@pytest.mark.parametrize(("rule", "message"), [
    (XofY(6, 5), "1 <= x <= y"),
    (XofY(select="hihg"), "'high'"),
    (XofY(2, 5, weights=(0.5, 0.4)), "sum to 0.9"),
    (XofY(2, 5, weights=(1.5, -0.5)), "each item a number from 0 up to 1"),
    (XofY(3, 5, weights=(0.5, 0.5)), "must be 3 numbers"),
    (ExponentialMovingAverage(1.0), "decay"),
    (Adjusted(XofY(), mode="ratio"), "'multiplicative', 'additive'|multiplicative"),
    (Adjusted(XofY(), limits=(1.1, 1.2)), "enclose 1"),
    (Adjusted(XofY(), mode="additive", limits=(0.8, 1.2)), "enclose 0"),
    (Adjusted(XofY(), window="MW"), "named windows"),
])  # fmt: skip
def test_rules_that_are_none_are_refused(rule, message):
    with pytest.raises(StudyError, match=message):
        rule.fit(pd.DataFrame(index=range(1)), np.zeros(1))


def test_a_rule_asks_for_its_own_prefix_and_for_days_enough():
    assert SimpleAverage(30, prefix="sat").required_features() == {
        "reference_days": {"days": 30, "look_back_days": 90, "prefix": "sat"}
    }
    assert XofY(3, 5).required_features() == {"reference_days": {"days": 10}}


def test_the_defaults_are_those_of_the_documentation():
    # Baseline paper, section 3.2: High5of10 is the usual XofY, ten days the simple average; ISO-NE's former 90/10 rule.
    assert XofY().get_params() == {
        "x": 5, "y": 10, "select": "high", "weights": None, "minimum_days": None, "rank_by": "event", "prefix": "ref",
    }  # fmt: skip
    assert SimpleAverage().get_params() == {"days": 10, "minimum_days": None, "prefix": "ref"}
    assert ExponentialMovingAverage().get_params() == {"decay": 0.9, "days": 20, "minimum_days": 5, "prefix": "ref"}
    assert ComparableDay().get_params() == {"days": 20, "kelvin": 1.0, "humidity_pct": None, "prefix": "ref"}


def test_a_tuning_searches_documented_ranges():
    assert XofY.search_space() == {"x": IntRange(1, 10), "y": IntRange(5, 15)}
    assert SimpleAverage.search_space() == {"days": IntRange(3, 20)}
    assert ExponentialMovingAverage.search_space() == {
        "decay": FloatRange(0.7, 0.98),
        "days": IntRange(10, 40),
    }
    assert ComparableDay.search_space() == {"days": IntRange(10, 60)}


@pytest.mark.parametrize(
    ("rule", "needs"),
    [
        (XofY(10, 10), {"days": 10}),
        (XofY(5, 11), {"days": 11, "look_back_days": 60}),  # sixty days, or three times as many as are looked for
        (XofY(5, 20), {"days": 20, "look_back_days": 60}),
        (XofY(5, 21), {"days": 21, "look_back_days": 63}),
        (XofY(3, 5, "temperature"), {"days": 10, "temperature": "temp_air_c"}),
        (SimpleAverage(3), {"days": 10}),
        (ExponentialMovingAverage(days=5), {"days": 10}),
        (ExponentialMovingAverage(), {"days": 20, "look_back_days": 60}),
        (ComparableDay(5), {"days": 5, "temperature": "temp_air_c"}),
        (
            ComparableDay(12, humidity_pct=5.0),
            {"days": 12, "look_back_days": 60, "temperature": "temp_air_c", "humidity": "relative_humidity_pct"},
        ),
    ],
)
def test_a_rule_asks_for_as_many_days_as_it_needs(rule, needs):
    assert rule.required_features() == {"reference_days": needs}


def test_comparable_day_weighs_kelvin_against_percent():
    # Per 2 K and 10 %: (3/2)² + (0/10)² = 2.25 against (2/2)² + (12/10)² = 2.44 and (1/2)² + (20/10)² = 4.25.
    X = days([[4.0, 2.0, 8.0]], temp_gap_c=[[3.0, 2.0, 1.0]], humidity_gap_pct=[[0.0, 12.0, 20.0]])
    assert ComparableDay(3, kelvin=2.0, humidity_pct=10.0).fit(X).predict(X) == [4.0]
    # Per 2 K alone the third day; per 1 K the humidity weighs less: 9, 4 + 1.44 and 1 + 4.
    assert ComparableDay(3, kelvin=2.0).fit(X).predict(X) == [8.0]
    assert ComparableDay(3, kelvin=1.0, humidity_pct=10.0).fit(X).predict(X) == [8.0]
    # The distance is Euclid's: (2, 2) is nearer than (3, 0), (2.2, 2.2) is not.
    for near, load in ((2.0, 4.0), (2.2, 2.0)):
        for other in ([3.0, 0.0], [0.0, 3.0]):
            X = days([[4.0, 2.0]], temp_gap_c=[[near, other[0]]], humidity_gap_pct=[[near, other[1]]])
            assert ComparableDay(2, humidity_pct=1.0).fit(X).predict(X) == [load]
    # One day whose weather is known is enough; none is none.
    X = days([[4.0, 2.0]], temp_gap_c=[[np.nan, 3.0]])
    assert ComparableDay(2).fit(X).predict(X) == [2.0]
    assert np.isnan(ComparableDay(2).fit(X).predict(X.assign(ref_temp_gap_c_02=np.nan))).all()


def test_exponential_moving_average_needs_its_least_days_and_a_decay_between_the_ends():
    X = days([[4.0, 2.0, np.nan]])
    assert np.isnan(ExponentialMovingAverage(0.5, days=3, minimum_days=3).fit(X).predict(X)).all()
    found = ExponentialMovingAverage(0.5, days=3, minimum_days=2).fit(X).predict(X)
    assert found == pytest.approx([(4 + 0.5 * 2) / 1.5])
    for decay in (0.0, 1.0):
        with pytest.raises(StudyError, match="decay must be a number above 0 below 1"):
            ExponentialMovingAverage(decay).fit(X)
    ExponentialMovingAverage(0.999).check()
    ExponentialMovingAverage(0.001).check()


def test_weights_at_their_limits():
    X = days([[4.0, 2.0]], event_kw=[[4.0, 2.0]])
    # Oldest first, as KPX prints them: the newest day has the last weight.
    assert XofY(2, 2, weights=(0.25, 0.75)).fit(X).predict(X) == [3.5]
    assert XofY(2, 2, weights=(1.0, 0.0)).fit(X).predict(X) == [2.0]
    assert XofY(2, 2, weights=(0.5, 0.5 + 5e-7)).fit(X).predict(X) == pytest.approx([3.0])
    for weights in ((0.5, 0.50001), (0.0, 0.0), (0.6, 0.3, 0.1), (0.2, 0.3, 0.5)):
        with pytest.raises(StudyError, match="weights must be 2 numbers >= 0 that sum to 1"):
            XofY(2, 2, weights=weights).fit(X)
    for x, y in ((3, 2), (6, 5)):
        with pytest.raises(StudyError, match="1 <= x <= y"):
            XofY(x, y).fit(X)
    assert XofY(1, 1).fit(X).predict(X) == [4.0]


def test_what_a_day_is_ranked_by():
    X = days(
        [[1.0, 2.0, 3.0]],
        event_kw=[[9.0, 5.0, 7.0]],
        day_kw=[[5.0, 9.0, 7.0]],
        gap_kw=[[2.0, 3.0, 1.0]],
        total_gap_kw=[[3.0, 1.0, 2.0]],
        temp_gap_c=[[1.0, 2.0, 3.0]],
    )
    chosen = {
        ("high", "event"): 1, ("high", "day"): 2, ("low", "event"): 2, ("low", "day"): 1, ("middle", "event"): 3,
        ("nearest", "event"): 3, ("nearest_total", "event"): 2, ("temperature", "event"): 1, ("recent", "event"): 1,
    }  # fmt: skip
    for (select, rank_by), load in chosen.items():
        assert XofY(1, 3, select, rank_by=rank_by).fit(X).predict(X) == [load]


def test_small_weights_still_make_a_mean():
    chosen, load = np.array([[0, 1]]), np.array([[4.0, 8.0]])
    assert weighted_days(load, chosen, np.array([1e-6, 3e-6])) == pytest.approx([7.0])
    assert np.isnan(weighted_days(load, np.array([[-1, -1]]), np.array([0.5, 0.5]))).all()
