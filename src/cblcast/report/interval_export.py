"""Meter intervals as system operators take them: hour ending on the local clock, the long day's second hour marked X."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import HOUR_US, local_microseconds, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE

COLUMNS = ["asset_id", "trade_date", "hour_ending", "minute", "event_flag", "metered_kwh", "interval_start"]


def hour_endings(times: pd.DatetimeIndex, zone: str) -> np.ndarray:
    """The hour in which each interval lies, by the clock that it ends at: ``01`` to ``24``, ``02X`` for an hour that comes twice.

    On the short day the hour that the clock skips is missing: in New York 01:00 EST ends at 03:00 EDT and is ``03``, so there is
    no ``02``. On the long day the hour from 01:00 EDT is ``02`` and the one from 01:00 EST ``02X`` (ISO New England).

    Parameters
    ----------
    times : DatetimeIndex
        Starts of intervals, UTC.
    zone : str
        IANA zone.

    Returns
    -------
    ndarray of str, shape (n,)
    """
    utc = microseconds(times)
    zones = np.full(len(utc), zone, dtype=object)
    local = local_microseconds(utc, zones)
    begin = utc - local % HOUR_US  # the local hour's own start, as an instant
    hour = local // HOUR_US % 24
    end = local_microseconds(begin + HOUR_US, zones) // HOUR_US % 24
    skipped = (end - hour) % 24 == 2
    again = local_microseconds(begin - HOUR_US, zones) // HOUR_US % 24 == hour
    number = np.where(skipped, hour + 2, hour + 1)
    return np.array([f"{n:02d}{'X' if twice else ''}" for n, twice in zip(number, again, strict=True)], dtype=object)


def interval_export(panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    """Every interval of the local days from the first to the last event of each asset, with a flag where an event was on.

    Parameters
    ----------
    panel : Panel
        With the meter of the events.
    events : DataFrame
        ``site_id``, ``start``, ``stop``.

    Returns
    -------
    DataFrame
        ``asset_id``, ``trade_date`` (local), ``hour_ending``, ``minute`` (of the hour, at which the interval begins),
        ``event_flag`` (Y where an event covers any of the interval, else N), ``metered_kwh`` (NaN where nothing was metered),
        ``interval_start`` (local, ISO 8601 with offset).
    """
    parts = [_of_asset(panel, str(site), own) for site, own in events.groupby(SITE, sort=True)]
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _of_asset(panel: Panel, site: str, events: pd.DataFrame) -> pd.DataFrame:
    zone = str(panel.sites.loc[site, "tz"])
    first = events["start"].min().tz_convert(zone).normalize()
    last = (events["stop"].max() - pd.Timedelta("1us")).tz_convert(zone).normalize() + pd.DateOffset(days=1)
    load = panel.data.loc[site, OBSERVED].loc[first : last - pd.Timedelta("1us")]
    times = pd.DatetimeIndex(load.index)
    local = times.tz_convert(zone)
    begun = np.searchsorted(np.sort(microseconds(events["start"])), microseconds(times) + panel.step_us)
    ended = np.searchsorted(np.sort(microseconds(events["stop"])), microseconds(times), side="right")
    return pd.DataFrame(
        {
            "asset_id": site,
            "trade_date": local.strftime("%Y-%m-%d"),
            "hour_ending": hour_endings(times, zone),
            "minute": local.minute,
            "event_flag": np.where(begun > ended, "Y", "N"),
            "metered_kwh": (load * panel.step_hours).round(6).to_numpy(),
            "interval_start": [each.isoformat(timespec="minutes") for each in local],
        }
    )
