"""The page of a judged study, and its place in the store."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from cblcast.config import Study
from cblcast.frames.panel import Panel
from cblcast.report.judged import Judged
from cblcast.report.meter_facts import quality_section
from cblcast.report.page import Page, Section, sections
from cblcast.report.wind import curve_section, leads_section, worth_section
from cblcast.report.words import Words, words_of
from cblcast.workflow.judged_report import judged_of, judged_sections
from cblcast.workflow.provenance import local_now, provenance_section
from cblcast.workflow.study_result import StudyResult

LOGGED = "report.html"


def study_page(study: Study, panel: Panel, result: StudyResult, words: Words, command: str = "") -> Page:
    """What a study found, as one page."""
    judged = named(judged_of(study, panel, result), study, words)
    worth = result.leaderboard.iloc[:, list(result.leaderboard.columns).index("predict_s") + 1 :]
    return page_of(study, judged, words, command, worth_section(worth, words))


def log_page(run: Any, study: Study, panel: Panel, result: StudyResult) -> str:
    """Log the page of a study with its run; returns Markdown that leads to it, empty where no method estimated an event."""
    if result.backtest.scored.empty:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / LOGGED
        file.write_text(study_page(study, panel, result, words_of("en")).html(), encoding="utf-8")
        run.artifact(file)
    return f"**[The whole page]({run.artifact_page(LOGGED)})**"


def named(judged: Judged, study: Study, words: Words) -> Judged:
    """Nowcasts have a horizon instead of hours."""
    if study.events.horizon_min is None:
        return judged
    return replace(judged, hours=words("nowcasts", minutes=study.events.horizon_min), nowcast=True)


def page_of(study: Study, judged: Judged, words: Words, command: str, *more: Section) -> Page:
    """The page of a study that was judged now or is read back; `more` stands beneath the leaderboard."""
    told = list(judged_sections(judged, words))
    panel, nowcast = judged.panel, study.events.horizon_min is not None
    if nowcast:
        scale = None if panel is None or study.scale == "mean" else panel.sites["rated_kw"].astype(float)
        told[2:2] = [leads_section(judged, scale, words), curve_section(panel, words)]
    files = {key: getattr(study.data, key) for key in ("panel", "weather", "site_table", "holidays")}
    files["events"] = study.events.file
    given = {key: value for key, value in files.items() if value is not None}
    return Page(
        words("nowcast_report" if nowcast else "study_report"),
        words("study_title", name=study.study),
        words,
        sections(
            *told[:2],
            *more,
            *told[2:],
            None if panel is None else quality_section(panel, words),
            provenance_section(study, given, words, command),
        ),
        local_now(panel),
        study.description,
    )
