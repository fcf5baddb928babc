"""Every parameter of everything registered, with values that no method has: taken with a meaning, or refused in one sentence."""

import inspect
import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cblcast import registry
from cblcast.abilities import check_parameters, needed_features
from cblcast.checked.annotations import allowed, check_values
from cblcast.errors import DataError, StudyError
from cblcast.estimators.ranges import FloatRange
from cblcast.estimators.rules.similar_days import XofY
from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import Event
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED

WRONG: list[Any] = [
    float("nan"), float("inf"), -float("inf"), -1, 0, 2.5, 1e-12, 10**12, 10**400, 1e300, True, None, "", "x", b"x", [], ["x"],
    [float("nan")], [-1], [0.5, 0.5], {}, {"x": 1}, [[]], [None], object, object(), np.array([1.0]), 1 + 2j,
]  # fmt: skip
NEEDED = {
    "estimator": XofY(2, 3),
    "baseline": XofY(2, 3),
    "members": (XofY(2, 3), XofY(1, 2)),
    "side": "before",
    "hours": 2.0,
}
# So that a value that is taken is also tried, in a blink.
QUICK: dict[str, dict[str, Any]] = {
    "ARMA": {"orders": ((1, 1),), "long": 4, "step_min": 60},
    "Boosting": {"n_estimators": 2},
    "ByLead": {"estimator": registry.ESTIMATORS.make("Ridge")},
    "ConformalQuantile": {"estimator": registry.ESTIMATORS.make("QuantileBoosting", {"n_estimators": 2})},
    "ExtraTrees": {"n_estimators": 2},
    "GaussianProcess": {"max_rows": 20, "tune_rows": 10},
    "LeadIntervals": {"estimator": registry.ESTIMATORS.make("Ridge")},
    "LeadNet": {"n_nets": 1, "epochs": 1, "hidden": (4,)},
    "LearnedBaseline": {"n_estimators": 2},
    "NeuralNet": {"max_epochs": 1, "hidden": (2,)},
    "NeuralNetPerSite": {"max_epochs": 1, "hidden": (2,)},
    "PooledBaseline": {"nets": (), "tables": (("ridge", registry.ESTIMATORS.make("Ridge")),)},
    "QuantileBoosting": {"n_estimators": 2},
    "QuantileForest": {"n_estimators": 2, "levels": (0.1, 0.5, 0.9)},
    "QuantileNet": {"n_nets": 1, "epochs": 1, "hidden": (4,), "levels": (0.1, 0.5, 0.9)},
    "RandomForest": {"n_estimators": 2},
    "RecentIntervals": {"estimator": registry.ESTIMATORS.make("Ridge")},
}
TABLES = {"estimator": registry.ESTIMATORS, "builder": registry.FEATURES}
# Slow to make or to train, and declared with the words that the others are declared with: only the declaration is tried.
DECLARED_ONLY = {
    "LearnedBaseline",
    "NeuralNet",
    "NeuralNetPerSite",
    "LeadNet",
    "QuantileNet",
    "Conformal",
    "ConformalQuantile",
}


@cache
def world() -> tuple[Panel, pd.DataFrame, pd.DataFrame]:
    """Two sites for three weeks, their evening events, and a table of features; synthetic, since no value is judged."""
    times = pd.date_range("2024-01-01", periods=24 * 21, freq="h", tz="UTC").as_unit("us")
    index = pd.MultiIndex.from_product([["a", "b"], times], names=["site_id", "time"])
    rng = np.random.default_rng(0)
    names = [OBSERVED, "temp_air_c", "declared_kw", "occupants", "wind_speed_100m_ms"]
    data = pd.DataFrame(rng.gamma(9, 1, (len(index), len(names))), index, names)
    sites = pd.DataFrame(
        {"tz": "UTC", "group": ["asked", "control"], "contract_kw": 9.0}, pd.Index(["a", "b"], name="site_id")
    )
    panel = Panel(data, sites)
    days = pd.date_range("2024-01-10 17:00", periods=10, freq="D", tz="UTC")
    cases = make_cases(panel, [Event("a", day, day + pd.Timedelta(hours=2)) for day in days], View.settlement())
    builders = [registry.FEATURES.make(one) for one in ("reference_days", "calendar", "lags", "event_windows")]
    return panel, cases, pd.concat([build(panel, cases) for build in builders], axis=1)


def parameters():
    for kind, table in TABLES.items():
        for name in sorted(table):
            for parameter in inspect.signature(table.resolve(name)).parameters:
                yield pytest.param(kind, name, parameter, id=f"{name}-{parameter}")


def use(kind: str, name: str, params: dict[str, Any]) -> None:
    """What a study does with an estimator or a builder."""
    panel, cases, features = world()
    made = TABLES[kind].make(name, params)
    if kind == "builder":
        made(panel, cases)
        return
    check_parameters(made)
    needed_features(made)
    if name not in DECLARED_ONLY:
        made.fit(features, np.arange(len(features), dtype=np.float64)).predict(features)


def sentence(kind: str, name: str, params: dict[str, Any]) -> str:
    """Why a value is refused, empty where it is taken."""
    try:
        use(kind, name, params)
    except (DataError, StudyError) as told:
        return str(told)
    return ""


@pytest.mark.parametrize(("kind", "name", "parameter"), list(parameters()))
def test_a_value_is_taken_or_refused_in_one_sentence(kind, name, parameter):
    known = inspect.signature(TABLES[kind].resolve(name)).parameters
    needed = {
        key: NEEDED[key] for key in known if key in NEEDED and (known[key].default in (known[key].empty, None, ()))
    }
    if name == "SpeedFirst":
        needed = {}
    quick = QUICK.get(name, {})
    told = []
    for value in WRONG:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            told.append(sentence(kind, name, {**needed, **quick, parameter: value}))
    for value, said in zip(WRONG, told, strict=True):
        assert "\n" not in said, value
        assert len(said) < 700, value
    assert sum(map(bool, told)) >= len(WRONG) // 2, "a parameter that takes everything is not declared"


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, table in TABLES.items() for name in sorted(table)])
def test_every_parameter_says_what_it_may_be_and_its_default_is_that(kind, name):
    cls = TABLES[kind].resolve(name)
    known = inspect.signature(cls).parameters
    assert set(allowed(cls)) == set(known)
    unset = {"estimator", "baseline", "members"}  # asked for when it is used
    check_values(cls, {key: it.default for key, it in known.items() if it.default is not it.empty and key not in unset})


@pytest.mark.parametrize("name", sorted(registry.ESTIMATORS))
def test_what_a_tuning_searches_is_allowed(name):
    cls = registry.ESTIMATORS.resolve(name)
    for key, tried in (cls.search_space() if hasattr(cls, "search_space") else {}).items():
        ends = (tried.low, tried.high) if isinstance(tried, FloatRange) else tried.choices
        for end in ends:
            check_values(cls, {key: end})


def test_the_sentence_names_method_parameter_value_and_what_is_allowed():
    with pytest.raises(
        StudyError, match=r"^estimator 'XofY': x must be a whole number from 1 up to 3,660, not 2\.5: mend it$"
    ):
        registry.ESTIMATORS.make("XofY", {"x": 2.5})
    with pytest.raises(StudyError, match=r"^XofY: x must be a whole number from 1 up to 3,660, not 2\.5: mend it$"):
        XofY(x=2.5).fit(pd.DataFrame(index=range(1)))
