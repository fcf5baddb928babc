"""Events laid into measured load, so that their truth is known: what was metered is what the meter would have read without them.

The load and its noise are real; the response, and what happens beside the event, is what was asked for. Injected cases are labelled
so wherever they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.collisions import collides
from cblcast.frames.events import Window, check_events, mean_over_events
from cblcast.frames.instants import DAY_US, HOUR_US, microseconds
from cblcast.frames.known import run_starts
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.simulate.fatigue import events_of_late

TRUTH = "truth_kw"


@dataclass(frozen=True)
class Moved:
    """Load that moves in a window beside every event.

    Attributes
    ----------
    window : Window
    share : float
        Above 0 the load rises.
    of : {"load", "shed"}
        Share of the load of each interval, whatever the event sheds (gaming, pre-cooling, maintenance); or of the energy that the
        event sheds, spread evenly over the window (snapback, a vehicle that is charged again).
    """

    window: Window
    share: float
    of: Literal["load", "shed"] = "load"

    def __post_init__(self) -> None:
        if self.of not in ("load", "shed"):
            raise DataError(f"load moves as a share of the 'load' or of what is 'shed', not of {self.of!r}")
        if not np.isfinite(self.share) or self.share < -1:
            raise DataError(f"a share of {self.share} takes more than there is: give -1 or more")


@dataclass(frozen=True)
class InjectedResponse:
    """What every event does to the load.

    Attributes
    ----------
    shed : float
        Share of the load that is shed in the event, 0 to 1.
    shed_kw : float
        Power shed besides, e.g. a vehicle that gives back [kW], 0 or more; the load may fall below 0.
    beside : tuple of Moved
        What happens before and after.
    tires : float
        What each event of the seven days before leaves of the response, in (0, 1]; 1: nobody tires.
    column : str
        Of the panel: the load that shares are of; ``load_kw`` at homes with PV, whose meter shows the net load.
    """

    shed: float = 0.15
    shed_kw: float = 0.0
    beside: tuple[Moved, ...] = ()
    tires: float = 1.0
    column: str = OBSERVED

    def __post_init__(self) -> None:
        if not 0 <= self.shed <= 1:
            raise DataError(f"shed is {self.shed}: it is a share of the load, between 0 and 1")
        if not (np.isfinite(self.shed_kw) and self.shed_kw >= 0):
            raise DataError(f"shed_kw is {self.shed_kw}: give a finite power of 0 or more")
        if not 0 < self.tires <= 1:
            raise DataError(f"tires is {self.tires}: it lies above 0 and at most at 1")


class InjectedEvents(NamedTuple):
    """Measured load with events laid into it.

    Attributes
    ----------
    panel : Panel
        ``observed_kw`` with the events, and ``truth_kw``: as it was metered.
    events : DataFrame
        By site and start, with ``truth_kw`` and ``shed_kw``: means over the event [kW], NaN where it was not metered throughout.
    """

    panel: Panel
    events: pd.DataFrame


def inject(panel: Panel, events: pd.DataFrame, response: InjectedResponse) -> InjectedEvents:
    """Lay events into measured load.

    Parameters
    ----------
    panel : Panel
    events : DataFrame
        ``site_id``, ``start``, ``stop``; what else is known of them stays.
    response : InjectedResponse

    Raises
    ------
    DataError
        As :func:`~cblcast.frames.events.check_events`; events so close that one would move the load of another.
    """
    table = check_events(events, panel)
    windows = [each.window for each in response.beside]
    close = collides(panel.with_events(table), table, windows) if windows else np.zeros(len(table), dtype=bool)
    if close.any():
        event = table[close].iloc[0]
        raise DataError(
            f"what happens beside the event of site {event[SITE]!r} at {event['start']} reaches into another event "
            f"({int(close.sum())} such events), whose truth would not be known: keep events further apart"
        )
    load = panel.column(response.column)
    moved = np.zeros(len(load))
    code = panel.site_codes(pd.Index(table[SITE]))
    start, stop = microseconds(table["start"]), microseconds(table["stop"])
    vigour = response.tires ** _events_of_late(panel, code, start)
    inside = _rows(panel, code, start, stop)
    shed = (response.shed * load[inside.row] + response.shed_kw) * vigour[inside.event]
    np.add.at(moved, inside.row, -shed)
    energy = np.bincount(inside.event, np.nan_to_num(shed), len(table))  # kW × intervals
    for each in response.beside:
        near, far = (int(hours * HOUR_US) for hours in (each.window.buffer, each.window.buffer + each.window.hours))
        beside = (
            _rows(panel, code, start - far, start - near)
            if each.window.side == "before"
            else _rows(panel, code, stop + near, stop + far)
        )
        width = each.window.hours * HOUR_US / panel.step_us
        of = load[beside.row] if each.of == "load" else energy[beside.event] / width
        np.add.at(moved, beside.row, each.share * of)
    metered = panel.column(OBSERVED)
    changed = {OBSERVED: metered + moved, response.column: load + moved, TRUTH: metered}
    made = replace(panel, data=panel.data.assign(**changed))
    truth = mean_over_events(made, table, TRUTH)
    told = table.assign(**{TRUTH: truth, "shed_kw": truth - mean_over_events(made, table, OBSERVED)})
    return InjectedEvents(made, told)


class _Rows(NamedTuple):
    """Rows of the panel, and the event that each belongs to."""

    row: np.ndarray
    event: np.ndarray


def _rows(panel: Panel, code: np.ndarray, begin: np.ndarray, end: np.ndarray) -> _Rows:
    count = np.maximum((end - begin) // panel.step_us, 0)
    event = np.repeat(np.arange(len(begin)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    row = panel.locate(code[event], begin[event] + within * panel.step_us)
    return _Rows(row[row >= 0], event[row >= 0])


def _events_of_late(panel: Panel, code: np.ndarray, start: np.ndarray) -> np.ndarray:
    day = local_clock(panel, code, start) // DAY_US
    first = run_starts(code)  # the table is sorted by site
    return np.concatenate([events_of_late(own) for own in np.split(day, first[1:])])
