"""Sums over the sites with the same event hours, interval by interval."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel

KEYS = ["start", "stop"]


def site_sums(panel: Panel, rows: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Sums over the sites with the same event hours, interval by interval; sums of several panels can be added.

    Parameters
    ----------
    rows : DataFrame
        Intervals of the events and their windows (see :class:`cblcast.settle.estimate.Estimate`), with ``metered_kw``.
    events : DataFrame
        The settled events; its index is the event of the rows.

    Returns
    -------
    DataFrame, index (start, stop, time_us)
        ``unadjusted_kw``, ``visible_kw``, ``metered_kw``; ``known``, ``seen``, ``metered``, how many sites they sum;
        ``scored``, how many sites have the interval in their event; ``step_hours``.
    """
    number = rows["event"].to_numpy(dtype=np.int64)
    place = np.full(int(max(number.max(initial=0), events.index.max() if len(events) else 0)) + 1, -1, dtype=np.int64)
    place[events.index.to_numpy()] = np.arange(len(events))
    use = place[number] >= 0
    who = place[number[use]]
    start, stop = (pd.DatetimeIndex(events[edge]).as_unit("us").asi8[who] for edge in KEYS)
    plain, visible, metered = (
        rows[column].to_numpy(dtype=np.float64)[use] for column in ("unadjusted_kw", "visible_kw", "metered_kw")
    )
    frame = pd.DataFrame(
        {
            "start": start,
            "stop": stop,
            "time_us": rows["time_us"].to_numpy(dtype=np.int64)[use],
            "unadjusted_kw": np.nan_to_num(plain),
            "visible_kw": np.nan_to_num(visible),
            "known": np.isfinite(plain).astype(np.int64),
            "seen": np.isfinite(visible).astype(np.int64),
            "metered_kw": np.nan_to_num(metered),
            "metered": np.isfinite(metered).astype(np.int64),
            "scored": rows["scored"].to_numpy(dtype=bool)[use].astype(np.int64),
        }
    )
    return frame.groupby([*KEYS, "time_us"], sort=True).sum().assign(step_hours=panel.step_hours)


def add_sums(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The sums of several panels as those of one."""
    if len(parts) == 1:
        return parts[0]
    both = pd.concat(parts)
    step = both["step_hours"].iloc[0]
    return both.drop(columns="step_hours").groupby(level=[0, 1, 2], sort=True).sum().assign(step_hours=step)
