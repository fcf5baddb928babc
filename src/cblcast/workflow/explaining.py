"""A rule in words, and one event of somebody's meter worked through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.frames.events import check_events
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, utc
from cblcast.io.formats import read_dispatch, read_meter
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.programs import explain, explain_event, load_program
from cblcast.programs.asking import local_days, on_terms, vintage_on
from cblcast.programs.calendars import warn_about_calendars
from cblcast.programs.model import Program
from cblcast.programs.terms import GapPolicy
from cblcast.settlement.result import from_memory

EXAMPLE_DATA, EXAMPLE_DAY, EXAMPLE_HOURS = "cambridge_sme", "2019-06-12", ("17:00", "20:00")


def explain_program(
    name: str,
    data: str | Path | None = None,
    site: str | None = None,
    start: str | None = None,
    stop: str | None = None,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    *,
    events: Path | None = None,
    other_events: Path | None = None,
    gaps: GapPolicy | None = None,
    net_metered: bool = False,
) -> str:
    """A rule in words, and one event by hand, as one text; see :func:`explained_program`."""
    told = explained_program(
        name,
        data,
        site,
        start,
        stop,
        reader,
        events=events,
        other_events=other_events,
        gaps=gaps,
        net_metered=net_metered,
    )
    return f"{told['words']}\n\n{told['worked']}"


def explained_program(
    name: str,
    data: str | Path | None = None,
    site: str | None = None,
    start: str | None = None,
    stop: str | None = None,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    *,
    events: Path | None = None,
    other_events: Path | None = None,
    gaps: GapPolicy | None = None,
    net_metered: bool = False,
) -> dict[str, Any]:
    """A rule in words, and one event by hand: of a file, or of a bundled building unless one is given.

    With `events`, the event is one of a settlement's own (the first, or that of `site` at `start`), and the numbers are
    those of the settlement.

    Returns
    -------
    dict
        ``name``, ``title``, ``operator``, ``certainty``, ``from_memory``, ``terms`` (as a program file holds them), ``words``,
        ``site_id``, ``start``, ``stop`` of the event, ``worked`` (the event by hand).
    """
    program = on_terms(load_program(name), gaps, net_metered)
    if data is None and (events is not None or other_events is not None):
        raise DataError("events belong to a meter file: give --data too")
    panel = datasets.load(EXAMPLE_DATA) if data is None else read_meter(str(data), options=reader)
    warn_about_calendars(panel, [program])
    table, more = (
        None if path is None else read_dispatch(path, panel, tz=reader.tz) for path in (events, other_events)
    )
    event = _one_event(panel, table, site, start, stop, bundled=data is None)
    try:
        worked = explain_event(program, panel, event, table, more).text()
    except ValueError as error:  # a rule that this meter cannot feed is still told in words
        worked = f"No event is worked through: {error}"
    rule = vintage_in_words(program, panel, event)
    return {
        "name": rule.name,
        "title": rule.title,
        "operator": rule.operator,
        "certainty": rule.confidence,
        "from_memory": from_memory(rule),
        "terms": rule.model_dump(mode="json", exclude_none=True),
        "words": explain(rule),
        "site_id": str(event[SITE].iloc[0]),
        "start": event["start"].iloc[0].isoformat(),
        "stop": event["stop"].iloc[0].isoformat(),
        "worked": worked,
    }


def _one_event(
    panel: Panel, table: pd.DataFrame | None, site: str | None, start: str | None, stop: str | None, bundled: bool
) -> pd.DataFrame:
    """The event that is meant, as a table of one row."""
    if site is not None:
        panel.site_codes(pd.Index([site]))
    if table is not None:
        own = table if site is None else table[table[SITE] == site]
        if start is not None:
            own = own[own["start"] == instant(start)]
        if own.empty:
            what = f"of site {site!r}" if site is not None else "at all"
            raise DataError(f"the events hold none {what}{f' at {start}' if start else ''}: check --site and --start")
        return own.iloc[:1].reset_index(drop=True)
    chosen = site or str(panel.site_ids[0])
    if start is not None and stop is not None:
        at = pd.DatetimeIndex([instant(start), instant(stop)])
        return check_events(pd.DataFrame({SITE: [chosen], "start": at[:1], "stop": at[1:]}), panel, off_grid=True)
    if bundled:
        return placebo_events(panel.select([chosen]), *EXAMPLE_HOURS, days="all", first=EXAMPLE_DAY, last=EXAMPLE_DAY)
    raise DataError(
        "one event is worked through: give --events, or --start and --stop with their offset, e.g. 2019-06-12T17:00+01:00"
    )


def instant(text: str) -> pd.Timestamp:
    """A time as it is given with --start and --stop, with its offset."""
    try:
        at = pd.Timestamp(text)
    except ValueError:
        raise DataError(f"{text!r} is no time: write it like 2019-06-12T17:00+01:00") from None
    return utc(pd.DatetimeIndex([at]), "the event")[0]


def vintage_in_words(program: Program, panel: Panel, event: pd.DataFrame) -> Program:
    """The vintage of a program that is in force on the event's day, itself if none is."""
    try:
        return vintage_on(program, local_days(panel, event)[0].astype("O"))
    except DataError:
        return program
