"""Average days: what a meter reads by the local clock, for each season, month, city or day type, and how far days differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.errors import DataError, StudyError, nearest
from cblcast.frames.instants import DAY_US, HOUR_US, step_words
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED
from cblcast.loadshapes.grouping import SEASONS, group_labels

DAY_TYPES = "weekday_saturday_sunday_holiday"


def average_days(
    panel: Panel,
    column: str = OBSERVED,
    by: Sequence[str] = ("season",),
    *,
    spread: str = "days",
    quantiles: Sequence[float] = (0.1, 0.5, 0.9),
    day_types: str | Sequence[str] = DAY_TYPES,
) -> pd.DataFrame:
    """The average day of each group of days, with quantile bands.

    Parameters
    ----------
    panel : Panel
    column : str
        Powers [kW], such as ``observed_kw``, ``pv_kw`` or ``load_kw``.
    by : sequence of str
        ``season``, ``month``, ``day_type``, ``year``, or columns of ``panel.sites`` such as ``city``.
    spread : {"days", "site_days"}
        What the quantiles run over: days, each the mean of the sites that were metered then (how much the weather and the
        calendar do), or days of single sites (how much homes differ as well).
    quantiles : sequence of float
        In [0, 1].
    day_types : str or eight labels
        What ``day_type`` tells apart (:data:`cblcast.days.day_types.DAY_TYPES`).

    Returns
    -------
    DataFrame, index (`by` …, hour)
        ``hour``: start of the interval by the local clock [h], 0 ≤ hour < 24. ``mean_kw``: mean over sites and days;
        ``q10_kw`` … the quantiles; ``n_sites`` and ``n_days`` that were metered at that hour; ``metered_share`` of the group's
        (site, day) pairs that were.

    Raises
    ------
    DataError, StudyError
        An unknown column, grouping, spread or quantile.

    Notes
    -----
    Duck-curve notebook: "get hourly avg demand for a given season … line for each season which consists of averaged hourly
    demand". On a 23 h day the missing hour is not metered; on a 25 h day the double hour is the mean of the two.
    """
    if spread not in ("days", "site_days"):
        raise StudyError(f"the spread runs over 'days' or 'site_days', not {spread!r}")
    levels = np.asarray(quantiles, dtype=np.float64)
    if levels.ndim != 1 or not ((levels >= 0) & (levels <= 1)).all():
        raise StudyError(f"quantiles lie between 0 and 1, e.g. (0.1, 0.9), not {list(np.atleast_1d(quantiles))}")
    values, labels = _by_site_and_day(panel, column, by, day_types)
    n_sites, n_days, n_slots = values.shape
    flat = values.reshape(n_sites * n_days, n_slots)
    there = np.isfinite(flat).any(1)
    if not there.any():
        raise DataError(f"{column!r} was never metered: choose another column, or another span")
    parts, keys = [], []
    for key, rows in labels[there].groupby(list(labels.columns), sort=True).indices.items():
        at = np.flatnonzero(there)[rows]
        parts.append(_curve(flat[at], at // n_days, at % n_days, spread, levels))
        keys.append(key if isinstance(key, tuple) else (key,))
    curves = pd.concat(parts, keys=keys, names=list(labels.columns))
    curves.index = curves.index.set_levels(np.arange(n_slots) * (24.0 / n_slots), level="hour")
    return _in_order_of_seasons(curves)


def difference_of_curves(
    panel: Panel,
    column: str,
    cohort: str,
    first: str,
    second: str,
    *,
    by: Sequence[str] = ("season",),
    level: float = 0.9,
    n_bootstrap: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Average day of one cohort less that of another, with limits from drawing its sites again.

    Parameters
    ----------
    panel : Panel
    column : str
        Powers [kW].
    cohort : str
        A column of ``panel.sites``, e.g. ``city``.
    first, second : str
        Two of its values; the difference is `first` − `second` [kW per site].
    by : sequence of str
        As in :func:`average_days`; both cohorts need sites in a group, groups that only one has are left out.
    level : float
        Share that the limits hold, in (0, 1).
    n_bootstrap, seed : int
        Homes are drawn with replacement, all their days together: days of one home are no independent evidence.

    Returns
    -------
    DataFrame, index (`by` …, hour)
        ``first_kw``, ``second_kw``, ``difference_kw``, ``lower_kw``, ``upper_kw``.

    Raises
    ------
    DataError
        No site of a cohort, or no group that both have.
    """
    if not 0 < level < 1:
        raise StudyError(f"level is the share that the limits hold, between 0 and 1, not {level}")
    values, labels = _by_site_and_day(panel, column, by, DAY_TYPES)
    n_days = values.shape[1]
    groups = labels.groupby(list(labels.columns), sort=True).ngroup().to_numpy().reshape(len(panel.sites), n_days)
    names = labels.groupby(list(labels.columns), sort=True).first().index
    mean_of_site = [
        _site_curves(values[_sites_of(panel, cohort, name)], groups, len(names)) for name in (first, second)
    ]
    both = np.logical_and(*(np.isfinite(curves).any((0, 2)) for curves in mean_of_site))
    if not both.any():
        raise DataError(f"{first!r} and {second!r} were never metered in the same {', '.join(labels.columns)}")
    rng = np.random.default_rng(seed)
    drawn = np.stack([_drawn_means(curves[:, both], rng, n_bootstrap) for curves in mean_of_site])
    tail = (1 - level) / 2
    lower, upper = np.nanquantile(drawn[0] - drawn[1], [tail, 1 - tail], axis=0)
    means = [known_mean(curves[:, both], 0) for curves in mean_of_site]
    hours = np.arange(values.shape[2]) * (24.0 / values.shape[2])
    index = pd.MultiIndex.from_tuples(
        [(*(key if isinstance(key, tuple) else (key,)), hour) for key in names[both] for hour in hours],
        names=[*labels.columns, "hour"],
    )
    table = {
        "first_kw": means[0],
        "second_kw": means[1],
        "difference_kw": means[0] - means[1],
        "lower_kw": lower,
        "upper_kw": upper,
    }
    return _in_order_of_seasons(pd.DataFrame({name: each.ravel() for name, each in table.items()}, index=index))


