"""Looking a file over before it is trusted: gaps, flat runs, spikes, and whether its clock is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.quality import data_quality
from cblcast.frames.schema import TIME, DataError, StudyError, require_columns
from cblcast.io.files import numbers, read_table
from cblcast.io.formats import read_with_report
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.io.read_report import ReadReport
from cblcast.io.time_axis import TimeAxisReport, check_time_axis
from cblcast.io.time_columns import read_times


@dataclass(frozen=True)
class FileReport:
    """What a file looks like.

    Attributes
    ----------
    quality : DataFrame, index site_id
        As :func:`cblcast.frames.quality.data_quality`.
    clock : TimeAxisReport or None
        Only where weather was given to compare the wind with.
    read : ReadReport
        How the file was read, and what was guessed, merged, dropped or is missing.
    zones : mapping site_id -> IANA zone
    """

    quality: pd.DataFrame
    clock: TimeAxisReport | None
    read: ReadReport
    zones: Mapping[str, str]


def check_file(
    path: str | Path,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    *,
    nwp: str | Path | None = None,
    speed: str | None = None,
    nwp_speed: str | None = None,
) -> FileReport:
    """Read a meter or SCADA file and report on it.

    Parameters
    ----------
    path : path
    reader : ReaderOptions
    nwp : path, optional
        Weather with ``time`` (with offset) and a wind speed, to find the lag of the file's clock.
    speed, nwp_speed : str, optional
        Wind speed columns [m/s]; the only column whose name begins with ``wind_speed`` unless given.
    """
    reading = read_with_report(path, reader)
    panel = reading.panel
    clock = None if nwp is None else _clock_of(panel, nwp, speed, nwp_speed)
    zones = {str(site): str(zone) for site, zone in panel.sites["tz"].items()}
    return FileReport(data_quality(panel), clock, reading.report, zones)


def _clock_of(panel: Panel, nwp: str | Path, speed: str | None, nwp_speed: str | None) -> TimeAxisReport:
    table = read_table(nwp, "weather")
    weather = table.frame
    times = read_times(table, None)
    if not times.stamps.aware:
        raise DataError(
            f"{table.name} has times without offset, which tell no clock: write them like 2019-06-01T17:00+02:00, or in UTC with Z"
        )
    stamps = pd.DatetimeIndex(pd.to_datetime(times.stamps.us, unit="us", utc=True))
    own = _speed_column(panel.data, speed, "the meter file", "--speed")
    theirs = _speed_column(weather, nwp_speed, "the weather file", "--nwp-speed")
    # One clock for all turbines of a file: their mean wind is the least noisy witness.
    wind = panel.data[own].groupby(level=TIME).mean()
    tz = str(panel.sites["tz"].iloc[0])
    order = np.argsort(stamps.asi8)
    return check_time_axis(
        pd.DatetimeIndex(wind.index),
        wind.to_numpy(dtype=np.float64),
        stamps[order],
        numbers(weather[theirs], table).to_numpy()[order],
        tz,
    )


def _speed_column(frame: pd.DataFrame, named: str | None, what: str, option: str) -> str:
    if named is not None:
        require_columns(frame, [named], what)
        return named
    found = [str(column) for column in frame.columns if str(column).startswith("wind_speed")]
    if len(found) != 1:
        raise StudyError(f"{what} has {len(found)} columns that begin with wind_speed: name one with {option}")
    return found[0]
