"""NEM12 meter data of the Australian market (AEMO, Meter Data File Format) as a panel: streamed, a line at a time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import ESTIMATED, OBSERVED, SITE, DataError
from cblcast.io.align import Rows
from cblcast.io.assembly import to_panel
from cblcast.io.nem12_records import DAY_MINUTES, DIRECTION, File, Stream, read_records
from cblcast.io.opened import check_exists
from cblcast.io.options import ReaderOptions
from cblcast.io.read_report import Kind, ReadReport
from cblcast.io.readings import Reading, Readings, Series
from cblcast.io.site_table import sites_for

MARKET_CLOCK = "Etc/GMT-10"  # NEM12 is in Australian Eastern Standard Time all year: UTC+10
MARKET_OFFSET_US = 36_000_000_000
QUALITIES = "AEFS"


def read_nem12(path: str | Path, *, tz: str, qualities: str = QUALITIES, **options: Any) -> Panel:
    """Read a NEM12 file: one site for each NMI, its E streams less its B streams.

    Parameters
    ----------
    path : path to CSV
        Records 100, 200, 300, 400, 500, 900. Intervals of 5, 15 or 30 minutes, values per interval. A day that is given
        again replaces the one before where its UpdateDateTime is later.
    tz : str
        IANA zone of the sites (``Australia/Sydney``); the file itself counts in UTC+10 all year.
    qualities : str
        Flags whose values are used: A actual, S substituted, F final substituted, E estimated; others become NaN. Where
        some are not actual, the panel has the column ``estimated_share``.
    **options
        Fields of :class:`~cblcast.io.options.ReaderOptions`: ``sites``, ``weather``, ``step``, ``on_duplicates``, ``country`` …

    Raises
    ------
    DataError
        Naming the line: no 100 or 900 record (a truncated file), a wrong number of intervals, an unknown record, a value
        that is no number, a day given twice with different values and no later update, a day of variable quality without
        its 400 records.
    """
    reading = read_nem12_meter(path, ReaderOptions(tz=tz).but(**options), qualities)
    reading.report.tell()
    return reading.panel


def read_nem12_meter(path: str | Path, options: ReaderOptions, qualities: str = QUALITIES) -> Reading:
    """As :func:`read_nem12`, with the report, and without telling it."""
    path = Path(path)
    check_exists(path, "NEM12")
    file = File(path.name, qualities, options.on_duplicates)
    read_records(path, file)
    readings = _readings(file)
    defaults = {
        "tz": options.tz,
        "country": options.country,
        "subdivision": options.subdivision,
        "segment": options.segment,
    }
    sites = sites_for(readings.site_ids, options.sites, pd.DataFrame(index=readings.site_ids), defaults)
    return to_panel(readings, sites, [MARKET_CLOCK] * len(sites), options.but(unit="auto"))


def _readings(file: File) -> Readings:
    streams = [stream for stream in file.streams.values() if stream.used and stream.days]
    if not streams:
        raise DataError(f"{file.name} holds no active energy (suffix E or B, unit kWh, Wh or MWh) with interval data")
    site_ids = pd.Index(sorted({stream.nmi for stream in streams}), dtype="str", name=SITE)
    keys = sorted({(stream.nmi, stream.suffix) for stream in streams})
    code = {key: number for number, key in enumerate(keys)}
    units = {(stream.nmi, stream.suffix): stream.unit for stream in streams}
    series = Series(
        site_ids.get_indexer([nmi for nmi, _ in keys]),
        tuple(DIRECTION[suffix[:1]] for _, suffix in keys),
        tuple(units[key] for key in keys),
        tuple(f"{nmi} {suffix}" for nmi, suffix in keys),
        np.full(len(keys), -1, dtype=np.int8),
    )
    streams.sort(key=lambda stream: (code[stream.nmi, stream.suffix], min(stream.days)))
    overlap = _overlap(streams)
    size = [len(stream.days) * (DAY_MINUTES // stream.minutes) for stream in streams]
    us, values = np.empty(sum(size), dtype=np.int64), np.empty(sum(size))
    beside = _estimated(streams)
    for stream, stop in zip(streams, np.cumsum(size), strict=True):
        part = slice(stop - len(stream.days) * (DAY_MINUTES // stream.minutes), stop)
        _fill(stream, us[part], values[part])
    codes = np.repeat(np.array([code[stream.nmi, stream.suffix] for stream in streams], dtype=np.int32), size)
    rows = Rows(codes, us, {OBSERVED: values, **beside}, np.broadcast_to(np.int64(0), len(us)))
    minutes = [stream.minutes for stream in streams]
    if len(set(minutes)) == 1:
        lengths = np.broadcast_to(np.int64(minutes[0] * 60_000_000), len(us))
    else:
        lengths = np.repeat(np.array(minutes) * 60_000_000, size)
    if overlap:
        order = rows.order()
        if order is not None:
            rows, lengths = rows.take(order), lengths[order]
    report = ReadReport(file.name, "nem12").understanding("time", "market time, UTC+10").understanding("site", "NMI")
    suffixes = sorted({suffix for _, suffix in keys}, key=lambda suffix: (suffix[0] == "B", suffix))
    report = report.understanding("net", " ".join(("+ " if suffix[0] == "E" else "- ") + suffix for suffix in suffixes))
    if beside:
        n = int((beside[ESTIMATED] > 0).sum())
        report = report.understanding("quality", f"{n} of {len(us)} values are estimated or substituted ({ESTIMATED})")
    left = sorted({stream.suffix for stream in file.streams.values() if not stream.used})
    report = report.noting(Kind.GUESSED, f"streams {', '.join(left)} are no active energy, and left out", len(left))
    report = report.noting(Kind.MERGED, f"{file.same} days given twice with the same values are read once", file.same)
    report = report.noting(Kind.MERGED, f"of {file.revised} days given twice the later update is kept", file.revised)
    report = report.noting(Kind.MERGED, f"{file.joined} days given twice are joined as on_duplicates says", file.joined)
    return Readings(rows, series, site_ids, "start", lengths, lambda row: file.name, report)


def _overlap(streams: list[Stream]) -> bool:
    """Whether two streams of one NMI and suffix, in order, lie over each other."""
    pairs = pairwise(streams)
    return any((a.nmi, a.suffix) == (b.nmi, b.suffix) and max(a.days) >= min(b.days) for a, b in pairs)


def _estimated(streams: list[Stream]) -> dict[str, np.ndarray]:
    """Which values are no actual readings, as a column; none where all are."""
    if not any(np.any(day.estimated) for stream in streams for day in stream.days.values()):
        return {}
    parts = [
        np.broadcast_to(stream.days[day].estimated, DAY_MINUTES // stream.minutes)
        for stream in streams
        for day in sorted(stream.days)
    ]
    return {ESTIMATED: np.concatenate(parts).astype(np.float64)}


def _fill(stream: Stream, us: np.ndarray, values: np.ndarray) -> None:
    """Write the instant [us] and the value of each interval of a stream, and let go of its days."""
    days = sorted(stream.days)
    midnight = np.array(days, dtype="M8[us]").astype(np.int64) - MARKET_OFFSET_US
    of_day = np.arange(DAY_MINUTES // stream.minutes) * (stream.minutes * 60_000_000)
    np.add(midnight[:, None], of_day, out=us.reshape(len(days), -1))
    np.concatenate([stream.days.pop(day)[1] for day in days], out=values)
