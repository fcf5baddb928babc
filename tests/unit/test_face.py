"""The face: every name leads somewhere, is seen by dir() and by type checkers, and costs nothing before it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

import cblcast

NAMES = {
    "Panel", "Event", "Window", "View", "Forecaster", "make_estimator", "read_meter", "read_events", "placebo_events", "plots",
    "backtest", "evaluate", "score", "score_frame", "settle", "load_model", "datasets", "registry", "__version__",
}  # fmt: skip


def test_the_face_is_what_it_promises():
    assert set(cblcast.__all__) == NAMES
    assert set(dir(cblcast)) >= NAMES
    assert not {"Any", "TYPE_CHECKING", "importlib", "annotations"} & set(dir(cblcast))
    for name in NAMES:
        assert getattr(cblcast, name) is not None
    assert callable(cblcast.settle)
    from cblcast import settle, settlement  # the package beside the function does not hide it

    assert cblcast.settle is settle is settlement.settle


def test_a_name_that_is_none_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Pannel'"):
        _ = cblcast.Pannel  # type: ignore[attr-defined]


def test_type_checkers_see_the_face(tmp_path):
    script = tmp_path / "use.py"
    script.write_text(
        "import cblcast as cb\n"
        'panel: cb.Panel = cb.datasets.load("turin")\n'
        'events = cb.placebo_events(panel, "17:00", "20:00")\n'
        "wrong: int = cb.backtest(panel, {}, events)\n"
        "cb.bactest\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            str(script),
        ],  # what the linter has looked through already is taken from its cache
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert "BacktestResult" in done.stdout, done.stdout + done.stderr
    assert 'has no attribute "bactest"' in done.stdout, done.stdout
    assert done.stdout.count("error") == 3, done.stdout  # the two that are wrong, and the count of errors


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_python_m_cblcast(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "cblcast", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert ("cblcast 0" in done.stdout) == (arguments == ["--version"])
