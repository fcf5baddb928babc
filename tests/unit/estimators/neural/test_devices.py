"""Training on a device: every tensor goes there, what is drawn does not depend on it, and what was learned comes back.

torch's device ``meta`` holds no numbers and refuses to be mixed with another: a training that gets as far as fetching its
weights has moved everything. The numbers of a real device are compared where there is one.
"""

import numpy as np
import pandas as pd
import pytest
import torch

from cblcast.errors import StudyError
from cblcast.estimators.neural import attention_training, dropout_net
from cblcast.estimators.neural.batches import pack
from cblcast.estimators.neural.day_attention import DayAttention
from cblcast.estimators.neural.day_inputs import table_columns
from cblcast.estimators.neural.devices import pick_device
from cblcast.estimators.neural.gradients import ErrorSurface, mean_squared_error
from cblcast.estimators.neural.lead_net import LeadNet
from cblcast.estimators.neural.network import Architecture, initial_weights
from cblcast.estimators.neural.neural_net_per_site import NeuralNetPerSite
from cblcast.estimators.neural.quantile_net import QuantileNet

META = torch.device("meta")
HERE = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
FETCHED = "Cannot copy out of meta tensor|meta tensors"


def days(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Rows as DayAttention reads them: differences in spreads."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(n, len(table_columns(6, 4)))).astype(np.float32)
    return X, X[:, 0] + rng.normal(size=n) / 10


def leads(n: int = 200) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(5)
    origin = pd.date_range("2024-01-01", periods=n, freq="h", tz="UTC").as_unit("us")
    pairs = [("farm", at, at + pd.Timedelta(minutes=lead)) for at in origin for lead in (0, 10)]
    index = pd.MultiIndex.from_tuples(pairs, names=["site_id", "origin", "time"])
    push = np.repeat(rng.normal(size=n), 2)
    X = pd.DataFrame({"push": push, "observed_kw_ago_1": np.repeat(rng.uniform(0, 9, n), 2)}, index)
    return X, X["observed_kw_ago_1"].to_numpy() + 3 * push


def sites(n: int = 240) -> tuple[pd.DataFrame, np.ndarray]:
    hour = np.arange(n) % 24.0
    times = pd.date_range("2024-01-01", periods=n, freq="h", tz="UTC")
    index = pd.MultiIndex.from_product([["a", "b"], times], names=["site_id", "time"])
    X = pd.DataFrame({"hour": np.tile(hour, 2), "noise": np.random.default_rng(6).normal(size=2 * n)}, index)
    return X, np.r_[20 + 10 * np.sin(hour / 4), 5 + hour] + X["noise"].to_numpy() / 10


CASES = {
    "attention": (DayAttention(days=6, hours=4, seeds=1, epochs=2, batch_size=64, width=8, day_width=4), days),
    "leads": (LeadNet(hidden=(8, 4), n_nets=1, epochs=2, batch_size=64), leads),
    "quantiles": (QuantileNet((0.1, 0.5, 0.9), hidden=(8,), n_nets=1, epochs=2, batch_size=64), leads),
    "sites, scg": (NeuralNetPerSite(hidden=(4,), max_epochs=5), sites),
    "sites, lm": (NeuralNetPerSite(hidden=(4,), max_epochs=3, trainer="lm"), sites),
    "sites, adamw": (NeuralNetPerSite(hidden=(4,), max_epochs=2, trainer="adamw"), sites),
}


def answers(estimator, X) -> np.ndarray:
    return estimator.predict_quantiles(X) if isinstance(estimator, QuantileNet) else estimator.predict(X)


@pytest.mark.parametrize("name", CASES)
def test_auto_is_the_processor_where_there_is_no_device(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    estimator, rows = CASES[name]
    X, y = rows()
    usual = answers(estimator.fit(X, y), X)
    np.testing.assert_array_equal(answers(estimator.set_params(device="auto").fit(X, y), X), usual)
    estimator.set_params(device="cpu")


@pytest.mark.parametrize("name", CASES)
def test_a_device_that_is_not_there_is_told_before_training(name):
    estimator, rows = CASES[name]
    with pytest.raises(
        StudyError, match=r"device='cuda:99' was asked for, but torch finds no such CUDA device here.*'auto'"
    ):
        estimator.set_params(device="cuda:99").fit(*rows())
    with pytest.raises(StudyError, match="device='cdua' is not known: use 'cpu' or 'cuda', or 'auto'"):
        estimator.set_params(device="cdua").fit(*rows())
    estimator.set_params(device="cpu")


def test_auto_takes_a_device_that_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == torch.device("cuda")


@pytest.mark.parametrize("name", ["attention", "leads", "quantiles"])
def test_everything_that_a_training_takes_goes_to_the_device_and_its_weights_are_fetched(name, monkeypatch):
    for module in (attention_training, dropout_net):
        monkeypatch.setattr(module, "pick_device", lambda name: META)
    estimator, rows = CASES[name]
    with pytest.raises(NotImplementedError, match=FETCHED):
        estimator.fit(*rows())


def test_meta_refuses_a_tensor_that_was_left_behind():
    """What the test above rests on."""
    with pytest.raises(RuntimeError, match=r"on the expected device meta|same device"):
        torch.ones(3, device=META) @ torch.ones(3)


@pytest.mark.parametrize("trainer", ["scg", "lm", "br"])
def test_a_batch_of_nets_stays_on_its_device(trainer):
    from cblcast.estimators.neural.trainers import make_trainer

    net = Architecture(2, (3,), "tanh")
    rng = np.random.default_rng(1)
    rows = [(rng.normal(size=(n, 2)), rng.normal(size=n)) for n in (40, 30)]
    data, start = (pack(rows, META, torch.float64), torch.from_numpy(initial_weights(net, "xavier", [0, 1])).to(META))
    with torch.no_grad():
        assert ErrorSurface(net, start, data).gradient().device == META
        assert mean_squared_error(net, start, data).device == META
        state = make_trainer(trainer, None).start(net, data, start)
        assert {value.device for value in state.values()} == {META}


@HERE
@pytest.mark.parametrize("name", CASES)
def test_a_device_gives_the_numbers_of_the_processor(name):
    estimator, rows = CASES[name]
    X, y = rows()
    usual = answers(estimator.set_params(device="cpu").fit(X, y), X)
    there = answers(estimator.set_params(device="cuda").fit(X, y), X)
    estimator.set_params(device="cpu")
    assert np.abs(there - usual).max() <= 1e-3 * np.abs(y).mean()
