"""The load of reference days at the wall clock of an event's rows, and days that were not metered then."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cblcast.days.blindfold import hidden_slots
from cblcast.days.ledger import DayLedger, Reason
from cblcast.frames.cases import EventArrays
from cblcast.frames.cube import DayCube
from cblcast.frames.instants import DAY_US
from cblcast.frames.known import known_mean_of_runs
from cblcast.frames.panel import AnyPanel, local_clock
from cblcast.frames.schema import OBSERVED

_DAYS_AT_ONCE = 100_000  # days that may be unmetered: bounds the memory


def reference_load(panel: AnyPanel, event: EventArrays, days: np.ndarray) -> np.ndarray:
    """Load of reference days at each row's wall clock [kW], float64, shape (n_rows, n_days).

    A row after midnight looks at the day after the reference day, a row before at the day before. What a case may not
    see stays NaN.
    """
    return _load_on_days(
        panel, event, _row_clock(panel, event), np.arange(len(event.time_us)), days[event.event_of_row]
    )


class _RowClock(NamedTuple):
    """Wall clock of each row of an event's cases: days after the event's own, slot, and first hidden slot of the event [us]."""

    offset: np.ndarray
    slot: np.ndarray
    hidden: np.ndarray


def _row_clock(panel: AnyPanel, event: EventArrays) -> _RowClock:
    row = event.event_of_row
    start_day = local_clock(panel, event.site, event.start_us) // DAY_US
    local = local_clock(panel, event.site[row], event.time_us)
    hidden, _ = hidden_slots(panel, event)
    return _RowClock(local // DAY_US - start_day[row], local % DAY_US // panel.step_us, hidden[row])


def _load_on_days(
    panel: AnyPanel, event: EventArrays, clock: _RowClock, rows: np.ndarray, days: np.ndarray
) -> np.ndarray:
    """Load of `days`, (n, n_days) positions in the cube, at the wall clock of the `rows`, (n,); see :func:`reference_load`."""
    site, offset, slot, hidden = (
        each[rows][:, None] for each in (event.site[event.event_of_row], clock.offset, clock.slot, clock.hidden)
    )
    return load_on_days(panel.cube(OBSERVED), panel.step_us, site, days, offset, slot, hidden)


def load_on_days(
    cube: DayCube,
    step_us: int,
    site: np.ndarray,
    days: np.ndarray,
    offset: np.ndarray,
    slot: np.ndarray,
    hidden_us: np.ndarray,
) -> np.ndarray:
    """Load on some days [kW], float64; arguments broadcast to its shape.

    Parameters
    ----------
    site, days : ndarray of int64
        Position of the site and of the day in the cube, -1 where there is no day.
    offset, slot : ndarray of int64
        Which day after that is looked at, and which slot of it.
    hidden_us : ndarray of int64
        Start of the first hidden slot on the local wall: what ends later is NaN.
    """
    day = np.where(days >= 0, days + offset, -2) + cube.first_day
    load = cube.lookup(site, day, slot)
    return np.where(day * DAY_US + (slot + 1) * step_us > hidden_us, np.nan, load)


def reject_unmetered_events(panel: AnyPanel, event: EventArrays, ledger: DayLedger, share: float) -> DayLedger:
    """Disqualify days that were metered, but in less than `share` of the event hours: they say nothing of the event."""
    cube = panel.cube(OBSERVED)
    whole = cube.finite_count == cube.n_slots
    safe = np.clip(ledger.position, 0, cube.n_days - 1)
    site = event.site[:, None]
    surely = whole[site, safe]
    start_day, stop_day = (local_clock(panel, event.site, at) // DAY_US for at in (event.start_us, event.stop_us - 1))
    surely[stop_day > start_day] = False  # hours after midnight are those of the next day, which may be hidden
    doubtful = (ledger.reason == Reason.QUALIFIED) & ~surely
    number, column = np.nonzero(doubtful)
    if len(number) == 0:
        return ledger
    reason, clock = ledger.reason.copy(), _row_clock(panel, event)
    for first in range(0, len(number), _DAYS_AT_ONCE):
        pair = slice(first, first + _DAYS_AT_ONCE)
        seen = _metered_share(panel, event, clock, number[pair], ledger.position[number[pair], column[pair]])
        out = (seen < share) | (seen == 0)
        reason[number[pair][out], column[pair][out]] = Reason.UNMETERED
    return DayLedger(ledger.position, reason)


def _metered_share(
    panel: AnyPanel, event: EventArrays, clock: _RowClock, number: np.ndarray, days: np.ndarray
) -> np.ndarray:
    """Share of the scored rows of the events `number` that one day each, a position in the cube, was metered at; both (n,)."""
    length = np.diff(np.r_[event.first_row, len(event.time_us)])[number]
    pair = np.repeat(np.arange(len(number)), length)
    rows = np.arange(len(pair)) + np.repeat(event.first_row[number] - (np.cumsum(length) - length), length)
    metered = np.isfinite(_load_on_days(panel, event, clock, rows, days[pair][:, None]))[:, 0]
    scored = np.bincount(pair, weights=event.scored[rows], minlength=len(number))
    with np.errstate(invalid="ignore"):
        return np.bincount(pair, weights=event.scored[rows] & metered, minlength=len(number)) / scored


def mean_by_event(values: np.ndarray, event: EventArrays) -> np.ndarray:
    """Mean over the scored rows of each event, NaN-aware; (n_rows, k) -> (n_events, k)."""
    return known_mean_of_runs(np.where(event.scored[:, None], values, np.nan), event.first_row)
