"""Gaussian process and support vectors say what scikit-learn says, from arrays alone."""

import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.svm import SVR

from cblcast.estimators.learners.kernel_methods import GaussianProcess, SupportVector


@pytest.fixture(scope="module")
def wave():
    rng = np.random.default_rng(2)
    X = pd.DataFrame({"u": rng.uniform(-3, 3, 150), "v": rng.normal(size=150)})
    return X, 10 + 2 * np.sin(X["u"]).to_numpy() + rng.normal(0, 0.1, 150)


def standard(X):
    return ((X - X.mean()) / X.std(ddof=0)).to_numpy()


def test_support_vectors(wave):
    X, y = wave
    textbook = SVR(C=2.0, epsilon=0.05, gamma=0.5).fit(standard(X), (y - y.mean()) / y.std())
    ours = SupportVector(c=2.0, epsilon=0.05, clip=None).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), textbook.predict(standard(X)) * y.std() + y.mean(), rtol=1e-9)
    assert np.sqrt(((ours.predict(X) - y) ** 2).mean()) < 0.3


def test_posterior_mean(wave):
    X, y = wave
    ours = GaussianProcess(clip=None).fit(X, y)
    kernel = ConstantKernel(ours.signal_variance_) * RBF(ours.length_scale_) + WhiteKernel(ours.noise_variance_)
    textbook = GaussianProcessRegressor(kernel, alpha=1e-8, optimizer=None).fit(standard(X), (y - y.mean()) / y.std())
    asked = standard(X)[:20]
    np.testing.assert_allclose(ours.predict(X.iloc[:20]), textbook.predict(asked) * y.std() + y.mean(), rtol=1e-6)
    assert np.sqrt(((ours.predict(X) - y) ** 2).mean()) < 0.2


def test_many_rows_are_thinned_and_said_so(wave, caplog):
    X, y = wave
    with caplog.at_level(logging.INFO):
        model = GaussianProcess(max_rows=60, tune_rows=40).fit(X, y)
    assert "60 of 150 rows are used" in caplog.text
    assert model.rows_.shape == (60, 2)


@pytest.mark.parametrize("model", [GaussianProcess(tune_rows=20), SupportVector()])
def test_nothing_to_learn_from_gives_the_constant(wave, model):
    X, _ = wave
    np.testing.assert_allclose(model.fit(X, np.full(150, 4.0)).predict(X), 4.0, atol=1e-6)
    blank = X * 0
    np.testing.assert_allclose(model.fit(blank, np.full(150, 4.0)).predict(blank), 4.0, atol=1e-6)
