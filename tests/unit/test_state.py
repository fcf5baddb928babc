"""The model file: what is saved comes back, what is strange is refused."""

import json

import numpy as np
import pytest

from cblcast.errors import DataError
from cblcast.estimators.adjusted import Adjusted
from cblcast.estimators.similar_days import XofY
from cblcast.events import Window
from cblcast.state import load_state, save_state


def test_nested_state_comes_back_with_its_types(tmp_path):
    made = Adjusted(XofY(2, 3, weights=(0.25, 0.75)), (Window.before(2), "BW"), limits=(0.8, 1.2))
    made.estimator_ = XofY(1, 1)
    made.some_ = {"a.b": np.array([1.5, np.nan]), "a": {"b": np.array([True])}, 1: np.array(["x"]), "1": np.arange(3)}
    made.number_, made.nothing_, made.list_ = float("inf"), None, [1, "two", (3.0, float("nan"))]
    save_state(made, tmp_path)
    back = load_state(tmp_path)
    assert repr(back) == repr(made)
    assert back.window == (Window.before(2), "BW")
    # Keys that read alike, "a.b" and a then b, or 1 and "1", keep arrays of their own.
    np.testing.assert_array_equal(back.some_["a.b"], [1.5, np.nan])
    assert back.some_["a"]["b"].dtype == bool
    assert back.some_[1].tolist() == ["x"]
    assert back.some_["1"].tolist() == [0, 1, 2]
    assert back.number_ == float("inf")
    assert back.nothing_ is None
    assert back.list_[:2] == [1, "two"]
    assert isinstance(back.list_[2], tuple)
    assert isinstance(back.estimator_, XofY)


@pytest.mark.parametrize("value", [object(), np.array([object()]), lambda: 1, XofY])
def test_what_needs_pickle_is_refused_by_name(tmp_path, value):
    made = XofY()
    made.strange_ = value
    with pytest.raises(DataError, match="strange_"):
        save_state(made, tmp_path)


@pytest.mark.parametrize("path", [
    "os:system",
    "cblcast.state:json",
    "cblcast.state:load_state",  # a function of ours is not to be called either
    "cblcast.forecaster:Path",
    "cblcast.nowhere:Thing",
    "cblcast.estimators.similar_days:Nothing",
    "cblcast.errors:DataError",
    "",
])  # fmt: skip
def test_a_strangers_class_is_not_made(tmp_path, path):
    save_state(XofY(), tmp_path)
    document = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**document, "$class": path, "params": {}}))
    with pytest.raises(DataError, match="not loaded"):
        load_state(tmp_path)


@pytest.mark.parametrize(
    ("file", "content"), [("model.json", b"{"), ("arrays.npz", b"PK\x03\x04 torn"), ("arrays.npz", b"")]
)
def test_a_torn_file_is_one_clear_sentence(tmp_path, file, content):
    save_state(XofY(), tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match="train and register it again"):
        load_state(tmp_path)
