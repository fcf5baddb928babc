"""Ridge and least squares against the textbook, and what they do with bad input."""

import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.linear_model import Ridge as TextbookRidge

from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.estimators.learners.regression import (
    GCV_PRICE,
    LeastSquares,
    Ridge,
    grouped_moments,
    joined_moments,
    ridge_paths,
)


def rows(n=240, sites=("a", "b"), seed=0):
    """Three informative columns and a category; hours 17-19 of many days at each site."""
    rng = np.random.default_rng(seed)
    frames = []
    for number, site in enumerate(sites):
        days = pd.date_range("2019-01-01 17:00", periods=n // 3, freq="D", tz="UTC").as_unit("us")
        index = pd.MultiIndex.from_arrays(
            [[site] * n, days.repeat(3), days.repeat(3) + pd.to_timedelta(np.tile([0, 1, 2], n // 3), unit="h")],
            names=["site_id", "origin", "time"],
        )
        X = pd.DataFrame(rng.normal(size=(n, 3)), index, columns=["u", "v", "w"])
        X["hour"] = np.tile([17.0, 18.0, 19.0], n // 3)
        X["day_of_week"] = index.get_level_values("origin").day_of_week.astype(float)
        y = (number + 1) * X["u"] - 2 * X["v"] + 0.3 * X["hour"] + 0.5 * (X["day_of_week"] == 2) + rng.normal(0, 0.5, n)
        frames.append(X.assign(y=y))
    joined = pd.concat(frames)
    return joined.drop(columns="y"), joined["y"].to_numpy()


def test_least_squares_is_the_textbooks():
    X, y = rows()
    columns = ["u", "v", "w", "hour"]
    ours = LeastSquares(columns, one_hot=()).fit(X, y).predict(X)
    np.testing.assert_allclose(ours, LinearRegression().fit(X[columns], y).predict(X[columns]), rtol=1e-9)


def test_ridge_of_one_penalty_is_scikit_learns_on_standardised_columns():
    X, y = rows()
    columns = ["u", "v", "w", "hour"]
    Z = (X[columns] - X[columns].mean()) / X[columns].std(ddof=0)
    ours = Ridge(columns, alphas=(37.0,), one_hot=(), clip=None).fit(X, y).predict(X)
    np.testing.assert_allclose(ours, TextbookRidge(alpha=37.0).fit(Z, y).predict(Z), rtol=1e-9)


def test_the_penalty_is_that_of_generalised_cross_validation_by_the_hat_matrix():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 12))
    y = X[:, 0] + rng.normal(0, 2.0, 40)
    X, y = X - X.mean(0), y - y.mean()
    alphas = np.logspace(-2, 4, 25)
    gcv = []
    for alpha in alphas:  # the slow way: the hat matrix of each penalty
        hat = X @ np.linalg.solve(X.T @ X + alpha * np.eye(12), X.T)
        gcv.append(40 * ((y - hat @ y) ** 2).sum() / (40 - GCV_PRICE * (1 + np.trace(hat))) ** 2)
    _, chosen = ridge_paths((X.T @ X)[None], (X.T @ y)[None], np.array([y @ y]), np.array([40.0]), alphas)
    assert chosen[0] == alphas[int(np.argmin(gcv))]


def test_groups_in_one_batch_are_the_groups_one_by_one():
    X, y = rows()
    # a column that is constant within a group, and so would be dropped there, must not matter
    batch = Ridge(["u", "v", "w"], by=("site_id", "hour"), one_hot=(), clip=None, alphas=(5.0,)).fit(X, y)
    for site in ("a", "b"):
        for hour in (17.0, 18.0, 19.0):
            own = np.asarray((X.index.get_level_values("site_id") == site) & (X["hour"] == hour))
            Z = (X[["u", "v", "w"]] - X[["u", "v", "w"]].mean()) / X[["u", "v", "w"]].std(ddof=0)
            alone = TextbookRidge(alpha=5.0).fit(Z[own], y[own]).predict(Z[own])
            np.testing.assert_allclose(batch.predict(X)[own], alone, rtol=1e-9)


def test_weights_are_repeated_rows():
    X, y = rows(60)
    weight = np.tile([1.0, 2.0, 3.0], len(y) // 3)
    twice = np.repeat(np.arange(len(y)), weight.astype(int))
    weighted = LeastSquares(["u", "v"], one_hot=()).fit(X, y, sample_weight=weight).predict(X)
    repeated = LeastSquares(["u", "v"], one_hot=()).fit(X.iloc[twice], y[twice]).predict(X)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-8)


def test_a_site_never_trained_is_estimated_by_the_pooled_model_and_counted(caplog):
    X, y = rows()
    model = Ridge(["u", "v"], by=("site_id",), one_hot=()).fit(X, y)
    new, _ = rows(30, sites=("new",), seed=9)
    with caplog.at_level(logging.INFO):
        found = model.predict(new)
    assert "1 of 1 groups were not trained on enough rows" in caplog.text
    np.testing.assert_allclose(found, Ridge(["u", "v"], one_hot=()).fit(X, y).predict(new))


def test_fewer_rows_than_columns_are_settled_by_the_penalty():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(8, 30)), columns=[f"c{k}" for k in range(30)])
    y = rng.normal(10.0, 1.0, 8)
    for model in (Ridge(), LeastSquares()):
        found = model.fit(X, y).predict(X * 0)
        assert np.isfinite(found).all()
        assert np.abs(found - 10).max() < 10


def test_an_all_zero_or_constant_site_is_estimated_as_such():
    X, _ = rows(60, sites=("zero",))
    assert np.abs(Ridge(by=("site_id",)).fit(X, np.zeros(60)).predict(X)).max() == 0
    constant = X * 0 + 3.0
    np.testing.assert_allclose(Ridge().fit(constant, np.full(60, 7.5)).predict(constant), 7.5)


def test_a_feature_all_missing_in_training_is_left_out_and_logged(caplog):
    X, y = rows()
    with caplog.at_level(logging.INFO):
        model = Ridge().fit(X.assign(w=np.nan), y)
    assert "1 features are constant or all missing in training and not used: w" in caplog.text
    np.testing.assert_allclose(model.predict(X), Ridge(["u", "v", "hour"]).fit(X, y).predict(X))


def test_a_feature_missing_only_at_scoring_takes_its_training_mean_and_warns():
    X, y = rows()
    model = Ridge(["u", "v"], one_hot=()).fit(X, y)
    with pytest.warns(DataWarning, match=r"1 features are missing in all 480 rows.*'u'.*training means"):
        found = model.predict(X.assign(u=np.nan))
    np.testing.assert_allclose(found, model.predict(X.assign(u=X["u"].mean())))


def test_a_category_never_seen_is_counted_and_adds_nothing():
    X, y = rows()
    model = Ridge(["u", "v"]).fit(X, y)
    odd = X.copy()
    odd.iloc[:5, odd.columns.get_loc("day_of_week")] = 11.0
    with pytest.warns(DataWarning, match="5 of 480 rows have a 'day_of_week' never seen in training, e.g. 11"):
        assert np.isfinite(model.predict(odd)).all()


def test_wild_values_at_scoring_are_held():
    X, y = rows()
    model = Ridge(["u", "v"], one_hot=(), clip=5.0).fit(X, y)
    edge = X["u"].mean() + 5 * X["u"].std(ddof=0)
    np.testing.assert_allclose(model.predict(X.assign(u=1e9)), model.predict(X.assign(u=edge)))


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda X, y: Ridge(alphas=(-1.0,)).fit(X, y), "alphas must be .* each item a number from 0"),
        (lambda X, y: Ridge(by="site_id").fit(X, y), "by must be a list, each item text, not 'site_id'"),
        (lambda X, y: Ridge(["nope"]).fit(X, y), "column 'nope', which the features lack"),
        (lambda X, y: Ridge().fit(X, np.where(y > 0, np.nan, y)), "training targets are NaN"),
        (lambda X, y: Ridge().fit(X.iloc[:0], y[:0]), "has no training rows"),
        (lambda X, y: Ridge().fit(X.assign(u=np.inf), y), "feature 'u' is infinite"),
        (lambda X, y: Ridge().fit(X, y, sample_weight=np.zeros(len(y))), "finite numbers above zero"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_sentence(break_it, sentence):
    X, y = rows(60)
    with pytest.raises((DataError, StudyError), match=sentence):
        break_it(X, y)


def test_moments_of_groups_are_the_slow_loop_and_join_to_those_of_all_rows():
    rng = np.random.default_rng(3)
    X, y, weight = rng.normal(size=(200, 4)) + 5, rng.normal(size=200), rng.uniform(0.1, 4.0, 200)
    group = rng.integers(0, 7, 200)
    group[group == 5] = 4  # a group without a row, and others of different length
    found = grouped_moments(X, y, weight, group, 7)
    for number in range(7):
        rows = group == number
        if not rows.any():
            assert found[0][number] == 0
            continue
        share = weight[rows] / weight[rows].sum()
        mean = share @ X[rows]
        beside, left = X[rows] - mean, y[rows] - share @ y[rows]
        np.testing.assert_allclose(found[1][number], mean)
        np.testing.assert_allclose(found[3][number], rows.sum() * (beside.T * share) @ beside, atol=1e-10)
        np.testing.assert_allclose(found[4][number], rows.sum() * (beside.T * share) @ left, atol=1e-10)
        np.testing.assert_allclose(found[5][number], rows.sum() * share @ left**2)
    whole = grouped_moments(X, y, weight, np.zeros(200, dtype=np.int64), 1)
    joined = joined_moments(found, np.bincount(group, weights=weight, minlength=7))
    for one, other in zip(joined, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)
