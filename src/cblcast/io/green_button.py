"""Green Button (NAESB REQ.21 ESPI) usage files as a panel."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import ESTIMATED, OBSERVED, SITE, DataError
from cblcast.io.align import Rows
from cblcast.io.assembly import to_panel
from cblcast.io.espi_stream import Entry, stream_entries
from cblcast.io.options import ReaderOptions
from cblcast.io.read_report import Kind, ReadReport
from cblcast.io.readings import EXPORT, IMPORT, NET, TOTAL, Reading, Readings, Series
from cblcast.io.site_table import sites_for
from cblcast.io.units import UNITS

# Unit of measure codes of ESPI.
ENERGY_WH, POWER_W = "72", "38"
# flowDirection: 1 forward, delivered to the customer; 19 reverse; 4 net, forward less reverse; 20 total, both added.
FLOWS = {"": IMPORT, "0": IMPORT, "1": IMPORT, "19": EXPORT, "4": NET, "20": TOTAL}
# accumulationBehaviour: 4 is the energy of an interval; other energies are what a dial shows.
DELTA, UNSAID = "4", ("", "0")
LARGEST_POWER_OF_TEN = 12


@dataclass(frozen=True)
class _Kind:
    """What a meter reading counts."""

    site: str
    flow: str
    scale: float
    energy: bool
    dial: int
    meter: str


@dataclass
class _Feed:
    """What a file says once it is read: blocks of readings by meter, and how each meter counts."""

    blocks: list[Entry] = field(default_factory=list)
    types: dict[str, Entry] = field(default_factory=dict)
    type_of_meter: dict[str, str] = field(default_factory=dict)

    def collect(self, entry: Entry) -> None:
        """Keep what is needed of an entry."""
        if entry.kind == "ReadingType":
            self.types[entry.own] = entry
        elif entry.kind == "MeterReading":
            for link in entry.related:
                if "ReadingType" in link:
                    self.type_of_meter[entry.own] = link
        elif entry.kind == "IntervalBlock" and len(entry.start):
            self.blocks.append(entry)


def read_green_button(path: str | Path, *, tz: str, site_id: str | None = None, **options: Any) -> Panel:
    """Read a Green Button file (Download My Data, or a batch of usage points).

    Parameters
    ----------
    path : path to XML
        Interval blocks of energy [Wh] or power [W]; times are instants, as ESPI writes them (seconds UTC). The panel holds
        the net load: forward (flowDirection 1) less reverse (19), total (20) less twice the reverse, or the net (4).
        Readings of a dial (accumulationBehaviour other than 4) are differenced with ``register=True``, else refused.
    tz : str
        IANA zone of the sites.
    site_id : str, optional
        Name of the site where the file holds one usage point; by default the usage point's id.
    **options
        Fields of :class:`~cblcast.io.options.ReaderOptions`: ``sites``, ``weather``, ``step``, ``on_duplicates``, ``country`` …

    Returns
    -------
    Panel
        ``observed_kw``: mean power over each interval [kW]; ``estimated_share`` where the quality of some readings says
        that they are estimated, edited or questionable.

    Raises
    ------
    DataError
        A document type or entity (refused unread), broken or truncated XML, no readings, readings without a unit, readings
        of a dial.
    """
    reading = read_green_button_meter(path, ReaderOptions(tz=tz).but(**options), site_id)
    reading.report.tell()
    return reading.panel


def read_green_button_meter(path: str | Path, options: ReaderOptions, site_id: str | None = None) -> Reading:
    """As :func:`read_green_button`, with the report, and without telling it."""
    path = Path(path)
    feed = _Feed()
    stream_entries(path, feed.collect)
    readings = _readings(feed, path.name)
    if site_id is not None:
        if len(readings.site_ids) > 1:
            raise DataError(
                f"{path.name} holds {len(readings.site_ids)} usage points, so site_id={site_id!r} cannot name them: leave it out"
            )
        readings = readings.but(site_ids=pd.Index([site_id], dtype="str", name=SITE))
    defaults = {
        "tz": options.tz,
        "country": options.country,
        "subdivision": options.subdivision,
        "segment": options.segment,
    }
    sites = sites_for(readings.site_ids, options.sites, pd.DataFrame(index=readings.site_ids), defaults)
    return to_panel(readings, sites, ["UTC"] * len(sites), options.but(unit="auto"))


def _readings(feed: _Feed, name: str) -> Readings:
    report = (
        ReadReport(name, "green_button")
        .understanding("time", "seconds since 1970, UTC")
        .understanding("site", "usage point")
    )
    kinds, other = _kinds(feed, name)
    report = report.noting(
        Kind.DROPPED,
        f"{name}: readings in units {', '.join(sorted(map(repr, other)))} (ESPI uom and flowDirection) are left out: no power, no energy",
        len(other),
    )
    used = [(block, kind) for block, kind in zip(feed.blocks, kinds, strict=True) if kind is not None]
    if not used:
        raise DataError(
            f"{name} holds no interval readings of electric energy or power: download interval data, not bills"
        )
    used, coarser = _finest(used)
    report = report.noting(
        Kind.GUESSED, f"{coarser} meter readings repeat others over longer intervals, and are not needed", coarser
    )
    site_ids = pd.Index(sorted({kind.site for _, kind in used}), dtype="str", name=SITE)
    keys = sorted({(kind.site, kind.flow, kind.energy, kind.dial) for _, kind in used})
    code = {key: number for number, key in enumerate(keys)}
    series = Series(
        site_ids.get_indexer([key[0] for key in keys]),
        tuple(key[1] for key in keys),
        tuple(UNITS["kwh" if key[2] else "kw"] for key in keys),
        tuple(f"{key[0]} {key[1]}" for key in keys),
        np.array([key[3] for key in keys], dtype=np.int8),
    )
    of_block = [code[kind.site, kind.flow, kind.energy, kind.dial] for _, kind in used]
    size = [len(block.start) for block, _ in used]
    value = np.concatenate([np.frombuffer(block.value) * kind.scale for block, kind in used])
    us, length, line = (
        np.concatenate([np.frombuffer(getattr(block, part), dtype=np.int64) for block, _ in used])
        for part in ("start", "length", "lines")
    )
    estimated = np.concatenate([np.frombuffer(block.estimated, dtype=np.int8) for block, _ in used])
    beside = {ESTIMATED: estimated.astype(np.float64)} if estimated.any() else {}
    rows = Rows(np.repeat(of_block, size), us * 1_000_000, {OBSERVED: value, **beside}, line)
    lengths = length * 1_000_000
    order = rows.order()
    if order is not None:
        rows, lengths = rows.take(order), lengths[order]
    flows = ", ".join(sorted({key[1] for key in keys}))
    report = report.understanding("streams", flows)
    if beside:
        told = f"{int(estimated.sum())} of {len(us)} readings are estimated or edited ({ESTIMATED})"
        report = report.understanding("quality", told)
    return Readings(rows, series, site_ids, "start", lengths, lambda row: f"line {row} of {name}", report)


def _kinds(feed: _Feed, name: str) -> tuple[list[_Kind | None], set[str]]:
    """What each block counts, None where it is no active energy or power; and the units of these."""
    kinds: list[_Kind | None] = []
    other: set[str] = set()
    for block in feed.blocks:
        meter = re.split(r"/IntervalBlock(?:/|$)", block.own or block.up)[0]
        known = feed.types.get(feed.type_of_meter.get(meter, ""))
        if known is None and len(feed.types) == 1:
            known = next(iter(feed.types.values()))
        if known is None:
            raise DataError(
                f"the interval block at line {block.line} of {name} has no reading type, so its unit is unknown: download it again"
            )
        unit, flow = known.texts.get("uom", ""), known.texts.get("flowDirection", "")
        if unit not in (ENERGY_WH, POWER_W) or flow not in FLOWS:
            other.add(unit if flow in FLOWS else f"{unit} (flow {flow})")
            kinds.append(None)
            continue
        found = re.search(r"UsagePoint/([^/]+)", meter)
        behaviour = known.texts.get("accumulationBehaviour", "")
        dial = -1 if unit == POWER_W or behaviour == DELTA else int(behaviour not in UNSAID)
        kinds.append(
            _Kind(found.group(1) if found else "site", FLOWS[flow], _scale(known, name), unit == ENERGY_WH, dial, meter)
        )
    return kinds, other


def _scale(known: Entry, name: str) -> float:
    """kW or kWh for one of the file's W or Wh."""
    text = known.texts.get("powerOfTenMultiplier") or "0"
    try:
        power = int(text)
    except ValueError:
        power = LARGEST_POWER_OF_TEN + 1
    if abs(power) > LARGEST_POWER_OF_TEN:
        raise DataError(
            f"line {known.line} of {name}: powerOfTenMultiplier {text[:20]!r} is no power of ten of a meter (-12 to 12): download it again"
        )
    return 10.0**power / 1000


def _finest(used: list[tuple[Entry, _Kind]]) -> tuple[list[tuple[Entry, _Kind]], int]:
    """Where a usage point has meter readings of one direction over different intervals, those over the shortest."""
    usual: dict[tuple[str, str], Counter[int]] = {}
    flow_of: dict[tuple[str, str], tuple[str, str, int]] = {}
    for block, kind in used:
        key = (kind.site, kind.meter)
        usual.setdefault(key, Counter()).update(block.length)
        flow_of[key] = (kind.site, kind.flow, kind.dial)
    length = {key: counts.most_common(1)[0][0] for key, counts in usual.items()}
    shortest: dict[tuple[str, str, int], int] = {}
    for key, flow in flow_of.items():
        shortest[flow] = min(shortest.get(flow, length[key]), length[key])
    # An interval of other meters may be longer than theirs and still be theirs alone; a day or more repeats its hours.
    dropped = {key for key, flow in flow_of.items() if length[key] >= 86_400 and length[key] > shortest[flow]}
    return [(block, kind) for block, kind in used if (kind.site, kind.meter) not in dropped], len(dropped)
