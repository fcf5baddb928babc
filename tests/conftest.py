"""Switches that MLflow reads once, set before anything imports it, and an MLflow store for the tests that need one."""

import gc
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
# Draw into memory: no test needs a screen.
os.environ["MPLBACKEND"] = "Agg"

# Tests that run beside others have one core each: threads of OpenBLAS that wait for one another burn ten times the time.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

# What is collected all stays: looking through half a million objects again and again was a quarter of the time it takes.
gc.disable()

# Who starts the tests in the background, or by nohup, has these ignored, which every child inherits: tests send them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Continuous integration repeats the same examples; a developer's runs go on looking for new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") or os.environ.get("CBLCAST_CI"):
    settings.load_profile("ci")


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory) -> Path:
    """An empty MLflow store. Its tables take seconds to make, so tests copy it."""
    from cblcast.tracking.store import connect

    path = tmp_path_factory.mktemp("migrated") / "mlflow.db"
    connect(f"sqlite:///{path}", writing=True)
    return path


@pytest.fixture
def store(migrated_database, tmp_path, monkeypatch) -> str:
    """Address of a store of the test's own, the default one while the test runs."""
    shutil.copy(migrated_database, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    return uri


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a real PostgreSQL server that lives as long as the tests of this process; each module makes its own database."""
    sys.path.append(str(Path(__file__).parent))
    import postgres

    with postgres.server() as url:
        yield url
