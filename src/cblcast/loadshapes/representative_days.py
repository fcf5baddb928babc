"""Few days that stand for a month or a season: one of each kind of weather that it had, with the share of days it speaks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.errors import DataError, StudyError, nearest
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel
from cblcast.loadshapes.grouping import group_labels


def representative_days(
    panel: Panel,
    weather: Sequence[str] = ("temp_air_c",),
    *,
    n: int = 4,
    by: str = "month",
    seed: int = 0,
) -> pd.DataFrame:
    """Days chosen so that their weather spreads as that of the month or season does.

    Parameters
    ----------
    panel : Panel
    weather : sequence of str
        Columns of the panel; days are told apart by daily mean and daily range of each.
    n : int
        Days a month (season, year): strata of weather, one day each. A month with fewer whole days has as many as it has.
    by : {"month", "season", "year"}
        Months of different years are different months.
    seed : int
        Of the search for strata; the same seed chooses the same days.

    Returns
    -------
    DataFrame, one row a day chosen
        ``period`` (e.g. ``2019-07``), ``day`` (local date), ``share`` of the period's days that it stands for (adding up to 1),
        ``n_days`` of the period, and ``<column>_mean`` of the day.

    Raises
    ------
    DataError
        A weather column that the panel lacks, or no day with weather at all of its hours.
    StudyError
        No positive `n`, an unknown `by`.

    Notes
    -----
    Duck-curve notebook: "find statistical distribution for a month/season and select days that are a representative sample of
    the months weather variation". Strata are clusters of standardised daily weather (k-means), a day is the one nearest to the
    middle of its cluster. Weather is the mean over the sites.
    """
    from sklearn.cluster import KMeans

    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise StudyError(f"n is a whole number of days, at least 1, not {n!r}")
    if by not in ("month", "season", "year"):
        raise StudyError(f"days stand for a 'month', a 'season' or a 'year', not for {by!r}")
    weather = (weather,) if isinstance(weather, str) else tuple(weather)
    if not weather:
        raise StudyError("name one column of weather at least, like temp_air_c, by whose spread days are chosen")
    features, days = _daily_weather(panel, weather)
    periods = _periods(panel, days, by)
    chosen = []
    for period in pd.unique(periods):
        at = np.flatnonzero(periods == period)
        spread = features[at].std(0)
        scaled = (features[at] - features[at].mean(0)) / np.where(spread > 0, spread, 1.0)
        n_kinds = min(n, len(np.unique(scaled.round(9), axis=0)))
        strata = KMeans(n_kinds, n_init=10, random_state=seed).fit(scaled)
        distance = ((scaled - strata.cluster_centers_[strata.labels_]) ** 2).sum(1)
        for stratum in range(n_kinds):
            members = np.flatnonzero(strata.labels_ == stratum)
            day = at[members[distance[members].argmin()]]
            means = {f"{name}_mean": features[day, 2 * k] for k, name in enumerate(weather)}
            chosen.append(
                {"period": period, "day": days[day], "share": len(members) / len(at), "n_days": len(at), **means}
            )
    return pd.DataFrame(chosen).sort_values(["day"], ignore_index=True)


def _daily_weather(panel: Panel, weather: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Daily mean and range of each column, means over the sites, of days with weather; and these days."""
    found = []
    for name in weather:
        if name not in panel.data.columns:
            raise DataError(f"the panel has no weather {name!r}: {nearest(name, map(str, panel.data.columns))}")
        values = known_mean(panel.cube(name).values, 0)
        # A spring day has 23 hours of weather, and is a whole day.
        whole = np.isfinite(values).mean(1) >= 22.5 / 24
        bounded = np.where(whole[:, None], np.nan_to_num(values), 0.0)
        known = np.where(np.isfinite(values), values, known_mean(values, 1, otherwise=0.0)[:, None])
        found += [
            np.where(whole, known_mean(values, 1, otherwise=0.0), np.nan),
            np.where(whole & bounded.any(1), known.max(1) - known.min(1), np.where(whole, 0.0, np.nan)),
        ]
    features = np.stack(found, axis=1)
    whole = np.isfinite(features).all(1)
    if not whole.any():
        raise DataError(f"no day has {', '.join(weather)} at all of its hours: give weather without gaps")
    return features[whole], panel.cube(weather[0]).days[whole]


def _periods(panel: Panel, days: np.ndarray, by: str) -> np.ndarray:
    if by == "month":
        return days.astype("M8[M]").astype(str)
    if by == "year":
        return days.astype("M8[Y]").astype(str)
    one = panel.select([panel.site_ids[0]])
    full = np.arange(days[0], days[-1] + 1)
    season = group_labels(one, ("season",), full, "all")["season"].to_numpy()[(days - days[0]).astype(np.int64)]
    # December belongs to the winter of the year after; a southern summer likewise.
    year = (days.astype("M8[M]") + 1).astype("M8[Y]").astype(str)
    return np.char.add(np.char.add(season.astype(str), " "), year)
