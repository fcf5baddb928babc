"""Classes of devices: runs of like power belong to one device, which weather or a table of signatures may name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d

from cblcast.end_uses.runs import FoundRuns
from cblcast.errors import DataError, StudyError

Array = np.ndarray
GRID = 0.01  # of the logarithm of power, in which devices scatter by a share of it
BLUR = 0.05  # two devices whose powers differ by less than about a tenth are one class
LIKE_KW, LIKE_HOURS = 0.3, 1.0  # differences of logarithms at which a signature no longer fits
FOLLOWS_WEATHER = 0.5  # correlation of daily energies with daily mean temperature
LEAST_DAYS, LEAST_RUNS_A_DAY = 10, 2.0
UNKNOWN, COOLING, HEATING = "unknown", "cooling", "heating"


def classed_runs(runs: FoundRuns, n_days: int, daily_temp_c: Array | None = None) -> tuple[Array, pd.DataFrame]:
    """Classes of one home's runs by their power.

    Parameters
    ----------
    runs : FoundRuns
    n_days : int
        Days that the readings cover.
    daily_temp_c : ndarray, shape (n_days,), optional
        Mean outdoor temperature of each day since the first reading [°C].

    Returns
    -------
    label : ndarray of int, shape (n_runs,)
        Class of each run, 0 for the smallest power.
    classes : DataFrame, index class
        ``runs``, ``runs_per_day``, ``kw`` (median), ``hours`` (median), ``kwh`` (sum), ``temp_correlation``: of the energies of days with
        their temperatures, NaN without one or below ten days.

    Notes
    -----
    Hart (1992), section IV-B, clusters edges by power; here the density of the logarithm of power is cut where it is least between
    two peaks. Two devices of one power are one class: real power alone cannot tell them apart.
    """
    if n_days < 1:
        raise StudyError(f"n_days is {n_days}: give the days that the readings cover")
    if daily_temp_c is not None and (len(daily_temp_c) != n_days or not np.isfinite(daily_temp_c).all()):
        raise DataError(f"daily_temp_c needs one finite temperature for each of {n_days} days")
    label = _by_density(np.log(runs.kw)) if len(runs) else np.empty(0, dtype=np.int64)
    rows = []
    for one in range(label.max(initial=-1) + 1):
        mine = label == one
        day = np.clip((runs.start_h[mine] // 24).astype(np.int64), 0, n_days - 1)
        daily = np.bincount(day, weights=runs.kwh[mine], minlength=n_days)
        rows.append(
            {
                "runs": int(mine.sum()),
                "runs_per_day": mine.sum() / n_days,
                "kw": float(np.median(runs.kw[mine])),
                "hours": float(np.median(runs.hours[mine])),
                "kwh": float(runs.kwh[mine].sum()),
                "temp_correlation": _correlation(daily, daily_temp_c),
            }
        )
    columns = ["runs", "runs_per_day", "kw", "hours", "kwh", "temp_correlation"]
    return label, pd.DataFrame(rows, columns=columns, index=pd.RangeIndex(len(rows), name="class"))


def named_classes(classes: pd.DataFrame, signatures: Mapping[str, tuple[float, float]]) -> pd.Series:
    """A name for each class.

    Parameters
    ----------
    classes : DataFrame
        Of :func:`classed_runs`.
    signatures : mapping name -> (kw, hours)
        Typical power [kW] and length of a run [h] of devices that the home may have.

    Returns
    -------
    Series of str, index class
        ``cooling`` (``heating``) for a class that runs at least twice a day and whose days follow warmth (cold) with a
        correlation of 0.5; else the signature nearest in the logarithms of power and length, or ``unknown`` where power is off by
        more than a third or length by more than a factor of e.

    Notes
    -----
    Edges have sizes, not names: a name is a guess of the table's, and two devices alike in both get one name.
    """
    for name, pair in signatures.items():
        if len(pair) != 2 or not min(pair) > 0:
            raise StudyError(f"the signature of {name!r} is {pair}: give its power [kW] and length [h], both above 0")
    names = []
    for row in classes.itertuples():
        if row.runs_per_day >= LEAST_RUNS_A_DAY and abs(row.temp_correlation) >= FOLLOWS_WEATHER:
            names.append(COOLING if row.temp_correlation > 0 else HEATING)
            continue
        scores = {
            name: max(abs(np.log(row.kw / kw)) / LIKE_KW, abs(np.log(row.hours / hours)) / LIKE_HOURS)
            for name, (kw, hours) in signatures.items()
        }
        best = min(scores, key=scores.__getitem__, default=UNKNOWN)
        names.append(best if scores.get(best, np.inf) <= 1 else UNKNOWN)
    return pd.Series(names, index=classes.index, dtype="str", name="device")


def _by_density(values: Array) -> Array:
    """Classes of `values` between the minima of their density."""
    first = values.min() - 5 * BLUR
    cell = ((values - first) / GRID).astype(np.int64)
    count = np.bincount(cell, minlength=cell.max() + round(5 * BLUR / GRID)).astype(np.float64)
    density = gaussian_filter1d(count, BLUR / GRID, mode="constant")
    lowest = np.flatnonzero((density[1:-1] <= density[:-2]) & (density[1:-1] < density[2:])) + 1
    # A flat valley ends in one cut: that at which the density begins to rise again.
    return np.unique(np.searchsorted(lowest, cell, side="right"), return_inverse=True)[1]


def _correlation(daily: Array, temp_c: Array | None) -> float:
    if temp_c is None or len(daily) < LEAST_DAYS or np.ptp(daily) == 0 or np.ptp(temp_c) == 0:
        return float("nan")
    return float(np.corrcoef(daily, temp_c)[0, 1])
