"""Nets for all leads, quantile nets and forests, and intervals by lead: against torch, by hand, and on the bundled farm."""

import numpy as np
import pandas as pd
import pytest
import torch  # the suite is installed with the extra "neural": its absence is a failure, not a skip
from sklearn.base import clone

from cblcast.estimators.learners.quantile_forest import QuantileForest, leaves_of
from cblcast.estimators.neural.dropout_net import DropoutNet, Training, predict_net, train_net
from cblcast.estimators.neural.lead_net import LeadNet
from cblcast.estimators.neural.quantile_net import QuantileNet
from cblcast.estimators.rules.persistence import Persistence
from cblcast.estimators.wrappers.lead_intervals import LeadIntervals
from cblcast.frames.schema import DataError, StudyError

TRAINING = Training(
    epochs=3, batch_size=64, learning_rate=1e-2, weight_decay=0.0, input_dropout=0.0, dropout=0.0, seed=1
)


def paths(n=900, leads=(0, 10, 20), seed=0):
    """Origins whose power moves by a known multiple of one column for each lead; index (site_id, origin, time)."""
    rng = np.random.default_rng(seed)
    origin = pd.date_range("2020-01-01", periods=n, freq="h", tz="UTC").as_unit("us")
    index = pd.MultiIndex.from_tuples([("farm", o, o + pd.Timedelta(minutes=lead)) for o in origin for lead in leads],
                                      names=["site_id", "origin", "time"])  # fmt: skip
    push, last = rng.normal(size=n), rng.uniform(0, 2000, n)
    lead = np.tile(leads, n)
    X = pd.DataFrame(
        {"push": np.repeat(push, len(leads)), "observed_kw_ago_1": np.repeat(last, len(leads)), "by_lead": lead * 1.0},
        index,
    )
    return X, X["observed_kw_ago_1"].to_numpy() + X["push"].to_numpy() * (50 + 10 * lead) + rng.normal(0, 5, len(X))


def test_numpy_predicts_what_torch_trains():
    rng = np.random.default_rng(0)
    x, groups = rng.normal(size=(200, 5)), rng.integers(0, 3, 200)
    net = DropoutNet(5, (8, 6), n_outputs=4, skip=True, rising=True, n_groups=3)
    weights = train_net(net, TRAINING, x, x[:, :1] ** 2, np.array([0.2, 0.4, 0.6, 0.8]), groups)
    t = {name: torch.from_numpy(value.astype(np.float64)) for name, value in weights.items()}
    a = torch.from_numpy(x)
    for layer in range(2):
        a = torch.nn.functional.silu(a @ t[f"w{layer}"] + t[f"b{layer}"])
    y = (a * (1 + t["gate"][groups])) @ t["w2"] + t["b2"] + torch.from_numpy(x) @ t["skip"]
    y = torch.cat([y[:, :1], y[:, :1] + torch.cumsum(torch.nn.functional.softplus(y[:, 1:] - 3.0), 1)], 1)
    found = predict_net(net, weights, x, groups)
    np.testing.assert_allclose(found, y.numpy(), rtol=1e-9, atol=1e-9)
    assert (np.diff(found, axis=1) >= 0).all()


def test_training_is_repeatable_and_leaves_torch_as_it_was():
    x = np.random.default_rng(0).normal(size=(100, 3))
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    one, two = (train_net(DropoutNet(3, (4,)), Training(2, 16, 1e-2, 0.1, 0.1, 0.3, 7), x, x[:, :1]) for _ in range(2))
    assert all((one[name] == two[name]).all() for name in one)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_a_target_that_is_missing_weighs_nothing():
    x = np.random.default_rng(0).normal(size=(64, 2))
    y = np.column_stack([x[:, 0], np.full(64, np.nan)])
    weights = train_net(DropoutNet(2, (4,), n_outputs=2), TRAINING, x, y)
    before = train_net(DropoutNet(2, (4,), n_outputs=2), Training(1, 64, 0.0, 0.0, 0.0, 0.0, 1), x, y)
    np.testing.assert_array_equal(weights["w1"][:, 1], before["w1"][:, 1])
    assert (weights["w1"][:, 0] != before["w1"][:, 0]).any()


def test_one_net_learns_the_path_of_all_leads():
    X, y = paths()
    net = LeadNet(
        (16,), n_nets=2, epochs=40, batch_size=64, learning_rate=1e-2, weight_decay=0.0, input_dropout=0.0, dropout=0.0
    ).fit(X, y)
    assert net.leads_ == [0, 10, 20]
    assert net.columns_ == ["push", "observed_kw_ago_1"]  # what differs between the leads is no input
    other, truth = paths(seed=1)
    error = np.sqrt(np.mean((net.predict(other) - truth) ** 2))
    assert error < 0.3 * np.sqrt(np.mean((other["observed_kw_ago_1"] - truth) ** 2))


