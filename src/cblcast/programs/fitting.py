"""A program's estimator, ready to predict: a rule needs no training, a learned baseline needs the days before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cblcast.days.ledger import real_event_days
from cblcast.days.placebo import placebo_events
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.cases import make_cases
from cblcast.frames.cube import DAY_US
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, SITE, DataError
from cblcast.programs.model import Program

TRAINING_DAYS = 20


def fitted(program: Program, forecaster: Forecaster, panel: Panel, events: pd.DataFrame, X: pd.DataFrame) -> Any:
    """The estimator of `forecaster`, fitted for `events`.

    A learned baseline is trained on days without events before the first of `events`, so that it
    never sees a day that it is judged on.

    Parameters
    ----------
    panel : Panel
        With real events masked.
    X : DataFrame
        Features of `events`; a rule only checks itself on one row of them.

    Raises
    ------
    DataError
        A learned baseline with fewer than 20 days before the events.
    """
    if program.family != "model":
        return forecaster.estimator.fit(X.iloc[:1], np.zeros(1))
    days = training_events(panel, events)
    cases = make_cases(panel, days, forecaster.view)
    forecaster.fit_matrix(forecaster.matrix(panel, cases), truth(panel, cases), panel.sites)
    return forecaster.estimator


def needed_panel(program: Program, panel: Panel, sites: list[str]) -> Panel:
    """The part of the panel that a program reads for `sites`: themselves, or everybody where there are controls."""
    return panel if program.family == "control_group" else panel.select(sites)


def training_events(panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    """Whole days without events before the first of `events`, of the sites that have one."""
    own = panel.select(events[SITE].unique().tolist())
    last = events["start"].min() - pd.Timedelta(days=1)
    try:
        days = placebo_events(own, "00:00", "24:00", days="all", labels=("any",), last=str(last.date()))
        days = days[~_taken(own, days)].sort_values([SITE, "start"], ignore_index=True)
    except DataError:
        days = events.iloc[:0]
    count = days.groupby(SITE).size().reindex(own.site_ids, fill_value=0)
    if count.min() < TRAINING_DAYS:
        raise DataError(
            f"a learned baseline needs {TRAINING_DAYS} whole days without events before the first event "
            f"({events['start'].min()}), and site {count.idxmin()!r} has {count.min()}: give more history, or use a rule"
        )
    return days


def _taken(panel: Panel, days: pd.DataFrame) -> np.ndarray:
    code = panel.site_codes(pd.Index(days[SITE]))
    local = local_clock(panel, code, pd.DatetimeIndex(days["start"]).as_unit("us").asi8) // DAY_US
    return real_event_days(panel)[code, local - panel.cube(OBSERVED).first_day]
