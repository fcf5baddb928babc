"""The page of a judged study, and its place in the store."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast.config import Study
from cblcast.datasets.catalogue import CATALOGUE
from cblcast.datasets.particulars import REANALYSIS
from cblcast.errors import DataError, DataWarning
from cblcast.frames.panel import Panel
from cblcast.report.fan import fan_section
from cblcast.report.judged import Judged
from cblcast.report.meter_facts import dataset_section, quality_section
from cblcast.report.page import Page, Prose, Section, sections
from cblcast.report.wind import curve_section, leads_section, nowcast_said
from cblcast.report.words import Words, words_of
from cblcast.report.worth import worth_said, worth_section
from cblcast.workflow.judged_report import judged_of, judged_sections
from cblcast.workflow.provenance import local_now, provenance_section
from cblcast.workflow.study_result import StudyResult

LOGGED = "report.html"


def study_page(study: Study, panel: Panel, result: StudyResult, words: Words, command: str = "") -> Page:
    """What a study found, as one page."""
    judged = named(judged_of(study, panel, result), study, words)
    return page_of(study, judged, words, command, money_of(result.leaderboard))


def money_of(leaderboard: pd.DataFrame) -> pd.DataFrame:
    """The columns that the value section of a study adds to its leaderboard."""
    columns = list(leaderboard.columns)
    return leaderboard.iloc[:, columns.index("predict_s") + 1 :] if "predict_s" in columns else leaderboard.iloc[:, :0]


def log_page(run: Any, study: Study, panel: Panel, result: StudyResult) -> str:
    """Log the page of a study with its run; returns Markdown that leads to it, empty where there is too little for a page.

    What keeps a page from being written is told, and ends no training.
    """
    if result.backtest.scored.empty:
        return ""
    try:
        text = study_page(study, panel, result, words_of("en")).html()
    except DataError as error:
        warnings.warn(f"no page is kept with the run: {error}", DataWarning, stacklevel=2)
        return ""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / LOGGED
        file.write_text(text, encoding="utf-8")
        run.artifact(file)
    return f"**[The whole page]({run.artifact_page(LOGGED)})**"


def named(judged: Judged, study: Study, words: Words) -> Judged:
    """Nowcasts have a horizon instead of hours."""
    if study.events.horizon_min is None:
        return judged
    over = words("of_mean_power" if study.scale == "mean" else "of_rated_power")
    return replace(judged, hours=words("nowcasts", minutes=study.events.horizon_min), nowcast=True, over=over)


def page_of(study: Study, judged: Judged, words: Words, command: str, money: pd.DataFrame, *more: Section) -> Page:
    """The page of a study that was judged now or is read back; `money` and `more` stand beneath the leaderboard."""
    nowcast, panel = study.events.horizon_min is not None, judged.panel
    words = words.of_nowcasts() if nowcast else words
    told = list(judged_sections(judged, words))
    more = (worth_section(money, words), *more)
    if nowcast:
        scale = None if panel is None or study.scale == "mean" else panel.sites["rated_kw"].astype(float)
        earned = worth_said(money, words)
        further = (nowcast_said(judged, scale, words), *([Prose(earned)] if earned else []))
        told[0] = replace(told[0], parts=(*told[0].parts, *further))
        told[2:2] = [leads_section(judged, scale, words), fan_section(judged, words), curve_section(panel, words)]
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
            _on_the_data(study, words),
            None if panel is None else quality_section(panel, words),
            provenance_section(study, given, words, command),
        ),
        local_now(panel),
        study.description,
    )


def _on_the_data(study: Study, words: Words) -> Section | None:
    """What a study's bundled set is, and what is special about it; None where the study reads a file."""
    told = CATALOGUE.get(str(study.data.dataset))
    if told is None:
        return None
    particulars = (*told.particulars, *((REANALYSIS,) if study.data.reanalysis else ()))
    return dataset_section(told.title, told.licence, told.credit, particulars, words)
