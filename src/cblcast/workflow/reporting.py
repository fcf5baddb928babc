"""A page about whatever is named: a meter file, a study, a run, a settlement record, an experiment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cblcast import tracking
from cblcast.errors import StudyError
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.report.page import Page, Prose
from cblcast.report.words import Words
from cblcast.settlement.record import FORMAT
from cblcast.workflow.experiment_report import report_experiment
from cblcast.workflow.meter_report import Asked, report_meter
from cblcast.workflow.record_report import report_record
from cblcast.workflow.studies import Progress, silent
from cblcast.workflow.study_report import report_run, report_study


@dataclass(frozen=True)
class Wanted:
    """What a user said beside what is reported.

    Attributes
    ----------
    event : str, optional
        Local hours of the events of a meter file.
    methods : tuple of str
        Methods that are judged on it.
    reader : ReaderOptions
        How it is read.
    store : str, optional
        Where a run is looked for.
    customer : str
        Who a settlement is for.
    command : str
        What was typed.
    """

    event: str | None = None
    methods: tuple[str, ...] = ()
    reader: ReaderOptions = DEFAULT_OPTIONS
    store: str | None = None
    customer: str = ""
    command: str = ""


Reporter = Callable[[str, Words, Wanted, Progress], Page]


def _on_meter(what: str, words: Words, wanted: Wanted, progress: Progress) -> Page:
    asked = Asked(wanted.event, wanted.methods, wanted.reader)
    return report_meter(Path(what), words, asked, wanted.command, progress).page


def _on_study(what: str, words: Words, wanted: Wanted, progress: Progress) -> Page:
    return report_study(Path(what), words, wanted.command, progress)


def _on_run(what: str, words: Words, wanted: Wanted, progress: Progress) -> Page:
    return report_run(what, words, wanted.store, wanted.command)


def _on_record(what: str, words: Words, wanted: Wanted, progress: Progress) -> Page:
    return report_record(Path(what), words, wanted.customer)


def _on_experiment(what: str, words: Words, wanted: Wanted, progress: Progress) -> Page:
    return report_experiment(Path(what), words)


def _is_record(path: Path) -> bool:
    """Whether a file is called or begins as a record; one of meter readings in JSON would not."""
    if not path.is_file() or path.suffix.lower() != ".json":
        return False
    if path.name.lower().endswith(".record.json"):
        return True
    with path.open("rb") as file:
        return FORMAT.encode() in file.read(200)


# What a name may be, each by a look at it, in this order; a meter file is any other file, a run what is no file at all.
_KINDS: tuple[tuple[Callable[[Path], bool], Reporter], ...] = (
    (Path.is_dir, _on_experiment),
    (lambda path: path.is_file() and path.suffix.lower() in (".yaml", ".yml"), _on_study),
    (_is_record, _on_record),
    (Path.is_file, _on_meter),
)


def report_on(what: str, words: Words, wanted: Wanted = Wanted(), progress: Progress = silent) -> Page:
    """The page of what is named.

    Raises
    ------
    StudyError
        Neither a file nor a run of the store.
    """
    path = Path(what)
    made = next((make for fits, make in _KINDS if fits(path)), None)
    looks_like_a_path = bool(path.suffix) or len(path.parts) > 1  # as does a study called "site/2024" or "v1.2"
    if made is None and looks_like_a_path and not tracking.knows_study(what, uri=wanted.store):
        raise StudyError(
            f"there is no file {what!r}: check its path; a run of the store is named by its id or its study"
        )
    return (made or _on_run)(what, words, wanted, progress)


def verdict_of(page: Page) -> str:
    """The verdict of a page in plain words."""
    return " ".join(part.text for part in page.sections[0].parts if isinstance(part, Prose) and part.tone == "lead")
