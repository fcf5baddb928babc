"""Where an interval stands relative to its event, and the load that may be seen beside the event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import HourCount
from cblcast.frames.cases import EventArrays
from cblcast.frames.events import Window, WindowSpec
from cblcast.frames.instants import HOUR_US
from cblcast.frames.known import known_mean
from cblcast.frames.panel import AnyPanel, Panel
from cblcast.frames.schema import OBSERVED, StudyError
from cblcast.wishes import joined, widest


def _join_windows(one: tuple[str | Window, ...], other: tuple[str | Window, ...]) -> tuple[str | Window, ...]:
    both = tuple(dict.fromkeys((*one, *other)))
    if any(not isinstance(window, str) for window in both):
        raise StudyError(
            "two parts of a method want event_windows with windows of their own, whose columns are told apart by number "
            "alone: use named windows (WS, PBLM, BW), or give both the same"
        )
    return both


@dataclass(frozen=True)
class EventWindows:
    """Position in the event and metered load in the windows beside it.

    Columns: ``hours_since_start``, ``hours_since_stop`` (interval start minus event start and stop [h]),
    ``event_hours`` (length of the event [h]), ``metered_kw`` (the meter at the interval itself, NaN where the case may
    not look), ``seen_before_<k>_kw`` (mean load of the k-th hour before the event, 1 nearest) and
    ``seen_after_<k>_kw`` likewise after the event; NaN where hidden or not metered.

    Parameters
    ----------
    hours_before, hours_after : int
        How many single hours before and after the event are looked up.
    windows : tuple of str or Window
        Further windows; their mean load is ``seen_<name or number>_kw``.
    """

    hours_before: HourCount = widest(0)
    hours_after: HourCount = widest(0)
    windows: tuple[WindowSpec, ...] = joined((), _join_windows)

    def __post_init__(self) -> None:
        check_fields(self)
        # A study and a saved forecaster write windows as mappings, which cannot be hashed.
        named = (window if isinstance(window, str) else Window.of(window) for window in self.windows)
        object.__setattr__(self, "windows", tuple(named))

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        row = event.event_of_row
        found = {
            "hours_since_start": (event.time_us - event.start_us[row]) / HOUR_US,
            "hours_since_stop": (event.time_us - event.stop_us[row]) / HOUR_US,
            "event_hours": ((event.stop_us - event.start_us) / HOUR_US)[row],
            "metered_kw": visible_load(panel, event, np.arange(len(event.start_us))[row], event.time_us),
        }
        spans = {f"seen_before_{k}_kw": Window.before(1, buffer=k - 1) for k in range(1, self.hours_before + 1)}
        spans |= {f"seen_after_{k}_kw": Window.after(1, buffer=k - 1) for k in range(1, self.hours_after + 1)}
        for number, window in enumerate(self.windows, start=1):
            spans[f"seen_{window if isinstance(window, str) else number}_kw"] = Window.of(window)
        for name, window in spans.items():
            found[name] = mean_seen(panel, event, window)[row]
        return pd.DataFrame(found, index=cases.index)


def visible_load(panel: AnyPanel, event: EventArrays, number: np.ndarray, times_us: np.ndarray) -> np.ndarray:
    """Metered load [kW] of event `number` at `times_us` (broadcast), NaN wherever that event may not look."""
    load = panel.values_at(OBSERVED, event.site[number], times_us)
    hidden = (times_us >= event.hidden_from_us[number]) & (times_us < event.hidden_until_us[number])
    # An interval that reaches into the blindfold would carry hidden load in its mean.
    reaches = (times_us + panel.step_us > event.hidden_from_us[number]) & (times_us < event.hidden_from_us[number])
    return np.where(hidden | reaches, np.nan, load)


def mean_seen(panel: Panel, event: EventArrays, window: Window) -> np.ndarray:
    """Mean visible load of each event in `window` [kW], shape (n_events,); NaN where nothing is seen."""
    if window.side == "before":
        begin = event.start_us - round((window.buffer + window.hours) * HOUR_US)
    else:
        begin = event.stop_us + round(window.buffer * HOUR_US)
    count = max(1, round(window.hours * HOUR_US / panel.step_us))
    times = begin[:, None] + np.arange(count) * panel.step_us
    return known_mean(visible_load(panel, event, np.arange(len(begin))[:, None], times))
