"""What pages say of a judged study."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from cblcast.abilities import innermost, layers, learns
from cblcast.config import Study, method_name
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import names_pretrained
from cblcast.forecast.paired_bootstrap import paired_bootstrap
from cblcast.frames.panel import Panel
from cblcast.report.judged import (
    ADJUSTED,
    LEARNED,
    PRETRAINED,
    RECALLS,
    RULE,
    Judged,
    leaderboard_section,
    precision_section,
    verdict_section,
)
from cblcast.report.judged_details import errors_section, events_section, excluded_section, reliability_section
from cblcast.report.page import Page, Section, sections
from cblcast.report.words import Words
from cblcast.workflow.in_the_box import praised_memory
from cblcast.workflow.leaderboard import scale_of
from cblcast.workflow.study_result import StudyResult

_LOG = logging.getLogger("cblcast.io")  # what commands tell beside their answer


def judged_of(study: Study, panel: Panel, result: StudyResult) -> Judged:
    """The result of a study as its page takes it."""
    scale = scale_of(study, panel)
    zones = panel.sites["tz"]
    compared = paired_bootstrap(
        result.backtest.scored, zones, scale=None if isinstance(scale, str) else scale, aggregate=study.aggregate
    )
    kinds = kinds_of(study, result.backtest.forecasters, panel)
    wanted = study.events
    hours = f"{wanted.start}–{wanted.stop}" if wanted.start and wanted.stop else ""
    nominal = None if study.intervals is None else 100 * study.intervals
    return Judged(
        result.backtest.scored,
        result.backtest.excluded,
        zones,
        compared,
        kinds,
        panel,
        nominal,
        hours,
        wanted.file is None,
    )


def kinds_of(study: Study, forecasters: Mapping[str, Forecaster], panel: Panel | None) -> dict[str, str]:
    """What each method of a study is, as a key of the words; the pretrained baseline told apart on days that it learned from."""
    kinds = {name: kind_of(each.estimator) for name, each in forecasters.items()}
    boxed = {method_name(spec) for spec in study.methods if names_pretrained(spec)} & set(kinds)
    if boxed and praised_memory(study, panel):
        kinds |= dict.fromkeys(boxed, RECALLS)
    return kinds


def kind_of(estimator: Any) -> str:
    """Whether a method is a rule, an adjusted rule, learned or pretrained, as a key of the words."""
    names = [type(layer).__name__ for layer in layers(estimator)]
    if "AsTrained" in names:
        return PRETRAINED
    if learns(innermost(estimator)):
        return LEARNED
    return ADJUSTED if "Adjusted" in names else RULE


def judged_sections(judged: Judged, words: Words) -> tuple[Section, ...]:
    """The sections of a judged study, the verdict first."""
    return sections(
        verdict_section(judged, words),
        leaderboard_section(judged, words),
        precision_section(judged, words),
        errors_section(judged, words),
        events_section(judged, words),
        reliability_section(judged, words),
        excluded_section(judged, words),
    )


def without_line(page: Page, study: Study, why: str) -> Page:
    """The page of a study with why the pretrained baseline has no line in it, which is told as well; where it has one, as it is."""
    if not why or any(map(names_pretrained, study.methods)):
        return page
    _LOG.info(why)
    return page.noting("leaderboard", why)
