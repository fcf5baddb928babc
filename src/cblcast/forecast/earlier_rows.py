"""Rows of earlier days beside those that are asked: how an estimator adapts to a site without remembering anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cblcast.abilities import AdaptsToSite, FeatureBuilder, innermost, learns, needed_features, outermost_able
from cblcast.days.earlier import (
    EARLIER_ASKED,
    EARLIER_BEFORE,
    EARLIER_DAY,
    EARLIER_LOAD,
    SEEN_AFTER_US,
    events_by_clock,
    first_unusable_day,
    is_ordinary,
    local_days,
)
from cblcast.frames.cases import FAR_FUTURE_US, View, event_rows, make_cases
from cblcast.frames.coded import sites_of_rows
from cblcast.frames.collisions import collides
from cblcast.frames.events import Window
from cblcast.frames.instants import microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import CASE_INDEX, OBSERVED, ORIGIN, SITE, TIME

EVENTS_AT_ONCE = 20_000  # bounds the memory


@dataclass(frozen=True, eq=False)
class Beside:
    """Some of the rows that are asked, with the rows of earlier days beside them.

    Attributes
    ----------
    X : DataFrame, index (site_id, origin, time), sorted
        Features and the columns of :mod:`cblcast.days.earlier`.
    place : ndarray of int64, shape (n_rows,)
        Row of the cases that each row of `X` is, -1 for one of an earlier day.
    """

    X: pd.DataFrame
    place: np.ndarray


def beside_earlier_days(
    panel: Panel,
    cases: pd.DataFrame,
    X: pd.DataFrame,
    days: int,
    view: View,
    windows: tuple[Window, ...],
    features: Callable[[Panel, pd.DataFrame], pd.DataFrame],
) -> Iterator[Beside]:
    """The rows of `cases` in parts that share a clock, each with the earlier days of its sites.

    Parameters
    ----------
    panel : Panel
        With real events masked.
    cases : DataFrame
    X : DataFrame
        Features of `cases`.
    days : int
        How far back an earlier day may lie, in calendar days.
    view : View
    windows : tuple of Window
        Hours beside the event that the estimator needs rows of.
    features : callable
        Panel and cases -> features, as those of `cases` were made; columns that it leaves out are NaN there.

    Notes
    -----
    An earlier day is an event of its own under the same view: its features see what they would have seen
    then. A day that is asked as well is made once.
    """
    first, event = event_rows(cases.index)
    events = _events(cases, first)
    for which, ordinary in _in_blocks(events, events_by_clock(panel, events, days)):
        asked = np.zeros(len(events), dtype=bool)
        asked[which] = True
        place = np.flatnonzero(asked[event])
        own, looked_up = cases.iloc[place], X.iloc[place]
        further = _not_asked(panel, windows, events.iloc[which], ordinary)
        if len(further):
            made = make_cases(panel, further, view, windows, may_overlap=True)
            looked_up = pd.concat([looked_up, features(panel, made)])
            own = pd.concat([own, made])
            place = np.concatenate([place, np.full(len(made), -1)])
        order = _order(panel, own)
        own, looked_up, place = own.iloc[order], looked_up.iloc[order], place[order]
        own.index = looked_up.index = _index(own)
        marks = _marks(panel, own, ordinary) | {EARLIER_ASKED: (place >= 0).astype(np.float64)}
        yield Beside(looked_up.assign(**marks), place)


def wanted_beside(estimator: Any, builders: Mapping[str, FeatureBuilder]) -> dict[str, FeatureBuilder]:
    """The builders whose columns rows of earlier days need.

    What stands around the part that adapts looks at the rows that are asked alone, unless what learns inside reads every column.
    """
    adapting = outermost_able(estimator, AdaptsToSite)
    if adapting is None or (learns(adapting) and learns(innermost(adapting))):
        return dict(builders)
    wanted = needed_features(adapting)
    return {name: builder for name, builder in builders.items() if name in wanted}


def _events(cases: pd.DataFrame, first: np.ndarray) -> pd.DataFrame:
    """The events whose first rows are `first`: ``site_id``, ``start``, ``stop``."""
    return pd.DataFrame(
        {
            SITE: cases.index.get_level_values(SITE)[first],
            "start": cases.index.get_level_values(ORIGIN)[first],
            "stop": cases["event_stop"].array[first],
        }
    )


def _in_blocks(
    events: pd.DataFrame, parts: Iterable[tuple[np.ndarray, pd.DataFrame]]
) -> Iterator[tuple[np.ndarray, pd.DataFrame]]:
    """The same parts, some sites at a time: the features of two years of days of all sites at once would not fit."""
    for which, ordinary in parts:
        if len(which) + len(ordinary) <= EVENTS_AT_ONCE:
            yield which, ordinary
            continue
        site, own = pd.Index(events[SITE].iloc[which]), pd.Index(ordinary[SITE])
        names = site.unique()
        count = np.bincount(names.get_indexer(site), minlength=len(names))
        count += np.bincount(names.get_indexer(own), minlength=len(names))
        block = np.cumsum(count) // EVENTS_AT_ONCE
        for number in np.unique(block):
            chosen = names[block == number]
            yield which[site.isin(chosen)], ordinary[own.isin(chosen)].reset_index(drop=True)


def _not_asked(panel: Panel, windows: tuple[Window, ...], asked: pd.DataFrame, ordinary: pd.DataFrame) -> pd.DataFrame:
    """Ordinary days that are no rows yet, and whose windows reach into no real event."""
    keys = [SITE, "start"]
    known = pd.MultiIndex.from_frame(ordinary[keys]).isin(pd.MultiIndex.from_frame(asked[keys]))
    further = ordinary[~known].reset_index(drop=True)
    if len(further) and panel.events is not None and not panel.events.empty:
        further = further[~collides(panel, further, windows)].reset_index(drop=True)
    return further


def _order(panel: Panel, cases: pd.DataFrame) -> np.ndarray:
    site = sites_of_rows(panel, cases.index)
    return np.lexsort((*(microseconds(cases.index.get_level_values(name)) for name in (TIME, ORIGIN)), site))


def _index(cases: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([cases.index.get_level_values(name) for name in CASE_INDEX], names=CASE_INDEX)


def _marks(panel: Panel, cases: pd.DataFrame, ordinary: pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns of :mod:`cblcast.days.earlier` but whether a row is asked, one value a row."""
    first, event = event_rows(cases.index)
    events = _events(cases, first)
    site, day, usable = (
        panel.site_codes(pd.Index(events[SITE])),
        local_days(panel, events),
        np.zeros(len(events), dtype=bool),
    )
    if len(ordinary):
        usable = is_ordinary(panel, events, ordinary)
    step, begin = panel.step_us, panel.first_times_us[site]
    scored, time = cases["scored"].to_numpy(dtype=bool), microseconds(cases.index.get_level_values(TIME))
    last = np.full(len(events), np.iinfo(np.int64).min)
    np.maximum.at(last, event[scored], time[scored])
    known = last + step
    until = microseconds(cases["hidden_until"])[first]
    known = np.where(until < FAR_FUTURE_US, np.maximum(known, until) + SEEN_AFTER_US, known)
    # A reading that reaches into the blindfold holds hidden load, so the blindfold begins with it.
    hidden = microseconds(cases["hidden_from"])[first]
    hidden = begin + (hidden - begin) // step * step
    before = first_unusable_day(site, day, hidden, known, usable)
    load = panel.values_at(OBSERVED, site[event], time)
    return {
        EARLIER_LOAD: np.where(scored & usable[event], load, np.nan),
        EARLIER_DAY: day[event].astype(np.float64),
        EARLIER_BEFORE: before[event].astype(np.float64),
    }
