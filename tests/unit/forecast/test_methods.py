"""What a method's name stands for."""

import pytest

from cblcast.errors import StudyError
from cblcast.forecast.methods import EXAMPLES, KPX_WEIGHTS, make_estimator


@pytest.mark.parametrize(("name", "expected"), [
    ("High5of10", {"x": 5, "y": 10, "select": "high", "weights": None}),
    ("low3of5", {"x": 3, "y": 5, "select": "low"}),
    ("Middle4of6", {"x": 4, "y": 6, "select": "middle"}),
    ("Mid6of10-weighted", {"x": 6, "y": 10, "select": "middle", "weights": KPX_WEIGHTS}),
    ("Nearest5of10", {"select": "nearest"}),
    ("10of10", {"x": 10, "y": 10, "select": "recent"}),
    ("ExponentialMovingAverage20", {"days": 20}),
    ("PBLM-Nearest5of10", {"window": "PBLM", "estimator__select": "nearest", "estimator__x": 5}),
    ("NN-CBL", {"hidden": (10, 10), "trainer": "scg", "columns": ("hour", "day_of_month", "month", "day_type")}),
    ("WS-NN-CBL", {"window": "WS", "estimator__hidden": (10, 10)}),
    ("BW-PBLM-High3of5", {"window": "BW", "estimator__window": "PBLM", "estimator__estimator__y": 5}),
])  # fmt: skip
def test_names(name, expected):
    params = make_estimator(name).get_params()
    assert {key: params[key] for key in expected} == expected


def test_every_example_is_a_method_and_the_weights_sum_to_one():
    for name in EXAMPLES:
        make_estimator(name)
    assert sum(KPX_WEIGHTS) == pytest.approx(1)


def test_spelled_out():
    spec = {
        "estimator": "Adjusted",
        "window": ["WS", {"side": "after", "hours": 2}],
        "limits": [0.8, 1.2],
        "of": "High3of5",
    }
    made = make_estimator(spec)
    assert made.limits == (0.8, 1.2)
    assert [window.side for window in made.windows()] == ["before", "after"]
    assert made.estimator.get_params()["y"] == 5


@pytest.mark.parametrize(("spec", "message"), [
    ("High5of10x", "did you mean 'High5of10'"),
    ("Adjusted", "needs the parameter 'estimator'"),
    ("Mid4of6-weighted", "six days"),
    ({"window": "WS"}, "key 'estimator'"),
    ({"estimator": {"estimator": "XofY"}}, "'of' what it wraps"),
    ({"estimator": "XofY", "lookback": 3}, "no parameter 'lookback'"),
])  # fmt: skip
def test_what_is_no_method_is_said(spec, message):
    with pytest.raises(StudyError, match=message):
        make_estimator(spec)


@pytest.mark.parametrize("spec", [3, None, ["High5of10"], {"estimator": "Ensemble", "members": "High5of10"},
                                  {"estimator": "Ensemble", "members": 3}], ids=str)  # fmt: skip
def test_a_method_of_another_kind_is_one_sentence(spec):
    with pytest.raises(StudyError, match=r"a method is a name|members are a list"):
        make_estimator(spec)
