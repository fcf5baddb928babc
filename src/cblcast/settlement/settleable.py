"""Which events can be settled at all: held by the data, taken part in, of sites that are paid; the others with their reasons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.frames.day_panel import codes_of
from cblcast.frames.events import check_events, event_table
from cblcast.frames.instants import microseconds
from cblcast.frames.panel import AnyPanel
from cblcast.frames.schema import SITE, DataError, utc
from cblcast.programs.dispatch import left_at
from cblcast.settlement.estimate import PROBLEM_COLUMNS
from cblcast.settlement.wishes import Wishes

ABSENT = "the site is not in the data"
OUTSIDE = "the event lies outside the metered span"
STRANGER = "the site is a member of no resource on that day"


def as_problems(events: pd.DataFrame, reason: str) -> pd.DataFrame:
    """Events as problems of every program."""
    return events[[SITE, "start"]].assign(program="", reason=reason)[PROBLEM_COLUMNS]


def known_events(panel: AnyPanel, events: pd.DataFrame) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Events that the panel can hold, checked and sorted, and the others with a reason."""
    table = event_table(events).reset_index(drop=True)
    if table.empty:
        raise DataError("there are no events: check the event file")
    table[SITE] = table[SITE].astype(str)
    for edge in ("start", "stop"):
        table[edge] = utc(table[edge], f"event {edge}")
    code, outside = codes_of(panel.site_ids, pd.Index(table[SITE])), outside_span(panel, table)
    absent = [as_problems(table[code < 0], ABSENT), as_problems(table[outside], OUTSIDE)]
    kept = table[(code >= 0) & ~outside]
    return (kept if kept.empty else check_events(kept, panel, off_grid=True)), absent


def outside_span(panel: AnyPanel, events: pd.DataFrame) -> np.ndarray:
    """Which events of sites of the panel begin before their site's first interval or end after its last; bool, shape (n_events,)."""
    code = codes_of(panel.site_ids, pd.Index(events[SITE].astype(str)))
    start, stop = (microseconds(events[edge]) for edge in ("start", "stop"))
    safe = np.maximum(code, 0)
    early, late = start < panel.first_times_us[safe], stop > panel.last_times_us[safe] + panel.step_us
    outside: np.ndarray = (code >= 0) & (early | late)
    return outside


def opted_out(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events in which the site took part, at least for a while, and the others as problems."""
    gone = left_at(table) <= microseconds(table["start"])
    return table[~gone].reset_index(drop=True), as_problems(table[gone], "the site opted out of the event")


def shares_an_interval(grid: pd.DataFrame) -> np.ndarray:
    """Events that begin in an interval in which the site's event before them ends; bool, shape (n_events,)."""
    start, stop = microseconds(grid["start"]), microseconds(grid["stop"])
    same = np.r_[False, grid[SITE].to_numpy()[1:] == grid[SITE].to_numpy()[:-1]][: len(grid)]
    shares: np.ndarray = same & (start < np.r_[start[:1], stop[:-1]])
    return shares


def of_resources(table: pd.DataFrame, called: pd.DataFrame, wishes: Wishes) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The events of sites that belong to a resource on the day, with its name, and the others with the reason."""
    if wishes.resources is None:
        return table, None
    known = called.drop_duplicates([SITE, "start"]).set_index([SITE, "start"])["payee"]
    resource = known.reindex(pd.MultiIndex.from_arrays([table[SITE], table["start"]])).to_numpy()
    out = resource == ""
    return table.assign(resource=pd.array(resource, dtype="str"))[~out].reset_index(drop=True), as_problems(
        table[out], STRANGER
    )


def refuse_none_left(problems: Sequence[pd.DataFrame | None], events: pd.DataFrame) -> None:
    """Refuse a settlement of which no event can be held by any data, or of which no site is paid.

    Parameters
    ----------
    problems : sequence of DataFrame
        Of all sites.
    events : DataFrame
        All of them.

    Raises
    ------
    DataError
    """
    told = pd.concat([each for each in problems if each is not None])
    told = told[told["program"] == ""]
    lost, outside, strangers = (told[told["reason"] == reason] for reason in (ABSENT, OUTSIDE, STRANGER))
    if len(outside) and len(outside) + len(lost) == len(events):
        raise DataError(
            f"every event lies outside the metered span of its site, e.g. {outside[SITE].iloc[0]!r} at "
            f"{outside['start'].iloc[0]}: extend the meter data"
        )
    if len(strangers) and len(told) == len(events):
        raise DataError(
            f"no site of the events is a member of a resource on its day, e.g. {strangers[SITE].iloc[0]!r} at "
            f"{strangers['start'].iloc[0]}: add memberships that hold on that day"
        )
