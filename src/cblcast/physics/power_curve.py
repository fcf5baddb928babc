"""Power curves: the method of bins, a monotone fit, its uncertainty, and published curves.

Source: IEC 61400-12-1:2017, clause 9.2 (0.5 m/s bins centred on multiples of 0.5 m/s, bin means of speed and power,
category A standard uncertainty σ/√N), as the nowcast paper uses it (Dupré et al. 2020, section 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError, nearest
from cblcast.physics.wind import STRONGEST_MS

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PowerCurve:
    """Power against wind speed at bin points, straight lines between them.

    Attributes
    ----------
    speed : ndarray (n_bins,)
        Mean wind speed of each bin [m/s], increasing.
    power : ndarray (n_bins,)
        Mean power of each bin [kW].
    count : ndarray (n_bins,)
        Intervals in each bin; 0 for a published curve.
    spread : ndarray (n_bins,)
        Standard deviation of power in each bin [kW]; NaN for a published curve.
    """

    speed: Array
    power: Array
    count: Array
    spread: Array

    @property
    def standard_uncertainty(self) -> Array:
        """Category A standard uncertainty of each bin's power, σ/√N [kW] (IEC 61400-12-1:2017, annex E)."""
        return self.spread / np.sqrt(np.maximum(self.count, 1.0))

    def __call__(self, speed: ArrayLike) -> Array:
        """Power [kW] at `speed` [m/s], any shape; the end bins hold beyond the ends, NaN stays NaN."""
        v = np.asarray(speed, dtype=np.float64)
        return np.where(np.isfinite(v), np.interp(np.nan_to_num(v), self.speed, self.power), np.nan)

    def expected(self, speed: ArrayLike, speed_sd: float) -> Array:
        """Mean power [kW] when the speed is only known with a Gaussian error of `speed_sd` [m/s].

        The curve of the mean is not the mean of the curve: below the bend it lies under it, above the bend over it.
        Nine-point Gauss-Hermite quadrature.
        """
        nodes, weights = np.polynomial.hermite_e.hermegauss(9)
        around = np.maximum(np.asarray(speed, dtype=np.float64)[..., None] + speed_sd * nodes, 0.0)
        return self(around) @ (weights / weights.sum())

    def monotone(self) -> PowerCurve:
        """The nearest non-decreasing curve, each bin weighed by its count (pool adjacent violators)."""
        from scipy.optimize import isotonic_regression

        fitted = isotonic_regression(self.power, weights=np.maximum(self.count, 1.0)).x
        return PowerCurve(self.speed, np.asarray(fitted, dtype=np.float64), self.count, self.spread)


def fit_power_curve(speed: ArrayLike, power_kw: ArrayLike, *, width: float = 0.5, min_count: int = 5) -> PowerCurve:
    """Fit a power curve by the method of bins.

    Parameters
    ----------
    speed : array_like (n,)
        Wind speed at hub height [m/s].
    power_kw : array_like (n,)
        Mean power over the same intervals [kW]. Rows with a NaN are left out.
    width : float
        Bin width [m/s]; bins are centred on its multiples.
    min_count : int
        Bins with fewer intervals are dropped (the standard asks for 30 minutes of data: 3 of 10 min).

    Raises
    ------
    DataError
        Arrays of different length, speeds that no wind has, or fewer than two bins left.
    """
    v, p = np.asarray(speed, dtype=np.float64).ravel(), np.asarray(power_kw, dtype=np.float64).ravel()
    if v.shape != p.shape:
        raise DataError(f"speed has {v.size} values and power {p.size}: give them for the same intervals")
    if (v > STRONGEST_MS).any():
        raise DataError(
            f"speeds of up to {np.nanmax(v):g} m/s are no wind ({int((v > STRONGEST_MS).sum())} above {STRONGEST_MS:g}): mend the unit, or "
            "put NaN where nothing was measured"
        )
    seen = np.isfinite(v) & np.isfinite(p) & (v >= 0)
    v, p = v[seen], p[seen]
    bins = np.floor(v / width + 0.5).astype(np.int64)
    count = np.bincount(bins, minlength=1).astype(np.float64)
    keep = count >= max(min_count, 1)
    if keep.sum() < 2:
        raise DataError(
            f"a power curve needs two bins of {min_count} intervals or more, got {int(keep.sum())} from "
            f"{v.size} valid rows: give more data, or a published curve"
        )
    n = np.maximum(count, 1.0)
    mean_speed, mean_power = np.bincount(bins, v) / n, np.bincount(bins, p) / n
    spread = np.sqrt(np.bincount(bins, (p - mean_power[bins]) ** 2) / np.maximum(n - 1.0, 1.0))
    return PowerCurve(mean_speed[keep], mean_power[keep], count[keep], spread[keep])


