"""Which days before an event may serve as reference days, and why the others fall out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from cblcast.days.blindfold import hidden_slots
from cblcast.days.day_types import day_type_labels, place_day_types
from cblcast.frames.cases import EventArrays
from cblcast.frames.collisions import is_outage
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.panel import AnyPanel, local_clock
from cblcast.frames.schema import OBSERVED, SITE


class Reason(IntEnum):
    """Why a day of the look-back is or is not qualified; of several reasons the one a person would name first."""

    QUALIFIED = 0
    OUTSIDE_DATA = 1
    NOT_YET_VISIBLE = 2
    TOO_CLOSE = 3
    OTHER_DAY_TYPE = 4
    REAL_EVENT = 5
    UNMETERED = 6
    TOO_LOW = 7
    TOO_HIGH = 8
    BEYOND_LOOK_BACK = 9
    OUTAGE = 10

    @property
    def words(self) -> str:
        """As tables and sentences say it."""
        return _WORDS[self]


_WORDS = {
    Reason.QUALIFIED: "qualified",
    Reason.OUTSIDE_DATA: "outside the data",
    Reason.NOT_YET_VISIBLE: "hidden from this event",
    Reason.TOO_CLOSE: "too close to the event",
    Reason.OTHER_DAY_TYPE: "another day type",
    Reason.REAL_EVENT: "day of a real event",
    Reason.UNMETERED: "not enough metered",
    Reason.TOO_LOW: "load too low",
    Reason.TOO_HIGH: "load too high",
    Reason.BEYOND_LOOK_BACK: "beyond the look-back",
    Reason.OUTAGE: "day of an outage",
}


# Of panels that are still in use: batches of events ask for the same days time and again.
_EVENT_DAYS: WeakKeyDictionary[AnyPanel, dict[tuple[bool, int], np.ndarray]] = WeakKeyDictionary()


@dataclass(frozen=True)
class DayLedger:
    """The days before each event, newest first, each with the reason it is or is not qualified.

    Attributes
    ----------
    position : ndarray of int64, shape (n_events, look_back)
        Day of the cube (may be negative: outside the data).
    reason : ndarray of int8, shape (n_events, look_back)
        A :class:`Reason`; 0 is qualified.
    """

    position: np.ndarray
    reason: np.ndarray

    def newest(self, count: int) -> np.ndarray:
        """The `count` newest qualified days of each event as cube positions, -1 where there are fewer; (n_events, count)."""
        qualified = self.reason == Reason.QUALIFIED
        rank = np.cumsum(qualified, axis=1)
        chosen = qualified & (rank <= count)
        days = np.full((len(self.position), count), -1, dtype=np.int64)
        event, column = np.nonzero(chosen)
        days[event, rank[event, column] - 1] = self.position[event, column]
        return days

    def tally(self, event: int) -> dict[str, int]:
        """How many days of the look-back of one event have each reason."""
        count = np.bincount(self.reason[event], minlength=len(Reason))
        return {reason.words: int(count[reason]) for reason in Reason if count[reason]}

    def told(self, event: int) -> tuple[int, str]:
        """How many days of one event qualified, and how many fell out for which reason, in words."""
        tally = self.tally(event)
        qualified = tally.pop(Reason.QUALIFIED.words, 0)
        return qualified, ", ".join(f"{count} {reason}" for reason, count in tally.items())


def day_ledger(
    panel: AnyPanel,
    event: EventArrays,
    *,
    look_back_days: int,
    day_types: str | Sequence[str],
    gap_days: int,
    min_metered_share: float,
    also: Sequence[str] = (),
    unlike: bool = False,
) -> DayLedger:
    """Judge every day of the look-back of every event.

    Parameters
    ----------
    panel : Panel
        ``panel.events`` (real, masked events) disqualify their local days.
    event : EventArrays
    look_back_days : int
        Calendar days before the event's day that are looked at.
    day_types : str or eight labels
        Only days of the event day's own type qualify.
    gap_days : int
        Days right before the event day that may not be used (NYISO: 1).
    min_metered_share : float
        Least share of a day's intervals that must be metered.
    also : sequence of str
        Labels of day types that qualify beside the event day's own.
    unlike : bool
        Days of the OTHER types qualify instead: what a day is compared with that may be closed though it should not.

    Notes
    -----
    A day is outside the data where nothing was metered on it or on any older day of the look-back, and no event took it. So the
    ledger is a function of the site's own look-back: the same beside other sites, and where nothing older was read.
    """
    cube = panel.cube(OBSERVED)
    event_day = local_clock(panel, event.site, event.start_us) // DAY_US - cube.first_day
    hidden_day = hidden_slots(panel, event)[0] // DAY_US - cube.first_day
    metered = cube.metered_share >= min_metered_share
    back = np.arange(1, look_back_days + 1)
    position = event_day[:, None] - back
    inside = (position >= 0) & (position < cube.n_days)
    safe = np.where(inside, position, 0)
    site = event.site[:, None]
    taken, dark = (_on_days(real_event_days(panel, outages, look_back_days), site, position + look_back_days)
                   for outages in (False, True))  # fmt: skip
    before_data = _before_all(inside & (cube.finite_count[site, safe] > 0)) & ~taken & ~dark
    same_type = alike_days(panel, event, look_back_days, day_types, also) ^ unlike
    rules = (  # in the order in which a person would name the reason
        (Reason.OUTSIDE_DATA, before_data | (position >= cube.n_days)),
        (Reason.NOT_YET_VISIBLE, position >= hidden_day[:, None]),
        (Reason.TOO_CLOSE, np.broadcast_to(back <= gap_days, position.shape)),
        (Reason.OTHER_DAY_TYPE, ~same_type),
        (Reason.REAL_EVENT, taken),
        (Reason.OUTAGE, dark),
        (Reason.UNMETERED, ~(inside & metered[site, safe])),
    )
    reason = np.zeros(position.shape, dtype=np.int8)
    for code, applies in reversed(rules):
        reason[applies] = code
    return DayLedger(position, reason)


def alike_days(
    panel: AnyPanel, event: EventArrays, look_back_days: int, day_types: str | Sequence[str], also: Sequence[str] = ()
) -> np.ndarray:
    """Which days of the look-back have the event day's own type, newest first; bool, shape (n_events, look_back).

    Days with a label in `also` count too.
    """
    cube = panel.cube(OBSERVED)
    of_site, types = place_day_types(
        panel, day_types, cube.first_day - look_back_days, cube.n_days + look_back_days + 2
    )
    place = local_clock(panel, event.site, event.start_us) // DAY_US - cube.first_day + look_back_days
    back = np.arange(1, look_back_days + 1)
    where = of_site[event.site]
    found = types[where[:, None], place[:, None] - back]
    same: np.ndarray = found == types[where, place][:, None]
    if also:
        names = sorted(set(day_type_labels(day_types)))
        same |= np.isin(found, [names.index(label) for label in also])
    return same


def of_class(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Values of each class as those of its events, along the first axis; a view where there is one class."""
    if len(values) == 1:
        return np.broadcast_to(values, (len(like), *values.shape[1:]))
    found: np.ndarray = values[like]
    return found


