"""Slow obvious loops beside the choice and the weighing of days, and what rules refuse."""

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError, StudyError
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
    (XofY(2, 5, weights=(1.5, -0.5)), ">= 0"),
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
