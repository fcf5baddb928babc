"""NEM12 meter data of the Australian market (AEMO, Meter Data File Format) as a panel."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE, TIME, DataError
from cblcast.io.tabular import read_panel
from cblcast.io.units import UNITS, Unit

MARKET_CLOCK = "Etc/GMT-10"  # NEM12 is in Australian Eastern Standard Time all year: UTC+10
DAY_MINUTES = 1440
QUALITIES = "AEFS"
# Suffix E: taken from the grid; B: given to it. Reactive energy (K, Q) is another quantity.
SIGN = {"E": 1.0, "B": -1.0}


@dataclass
class _Stream:
    """The data stream that a 200 record opens: one NMI, one suffix."""

    nmi: str
    suffix: str
    unit: Unit | None
    minutes: int
    days: dict[dt.date, np.ndarray] = field(default_factory=dict)
    pending: tuple[dt.date, np.ndarray, int] | None = None  # a day of variable quality, awaiting its 400 records

    @property
    def used(self) -> bool:
        """Whether the stream counts active energy."""
        return self.unit is not None and self.suffix[:1] in SIGN


def read_nem12(path: str | Path, *, tz: str, qualities: str = QUALITIES, **options: Any) -> Panel:
    """Read a NEM12 file: one site for each NMI, its E streams less its B streams.

    Parameters
    ----------
    path : path to CSV
        Records 100, 200, 300, 400, 500, 900. Intervals of 5, 15 or 30 minutes, values per interval.
    tz : str
        IANA zone of the sites (``Australia/Sydney``); the file itself counts in UTC+10 all year.
    qualities : str
        Flags whose values are used: A actual, S substituted, F final substituted, E estimated; others become NaN.
    **options
        Passed on to :func:`cblcast.io.tabular.read_panel`.

    Raises
    ------
    DataError
        Naming the line: no 100 or 900 record (a truncated file), a wrong number of intervals, an unknown record, a value
        that is no number, a day given twice, a day of variable quality without its 400 records.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no NEM12 file {path}")
    streams = _read(path, qualities)
    rows = _rows([stream for stream in streams if stream.used], path.name)
    return read_panel(rows, tz=tz, clock=MARKET_CLOCK, unit="kW", layout="long", **options)


def _read(path: Path, qualities: str) -> list[_Stream]:
    streams: list[_Stream] = []
    ended = False
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for line, record in enumerate(csv.reader(file), start=1):
                where = f"line {line} of {path.name}"
                if not record or not "".join(record).strip():
                    continue
                kind = record[0].strip()
                if ended:
                    raise DataError(
                        f"{where} follows the 900 record, which ends the file: split files that were joined"
                    )
                if line == 1 and (kind != "100" or len(record) < 2 or record[1].strip() != "NEM12"):
                    raise DataError(f"{where} is not '100,NEM12,…': this is no NEM12 file")
                if kind not in _RECORDS:
                    raise DataError(f"{where} is a record {kind!r}: NEM12 knows {', '.join(_RECORDS)}")
                _RECORDS[kind](streams, record, where, qualities)
                ended = kind == "900"
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not text (byte {error.start}): it is no NEM12 file") from None
    if not ended:
        raise DataError(f"{path.name} has no 900 record at its end, so it was cut short: fetch it again")
    return streams


def _open_stream(streams: list[_Stream], record: list[str], where: str, _: str) -> None:
    _close_day(streams, where)
    if len(record) < 9:
        raise DataError(f"{where}: a 200 record has 10 fields, this one {len(record)}")
    nmi, suffix, unit, minutes = (record[i].strip() for i in (1, 4, 7, 8))
    if minutes not in ("5", "15", "30"):
        raise DataError(f"{where}: interval length {minutes!r} is not 5, 15 or 30 minutes")
    streams.append(_Stream(nmi, suffix, UNITS.get(unit.lower()), int(minutes)))


