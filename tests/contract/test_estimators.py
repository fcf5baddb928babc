"""What every registered estimator keeps, so that nothing can be registered untested."""

import inspect
import json
import warnings
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cblcast import datasets, registry
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, StudyError
from cblcast.estimators.rules.firm_service_level import FirmServiceLevel
from cblcast.estimators.rules.rule import Rule
from cblcast.estimators.rules.similar_days import XofY
from cblcast.features.calendar import Calendar
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.state import load_state, save_state
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel


def ridge():
    """A quick learner for whatever wraps one."""
    return registry.ESTIMATORS.make("Ridge", {})


# Only where the defaults make no estimator, or one too slow to train in a test.
EXAMPLES = {
    # Asked at one time of day only, the load's daily rise looks like an explosion: a moving average never does.
    "ARMA": lambda: {"orders": ((1, 1), (0, 2)), "long": 4, "step_min": 60},
    "Adapted": lambda: {"estimator": XofY(3, 5)},
    "Adjusted": lambda: {"estimator": XofY(3, 5)},
    "AsTrained": lambda: {"estimator": XofY(3, 5)},
    "Autoregression": lambda: {"orders": (1, 2, 3)},
    "BinnedCurve": lambda: {"speed": "temp_air_c"},
    "Boosting": lambda: {"n_estimators": 20},
    "ByLead": lambda: {"estimator": ridge()},
    "CappedAt": lambda: {"estimator": XofY(3, 5)},
    "Column": lambda: {"name": "ref_day_kw_01"},
    "Conformal": lambda: {"estimator": XofY(3, 5)},
    "ConformalQuantile": lambda: {
        "estimator": registry.ESTIMATORS.make("QuantileBoosting", {}),
        "coverage": 0.8,
    },
    "Ensemble": lambda: {"members": (XofY(3, 5), XofY(5, 10, "low"))},
    "ExtraTrees": lambda: {"n_estimators": 10},
    "LeadEnsemble": lambda: {"members": (XofY(3, 5), XofY(5, 10, "low"))},
    "LeadIntervals": lambda: {"estimator": ridge(), "bins": 4},
    "LearnedBaseline": lambda: {"n_estimators": 20},
    "LeadNet": lambda: {"n_nets": 1, "epochs": 3, "hidden": (16,)},
    "NeuralNet": lambda: {"max_epochs": 5},
    "NeuralNetPerSite": lambda: {"max_epochs": 5},
    "Normalised": lambda: {"estimator": ridge(), "scale": "ref_day_kw_01"},
    "PerSite": lambda: {"estimator": ridge()},
    "PooledBaseline": lambda: {"nets": (), "tables": (("ridge", ridge()),)},
    "QuantileForest": lambda: {"n_estimators": 5, "levels": (0.1, 0.5, 0.9)},
    "QuantileNet": lambda: {"n_nets": 1, "epochs": 3, "hidden": (16,), "levels": (0.1, 0.5, 0.9)},
    "RandomForest": lambda: {"n_estimators": 10},
    "RecentIntervals": lambda: {"estimator": ridge(), "bins": 4},
    "Residual": lambda: {"estimator": ridge(), "baseline": XofY(3, 5)},
    # Rules of wind: any column is a wind speed to them, and an hour of the day after follows as a step of a day.
    "SmartPersistence": lambda: {
        "rated_kw": 500.0,
        **dict.fromkeys(("speed", "error_now", "error_then"), "temp_air_c"),
    },
    "SpeedFirst": lambda: {"speed": "temp_air_c", "step_min": 1440},
    "UnusualDay": lambda: {"estimator": XofY(3, 5)},
}
SITES = ["b1", "b14", "b15"]


def example(name):
    """A small estimator of this name."""
    cls = registry.ESTIMATORS.resolve(name)
    made = EXAMPLES[name]() if name in EXAMPLES else {}
    known = inspect.signature(cls).parameters
    return cls(**{key: value for key, value in made.items() if key in known})


@cache
def panel():
    """Real buildings: three that are asked, the others a control group; what a site declared is its load a day ago."""
    whole = datasets.load("cambridge_sme")
    time = whole.data.index.get_level_values("time")
    data = whole.data[(time >= "2018-03-01") & (time < "2018-09-20")]
    data = data.assign(declared_kw=data["observed_kw"].groupby("site_id").shift(24).to_numpy())
    group = np.where(whole.site_ids.isin(SITES), "asked", "control")
    sites = whole.sites.assign(contract_kw=500.0, rated_kw=500.0, group=group)
    return Panel(data, sites)