def _by_site_and_day(
    panel: Panel, column: str, by: Sequence[str], day_types: str | Sequence[str]
) -> tuple[np.ndarray, pd.DataFrame]:
    if column not in panel.data.columns:
        raise DataError(f"the panel has no column {column!r}: {nearest(column, map(str, panel.data.columns))}")
    if panel.step_us > HOUR_US or DAY_US % panel.step_us:
        raise DataError(
            f"curves of a day need a step of an hour or less that divides the day, not {step_words(panel.step)}"
        )
    cube = panel.cube(column)
    return cube.values, group_labels(panel, by, cube.days, day_types)


def _curve(values: np.ndarray, site: np.ndarray, day: np.ndarray, spread: str, levels: np.ndarray) -> pd.DataFrame:
    """One group: `values` (n, n_slots) of (site, day) pairs."""
    known = np.isfinite(values)
    rows = values.astype(np.float64) if spread == "site_days" else _mean_of_each(values, day)
    asked = np.isfinite(rows).any(0)
    bands = np.full((len(levels), values.shape[1]), np.nan)
    bands[:, asked] = np.nanquantile(rows[:, asked], levels, axis=0)
    table = {"mean_kw": known_mean(values, 0)}
    table |= {f"q{100 * level:02.0f}_kw": band for level, band in zip(levels, bands, strict=True)}
    table["n_sites"] = _distinct(site, known)
    table["n_days"] = _distinct(day, known)
    table["metered_share"] = known.mean(0)
    return pd.DataFrame(table, index=pd.RangeIndex(values.shape[1], name="hour"))


def _mean_of_each(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mean over the known rows of each group, shape (n_groups, n_slots)."""
    codes, names = pd.factorize(group)
    known = np.isfinite(values)
    count = np.zeros((len(names), values.shape[1]))
    total = np.zeros_like(count)
    np.add.at(count, codes, known)
    np.add.at(total, codes, np.where(known, values, 0.0))
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _distinct(what: np.ndarray, known: np.ndarray) -> np.ndarray:
    """How many different `what` are known in each column of `known` (n, n_slots)."""
    codes, names = pd.factorize(what)
    seen = np.zeros((len(names), known.shape[1]), dtype=bool)
    np.logical_or.at(seen, codes, known)
    return seen.sum(0)


def _sites_of(panel: Panel, cohort: str, name: str) -> np.ndarray:
    if cohort not in panel.sites.columns:
        raise DataError(f"sites have no column {cohort!r}: {nearest(cohort, map(str, panel.sites.columns))}")
    rows = np.flatnonzero(panel.sites[cohort].to_numpy() == name)
    if len(rows) == 0:
        raise DataError(f"no site has {cohort} {name!r}: {nearest(name, map(str, panel.sites[cohort].unique()))}")
    return rows


def _site_curves(values: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Average day of each site and group, float64, shape (n_sites, n_groups, n_slots); NaN where never metered."""
    of_day = groups[: len(values)]
    found = np.full((len(values), n_groups, values.shape[2]), np.nan)
    for group in range(n_groups):
        found[:, group] = known_mean(np.where((of_day == group)[:, :, None], values, np.nan), 1)
    return found


def _drawn_means(curves: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    """Mean curve of `n` draws of the sites, shape (n, n_groups, n_slots)."""
    chosen = rng.integers(0, len(curves), (n, len(curves)))
    share = np.stack([np.bincount(row, minlength=len(curves)) for row in chosen]).astype(np.float64)
    known = np.isfinite(curves)
    count = np.einsum("bs,sgh->bgh", share, known.astype(np.float64))
    total = np.einsum("bs,sgh->bgh", share, np.where(known, curves, 0.0))
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _in_order_of_seasons(curves: pd.DataFrame) -> pd.DataFrame:
    """Seasons run winter, spring, summer, autumn rather than by the alphabet."""
    if "season" not in curves.index.names:
        return curves
    rank = {season: position for position, season in enumerate(SEASONS)}
    return curves.sort_index(key=lambda level: level.map(rank) if level.name == "season" else level, kind="stable")
