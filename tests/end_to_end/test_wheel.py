"""What a user gets: the built wheel, installed into an empty environment, works offline on the bundled data.

The environment is honestly empty (no system packages), without the neural extra; pip may use its cache.
"""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "experiments" / "sme_baselines" / "turin.yaml"


def clean_environment(**more: str) -> dict[str, str]:
    """The caller's environment without what would let the checkout leak into the empty one."""
    leaks = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CBLCAST_DATA_DIR", "MLFLOW_TRACKING_URI"}
    return {k: v for k, v in os.environ.items() if k not in leaks} | more


def run(*command: str | Path, cwd: Path, timeout: int = 600) -> str:
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    # By way of the sdist, as a release is built: a file that the sdist forgets is missing here too.
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", out, ROOT, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of the console script in an environment that holds the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "env")  # pip stays outside, and writes no bytecode of what no test imports
    binaries = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", binaries / "python", "install", "--quiet", "--no-compile"]
    run(*pip, "-c", ROOT / "constraints.txt", wheel, cwd=folder, timeout=900)
    return binaries


def test_wheel_holds_the_samples_and_their_licences(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    samples = {f"cblcast/_samples/{path.name}" for path in (ROOT / "data" / "samples").iterdir()}
    assert samples <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    packaged = {
        "cblcast/" + str(path.relative_to(ROOT / "src" / "cblcast"))
        for suffix in ("yaml", "html", "css", "py")
        for path in (ROOT / "src" / "cblcast").rglob(f"*.{suffix}")
    }
    assert packaged <= names


def test_console_script_trains_on_the_bundled_data(installed, tmp_path):
    assert "train" in run(installed / "cblcast", "--help", cwd=tmp_path)
    assert "turin" in run(installed / "cblcast", "data", "list", cwd=tmp_path)
    study = tmp_path / "turin.yaml"
    study.write_text(STUDY.read_text())
    told = json.loads(run(installed / "cblcast", "train", study, "--json", cwd=tmp_path))
    assert told
    assert (tmp_path / "models" / "mlflow.db").is_file(), "the default store lies under the working folder"


def test_a_wrong_name_is_one_sentence_and_exit_code_2(installed, tmp_path):
    result = subprocess.run(
        [installed / "cblcast", "data", "describe", "torin"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert "did you mean 'turin'" in " ".join((result.stdout + result.stderr).split())
    assert "Traceback" not in result.stdout + result.stderr
