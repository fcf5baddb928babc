"""The page of a settlement record."""

from __future__ import annotations

from pathlib import Path

from cblcast.errors import DataError, StudyError
from cblcast.frames.panel import Panel
from cblcast.report.page import Page
from cblcast.report.words import Words
from cblcast.workflow.recording import case_of, programs_of, read_record
from cblcast.workflow.settlement_outputs import page_of_record


def report_record(path: Path, words: Words, customer: str = "") -> Page:
    """The page of a record; the meter is drawn around its events where the file that it names is at hand and unchanged."""
    record = read_record(path)
    return page_of_record(record, programs_of(record), _meter(record), words, customer)


def _meter(record: dict[str, object]) -> Panel | None:
    try:
        case, _, _ = case_of(record)
    except (DataError, StudyError, OSError):
        return None
    return case.panel
