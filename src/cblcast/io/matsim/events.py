"""Trips, activities and persons of a MATSim events file.

A trip runs from a departure to the next activity that is no stage (``pt interaction``). Its distance is the length of the
links that its vehicles ENTERED between getting in and out (departure link left out, arrival link counted up to
``relativePosition``, as MATSim's own route distance), plus what ``travelled`` events say of teleported legs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from cblcast.errors import DataError
from cblcast.io.matsim.event_stream import StreamReport, stream
from cblcast.io.matsim.network import Network
from cblcast.io.matsim.recorder import Activity, Recorder, Trip

TRIP_COLUMNS = ["person", "mode", "from_link", "to_link", "departure_s", "arrival_s", "distance_m", "first_s"]
ACTIVITY_COLUMNS = ["person", "activity", "link", "start_s", "end_s", "first_s"]
PERSON_COLUMNS = [
    "person",
    "first_activity",
    "first_link",
    "first_s",
    "last_activity",
    "last_link",
    "last_s",
    "stuck_s",
]
BATCH = 10_000


class Sink(Protocol):
    """Takes trips and activities as they end, in batches; a tuple has the columns of the frames below, ids as bytes."""

    def trips(self, batch: list[Trip]) -> None:
        """Trips that have arrived."""

    def activities(self, batch: list[Activity]) -> None:
        """Activities that have begun and ended within the file."""

    def forget(self) -> None:
        """The file is read from its beginning: drop what came so far."""


@dataclass(frozen=True)
class EventsReport:
    """What was read, and what was odd in it.

    Attributes
    ----------
    file : str
    stream : StreamReport
        Events by type, order of times, closing tag.
    persons, drivers : int
        Persons of the population; drivers of transit and fleet vehicles, who are left out.
    odd : dict
        What was odd → how often; empty for a clean file.
    """

    file: str
    stream: StreamReport
    persons: int
    drivers: int
    odd: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        events = sum(self.stream.counts.values())
        odd = "; ".join(f"{n} {what}" for what, n in self.odd.items()) or "nothing odd"
        return f"{self.file}: {events} events, {self.persons} persons, {self.drivers} drivers left out; {odd}"


@dataclass(frozen=True)
class MatsimEvents:
    """A day of a population.

    Attributes
    ----------
    trips : DataFrame
        ``person``, ``mode`` (of the longest leg), ``from_link``, ``to_link``, ``departure_s``, ``arrival_s`` [s from
        midnight, may exceed 24 h], ``distance_m`` [m], ``first_s``.
    activities : DataFrame
        Begun and ended within the file: ``person``, ``activity``, ``link``, ``start_s``, ``end_s``, ``first_s``.
    persons : DataFrame
        ``person``; activity and link before the first event (``first_activity``, ``first_link``, until ``first_s``) and
        after the last (``last_activity``, ``last_link``, from ``last_s``; ``""`` for who is on the road since ``last_s``);
        ``stuck_s``: when the run gave a person up [s], NaN for everybody else.
    report : EventsReport
    """

    trips: pd.DataFrame
    activities: pd.DataFrame
    persons: pd.DataFrame
    report: EventsReport


def read_events(path: str | Path, network: Network, *, fast: bool = True) -> MatsimEvents:
    """All trips and activities of an events file, as frames; see :func:`stream_events` for files beyond memory.

    Parameters
    ----------
    path : path
        ``output_events.xml``, ``.xml.gz`` or ``.xml.zst``.
    network : Network
        The run's network: lengths of links.
    fast : bool
        False reads the slow way, which gives the same.

    Raises
    ------
    DataError
        As :func:`cblcast.io.matsim.event_stream.stream`; no persons; links of which the network knows none.
    """
    kept = _Kept()
    persons, report = stream_events(path, network, [kept], fast=fast)
    return MatsimEvents(
        _frame(kept.all_trips, TRIP_COLUMNS), _frame(kept.all_activities, ACTIVITY_COLUMNS), persons, report
    )


def stream_events(
    path: str | Path, network: Network, sinks: Iterable[Sink], *, fast: bool = True, batch: int = BATCH
) -> tuple[pd.DataFrame, EventsReport]:
    """Give trips and activities to `sinks` in batches; kept in memory is one batch and the state of each person.

    Returns
    -------
    persons : DataFrame
        See :class:`MatsimEvents`.
    report : EventsReport
    """
    sinks = list(sinks)
    trips: list[Trip] = []
    activities: list[Activity] = []

    def flush_trips() -> None:
        for sink in sinks:
            sink.trips(trips)
        trips.clear()

    def flush_activities() -> None:
        for sink in sinks:
            sink.activities(activities)
        activities.clear()

    def forget() -> None:
        trips.clear()
        activities.clear()
        for sink in sinks:
            sink.forget()

    recorder = Recorder(
        {
            link.encode(): metres
            for link, metres in zip(network.links.index.tolist(), network.links["length_m"].tolist(), strict=True)
        },
        _batched(trips, flush_trips, batch),
        _batched(activities, flush_activities, batch),
        forget,
    )
    read = stream(path, recorder, fast=fast)
    flush_trips()
    flush_activities()
    return _persons(recorder, Path(path).name), _report(recorder, read, Path(path).name)


class _Kept:
    """The sink that keeps everything."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.all_trips: list[Trip] = []
        self.all_activities: list[Activity] = []

    def trips(self, batch: list[Trip]) -> None:
        self.all_trips += batch

    def activities(self, batch: list[Activity]) -> None:
        self.all_activities += batch


