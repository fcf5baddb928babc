"""The model file: what is saved comes back, what is strange is refused."""

import inspect
import json

import numpy as np
import pytest

from cblcast import registry
from cblcast.errors import DataError, StudyError
from cblcast.estimators.rules.similar_days import XofY
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.forecast.manifest import seal
from cblcast.forecast.state import load_state, save_state
from cblcast.frames.events import Window


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
    "os:XofY",  # a name of ours in a stranger's module
    "cblcast.forecast.state:json",
    "cblcast.forecast.state:load_state",  # a function of ours is not to be called either
    "cblcast.forecast.forecaster:Path",
    "cblcast.nowhere:Thing",
    "cblcast.estimators.rules.similar_days:Nothing",
    "cblcast.errors:DataError",
    "",
])  # fmt: skip
def test_a_strangers_class_is_not_made(tmp_path, path):
    (tmp_path / "model.json").write_text(json.dumps({"$class": path, "params": {}, "state": {}}))
    np.savez(tmp_path / "arrays.npz")
    with pytest.raises(DataError, match="not loaded"):
        load_state(tmp_path)


@pytest.mark.parametrize("kind", ["$estimator", "$part", "$class"])
@pytest.mark.parametrize("name", ["os:system", "os.system", "DataError", "Registry", "", None, ["XofY"], {"a": 1}])
def test_only_what_is_registered_is_made(tmp_path, kind, name):
    document = {"format": 2, "model": {kind: name, "params": {}, "state": {}}}
    (tmp_path / "model.json").write_text(json.dumps(document))
    np.savez(tmp_path / "arrays.npz")
    with pytest.raises(DataError, match="not loaded"):
        load_state(tmp_path)


def test_the_file_names_the_registry_and_no_module(tmp_path):
    save_state(Adjusted(XofY(), Window.before(2)), tmp_path)
    text = (tmp_path / "model.json").read_text()
    assert "cblcast" not in text
    assert json.loads(text)["format"] == 2
    assert '"$estimator": "Adjusted"' in text
    assert '"$part": "Window"' in text


def test_a_model_of_a_newer_version_asks_for_an_update(tmp_path):
    save_state(XofY(), tmp_path)
    document = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**document, "format": 99}))
    seal(tmp_path, ("model.json", "arrays.npz"))
    with pytest.raises(StudyError, match="format 99, this"):
        load_state(tmp_path)


def made_of(table, name):
    """An instance of a registered class with whatever it cannot do without."""
    needed = {
        "estimator": XofY(2, 3),
        "baseline": XofY(1, 1),
        "column": "observed_kw",
        "side": "before",
        "hours": 2.0,
    }
    known = inspect.signature(table.resolve(name)).parameters
    params = {key: value for key, value in needed.items() if key in known and known[key].default is known[key].empty}
    rest = [key for key, it in known.items() if it.default is it.empty and key not in params]
    return table.resolve(name)(**params | {key: np.arange(3.0) for key in rest})


@pytest.mark.parametrize(("table", "name"), [
    (table, name) for table in (registry.ESTIMATORS, registry.PARTS) for name in table
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_moving_a_module_breaks_no_saved_model(tmp_path, monkeypatch, table, name):
    holder = Adjusted(XofY())
    holder.held_ = made_of(table, name)
    monkeypatch.setattr(type(holder.held_), "__module__", "somewhere.else")
    save_state(holder, tmp_path)
    back = load_state(tmp_path).held_
    assert type(back) is type(holder.held_)
    for key in inspect.signature(type(back)).parameters:
        np.testing.assert_equal(
            json.dumps(getattr(back, key), default=str), json.dumps(getattr(holder.held_, key), default=str)
        )


@pytest.mark.parametrize(
    ("file", "content"), [("model.json", b"{"), ("arrays.npz", b"PK\x03\x04 torn"), ("arrays.npz", b"")]
)
def test_a_torn_file_is_one_clear_sentence(tmp_path, file, content):
    save_state(XofY(), tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=f"damaged: {file} is not"):
        load_state(tmp_path)
    seal(tmp_path, ("model.json", "arrays.npz"))  # as a stranger may
    with pytest.raises(DataError, match=r"cannot be read .*train and register it again"):
        load_state(tmp_path)


HOSTILE = {
    "format_as_text": {"format": "2"},
    "format_null": {"format": None},
    "format_negative": {"format": -1},
    "no_model": {"model": ...},
    "model_is_a_number": {"model": 3},
    "model_is_a_window": {"model": {"$part": "Window", "params": {"side": "before", "hours": 2}, "state": {}}},
    "no_params": {"model": {"$estimator": "XofY", "state": {}}},
    "strange_param": {"model": {"$estimator": "XofY", "params": {"zz": 1}, "state": {}}},
    "params_a_list": {"model": {"$estimator": "XofY", "params": [1], "state": {}}},
    "missing_array": {"model": {"$estimator": "XofY", "params": {}, "state": {"a_": {"$array": "nope"}}}},
    "unhashable_key": {"model": {"$estimator": "XofY", "params": {}, "state": {"a_": {"$dict": [[{"$list": []}, 1]]}}}},
    "no_float": {"model": {"$estimator": "XofY", "params": {}, "state": {"a_": {"$float": "abc"}}}},
    "a_method": {"model": {"$estimator": "XofY", "params": {}, "state": {"predict": 3}}},
    "a_parameter": {"model": {"$estimator": "XofY", "params": {}, "state": {"x": 99}}},
    "a_class": {"model": {"$estimator": "XofY", "params": {}, "state": {"__class__": 3}}},
    "window_with_state": {
        "model": {"$part": "Window", "params": {"side": "before", "hours": 2}, "state": {"hours": 3}}
    },
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_strangers_file_is_one_clear_sentence(tmp_path, change):
    document = {"format": 2, "model": {"$estimator": "XofY", "params": {}, "state": {}}} | change
    document = {key: value for key, value in document.items() if value is not ...}
    (tmp_path / "model.json").write_text(json.dumps(document))
    np.savez(tmp_path / "arrays.npz")
    with pytest.raises(DataError, match=r"train (and register )?it again"):
        load_state(tmp_path)


def test_a_file_nested_without_end_is_one_clear_sentence(tmp_path):
    deep = '{"$list":[' * 3000 + "]}" * 3000
    (tmp_path / "model.json").write_text('{"format": 2, "model": ' + deep + "}")
    np.savez(tmp_path / "arrays.npz")
    with pytest.raises(DataError, match="train and register it again"):
        load_state(tmp_path)


def test_another_kind_of_array_file_is_one_clear_sentence(tmp_path):
    save_state(XofY(), tmp_path)
    with (tmp_path / "arrays.npz").open("wb") as stream:
        np.save(stream, np.arange(3))
    seal(tmp_path, ("model.json", "arrays.npz"))
    with pytest.raises(DataError, match="train and register it again"):
        load_state(tmp_path)
