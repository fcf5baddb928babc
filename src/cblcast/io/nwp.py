"""Numerical weather prediction and reanalysis onto a panel: interpolation, runs and their age.

A frame of weather is indexed by ``time`` (UTC, the instant or the centre that a value stands for) or by
(``issue_time``, ``time``) when it holds runs. What was issued after a case's origin may not be seen by that case: a
panel therefore carries, beside the values of runs, how old each of them is (:data:`AGE`), and
:class:`cblcast.features.nwp.Nwp` refuses a value that is younger than the origin.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, utc
from cblcast.frames.sources import Origin, Source
from cblcast.io.column_kinds import ColumnKind, kind_of
from cblcast.physics.wind import components, speed_and_direction

ISSUE = "issue_time"
AGE = "run_age_h"  # hours from the issue of the run to the interval it is used for
HOUR_US = 3_600_000_000


def attach(
    panel: Panel,
    nwp: pd.DataFrame,
    prefix: str = "",
    *,
    horizon_h: float | None = None,
    delay_h: float = 0.0,
    centre_offset_min: float = 0.0,
    max_gap_h: float = 3.0,
    source: Source | str | None = None,
) -> Panel:
    """The panel with the weather of one product on its own step, the same for all its sites.

    Parameters
    ----------
    panel : Panel
    nwp : DataFrame, index ``time`` or (``issue_time``, ``time``)
        Numeric columns with their unit in the name; ``*_deg`` are directions and are turned the short way round.
    prefix : str
        Put before each column name, e.g. ``"era5_"``. Where a product has ``wind_u_…_ms`` and ``wind_v_…_ms`` but no speed, their
        norm is added as ``wind_speed_…_ms``.
    horizon_h : float, optional
        Longest time from a case's origin to the START of its last interval [h]; needed when `nwp` holds runs. Each
        interval takes the newest run that was there `horizon_h` before it, so that no case sees a later one.
    delay_h : float
        Hours from a run's nominal issue time to its arrival.
    centre_offset_min : float
        Minutes from the stamp to the centre of what the value stands for: 0 for instants and for hourly means stamped
        hh:30, 30 for hourly means stamped at their start, −30 at their end.
    max_gap_h : float
        Values further apart are not joined by a line; the intervals between them are NaN.
    source : Source or {"forecast", "reanalysis", "measured"}, optional
        What the columns are; what the frame says of itself (``attrs["source"]``, as the bundled products do) unless given. Runs are
        forecasts; a frame that does not say when it was issued counts as a reanalysis, which may know what came after.

    Raises
    ------
    DataError
        Times without a zone, no column, duplicated stamps, runs without `horizon_h`, no overlap with the panel.
    """
    times = np.unique(panel.times_us)
    shift = round(centre_offset_min * 60_000_000)
    if isinstance(nwp.index, pd.MultiIndex):
        if horizon_h is None:
            raise DataError(
                "this weather holds runs (issue_time): give horizon_h, the longest time from a case's origin to its "
                "last interval, so that no case sees a run issued after its origin"
            )
        values = _newest_runs(nwp, times, panel.step_us, horizon_h, delay_h, shift, max_gap_h)
    else:
        stamps = _stamps(nwp.index, "the weather")
        _check_columns(nwp)
        values = {
            str(c): _between(stamps + shift, nwp[c].to_numpy(np.float64), times + panel.step_us // 2, max_gap_h, str(c))
            for c in nwp.columns
        }
    if not any(np.isfinite(value).any() for value in values.values()):
        raise DataError(
            f"the weather does not reach into the panel's span ({_instant(times[0])} to {_instant(times[-1])}): "
            f"check its years and its zone{_too_wide(nwp, max_gap_h)}"
        )
    values |= _speeds_of_components(values)
    position = np.searchsorted(times, panel.times_us)
    columns = {prefix + name: value[position] for name, value in values.items()}
    said = _source(nwp, prefix, source)
    return replace(panel, data=panel.data.assign(**columns), sources={**panel.sources, **dict.fromkeys(columns, said)})


def _source(nwp: pd.DataFrame, prefix: str, given: Source | str | None) -> Source:
    """Where the columns of a product come from."""
    said = nwp.attrs.get("source") if given is None else given
    if said is not None:
        found = Source.of(said)
    else:
        found = Source(Origin.FORECAST if isinstance(nwp.index, pd.MultiIndex) else Origin.REANALYSIS)
    return replace(found, product=found.product or prefix.strip("_"))


def _too_wide(nwp: pd.DataFrame, max_gap_h: float) -> str:
    """What is wrong where the product's own step is too wide to be joined."""
    times = nwp.index.get_level_values("time") if isinstance(nwp.index, pd.MultiIndex) else nwp.index
    gaps = np.diff(np.unique(pd.DatetimeIndex(times).as_unit("us").asi8)) / HOUR_US
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    if usual <= max_gap_h:
        return ""
    return f"; its values stand {usual:g} h apart, and more than max_gap_h={max_gap_h:g} is not joined: give max_gap_h={usual:g}"