def fit_sound_power_curve(
    speed: ArrayLike, power_kw: ArrayLike, *, width: float = 0.5, min_count: int = 5, rounds: int = 12
) -> PowerCurve:
    """The curve of a turbine that runs freely, fitted by bins although a part of its records is curtailed, iced or derated.

    What is limited lies below the free curve and never above it. So the fit begins at an upper quantile of each bin and
    keeps, round after round, the records within 2.5 spreads of the curve, where the spread of a bin is that of its records
    ABOVE the curve, which nothing limits. Up to about two fifths of a bin may be limited.

    Parameters
    ----------
    speed, power_kw, width, min_count
        As :func:`fit_power_curve`.
    rounds : int
        At most; the fit ends before when no bin moves by a thousandth of the largest power.

    Returns
    -------
    PowerCurve
        ``count`` of the records that were kept, ``spread`` of those above the curve [kW].

    Raises
    ------
    DataError
        As :func:`fit_power_curve`.
    """
    plain = fit_power_curve(speed, power_kw, width=width, min_count=min_count)
    v, p = np.asarray(speed, dtype=np.float64).ravel(), np.asarray(power_kw, dtype=np.float64).ravel()
    seen = np.isfinite(v) & np.isfinite(p) & (v >= 0)
    v, p = v[seen], p[seen]
    bins = np.floor(v / width + 0.5).astype(np.int64)
    curve = PowerCurve(plain.speed, _upper(bins, p, min_count), plain.count, plain.spread)
    smallest = 0.01 * float(curve.power.max())
    for _ in range(rounds):
        above = p - curve(v)
        over = np.bincount(bins, above > 0)
        square = np.bincount(bins, np.maximum(above, 0.0) ** 2)
        spread = np.maximum(np.sqrt(square / np.maximum(over, 1.0)), smallest)
        keep = np.abs(above) <= 2.5 * spread[bins]
        fitted = fit_power_curve(v[keep], p[keep], width=width, min_count=min_count)
        own = spread[np.floor(fitted.speed / width + 0.5).astype(np.int64)]
        before, curve = curve, PowerCurve(fitted.speed, fitted.power, fitted.count, own)
        if len(before.power) == len(curve.power) and np.abs(before.power - curve.power).max() < 0.1 * smallest:
            break
    return curve


def _upper(bins: NDArray[np.int64], power: Array, min_count: int, quantile: float = 0.7) -> Array:
    """A quantile of the power of each bin with enough intervals, made to rise."""
    order = np.lexsort((power, bins))
    count = np.bincount(bins)
    begin = np.cumsum(count) - count
    used = np.flatnonzero(count >= max(min_count, 1))
    place = begin[used] + np.floor(quantile * (count[used] - 1)).astype(np.int64)
    return np.maximum.accumulate(power[order][place])


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[Array, Array]]:
    import pandas as pd

    with (files("cblcast.physics") / "published_power_curves.csv").open("rb") as handle:
        table = pd.read_csv(handle)
    return {
        str(name): (group["wind_speed_ms"].to_numpy(np.float64), group["power_kw"].to_numpy(np.float64))
        for name, group in table.groupby("turbine")
    }


def published_turbines() -> list[str]:
    """Names of the turbines with a published curve, e.g. ``'V80/2000'``."""
    return sorted(_table())


def published_power_curve(turbine: str) -> PowerCurve:
    """The manufacturer's curve of one turbine at 1.225 kg/m³, 0 kW below the sheet and above cut-out.

    Source: windpowerlib's turbine library (MIT licence; see ``published_power_curves.LICENCE.md`` beside the table).

    Raises
    ------
    DataError
        A turbine that is not in the table; the nearest names are offered.
    """
    if turbine not in _table():
        raise DataError(f"no published power curve for {turbine!r}: {nearest(turbine, _table())}; or fit one from data")
    speed, power = _table()[turbine]
    if power[0] > 0:  # the sheet begins at cut-in
        speed, power = np.r_[np.nextafter(speed[0], -np.inf), speed], np.r_[0.0, power]
    if power[-1] > 0:  # the sheet ends at cut-out: above it the turbine stands still
        speed, power = np.r_[speed, np.nextafter(speed[-1], np.inf)], np.r_[power, 0.0]
    return PowerCurve(speed.copy(), power.copy(), np.zeros(len(speed)), np.full(len(speed), np.nan))
