"""OpenADR 3 events (JSON objects of the event resource) as an event table."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, DataWarning, nearest
from cblcast.io.event_table import EVERY_SITE, read_events
from cblcast.io.opened import check_exists

_DURATION = re.compile(
    r"^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$"
)
FOREVER = "P9999Y"
LARGEST_FILE = 256 * 1024**2  # bytes
LONGEST_DAYS = 366
NORMAL_LEVEL = 0  # payload SIMPLE 0: no dispatch
# Payload types of OpenADR 3 (Definition, enumerations) that ask a site to change its load, and those that inform it.
DISPATCHES = frozenset({
    "SIMPLE", "DISPATCH_SETPOINT", "DISPATCH_SETPOINT_RELATIVE", "CONTROL_SETPOINT", "CHARGE_STATE_SETPOINT", "IMPORT_CAPACITY_LIMIT",
    "EXPORT_CAPACITY_LIMIT", "ALERT_GRID_EMERGENCY", "ALERT_FLEX_ALERT",
})  # fmt: skip
INFORMS = frozenset({
    "PRICE", "EXPORT_PRICE", "GHG", "CURVE", "OLS", "IMPORT_CAPACITY_SUBSCRIPTION", "IMPORT_CAPACITY_RESERVATION",
    "IMPORT_CAPACITY_RESERVATION_FEE", "IMPORT_CAPACITY_AVAILABLE", "IMPORT_CAPACITY_AVAILABLE_PRICE", "EXPORT_CAPACITY_SUBSCRIPTION",
    "EXPORT_CAPACITY_RESERVATION", "EXPORT_CAPACITY_RESERVATION_FEE", "EXPORT_CAPACITY_AVAILABLE", "EXPORT_CAPACITY_AVAILABLE_PRICE",
    "ALERT_BLACK_START", "ALERT_POSSIBLE_OUTAGE", "ALERT_FIRE", "ALERT_FREEZING", "ALERT_WIND", "ALERT_TSUNAMI", "ALERT_AIR_QUALITY",
    "ALERT_OTHER", "CTA2045_REBOOT", "CTA2045_SET_OVERRIDE_STATUS",
})  # fmt: skip


def read_openadr(path: str | Path, panel: Panel | None = None, *, sites: Mapping[str, str | list[str]] | None = None,
                 unknown_sites: str = "raise") -> pd.DataFrame:  # fmt: skip
    """Read one OpenADR 3 event, or a list of them.

    Intervals that follow each other without a gap are one event. An interval without a period of its own lasts as the
    event's ``intervalPeriod`` says and begins where the one before it ended. Intervals whose payload is SIMPLE 0, or only
    informs (a price, a forecast), are no dispatch; events of which nothing is left are counted in a warning. The randomised
    start is not known to the sender, and not taken off.

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
    check_exists(path, "OpenADR")
    if path.stat().st_size > LARGEST_FILE:
        raise DataError(f"{path.name} is larger than {LARGEST_FILE // 1024**2} MiB: split the list of events")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or a number of thousands of digits
        raise DataError(f"{path.name} is no JSON, or was cut short ({error}): fetch it again") from None
    events = content if isinstance(content, list) else [content]
    rows: list[dict[str, Any]] = []
    informing: list[str] = []
    for number, event in enumerate(events, start=1):
        if not isinstance(event, dict):
            raise DataError(f"event {number} of {path.name} is {type(event).__name__}, not an object")
        where = f"event {event.get('id') or event.get('eventName') or number} of {path.name}"
        common = {
            "notified": event.get("createdDateTime"),
            "program": event.get("programID"),
            "event_name": event.get("eventName"),
        }
        common = {key: None if value is None else str(value) for key, value in common.items()}
        targets = _targets(event.get("targets"), sites or {}, where)
        told: set[str] = set()
        runs = list(_runs(event, where, told))
        if not runs and told:
            informing.append(f"{where} ({', '.join(sorted(told))})")
        rows += [{SITE: site, "start": start, "stop": stop, **common} for start, stop in runs for site in targets]
    _tell(informing, rows, path.name)
    table = pd.DataFrame(rows, columns=[SITE, "start", "stop", "notified", "program", "event_name"])
    return read_events(table, panel, unknown_sites=unknown_sites)


def _tell(informing: list[str], rows: list[dict[str, Any]], name: str) -> None:
    """Say which events only inform; refuse a file of which nothing is left."""
    if informing and not rows:
        raise DataError(
            f"{name} holds no dispatch: {informing[0]} informs, and asks for no change of load "
            f"(SIMPLE, DISPATCH_SETPOINT, IMPORT_CAPACITY_LIMIT … do; {len(informing)} such events)"
        )
    if not rows:
        raise DataError(f"{name} holds no dispatch: it has no event, or SIMPLE 0 throughout")
    if informing:
        warnings.warn(
            f"{name}: {len(informing)} events only inform and are no dispatch, the first: {informing[0]}",
            DataWarning,
            stacklevel=3,
        )


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


