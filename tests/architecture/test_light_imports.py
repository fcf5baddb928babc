"""Asking for help must not cost the seconds that torch, MLflow or LightGBM take to load."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "lightgbm",
    "mlflow",
    "optuna",
    "sklearn",
    "matplotlib",
    "scipy",
    "dask",
    "distributed",
    "pandas",
    "pyarrow",
    "pymoo",
}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in memory after `code` ran in a fresh interpreter."""
    tail = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    result = subprocess.run(
        [sys.executable, "-c", code + tail],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ.copy(),
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


HELP = """
import sys
from cblcast.cli import main
sys.argv = ["cblcast", *{arguments!r}]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["size", "--help"], ["data", "list", "--help"]], ids=" ".join
)
def test_help_loads_nothing_heavy(arguments):
    assert not loaded_by(HELP.format(arguments=arguments)) & HEAVY


def test_the_package_root_loads_nothing_heavy():
    assert not loaded_by("import cblcast; assert cblcast.__version__") & HEAVY


def test_the_catalogue_loads_no_learner():
    loaded = loaded_by("from cblcast import datasets; datasets.load('turin')")
    assert not loaded & {"torch", "lightgbm", "mlflow", "optuna", "sklearn", "matplotlib", "dask"}
    assert "pandas" in loaded  # the probe itself works


def test_torch_is_loaded_when_a_net_is_trained_and_not_before():
    code = (
        "from cblcast import registry\n"
        "for name in ('NeuralNet', 'NeuralNetPerSite'):\n"
        "    registry.ESTIMATORS.make(name, {'trainer': 'scg'})\n"
    )
    train = "made = registry.ESTIMATORS.make('NeuralNet', {'max_epochs': 1})\n"
    fit = "import numpy as np; made.fit(np.arange(40.0)[:, None], np.arange(40.0) ** 2)"
    assert "torch" not in loaded_by(code)
    assert "torch" in loaded_by(code + train + fit)  # the probe itself works
