"""A program's forecaster, ready to be asked: a rule needs no training, a learned baseline needs the days before."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cblcast.abilities import check_parameters, learns
from cblcast.days.ledger import on_event_days
from cblcast.days.placebo import placebo_events
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.cases import make_cases
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError
from cblcast.programs.forecasters import program_forecaster
from cblcast.programs.model import Program

TRAINING_DAYS = 20


def ready_forecaster(
    program: Program,
    panel: Panel,
    events: pd.DataFrame,
    windows: Sequence[Window] | None = None,
    adjusted: bool = True,
) -> Forecaster:
    """The forecaster of `program`, ready to be asked about `events`.

    A learned baseline is trained on days without events before the first of `events`, so that it
    never sees a day that it is judged on; everything else has nothing to learn.

    Parameters
    ----------
    panel : Panel
        With real events masked.
    windows, adjusted
        As :func:`~cblcast.programs.forecasters.program_forecaster`.

    Raises
    ------
    DataError
        A learned baseline with fewer than 20 days before the events.
    """
    forecaster = program_forecaster(program, windows, adjusted)
    check_parameters(forecaster.estimator)
    if learns(forecaster.estimator):
        days = training_events(panel, events)
        cases = make_cases(panel, days, forecaster.view)
        forecaster.fit_matrix(forecaster.matrix(panel, cases), truth(panel, cases), panel.sites)
    return forecaster


def needed_panel(program: Program, panel: Panel, sites: list[str]) -> Panel:
    """The part of the panel that a program reads for `sites`: themselves, or everybody where there are controls."""
    return panel if program.family == "control_group" else panel.select(sites)


def training_events(panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    """Whole days without events before the first of `events`, of the sites that have one."""
    own = panel.select(events[SITE].unique().tolist())
    last = events["start"].min() - pd.Timedelta(days=1)
    try:
        days = placebo_events(own, "00:00", "24:00", days="all", labels=("any",), last=str(last.date()))
        days = days[~on_event_days(own, days)].sort_values([SITE, "start"], ignore_index=True)
    except DataError:
        days = events.iloc[:0]
    count = days.groupby(SITE).size().reindex(own.site_ids, fill_value=0)
    if count.min() < TRAINING_DAYS:
        raise DataError(
            f"a learned baseline needs {TRAINING_DAYS} whole days without events before the first event "
            f"({events['start'].min()}), and site {count.idxmin()!r} has {count.min()}: give more history, or use a rule"
        )
    return days
