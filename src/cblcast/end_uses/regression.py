"""Heating, cooling, base and what people do, from a load of quarter hours or longer: a regression on temperature and clock.

The model is that of the physically based baseline (:mod:`cblcast.estimators.learners.filtered_degrees`): what it identifies
there to predict a load is here told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cblcast.end_uses.weeks import WeekSums
from cblcast.errors import DataError, StudyError
from cblcast.estimators.learners.filtered_degrees import Degrees, degrees, identify, occupied_times

Array = np.ndarray
PARTS = ("base", "occupancy", "heating", "cooling")
BASE_QUANTILE = 0.05  # of the levels of the clock: their minimum would be the luckiest of many means
LEAST_DAYS = 28
KINDS = np.array([0, 0, 1, 1])  # slopes of heating, of cooling


@dataclass(frozen=True, eq=False)
class EndUses:
    """A load told apart.

    Attributes
    ----------
    expected_kw : ndarray, shape (n_rows, 4)
        What the model expects of base, occupancy, heating and cooling [kW], ≥ 0; NaN where the temperature is unknown, or
        its hour or month was never metered. Its means are the best estimate of each part's energy.
    mean_kw, lower_kw, upper_kw : ndarray, shape (4,)
        Mean of each part over the rows that were fitted, and limits from drawing weeks again [kW]. The limits say how much
        other weeks would have changed the estimate, not whether the model is right: see the notes of :func:`regress`.
    explained : float
        1 − squared error / variance of the fitted rows.
    fitted : ndarray of bool, shape (n_rows,)
        Rows with load and temperature; the others were left out.
    model : Degrees
        Slopes, balance temperatures, time constants.
    """

    expected_kw: Array
    mean_kw: Array
    lower_kw: Array
    upper_kw: Array
    explained: float
    fitted: Array
    model: Degrees

    def adding_up_to(self, load_kw: Array) -> Array:
        """Parts that add up to `load_kw`: :func:`add_up` of what is expected."""
        return add_up(load_kw, self.expected_kw)


def regress(
    load_kw: Array,
    clock: Array,
    season: Array,
    filtered_c: Array,
    time_constants_h: Array,
    step_h: float,
    *,
    level: float = 0.9,
    draws: int = 200,
    seed: int = 0,
) -> EndUses:
    """Tell heating, cooling, base and occupancy of one site apart.

    Parameters
    ----------
    load_kw : ndarray, shape (n_rows,)
        Mean power of consecutive intervals [kW], ≥ 0; NaN is left out.
    clock : ndarray of int, shape (n_rows,)
        Which level of occupancy a row has, ≥ 0: an hour of a kind of day, or a class of counted occupants.
    season : ndarray of int, shape (n_rows,)
        Month of each row, counted on from year to year: what changes from month to month is no weather.
    filtered_c : ndarray, shape (n_rows, n_time_constants)
        Outdoor temperature behind first-order filters [°C]; a row with NaN is left out.
    time_constants_h : ndarray, shape (n_time_constants,)
        [h]; 0 is unfiltered.
    step_h : float
        Length of an interval [h], at least a quarter.
    level : float
        Share that the limits hold.
    draws, seed : int
        How often weeks are drawn again.

    Raises
    ------
    DataError
        Net or constant load, no temperature or one that never changes, fewer than four weeks of rows.
    StudyError
        A step below a quarter of an hour.

    Notes
    -----
    load = level(clock) + level(month) + s_h (T_h − T_f)⁺ + s_c (T_f − T_c)⁺ + rest, slopes ≥ 0 and their own for times of high
    and low level. Slopes are found from what differs within an hour of the day of one month.
    Heating or cooling stays only if it predicts weeks left out of the fit better than a model without it. *Base* is the 5 %
    quantile of the levels, *occupancy* what a level exceeds it by. The degrees are those of Princeton's scorekeeping (Fels 1986),
    the clock that of Mathieu et al. (2011).

    What it cannot tell: a use that follows the weather of days for another reason (cooking outdoors, refrigerators in a warm
    room) is counted as heating or cooling; heating and cooling that run by the month or the clock whatever the weather are
    occupancy; so are water heaters; a device that always runs is base whether or not it can be switched.

    How far it is off, on simulated homes (``experiments/end_uses``): heating of heat pumps is found 12 % too low, cooling of 2 % of
    the load 22 % too low; the limits, which know of other weeks only, hold the truth in 37 to 58 % of the homes.
    """
    load, fitted = _checked(load_kw, filtered_c, step_h)
    clocks, clock = np.unique(np.asarray(clock), return_inverse=True)
    seasons, season = np.unique(np.asarray(season), return_inverse=True)
    cell, shape = season * len(clocks) + clock, (len(seasons), len(clocks))
    time = cell[fitted]
    # Hours of a high level are those of all the year: of one month they would be those of a few runs.
    occupied = np.tile(occupied_times(load[fitted], clock[fitted], shape[1]), shape[0])
    found = identify(
        load[fitted],
        time,
        len(occupied),
        filtered_c[fitted],
        np.asarray(time_constants_h),
        occupied=occupied,
        apart=True,
    )
    columns = _columns(filtered_c, found, occupied[cell])
    week = np.flatnonzero(fitted) // round(7 * 24 / step_h)
    sums = WeekSums.of(load[fitted], time, shape, columns[fitted], week)
    keep = sums.worth_keeping(KINDS)
    slope, levels = sums.solve(np.ones(sums.n_weeks), keep)
    expected = _expected(levels, slope, cell, columns, time)
    # A level or a month that was never metered is not known, whatever the others are.
    expected[~(np.isin(clock, clock[fitted]) & np.isin(season, season[fitted]))] = np.nan
    rest = load[fitted] - expected[fitted].sum(1)
    rng = np.random.default_rng(seed)
    drawn = np.empty((draws, 4))
    for draw in range(draws):
        often = np.bincount(rng.integers(0, sums.n_weeks, sums.n_weeks), minlength=sums.n_weeks)
        slope_of, levels_of = sums.solve(often.astype(np.float64), keep)
        drawn[draw] = _means(levels_of, slope_of, time, columns[fitted].mean(0))
    lower, upper = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return EndUses(
        expected,
        expected[fitted].mean(0),
        lower,
        upper,
        1 - float((rest @ rest) / ((load[fitted] - load[fitted].mean()) ** 2).sum()),
        fitted,
        replace(found, base_kw=levels, slope_kw_k=slope),
    )


def add_up(load_kw: Array, expected_kw: Array) -> Array:
    """Parts of 0 or more that add up to the load, interval by interval.

    Parameters
    ----------
    load_kw : ndarray, shape (n_rows,)
        [kW], ≥ 0.
    expected_kw : ndarray, shape (n_rows, n_parts)
        What a model expects of each part [kW], ≥ 0; the first is the base.

    Returns
    -------
    ndarray, shape (n_rows, n_parts + 1)
        The parts and, last, what no part explains [kW]. Where the load is above what is expected, the difference is
        unexplained. Where it is below, the base keeps what it can and the other parts share the rest in proportion. NaN where
        load or expectation is.

    Notes
    -----
    An allocation, for pictures and for intervals: since what is above goes to one part and what is below comes off the others,
    their sums lie below those of what is expected. Take energies from :attr:`EndUses.mean_kw`.
    """
    load = np.asarray(load_kw, dtype=np.float64)
    base = np.minimum(expected_kw[:, 0], load)
    others = expected_kw[:, 1:]
    total = others.sum(1)
    share = np.divide(np.minimum(load - base, total), total, out=np.zeros(len(load)), where=total > 0)
    share[~np.isfinite(load + total)] = np.nan
    parts = np.column_stack([base, others * share[:, None]])
    return np.column_stack([parts, np.maximum(load - parts.sum(1), 0.0)])


def _checked(load_kw: Array, filtered_c: Array, step_h: float) -> tuple[Array, Array]:
    if step_h < 0.25 - 1e-9:
        raise StudyError(
            f"the regression takes steps of 15 min or longer, not {60 * step_h:g} min: resample, or look for edges (find_edges)"
        )
    load = np.asarray(load_kw, dtype=np.float64)
    if (load < 0).any():
        row = int((load < 0).argmax())
        raise DataError(
            f"the load is {load[row]:.3g} kW at row {row}, and no use is below 0: give what is used (load_kw), not the net load of a roof"
        )
    known = np.isfinite(filtered_c).all(1)
    if not known.any():
        raise DataError("no row has a temperature, and without it heating and cooling cannot be told from the rest")
    fitted = known & np.isfinite(load)
    if fitted.sum() * step_h < 24 * LEAST_DAYS:
        raise DataError(
            f"{fitted.sum() * step_h / 24:.3g} days have load and temperature: {LEAST_DAYS} are needed, and a year to tell seasons apart"
        )
    if np.ptp(load[fitted]) <= 1e-9 * max(1.0, load[fitted].max()):
        raise DataError(f"the load is {load[fitted][0]:.3g} kW throughout: a constant has no end uses to tell apart")
    if np.ptp(filtered_c[fitted][:, 0]) < 1.0:
        raise DataError(
            "the temperature changes by less than 1 K over the span: heating and cooling cannot be told apart"
        )
    return load, fitted


def _columns(filtered_c: Array, found: Degrees, occupied: Array) -> Array:
    """Degrees [K] in the order of the slopes, shape (n_rows, 4)."""
    columns = []
    for kind in (0, 1):
        reached = degrees(filtered_c[:, found.filters[kind]], found.balance_c[kind], kind == 0)
        columns += [np.where(occupied, 0.0, reached), np.where(occupied, reached, 0.0)]
    return np.column_stack(columns)


def _expected(levels: Array, slope: Array, group: Array, columns: Array, time: Array) -> Array:
    base = np.minimum(levels, _base_of(levels, time))
    heating, cooling = columns[:, :2] @ slope[:2], columns[:, 2:] @ slope[2:]
    expected = np.column_stack([base[group], (levels - base)[group], heating, cooling])
    expected[~np.isfinite(heating + cooling)] = np.nan
    return expected


def _base_of(levels: Array, time: Array) -> float:
    """The level that 5 % of the time lies at or below."""
    order = np.argsort(levels)
    share = np.cumsum(np.bincount(time, minlength=len(levels))[order]) / len(time)
    return float(levels[order][np.searchsorted(share, BASE_QUANTILE)])


def _means(levels: Array, slope: Array, time: Array, mean_degrees: Array) -> Array:
    share = np.bincount(time, minlength=len(levels)) / len(time)
    base = np.minimum(levels, _base_of(levels, time))
    parts = mean_degrees * slope
    return np.array([share @ base, share @ (levels - base), parts[:2].sum(), parts[2:].sum()])
