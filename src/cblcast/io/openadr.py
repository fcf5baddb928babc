"""OpenADR 3 events (JSON objects of the event resource) as an event table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError
from cblcast.io.event_table import EVERY_SITE, read_events

_DURATION = re.compile(r"^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
NORMAL_LEVEL = 0  # payload SIMPLE 0: no dispatch


def read_openadr(path: str | Path, panel: Panel | None = None, *, sites: Mapping[str, str | list[str]] | None = None,
                 unknown_sites: str = "raise") -> pd.DataFrame:  # fmt: skip
    """Read one OpenADR 3 event, or a list of them.

    Intervals that follow each other without a gap are one event. An interval without a period of its own lasts as the
    event's ``intervalPeriod`` says and begins where the one before it ended. Intervals whose payload is SIMPLE 0 are no
    dispatch. The randomised start is not known to the sender, and not taken off.

    Parameters
    ----------
    path : path to JSON
    panel : Panel, optional
        Whose sites the targets must name; needed for events without targets, which are for every site.
    sites : mapping, optional
        Target value (a group, a VEN, a resource) → site or sites; a value it lacks is itself a site_id.
    unknown_sites : {"raise", "keep"}
        As in :func:`cblcast.io.event_table.read_events`.

    Returns
    -------
    DataFrame
        ``site_id``, ``start``, ``stop``, ``notified`` (createdDateTime), ``program`` (programID), ``event_name``.

    Raises
    ------
    DataError
        Naming the event: broken JSON, no intervals, a duration without end or in months, a start without offset.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no OpenADR file {path}")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path.name} is no JSON, or was cut short ({error}): fetch it again") from None
    events = content if isinstance(content, list) else [content]
    rows = []
    for number, event in enumerate(events, start=1):
        if not isinstance(event, dict):
            raise DataError(f"event {number} of {path.name} is {type(event).__name__}, not an object")
        where = f"event {event.get('id') or event.get('eventName') or number} of {path.name}"
        common = {
            "notified": event.get("createdDateTime"),
            "program": event.get("programID"),
            "event_name": event.get("eventName"),
        }
        targets = _targets(event.get("targets"), sites or {}, where)
        rows += [
            {SITE: site, "start": start, "stop": stop, **common}
            for start, stop in _runs(event, where)
            for site in targets
        ]
    if not rows:
        raise DataError(f"{path.name} holds no dispatch: it has no event, or SIMPLE 0 throughout")
    table = pd.DataFrame(rows, columns=[SITE, "start", "stop", "notified", "program", "event_name"])
    return read_events(table, panel, unknown_sites=unknown_sites)


def _targets(targets: object, sites: Mapping[str, str | list[str]], where: str) -> list[str]:
    """Site ids: version 3.0 writes ``[{type, values}]``, version 3.1 a plain list; none means all."""
    if not targets:
        return [EVERY_SITE]
    values: list[str] = []
    for target in targets if isinstance(targets, list) else [targets]:
        if isinstance(target, dict) and isinstance(target.get("values"), list):
            values += [str(value) for value in target["values"]]
        elif isinstance(target, str):
            values.append(target)
        else:
            raise DataError(f"{where}: a target is {{type, values}} or a name, not {target!r}")
    found: list[str] = []
    for value in values:
        named = sites.get(value, value)
        found += [named] if isinstance(named, str) else list(named)
    return list(dict.fromkeys(found))


def _runs(event: Mapping[str, Any], where: str) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
    """Start and stop of each stretch of dispatch."""
    intervals = event.get("intervals")
    if not isinstance(intervals, list) or not intervals:
        raise DataError(f"{where} has no intervals: an OpenADR 3 event lists at least one")
    begin: pd.Timestamp | None = None
    end: pd.Timestamp | None = None
    for start, stop in sorted(_spans(event, intervals, where)):
        if end is not None and start < end:
            raise DataError(f"{where}: an interval starts at {start}, before the one before it ends at {end}")
        if begin is None or start != end:
            if begin is not None:
                yield begin, end
            begin = start
        end = stop
    if begin is not None:
        yield begin, end


def _spans(event: Mapping[str, Any], intervals: list[Any], where: str) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
    default = event.get("intervalPeriod") or {}
    following: pd.Timestamp | None = None
    for interval in intervals:
        if not isinstance(interval, dict):
            raise DataError(f"{where}: an interval is an object with payloads, not {interval!r}")
        own = interval.get("intervalPeriod") or {}
        start = _instant(own["start"], where) if own.get("start") else following
        if start is None:
            if not default.get("start"):
                raise DataError(f"{where} has no start, neither in its intervalPeriod nor in the first interval's")
            start = _instant(default["start"], where)
        stop = start + _duration(own.get("duration") or default.get("duration"), where)
        following = stop
        if _is_dispatch(interval.get("payloads") or []):
            yield start, stop


def _is_dispatch(payloads: list[Any]) -> bool:
    levels = [
        payload.get("values") for payload in payloads if isinstance(payload, dict) and payload.get("type") == "SIMPLE"
    ]
    return not levels or any(value != NORMAL_LEVEL for values in levels for value in (values or [NORMAL_LEVEL]))


def _instant(text: object, where: str) -> pd.Timestamp:
    try:
        instant = pd.Timestamp(str(text))
    except ValueError:
        raise DataError(f"{where}: {text!r} is no time: OpenADR writes 2019-06-01T15:00:00Z") from None
    if instant.tzinfo is None:
        raise DataError(f"{where}: {text!r} has no offset: OpenADR writes 2019-06-01T15:00:00Z")
    return instant.tz_convert("UTC").as_unit("us")


def _duration(text: object, where: str) -> pd.Timedelta:
    if not text:
        raise DataError(f"{where} has no duration, neither in its intervalPeriod nor in the interval's")
    found = _DURATION.match(str(text))
    if found is None or not any(found.groups()):
        raise DataError(
            f"{where}: the duration {text!r} cannot be settled: it must be of weeks, days, hours, minutes and seconds, like PT2H30M"
        )
    weeks, days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    length = pd.Timedelta(days=7 * weeks + days, hours=hours, minutes=minutes, seconds=seconds)
    return length.as_unit("us")
