"""The panel and the events that a study names."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from cblcast import datasets
from cblcast.abilities import learns
from cblcast.config import Study
from cblcast.days.day_types import OwnHolidays
from cblcast.days.placebo import placebo_events
from cblcast.forecast.backtest import learnable_events, split_events
from cblcast.forecast.case_bank import CaseBank, training_banks
from cblcast.forecast.event_truth import TRUTH, carries_truth, with_event_truth
from cblcast.frames.cases import View
from cblcast.frames.events import mean_over_events
from cblcast.frames.instants import step_words
from cblcast.frames.panel import Panel
from cblcast.frames.portfolio import with_portfolio
from cblcast.frames.rolling import issue_events
from cblcast.frames.schema import OBSERVED, DataError, DataWarning, StudyError
from cblcast.io.calendars import read_holidays
from cblcast.io.forecasts import read_forecasts_told, with_forecasts
from cblcast.io.formats import read_dispatch, read_meter
from cblcast.io.nwp import attach
from cblcast.workflow.weather_told import tell_weather

Span = tuple[str, str]
Progress = Callable[[str], None]


def load_panel(study: Study) -> Panel:
    """The panel of a study."""
    data = study.data
    if data.dataset is not None:
        panel = datasets.load(data.dataset).declare(data.kinds or {})
    else:
        panel = read_meter(str(data.panel), options=data.reader)
    return dressed(study, panel)


def dressed(study: Study, panel: Panel) -> Panel:
    """A meter with all that a study puts beside it: reanalysis, holidays, forecasts, dispatched events, truth."""
    data = study.data
    for name in data.reanalysis:
        panel = attach(panel, datasets.load_reanalysis(name), f"{name}_")
    if data.holidays is not None:
        panel = _with_holidays(panel, data.holidays)
    if data.sites is not None:
        panel = panel.select(list(data.sites))
    for product in data.forecasts:
        runs, report = read_forecasts_told(product.file, product.options)
        report.tell()
        panel = with_forecasts(panel, runs)
    if data.portfolio is not None:
        panel = with_portfolio(panel, data.portfolio)
    if study.events.mask is not None:
        panel = panel.with_events(read_dispatch(study.events.mask, panel, tz=data.tz))
    if study.events.truth is not None:
        panel = _with_truth(panel, study.events.truth, data.tz)
    return panel if study.events.file is None else with_event_truth(panel, _dispatched(study, panel))


def _dispatched(study: Study, panel: Panel) -> pd.DataFrame:
    """Events of the study's file; with the truth of the meter data's column where only that is given."""
    events = read_dispatch(str(study.events.file), panel, tz=study.data.tz)
    if carries_truth(events) or TRUTH not in panel.data.columns:
        return events
    if study.events.truth is None:
        warnings.warn(
            f"the meter data have a column {TRUTH} and the events have none, so they are judged by what was metered: if they "
            f"were dispatched, give them {TRUTH}, or name a file of it with truth:",
            DataWarning,
            stacklevel=3,
        )
        return events
    return events.assign(**{TRUTH: mean_over_events(panel, events, TRUTH)})


def _with_truth(panel: Panel, path: str, tz: str | None) -> Panel:
    """The panel with the column ``truth_kw`` of a file, read as a meter is."""
    found = read_meter(path, columns={TRUTH: OBSERVED}, tz=tz or str(panel.sites["tz"].iloc[0]))
    lacking = panel.site_ids.difference(found.site_ids)
    if len(lacking):
        raise DataError(
            f"{Path(path).name} has no truth of site {lacking[0]!r} ({len(lacking)} sites in all): give every site's, or "
            "choose sites: in the study"
        )
    if found.step != panel.step:
        raise DataError(
            f"{Path(path).name} has a step of {step_words(found.step)}, the meter data of {step_words(panel.step)}: "
            "give the truth by the meter's intervals"
        )
    truth = found.data[OBSERVED].reindex(panel.data.index)
    return replace(panel, data=panel.data.assign(**{TRUTH: truth}))


def _with_holidays(panel: Panel, calendar: str) -> Panel:
    """The panel with the days of an iCalendar file as holidays of every site, beside those of its country."""
    years = (pd.Timestamp(us, unit="us").year for us in (panel.first_times_us.min(), panel.last_times_us.max()))
    days = OwnHolidays.of(read_holidays(calendar, *years)["date"].dt.strftime("%Y-%m-%d"))
    return replace(panel, sites=panel.sites.assign(holidays=str(days)))


@dataclass(frozen=True)
class StudyEvents:
    """The events of a study, before they are dealt out to spans.

    Attributes
    ----------
    panel : Panel
    judged : DataFrame
        Events of all spans, that are judged.
    learned : DataFrame or None
        Events that are learned from; None where these are the judged ones.
    """

    panel: Panel
    judged: pd.DataFrame
    learned: pd.DataFrame | None

    def between(self, train: Span | None, test: Span) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Events to learn from that start in `train`, and events to judge that start in `test`; local dates, inclusive."""
        return split_events(self.judged, self.panel, train, test, self.learned)

    def learnable(self, span: Span) -> pd.DataFrame:
        """Events of a span that can be learned from; local dates, inclusive."""
        return learnable_events(self.judged if self.learned is None else self.learned, self.panel, span)


