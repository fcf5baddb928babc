"""Green Button (NAESB REQ.21 ESPI) usage files as a panel: streamed, without document types or entities."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE, TIME, DataError, DataWarning
from cblcast.io.tabular import read_panel

# Unit of measure codes of ESPI: kW = value × scale, divided by the hours of the interval if it is an energy.
ENERGY_WH, POWER_W = "72", "38"
REVERSE = "19"  # flowDirection: delivered by the customer to the grid
_WANTED = {"uom", "powerOfTenMultiplier", "flowDirection", "start", "duration", "value", "title"}


@dataclass
class _Entry:
    """One Atom entry: its links, and what its content says."""

    line: int
    own: str = ""
    up: str = ""
    related: list[str] = field(default_factory=list)
    kind: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    readings: list[tuple[int, int, float]] = field(default_factory=list)


@dataclass
class _Feed:
    """What a file says once it is read: readings by meter, and how each meter counts."""

    blocks: list[_Entry] = field(default_factory=list)
    types: dict[str, _Entry] = field(default_factory=dict)
    type_of_meter: dict[str, str] = field(default_factory=dict)


def read_green_button(path: str | Path, *, tz: str, site_id: str | None = None, **options: Any) -> Panel:
    """Read a Green Button file (Download My Data, or a batch of usage points).

    Parameters
    ----------
    path : path to XML
        Interval blocks of energy [Wh] or power [W]; times are instants, as ESPI writes them (seconds UTC). Energy that
        the customer delivers to the grid (flowDirection 19) counts negative, so the panel holds the net load.
    tz : str
        IANA zone of the sites.
    site_id : str, optional
        Name of the site where the file holds one usage point; by default the usage point's id.
    **options
        Passed on to :func:`cblcast.io.tabular.read_panel`: ``sites``, ``weather``, ``step``, ``on_duplicates``, ``country`` …

    Returns
    -------
    Panel
        ``observed_kw``: mean power over each interval [kW].

    Raises
    ------
    DataError
        A document type or entity (refused unread), broken or truncated XML, no readings, readings without a unit.
    """
    path = Path(path)
    feed = _Feed()
    _parse(path, lambda entry: _collect(feed, entry))
    rows = _rows(feed, path.name)
    if site_id is not None:
        points = rows[SITE].unique()
        if len(points) > 1:
            raise DataError(
                f"{path.name} holds {len(points)} usage points, so site_id={site_id!r} cannot name them: leave it out"
            )
        rows[SITE] = site_id
    return read_panel(rows, tz=tz, unit="kW", layout="long", **options)


def _parse(path: Path, done: Callable[[_Entry], None]) -> None:
    if not path.is_file():
        raise DataError(f"there is no Green Button file {path}")
    parser = expat.ParserCreate(namespace_separator=" ")
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
    parser.CharacterDataHandler = reader.text
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise DataError(
            f"{path.name} is broken or cut short at line {error.lineno} ({expat.ErrorString(error.code)}): download it again"
        ) from None


class _Reader:
    """Keeps one entry at a time; a file of any length needs the memory of its numbers only."""

    def __init__(self, parser: expat.XMLParserType, name: str, done: Callable[[_Entry], None]) -> None:
        self.parser, self.name, self.done = parser, name, done
        self.entry: _Entry | None = None
        self.reading: dict[str, str] | None = None
        self.in_period = False
        self.buffer: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        tag = tag.rpartition(" ")[2]
        self.buffer = []
        if tag == "entry":
            self.entry = _Entry(self.parser.CurrentLineNumber)
        elif self.entry is not None and tag == "link":
            self._link(self.entry, attributes.get("rel", ""), attributes.get("href", "").rstrip("/"))
        elif self.entry is not None and tag in ("UsagePoint", "MeterReading", "ReadingType", "IntervalBlock"):
            self.entry.kind = tag
        elif tag == "IntervalReading":
            self.reading = {}
        elif tag == "timePeriod":
            self.in_period = True

    def text(self, data: str) -> None:
        self.buffer.append(data)

    def end(self, tag: str) -> None:
        tag = tag.rpartition(" ")[2]
        if tag == "entry" and self.entry is not None:
            self.done(self.entry)
            self.entry = None
        elif tag == "IntervalReading" and self.entry is not None and self.reading is not None:
            self.entry.readings.append(self._numbers(self.reading))
            self.reading = None
        elif tag == "timePeriod":
            self.in_period = False
        elif tag in _WANTED and self.reading is not None:
            if tag == "value" or self.in_period:
                self.reading[tag] = "".join(self.buffer).strip()
        elif tag in _WANTED and self.entry is not None:
            self.entry.texts.setdefault(tag, "".join(self.buffer).strip())

    @staticmethod
    def _link(entry: _Entry, rel: str, href: str) -> None:
        if rel == "self":
            entry.own = href
        elif rel == "up":
            entry.up = href
        elif rel == "related":
            entry.related.append(href)

    def _numbers(self, reading: Mapping[str, str]) -> tuple[int, int, float]:
        try:
            start, length, value = int(reading["start"]), int(reading["duration"]), float(reading["value"])
        except (KeyError, ValueError):
            start, length, value = 0, 0, 0.0
        if length <= 0:
            raise DataError(
                f"line {self.parser.CurrentLineNumber} of {self.name}: an interval reading needs start and duration "
                f"[whole seconds] and a value, not {dict(reading)}"
            )
        return start, length, value


def _collect(feed: _Feed, entry: _Entry) -> None:
    if entry.kind == "ReadingType":
        feed.types[entry.own] = entry
    elif entry.kind == "MeterReading":
        for link in entry.related:
            if "ReadingType" in link:
                feed.type_of_meter[entry.own] = link
    elif entry.kind == "IntervalBlock":
        feed.blocks.append(entry)


def _rows(feed: _Feed, name: str) -> pd.DataFrame:
    parts, skipped = [], set()
    for block in feed.blocks:
        if not block.readings:
            continue
        meter = re.split(r"/IntervalBlock(?:/|$)", block.own or block.up)[0]
        known = feed.types.get(feed.type_of_meter.get(meter, ""))
        if known is None and len(feed.types) == 1:
            known = next(iter(feed.types.values()))
        if known is None:
            raise DataError(
                f"the interval block at line {block.line} of {name} has no reading type, so its unit is unknown: download it again"
            )
        unit = known.texts.get("uom", "")
        if unit not in (ENERGY_WH, POWER_W):
            skipped.add(unit)
            continue
        start, length, value = (np.array(column, dtype=np.float64) for column in zip(*block.readings, strict=True))
        scale = 10.0 ** int(known.texts.get("powerOfTenMultiplier") or 0) / 1000
        sign = -1.0 if known.texts.get("flowDirection") == REVERSE else 1.0
        power = sign * value * scale / (length / 3600 if unit == ENERGY_WH else 1.0)
        site = re.search(r"UsagePoint/([^/]+)", meter)
        parts.append(
            pd.DataFrame(
                {SITE: site.group(1) if site else "site", "flow": sign, TIME: start.astype(np.int64), OBSERVED: power}
            )
        )
    if skipped:
        warnings.warn(f"{name}: readings in units {', '.join(sorted(map(repr, skipped)))} (ESPI uom) are left out: no power, no energy",
                      DataWarning, stacklevel=4)  # fmt: skip
    if not parts:
        raise DataError(
            f"{name} holds no interval readings of electric energy or power: download interval data, not bills"
        )
    rows = pd.concat(parts, ignore_index=True).astype({SITE: "str"})
    rows[TIME] = pd.to_datetime(rows[TIME], unit="s", utc=True)
    return _net(rows, name)


def _net(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Delivered less received; the same interval twice in one direction is an error, not a sum."""
    twice = rows.duplicated([SITE, "flow", TIME])
    if twice.any():
        first = rows[twice].iloc[0]
        raise DataError(
            f"{name} gives site {first[SITE]!r} the interval at {first[TIME]} twice ({int(twice.sum())} in all): download it once"
        )
    return rows.groupby([SITE, TIME], as_index=False)[OBSERVED].sum()
