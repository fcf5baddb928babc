"""Sums over the sites with the same event hours, interval by interval."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import microseconds
from cblcast.frames.schema import OBSERVED
from cblcast.settlement.estimate import SEEN, UNADJUSTED, Estimate


def sum_keys(events: pd.DataFrame) -> list[str]:
    """What events must share to be summed: their resource, where there are resources, and their hours."""
    return [name for name in ("resource", "start", "stop") if name in events.columns]


def site_sums(found: Estimate, events: pd.DataFrame) -> pd.DataFrame:
    """Sums over the sites with the same event hours (and resource), interval by interval; sums of several panels can be added.

    Parameters
    ----------
    found : Estimate
        Intervals of the events and their windows.
    events : DataFrame
        The settled events; its index is the event of the rows.

    Returns
    -------
    DataFrame, index (start, stop, time_us), with resources (resource, start, stop, time_us)
        ``unadjusted_kw``, ``visible_kw``, ``metered_kw``; ``known``, ``seen``, ``metered``, how many sites they sum;
        ``scored``, how many sites have the interval in their event; ``counted_h``, how much of
        it counts [h], summed over the sites.
    """
    place = np.full(len(found.factor), -1, dtype=np.int64)
    place[events.index.to_numpy()] = np.arange(len(events))
    use = place[found.event] >= 0
    who = place[found.event[use]]
    keys = sum_keys(events)
    start, stop = (microseconds(events[edge])[who] for edge in ("start", "stop"))
    plain, visible, metered = (found.intervals.values[column][use] for column in (UNADJUSTED, SEEN, OBSERVED))
    frame = pd.DataFrame(
        {
            **({"resource": events["resource"].to_numpy()[who]} if "resource" in keys else {}),
            "start": start,
            "stop": stop,
            "time_us": found.intervals.times_us[use],
            "unadjusted_kw": np.nan_to_num(plain),
            "visible_kw": np.nan_to_num(visible),
            "known": np.isfinite(plain).astype(np.int64),
            "seen": np.isfinite(visible).astype(np.int64),
            "metered_kw": np.nan_to_num(metered),
            "metered": np.isfinite(metered).astype(np.int64),
            "scored": found.scored[use].astype(np.int64),
            "counted_h": found.hours[use],
        }
    )
    return frame.groupby([*keys, "time_us"], sort=True).sum()


def add_sums(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The sums of several panels as those of one."""
    if len(parts) == 1:
        return parts[0]
    both = pd.concat(parts)
    return both.groupby(level=list(both.index.names), sort=True).sum()


def counted_hours(sums: pd.DataFrame) -> np.ndarray:
    """How much of each interval counts [h], on average over the sites that have it in their event; 0 in windows."""
    scored = sums["scored"].to_numpy()
    return np.divide(sums["counted_h"].to_numpy(), scored, out=np.zeros(len(sums)), where=scored > 0)
