"""Asking for help must not cost the seconds that torch, MLflow or LightGBM take to load."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = {"torch", "lightgbm", "mlflow", "optuna", "sklearn", "matplotlib", "scipy", "dask", "pandas", "pyarrow"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in memory after `code` ran in a fresh interpreter."""
    tail = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    result = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, timeout=120,
                            check=False, env=os.environ.copy())
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


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["data", "list", "--help"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments):
    assert not loaded_by(HELP.format(arguments=arguments)) & HEAVY


def test_the_package_root_loads_nothing_heavy():
    assert not loaded_by("import cblcast; assert cblcast.__version__") & HEAVY


def test_the_catalogue_loads_no_learner():
    loaded = loaded_by("from cblcast import datasets; datasets.load('turin')")
    assert not loaded & {"torch", "lightgbm", "mlflow", "optuna", "sklearn", "matplotlib", "dask"}
    assert "pandas" in loaded  # the probe itself works
