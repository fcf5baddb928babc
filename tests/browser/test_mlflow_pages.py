"""The MLflow interface in a real browser: the experiment opens on its methods, best first, and each page says what it shows."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60  # for a machine that is busy
STUDY = """
study: newcomer
description: Which baseline fits this building?
data: {dataset: turin}
events: {start: "17:00", stop: "20:00", days: working}
view: {lead_in: 0, recovery: 1}
train: [2019-03-01, 2019-05-31]
test: [2019-06-01, 2019-06-30]
methods: [High5of10, PBLM-Nearest5of10]
"""


@pytest.fixture(scope="module")
def shown(browser: Any, tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[tuple[str, str]]:
    """The address that `cblcast ui` tells, of a store with one study and one registered model, and the run of that study."""
    folder = tmp_path_factory.mktemp("ui")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    store = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{shutil.copy(migrated_database, folder)}"}
    cblcast = [sys.executable, "-m", "cblcast"]
    trained = subprocess.run(
        [*cblcast, "train", "study.yaml", "--register", "mine", "--alias", "champion", "--json"],
        cwd=folder, env=store, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "ui.log").open("w+", encoding="utf-8") as log:
        server = subprocess.Popen([*cblcast, "ui", "--port", str(port)], cwd=folder, env=store, stdout=log, stderr=log)
        try:
            yield _told(folder / "ui.log", server), json.loads(trained.stdout)["run_id"]
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


@pytest.fixture(scope="module")
def page_of_newest(shown: tuple[str, str]) -> str:
    """The address of the methods, best first."""
    return shown[0]


def _told(log: Path, server: subprocess.Popen[bytes]) -> str:
    import time

    until = time.monotonic() + SECONDS
    while time.monotonic() < until and server.poll() is None:
        found = re.search(r"best first: (http\S+)", log.read_text(encoding="utf-8"))
        if found:
            return found[1]
        time.sleep(0.3)
    raise AssertionError(log.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tab(browser: Any) -> Iterator[Any]:
    """A tab of a headless browser."""
    tab = browser.new_page(viewport={"width": 1500, "height": 1200})
    tab.set_default_timeout(1000 * SECONDS)
    yield tab
    tab.close()


@pytest.fixture
def faults(tab) -> Iterator[list[str]]:
    """What went wrong in the page's own scripts."""
    found: list[str] = []

    def note(error: object) -> None:
        found.append(str(error))

    tab.on("pageerror", note)
    yield found
    tab.remove_listener("pageerror", note)


def test_the_experiment_opens_on_its_methods_best_first(tab, faults, screenshots, page_of_newest):
    tab.goto(page_of_newest)
    names = tab.get_by_role("link", name=re.compile("of10$"))
    names.first.wait_for()
    tab.get_by_text("nrmse_pct").first.wait_for()
    tab.screenshot(path=screenshots / "mlflow_experiment.png")
    assert names.all_inner_texts()[:2] == ["PBLM-Nearest5of10", "High5of10"]
    assert tab.get_by_text("Which baseline fits this building?").is_visible()
    assert not faults


def test_the_run_of_the_study_tells_who_is_best_and_leads_to_the_page(tab, faults, screenshots, shown):
    tab.goto(shown[0])
    tab.get_by_role("link", name="PBLM-Nearest5of10").first.click()
    tab.get_by_text("place 1 of 2").first.wait_for()
    tab.screenshot(path=screenshots / "mlflow_method.png")
    home, experiment = shown[0].partition("#")[0], re.search(r"experiments/(\d+)", shown[0])
    assert experiment is not None
    tab.goto(f"{home}#/experiments/{experiment[1]}/runs/{shown[1]}")
    tab.get_by_text("PBLM-Nearest5of10 is best").first.wait_for()
    tab.get_by_text("Show more").first.click()
    drawn = tab.locator("img[src*='leaderboard.png']").first  # the interface takes the alternative text away
    drawn.scroll_into_view_if_needed()
    tab.wait_for_function("each => each.naturalWidth > 0", arg=drawn.element_handle())
    tab.screenshot(path=screenshots / "mlflow_study.png")
    assert drawn.is_visible()
    assert not faults


def test_the_page_of_a_study_opens_in_the_interface_without_unfolding_anything(tab, faults, screenshots, shown):
    home, experiment = shown[0].partition("#")[0], re.search(r"experiments/(\d+)", shown[0])
    assert experiment is not None
    run = f"{home}#/experiments/{experiment[1]}/runs/{shown[1]}"
    tab.goto("about:blank")
    tab.goto(run)
    with tab.context.expect_page() as opened:
        tab.get_by_text("The whole page").first.click()
    page = opened.value
    inside = page.frame_locator("iframe").locator
    inside("h2", has_text="Leaderboard").wait_for(timeout=1000 * SECONDS)
    assert inside("p.lead").inner_text().startswith("For events at 17:00–20:00, use PBLM-Nearest5of10")
    wide = "each => each.scrollWidth <= each.clientWidth + 1"
    assert inside("html").evaluate(wide), "the pane of MLflow is narrow, and cuts a table"
    page.screenshot(path=screenshots / "mlflow_page.png")
    page.goto("about:blank")
    page.goto(f"{run}/artifacts/figures/leaderboard.png")
    image = page.locator("img[src^='blob:'], img[src*='leaderboard.png']").first
    image.wait_for(timeout=1000 * SECONDS)
    page.wait_for_function("each => each.naturalWidth > 0", arg=image.element_handle())
    page.close()
    assert not faults


def test_two_runs_compare_in_the_fields_words(tab, faults, screenshots, page_of_newest):
    tab.goto(page_of_newest)
    tab.get_by_role("link", name=re.compile("of10$")).first.wait_for()
    ids = [
        found[1]
        for link in tab.get_by_role("link", name=re.compile("of10$")).all()
        if (found := re.search(r"runs/([0-9a-f]{32})", link.get_attribute("href") or ""))
    ]
    home, experiment = page_of_newest.partition("#")[0], re.search(r"experiments/(\d+)", page_of_newest)
    assert experiment is not None
    tab.goto(f'{home}#/compare-runs?runs=["{ids[0]}","{ids[1]}"]&experiments=["{experiment[1]}"]')
    tab.get_by_text("Comparing 2 Runs").first.wait_for()
    tab.get_by_text("adjustment").first.wait_for()
    tab.screenshot(path=screenshots / "mlflow_compare.png")
    seen = tab.inner_text("body")
    assert "estimator__" not in seen
    for word in ("rule", "window", "nrmse_pct"):
        assert word in seen
    assert not faults


def test_a_registered_model_says_how_it_is_used_and_how_far_it_errs(tab, faults, screenshots, page_of_newest):
    home = page_of_newest.partition("#")[0]
    tab.goto(f"{home}#/models/mine")
    tab.get_by_text("cblcast score --model models:/mine@champion").first.wait_for()
    tab.screenshot(path=screenshots / "mlflow_model.png")
    tab.goto(f"{home}#/models/mine/versions/1")
    tab.get_by_text("error on 2019-06-01 to 2019-06-30").first.wait_for()
    tab.screenshot(path=screenshots / "mlflow_version.png")
    assert not faults