def spread_ledger(ledger: DayLedger, like: np.ndarray) -> DayLedger:
    """The ledger of classes of events (:attr:`~cblcast.frames.cases.EventArrays.like`) as that of the events."""
    return DayLedger(of_class(ledger.position, like), of_class(ledger.reason, like))


def _on_days(taken: np.ndarray, site: np.ndarray, day: np.ndarray) -> np.ndarray:
    """`taken` at (site, day), False beyond its days."""
    n_days = taken.shape[1]
    found: np.ndarray = taken[site, np.clip(day, 0, n_days - 1)] & (day >= 0) & (day < n_days)
    return found


def _before_all(known: np.ndarray) -> np.ndarray:
    """Days, newest first, that are older than every known one; bool, the shape of `known`."""
    older: np.ndarray = ~np.logical_or.accumulate(known[:, ::-1], axis=1)[:, ::-1]
    return older


def real_event_days(panel: AnyPanel, outages: bool = False, before: int = 0) -> np.ndarray:
    """Local days touched by the panel's real events, or by its outages; bool, shape (n_sites, before + n_days).

    The first `before` of them come before those of the cube.
    """
    known = _EVENT_DAYS.setdefault(panel, {})
    if (outages, before) not in known:
        known[outages, before] = _event_days(panel, outages, before)
    return known[outages, before]


def _event_days(panel: AnyPanel, outages: bool, before: int) -> np.ndarray:
    cube = panel.cube(OBSERVED)
    n_days = before + cube.n_days
    taken = np.zeros((len(cube.values), n_days), dtype=bool)
    if panel.events is None or panel.events.empty:
        return taken
    events = panel.events[is_outage(panel.events) == outages]
    if events.empty:
        return taken
    code = panel.site_codes(pd.Index(events[SITE]))
    first, last = (
        local_clock(panel, code, microseconds(events[edge]) - back) // DAY_US - cube.first_day + before
        for edge, back in (("start", 0), ("stop", 1))
    )
    running = np.zeros((len(taken), n_days + 1), dtype=np.int32)
    np.add.at(running, (code, np.clip(first, 0, n_days)), 1)
    np.add.at(running, (code, np.clip(last + 1, 0, n_days)), -1)
    return running.cumsum(axis=1)[:, :-1] > 0


def on_event_days(panel: AnyPanel, events: pd.DataFrame) -> np.ndarray:
    """Which of `events` start on a local day that a real event or an outage of their site touches, bool, shape (n_events,)."""
    code = panel.site_codes(pd.Index(events[SITE]))
    day = local_clock(panel, code, microseconds(events["start"])) // DAY_US
    taken: np.ndarray = (real_event_days(panel) | real_event_days(panel, outages=True))[
        code, day - panel.cube(OBSERVED).first_day
    ]
    return taken


def reject_by_load(
    ledger: DayLedger, load_kw: np.ndarray, count: int, low_share: float, high_share: float | None
) -> DayLedger:
    """Disqualify days whose load is far from the mean of the `count` newest qualified days.

    One replacement pass: the mean is that of the days first chosen, as PJM (25 %) and KPX (75 %, 125 %) word it. Where
    that mean is not above zero, as at a site that exports, a share of it says nothing and no day falls out.

    Parameters
    ----------
    load_kw : ndarray, shape (n_events, look_back)
        Mean load of each day of the ledger in the hours that count [kW].
    low_share, high_share : float
        A day below ``low_share × mean`` or above ``high_share × mean`` falls out; 0 and None switch it off.
    """
    chosen = (
        (ledger.reason == Reason.QUALIFIED)
        & (np.cumsum(ledger.reason == Reason.QUALIFIED, axis=1) <= count)
        & np.isfinite(load_kw)
    )
    total = np.where(chosen, load_kw, 0.0).sum(1)
    mean = (total / np.maximum(chosen.sum(1), 1))[:, None]
    reason = ledger.reason.copy()
    qualified = (reason == Reason.QUALIFIED) & (mean > 0)
    with np.errstate(invalid="ignore"):
        reason[qualified & (load_kw < low_share * mean)] = Reason.TOO_LOW
        if high_share is not None:
            reason[qualified & (load_kw > high_share * mean)] = Reason.TOO_HIGH
    return DayLedger(ledger.position, reason)
