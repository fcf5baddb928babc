"""Models of single sites as arrays: the same models, whatever was alike, and those of earlier versions load."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.wrappers.per_site import PerSite
from cblcast.estimators.wrappers.site_models import SiteModels
from cblcast.forecast.state import load_state, save_state

RIDGE = Ridge(("a", "b"), alphas=(1.0,), one_hot=())


def rows(n_sites: int, constant: tuple[int, ...] = ()) -> tuple[pd.DataFrame, np.ndarray]:
    """80 rows a site; in `constant` sites the column b says nothing, so that their models have another form."""
    rng = np.random.default_rng(3)
    times = pd.date_range("2024-01-01", periods=80, freq="h", tz="UTC")
    index = pd.MultiIndex.from_product([[f"s{k:02d}" for k in range(n_sites)], times], names=["site_id", "time"])
    X = pd.DataFrame(rng.normal(size=(len(index), 2)), index, ["a", "b"])
    site = np.repeat(np.arange(n_sites), 80)
    X.loc[np.isin(site, constant), "b"] = 1.0
    return X, X["a"].to_numpy() * (1 + site) + 10 * site + rng.normal(size=len(X)) / 10


def fitted_alone(estimator, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
    """What a model of each site's own says: the slow way."""
    from sklearn.base import clone

    out = np.empty(len(X))
    for site in X.index.get_level_values("site_id").unique():
        own = np.asarray(X.index.get_level_values("site_id") == site)
        out[own] = clone(estimator).fit(X[own], y[own]).predict(X[own])
    return out


def test_ridges_are_one_matrix_and_say_what_each_says_alone():
    X, y = rows(6)
    own = PerSite(RIDGE).fit(X, y)
    (stack,) = own.stacks_
    assert own.own_ == {}
    assert stack["arrays"]["model.coef_"].shape == (6, 1, 2)
    np.testing.assert_array_equal(own.predict(X), fitted_alone(RIDGE, X, y))
    np.testing.assert_array_equal(own.models_[4].coef_, stack["arrays"]["model.coef_"][4])


def test_models_of_another_form_are_kept_apart():
    X, y = rows(6, constant=(1, 3, 5))
    own = PerSite(RIDGE).fit(X, y)
    assert sorted(stack["place"].tolist() for stack in own.stacks_) == [[0, 2, 4], [1, 3, 5]]
    np.testing.assert_array_equal(own.predict(X), fitted_alone(RIDGE, X, y))


@pytest.mark.parametrize("inner", [Boosting(n_estimators=3, min_child_samples=5), LinearRegression()])
def test_models_that_are_no_arrays_stay_objects(inner):
    X, y = rows(3)
    own = PerSite(inner).fit(X, y)
    assert own.stacks_ == []
    assert len(own.own_) == 3
    np.testing.assert_array_equal(own.predict(X), fitted_alone(inner, X, y))


def test_lots_are_joined_in_the_order_of_the_sites():
    X, y = rows(7, constant=(6,))
    site = X.index.get_level_values("site_id")
    lots = []
    for chosen in (["s03", "s06"], ["s00", "s05"], ["s01", "s02", "s04"]):
        keep = np.asarray(site.isin(chosen))
        models, short = PerSite(RIDGE).models_of(X[keep], y[keep])
        assert short == []
        lots.append(models)
    joined, whole = SiteModels.joined(lots), PerSite(RIDGE).fit(X, y)
    assert joined.sites == whole.sites_
    assert list(joined.own) == list(whole.own_) == [6]
    (stack,) = joined.stacks
    for name, values in whole.stacks_[0]["arrays"].items():
        np.testing.assert_array_equal(stack["arrays"][name], values)


def test_they_are_saved_as_arrays_and_those_saved_as_objects_still_load(tmp_path):
    X, y = rows(4)
    own = PerSite(RIDGE).fit(X, y)
    save_state(own, _made(tmp_path / "now"))
    again = load_state(tmp_path / "now")
    np.testing.assert_array_equal(again.predict(X), own.predict(X))
    assert len(json.loads((tmp_path / "now" / "model.json").read_text())["model"]["state"]["stacks_"]["$list"]) == 1

    before = PerSite(RIDGE)  # as it kept its state until its models were stacked
    before.n_features_in_, before.fallback_ = own.n_features_in_, own.fallback_
    before.sites_, models = own.sites_, own.models_
    before.__dict__["models_"] = models
    save_state(before, _made(tmp_path / "before"))
    assert "models_" in (tmp_path / "before" / "model.json").read_text()
    loaded = load_state(tmp_path / "before")
    np.testing.assert_array_equal(loaded.predict(X), own.predict(X))
    assert len(loaded.stacks_) == 1


def _made(folder):
    folder.mkdir()
    return folder
