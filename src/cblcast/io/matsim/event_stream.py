"""Events of a MATSim file, given to whoever asked for their type; a fast lane for files as MATSim writes them.

MATSim writes one event a line, ``time`` and ``type`` first. Such text is cut by one regular expression, seven of eight
lines without a Python call; the counts of ``<`` and ``>`` prove that nothing lay between the matches. Anything else (other
order of attributes, comments, escaped characters) sends the WHOLE file through expat, with the same answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cblcast.errors import DataError
from cblcast.io.matsim import xml_stream

ENTERED, LEFT = b"entered link", b"left link"
# Possessive quantifiers: nothing that matched has to be tried again. Types that begin with l are left links; another one
# would be missing in the count, and "entered link" with other attributes is seen among the other types.
_EVENT = re.compile(
    rb'<event time="([^"]*+)" type="(?!l)(?:entered link" link="([^"]*+)" vehicle="([^"]*+)"|([^"]*+)"([^>]*+))'
)
_LEFT = b'type="left link"'
_OTHER_TAG = re.compile(rb"<(?!event )[^>]*>")
_FRAME = re.compile(rb'(?:<\?xml[^>]*\?>|<events(?: version="[^"]*")?>|</events>)')


@dataclass(frozen=True)
class Wanted:
    """What a listener wants of one type of event.

    Attributes
    ----------
    names : tuple of str
        Attributes in the order in which MATSim writes them; with ``?`` behind those that may be missing.
    take : callable
        ``take(time, *values)``: the time [s], and the values as bytes, empty where missing.
    unless : str
        An attribute as it stands in the text; an event that has it is passed over.
    """

    names: tuple[str, ...]
    take: Callable[..., Any]
    unless: str = ""

    def pattern(self) -> re.Pattern[bytes]:
        """Finds the values in the text of an event's attributes."""
        others = r'(?: [^ ="]++="[^"]*+")*?'
        text = ""
        for name in self.names:
            one = rf'{others} {name.rstrip("?")}="([^"]*+)"'
            text += rf"(?:{one})?" if name.endswith("?") else one
        return re.compile(text.encode())

    def values(self, attributes: Mapping[str, str]) -> list[bytes] | None:
        """The same from parsed attributes; None for an event that is passed over."""
        name, _, value = self.unless.partition("=")
        if self.unless and attributes.get(name) == value.strip('"'):
            return None
        return [
            attributes.get(name[:-1], "").encode() if name.endswith("?") else attributes[name].encode()
            for name in self.names
        ]


class Listener(Protocol):
    """Whoever listens to events.

    Attributes
    ----------
    wanted : mapping type -> Wanted
    sums, values : mapping
        ``sums[vehicle] += values[link]`` for each link that a vehicle enters: metres, or links in a list.
    """

    wanted: Mapping[str, Wanted]
    sums: Any
    values: Any

    def start(self) -> None:
        """Forget everything: a file is read from its beginning."""


@dataclass
class StreamReport:
    """What was read.

    Attributes
    ----------
    counts : Counter
        Events by type.
    fast : bool
        Whether the file was as MATSim writes it.
    closed : bool
        False if the closing tag ``</events>`` is missing after a complete last event.
    backwards, worst_step_back_s : int, float
        Events that are earlier than the one before (entered and left links aside), and by how much at most [s].
    """

    counts: Counter[str] = field(default_factory=Counter)
    fast: bool = True
    closed: bool = True
    backwards: int = 0
    worst_step_back_s: float = 0.0

    def step_back(self, now: float, last: float) -> None:
        """Note an event that is earlier than the one before it; a time that is none is a :class:`DataError`."""
        if not 0 <= now < float("inf"):
            raise DataError(f"an event's time is {now:g} s: times are seconds from midnight, 0 or later")
        self.backwards += 1
        self.worst_step_back_s = max(self.worst_step_back_s, last - now)


class _NotAsWrittenError(Exception):
    """The text is XML, perhaps, but not as MATSim writes it."""


