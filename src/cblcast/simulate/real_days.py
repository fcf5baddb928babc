"""Whole days that real meters recorded, with their kind and temperature: what large portfolios are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.days.day_types import day_type_codes, holiday_days, site_day_types
from cblcast.errors import DataError
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel

KINDS = ("working",) * 5 + ("free",) * 3  # Monday … Sunday, holiday
TEMPERATURE = "temp_air_c"
KELVIN_A_DAY = 0.1  # ten days of the year count as much as a kelvin


@dataclass(frozen=True, eq=False)
class RealDays:
    """Days that were metered whole, of some sites.

    Attributes
    ----------
    loads : ndarray of float32, shape (n, n_slots)
        Mean power [kW].
    site : ndarray of int64, shape (n,)
        Position among `names`.
    day : ndarray of int64, shape (n,)
        Local day, since 1970-01-01.
    kind : ndarray of int8, shape (n,)
        0 of a day off, 1 of a working day.
    temp_c : ndarray of float64, shape (n_days,)
        Mean outdoor temperature of every day from `first_day` on [degC], NaN where unknown.
    first_day : int
    names : tuple of str
    tz, country : str
    step_us : int
    """

    loads: np.ndarray
    site: np.ndarray
    day: np.ndarray
    kind: np.ndarray
    temp_c: np.ndarray
    first_day: int
    names: tuple[str, ...]
    tz: str
    country: str
    step_us: int

    @property
    def years(self) -> list[int]:
        """Calendar years whose temperatures are known on most days."""
        year = (np.arange(len(self.temp_c)) + self.first_day).astype("M8[D]").astype("M8[Y]").astype(int) + 1970
        return [int(one) for one in np.unique(year) if np.isfinite(self.temp_c[year == one]).sum() > 300]

    def kinds_of(self, days: np.ndarray) -> np.ndarray:
        """0 of a day off, 1 of a working day, of any local days; int8."""
        years = days.astype("M8[D]").astype("M8[Y]").astype(int) + 1970
        holidays = holiday_days(self.country, "", int(years.min()), int(years.max()))
        return day_type_codes(days, KINDS, holidays)


def real_days(panel: Panel) -> RealDays:
    """The whole days of a panel of one zone, those of clock changes and gaps left out.

    Raises
    ------
    DataError
        Sites of several zones, or a site without a whole day of either kind.
    """
    zones = panel.sites["tz"].unique()
    if len(zones) > 1:
        raise DataError(
            f"days are drawn from sites of one zone, not of {', '.join(map(str, zones))}: choose some of them"
        )
    cube = panel.cube()
    site, at = np.nonzero(np.isfinite(cube.values).all(2))
    kind = site_day_types(panel, KINDS, cube.first_day, cube.n_days)[site, at]
    for number, name in enumerate(panel.site_ids):
        if len(np.unique(kind[site == number])) < 2:
            raise DataError(f"site {name!r} has no whole working day, or no whole day off: choose other sites")
    temp_c = np.full(cube.n_days, np.nan)
    if TEMPERATURE in panel.data.columns:
        weather = panel.cube(TEMPERATURE)
        temp_c = known_mean(known_mean(weather.values, 2), 0)
    country = panel.sites["country"].iloc[0] if "country" in panel.sites.columns else ""
    return RealDays(
        np.ascontiguousarray(cube.values[site, at]),
        site.astype(np.int64),
        at.astype(np.int64) + cube.first_day,
        kind,
        temp_c,
        cube.first_day,
        tuple(map(str, panel.site_ids)),
        str(zones[0]),
        str(country),
        panel.step_us,
    )


def like(pool: RealDays, days: np.ndarray, temp_c: np.ndarray, count: int) -> np.ndarray:
    """Real days that are like some calendar days: of the same kind, and nearest in temperature and season.

    Parameters
    ----------
    pool : RealDays
    days : ndarray of int64, shape (n_days,)
        Local days, since 1970-01-01.
    temp_c : ndarray of float64, shape (n_days,)
        Their mean temperature [degC]; where it is NaN the season alone counts.
    count : int
        How many of each site; the nearest again where it has fewer.

    Returns
    -------
    ndarray of int64, shape (n_sites, n_days, count)
        Rows of the pool.
    """
    own_temp = pool.temp_c[pool.day - pool.first_day]
    apart = np.abs(_day_of_year(pool.day)[:, None] - _day_of_year(days))
    far = KELVIN_A_DAY * np.minimum(apart, 365.25 - apart)
    far += np.nan_to_num(np.abs(own_temp[:, None] - temp_c), nan=0.0)
    far[np.isnan(own_temp)] += 1e3  # of unknown temperature: only where nothing else is there
    far[pool.kind[:, None] != pool.kinds_of(days)] = np.inf
    found = np.empty((len(pool.names), len(days), count), dtype=np.int64)
    for number in range(len(pool.names)):
        rows = np.flatnonzero(pool.site == number)
        order = np.argsort(far[rows], axis=0, kind="stable")
        there = np.isfinite(np.take_along_axis(far[rows], order, 0)).sum(0)
        place = np.arange(count)[None, :] % np.minimum(there, count)[:, None]
        found[number] = rows[order[place, np.arange(len(days))[:, None]]]
    return found


def _day_of_year(days: np.ndarray) -> np.ndarray:
    dates = days.astype("M8[D]")
    return (dates - dates.astype("M8[Y]")).astype(np.int64).astype(np.float64)
