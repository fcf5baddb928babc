"""Pages in a real Chromium: no error, no cut column, nothing serious for axe; at desktop and phone width, dark, and as PDF."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataWarning
from cblcast.io.options import ReaderOptions
from cblcast.report.words import words_of
from cblcast.workflow.meter_report import Asked, report_meter
from cblcast.workflow.outputs import text_writer
from cblcast.workflow.record_report import report_record
from cblcast.workflow.settling import Destinations, Papers, settle_files
from cblcast.workflow.study_report import report_study

WIDTHS = {"desktop": 1280, "pane": 659, "phone": 375}  # the pane is where MLflow shows a page
PAPERS = {"A4": 794, "Letter": 816}  # CSS pixels, margins included
BUDGET, MAIL_BUDGET = 5_000_000, 100_000
NOWCAST = """
study: a farm
data: {dataset: la_haute_borne}
events: {every_min: 180, horizon_min: 180}
train: [2014-11-01, 2014-12-31]
test: [2015-01-02, 2015-01-18]
scale: rated_kw
aggregate: pooled
intervals: 0.8
metrics: [nrmse]
features: {lags: {columns: [observed_kw], ago: [1, 2]}}
methods: [Persistence, {name: AR, estimator: ByLead, of: {estimator: Autoregression, orders: [1]}}]
value: {market: two_price, prices: prices.csv, bids: none}
"""

# Elements that stick out of the window, and cells that stick out of their table or hide their text.
CUT = """() => {
  const wide = document.documentElement.clientWidth;
  const out = [...document.querySelectorAll('main *, header *')].filter(e => {
    const head = e.closest('thead');  // on a phone for screen readers alone: each cell shows its column's name
    if (head && getComputedStyle(head).position === 'absolute') return false;
    const box = e.getBoundingClientRect();
    return e.checkVisibility() && box.width > 2 && (box.right > wide + 1 || box.left < -1) && !e.closest('svg');
  });
  const hidden = [...document.querySelectorAll('td, th[scope=row]')].filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1);
  return [...out, ...hidden].map(e => e.tagName + ': ' + e.textContent.trim().slice(0, 60));
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of a meter and one of a settlement, each with its summary, as users get them."""
    folder = tmp_path_factory.mktemp("pages")
    times = pd.date_range("2023-03-27", periods=24 * 75, freq="60min")  # after the clock has changed
    rng = np.random.default_rng(0)
    load = (220 + 80 * np.exp(-(((times.hour - 18) / 3.0) ** 2))) * (1 + 0.03 * rng.standard_normal(len(times)))
    meter = folder / "meter with a long name, Werk Nürnberg-Langwasser.csv"
    pd.DataFrame({"time": times, "load_kw": load.round(2)}).to_csv(meter, index=False)
    days = ["2023-05-09", "2023-05-11", "2023-05-16"]
    called = pd.DataFrame(
        {
            "site_id": "*",
            "start": [f"{day}T17:00+02:00" for day in days],
            "stop": [f"{day}T20:00+02:00" for day in days],
        }
    )
    called.to_csv(folder / "events.csv", index=False)
    contract = "name: Summer\ncurrency: EUR\nenergy_price: 0.35\ncapacity_price_per_kw_month: 2\ncommitted_kw: 40\npenalty_per_kwh: 0.2\n"
    text_writer(contract)(folder / "contract.yaml")
    reader = ReaderOptions(tz="Europe/Berlin", country="DE", subdivision="BY")
    settle_files(
        meter, folder / "events.csv", ["caiso_10in10", "pjm_economic"], reader, Papers(folder / "contract.yaml"),
        Destinations(out=folder / "settled.csv"),
    )  # fmt: skip
    (folder / "nowcast.yaml").write_text(NOWCAST, encoding="utf-8")
    hours = pd.date_range("2015-01-01", "2015-01-20", freq="h", tz="UTC")
    spot = 40 + 10 * np.sin(np.arange(len(hours)) / 4)
    prices = {"time": hours, "day_ahead_per_mwh": spot, "long_per_mwh": spot - 8, "short_per_mwh": spot + 9}
    pd.DataFrame(prices).to_csv(folder / "prices.csv", index=False, float_format="%.2f")
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DataWarning
        )  # of prices and gaps: tests/unit/workflow/test_valuing.py reads them
        nowcast = report_study(folder / "nowcast.yaml", words_of("it"))
    told = {
        "nowcast": nowcast,
        "meter": report_meter(meter, words_of(), Asked("17:00-20:00", reader=reader)).page,
        "settlement": report_record(folder / "settled.csv.record.json", words_of("de"), "Muster GmbH"),
    }
    found = {}
    for name, page in told.items():
        found[name] = folder / f"{name}.html"
        text_writer(page.html())(found[name])
        text_writer(page.mail())(folder / f"{name}_mail.html")
    return found


@pytest.fixture(params=["meter", "settlement", "nowcast"])
def page_file(request: pytest.FixtureRequest, pages: dict[str, Path]) -> Path:
    return pages[request.param]


@pytest.fixture
def opened(browser: Any, page_file: Path) -> Iterator[Any]:
    """Opens the page at a width; what the console says is kept."""
    context = browser.new_context(offline=True)
    context.set_default_timeout(240_000)

    def at(width: int, **more: Any) -> Any:
        tab = context.new_page()
        tab.said = []
        tab.on(
            "console", lambda message: tab.said.append(message.text) if message.type in ("error", "warning") else None
        )
        tab.on("pageerror", lambda error: tab.said.append(str(error)))
        tab.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:")) else tab.said.append(request.url),
        )
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(**more)
        tab.goto(page_file.as_uri())
        return tab

    yield at
    context.close()


@pytest.mark.parametrize(
    ("where", "scheme"),
    [(where, scheme) for where in WIDTHS for scheme in ("light", "dark") if (where, scheme) != ("pane", "dark")],
)
def test_a_page_opens_whole(opened, page_file, screenshots, where, scheme):
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(WIDTHS[where], color_scheme=scheme)
    for folded in tab.query_selector_all("details"):
        folded.evaluate("each => each.open = true")
    assert tab.evaluate(CUT) == []
    found = Axe().run(tab).response["violations"]
    serious = [
        (each["id"], each["nodes"][0]["html"][:120]) for each in found if each["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert tab.said == []
    tab.screenshot(path=screenshots / f"{page_file.stem}_{where}_{scheme}.png", full_page=True)


@pytest.mark.parametrize("paper", list(PAPERS))
def test_a_page_prints_whole(opened, page_file, screenshots, paper):
    margin = 2 * 13 * 96 / 25.4  # of page.css, both sides
    tab = opened(round(PAPERS[paper] - margin), media="print")
    assert tab.evaluate(CUT) == []
    tab.pdf(path=screenshots / f"{page_file.stem}_{paper}.pdf", format=paper)
    assert (screenshots / f"{page_file.stem}_{paper}.pdf").stat().st_size > 10_000
    assert tab.said == []
    headings = tab.eval_on_selector_all("h1, h2, .source figcaption", "all => all.map(each => each.innerText.trim())")
    if shutil.which("pdftotext") is not None:
        assert not {*headings} & {*_last_lines(screenshots / f"{page_file.stem}_{paper}.pdf")}


def _last_lines(pdf: Path) -> list[str]:
    """What stands at the foot of each sheet."""
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
    return [page.strip().splitlines()[-1].strip() for page in text.split("\f") if page.strip()]


def test_a_page_is_small_and_opens_at_once(opened, page_file):
    assert page_file.stat().st_size <= BUDGET
    assert page_file.with_name(f"{page_file.stem}_mail.html").stat().st_size <= MAIL_BUDGET
    tab = opened(1280)
    assert tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") > 0


def test_a_keyboard_reaches_every_section(opened):
    tab = opened(1280)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "content"
    anchors = tab.evaluate("[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href').slice(1))")
    headings = tab.evaluate("[...document.querySelectorAll('main h2')].map(h => h.id)")
    assert anchors == headings
    assert tab.evaluate(
        "[...document.querySelectorAll('table')].every(t => t.caption && t.querySelector('th[scope=col]'))"
    )


def test_values_are_under_the_pointer_and_any_event_is_chosen_by_the_keyboard(browser, pages, screenshots):
    context = browser.new_context(offline=True)
    context.set_default_timeout(240_000)
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(pages["meter"].as_uri())
    tab.wait_for_selector("figure.alive select")
    tab.wait_for_selector("figure.alive .drawn svg")
    assert tab.evaluate("[...document.querySelectorAll('figure.alive .chart')].every(e => !e.checkVisibility())")
    strip = tab.query_selector_all("figure.alive:has(select) .drawn svg path[fill='var(--ink)']")[9]
    strip.scroll_into_view_if_needed()
    strip.hover(force=True)
    tip = tab.wait_for_selector("#vg-tooltip-element.visible")
    assert re.search(r"local time.*\d{4}-\d\d-\d\d \d\d:00.*meter \[kW\]", tip.inner_text(), re.DOTALL)
    tab.screenshot(path=screenshots / "meter_pointer.png")
    select = tab.query_selector("figure.alive select")
    select.focus()
    before = tab.query_selector("p.told").inner_text()
    tab.keyboard.press("ArrowDown")
    tab.wait_for_function("before => document.querySelector('p.told').textContent !== before", arg=before)
    chosen = select.evaluate("each => each.selectedOptions[0].textContent")
    assert chosen.startswith(tab.query_selector("p.told").inner_text().split(" · ")[0])
    assert "NaN" not in tip.inner_text()
    assert said == []
    context.close()


def test_without_scripts_the_drawn_pictures_stand(browser, pages):
    context = browser.new_context(offline=True, java_script_enabled=False)
    context.set_default_timeout(240_000)
    tab = context.new_page()
    tab.goto(pages["meter"].as_uri())
    assert tab.locator(".chart").first.is_visible()
    assert tab.locator("figure.alive, .live:visible").count() == 0
    context.close()
