"""The tree is the architecture: import-linter reads the layers from pyproject.toml and holds them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "cblcast"


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    # The command line is run, not its functions, since only the former is a public interface.
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(root / "src"), "PATH": ""},
        timeout=120,
        check=False,
    )


def test_imports_run_downwards_only():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("metrics", "from cblcast import registry", "cblcast.metrics is not allowed to import cblcast.registry"),
        ("registry", "def f():\n    import mlflow", "Only tracking imports mlflow BROKEN"),
        ("workflow", "import optuna", "Only tuning imports optuna BROKEN"),
        ("workflow", "import pymoo", "Only sizing imports pymoo BROKEN"),
        ("somewhere", "x = 1", "not listed as layers"),
    ],
)
def test_the_contracts_bite(tmp_path, module, line, broken):
    package = tmp_path / "src" / "cblcast"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for name in ("__init__", "datasets", "metrics", "registry"):
        (package / f"{name}.py").write_text("")
    for shelf in ("frames", "days", "estimators", "forecast"):
        (package / shelf).mkdir()
        (package / shelf / "__init__.py").write_text("")
    (package / f"{module}.py").write_text(line + "\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert broken in result.stdout


def test_the_root_does_not_collect_modules():
    root = {path.stem for path in SOURCE.glob("*.py")} - {"__init__", "__main__"}
    assert len(root) <= 8, f"{sorted(root)}: a new module belongs on a shelf, where its like stands"
