"""NeuralNet and NeuralNetPerSite as scikit-learn estimators: state, order of rows, gaps, clear errors."""

import json
import logging
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from cblcast.estimators.neural import NeuralNet, NeuralNetPerSite
from cblcast.frames.schema import DataError, StudyError

QUICK = {"hidden": (6,), "max_epochs": 60}


def _frame(days=30, sites=("a",), seed=0):
    rng = np.random.default_rng(seed)
    frames = []
    for k, site in enumerate(sites):
        time = (
            pd.date_range("2019-03-20", periods=24 * days, freq="h", tz="Europe/Madrid").tz_convert("UTC").as_unit("us")
        )
        local = time.tz_convert("Europe/Madrid")
        index = pd.MultiIndex.from_arrays(
            [[site] * len(time), local.normalize().tz_convert("UTC"), time], names=["site_id", "origin", "time"]
        )
        hour = local.hour.to_numpy(float)
        frame = pd.DataFrame({"hour": hour, "day_type": local.day_of_week.to_numpy(float)}, index=index)
        frame["y"] = 50 * (k + 1) + (20 + k) * np.sin(hour * np.pi / 12) - 3.0 * (frame["day_type"] > 4)
        frame["y"] += rng.normal(0, 1, len(frame))
        frames.append(frame)
    data = pd.concat(frames)
    return data[["hour", "day_type"]], data["y"]


def _through_files(estimator):
    """Fitted state to JSON and arrays and back into a fresh estimator."""
    fresh = clone(estimator)
    for name, value in vars(estimator).items():
        if name.endswith("_") and not name.startswith("_"):
            if isinstance(value, np.ndarray):
                assert value.dtype.kind in "fiubU"
                value = np.frombuffer(value.tobytes(), dtype=value.dtype).reshape(value.shape)
            else:
                value = json.loads(json.dumps(value, allow_nan=False))
            setattr(fresh, name, value)
    return fresh


@pytest.mark.parametrize("make", [NeuralNet, NeuralNetPerSite])
def test_fit_predict_clone_state_seed_and_row_order(make):
    X, y = _frame(sites=("a", "b"))
    net = make(**QUICK, n_nets=2, trainer="lm", keep_curves=True).fit(X, y)
    # No function of what the net sees errs less on these rows than the mean of each hour and day type.
    seen = [X["hour"], X["day_type"]] + ([X.index.get_level_values("site_id")] if make is NeuralNetPerSite else [])
    least = np.sqrt(np.mean((y - y.groupby(seen).transform("mean")) ** 2))
    assert np.sqrt(np.mean((net.predict(X) - y) ** 2)) < 1.5 * least
    copy = clone(net)
    assert copy.get_params() == net.get_params()
    answer = net.predict(X)
    assert answer.dtype == np.float64
    np.testing.assert_array_equal(copy.fit(X, y).predict(X), answer)
    np.testing.assert_array_equal(_through_files(net).predict(X), answer)
    shuffle = np.random.default_rng(1).permutation(len(X))
    np.testing.assert_allclose(net.predict(X.iloc[shuffle]), answer[shuffle], rtol=1e-12)
    np.testing.assert_allclose(clone(net).fit(X.iloc[shuffle], y.iloc[shuffle]).predict(X), answer, rtol=1e-10)
    assert not np.allclose(clone(net).set_params(seed=7).fit(X, y).predict(X), answer, rtol=1e-6)


def test_a_site_is_served_by_the_net_it_would_get_alone():
    X, y = _frame(sites=("b", "a", "c"))
    together = NeuralNetPerSite(**QUICK).fit(X, y)
    for site in "abc":
        mine = X.index.get_level_values("site_id") == site
        alone = NeuralNet(**QUICK).fit(X[mine], y[mine])
        np.testing.assert_allclose(together.predict(X[mine]), alone.predict(X[mine]), rtol=1e-5)
    assert together.history_["site_id"] == ["a", "b", "c"]


def test_arrays_will_do_and_columns_choose():
    X, y = _frame()
    extra = X.assign(noise=np.nan)
    chosen = NeuralNet(**QUICK, columns=("hour", "day_type")).fit(extra, y)
    plain = NeuralNet(**QUICK).fit(X.to_numpy(), y.to_numpy())
    assert plain.n_features_in_ == 2
    assert not hasattr(plain, "feature_names_in_")
    assert chosen.predict(extra).shape == plain.predict(X.to_numpy()).shape
    with pytest.raises(DataError, match="'day_type'"):
        chosen.predict(extra[["hour"]])
    with pytest.raises(DataError, match="fitted with 2 features, but X has 1"):
        plain.predict(X[["hour"]].to_numpy())
    with pytest.raises(NotFittedError):
        NeuralNet().predict(X)


def test_gaps_are_filled_with_the_median_and_counted(caplog):
    X, y = _frame()
    X = X.copy()
    X.iloc[5:10, 0] = np.nan
    with caplog.at_level(logging.WARNING):
        net = NeuralNet(**QUICK).fit(X, y)
    assert net.fallbacks_["imputed_values"] == 5
    assert "imputed_values" in caplog.text
    assert net.x_fill_[0] == X["hour"].median()
    caplog.clear()
    answer = net.predict(X)
    assert "filled 5 missing inputs" in caplog.text
    np.testing.assert_array_equal(answer, net.predict(X.fillna({"hour": X["hour"].median()})))


