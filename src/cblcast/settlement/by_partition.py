"""Settle the events of some sites of a meter store: from the days of their look-back alone, wherever that is enough."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd

from cblcast.frames.day_panel import codes_of
from cblcast.frames.events import event_table
from cblcast.frames.instants import DAY_US, HOUR_US, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import ESTIMATED, SITE, DataWarning
from cblcast.io.store import MeterStore, Partition, SiteDays
from cblcast.io.store.as_days import days_of_partition
from cblcast.programs.direct import look_back_days
from cblcast.programs.model import ClockWindow, Program
from cblcast.settlement.conductor import settle_part
from cblcast.settlement.direct import why_not_by_clock, why_not_by_days
from cblcast.settlement.partition_days import day_panel, with_known_spans
from cblcast.settlement.result import Part
from cblcast.settlement.wishes import Wishes

_MARGIN_DAYS = 2  # an event's local day in any zone, and the day before a day that is compared


def settle_partition(
    store: MeterStore,
    partition: Partition,
    sites: pd.DataFrame,
    events: pd.DataFrame,
    programs: Sequence[Program],
    wishes: Wishes,
    other: pd.DataFrame | None = None,
) -> Part:
    """Settle the events of sites of one partition; what concerns portfolios is left to :func:`~cblcast.settlement.result.finish`.

    Parameters
    ----------
    store : MeterStore
    partition : Partition
    sites : DataFrame, index site_id
        Those of the partition's sites that are settled, as of a panel.
    events : DataFrame
        Of these sites.
    programs : sequence of Program
    wishes : Wishes
    other : DataFrame, optional
        Further events, whose days are out.

    Notes
    -----
    Where every program can be carried out from days by site, and no clock changes beside an event, only the days that the events
    look back at are read, and no row an interval is made. Otherwise, and where flags of estimated readings stand beside the load, the
    partition is read whole, interval by interval. Of sites whose days do not reach around their events the whole record is read too.
    """
    if (
        ESTIMATED in (store.layout_of_files.ours(column) for column in store.layout_of_files.beside)
        or any(why_not_by_days(program, wishes) for program in programs)
        or _clock_matters(store, sites, events, programs)
    ):
        return settle_part(store.read_panel(partition, sites), events, programs, wishes, other)
    first, last = days_needed(events, programs)
    back = max((look_back_days(program) for program in programs), default=0)
    days = days_of_partition(store, partition, sites, (first, last), (first + back, last))
    if days is None:  # what lies elsewhere tells why
        return settle_part(store.read_panel(partition, sites), events, programs, wishes, other)
    for note in days.notes:
        if note.kind.warned:
            warnings.warn(note.text, DataWarning, stacklevel=2)
    panel = with_known_spans(day_panel(days, sites, events), events, partial(_whole_record, store, partition))
    return settle_part(panel, events, programs, wishes, other)


def _whole_record(store: MeterStore, partition: Partition, sites: pd.DataFrame) -> Panel:
    return store.read_panel(partition, sites, columns=())


def _clock_matters(store: MeterStore, sites: pd.DataFrame, events: pd.DataFrame, programs: Sequence[Program]) -> bool:
    """Whether a wall clock does not tell what the meters say around these events."""
    table = event_table(events)
    code = codes_of(sites.index, pd.Index(table[SITE].astype(str)))
    zones = sites["tz"].to_numpy(dtype=object)[code[code >= 0]]
    around = int(max((_reach_hours(program, table) for program in programs), default=0.0) * HOUR_US)
    start, stop = (microseconds(table[edge])[code >= 0] for edge in ("start", "stop"))
    step_us = store.step_us or HOUR_US
    return why_not_by_clock(zones, start - around, stop + around, step_us, store.layout != "days") != ""


def settle_days(
    days: SiteDays,
    sites: pd.DataFrame,
    events: pd.DataFrame,
    programs: Sequence[Program],
    wishes: Wishes,
    other: pd.DataFrame | None = None,
    long: Callable[[], Panel] | None = None,
) -> Part:
    """Settle events from days by site.

    Parameters
    ----------
    days : SiteDays
    sites : DataFrame, index site_id
        With ``tz``; those that are settled.
    events : DataFrame
    programs : sequence of Program
    wishes : Wishes
    other : DataFrame, optional
        Further events, whose days are out.
    long : callable, optional
        The same sites interval by interval, for programs that days are not enough for; made of the days unless given.
    """
    return settle_part(day_panel(days, sites, events), events, programs, wishes, other, long)


def days_needed(events: pd.DataFrame, programs: Sequence[Program]) -> tuple[int, int]:
    """First and last local day that `programs` may look at for `events`, days since 1970-01-01."""
    table = event_table(events)
    start, stop = (microseconds(table[edge]) for edge in ("start", "stop"))
    back = max((look_back_days(program) for program in programs), default=0)
    beside = max((_reach_hours(program, table) for program in programs), default=0.0)
    around = _MARGIN_DAYS + int(np.ceil(beside / 24))
    return int(start.min() // DAY_US) - back - around, int(stop.max() // DAY_US) + around


def _reach_hours(program: Program, events: pd.DataFrame) -> float:
    """How far the windows of a program may reach from its events [h]."""
    windows = (*program.meter, *(() if program.adjustment is None else program.adjustment.windows))
    beside = [48.0 if isinstance(window, ClockWindow) else window.buffer + window.hours for window in windows]
    notice = 0.0
    if program.adjustment is not None and program.adjustment.ends_at == "notification" and "notified" in events.columns:
        lead = microseconds(events["start"]) - microseconds(pd.DatetimeIndex(events["notified"]))
        notice = float(np.max(lead[events["notified"].notna().to_numpy()], initial=0)) / HOUR_US
    # A window may stand beside the first or last event of the day, and a gap is filled from beside the event.
    return 24.0 + notice + max(beside, default=0.0)