@cache
def problem(name):
    """Feature matrix, metered load and scored rows, as the forecaster makes them: (train X, train y), (test X, scored)."""
    made = Forecaster(example(name), {"calendar": {}, "weather": {}, "reference_days": {}}, View.settlement())
    events = placebo_events(panel(), "17:00", "20:00", first="2018-05-15")
    events = events[events["site_id"].isin(SITES)].reset_index(drop=True)
    early = (events["start"] < "2018-08-15").to_numpy()
    out = []
    for part in (events[early], events[~early]):
        cases = made.cases(panel(), part.reset_index(drop=True))
        out += [made.matrix(panel(), cases), truth(panel(), cases)]
    X, y, other, _ = out
    known = np.isfinite(y)
    return X[known], y[known], other


class Trained(NamedTuple):
    """An example that was trained once for all tests, and what the training was given and gave back."""

    made: object
    returned: object
    parameters: tuple[str, str]  # before and after
    X_before: pd.DataFrame


@cache
def trained(name):
    X, y, _ = problem(name)
    made, X_before = example(name), X.copy()
    before = repr(made.get_params())
    returned = quiet(lambda: made.fit(X, y))
    return Trained(made, returned, (before, repr(made.get_params())), X_before)


def _fitted(name):
    return trained(name).made


# Nets work in float32: another batch of rows may be added up in another order.
ROUNDING = {"rtol": 1e-5, "atol": 1e-5}


