"""Pages of a study, judged now or read back from the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from cblcast import tracking
from cblcast.config import Study, make_study, read_study
from cblcast.errors import DataError, StudyError
from cblcast.forecast.paired_bootstrap import paired_bootstrap
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE
from cblcast.report.judged import Judged
from cblcast.report.page import Page, Prose, Section
from cblcast.report.words import Words
from cblcast.workflow.in_the_box import with_pretrained
from cblcast.workflow.judged_report import kinds_of, without_line
from cblcast.workflow.studies import Progress, judge, silent
from cblcast.workflow.study_data import load_panel, prepare
from cblcast.workflow.study_page import money_of, named, page_of, study_page


def report_study(path: Path, words: Words, command: str = "", progress: Progress = silent) -> Page:
    """Judge a study and say what came out; nothing is written to the store."""
    study, remark = with_pretrained(read_study(path))
    ready = prepare(study, load_panel(study))
    result = judge(ready, progress)
    return without_line(study_page(study, ready.panel, result, words, command), study, remark)


def report_run(run: str, words: Words, store: str | None = None, command: str = "") -> Page:
    """A run of the store, by its id, that of one of its methods, or the name of its study."""
    found = tracking.run_results(run, uri=store)
    study = make_study(found.settings, f"the study of run {found.run_id}")
    panel = _panel(study)
    zones = _zones(study, panel, found.scored)
    scale = None if panel is None or study.scale == "mean" else panel.sites["rated_kw"].astype(float)
    compared = paired_bootstrap(found.scored, zones, scale=scale, aggregate=study.aggregate)
    kinds = kinds_of(study, study.forecasters(), panel)
    nominal = None if study.intervals is None else 100 * study.intervals
    hours = f"{study.events.start}–{study.events.stop}" if study.events.start and study.events.stop else ""
    judged = Judged(
        found.scored, found.excluded, zones, compared, kinds, panel, nominal, hours, study.events.file is None
    )
    remark = (
        () if panel is not None else (Section("no-meter", words("quality"), (Prose(words("no_meter"), "warning"),)),)
    )
    money = money_of(pd.DataFrame() if found.leaderboard is None else found.leaderboard)
    page = page_of(study, named(judged, study, words), words, command, money, *remark)
    return replace(page, subtitle=words("run_of", run=found.run_id, status=found.status))


def _panel(study: Study) -> Panel | None:
    """The meter that a logged study names, if it is still there."""
    try:
        return load_panel(study)
    except (DataError, StudyError, OSError):
        return None


def _zones(study: Study, panel: Panel | None, scored: pd.DataFrame) -> pd.Series:
    if panel is not None:
        return panel.sites["tz"]
    sites = scored.index.get_level_values(SITE).unique()
    return pd.Series(study.data.tz or "UTC", index=sites)
