"""A page from a meter file alone: what was understood, which baseline fits it, and why."""

from __future__ import annotations

import datetime as dt
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cblcast.config import Study, make_study
from cblcast.errors import StudyError
from cblcast.frames.panel import Panel
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.io.readings import Reading
from cblcast.report.meter_facts import quality_section, read_section
from cblcast.report.page import Page, Prose, Section, sections
from cblcast.report.words import Words
from cblcast.workflow.in_the_box import with_pretrained
from cblcast.workflow.judged_report import judged_of, judged_sections, without_line
from cblcast.workflow.provenance import local_now, provenance_section
from cblcast.workflow.starting import EVENT_HOURS, busiest_hours, read_guessing, require_days, spans_of, whole_days
from cblcast.workflow.studies import Progress, judge, silent
from cblcast.workflow.study_data import prepare

RULES = (
    "High5of10",
    "10of10",
    "Mid4of6",
    "High3of5",
    "Nearest5of10",
    "PBLM-High5of10",
    "PBLM-10of10",
    "PBLM-Nearest5of10",
    "WS-High5of10",
)
COVERAGE = 0.9
HELD_OUT_DAYS = 120  # from so many training days on, a quarter of them is enough to calibrate limits on
_LOG = logging.getLogger("cblcast.io")  # what was understood of files, which commands tell
_HOURS = re.compile(r"^\s*(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})\s*$")


@dataclass(frozen=True)
class Asked:
    """What a page about a meter is asked for.

    Attributes
    ----------
    hours : str, optional
        Local hours of the events, ``17:00-20:00``; the busiest hours of working days unless given.
    methods : tuple of str
        Methods by name; nine rules, what is learned and the pretrained baseline unless given.
    reader : ReaderOptions
    """

    hours: str | None = None
    methods: tuple[str, ...] = ()
    reader: ReaderOptions = DEFAULT_OPTIONS


@dataclass(frozen=True)
class MeterReport:
    """A page about a meter file, and what it rests on.

    Attributes
    ----------
    page : Page
    study : Study
        What recomputes it.
    recommended : str
    verdict : str
        In plain words.
    """

    page: Page
    study: Study
    recommended: str
    verdict: str


def report_meter(
    meter: Path, words: Words, asked: Asked = Asked(), command: str = "", progress: Progress = silent
) -> MeterReport:
    """Read a meter file, judge rules and what is learned on days without events, and say which baseline to use.

    Raises
    ------
    DataError, StudyError
        A file that cannot be read or is too short, hours that are none.
    """
    reading, reader, guesses = read_guessing(meter, asked.reader)
    panel = with_country(reading.panel, reader.country)
    reading.report.tell()
    for key, why in guesses.items():
        _LOG.info("guessed: %s %s: %s; give --%s if it is wrong", key, getattr(reader, key), why, key)
    progress("read")
    study = study_for(meter, panel, reader, asked)
    remark = ""
    if not asked.methods:
        study, remark = with_pretrained(study)
    ready = prepare(study, panel)
    result = judge(ready, progress)
    judged = judged_of(study, panel, result)
    told = judged_sections(judged, words)
    hours = f"{study.events.start}–{study.events.stop}"
    spans = [None if span is None else f"{span[0]} – {span[1]}" for span in (study.train, study.test)]
    how = words("how_text", hours=hours, test=spans[1], train=spans[0] or words("nothing_learned"))
    page = Page(
        words("baseline_report"),
        words("baseline_title", name=meter.name),
        words,
        sections(
            *told[:1],
            *_on_the_file(reading, panel, guesses, words),
            *told[1:],
            Section("how", words("how_judged"), (Prose(how),)),
            provenance_section(study, {"METER": meter, **reader.files}, words, command),
        ),
        local_now(panel),
    )
    verdict = told[0].parts[0]
    assert isinstance(verdict, Prose)
    return MeterReport(without_line(page, study, remark), study, judged.recommended, verdict.text)


def _on_the_file(reading: Reading, panel: Panel, guesses: dict[str, str], words: Words) -> tuple[Section, Section]:
    told = tuple(f"{key}: {why}" for key, why in guesses.items())
    return read_section(reading.report, panel, told, words), quality_section(panel, words)


def with_country(panel: Panel, country: str | None) -> Panel:
    """The panel with the country of its sites, where it was guessed after reading."""
    if country is None or "country" in panel.sites.columns:
        return panel
    return Panel(panel.data, panel.sites.assign(country=country), panel.events)


def study_for(meter: Path, panel: Panel, reader: ReaderOptions, asked: Asked) -> Study:
    """The study that a meter file's length and hours allow."""
    first, last = whole_days(panel)
    require_days(meter, (last - first).days + 1)
    start, stop = hours_of(asked.hours, panel)
    train, test = spans_of(first, last)
    document: dict[str, Any] = {
        "study": re.sub(r"\W+", "_", meter.name.partition(".")[0]).strip("_") or "my_meter",
        "data": {"panel": str(meter), **_plain(reader)},
        "events": {"start": start, "stop": stop, "days": "working"},
        "test": [str(day) for day in test],
        "methods": list(asked.methods or _methods(panel, train)),
        "metrics": ["mpe", "mape", "rmse", "nrmse"],
    }
    if train is not None:
        document |= {"train": [str(day) for day in train], "intervals": COVERAGE}
    return make_study(document, "the report")


def _methods(panel: Panel, train: tuple[dt.date, dt.date] | None) -> list[Any]:
    if train is None:
        return list(RULES)
    weather = ["temp_air_c"] if "temp_air_c" in panel.data.columns else []
    learned: dict[str, Any] = {"estimator": "LearnedBaseline", "weather": weather}
    if (train[1] - train[0]).days >= HELD_OUT_DAYS:  # one fit for the limits, and not five
        learned = {"estimator": "Conformal", "of": learned, "coverage": COVERAGE, "held_out_share": 0.25}
    return [*RULES, {"name": "LearnedBaseline", **learned}]


def hours_of(text: str | None, panel: Panel) -> tuple[str, str]:
    """Start and stop on the local clock, from ``17:00-20:00`` or from when the meter is busiest."""
    if text is None:
        busiest = busiest_hours(panel)
        return f"{busiest:02d}:00", f"{busiest + EVENT_HOURS:02d}:00"
    found = _HOURS.match(text)
    if found is None:
        raise StudyError(
            f"--event {text!r} is no span of hours: write start and stop on the local clock, as in 17:00-20:00"
        )
    start, stop = f"{found[1]:0>5}", f"{found[2]:0>5}"
    if start == stop:
        raise StudyError(f"--event {text!r} has no length: start and stop are the same time of day")
    return start, stop


def _plain(reader: ReaderOptions) -> dict[str, Any]:
    """Options of the reader as a study's data section has them."""
    names = {"sites": "site_table"}
    return {
        names.get(name, name): value if isinstance(value, (bool, dict)) else str(value)
        for name, value in reader.given.items()
    }
