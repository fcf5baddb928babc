"""The examples run as a newcomer runs them, and README's Python says what it says there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
LAST_WORDS = {
    "baseline.py": "0 event estimates are left out",
    "settlement.py": "Factor before the cap",
    "nowcast.py": "issues are left out",
}


def run(code: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *code], capture_output=True, text=True, timeout=300, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_an_example_runs(script):
    assert LAST_WORDS[script] in run([str(EXAMPLES / script)])


def test_readmes_first_python_is_short_and_runs():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    first = blocks[0]
    assert len(first.strip().splitlines()) <= 8
    assert "PBLM-High5of10" in run(["-c", first])
