"""Events as they are dispatched: edges between two readings, ramps, sites that opt out, and the energy that counts."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd

from cblcast.frames.collisions import OUTAGE, is_outage
from cblcast.frames.day_panel import DayPanel, codes_of
from cblcast.frames.events import event_table, moved_outward
from cblcast.frames.instants import HOUR_US, MINUTE_US, microseconds, stamps
from cblcast.frames.panel import AnyPanel, OnePanel, Panel
from cblcast.frames.schema import DISPATCHED, OBSERVED, SITE, DataError
from cblcast.programs.model import Program

RAMPS = ("ramp_in_min", "ramp_out_min")
OPTED_OUT = "opted_out"
_NO, _YES = {"", "false", "no", "0", "0.0", "nan", "none", "nat", "<na>"}, {"true", "yes", "1", "1.0"}


def on_grid(panel: AnyPanel, events: pd.DataFrame) -> pd.DataFrame:
    """The same events with what they may have moved, on the metering grid: what is masked and estimated.

    Parameters
    ----------
    events : DataFrame
        ``site_id``, ``start``, ``stop``; optional ``ramp_in_min`` and ``ramp_out_min``: minutes before the start and
        after the stop in which the dispatch moves the load already, or still.

    Returns
    -------
    DataFrame
        With ``start`` no later and ``stop`` no earlier than given.
    """
    begin, end = (ramp_minutes(events, column) * MINUTE_US for column in RAMPS)
    if begin.any() or end.any():
        start, stop = (microseconds(events[edge]) for edge in ("start", "stop"))
        events = events.assign(start=stamps(start - begin), stop=stamps(stop + end))
    return moved_outward(panel, events)


def ramp_minutes(events: pd.DataFrame, column: str) -> np.ndarray:
    """Minutes of a ramp, 0 where the event names none; int64, shape (n_events,)."""
    if column not in events.columns:
        return np.zeros(len(events), dtype=np.int64)
    minutes = pd.to_numeric(events[column], errors="coerce")
    wrong = (minutes.isna() & events[column].notna()) | (minutes < 0) | (minutes > 1440)
    if wrong.any():
        row = events[wrong.to_numpy()].iloc[0]
        raise DataError(
            f"the event of site {row[SITE]!r} at {row['start']} has the {column} {str(row[column])!r}: give minutes, 0 to 1440"
        )
    return np.round(minutes.fillna(0).to_numpy(dtype=np.float64)).astype(np.int64)


def left_at(events: pd.DataFrame) -> np.ndarray:
    """When each site opted out [us]: its start where it never took part, its stop where it stayed; shape (n_events,).

    The column ``opted_out`` holds yes or no, or the time (with its offset) from which on the site no longer took part.
    """
    start, stop = (microseconds(events[edge]) for edge in ("start", "stop"))
    if OPTED_OUT not in events.columns:
        return stop
    left = stop.copy()
    for row, given in enumerate(events[OPTED_OUT]):
        text = str(given).strip().lower()
        if text in _NO:
            continue
        left[row] = start[row] if text in _YES else _instant(given, events.iloc[row])
    return np.clip(left, start, stop)


def _instant(given: object, event: pd.Series) -> int:
    try:
        at = pd.Timestamp(given)
    except ValueError:
        at = pd.NaT
    if at is pd.NaT or at.tz is None:
        raise DataError(
            f"the event of site {event[SITE]!r} at {event['start']} has opted_out {str(given)!r}: write yes or no, or the time "
            "with its offset, as 2019-06-01T17:30+02:00"
        )
    return int(microseconds([at])[0])


def counted_hours(
    events: pd.DataFrame, event: np.ndarray, times_us: np.ndarray, step_us: int, ramps_count: bool
) -> np.ndarray:
    """How much of each interval counts as its event [h], shape (n_rows,): an interval at an edge counts by its overlap.

    Parameters
    ----------
    events : DataFrame
        As dispatched.
    event : ndarray of int64, shape (n_rows,)
        Position of each row's event.
    times_us : ndarray of int64, shape (n_rows,)
        Start of each interval.
    ramps_count : bool
        Whether the ramps beside the event count too.
    """
    begin, end = microseconds(events["start"]), left_at(events)
    if ramps_count:
        before, after = (ramp_minutes(events, column) * MINUTE_US for column in RAMPS)
        stayed = end == microseconds(events["stop"])
        begin, end = begin - before, np.where(stayed, end + after, end)
    inside = np.minimum(times_us + step_us, end[event]) - np.maximum(times_us, begin[event])
    hours: np.ndarray = np.maximum(inside, 0) / HOUR_US
    return hours


def partial_edges(panel: AnyPanel, events: pd.DataFrame) -> np.ndarray:
    """How many edges of each event lie between two readings, 0, 1 or 2; shape (n_events,)."""
    first = panel.first_times_us[panel.site_codes(pd.Index(events[SITE]))]
    off = [(microseconds(events[edge]) - first) % panel.step_us != 0 for edge in ("start", "stop")]
    count: np.ndarray = off[0].astype(np.int64) + off[1]
    return count


def masking_events(panel: AnyPanel, events: pd.DataFrame, *others: pd.DataFrame | None) -> pd.DataFrame:
    """Every event that is masked: `events`, others, and those that the panel knows, on its grid and with their ramps.

    Parameters
    ----------
    events : DataFrame
        Of sites that the panel has.
    others : DataFrame or None
        Events of sites that the panel lacks are left out.

    Returns
    -------
    DataFrame
        ``site_id``, ``start``, ``stop``, ``kind`` ("event" or "outage").
    """
    columns = [SITE, "start", "stop", "kind"]
    parts = []
    for more in (events, *others, panel.events):
        if more is events or (more is not None and len(more)):
            known = event_table(more)
            known = known[codes_of(panel.site_ids, pd.Index(known[SITE])) >= 0]
            kind = np.where(is_outage(known), OUTAGE, "event")
            parts.append(on_grid(panel, known).assign(kind=kind)[columns])
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)


def without_outages(panel: OnePanel, masks: pd.DataFrame) -> OnePanel:
    """The panel as metered, but for the outages among `masks`, in which its readings say nothing."""
    outages = masks[is_outage(masks)]
    return cast(OnePanel, panel.with_events(outages)) if len(outages) else panel


def masked_for(program: Program, panel: OnePanel, masks: pd.DataFrame) -> OnePanel:
    """The panel with events masked as `program` needs it: their meter is kept aside where a rule falls back to event days.

    Parameters
    ----------
    panel : Panel
        As metered, as the program sees it.
    masks : DataFrame
        As :func:`masking_events` makes it.
    """
    masked = panel.with_events(masks)
    if not any(step.event_days is not None for rule in program.days for step in rule.fallback):
        return cast(OnePanel, masked)
    kept = without_outages(panel, masks)
    if isinstance(masked, DayPanel):
        return cast(OnePanel, replace(masked, cubes={**masked.cubes, DISPATCHED: kept.cube(OBSERVED)}))
    assert isinstance(kept, Panel)
    return cast(OnePanel, replace(masked, data=masked.data.assign(**{DISPATCHED: kept.column(OBSERVED)})))
