"""Screening the events of a panel, and joining the tables of several panels as those of one."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError
from cblcast.integrity import DETECTORS, over_events, screen, selection_bias, side_by_side
from cblcast.integrity.too_few import warn_about_too_few_days
from cblcast.programs import load_program
from cblcast.programs.calendars import with_calendar
from cblcast.programs.dispatch import on_grid


def screened(panel: Panel, events: pd.DataFrame, program: str) -> dict[str, pd.DataFrame]:
    """What stands out in events, single and over all of a site's, and their delivered energy adjusted and unadjusted."""
    rule = load_program(program)
    panel = panel if rule.calendar is None else with_calendar(rule.calendar, panel)
    called = events[events[SITE].isin(panel.site_ids)]
    table = on_grid(panel, called)  # readings that an event begins or ends in are screened whole
    if table.empty:
        raise DataError("no site of the events is in the data: check the site ids")
    return {
        "events": screen(panel, table, program),
        "over_events": over_events(panel, table, program),
        "sites": selection_bias(panel, table, program).reset_index(),
        "side_by_side": side_by_side(panel, called, program),
    }


def tables_in_order(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables of several panels as those of one, and told once of how many there are too few days."""
    told = {name: table.reset_index(drop=True) for name, table in tables.items()}
    place = {name: number for number, name in enumerate(DETECTORS)}
    events = told["events"]
    told["events"] = events.iloc[events["detector"].map(place).argsort(kind="stable")].reset_index(drop=True)
    warn_about_too_few_days(told["events"], told["over_events"])
    return told
