"""The table of the mutation trial names one module and one test file each, wherever they stand."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = tomllib.loads((ROOT / "tests" / "mutation" / "modules.toml").read_text(encoding="utf-8"))
ENDS = [(ROOT / "src", module) for module in TABLE["modules"]] + [
    (ROOT / "tests", test) for tests in (TABLE["shared"], *TABLE["modules"].values()) for test in tests
]


@pytest.mark.parametrize(("folder", "end"), sorted(set(ENDS)), ids=lambda value: getattr(value, "name", value))
def test_an_end_names_exactly_one_file(folder, end):
    parts = Path(end).parts
    assert len([path for path in folder.rglob(parts[-1]) if path.parts[-len(parts) :] == parts]) == 1
