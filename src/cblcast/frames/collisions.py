"""Windows that reach into another event: there the meter has been moved by the program itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.frames.events import Window
from cblcast.frames.instants import HOUR_US, microseconds
from cblcast.frames.panel import AnyPanel
from cblcast.frames.schema import SITE

OUTAGE = "outage"  # in the column kind of events: nothing was dispatched, but the meter says nothing of that day
FREE = np.iinfo(np.int64).min


def reached_event(panel: AnyPanel, events: pd.DataFrame, windows: Sequence[Window]) -> np.ndarray:
    """Start of the first real event of the same site that each window of each event reaches into.

    Parameters
    ----------
    panel : Panel
        Its ``events`` are the real ones.
    events : DataFrame
        ``site_id``, ``start``, ``stop``, in any order.
    windows : sequence of Window

    Returns
    -------
    ndarray of int64, shape (n_windows, n_events)
        Microseconds since 1970, UTC; :data:`FREE` where the window is free.
    """
    reached = np.full((len(windows), len(events)), FREE, dtype=np.int64)
    if panel.events is None or events.empty or not len(windows):
        return reached
    known = panel.events[~is_outage(panel.events)]
    if known.empty:
        return reached
    code, start, stop = _spans(panel, known)
    order = np.lexsort((start, code))
    code, start, stop = code[order], start[order], stop[order]
    own_code, own_start, own_stop = _spans(panel, events)
    origin = int(min(start.min(), own_start.min())) - 1000 * HOUR_US
    far = int(max(stop.max(), own_stop.max())) - origin + 2000 * HOUR_US  # one number line for all sites
    # Events may overlap, those of other programs above all: the first that ends after an instant is where the latest end so far does.
    ends = np.maximum.accumulate(code * far + stop - origin)
    for number, window in enumerate(windows):
        length, near = round(window.hours * HOUR_US), round(window.buffer * HOUR_US)
        begin = own_start - near - length if window.side == "before" else own_stop + near
        place = np.searchsorted(ends, own_code * far + begin - origin, side="right")
        found = np.minimum(place, len(start) - 1)
        hit = (place < len(start)) & (code[found] == own_code) & (start[found] < begin + length)
        reached[number] = np.where(hit, start[found], FREE)
    return reached


def is_outage(events: pd.DataFrame) -> np.ndarray:
    """Which rows of a table of events are outages (column ``kind``), bool, shape (n_events,)."""
    if "kind" not in events.columns:
        return np.zeros(len(events), dtype=bool)
    told: np.ndarray = events["kind"].astype("str").str.strip().str.lower().eq(OUTAGE).to_numpy(dtype=bool)
    return told


def collides(panel: AnyPanel, events: pd.DataFrame, windows: Sequence[Window]) -> np.ndarray:
    """Events of which some window reaches into another real event of the site, bool, shape (n_events,)."""
    hit: np.ndarray = (reached_event(panel, events, windows) != FREE).any(0)
    return hit


def _spans(panel: AnyPanel, events: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    code = panel.site_codes(pd.Index(events[SITE])).astype(np.int64)
    return code, microseconds(events["start"]), microseconds(events["stop"])
