"""Sites as a program sees them: the channel that it settles, and the holidays that it goes by."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from cblcast.frames.cube import DayCube
from cblcast.frames.day_panel import DayPanel
from cblcast.frames.panel import OnePanel
from cblcast.frames.schema import OBSERVED, DataError, nearest
from cblcast.programs.calendars import with_calendar
from cblcast.programs.model import Program


def as_program_sees(program: Program, panel: OnePanel) -> OnePanel:
    """The panel with the program's channel as its metered power, and with the program's calendar.

    The panel itself, if the program has neither. Events that are masked in the panel are masked in the channel too. The
    output of a generator becomes a negative load, so that what it gives beyond its baseline is delivered.

    Raises
    ------
    DataError
        A channel that the panel lacks.
    """
    if program.calendar is not None:
        panel = with_calendar(program.calendar, panel)
    sign = -1.0 if program.family == "generator" else 1.0
    if program.channel == OBSERVED and sign > 0:
        return panel
    if program.channel not in panel.names:
        raise DataError(
            f"{program.name} settles the channel {program.channel!r}, which the meter data lack "
            f"({nearest(program.channel, panel.names)}): read a file that holds it, or rename its column "
            f"(--columns THEIRS={program.channel})"
        )
    if isinstance(panel, DayPanel):
        own = panel.cube(program.channel)
        cube = own if sign > 0 else DayCube(sign * own.values, own.first_day)
        apart = replace(panel, cubes={**panel.cubes, OBSERVED: cube}, events=None, spans=panel.known_spans, fine=None)
        return cast(OnePanel, apart if panel.events is None else apart.with_events(panel.events))
    moved = replace(panel, data=panel.data.assign(**{OBSERVED: sign * panel.column(program.channel)}), events=None)
    return cast(OnePanel, moved if panel.events is None else moved.with_events(panel.events))
