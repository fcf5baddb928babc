"""Annotations read as what a parameter may be: types, bounds, lists, and the sentence for what is none."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pytest

from cblcast.abilities import check_parameters
from cblcast.checked.annotations import allowed, check_fields, check_values
from cblcast.checked.parameters import Between, Days, Filled, Inner, Jobs, Names, OneOf, Share, Text
from cblcast.errors import StudyError
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.rules.similar_days import XofY
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.forecast.forecaster import Forecaster


@dataclass
class Part:
    """One parameter of every kind."""

    whole: int = 1
    real: float = 1.0
    share: Share = 0.5
    days: Days = 1
    flag: bool = True
    text: Text = "a"
    names: Names | None = None
    pair: tuple[float, float] | None = None
    many: tuple[int, ...] = ()
    numbers: Sequence[Share] = ()
    table: Mapping[str, int] | None = None
    known: Literal["plan", "measured"] = "plan"
    word: Annotated[str, OneOf(("equal", "stacked"))] = "equal"
    jobs: Jobs = 1
    inner: Inner = None
    any: Any = None
    ends: Annotated[float, Between(0, 1, above=True, below=True)] = 0.5
    two: Annotated[Sequence[int], Filled(2)] = (1, 2)


@pytest.mark.parametrize(("name", "fine", "wrong"), [
    ("whole", [0, -3, np.int64(5), 2**62], [1.0, 2.5, True, np.True_, "1", None, math.nan, 10**400, [1]]),
    ("real", [0, 1, 2.5, np.float32(1), 10**15], [math.nan, math.inf, -math.inf, True, "1", None, 1j, 10**400, np.array([1.0])]),
    ("share", [0, 1, 0.5], [-1e-9, 1.0001, math.nan]),
    ("ends", [1e-12, 0.5], [0, 1]),
    ("days", [1, 3660], [0, -1, 3661, 1.0]),
    ("flag", [True, False, np.True_], [0, 1, "true", None]),
    ("text", ["a", "ä"], ["", "  ", 5, None, b"a"]),
    ("names", [None, ["a"], ("a", "b"), np.array(["a"]), pd.Index(["a", "b"])], ["a", [], ["a", "a"], [1], {"a": 1}, [None]]),
    ("pair", [None, (1, 2.0), [0.5, 1], np.array([1.0, 2.0])], [(1,), (1, 2, 3), (1, "a"), 5, (1, math.nan)]),
    ("many", [(), [1, 2], np.arange(3)], [5, (1.5,), "12", [True], np.zeros((2, 2), int)]),
    ("numbers", [(), [0.1, 1]], [[0.1, 1.1], [math.nan]]),
    ("table", [None, {}, {"a": 1}], [{1: 1}, {"a": "b"}, [("a", 1)]]),
    ("known", ["plan"], ["plans", None, 1]),
    ("word", ["stacked"], ["stakced", None, ["equal"]]),
    ("jobs", [1, -1, 1024], [0, -2, 1025, 1.0]),
    ("inner", [XofY(), Ridge()], [XofY, None, "Ridge", {"estimator": "Ridge"}]),
    ("any", [None, object(), XofY], []),
    ("two", [(1, 2), [1, 1]], [(1,), ()]),
])  # fmt: skip
def test_kinds_and_bounds(name, fine, wrong):
    for value in fine:
        check_values(Part, {name: value})
    for value in wrong:
        with pytest.raises(StudyError, match=f"^Part: {name} must be .*, not ") as told:
            check_values(Part, {name: value})
        assert "\n" not in str(told.value)


def test_the_words():
    words = allowed(Part)
    assert words["days"] == "a whole number from 1 up to 3,660"
    assert words["ends"] == "a number above 0 below 1"
    assert words["jobs"] == "a whole number from 1 up to 1,024, or -1"
    assert words["names"] == "a list with 1 item at least, each item text, none twice, or null"
    assert words["two"] == "a list with 2 items at least, each item a whole number"
    assert "any" not in words
    with pytest.raises(StudyError, match="did you mean 'stacked'"):
        check_values(Part, {"word": "stakced"})
    with pytest.raises(StudyError, match="did you mean 'measured'"):
        check_values(Part, {"known": "measurd"})
    with pytest.raises(StudyError) as told:
        check_values(Part, {"text": list(range(10**5))})
    assert len(str(told.value)) < 120


def test_own_parts_are_checked_by_the_annotations_they_have():
    class Own:
        def __init__(self, days: int = 3, share: "float" = 0.5, other: "Nowhere" = None) -> None:  # noqa: F821
            self.days = days

    check_fields(Own(days="x"))  # one annotation cannot be resolved: nothing is claimed

    class Plain:
        def __init__(self, days: int = 3, free=None) -> None:
            self.days, self.free = days, free

    check_fields(Plain(free=object()))
    with pytest.raises(StudyError, match=r"^Plain: days must be a whole number, not 'x': mend it$"):
        check_fields(Plain("x"))


def test_what_is_wrapped_is_checked_too():
    for made in (Adjusted(XofY(x=2.5)), Adjusted(Adjusted(XofY(x=2.5)))):
        with pytest.raises(StudyError, match=r"^XofY: x must be a whole number"):
            check_parameters(made)
        with pytest.raises(StudyError, match=r"^XofY: x must be a whole number"):
            Forecaster(made)
