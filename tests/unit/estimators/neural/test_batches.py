"""A net trained in company is the net trained alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.estimators.neural import batches
from cblcast.estimators.neural.preparation import Rows, canonical, split_rows
from cblcast.estimators.neural.stopping import StopRule
from cblcast.estimators.neural.training import Recipe, train_nets


def _sites(lengths, seed):
    rng = np.random.default_rng(seed)
    sites = []
    for n in lengths:
        x = rng.uniform(0, 23, (n, 2))
        y = 20 + 5 * np.sin(x[:, 0] / 4) + x[:, 1] * rng.uniform(0.1, 1) + rng.normal(0, 0.3, n)
        sites.append(Rows(x, y, seed=seed))
    return sites


def _assert_same(together, alone, s):
    np.testing.assert_allclose(together.weights[s], alone.weights[0], rtol=1e-5, atol=1e-7)
    for name in ("stop_reason", "epochs", "best_epoch", "rows_train"):
        assert together.history[name][s] == alone.history[name][0]
    np.testing.assert_allclose(together.history["test_rmse"][s], alone.history["test_rmse"][0], rtol=1e-6)


@pytest.mark.parametrize("trainer", ["scg", "lm", "br", "adamw"])
@settings(max_examples=4, deadline=None)
@given(lengths=st.lists(st.integers(60, 140), min_size=3, max_size=3), seed=st.integers(0, 99))
def test_a_batch_of_three_is_three_singles(trainer, lengths, seed):
    sites = _sites(lengths, seed)
    recipe = Recipe(hidden=(4,), trainer=trainer, rule=StopRule(max_epochs=12, patience=2))
    together = train_nets(sites, 2, recipe)
    for s, site in enumerate(sites):
        _assert_same(together, train_nets([site], 2, recipe), s)


def test_nets_stop_one_by_one_and_batches_and_threads_change_nothing(monkeypatch):
    sites = _sites([90, 60, 120, 75, 100], 1)
    recipe = Recipe(hidden=(3,), rule=StopRule(max_epochs=40, patience=3))
    together = train_nets(sites, 2, recipe)
    assert len(set(together.history["epochs"])) > 2
    for s, site in enumerate(sites):
        _assert_same(together, train_nets([site], 2, recipe), s)
    monkeypatch.setitem(batches._CPU_CELLS, False, 5000)
    threads = torch.get_num_threads()
    chunked = train_nets(sites, 2, Recipe(hidden=(3,), rule=recipe.rule, threads=2))
    np.testing.assert_allclose(chunked.weights, together.weights, rtol=1e-5, atol=1e-7)
    assert torch.get_num_threads() == threads


def test_rows_are_put_in_one_order_whatever_order_they_come_in():
    site = _sites([50], 2)[0]
    shuffle = np.random.default_rng(0).permutation(50)
    one, other = canonical(site), canonical(Rows(site.x[shuffle], site.y[shuffle]))
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.y, other.y)


def test_split_has_the_papers_shares_and_never_cuts_a_group():
    parts, _ = split_rows(17520, None, (0.6, 0.2, 0.2), 0)
    # 60/20/20 of the hours of 2017 and 2018.
    assert [len(part) for part in parts] == [10512, 3504, 3504]
    assert len(np.unique(np.concatenate(parts))) == 17520
    groups = np.repeat(np.arange(50), 4)
    parts, ungrouped = split_rows(200, groups, (0.6, 0.2, 0.2), 3)
    assert not ungrouped
    assert [len(part) for part in parts] == [120, 40, 40]
    assert not set(groups[parts[0]]) & set(groups[parts[1]])
    assert split_rows(8, np.zeros(8, dtype=int), (0.6, 0.2, 0.2), 0)[1]
    whole, _ = split_rows(10, None, (0.8, 0.2, 0.0), 0)
    assert [len(part) for part in whole] == [8, 2, 0]