def _batched(rows: list[Any], flush: Callable[[], None], size: int) -> Callable[[Any], None]:
    def add(row: Any) -> None:
        rows.append(row)
        if len(rows) >= size:
            flush()

    return add


def _frame(rows: list[Any], columns: list[str]) -> pd.DataFrame:
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pd.DataFrame(
        {
            name: pd.Series([v.decode() for v in column], dtype="str")
            if not name.endswith(("_s", "_m"))
            else pd.Series(column, dtype="float64")
            for name, column in zip(columns, values, strict=True)
        }
    )


def _persons(recorder: Recorder, file: str) -> pd.DataFrame:
    rows = []
    for person, p in recorder.persons.items():
        if person in recorder.drivers or p.first_s != p.first_s:
            continue
        last = (p.activity, p.link, p.since_s) if p.activity is not None else (b"", b"", p.trip_s or p.last_s)
        rows.append((person, p.first_type, p.first_link, p.first_s, *last, p.stuck_s))
    if not rows:
        raise DataError(
            f"{file} has events but none of persons' activities: write actend and actstart events in the run"
        )
    return _frame(rows, PERSON_COLUMNS)


def _report(recorder: Recorder, read: StreamReport, file: str) -> EventsReport:
    missing = recorder.values.missing
    if missing and len(missing) >= 0.5 * (len(missing) + len(recorder.known_lengths)):
        raise DataError(
            f"{file}: {len(missing)} links that vehicles enter, e.g. {next(iter(missing)).decode()!r}, are not in the network: "
            "give the network of the same run (output_network.xml.gz)"
        )
    odd = dict(recorder.odd)
    states = [p for person, p in recorder.persons.items() if person not in recorder.drivers and p.first_s == p.first_s]
    more = {
        "links entered that the network lacks, taken as 0 m long": len(missing),
        "events earlier than the one before": read.backwards,
        "persons stuck on the road": sum(p.stuck_s == p.stuck_s for p in states),
        "persons still on the road when the file ends": sum(
            p.activity is None and p.stuck_s != p.stuck_s for p in states
        ),
        "persons whose first event ends no activity": sum(not p.first_type for p in states),
        "closing tags missing, the file may be cut off": int(not read.closed),
    }
    odd |= {what: n for what, n in more.items() if n}
    return EventsReport(file, read, len(states), len(recorder.drivers), odd)
