"""Boosting and forests: same as their libraries, saved without pickle, and what they do with bad input."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from cblcast.errors import DataError, StudyError
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.forest import ExtraTrees, RandomForest
from cblcast.estimators.learners.quantile_boosting import QuantileBoosting
from cblcast.forecast.state import load_state, save_state


@pytest.fixture(scope="module")
def data():
    """A step, a slope and a category, with gaps; seeded."""
    rng = np.random.default_rng(5)
    X = pd.DataFrame({"u": rng.uniform(-2, 2, 900), "v": rng.normal(size=900), "kind": rng.integers(0, 4, 900) * 1.0})
    y = 3 * (X["u"] > 0.5) + 0.5 * X["v"] + 2.0 * (X["kind"] == 2) + rng.normal(0, 0.2, 900)
    X.loc[rng.choice(900, 60, replace=False), "v"] = np.nan
    return X, y.to_numpy()


@pytest.mark.parametrize(("ours", "theirs"), [(RandomForest, RandomForestRegressor), (ExtraTrees, ExtraTreesRegressor)])
def test_a_forest_of_arrays_says_what_scikit_learns_says(data, ours, theirs):
    X, y = data
    options = {"n_estimators": 12, "min_samples_leaf": 5, "max_features": 0.7, "random_state": 3}
    textbook = theirs(**options, **({"bootstrap": True} if theirs is RandomForestRegressor else {}))
    textbook.fit(X.to_numpy(dtype=np.float32), y)
    asked = X.iloc[::3].copy()
    asked.iloc[:40, 0] = np.nan  # missing where no training row was
    expected = textbook.predict(asked.to_numpy(dtype=np.float32))
    np.testing.assert_allclose(ours(**options).fit(X, y).predict(asked), expected, rtol=1e-12)


def test_the_booster_is_rebuilt_from_its_text(data, tmp_path):
    X, y = data
    model = Boosting(n_estimators=30, seeds=2).fit(X, y)
    save_state(model, tmp_path)
    loaded = load_state(tmp_path)
    assert "_boosters" not in vars(loaded)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert len(loaded.model_text_) == 2


def test_shap_values_sum_to_the_estimate(data):
    X, y = data
    model = Boosting(n_estimators=30).fit(X, y)
    np.testing.assert_allclose(model.contributions(X).sum(axis=1), model.predict(X), rtol=1e-9)
    assert model.importance().index[0] == "u"
    assert model.importance().sum() == pytest.approx(1.0)


def test_a_monotone_column_only_ever_raises_the_estimate(data):
    X, y = data
    falling = pd.DataFrame({"u": np.linspace(-2, 2, 50), "v": 0.0, "kind": 1.0})
    noisy = y - 4 * (X["u"] > 1.5)  # the data would bend it back
    free, held = Boosting().fit(X, noisy), Boosting(monotone={"u": 1}).fit(X, noisy)
    assert np.diff(free.predict(falling)).min() < -0.5
    assert np.diff(held.predict(falling)).min() >= -1e-9


def test_a_category_is_split_by_its_members_and_a_new_one_does_not_break(data):
    X, y = data
    model = Boosting(categorical=("kind",), n_estimators=100).fit(X, y)
    asked = pd.DataFrame({"u": 0.0, "v": 0.0, "kind": [2.0, 1.0, 77.0]})
    found = model.predict(asked)
    assert found[0] - found[1] > 1.5
    assert np.isfinite(found[2])


def test_quantiles_do_not_cross_and_cover_what_they_say(data):
    X, y = data
    X, y = X.iloc[:600], y[:600]
    model = QuantileBoosting((0.1, 0.5, 0.9)).fit(X, y)
    found = model.predict_quantiles(data[0].iloc[600:])
    assert (np.diff(found, axis=1) >= 0).all()
    inside = (data[1][600:] >= found[:, 0]) & (data[1][600:] <= found[:, 2])
    assert 0.6 < inside.mean() < 0.95
    np.testing.assert_array_equal(model.predict(data[0].iloc[600:]), found[:, 1])


@pytest.mark.parametrize("model", [Boosting(n_estimators=20), RandomForest(5), ExtraTrees(5)])
def test_constant_load_and_columns_that_are_never_there(data, model):
    X, y = data
    assert np.ptp(model.fit(X.assign(v=np.nan), np.full(len(y), 2.5)).predict(X)) == 0
    np.testing.assert_allclose(model.predict(X.assign(u=np.nan, v=np.nan)), 2.5)
    few = model.fit(X.iloc[:3], y[:3]).predict(X.iloc[:3])
    assert np.isfinite(few).all()


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (Boosting(objective="hubert"), "unknown objective 'hubert'.*'huber'"),
        (Boosting(monotone={"u": 3}), "is 1 .rising. or -1"),
        (Boosting(monotone={"x": 1}), "monotone names the column 'x'"),
        (Boosting(categorical=("kinds",)), "categorical names the column 'kinds': did you mean 'kind'"),
        (QuantileBoosting((0.9, 0.1)), "levels ascend"),
        (RandomForest(0), "n_estimators must be a whole number from 1"),
    ],
)
def test_an_option_that_cannot_be_is_refused(data, model, sentence):
    with pytest.raises(StudyError, match=sentence):
        model.fit(*data)


def test_a_column_that_is_gone_at_scoring_is_named(data):
    X, y = data
    model = Boosting(n_estimators=5).fit(X, y)
    with pytest.raises(DataError, match="made for the column 'v', which the features lack"):
        model.predict(X.drop(columns="v"))


def test_linear_leaves_follow_a_line_and_do_not_go_beyond_what_was_seen(tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(-1, 1, (2000, 3)), columns=["a", "b", "c"])
    y = 3 * X["a"].to_numpy() + np.where(X["b"] > 0, 2 * X["c"], -X["c"])
    settings = {"n_estimators": 30, "num_leaves": 4, "learning_rate": 0.3, "random_state": 1}
    line, steps = (Boosting(linear=linear, **settings).fit(X, y) for linear in (True, False))
    new = pd.DataFrame(rng.uniform(-1, 1, (500, 3)), columns=["a", "b", "c"])
    truth = 3 * new["a"].to_numpy() + np.where(new["b"] > 0, 2 * new["c"], -new["c"])
    error = [np.sqrt(np.mean((model.predict(new) - truth) ** 2)) for model in (line, steps)]
    assert error[0] < 0.75 * error[1]
    far = new.assign(a=1e12)
    np.testing.assert_array_equal(line.predict(far), line.predict(new.assign(a=X["a"].max())))
    assert np.isfinite(line.predict(new.assign(b=np.nan))).all()
    save_state(line, tmp_path)
    np.testing.assert_array_equal(load_state(tmp_path).predict(new), line.predict(new))
    assert not hasattr(line, "contributions")
    assert hasattr(steps, "contributions")
    with pytest.raises(StudyError, match="objective l2"):
        Boosting(objective="huber", linear=True).fit(X, y)