def _add_day(streams: list[_Stream], record: list[str], where: str, qualities: str) -> None:
    _close_day(streams, where)
    if not streams:
        raise DataError(f"{where}: a 300 record stands before any 200 record")
    stream = streams[-1]
    count = DAY_MINUTES // stream.minutes
    flag = record[2 + count].strip() if len(record) > 2 + count else ""
    if flag[:1] not in ("A", "E", "F", "N", "S", "V") or not flag:
        raise DataError(f"{where}: a day of {stream.minutes} min intervals has {count} values and then a quality flag, not {flag!r} "
                        f"({len(record)} fields): the number of intervals is wrong")  # fmt: skip
    try:
        day = dt.datetime.strptime(record[1].strip(), "%Y%m%d").date()
        values = np.array([float(value) if value.strip() else np.nan for value in record[2 : 2 + count]])
    except ValueError as error:
        raise DataError(f"{where}: {error}: dates are 20190601, values numbers") from None
    if not np.isfinite(values).all() and flag[0] not in "NV":
        raise DataError(f"{where}: a value is missing though the day is flagged {flag!r}: fetch the file again")
    if day in stream.days:
        raise DataError(f"{where}: NMI {stream.nmi} {stream.suffix} has {day} a second time: keep the newer record")
    if flag[0] == "V":
        stream.pending = (day, np.full(count, np.nan), 0)
    stream.days[day] = values if flag[0] == "V" or flag[0] in qualities else np.full(count, np.nan)


def _qualify(streams: list[_Stream], record: list[str], where: str, qualities: str) -> None:
    if not streams or streams[-1].pending is None:
        raise DataError(f"{where}: a 400 record follows no 300 record of variable quality (V)")
    day, kept, covered = streams[-1].pending
    try:
        first, last, flag = int(record[1]), int(record[2]), record[3].strip()[:1]
    except (IndexError, ValueError):
        first, last, flag = 0, 0, ""
    if first != covered + 1 or not first <= last <= len(kept) or not flag:
        raise DataError(
            f"{where}: a 400 record names the intervals after {covered}, up to {len(kept)}, and their quality flag"
        )
    if flag in qualities:
        kept[first - 1 : last] = streams[-1].days[day][first - 1 : last]
    streams[-1].pending = (day, kept, last)


def _close_day(streams: list[_Stream], where: str) -> None:
    if not streams or streams[-1].pending is None:
        return
    day, kept, covered = streams[-1].pending
    if covered < len(kept):
        raise DataError(
            f"{where}: the 400 records of {day} cover {covered} of {len(kept)} intervals: fetch the file again"
        )
    streams[-1].days[day] = kept
    streams[-1].pending = None


def _ignore(streams: list[_Stream], record: list[str], where: str, qualities: str) -> None:
    """A record that holds no interval data (manual reads)."""


def _end(streams: list[_Stream], record: list[str], where: str, qualities: str) -> None:
    _close_day(streams, where)


_RECORDS = {"100": _ignore, "200": _open_stream, "300": _add_day, "400": _qualify, "500": _ignore, "900": _end}


def _rows(streams: list[_Stream], name: str) -> pd.DataFrame:
    parts = []
    for stream in streams:
        if not stream.days or stream.unit is None:
            continue
        days = sorted(stream.days)
        starts = np.array(days, dtype="M8[us]")[:, None] + np.arange(DAY_MINUTES // stream.minutes) * np.timedelta64(
            stream.minutes, "m"
        )
        power = np.concatenate([stream.days[day] for day in days]) * stream.unit.scale * SIGN[stream.suffix[:1]]
        power = power / (stream.minutes / 60) if stream.unit.energy else power
        parts.append(
            pd.DataFrame({SITE: stream.nmi, "suffix": stream.suffix, TIME: starts.reshape(-1), OBSERVED: power})
        )
    if not parts:
        raise DataError(f"{name} holds no active energy (suffix E or B, unit kWh, Wh or MWh) with interval data")
    rows = pd.concat(parts, ignore_index=True)
    twice = rows.duplicated([SITE, "suffix", TIME])
    if twice.any():
        first = rows[twice].iloc[0]
        raise DataError(
            f"{name} gives NMI {first[SITE]} {first['suffix']} the interval at {first[TIME]} twice: keep the newer record"
        )
    # A site whose one stream is missing has no net load: NaN, not the other stream alone.
    streams_of = rows.groupby(SITE)["suffix"].nunique()
    net = rows.groupby([SITE, TIME], as_index=False)[OBSERVED].agg(["sum", "count"])
    complete = net["count"].to_numpy() == net[SITE].map(streams_of).to_numpy()
    return pd.DataFrame({SITE: net[SITE].astype("str"), TIME: net[TIME], OBSERVED: net["sum"].where(complete)})
