"""A rule in words, and one event of somebody's meter worked through."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.frames.events import Event, check_events
from cblcast.frames.schema import SITE, DataError, utc
from cblcast.io.formats import read_meter
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.programs import explain, explain_event, load_program

EXAMPLE_DATA, EXAMPLE_DAY, EXAMPLE_HOURS = "cambridge_sme", "2019-06-12", ("17:00", "20:00")


def explain_program(
    name: str,
    data: str | Path | None = None,
    site: str | None = None,
    start: str | None = None,
    stop: str | None = None,
    reader: ReaderOptions = DEFAULT_OPTIONS,
) -> str:
    """A rule in words, and one event by hand: of a file, or of a bundled building unless one is given."""
    program = load_program(name)
    panel = datasets.load(EXAMPLE_DATA) if data is None else read_meter(str(data), options=reader)
    chosen = site or str(panel.site_ids[0])
    panel.site_codes(pd.Index([chosen]))
    if start is not None and stop is not None:
        at = utc(pd.DatetimeIndex([pd.Timestamp(start), pd.Timestamp(stop)]), "the event")
        event = check_events(pd.DataFrame({SITE: [chosen], "start": at[:1], "stop": at[1:]}), panel)
    elif data is None:
        event = placebo_events(panel.select([chosen]), *EXAMPLE_HOURS, days="all", first=EXAMPLE_DAY, last=EXAMPLE_DAY)
    else:
        raise DataError(
            "one event is worked through: give --start and --stop with their offset, e.g. 2019-06-12T17:00+01:00"
        )
    first = event.iloc[0]
    try:
        worked = explain_event(program, panel, Event(chosen, first["start"], first["stop"])).text()
    except ValueError as error:  # a rule that this meter cannot feed is still told in words
        worked = f"No event is worked through: {error}"
    return f"{explain(program)}\n\n{worked}"
