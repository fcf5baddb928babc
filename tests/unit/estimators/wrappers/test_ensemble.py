"""Ensembles learn their weights from predictions of days that the members were not trained on."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin

from cblcast.errors import DataError, StudyError
from cblcast.estimators.learners.regression import LeastSquares
from cblcast.estimators.rules.column import Column
from cblcast.estimators.rules.similar_days import XofY
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.estimators.wrappers.ensemble import Ensemble, day_folds, stacking_weights


def rows(n=300, seed=0):
    """A good column, a poor one and pure noise, two sites on the same days."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2019-01-01 17:00", periods=n // 2, freq="D", tz="UTC").as_unit("us")
    index = pd.MultiIndex.from_arrays(
        [np.repeat(["a", "b"], n // 2), days.append(days), days.append(days)], names=["site_id", "origin", "time"]
    )
    y = rng.normal(10, 2, n)
    X = pd.DataFrame({"good_kw": y + rng.normal(0, 0.5, n), "poor_kw": y + rng.normal(0, 2.0, n)}, index)
    return X.assign(noise_kw=rng.normal(10, 2, n)), y


class Memory(RegressorMixin, BaseEstimator):
    """Knows its training rows by heart and nothing else: perfect in sample, useless out of it."""

    def fit(self, X, y):
        self.known_ = dict(zip(map(str, X.index), y, strict=True))
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.array([self.known_.get(str(key), self.mean_) for key in X.index])


def test_a_member_that_only_remembers_gets_no_weight():
    X, y = rows()
    model = Ensemble((Memory(), Column("good_kw")), "stacked", pull=0.0).fit(X, y)
    assert model.weights_[-1][0] < 0.1
    assert np.sqrt(((model.members_[0].predict(X) - y) ** 2).mean()) == 0.0, "in sample it is perfect"


def test_out_of_fold_predictions_are_those_of_members_trained_on_the_other_days():
    X, y = rows()
    model = Ensemble((LeastSquares(),), "stacked", folds=3)
    found = model.out_of_fold(X, y)[:, 0]
    fold = day_folds(X, 3)
    for number in range(3):
        held = fold == number
        np.testing.assert_array_equal(found[held], LeastSquares().fit(X[~held], y[~held]).predict(X[held]))


def test_all_sites_of_a_day_lie_in_one_fold_and_folds_are_consecutive():
    X, _ = rows()
    fold = pd.Series(day_folds(X, 5), X.index)
    assert (fold["a"].to_numpy() == fold["b"].to_numpy()).all()
    assert fold["a"].is_monotonic_increasing
    assert set(fold) == set(range(5))
    with pytest.raises(DataError, match="9999 folds need at least as many event days"):
        day_folds(X, 9999)


def test_stacking_weights_are_the_constrained_least_squares():
    X, y = rows()
    P = X.to_numpy()
    found = stacking_weights(P, y, pull=0.0)
    slow = minimize(
        lambda w: ((P @ w - y) ** 2).mean(),
        np.full(3, 1 / 3),
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
    )
    np.testing.assert_allclose(found, slow.x, atol=2e-3)
    assert found.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(stacking_weights(P[:, [0, 0]], y), 0.5)  # twins share


def test_inverse_error_weights():
    X, y = rows()
    model = Ensemble((Column("good_kw"), Column("poor_kw")), "inverse_error").fit(X, y)
    errors = ((X[["good_kw", "poor_kw"]].to_numpy() - y[:, None]) ** 2).mean(0)
    np.testing.assert_allclose(model.weights_[-1], (1 / errors) / (1 / errors).sum())
    np.testing.assert_allclose(model.out_of_fold_rmse_, np.sqrt(errors))


def test_segments_have_weights_of_their_own_and_strangers_those_of_all():
    X, y = rows(500)
    swapped = X.copy()
    second = np.asarray(X.index.get_level_values("site_id") == "b")
    swapped.loc[second, ["good_kw", "poor_kw"]] = X.loc[second, ["poor_kw", "good_kw"]].to_numpy()
    model = Ensemble((Column("good_kw"), Column("poor_kw")), "stacked", by="site_id").fit(swapped, y)
    assert model.weights_[0][0] > 0.8
    assert model.weights_[1][0] < 0.2
    stranger = swapped.rename(index={"a": "z"}, level="site_id").loc[["z"]]
    np.testing.assert_allclose(model.predict(stranger), stranger[["good_kw", "poor_kw"]] @ model.weights_[-1])


def test_a_member_without_an_estimate_leaves_its_weight_to_the_others():
    X, y = rows()
    model = Ensemble((Column("good_kw"), Column("poor_kw"))).fit(X, y)
    gap = X.copy()
    gap.iloc[0, 0] = gap.iloc[1, 0] = gap.iloc[1, 1] = np.nan
    found = model.predict(gap)
    assert found[0] == X["poor_kw"].iloc[0]
    assert np.isnan(found[1])
    np.testing.assert_allclose(found[2:], X[["good_kw", "poor_kw"]].mean(axis=1)[2:])


def test_members_may_be_adjusted_rules_and_their_needs_are_merged():
    model = Ensemble((Adjusted(XofY(3, 5), "WS"), Adjusted(XofY(5, 12), "PBLM"), LeastSquares()))
    assert len(model.windows()) == 2
    assert model.required_features()["reference_days"]["days"] == 12


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (Ensemble(), "members must be a list with 1 item at least"),
        (Ensemble((Column(),), "stakced"), "unknown weighting 'stakced'.*'stacked'"),
        (Ensemble(("High3of5",)), "each item an estimator .* not .'High3of5'"),
    ],
)
def test_what_makes_no_ensemble_is_refused(model, sentence):
    with pytest.raises(StudyError, match=sentence):
        model.fit(*rows())