def events_of(study: Study, panel: Panel) -> StudyEvents:
    """All events of a study."""
    wanted = study.events
    spans = [span for span in (study.train, study.test) if span is not None]
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    if wanted.file is not None:
        events = _dispatched(study, panel)
        panel = with_event_truth(panel, events)
    elif wanted.every_min is not None and wanted.horizon_min is not None:
        events = issue_events(panel, wanted.every_min, wanted.horizon_min, first, last, wanted.at or 0)
    else:
        events = placebo_events(
            panel,
            str(wanted.start),
            str(wanted.stop),
            days=wanted.days,
            labels=wanted.labels,
            first=first,
            last=last,
            like=wanted.like,
            count=wanted.count,
            keep_unmetered=True,  # what cannot be judged is told
        )
    learned = _events_to_learn_from(study, panel)
    learning = [name for name, each in study.forecasters().items() if learns(each.estimator)]
    if learned is None and study.train is not None and learning and carries_truth(events):
        raise StudyError(
            f"the events of {Path(str(wanted.file)).name} were dispatched, since they carry {TRUTH}, so {learning[0]} cannot learn from "
            "them: add train_events: {start: …, stop: …}, hours of the train: span at which nothing was dispatched"
        )
    return StudyEvents(panel, events, learned)


def study_events(study: Study, panel: Panel) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test events of a study."""
    return events_of(study, panel).between(study.train, study.test)


@dataclass(frozen=True)
class PreparedStudy:
    """A study with what training, judging and choosing share, so that nothing is read or looked up twice.

    Attributes
    ----------
    study : Study
    panel : Panel
    events : StudyEvents
    train, test : DataFrame
        Events of the two spans; with ``refit:`` `train` goes on to the end of the test span, and each span takes of it what
        had ended before.
    learned : dict View -> CaseBank
        Cases of the events `train`, for the views in which something learns.
    """

    study: Study
    panel: Panel
    events: StudyEvents
    train: pd.DataFrame
    test: pd.DataFrame
    learned: dict[View, CaseBank] = field(repr=False)


def prepare(study: Study, panel: Panel) -> PreparedStudy:
    """The events and training cases of a study."""
    tell_weather(panel, study.forecasters().values())
    events = events_of(study, panel)
    train, test = events.between(study.train, study.test)
    if study.refit is not None and study.train is not None:
        train = events.learnable((study.train[0], study.test[1]))
    learned = training_banks(panel, study.forecasters().values(), train) if len(train) else {}
    return PreparedStudy(study, panel, events, train, test, learned)


def shifted_clock(clock: str, hours: float) -> str:
    """A wall clock so many hours later; beyond midnight it comes round."""
    total = (60 * int(clock.split(":")[0]) + int(clock.split(":")[1]) + round(60 * hours)) % 1440
    return f"{total // 60:02d}:{total % 60:02d}"


def _events_to_learn_from(study: Study, panel: Panel) -> pd.DataFrame | None:
    """Events of the ``train_events:`` section; None where what is judged is also what is learned from."""
    wanted, span = study.train_events, study.train
    if wanted is None or span is None:
        return None
    return pd.concat(
        [
            placebo_events(
                panel,
                shifted_clock(wanted.start, hours),
                shifted_clock(wanted.stop, hours),
                days=wanted.days,
                labels=wanted.labels,
                first=span[0],
                last=span[1] if study.refit is None else study.test[1],
            )
            for hours in dict.fromkeys(wanted.shifts_h)
        ],
        ignore_index=True,
    )
