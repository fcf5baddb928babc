"""The panel and the events that a study names."""

from __future__ import annotations

import pandas as pd

from cblcast import datasets
from cblcast.backtest import split_events
from cblcast.config import Study
from cblcast.io.calendars import read_holidays
from cblcast.io.formats import read_dispatch, read_meter
from cblcast.io.nwp import attach
from cblcast.panel import Panel
from cblcast.placebo import placebo_events
from cblcast.rolling import issue_events


def load_panel(study: Study) -> Panel:
    """The panel of a study."""
    data = study.data
    if data.dataset is not None:
        panel = datasets.load(data.dataset)
    else:
        panel = read_meter(str(data.panel), options=data.reader)
    for product in data.reanalysis:
        panel = attach(panel, datasets.load_reanalysis(product), f"{product}_")
    if data.holidays is not None:
        panel = _with_holidays(panel, data.holidays)
    if data.sites is not None:
        panel = panel.select(list(data.sites))
    if study.events.mask is not None:
        panel = panel.with_events(read_dispatch(study.events.mask, panel, tz=data.tz))
    return panel


def _with_holidays(panel: Panel, calendar: str) -> Panel:
    """The panel with the days of an iCalendar file as holidays of every site, beside those of its country."""
    years = (pd.Timestamp(us, unit="us").year for us in (panel.first_times_us.min(), panel.last_times_us.max()))
    days = read_holidays(calendar, *years)["date"].dt.strftime("%Y-%m-%d").unique()
    return Panel(panel.data, panel.sites.assign(holidays=" ".join(days)), panel.events)


def study_events(study: Study, panel: Panel) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test events of a study."""
    wanted = study.events
    spans = [span for span in (study.train, study.test) if span is not None]
    if wanted.file is not None:
        events = read_dispatch(wanted.file, panel, tz=study.data.tz)
    elif wanted.every_min is not None and wanted.horizon_min is not None:
        first, last = min(span[0] for span in spans), max(span[1] for span in spans)
        events = issue_events(panel, wanted.every_min, wanted.horizon_min, first, last)
    else:
        events = placebo_events(
            panel,
            str(wanted.start),
            str(wanted.stop),
            days=wanted.days,
            labels=wanted.labels,
            first=min(span[0] for span in spans),
            last=max(span[1] for span in spans),
            like=wanted.like,
            count=wanted.count,
        )
    return split_events(events, panel, study.train, study.test, _events_to_learn_from(study, panel))


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
                last=span[1],
            )
            for hours in dict.fromkeys(wanted.shifts_h)
        ],
        ignore_index=True,
    )