def _runs(event: Mapping[str, Any], where: str, informing: set[str]) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
    """Start and stop of each stretch of dispatch; payload types that only inform are added to `informing`."""
    intervals = event.get("intervals")
    if not isinstance(intervals, list) or not intervals:
        raise DataError(f"{where} has no intervals: an OpenADR 3 event lists at least one")
    begin: pd.Timestamp | None = None
    end: pd.Timestamp | None = None
    for start, stop in sorted(_spans(event, intervals, where, informing)):
        if end is not None and start < end:
            raise DataError(f"{where}: an interval starts at {start}, before the one before it ends at {end}")
        if begin is None or start != end:
            if begin is not None:
                yield begin, end
            begin = start
        end = stop
    if begin is not None:
        yield begin, end


def _spans(
    event: Mapping[str, Any], intervals: list[Any], where: str, informing: set[str]
) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
    default = _period(event, where)
    following: pd.Timestamp | None = None
    for interval in intervals:
        if not isinstance(interval, dict):
            raise DataError(f"{where}: an interval is an object with payloads, not {interval!r}")
        own = _period(interval, where)
        start = _instant(own["start"], where) if own.get("start") else following
        if start is None:
            if not default.get("start"):
                raise DataError(f"{where} has no start, neither in its intervalPeriod nor in the first interval's")
            start = _instant(default["start"], where)
        stop = start + _duration(own.get("duration") or default.get("duration"), where)
        following = stop
        if _is_dispatch(interval.get("payloads") or [], where, informing):
            yield start, stop


def _period(holder: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    period = holder.get("intervalPeriod") or {}
    if not isinstance(period, dict):
        raise DataError(f"{where}: intervalPeriod is an object of start and duration, not {str(period)[:40]!r}")
    return period


def _is_dispatch(payloads: object, where: str, informing: set[str]) -> bool:
    if not isinstance(payloads, list) or not all(isinstance(payload, dict) for payload in payloads):
        raise DataError(f"{where}: payloads are a list of {{type, values}}, not {str(payloads)[:40]!r}")
    asks = not payloads
    for payload in payloads:
        kind, values = str(payload.get("type")), payload.get("values")
        if values is not None and not isinstance(values, list):
            raise DataError(f"{where}: the values of payload {kind!r} are a list, not {str(values)[:40]!r}")
        if kind in INFORMS:
            informing.add(kind)
        elif kind == "SIMPLE":
            asks |= any(value != NORMAL_LEVEL for value in (values or [NORMAL_LEVEL]))
        elif kind in DISPATCHES:
            asks = True
        else:
            raise DataError(
                f"{where}: nobody knows whether a payload of type {kind[:40]!r} asks for a change of load: "
                f"{nearest(kind, DISPATCHES | INFORMS)} "
                "(SIMPLE 1 says that it does)"
            )
    return asks


def _instant(text: object, where: str) -> pd.Timestamp:
    try:
        instant = pd.Timestamp(str(text))
    except (ValueError, OverflowError, TypeError):
        raise DataError(f"{where}: {str(text)[:40]!r} is no time: OpenADR writes 2019-06-01T15:00:00Z") from None
    if instant is pd.NaT or not 1980 <= instant.year <= 2200:
        now = " (0001-01-01 stands for now)" if str(text).startswith("0001") else ""
        raise DataError(
            f"{where}: {str(text)[:40]!r} is no start of an event{now}: write the instant, like 2019-06-01T15:00:00Z"
        )
    if instant.tzinfo is None:
        raise DataError(f"{where}: {text!r} has no offset: OpenADR writes 2019-06-01T15:00:00Z")
    return instant.tz_convert("UTC").as_unit("us")


def _duration(text: object, where: str) -> pd.Timedelta:
    if not text:
        raise DataError(f"{where} has no duration, neither in its intervalPeriod nor in the interval's")
    if str(text).strip() == FOREVER:
        raise DataError(
            f"{where}: the duration {FOREVER!r} cannot be settled: it stands for an event without end, so give it one"
        )
    found = _DURATION.match(str(text).strip())
    parts = [float((part or "0").replace(",", ".")) for part in found.groups()] if found else []
    if found is None or not any(found.groups()):
        raise DataError(
            f"{where}: the duration {str(text)[:40]!r} cannot be settled: it must be of weeks, days, hours, "
            "minutes and seconds, like PT2H30M"
        )
    years, months, weeks, days, hours, minutes, seconds = parts
    if years or months:
        raise DataError(
            f"{where}: the duration {text!r} cannot be settled: years and months differ in length, so write "
            "days, hours, minutes and seconds"
        )
    if not any(parts):
        raise DataError(
            f"{where}: the duration {text!r} cannot be settled: an event of zero length stands for one until "
            "further notice, so give it an end"
        )
    if weeks * 7 + days + hours / 24 + minutes / 1440 + seconds / 86_400 > LONGEST_DAYS:
        raise DataError(
            f"{where}: the duration {str(text)[:40]!r} is longer than a year, which is no dispatch: mend it"
        )
    length = pd.Timedelta(days=7 * weeks + days, hours=hours, minutes=minutes, seconds=seconds)
    return length.as_unit("us")
