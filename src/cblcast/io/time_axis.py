"""Whether the time labels of a farm are right: the lag of its wind against weather, and the rows of clock-change days.

Accuracy hardly shows an hour's error (nRMSE 11.44 against 11.55 % of rated power at La Haute Borne), so the axis itself is
tested: labels that carry an offset but count in UTC show as a lag that jumps by an hour with the clock, and as days of a
clock change with as many rows as any other day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.cube import local_microseconds
from cblcast.frames.schema import DataError

MINUTE_US = 60_000_000
DAY_US = 86_400_000_000


def lag_scan(
    times_us: np.ndarray, measured: np.ndarray, weather_us: np.ndarray, weather: np.ndarray, lags_min: np.ndarray
) -> np.ndarray:
    """Correlation of a measured series with weather at the measured time MINUS each lag.

    Parameters
    ----------
    times_us : ndarray of int64, shape (n,)
        Centres of the measured intervals as labelled, microseconds UTC.
    measured : ndarray, shape (n,)
        E.g. wind speed [m/s]; NaN are left out.
    weather_us, weather : ndarray, shape (m,)
        Instants and values of the weather [same unit].
    lags_min : ndarray, shape (k,)
        A positive lag: the labels are late, the label shows what happened `lag` minutes earlier.

    Returns
    -------
    ndarray, shape (k,)
    """
    seen = np.isfinite(measured)
    if seen.sum() < 200:
        raise DataError(
            f"a lag scan needs 200 measured intervals or more, got {int(seen.sum())}: give some weeks of data"
        )
    t, y = times_us[seen], measured[seen]
    inside = (t - lags_min.max() * MINUTE_US >= weather_us[0]) & (t - lags_min.min() * MINUTE_US <= weather_us[-1])
    if inside.sum() < 200:
        raise DataError("the weather does not cover the measured span: check its years and its zone")
    t, y = t[inside], y[inside]
    return np.array([np.corrcoef(y, np.interp(t - lag * MINUTE_US, weather_us, weather))[0, 1] for lag in lags_min])


def best_lag(lags_min: np.ndarray, correlation: np.ndarray) -> float:
    """The lag of highest correlation [min], refined by the parabola through its neighbours."""
    k = int(np.argmax(correlation))
    if k in (0, len(lags_min) - 1):
        return float(lags_min[k])
    left, top, right = correlation[k - 1 : k + 2]
    return float(lags_min[k] + (lags_min[1] - lags_min[0]) * 0.5 * (left - right) / (left - 2 * top + right))


@dataclass(frozen=True)
class TimeAxisReport:
    """What :func:`check_time_axis` found.

    Attributes
    ----------
    lag_winter_min, lag_summer_min : float
        Best lag of the labels against the weather [min] outside and inside summer time; NaN without such data.
    short_day_rows, long_day_rows, day_rows : int
        Rows of the spring and autumn days of the clock change, and of any other day; −1 without such a day.
    verdict : str
        ``"right"``, ``"shifted"`` or ``"digits are UTC"``.
    message : str
        One sentence with the remedy.
    """

    lag_winter_min: float
    lag_summer_min: float
    short_day_rows: int
    long_day_rows: int
    day_rows: int
    verdict: str
    message: str


def check_time_axis(
    times: pd.DatetimeIndex,
    wind_speed: np.ndarray,
    weather_times: pd.DatetimeIndex,
    weather_speed: np.ndarray,
    tz: str,
    *,
    tolerance_min: float = 25.0,
) -> TimeAxisReport:
    """Compare the wind at a farm with weather, summer and winter apart, and count the rows of clock-change days.

    Parameters
    ----------
    times : DatetimeIndex with a zone
        Starts of the measured intervals, as labelled.
    wind_speed : ndarray, shape (n,)
        Measured wind speed [m/s].
    weather_times : DatetimeIndex with a zone
        Instants (or centres) of the weather.
    weather_speed : ndarray, shape (m,)
        [m/s]
    tz : str
        Zone of the farm.
    tolerance_min : float
        A lag within it is no error: weather passes the farm and the model's point at different times.

    Raises
    ------
    DataError
        Too little data, or weather of another span.
    """
    if times.tz is None or weather_times.tz is None:
        raise DataError("give both times with a zone: the check compares instants")
    at = times.tz_convert("UTC").as_unit("us").asi8
    step = int(np.median(np.diff(np.unique(at))))
    centre = at + step // 2
    weather_us = weather_times.tz_convert("UTC").as_unit("us").asi8
    summer = local_microseconds(at, tz) - at > _winter_offset(at, tz)
    lags = np.arange(-180.0, 181.0, 10.0)
    found = [_lag_of(part, centre, wind_speed, weather_us, weather_speed, lags) for part in (~summer, summer)]
    rows = _clock_change_rows(at, tz)
    verdict, message = _judge(found[0], found[1], rows, tz, tolerance_min)
    return TimeAxisReport(found[0], found[1], *rows, verdict, message)


def _winter_offset(at: np.ndarray, tz: str) -> int:
    year = np.int64(at.min()) + np.arange(0, 366, 7) * DAY_US
    return int((local_microseconds(year, tz) - year).min())


def _lag_of(
    part: np.ndarray,
    centre: np.ndarray,
    speed: np.ndarray,
    weather_us: np.ndarray,
    weather: np.ndarray,
    lags: np.ndarray,
) -> float:
    if (part & np.isfinite(speed)).sum() < 200:
        return float("nan")
    return best_lag(lags, lag_scan(centre[part], np.asarray(speed, dtype=np.float64)[part], weather_us, weather, lags))


def _clock_change_rows(at: np.ndarray, tz: str) -> tuple[int, int, int]:
    """Rows of the 23 h days (the fewest), the 25 h days (the most) and the usual day, by local date."""
    day = local_microseconds(at, tz) // DAY_US
    days, count = np.unique(day, return_counts=True)
    usual = int(np.median(count))
    midnight = pd.DatetimeIndex((np.r_[days, days[-1] + 1] * DAY_US).view("M8[us]"))
    length = np.array(
        [
            np.diff(midnight.tz_localize(tz).tz_convert("UTC").as_unit("us").asi8[k : k + 2])[0]
            if days[k] + 1 == np.r_[days, days[-1] + 1][k + 1]
            else DAY_US
            for k in range(len(days))
        ]
    )
    inner = (days > days[0]) & (days < days[-1])
    short, long = count[inner & (length < DAY_US)], count[inner & (length > DAY_US)]
    return (int(short[0]) if len(short) else -1), (int(long[0]) if len(long) else -1), usual


def _judge(winter: float, summer: float, rows: tuple[int, int, int], tz: str, tolerance: float) -> tuple[str, str]:
    lags = np.array([winter, summer])
    seen = lags[np.isfinite(lags)]
    if len(seen) == 0:
        raise DataError("a time axis cannot be judged from so little wind data: give some weeks")
    text = f"best lag {winter:.0f} min in winter and {summer:.0f} min in summer"
    if (np.abs(seen) <= tolerance).all():
        return "right", f"the time labels are right: {text}"
    if np.isfinite(lags).all() and abs(abs(summer - winter) - 60) <= tolerance:
        return "digits are UTC", (
            f"the time labels are off by an hour that comes and goes with the clock ({text}; {rows[0]} and {rows[1]} rows on the "
            f"days of the clock change, {rows[2]} on others): the digits do not follow {tz}, read them without their offset, as UTC "
            "(clock='UTC')"
        )
    return "shifted", (
        f"the time labels are off ({text}): move them by {-np.mean(seen):.0f} min, or check whether they mark the "
        "end of the interval or another zone"
    )