def test_a_lead_net_answers_for_some_rows_and_refuses_untrained_leads():
    X, y = paths(300)
    net = LeadNet((8,), n_nets=1, epochs=2).fit(X, y)
    some = X.iloc[[5, 100, 17]]
    np.testing.assert_allclose(net.predict(some), net.predict(X)[[5, 100, 17]], rtol=1e-9)
    with pytest.raises(StudyError, match="starts 30 min after the origin was not trained"):
        net.predict(paths(5, (0, 30))[0])
    blind = X.assign(observed_kw_ago_1=np.nan)
    with pytest.raises(DataError, match="no origin has both its anchor"):
        clone(net).fit(blind, y)


def pinball(y, q, levels):
    e = y[:, None] - q
    return np.maximum(levels * e, (levels - 1) * e).mean()


@pytest.mark.parametrize("method", [
    QuantileNet((0.1, 0.5, 0.9), (16,), n_nets=1, epochs=40, batch_size=64, learning_rate=1e-2, dropout=0.0),
    QuantileForest((0.1, 0.5, 0.9), n_estimators=30, min_samples_leaf=20, max_features=1.0),
])  # fmt: skip
def test_quantiles_of_a_known_spread(method):
    rng = np.random.default_rng(3)
    time = pd.date_range("2020-01-01", periods=3000, freq="h", tz="UTC").as_unit("us")
    index = pd.MultiIndex.from_arrays([np.repeat("farm", 3000), time, time], names=["site_id", "origin", "time"])
    x = rng.uniform(0, 1, 3000)
    y = 1 + x + (0.1 + x) * rng.normal(size=3000)
    X = pd.DataFrame({"x": x}, index)
    found = method.fit(X[:2000], y[:2000]).predict_quantiles(X[2000:])
    assert (np.diff(found, axis=1) >= 0).all()
    inside = (y[2000:] >= found[:, 0]) & (y[2000:] <= found[:, 2])
    assert 0.74 < inside.mean() < 0.86
    levels = np.array([0.1, 0.5, 0.9])
    flat = np.tile(np.quantile(y[:2000], levels), (1000, 1))
    assert pinball(y[2000:], found, levels) < 0.85 * pinball(y[2000:], flat, levels)
    np.testing.assert_array_equal(method.predict_interval(X[2000:]), found[:, [0, 2]])
    np.testing.assert_array_equal(method.predict(X[2000:]), found[:, 1])


def test_the_forest_s_quantiles_are_those_of_its_leaves():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(300, 3)), rng.normal(size=300)
    forest = QuantileForest((0.25, 0.5), n_estimators=7, min_samples_leaf=10).fit(X, y)
    leaf = leaves_of(forest.nodes_, X[:4])
    for row in range(4):
        weight = np.zeros(300)
        for tree in range(7):
            mates = forest.leaves_[:, tree] == leaf[row, tree]
            weight += mates / mates.sum() / 7
        slow = [forest.targets_[np.flatnonzero(np.cumsum(weight) >= level - 1e-6)[0]] for level in (0.25, 0.5)]
        np.testing.assert_allclose(forest.predict_quantiles(X[:4])[row], slow)


@pytest.mark.parametrize(
    "method", [QuantileNet((0.9, 0.1)), QuantileForest((0.5, 0.4)), LeadIntervals(Persistence(), (0.5, 0.2))]
)
def test_levels_must_ascend(method):
    X, y = paths(50)
    with pytest.raises(StudyError, match="ascend"):
        method.fit(X, y)


def test_intervals_grow_with_the_lead_and_cover():
    X, y = paths(2000)
    judged = LeadIntervals(Persistence(), folds=3, bins=5).fit(X, y)
    other, truth = paths(2000, seed=2)
    low, high = judged.predict_interval(other).T
    lead = other["by_lead"].to_numpy()
    width = [np.mean((high - low)[lead == k]) for k in (0, 10, 20)]
    assert width[0] < width[1] < width[2]
    assert 0.77 < np.mean((truth >= low) & (truth <= high)) < 0.83
    np.testing.assert_array_equal(judged.predict(other), other["observed_kw_ago_1"])


def test_intervals_stay_within_the_bounds_given():
    X, y = paths(1000)
    judged = LeadIntervals(Persistence(), bins=5, floor=0.0, ceiling=2000.0).fit(X, np.clip(y, 0, 2000))
    limits = judged.predict_interval(X)
    assert limits.min() >= 0.0
    assert limits.max() <= 2000.0


def test_too_little_to_calibrate_on_is_refused():
    X, y = paths(30)
    with pytest.raises(DataError, match="as many weeks of training"):
        LeadIntervals(Persistence()).fit(X, y)
    X, y = paths(520)
    with pytest.raises(DataError, match="0 min after the origin has 90 errors, fewer than 100"):
        LeadIntervals(Persistence()).fit(X, np.where(np.arange(len(y)) < 270, y, np.nan))