def quiet(function):
    """Call, letting pass the counted warnings that real load gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function()


def answer(name, X):
    """What the trained example says of X."""
    return quiet(lambda: _fitted(name).predict(X))


every_estimator = pytest.mark.parametrize("name", sorted(registry.ESTIMATORS))


@every_estimator
def test_the_suite_can_make_train_and_ask_it(name):
    # Fails for a name registered without what this suite needs: then add a small example above.
    _, _, X = problem(name)
    predicted = answer(name, X)
    assert predicted.dtype == np.float64
    assert predicted.shape == (len(X),)
    assert np.isfinite(predicted).mean() > 0.5
    assert np.abs(predicted[np.isfinite(predicted)]).max() < 1e4, "no building here draws ten megawatts"


@every_estimator
def test_init_only_stores(name):
    made = example(name)
    params = made.get_params(deep=False)
    for key, parameter in inspect.signature(type(made)).parameters.items():
        assert parameter.kind is not parameter.VAR_POSITIONAL
        assert getattr(made, key) is params[key]
    assert not [key for key in vars(made) if key.endswith("_") and not key.startswith("_")]
    marker = object()
    stored = type(made)(**dict.fromkeys(params, marker))  # nothing is looked at, so nothing is refused
    assert all(getattr(stored, key) is marker for key in params)


@every_estimator
def test_parameters_survive_clone_and_set_params(name):
    made = example(name)
    copy = clone(made)
    assert copy is not made
    assert repr(copy.get_params()) == repr(made.get_params())
    blank = type(made)(**dict.fromkeys(made.get_params(deep=False)))
    blank.set_params(**made.get_params(deep=False))
    assert repr(blank.get_params()) == repr(made.get_params())


@every_estimator
def test_training_leaves_the_parameters_alone(name):
    found = trained(name)
    assert found.returned is found.made
    assert found.parameters[1] == found.parameters[0]
    pd.testing.assert_frame_equal(problem(name)[0], found.X_before)


@every_estimator
def test_the_answer_does_not_depend_on_the_order_of_rows(name):
    _, _, X = problem(name)
    order = np.random.default_rng(1).permutation(len(X))
    np.testing.assert_allclose(answer(name, X.iloc[order]), answer(name, X)[order], **ROUNDING)


@every_estimator
def test_the_answer_does_not_depend_on_which_other_events_are_asked(name):
    _, _, X = problem(name)
    whole = answer(name, X)
    for site in SITES[1:]:
        rows = np.asarray(X.index.get_level_values("site_id") == site)
        np.testing.assert_allclose(answer(name, X[rows]), whole[rows], **ROUNDING)
    rows = np.asarray(X.index.get_level_values("origin") == X.index.get_level_values("origin")[-1])
    np.testing.assert_allclose(answer(name, X[rows]), whole[rows], **ROUNDING)


@every_estimator
def test_a_site_does_not_depend_on_the_sites_trained_beside_it(name):
    made = example(name)
    if made.__sklearn_tags__().requires_fit and getattr(type(made), "pooled", True):
        pytest.skip(f"{name} learns from all sites at once (class attribute pooled)")
    X, y, other = problem(name)
    own, asked = (np.asarray(frame.index.get_level_values("site_id") == SITES[0]) for frame in (X, other))
    alone = quiet(lambda: made.fit(X[own], y[own]).predict(other[asked]))
    np.testing.assert_array_equal(alone, answer(name, other)[asked])


@every_estimator
def test_training_again_changes_nothing(name):
    X, y, other = problem(name)
    made = example(name)
    first = quiet(lambda: made.fit(X, y).predict(other))
    again = quiet(lambda: made.fit(X, y).predict(other))
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(answer(name, other), first)  # another object, the same seed


@every_estimator
def test_the_order_and_the_names_of_sites_and_rows_do_not_matter_in_training(name):
    X, y, other = problem(name)
    # Other names that sort the other way round, rows as they are; the names as they are, rows in any order.
    names = {"b1": "z1", "b14": "k14", "b15": "a15"}
    renamed = [frame.rename(index=names, level="site_id") for frame in (X, other)]
    rows = np.random.default_rng(7).permutation(len(X))
    shuffled = trained_by_a_forecaster(name, X.iloc[rows], y[rows], other)
    np.testing.assert_allclose(trained_by_a_forecaster(name, renamed[0], y, renamed[1]), shuffled, rtol=0, atol=1e-9)


def trained_by_a_forecaster(name, X, y, other):
    """What the example says of `other`, trained as every forecaster trains."""
    fit = Forecaster(example(name)).fit_matrix
    return quiet(lambda: fit(X, y, panel().sites).estimator.predict(other))


@every_estimator
def test_saved_and_loaded_it_says_the_same_bit_by_bit(name, tmp_path):
    _, _, X = problem(name)
    save_state(_fitted(name), tmp_path)
    json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".npz"}
    loaded = load_state(tmp_path)
    assert type(loaded) is type(_fitted(name))
    np.testing.assert_array_equal(quiet(lambda: loaded.predict(X)), answer(name, X))
    if hasattr(loaded, "predict_interval"):
        limits = quiet(lambda: loaded.predict_interval(X))
        np.testing.assert_array_equal(limits, quiet(lambda: _fitted(name).predict_interval(X)))
        assert limits.shape == (len(X), 2)
        assert not (limits[:, 0] > limits[:, 1]).any()


@every_estimator
def test_a_flipped_bit_of_a_saved_model_is_told_before_it_is_parsed(name, tmp_path):
    forecaster = Forecaster(_fitted(name), {"calendar": {}})
    forecaster.sites = panel().sites
    forecaster.save(tmp_path)
    random = np.random.default_rng(len(name))
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["arrays.npz", "forecaster.json", "manifest.json", "model.json"]
    for file in files:
        whole = file.read_bytes()
        for place in (0, len(whole) - 1, *random.integers(0, len(whole), 2)):
            torn = bytearray(whole)
            torn[place] ^= 1 << int(random.integers(8))
            file.write_bytes(torn)
            with pytest.raises(
                (DataError, StudyError), match=file.name if file.name != "manifest.json" else "cblcast|manifest"
            ):
                Forecaster.load(tmp_path)
        file.write_bytes(whole)
    assert type(Forecaster.load(tmp_path).estimator) is type(_fitted(name))


@every_estimator
def test_a_missing_feature_is_named_with_its_builder(name):
    made = example(name)
    required = made.required_features() if hasattr(made, "required_features") else {}
    _, _, X = problem(name)
    asked = [builder for builder in required if builder in registry.FEATURES and builder not in ("calendar", "weather")]
    if not asked:
        pytest.skip(f"{name} asks for no builder of history")
    # A rule knows who makes its columns; a learner of many columns names those that it was trained with.
    named = [f"add {builder} to the features" for builder in registry.FEATURES]
    with pytest.raises(ValueError, match="|".join([*named, "which the features lack", "yet now missing"])):
        quiet(lambda: _fitted(name).predict(Calendar()(panel(), cases_of(X))))


def cases_of(X):
    """Cases with the index of X, for a builder that reads the index alone."""
    return pd.DataFrame(index=X.index)


@every_estimator
def test_a_row_without_features_gets_nan_or_a_sensible_load(name):
    _, _, X = problem(name)
    blind = X.copy()
    first = np.asarray(blind.index.get_level_values("origin") == blind.index.get_level_values("origin")[0])
    keep = [c for c in X.columns if c.startswith(("hours_since_", "event_hours"))]  # where a row stands is always known
    blind.loc[first, [c for c in X.columns if c not in keep]] = np.nan
    predicted, whole = answer(name, blind), answer(name, X)
    there = np.isfinite(predicted[first])
    assert (np.abs(predicted[first][there]) < 1e4).all()
    np.testing.assert_allclose(predicted[~first], whole[~first], **ROUNDING)


@every_estimator
def test_windows_and_features_are_told_before_training(name):
    made = example(name)
    for window in made.windows() if hasattr(made, "windows") else ():
        assert window.side in ("before", "after")
    required = made.required_features() if hasattr(made, "required_features") else {}
    for builder, params in required.items():
        registry.FEATURES.make(builder, params)


def test_a_rule_needs_no_training_and_the_tags_say_so():
    for name in registry.ESTIMATORS:
        made = example(name)
        if isinstance(made, Rule):
            assert not made.__sklearn_tags__().requires_fit, name
    assert FirmServiceLevel().__sklearn_tags__().requires_fit
