"""Green Button XML (NAESB REQ.21 ESPI), streamed entry by entry, without document types or entities."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from cblcast.frames.schema import DataError
from cblcast.io.opened import check_exists, opened

CHUNK = 1 << 18
LONGEST_TEXT = 2000  # characters; what is longer is no number, link or title
MOST_LINKS = 10_000  # of one entry
_OF_ENTRY = frozenset(
    {"uom", "powerOfTenMultiplier", "flowDirection", "accumulationBehaviour", "intervalLength", "commodity", "title"}
)
_KINDS = frozenset({"UsagePoint", "MeterReading", "ReadingType", "IntervalBlock"})
_HEARD = _OF_ENTRY | {"value", "start", "duration", "quality"}
# ESPI QualityOfReading: 7 edited by hand, 8 by a reference day, 9 by interpolation, 10 questionable, 12 projected, 13 mixed.
NO_READING = frozenset({"7", "8", "9", "10", "12", "13"})
_STRUCTURE = _KINDS | {"entry", "link", "IntervalReading", "timePeriod"}


@dataclass
class Entry:
    """One Atom entry: its links, and what its content says.

    Attributes
    ----------
    line : int
    own, up : str
        Its own address, and that of what it belongs to.
    related : list of str
    kind : str
        ``ReadingType``, ``MeterReading``, ``IntervalBlock`` …
    texts : dict
        E.g. ``uom``, ``powerOfTenMultiplier``, ``flowDirection``.
    start, length : array of int64
        Seconds since 1970 and seconds of each reading.
    value : array of float64
    lines : array of int64
    estimated : array of int8
        1 where the quality of a reading says that it is no plain reading of the meter (:data:`NO_READING`).
    """

    line: int
    own: str = ""
    up: str = ""
    related: list[str] = field(default_factory=list)
    kind: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    start: array[int] = field(default_factory=lambda: array("q"))
    length: array[int] = field(default_factory=lambda: array("q"))
    value: array[float] = field(default_factory=lambda: array("d"))
    lines: array[int] = field(default_factory=lambda: array("q"))
    estimated: array[int] = field(default_factory=lambda: array("b"))


def stream_entries(path: Path, done: Callable[[Entry], None]) -> None:
    """Call `done` with each entry of a file, in order; one entry is in memory at a time.

    Raises
    ------
    DataError
        A document type or entity (refused unread), broken or truncated XML, a reading without start, duration or value.
    """
    check_exists(path, "Green Button")
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise DataError(
            f"line {parser.CurrentLineNumber} of {path.name} declares a document type or an entity, which can swell "
            "without bound: Green Button needs none, so remove it, or do not trust the file"
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    reader = _Reader(parser, path.name, done)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    try:
        with opened(path) as file:
            while chunk := file.read(CHUNK):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise DataError(
            f"{path.name} is broken or cut short at line {error.lineno} ({expat.ErrorString(error.code)}): download it again"
        ) from None
    except (LookupError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path.name} cannot be read as XML ({' '.join(str(error).split())[:100]}): download it again"
        ) from None


class _Names(dict[str, str]):
    """Tag → its name without a prefix, empty where nobody asks for it; a file has few tags, and each is looked up often."""

    def __missing__(self, tag: str) -> str:
        name = tag.rpartition(":")[2]
        self[tag] = name if name in _HEARD or name in _STRUCTURE else ""
        return self[tag]


class _Reader:
    """Handlers of the parser; text is listened to only where it is wanted, which is what makes a long file fast."""

    def __init__(self, parser: expat.XMLParserType, name: str, done: Callable[[Entry], None]) -> None:
        self.parser, self.name, self.done = parser, name, done
        self.names = _Names()
        self.entry: Entry | None = None
        self.reading: dict[str, str] | None = None
        self.in_period = False
        self.buffer = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = self.names[tag]
        if not name:
            return
        if self.reading is not None:
            if name == "timePeriod":
                self.in_period = True
            elif name == "value" or name == "quality" or (self.in_period and (name == "start" or name == "duration")):
                self._listen()
        elif self.entry is None:
            if name == "entry":
                self.entry = Entry(self.parser.CurrentLineNumber)
        elif name == "IntervalReading":
            self.reading = {}
        elif name == "link":
            self._link(self.entry, attributes.get("rel", ""), attributes.get("href", "").rstrip("/"))
        elif name in _OF_ENTRY:
            self._listen()
        elif name in _KINDS:
            self.entry.kind = name

    def end(self, tag: str) -> None:
        """An element ends."""
        name = self.names[tag]
        if not name:
            return
        if self.reading is not None:
            if name == "value" or (self.in_period and (name == "start" or name == "duration")):
                self.reading[name] = self._heard()
            elif name == "quality":
                if self._heard() in NO_READING:
                    self.reading[name] = "estimated"
            elif name == "timePeriod":
                self.in_period = False
            elif name == "IntervalReading":
                self._keep(self.reading)
                self.reading = None
        elif self.entry is not None:
            if name == "entry":
                self.done(self.entry)
                self.entry = None
            elif name in _OF_ENTRY:
                self.entry.texts.setdefault(name, self._heard())

    def _listen(self) -> None:
        self.buffer = ""
        self.parser.CharacterDataHandler = self._hear

    def _hear(self, data: str) -> None:
        if len(self.buffer) < LONGEST_TEXT:
            self.buffer += data[:LONGEST_TEXT]

    def _heard(self) -> str:
        self.parser.CharacterDataHandler = None
        return self.buffer.strip()

    @staticmethod
    def _link(entry: Entry, rel: str, href: str) -> None:
        if rel == "self":
            entry.own = href
        elif rel == "up":
            entry.up = href
        elif rel == "related" and len(entry.related) < MOST_LINKS:
            entry.related.append(href)

    def _keep(self, reading: dict[str, str]) -> None:
        entry = self.entry
        if entry is None:
            return
        try:
            start, length, value = int(reading["start"]), int(reading["duration"]), float(reading["value"])
        except (KeyError, ValueError):
            start, length, value = 0, 0, 0.0
        # From 1980 to 2100; a value that is no number, or without end, was never metered.
        if not 0 < length <= 366 * 86_400 or not 3.1e8 < start < 4.2e9 or not math.isfinite(value):
            shown = {key: text[:24] for key, text in reading.items()}
            raise DataError(
                f"line {self.parser.CurrentLineNumber} of {self.name}: an interval reading needs start and duration "
                f"[whole seconds] and a value, not {shown}"
            )
        entry.start.append(start)
        entry.length.append(length)
        entry.value.append(value)
        entry.lines.append(self.parser.CurrentLineNumber)
        entry.estimated.append("quality" in reading)