def _speeds_of_components(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The norm of each pair of components that comes without a speed."""
    levels = {name.removeprefix("wind_u_") for name in values if name.startswith("wind_u_")}
    return {
        f"wind_speed_{level}": np.hypot(values[f"wind_u_{level}"], values[f"wind_v_{level}"])
        for level in sorted(levels)
        if f"wind_v_{level}" in values and f"wind_speed_{level}" not in values
    }


def _newest_runs(
    nwp: pd.DataFrame, times: np.ndarray, step_us: int, horizon_h: float, delay_h: float, shift: int, max_gap_h: float
) -> dict[str, np.ndarray]:
    if list(nwp.index.names) != [ISSUE, "time"]:
        raise DataError(f"weather runs are indexed ['{ISSUE}', 'time'], not {list(nwp.index.names)}: use set_index")
    _check_columns(nwp)
    issued = _stamps(pd.DatetimeIndex(nwp.index.levels[0]), "issue_time")
    last_issue = times - round((horizon_h + delay_h) * HOUR_US)
    run = np.searchsorted(issued, last_issue, side="right") - 1
    values = {str(c): np.full(len(times), np.nan) for c in nwp.columns}
    values[AGE] = np.full(len(times), np.nan)
    for number in np.unique(run[run >= 0]):
        rows = np.flatnonzero(run == number)
        one = nwp.xs(nwp.index.levels[0][number], level=ISSUE)
        stamps = _stamps(one.index, f"the run issued {nwp.index.levels[0][number]}") + shift
        for column in nwp.columns:
            values[str(column)][rows] = _between(
                stamps, one[column].to_numpy(np.float64), times[rows] + step_us // 2, max_gap_h, str(column)
            )
        values[AGE][rows] = (times[rows] - issued[number]) / HOUR_US - delay_h
    return values


def _between(known: np.ndarray, value: np.ndarray, wanted: np.ndarray, max_gap_h: float, name: str) -> np.ndarray:
    """Straight lines between known instants; a direction goes the short way round."""
    if kind_of(name) is ColumnKind.CIRCULAR:
        u, v = components(1.0, value)
        joined = speed_and_direction(
            _between(known, u, wanted, max_gap_h, "u"), _between(known, v, wanted, max_gap_h, "v")
        )
        return joined[1]
    seen = np.isfinite(value)
    known, value = known[seen], value[seen]
    if len(known) == 0:
        return np.full(len(wanted), np.nan)
    right = np.clip(np.searchsorted(known, wanted), 1 if len(known) > 1 else 0, len(known) - 1)
    gap = known[right] - known[np.maximum(right - 1, 0)]
    inside = (wanted >= known[0]) & (wanted <= known[-1]) & ((gap <= max_gap_h * HOUR_US) | np.isin(wanted, known))
    return np.where(inside, np.interp(wanted, known, value), np.nan)


def _check_columns(nwp: pd.DataFrame) -> None:
    numeric = [c for c in nwp.columns if pd.api.types.is_numeric_dtype(nwp[c])]
    if len(numeric) < len(nwp.columns) or not numeric:
        odd = next((c for c in nwp.columns if c not in numeric), None)
        raise DataError(
            f"weather columns are numbers, {odd!r} is not: convert or drop it"
            if odd is not None
            else "the weather has no columns"
        )


def _stamps(index: pd.Index, what: str) -> np.ndarray:
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(f"{what} is indexed by {index.dtype}, not by time: use set_index('time') with UTC times")
    stamps = utc(index, what).asi8
    if (np.diff(stamps) <= 0).any():
        place = _instant(stamps[int(np.flatnonzero(np.diff(stamps) <= 0)[0]) + 1])
        raise DataError(f"{what} has duplicated or unsorted times, the first at {place}: sort it and drop duplicates")
    return stamps


def _instant(us: int) -> pd.Timestamp:
    return pd.Timestamp(int(us), unit="us", tz="UTC")
