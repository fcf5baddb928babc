"""Reports: what a page costs beyond the evaluation, how large it is, how fast it opens, and two measures by hand.

    python benchmarks/reports/run.py

The meter is the bundled building in Turin, a year of 15-minute readings, judged by ten methods as `cblcast report METER` judges
them; and, harder, fifteen bundled homes at once. Each page is opened by a real Chromium from disk without a network, five times,
each time in a new window. Writes results.json and the table in README.md.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

from claims import Record, asked, at_most, claim, equal_to, write

HERE = Path(__file__).parent
OPENED = 5
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ISSUE = "the project's own budget for pages"
DRAWN = "() => [...document.querySelectorAll('figure.alive')].every(each => each.querySelector('.drawn svg'))"


@dataclass(frozen=True)
class Made:
    """One page, and what it took [processor seconds]."""

    name: str
    file: Path
    mail: Path
    judged_s: float
    page_s: float


def made(name: str, meter: Path, folder: Path, methods: tuple[str, ...] = ()) -> Made:
    """Judge a meter file and write its page and its summary, each part timed."""
    from cblcast.io.options import ReaderOptions
    from cblcast.report.words import words_of
    from cblcast.workflow.meter_report import Asked, study_for, with_country
    from cblcast.workflow.starting import read_guessing
    from cblcast.workflow.studies import judge
    from cblcast.workflow.study_data import prepare
    from cblcast.workflow.study_page import study_page

    begun = time.process_time()
    reading, reader, _ = read_guessing(meter, ReaderOptions(tz="Europe/Rome", country="IT"))
    panel = with_country(reading.panel, reader.country)
    study = study_for(meter, panel, reader, Asked("17:00-20:00", methods, reader))
    result = judge(prepare(study, panel), lambda told: None)
    judged_s = time.process_time() - begun
    print(f"{name}: {len(result.leaderboard)} methods judged in {judged_s:.1f} s", file=sys.stderr)
    begun = time.process_time()
    page = study_page(study, panel, result, words_of())
    file, mail = folder / f"{name}.html", folder / f"{name}_mail.html"
    file.write_text(page.html(), encoding="utf-8")
    mail.write_text(page.mail(), encoding="utf-8")
    return Made(name, file, mail, judged_s, time.process_time() - begun)


def opened(file: Path, browser: Any) -> tuple[float, float]:
    """Seconds until a page is loaded and until all its charts are alive, the medians of five new windows."""
    loaded, alive = [], []
    for _ in range(OPENED):
        context = browser.new_context(offline=True)
        tab = context.new_page()
        tab.set_default_timeout(120_000)
        tab.goto(file.as_uri())
        loaded.append(tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000)
        tab.wait_for_function(DRAWN)
        alive.append(tab.evaluate("performance.now()") / 1000)
        context.close()
    return sorted(loaded)[OPENED // 2], sorted(alive)[OPENED // 2]


def with_browser(do: Callable[[Any], list[Record]]) -> list[Record]:
    """What `do` says with a real Chromium; nothing, which is told, where there is none."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        print("no Chromium on the path: how fast pages open is not measured", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        sandbox = [] if os.name == "nt" or os.geteuid() else ["--no-sandbox"]
        browser = driver.chromium.launch(executable_path=path, args=sandbox)
        try:
            return do(browser)
        finally:
            browser.close()


def meters(folder: Path) -> dict[str, tuple[Path, tuple[str, ...]]]:
    """Real meters as files, and the methods that judge them: the usual ten, or the rules alone."""
    from cblcast import datasets
    from cblcast.workflow.meter_report import RULES

    found = {}
    for name, methods in (("turin", ()), ("fontana_homes", RULES)):
        rows = datasets.load(name).data["observed_kw"].dropna().reset_index()
        found[name] = (folder / f"{name}.csv", methods)
        rows.to_csv(folder / f"{name}.csv", index=False)
    return found


def golden() -> list[Record]:
    """CVRMSE and NMBE of four readings by hand: RMSE 10 of a mean of 250, errors that cancel."""
    from cblcast import metrics

    seen, said = [100, 200, 300, 400], [110, 190, 310, 390]
    source = "ASHRAE Guideline 14, by hand: 100, 200, 300, 400 seen, 110, 190, 310, 390 said"
    return [
        claim("RMSE", source, metrics.rmse(seen, said), "kW", equal_to(10.0)),
        claim("CVRMSE", source, metrics.cvrmse(seen, said), "share", equal_to(0.04)),
        claim("NMBE", source, metrics.nmbe(seen, said), "share", equal_to(0.0)),
    ]


def rows_of(folder: Path) -> list[Record]:
    pages = [made(name, path, folder, methods) for name, (path, methods) in meters(folder).items()]
    what = {"turin": "a year of 15 min, ten methods", "fontana_homes": "fifteen homes, a year of hours, nine rules"}
    rows = []
    for page in pages:
        of = what[page.name]
        rows += [
            claim(f"{of}: processor time of the page", ISSUE, page.page_s, "s", at_most(20)),
            claim(f"{of}: processor time of reading and judging", ISSUE, page.judged_s, "s"),
            claim(f"{of}: page", ISSUE, page.file.stat().st_size / 1e6, "MB", at_most(5)),
            claim(f"{of}: summary for a mail", ISSUE, page.mail.stat().st_size / 1e3, "kB", at_most(100)),
        ]

    def open_all(browser: Any) -> list[Record]:
        found = []
        for page in pages:
            loaded, alive = opened(page.file, browser)
            found.append(claim(f"{what[page.name]}: until the page is open", ISSUE, loaded, "s", at_most(1)))
            found.append(claim(f"{what[page.name]}: until its charts are alive", ISSUE, alive, "s"))
        return found

    return [*rows, *with_browser(open_all), *golden()]


def main() -> None:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        rows = rows_of(Path(name))
    write(HERE / "results.json", rows)
    shown = ["| what | source | target | measured | unit |", "|---|---|---|---|---|"]
    shown += [f"| {r['claim']} | {r['source']} | {asked(r)} | {r['measured']:.3g} | {r['unit']} |" for r in rows]
    readme = HERE / "README.md"
    head, mark, _ = readme.read_text(encoding="utf-8").partition("<!-- table -->")
    readme.write_text(head + mark + "\n\n" + "\n".join(shown) + "\n", encoding="utf-8")
    print("\n".join(shown))


if __name__ == "__main__":
    main()
