"""Control groups: drawn at random or matched, and whether they can be trusted before any event.

A control group says what the treated would have used. It is as good as it is like them (balance), as steady beside them on
days on which nothing happened (pre-period bias), and as large as the effect that it is to show (power). All three look
only at days before the program began.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.days.like_days import COMFORT_C, TEMPERATURE
from cblcast.days.placebo import placebo_events
from cblcast.features.control_match import load_shape, shape_gap
from cblcast.frames.instants import microseconds
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE, DataError, StudyError

TREATED, CONTROL = "treated", "control"
LEAST_OF_EACH = 2


@dataclass(frozen=True)
class PrePeriod:
    """Days before the program began, at the hours of its events.

    Attributes
    ----------
    start, stop : str
        Local clock of the events, ``"17:00"``.
    first, last : str
        Local dates, inclusive.
    days : str
        Day types, as :func:`cblcast.days.placebo.placebo_events`.
    """

    start: str
    stop: str
    first: str
    last: str
    days: str = "working"


def event_loads(panel: Panel, period: PrePeriod) -> pd.DataFrame:
    """Mean load of each site in the event hours of each day, index site_id, columns local date [kW]; NaN where not metered."""
    table = placebo_events(panel, period.start, period.stop, days=period.days, first=period.first, last=period.last)
    code = panel.site_codes(pd.Index(table[SITE]))
    start, stop = (microseconds(table[edge]) for edge in ("start", "stop"))
    length = int((stop - start)[0])
    grid = start[:, None] + np.arange(0, length, panel.step_us)
    load = known_mean(panel.values_at(OBSERVED, code[:, None], grid))
    zones = panel.sites["tz"].to_numpy(dtype=object)[code]
    if len(set(zones)) > 1:
        raise DataError("the groups live in several zones, so their event hours differ: compare one zone at a time")
    day = pd.DatetimeIndex(table["start"]).tz_convert(zones[0]).tz_localize(None).normalize()
    return pd.Series(load, index=pd.MultiIndex.from_arrays([table[SITE], day])).unstack(1).reindex(panel.site_ids)


def randomise(sites: pd.Series, treated_share: float = 0.5, strata: int = 4, seed: int = 0) -> pd.DataFrame:
    """Draw who is treated, in equal shares of strata of like size.

    Parameters
    ----------
    sites : Series, index site_id
        What the strata are made of, e.g. the mean load [kW].
    treated_share : float
        In (0, 1).
    strata : int
        Groups of like size, from small to large; of each the same share is treated.
    seed : int

    Returns
    -------
    DataFrame, index site_id
        ``group`` (treated or control) and ``stratum``.
    """
    if not 0 < treated_share < 1:
        raise StudyError(f"treated_share is {treated_share}: give a share between 0 and 1")
    if seed < 0:
        raise StudyError(f"seed is {seed}: give a whole number from 0")
    if len(sites) < 2 * strata or strata < 1:
        raise StudyError(f"{len(sites)} sites make no {strata} strata of at least two: give fewer strata")
    if sites.isna().any():
        raise DataError(
            f"site {sites.index[sites.isna()][0]!r} has no figure to be drawn by: leave it out, or give one"
        )
    rng = np.random.default_rng(seed)
    ranked = np.argsort(sites.to_numpy(), kind="stable")
    group = np.full(len(sites), CONTROL, dtype=object)
    stratum = np.empty(len(sites), dtype=np.int64)
    # Rounded by chance, so that every site is as likely as any other; what one stratum rounds up the next makes good.
    chance, seen, taken = rng.random(), 0, 0
    for number, members in enumerate(np.array_split(ranked, strata)):
        seen += len(members)
        count = int(np.floor(treated_share * seen + chance + 1e-9)) - taken
        taken += count
        stratum[members] = number
        group[rng.permutation(members)[:count]] = TREATED
    return pd.DataFrame({"group": group, "stratum": stratum}, index=sites.index)


def match(panel: Panel, treated: list[str], period: PrePeriod, per_site: int = 1) -> pd.DataFrame:
    """The untreated sites whose days look most like those of each treated site, each taken at most once.

    Nearest first over all pairs, by the root mean square difference of the mean days per unit of their mean load.

    Parameters
    ----------
    treated : list of str
        All other sites of the panel may be chosen.
    per_site : int
        Controls for each treated site.

    Returns
    -------
    DataFrame
        ``treated``, ``control``, ``gap`` (per unit).
    """
    cube = panel.cube(OBSERVED)
    use = (cube.days >= np.datetime64(period.first)) & (cube.days <= np.datetime64(period.last))
    shape, _ = load_shape(cube.values[:, use], 0.5)
    known = np.isfinite(shape).all(1)
    own = panel.site_codes(pd.Index(treated))
    if not known[own].all():
        dark = treated[int(np.flatnonzero(~known[own])[0])]
        raise DataError(
            f"site {dark!r} is not metered enough from {period.first} to {period.last} to be matched: extend it"
        )
    others = np.setdiff1d(np.flatnonzero(known), own)
    if len(others) < per_site * len(treated):
        raise DataError(
            f"{len(others)} untreated sites are metered in the period, and {per_site * len(treated)} are needed: give more, "
            "or match fewer for each site"
        )
    gap = shape_gap(shape[own], shape[others])
    left = np.full(len(own), per_site)
    free = np.ones(len(others), dtype=bool)
    rows = []
    for pair in np.argsort(gap, axis=None, kind="stable"):
        site, other = divmod(int(pair), len(others))
        if left[site] and free[other]:
            left[site] -= 1
            free[other] = False
            rows.append((treated[site], str(panel.site_ids[others[other]]), float(gap[site, other])))
    return pd.DataFrame(rows, columns=["treated", "control", "gap"]).sort_values(["treated", "gap"], ignore_index=True)


def balance(panel: Panel, groups: pd.Series, period: PrePeriod, limit: float = 0.25) -> pd.DataFrame:
    """How alike the groups are before the program.

    Parameters
    ----------
    groups : Series, index site_id
        ``treated`` or ``control``.
    limit : float
        Largest standardised difference that counts as balanced; 0.1 is asked for by some, 0.25 by most.

    Returns
    -------
    DataFrame, index characteristic
        ``treated``, ``control`` (means), ``standardised_difference`` (of the means, over the pooled standard deviation),
        ``variance_ratio`` and ``balanced``.

    References
    ----------
    Rubin (2001), Using propensity scores to help design observational studies; Stuart (2010), Matching methods for causal
    inference, section 4.1.
    """
    groups = checked_groups(groups, panel)
    own = panel.select(groups.index.tolist())
    figures = _characteristics(own, period).reindex(groups.index)
    rows = {}
    for name in figures.columns:
        each = [figures[name][groups == group].dropna().to_numpy() for group in (TREATED, CONTROL)]
        if min(map(len, each)) < LEAST_OF_EACH:
            continue
        mean, spread = [value.mean() for value in each], [value.std(ddof=1) for value in each]
        pooled = np.sqrt((spread[0] ** 2 + spread[1] ** 2) / 2)
        apart = (mean[0] - mean[1]) / pooled if pooled > 0 else 0.0 if mean[0] == mean[1] else np.inf
        ratio = spread[0] ** 2 / spread[1] ** 2 if spread[1] > 0 else np.nan
        rows[name] = (*mean, apart, ratio, bool(abs(apart) <= limit))
    columns = [TREATED, CONTROL, "standardised_difference", "variance_ratio", "balanced"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("characteristic")


def _characteristics(panel: Panel, period: PrePeriod) -> pd.DataFrame:
    cube = panel.cube(OBSERVED)
    use = (cube.days >= np.datetime64(period.first)) & (cube.days <= np.datetime64(period.last))
    values = cube.values[:, use].astype(np.float64)
    if not use.any():
        raise DataError(f"nothing is metered from {period.first} to {period.last}: give a period within the data")
    mean = known_mean(values.reshape(len(values), -1))
    daily = known_mean(values)
    level = np.where(mean > 0, mean, np.nan)
    peak = known_mean(np.fmax.reduce(np.where(np.isfinite(values), values, -np.inf), axis=2).clip(min=-1e300))
    weekend = np.isin((cube.days[use].astype(np.int64) + 3) % 7, (5, 6))
    events = event_loads(panel, period)
    told = {
        "mean_kw": mean,
        "event_hours_kw": known_mean(events.to_numpy()),
        "event_hours_per_unit": known_mean(events.to_numpy()) / level,
        "daily_peak_per_unit": np.where(peak > -1e299, peak, np.nan) / level,
        "weekend_per_unit": known_mean(daily[:, weekend]) / level if weekend.any() else np.full(len(mean), np.nan),
        "day_to_day_spread_per_unit": np.sqrt(known_mean((daily - known_mean(daily)[:, None]) ** 2)) / level,
    }
    if TEMPERATURE in panel.data.columns:
        warmth = np.abs(known_mean(panel.cube(TEMPERATURE).values[:, use]) - COMFORT_C)
        told["per_unit_per_k_from_15_c"] = _slope(warmth, daily) / level
    return pd.DataFrame(told, index=panel.site_ids)


def _slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Least-squares slope of each row over what is known of both."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = (np.where(known, each, np.nan) for each in (x, y))
    apart = x - known_mean(x)[:, None]
    square = known_mean(apart**2)
    return np.where(
        square > 0, known_mean(apart * (y - known_mean(y)[:, None])) / np.where(square > 0, square, 1), np.nan
    )


def checked_groups(groups: pd.Series, panel: Panel) -> pd.Series:
    """`groups`, or one sentence on what is wrong with them."""
    strange = groups[~groups.isin([TREATED, CONTROL])]
    if len(strange):
        raise DataError(f"the group of site {strange.index[0]!r} is {strange.iloc[0]!r}: write treated or control")
    if groups.index.has_duplicates:
        raise DataError(f"site {groups.index[groups.index.duplicated()][0]!r} is in a group twice: leave one row")
    panel.site_codes(pd.Index(groups.index))
    for group in (TREATED, CONTROL):
        if (groups == group).sum() < LEAST_OF_EACH:
            raise DataError(f"{(groups == group).sum()} sites are {group}, and at least two are needed: add some")
    return groups
