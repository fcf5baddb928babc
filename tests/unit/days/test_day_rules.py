"""What a day rule holds to be a rule, its documented defaults, and the choice of days at its edges."""

import numpy as np
import pytest

from cblcast.days.day_rules import DayRule, choose_days
from cblcast.frames.schema import StudyError


def test_the_defaults_are_those_of_the_documentation() -> None:
    # Ten of ten within 60 days and 90 % metered: the simple average of the baseline paper, section 3.2, family 2.
    rule = DayRule()
    assert rule == DayRule(("working", "weekday", "any"), 10, 10, look_back_days=60, gap_days=0, min_metered_share=0.9)
    assert (rule.low_share, rule.high_share, rule.buffer_hours, rule.compare_day_before) == (0, None, 0, False)
    assert (rule.least, rule.furthest_day) == (10, 60)
    assert rule.plain() == {"applies_to": ("working", "weekday", "any"), "x": 10, "y": 10}


@pytest.mark.parametrize(
    "params",
    [
        {"x": 1, "y": 1},
        {"x": 5, "y": 5, "minimum_days": 5},
        {"look_back_days": 1},
        {"look_back_days": 4, "gap_days": 3},
        {"look_back_days": 30, "extended_look_back_days": 31},
        {"x": 2, "weights": (1.0, 0.0)},
        {"x": 2, "weights": (0.6, 0.4 + 5e-7)},
        {"decay": 0.001},
        {"decay": 0.999},
        {"low_of": "seed", "low_share": 0.25},
    ],
)
def test_a_rule_at_its_limits_is_one(params) -> None:
    assert DayRule.of(params) == DayRule(**params)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"x": 0, "y": 5}, "x must be a whole number from 1"),
        ({"x": 6, "y": 5}, "1 <= x <= y"),
        ({"look_back_days": 0}, "look_back_days must be a whole number from 1"),
        ({"look_back_days": 3, "gap_days": 3}, "leaves no day"),
        ({"extended_look_back_days": 60}, "must exceed look_back_days"),
        ({"extended_look_back_days": 59}, "must exceed look_back_days"),
        ({"x": 2, "y": 5, "minimum_days": 6}, "minimum_days=6 exceeds y=5"),
        ({"decay": 0.0}, "decay must be a number above 0 below 1"),
        ({"decay": 1.0}, "decay must be a number above 0 below 1"),
        ({"x": 2, "weights": (0.5, 0.5), "decay": 0.5}, "stands instead of weights"),
        ({"x": 2, "weights": (1.5, -0.5)}, "each item a number from 0 up to 1"),
        ({"x": 2, "weights": (1.05, -0.05)}, "each item a number from 0 up to 1"),
        ({"x": 2, "weights": (0.5, 0.49)}, "sum to 0.99"),
        ({"x": 2, "weights": (0.5, 0.50001)}, "sum to 1"),
        ({"x": 2, "weights": (0.2, 0.3, 0.5)}, "must be 2 numbers"),
        ({"x": 2, "weights": (0.0, 0.0)}, "sum to 0"),
        ({"rank": "heigh"}, "'high'"),
        ({"weights_by": "size"}, "unknown weights_by"),
        ({"ranked": "night"}, "unknown ranked"),
    ],
)
def test_what_is_no_rule_is_refused(params, message) -> None:
    with pytest.raises(StudyError, match=message):
        DayRule(**params)


def test_weights_sum_to_one_and_run_from_the_newest_day() -> None:
    np.testing.assert_allclose(DayRule(x=4).ordered_weights, [0.25] * 4)
    np.testing.assert_allclose(DayRule(x=3, decay=0.5).ordered_weights, [4 / 7, 2 / 7, 1 / 7])
    assert DayRule(x=2, weights=(0.4, 0.6)).ordered_weights.tolist() == [0.6, 0.4]
    assert DayRule(x=2, weights=(0.6, 0.4), weights_by="rank").ordered_weights.tolist() == [0.6, 0.4]


def test_the_furthest_day_is_that_of_the_longer_search() -> None:
    assert DayRule(look_back_days=30, extended_look_back_days=45).furthest_day == 45
    assert DayRule(y=10, minimum_days=4).least == 4


@pytest.mark.parametrize(
    ("side", "x", "minimum", "chosen"),
    [
        ("largest", 2, 1, [0, 3]),
        ("smallest", 2, 1, [2, 4]),
        ("middle", 2, 1, [1, 4]),  # of 1, 2, 4, 5, 7 without 1 and 7, 5: of an odd rest one more of the largest
        ("middle", 3, 1, [1, 3, 4]),
        ("largest", 5, 5, [0, 1, 2, 3, 4]),
        ("middle", 5, 5, [0, 1, 2, 3, 4]),
        ("smallest", 6, 5, [0, 1, 2, 3, 4, -1]),  # all that are there if fewer
        ("largest", 9, 5, [0, 1, 2, 3, 4, -1]),
        ("largest", 2, 6, [-1, -1]),  # fewer than asked for
    ],
)
def test_the_choice_by_hand(side: str, x: int, minimum: int, chosen: list[int]) -> None:
    key = np.array([[7.0, 4.0, 1.0, 5.0, 2.0, np.nan]])
    assert choose_days(key, x, side, minimum)[0].tolist() == chosen
