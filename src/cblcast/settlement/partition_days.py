"""The days of a partition as a panel that knows where each site's record begins and ends, though only a look-back was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from cblcast.frames.cube import DayCube
from cblcast.frames.day_panel import NO_SPAN, DayPanel, codes_of
from cblcast.frames.events import event_table
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.io.store import SiteDays
from cblcast.settlement.settleable import outside_span


def day_panel(days: SiteDays, sites: pd.DataFrame, events: pd.DataFrame) -> DayPanel:
    """Days by site as a panel of the sites that are there, and of those of `events` that have no day at all."""
    own = sites if sites.index.equals(days.site_ids) else sites.take(codes_of(sites.index, days.site_ids))
    cube, fine, spans = days.cube, days.fine, days.spans
    lost = sites.index[codes_of(days.site_ids, sites.index) < 0]
    lost = lost[np.isin(lost, events[SITE].astype(str))] if len(lost) else lost
    if len(lost):  # their events are problems like any other
        own = pd.concat([own, sites.loc[lost]])
        order = np.argsort(own.index.to_numpy(dtype=object), kind="stable")
        own, cube = own.iloc[order], _with_lost(cube, len(lost), order)
        fine = None if fine is None else _with_lost(fine, len(lost), order)
        if spans is not None:
            first, last = (np.r_[span, np.repeat(none, len(lost))] for span, none in zip(spans, NO_SPAN, strict=True))
            spans = first[order], last[order]
    return DayPanel(
        {OBSERVED: cube}, own.rename_axis(SITE), int(days.step / pd.Timedelta("1us")), spans=spans, fine=fine
    )


def _with_lost(cube: DayCube, n_lost: int, order: np.ndarray) -> DayCube:
    """The cube with so many more sites, of which nothing is known, in an order."""
    nothing = np.full((n_lost, *cube.values.shape[1:]), np.nan, dtype=cube.values.dtype)
    return DayCube(np.concatenate([cube.values, nothing])[order], cube.first_day)


def with_known_spans(panel: DayPanel, events: pd.DataFrame, record: Callable[[pd.DataFrame], Panel]) -> DayPanel:
    """The panel with the true first and last interval of sites whose days do not reach around their events.

    Parameters
    ----------
    panel : DayPanel
        Of the days that the events look back at: a gap at their edge looks like an end of the record.
    record : callable
        The whole record of some sites, interval by interval.
    """
    table = event_table(events)
    code = codes_of(panel.site_ids, pd.Index(table[SITE].astype(str)))
    doubtful = np.unique(code[outside_span(panel, table)])
    if not len(doubtful):
        return panel
    whole = record(panel.sites.iloc[doubtful])
    place = codes_of(panel.site_ids, whole.site_ids)
    first, last = (span.copy() for span in panel.known_spans)
    first[place], last[place] = whole.first_times_us, whole.last_times_us
    return replace(panel, spans=(first, last))
