"""The site builds strictly: every link, anchor, picture and cross-reference leads somewhere, every docstring can be read."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_experiment_hangs_in_the_gallery_with_its_pictures(site):
    page = (site / "gallery.html").read_text()
    for folder in sorted(path.parent for path in (ROOT / "experiments").glob("*/README.md")):
        assert f"experiments/{folder.name}/index.html" in page
        for picture in folder.glob("*.png"):
            assert f"experiments/{folder.name}/{picture.name}" in page
            assert (site / "experiments" / folder.name / picture.name).exists()


def test_the_pages_fetch_nothing_from_elsewhere(site):
    for page in ("index.html", "start.html", "gallery.html", "reference/cblcast.metrics.html"):
        text = (site / page).read_text()
        assert not re.findall(
            r'<(?:script|img|iframe)[^>]+src="https?:[^"]+|<link[^>]+stylesheet[^>]+href="https?:[^"]+', text
        )


def test_the_reference_names_what_the_face_shows(site):
    import cblcast

    text = (site / "reference" / "index.html").read_text()
    assert "cblcast.metrics" in text
    homes = {target.partition(":")[0] for target in cblcast._HOMES.values()}
    for module in homes - {"cblcast.datasets", "cblcast.registry"}:
        assert (site / "reference" / f"{module}.html").exists(), module
