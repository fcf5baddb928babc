"""A real browser: the system's own Chromium, driven by Playwright. Without either the tests here are skipped and say why."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_MS = 240_000  # a busy machine is slow and not broken
SCREENSHOTS = "CBLCAST_SCREENSHOTS"  # folder in which pictures of the pages are kept


def executable() -> str | None:
    """Path of a Chromium on this machine; $CHROMIUM names another."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if os.environ.get("CBLCAST_CI") and importlib.util.find_spec("playwright") is None:
        pytest.fail("continuous integration has no playwright: pip install cblcast[dev]")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install cblcast[dev]"
    )
    path = executable()
    if path is None:
        if os.environ.get("CBLCAST_CI"):
            pytest.fail("continuous integration has no Chromium: .ci/run installs it where it is root")
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the path, and $CHROMIUM names none")
    with playwright.sync_playwright() as driver:
        sandbox = [] if os.name == "nt" or os.geteuid() else ["--no-sandbox"]  # root has no sandbox to run in
        found = driver.chromium.launch(executable_path=path, args=sandbox, timeout=PATIENCE_MS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures are kept: a folder that outlives the tests where $CBLCAST_SCREENSHOTS names one."""
    folder = Path(os.environ.get(SCREENSHOTS) or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