def stream(path: str | Path, listener: Listener, *, fast: bool = True) -> StreamReport:
    """Give every event of `path` to `listener`, in the order of the file.

    Parameters
    ----------
    path : path
        ``.xml``, ``.xml.gz`` or ``.xml.zst``.
    listener : Listener
    fast : bool
        False sends the file through expat in any case.

    Raises
    ------
    DataError
        As :func:`cblcast.io.matsim.xml_stream.parse`; a file without events; a time that is none.
    """
    listener.start()
    if fast:
        try:
            report = _fast_lane(path, listener)
        except _NotAsWrittenError:
            return stream(path, listener, fast=False)
    else:
        report = _any_xml(path, listener)
    if not report.counts:
        raise DataError(f"{Path(path).name} holds no MATSim events: give output_events.xml.gz of a run")
    return report


def _fast_lane(path: str | Path, listener: Listener) -> StreamReport:
    report = StreamReport()
    kinds: Counter[bytes] = Counter()
    sums, values = listener.sums, listener.values
    # A zero byte stands in no XML, so that an event without an `unless` is never passed over.
    wanted = {
        kind.encode(): (one.pattern().match, one.take, f" {one.unless}".encode() if one.unless else b"\0")
        for kind, one in listener.wanted.items()
    }
    last, rest = 0.0, b""
    for piece in xml_stream.pieces(path):
        text = rest + piece
        end = text.rfind(b">") + 1
        text, rest = text[:end], text[end:]
        found = _EVENT.findall(text)
        left = text.count(_LEFT)
        report.closed = _check_as_written(text, len(found) + left)
        kinds[LEFT] += left
        others: list[bytes] = []
        try:
            for time, link, vehicle, kind, attributes in found:
                if link:
                    sums[vehicle] += values[link]
                    continue
                now = float(time)
                if not now >= last:
                    report.step_back(now, last)
                last = now
                others.append(kind)
                if kind in wanted:
                    match, take, unless = wanted[kind]
                    if unless not in attributes:
                        take(now, *match(attributes).groups(b""))  # type: ignore[union-attr]
        except (AttributeError, KeyError, ValueError):  # no match, or no number: the slow lane says what, and where
            raise _NotAsWrittenError from None
        kinds[ENTERED] += len(found) - len(others)
        other_kinds = Counter(others)
        if ENTERED in other_kinds:
            raise _NotAsWrittenError
        kinds += other_kinds
    if rest.strip():
        raise _NotAsWrittenError
    report.counts = Counter({kind.decode(): n for kind, n in kinds.items() if n})
    return report


def _check_as_written(text: bytes, events: int) -> bool:
    """Whether the file ends with this text; raises if anything stands in it that is no event as MATSim writes one."""
    characters = np.frombuffer(text, dtype=np.uint8)
    opened = np.count_nonzero(characters == ord("<"))
    if opened != np.count_nonzero(characters == ord(">")) or b"&" in text or b"'" in text:
        raise _NotAsWrittenError
    if opened == events:
        return False
    tags = _OTHER_TAG.findall(text)
    if opened != events + len(tags) or not all(_FRAME.fullmatch(tag) for tag in tags):
        raise _NotAsWrittenError
    return bool(tags[-1] == b"</events>")


def _any_xml(path: str | Path, listener: Listener) -> StreamReport:
    """The slow lane: any well-formed XML; also the oracle that the fast lane is tested against."""
    report = StreamReport(fast=False)
    wanted, sums, values, name = listener.wanted, listener.sums, listener.values, Path(path).name
    last = 0.0

    def start(element: str, attributes: dict[str, str]) -> None:
        nonlocal last
        if element != "event":
            return
        kind, time = attributes.get("type", "without a type"), attributes.get("time", "missing")
        report.counts[kind] += 1
        try:
            if kind == "entered link":
                sums[attributes["vehicle"].encode()] += values[attributes["link"].encode()]
            if kind in ("entered link", "left link"):
                return
            now = float(time)
            if not now >= last:
                report.step_back(now, last)
            last = now
            if kind in wanted and (found := wanted[kind].values(attributes)) is not None:
                wanted[kind].take(now, *found)
        except KeyError as error:
            raise DataError(
                f"{name}: an event of type {kind!r} at {time} s has no {error.args[0]!r}: is this a MATSim events file?"
            ) from None
        except ValueError as error:
            raise DataError(f"{name}: an event of type {kind!r} at {time} s cannot be read: {error}") from None

    report.closed = xml_stream.parse(path, start)
    return report
