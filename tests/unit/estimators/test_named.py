"""Columns by name, beside what pandas says of them; and models by lead that are asked for rows, beside a loop."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.estimators import named
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.learners.stepwise import StepwiseRegression
from cblcast.estimators.named import placed_names, values_of, with_column, without
from cblcast.estimators.rules.persistence import Persistence
from cblcast.estimators.wrappers.by_lead import ByLead
from cblcast.estimators.wrappers.residual import Residual

NAMES = [f"c{k}" for k in range(7)]


def frame(n=12, blocks=1, seed=0):
    made = pd.DataFrame(np.random.default_rng(seed).normal(size=(n, len(NAMES))), columns=NAMES)
    return made if blocks == 1 else pd.concat([made.iloc[:, :3], made.iloc[:, 3:].astype(np.float32)], axis=1)


@pytest.mark.parametrize("small", [0, 10_000])
@pytest.mark.parametrize("blocks", [1, 2])
@settings(max_examples=25, deadline=None)
@given(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=9), rows=st.lists(st.integers(0, 11), max_size=15))
def test_values_are_those_of_pandas(small, blocks, names, rows):
    X, before = frame(blocks=blocks), named.SMALL
    named.SMALL = small
    try:
        np.testing.assert_array_equal(values_of(X, names), X[names].to_numpy(np.float64))
        some = np.array(rows, dtype=np.int64)
        np.testing.assert_array_equal(values_of(X, names, some), X[names].iloc[some].to_numpy(np.float64))
    finally:
        named.SMALL = before


def test_an_index_is_itself_and_not_its_equal():
    X = frame()
    there, place = placed_names(X.columns)
    assert there == NAMES
    assert place["c3"] == 3
    assert placed_names(X.iloc[2:5].columns)[0] is there  # a view
    other = X.rename(columns={"c0": "d0"})
    assert placed_names(other.columns)[0] == ["d0", *NAMES[1:]]
    for k in range(20):  # more than are kept, all of one length
        assert placed_names(pd.Index([f"x{k}", "y"]))[0] == [f"x{k}", "y"]


@pytest.mark.parametrize("small", [0, 10_000])
def test_a_column_more_or_fewer(small, monkeypatch):
    monkeypatch.setattr(named, "SMALL", small)
    X, new = frame(), np.arange(12.0)
    for name in ("new", "c2"):
        pd.testing.assert_frame_equal(with_column(X, name, new), X.assign(**{name: new}))
    for gone in (["c5", "c6"], ["c6", "c5", "not there"], ["c1"], ["c1", "c6"], [], ["none"]):
        expected = X.drop(columns=[name for name in gone if name in X])
        pd.testing.assert_frame_equal(without(X, gone), expected)
    pd.testing.assert_frame_equal(X, frame())


@pytest.mark.parametrize(
    "inner",
    [
        StepwiseRegression(),
        Ridge(),
        Boosting(n_estimators=15, min_child_samples=5),
        Residual(Boosting(n_estimators=15, min_child_samples=5), Persistence("c0")),
    ],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.parametrize("order", ["as it is", "mixed", "one origin"])
def test_models_by_lead_are_each_asked_for_its_rows(inner, order):
    rng = np.random.default_rng(1)
    origin = np.repeat(pd.date_range("2020-01-01", periods=60, freq="h", tz="UTC").as_unit("us"), 4)
    time = origin + np.tile(pd.to_timedelta([0, 10, 20, 30], unit="min"), 60)
    X = frame(240, seed=3).set_axis(
        pd.MultiIndex.from_arrays([["a"] * 240, origin, time], names=["site_id", "origin", "time"])
    )
    X.iloc[::17, 2] = np.nan
    y = X["c0"].to_numpy() * np.tile([1, 2, 3, 4], 60) + 0.1 * rng.normal(size=240)
    fitted = ByLead(inner).fit(X, y)
    asked = {"as it is": X, "mixed": X.iloc[rng.permutation(240)[:100]], "one origin": X.iloc[8:12]}[order]
    lead = (
        (asked.index.get_level_values("time") - asked.index.get_level_values("origin")) // pd.Timedelta("10min")
    ).to_numpy()
    slow = np.zeros(len(asked))
    for number, model in enumerate(fitted.models_):
        if (lead == number).any():
            slow[lead == number] = model.predict(asked[lead == number])
    np.testing.assert_allclose(fitted.predict(asked), slow, rtol=1e-12)
