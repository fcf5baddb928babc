"""A page about whatever is named: a meter file, a study, a run, a settlement record, an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.report.page import Page
from cblcast.report.words import Words
from cblcast.workflow.meter_report import Asked, report_meter
from cblcast.workflow.studies import Progress, silent


@dataclass(frozen=True)
class Wanted:
    """What a user said beside what is reported.

    Attributes
    ----------
    event : str, optional
        Local hours of the events.
    methods : tuple of str
    reader : ReaderOptions
    store : str, optional
    """

    event: str | None = None
    methods: tuple[str, ...] = ()
    reader: ReaderOptions = DEFAULT_OPTIONS
    store: str | None = None


@dataclass(frozen=True)
class Written:
    """A page and its verdict in plain words."""

    page: Page
    verdict: str


def report_on(
    what: str, words: Words, wanted: Wanted = Wanted(), command: str = "", progress: Progress = silent
) -> Written:
    """The page of what is named."""
    found = report_meter(Path(what), words, Asked(wanted.event, wanted.methods, wanted.reader), command, progress)
    return Written(found.page, found.verdict)
