"""Earlier days of a site at the clock of an event, whose load is known by then: what an estimator adapts to a site from.

They reach an estimator as rows beside those that are asked, marked by four columns that this module names. Which of them
an event may use stands in the rows too, so that nothing has to be remembered: :data:`EARLIER_DAY` of the one must lie before
:data:`EARLIER_BEFORE` of the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd

from cblcast.days.ledger import on_event_days
from cblcast.days.ordinary import clock_spans, ordinary_days
from cblcast.frames.instants import DAY_US, HOUR_US, microseconds
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import SITE, DataWarning

EARLIER_LOAD = "earlier_observed_kw"  # metered load of a row that others may learn from [kW]; NaN for every other row
EARLIER_DAY = "earlier_day"  # local day on which the row's event begins [days since 1970-01-01]
EARLIER_BEFORE = "earlier_before_day"  # first local day whose load the row's event may not use [days since 1970-01-01]
EARLIER_ASKED = "earlier_asked"  # 1 for a row that is asked, 0 for one that is only there to be learned from
EARLIER_COLUMNS = (EARLIER_LOAD, EARLIER_DAY, EARLIER_BEFORE, EARLIER_ASKED)

# A view that sees the meter after the event lets features look at hours after it; none looks further than this.
SEEN_AFTER_US = 12 * HOUR_US


def local_days(panel: Panel, events: pd.DataFrame) -> np.ndarray:
    """Local day on which each event begins, int64 days since 1970-01-01, shape (n_events,)."""
    site = panel.site_codes(pd.Index(events[SITE]))
    return local_clock(panel, site, microseconds(events["start"])) // DAY_US


def events_by_clock(masked: Panel, events: pd.DataFrame, days: int) -> Iterator[tuple[np.ndarray, pd.DataFrame]]:
    """Events that share a clock and a kind of day, and the earlier ordinary days of their sites at that clock.

    Parameters
    ----------
    masked : Panel
        With its real events, whose days are no ordinary days.
    events : DataFrame
        ``site_id``, ``start``, ``stop``.
    days : int
        Calendar days before each event that are looked at.

    Yields
    ------
    which : ndarray of int64
        Positions of the events; together all of them exactly once.
    earlier : DataFrame
        ``site_id``, ``start``, ``stop``, sorted: days before an event of their site, which may be events of `which`
        themselves. Empty for an event of a day or longer, and where the panel holds no such day.

    Warns
    -----
    DataWarning
        Events of a day or longer.
    """
    _, which = clock_spans(masked, events)
    for number in np.unique(which):
        own = np.flatnonzero(which == number)
        like = events.iloc[own].reset_index(drop=True)
        none = like.iloc[:0]
        if number < 0:
            _tell_of_long_events(masked, like)
        # The dates that are asked for are those of UTC, a day off the local ones at most.
        found = [] if number < 0 else [each.days for each in ordinary_days(masked, like, days + 1, 1)]
        yield own, _before(masked, like, found[0], days) if found else none


def _tell_of_long_events(panel: Panel, events: pd.DataFrame) -> None:
    first, many = events.iloc[0], len(events) > 1
    start = first["start"].tz_convert(panel.sites["tz"].loc[first[SITE]])
    mend = "ask for parts shorter than a day" if panel.step_us < DAY_US else "give readings of parts of a day"
    which = f"site {first[SITE]!r} from {start:%Y-%m-%d %H:%M} on"
    warnings.warn(
        (f"{len(events)} events last a day or longer, e.g. at " if many else "an event lasts a day or longer, at ")
        + f"{which}: no earlier day can be laid beside {'them' if many else 'it'}, so the estimate is not adapted to the site, and "
        f"the limits do not know the site's own errors; {mend} to have both",
        DataWarning,
        stacklevel=3,
    )


def _before(panel: Panel, events: pd.DataFrame, ordinary: pd.DataFrame, days: int) -> pd.DataFrame:
    """Those of `ordinary` that lie up to `days` before an event of their site."""
    asked = pd.Series(local_days(panel, events)).groupby(events[SITE].to_numpy()).agg(np.sort)
    day, keep = local_days(panel, ordinary), np.zeros(len(ordinary), dtype=bool)
    for site, rows in ordinary.groupby(SITE).indices.items():
        own = np.asarray(asked[site])
        following = np.searchsorted(own, day[rows], side="right")
        there = following < len(own)
        keep[rows] = there & (own[np.minimum(following, len(own) - 1)] - day[rows] <= days)
    return ordinary[keep].reset_index(drop=True)


def first_unusable_day(
    site: np.ndarray, day: np.ndarray, hidden_from_us: np.ndarray, known_us: np.ndarray, usable: np.ndarray
) -> np.ndarray:
    """First local day whose load each event may not use, int64, shape (n_events,); 0 where there is none before it.

    An event may use an earlier local day of its site once the load of that day is known before the blindfold begins.

    Parameters
    ----------
    site, day : ndarray of int64, shape (n_events,)
    hidden_from_us, known_us : ndarray of int64, shape (n_events,)
        Start of the blindfold, and when the load of the event, had it been an ordinary day, is known [us].
    usable : ndarray of bool, shape (n_events,)
        Which events are ordinary days.
    """
    before = np.zeros(len(site), dtype=np.int64)
    for one in np.unique(site):
        rows = np.flatnonzero(site == one)
        ordinary = rows[usable[rows]]
        ordinary = ordinary[np.argsort(day[ordinary], kind="stable")]
        days, known = day[ordinary], np.maximum.accumulate(known_us[ordinary])
        if len(days):
            count = np.minimum(
                np.searchsorted(known, hidden_from_us[rows], side="right"), np.searchsorted(days, day[rows])
            )
            before[rows] = np.where(count > 0, days[np.maximum(count, 1) - 1] + 1, 0)
    return before


def is_ordinary(masked: Panel, events: pd.DataFrame, ordinary: pd.DataFrame) -> np.ndarray:
    """Which of `events` are among the `ordinary` days and on no day of a real event, bool, shape (n_events,)."""
    keys = [SITE, "start", "stop"]
    found = np.asarray(pd.MultiIndex.from_frame(events[keys]).isin(pd.MultiIndex.from_frame(ordinary[keys])))
    return found & ~on_event_days(masked, events)
