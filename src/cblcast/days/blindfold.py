"""The blindfold on the wall clock: which slots of the DayCube hold a reading that a case may not see."""

from __future__ import annotations

import numpy as np

from cblcast.frames.cases import EventArrays
from cblcast.frames.instants import HOUR_US
from cblcast.frames.panel import AnyPanel, local_clock

# No clock has been put back by more than two hours; a reading further away cannot share a slot.
_CLOCK_CHANGE_US = 3 * HOUR_US


def hidden_slots(panel: AnyPanel, event: EventArrays) -> tuple[np.ndarray, np.ndarray]:
    """First hidden slot of each event, and the first slot after the last hidden one.

    A slot is hidden as soon as ONE of its readings is: on the 25 h day the double hour holds the mean of two readings,
    and where a zone's offset is no multiple of the step a slot holds the reading that begins within it.

    Returns
    -------
    begin, end : ndarray of int64, shape (n_events,)
        Start of the slot on the local wall, microseconds since 1970-01-01 00:00. A slot may be seen when it ends by
        `begin` or starts at or after `end`; which ones between them may be seen too, :func:`seen_slots` tells.
    """
    step = panel.step_us
    first_hidden, last_hidden = _hidden_readings(panel, event)
    begin = _slot(panel, event.site, first_hidden)
    end = _slot(panel, event.site, last_hidden) + step
    near = _clock_put_back(panel, event.site, first_hidden, first_hidden + _CLOCK_CHANGE_US)
    for later in range(step, _CLOCK_CHANGE_US + 1, step) if len(near) else ():
        at = np.minimum(first_hidden[near] + later, last_hidden[near])
        begin[near] = np.minimum(begin[near], _slot(panel, event.site[near], at))
    near = _clock_put_back(panel, event.site, last_hidden - _CLOCK_CHANGE_US, last_hidden)
    for earlier in range(step, _CLOCK_CHANGE_US + 1, step) if len(near) else ():
        at = np.maximum(last_hidden[near] - earlier, first_hidden[near])
        end[near] = np.maximum(end[near], _slot(panel, event.site[near], at) + step)
    return begin, end


def seen_slots(panel: AnyPanel, event: EventArrays, wall_us: np.ndarray) -> np.ndarray:
    """Whether each event may see the slots that start at `wall_us` on its local wall.

    Parameters
    ----------
    wall_us : ndarray of int64, shape (n_events, ...)
        Microseconds since 1970-01-01 00:00, on the slots' own grid.

    Returns
    -------
    ndarray of bool, shape of `wall_us`
    """
    step, site = panel.step_us, event.site
    edges = (*hidden_slots(panel, event), *(_slot(panel, site, at) for at in _hidden_readings(panel, event)))
    begin, end, first, last = (edge.reshape(-1, *[1] * (wall_us.ndim - 1)) for edge in edges)
    # From 01:45 to 01:15, where the clock is put back between them: what lies between the two on the wall was metered
    # once before the blindfold and once after it.
    between = (wall_us >= last + step) & (wall_us + step <= first)
    seen: np.ndarray = (wall_us + step <= begin) | (wall_us >= end) | between
    return seen


def _hidden_readings(panel: AnyPanel, event: EventArrays) -> tuple[np.ndarray, np.ndarray]:
    """Start of the first and of the last hidden reading of each event."""
    first, step = panel.first_times_us[event.site], panel.step_us
    # An interval that reaches into the blindfold carries hidden load in its mean, so the grid is rounded down.
    begin, end = (first + (at - first) // step * step for at in (event.hidden_from_us, event.hidden_until_us - 1))
    return begin, end


def _slot(panel: AnyPanel, site: np.ndarray, times_us: np.ndarray) -> np.ndarray:
    return local_clock(panel, site, times_us) // panel.step_us * panel.step_us


def _clock_put_back(panel: AnyPanel, site: np.ndarray, since_us: np.ndarray, until_us: np.ndarray) -> np.ndarray:
    """Events between whose two instants the clock was put back."""
    passed = local_clock(panel, site, until_us) - local_clock(panel, site, since_us)
    return np.flatnonzero(passed < until_us - since_us)
