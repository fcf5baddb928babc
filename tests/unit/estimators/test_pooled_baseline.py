"""Members that see sites in their own measure: what they see, how they are weighted, and the net's two passes."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import StudyError
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.neural.attention import AttentionNet, Operations
from cblcast.estimators.neural.day_attention import DayAttention
from cblcast.estimators.neural.day_inputs import DayInputs, day_inputs, input_columns, table_columns
from cblcast.estimators.pooled_baseline import PooledBaseline, is_level, per_unit, spread_table
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.state import load_state, save_state
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel

NET = DayAttention(days=24, seeds=1, epochs=1, width=8, day_width=4, batch_size=64)


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(["b1", "b14", "b25"])
    time = whole.data.index.get_level_values("time")
    return Panel(whole.data[(time >= "2018-02-01") & (time < "2018-10-01")], whole.sites)


@pytest.fixture(scope="module")
def problem(panel):
    made = Forecaster(PooledBaseline(nets=(("net", NET),), tables=(("ridge", Ridge()),)), view=View.settlement())
    cases = made.cases(panel, placebo_events(panel, "17:00", "20:00", first="2018-04-15"))
    X, y = made.matrix(panel, cases), truth(panel, cases)
    return X[np.isfinite(y)], y[np.isfinite(y)]


@pytest.fixture(scope="module")
def fitted(problem):
    pytest.importorskip("torch", reason="nets need pip install cblcast[neural]")
    return PooledBaseline(nets=(("net", NET),), tables=(("ridge", Ridge()),)).fit(*problem)


def inputs_of(X):
    scale = X["seq_scale_kw"].to_numpy()
    names = input_columns(24, 8, 4)
    shares = dict(zip(names, per_unit(X, names, scale, None).T, strict=True))
    return scale, day_inputs(shares, 24, 8, 4)


def test_what_the_members_see_does_not_know_the_size_of_a_site(problem, panel):
    X, _ = problem
    power = [name for name in X.columns if "kw" in name.split("_")]
    scale, inputs = inputs_of(X)
    larger = X.assign(**{name: 1000 * X[name] for name in power})
    other_scale, other = inputs_of(larger)
    np.testing.assert_allclose(other_scale, 1000 * scale)
    for one, two in zip(inputs.arrays(), other.arrays(), strict=True):
        np.testing.assert_allclose(one, two, atol=2e-4)
    pd.testing.assert_frame_equal(
        spread_table(X, scale, inputs, None), spread_table(larger, other_scale, other, None), atol=2e-4
    )


def test_a_day_that_is_its_own_mean_is_at_the_centre(problem):
    X, _ = problem
    scale, inputs = inputs_of(X)
    load = np.stack([X[f"seq_kw_{k:02d}"] for k in range(1, 11)], axis=1) / scale[:, None]
    np.testing.assert_allclose(inputs.centre, load.mean(1), rtol=1e-5)
    first = (load[:, 0] - inputs.centre) / inputs.spread
    np.testing.assert_allclose(inputs.days[:, 0], np.clip(first, -8, 8), atol=1e-4)
    assert is_level("history_before_1_kw")
    assert is_level("history_mean_ratio_kw")
    assert not is_level("history_before_1_above_mean_kw")
    assert not is_level("history_spread_kw")


def test_inputs_survive_the_table(problem):
    _, inputs = inputs_of(problem[0])
    columns = inputs.columns()
    assert list(columns) == table_columns(24, 12)
    again = DayInputs.of_table(np.stack(list(columns.values()), axis=1), 24, 12)
    for one, two in zip((inputs.centre, *inputs.arrays()), (again.centre, *again.arrays()), strict=True):
        np.testing.assert_array_equal(one, two)


def test_numpy_and_torch_pass_alike(problem):
    torch = pytest.importorskip("torch", reason="nets need pip install cblcast[neural]")
    _, inputs = inputs_of(problem[0])
    net = AttentionNet.of(inputs, 16, 8)
    by_torch = Operations(torch.exp, torch.tanh, torch.cat, torch.nn.functional.silu)
    weights = net.start(3)
    there = net.estimate({name: torch.tensor(value) for name, value in weights.items()},
                         tuple(map(torch.from_numpy, inputs.arrays())), by_torch)  # fmt: skip
    np.testing.assert_allclose(net.estimate(weights, inputs.arrays()), there.numpy(), rtol=1e-4, atol=1e-4)


def test_members_are_averaged_and_saved(problem, fitted, tmp_path):
    X, _ = problem
    members = fitted.predict_members(X)
    assert fitted.member_names == ("net", "ridge")
    np.testing.assert_allclose(fitted.predict(X), members.mean(1))
    one = PooledBaseline(nets=(("net", NET),), tables=(("ridge", Ridge()),), weights=(1.0, 3.0))
    np.testing.assert_allclose(one.combined(members), members @ [0.25, 0.75])
    hole = members.copy()
    hole[:, 0] = np.nan
    np.testing.assert_allclose(one.combined(hole), members[:, 1])
    save_state(fitted, tmp_path)
    np.testing.assert_array_equal(load_state(tmp_path).predict(X), fitted.predict(X))


def test_estimates_stay_within_what_the_days_span(problem, fitted):
    X, _ = problem
    days = X[
        [name for name in X.columns if name.startswith("history_day_") or name.endswith(("_ratio_kw", "_shift_kw"))]
    ]
    more = X[["history_mean_20_kw", "history_adjusted_kw", "history_steady_kw", "history_quick_kw"]]
    high = pd.concat([days, more], axis=1).max(axis=1)
    assert (fitted.predict_members(X) <= high.to_numpy()[:, None] + 1e-9).all()


def test_what_makes_no_sense_is_refused(problem):
    X, y = problem
    with pytest.raises(StudyError, match="no members"):
        PooledBaseline(nets=(), tables=()).fit(X, y)
    with pytest.raises(StudyError, match="1 members and 2 weights"):
        PooledBaseline(nets=(), tables=(("ridge", Ridge()),), weights=(1.0, 2.0)).fit(X, y)