def test_constant_target_and_constant_feature_are_counted_not_nan():
    X, y = _frame()
    net = NeuralNet(**QUICK).fit(X, np.full(len(y), 7.25))
    assert net.fallbacks_["constant_target"] == 1
    np.testing.assert_array_equal(net.predict(X), 7.25)
    flat = NeuralNet(**QUICK).fit(X.assign(flat=3.0), y)
    assert flat.fallbacks_["constant_feature"] == 1
    same = flat.predict(X.assign(flat=99.0))
    np.testing.assert_array_equal(same, flat.predict(X.assign(flat=3.0)))


@pytest.mark.parametrize("trainer", ["lm", "br", "scg", "adamw"])
def test_fewer_rows_than_parameters_is_counted_and_stays_finite(trainer):
    X, y = _frame()
    net = NeuralNet(hidden=(10,), trainer=trainer, max_epochs=30, seed=2).fit(X.to_numpy()[:20], y.to_numpy()[:20])
    assert net.fallbacks_["fewer_rows_than_parameters"] == 1
    assert np.isfinite(net.predict(X.to_numpy())).all()


def test_exhausted_damping_ends_training_with_the_last_good_weights():
    X, y = _frame()
    # A damping that may not rise at all is given up at the first step that does not help.
    net = NeuralNet(hidden=(6,), trainer="lm", trainer_options={"mu": 1e-18, "mu_max": 1e-18}, seed=3).fit(X, y)
    assert net.history_["stop_reason"][0] in ("damping above maximum", "validation failures")
    held = NeuralNet(hidden=(6,), trainer="lm", trainer_options={"mu": 1e300, "mu_max": 1e290}, seed=3).fit(X, y)
    assert held.history_["stop_reason"] == ["damping above maximum"]
    assert held.fallbacks_["never_improved"] == 1
    assert np.isfinite(held.predict(X)).all()


def test_sites_too_poor_to_train_fall_back_and_are_counted():
    X, y = _frame(sites=("a", "b", "c"))
    site = X.index.get_level_values("site_id")
    X = X.copy()
    X.loc[site == "b", "day_type"] = np.nan
    few = (site != "c") | (np.arange(len(X)) >= len(X) - 3)
    net = NeuralNetPerSite(**QUICK).fit(X[few], y[few])
    assert net.fallbacks_["feature_without_values"] == 1
    assert net.fallbacks_["too_few_rows"] == 1
    assert net.history_["stop_reason"][2] == "not trained"
    np.testing.assert_allclose(net.predict(X[site == "c"]), y[few & (site == "c")].median())
    assert np.isfinite(net.predict(X)).all()


def test_time_limit_ends_training():
    X, y = _frame()
    net = NeuralNet(hidden=(6,), time_limit_s=1e-9).fit(X, y)
    assert net.history_["stop_reason"] == ["time limit"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"trainer": "scgg"}, "did you mean 'scg'"),
        ({"activation": "tan"}, "did you mean 'tanh'"),
        ({"device": "tpu"}, "use 'cpu' or 'cuda'"),
        ({"device": "cuda:99"}, "no such CUDA device"),
        ({"split": (0.6, 0.6, 0.2)}, "add up to 1"),
        ({"hidden": (10, 0)}, "hidden must be a list with 1 item at least, each item a whole number from 1"),
        ({"scaling": "minmaxx"}, "did you mean 'minmax'"),
        ({"initialisation": "xavierr"}, "did you mean 'xavier'"),
        ({"dtype": "float16"}, "dtype='float16'"),
        ({"n_nets": 0}, "n_nets must be a whole number from 1"),
        ({"max_epochs": 0}, "max_epochs must be a whole number from 1"),
    ],
)
def test_wrong_settings_are_named(change, sentence):
    X, y = _frame(days=2)
    with pytest.raises(StudyError, match=sentence):
        NeuralNet(**change).fit(X, y)


def test_wrong_data_are_named():
    X, y = _frame(days=2)
    with pytest.raises(DataError, match="target has 1 values"):
        NeuralNet().fit(X, y.where(np.arange(len(y)) > 0))
    with pytest.raises(DataError, match="'hour' has infinite values"):
        NeuralNet().fit(X.replace(0.0, np.inf), y)
    with pytest.raises(DataError, match="'day_type' has no value at all"):
        NeuralNet().fit(X.assign(day_type=np.nan), y)
    with pytest.raises(DataError, match="5 rows or more"):
        NeuralNet().fit(X[:4], y[:4])
    with pytest.raises(DataError, match=r"y has shape \(3,\), but X has 48 rows"):
        NeuralNet().fit(X, y[:3])
    with pytest.raises(DataError, match="not trained on site 'b'"):
        NeuralNetPerSite(**QUICK).fit(X, y).predict(X.rename({"a": "b"}, level="site_id"))
    with pytest.raises(DataError, match="level site_id"):
        NeuralNetPerSite().fit(X.to_numpy(), y)


def test_torch_is_loaded_by_training_only():
    code = "import cblcast.estimators.neural, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
