"""People tire: how often somebody was asked of late, and what that leaves of a response."""

from __future__ import annotations

import numpy as np

RECENT_DAYS = 7


def events_of_late(days: np.ndarray) -> np.ndarray:
    """Events of the seven days before each event, int64, shape (n_events,).

    Parameters
    ----------
    days : ndarray of int, shape (n_events,)
        Local days of the events of one customer, in any order.
    """
    days = np.asarray(days)
    ordered = np.sort(days)
    first = np.searchsorted(ordered, days - RECENT_DAYS, side="left")
    return np.searchsorted(ordered, days, side="left") - first
