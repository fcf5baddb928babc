"""Which group each site and local day belongs to: season, month, day type, year, or anything that the sites say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.days.day_types import day_type_labels, site_day_types
from cblcast.errors import StudyError, nearest
from cblcast.frames.panel import Panel

SEASONS = ("winter", "spring", "summer", "autumn")
OF_DAYS = ("season", "month", "day_type", "year")


def season_of(days: np.ndarray, southern: np.ndarray | bool = False) -> np.ndarray:
    """Meteorological season of local days: winter is December to February in the north, June to August in the south.

    Parameters
    ----------
    days : ndarray of datetime64[D]
    southern : bool or ndarray of bool, broadcast to `days`

    Returns
    -------
    ndarray of int64
        Position in :data:`SEASONS`.
    """
    month = days.astype("M8[M]").astype(np.int64) % 12
    return np.asarray(((month + 1) // 3 + np.where(southern, 2, 0)) % 4, dtype=np.int64)


def group_labels(panel: Panel, by: Sequence[str], days: np.ndarray, day_types: str | Sequence[str]) -> pd.DataFrame:
    """The value of each of `by` at each site and local day.

    Parameters
    ----------
    panel : Panel
        Sites south of the equator (``lat`` < 0) have their winter in July; a site without ``lat`` counts as north of it.
    by : sequence of str
        ``season``, ``month``, ``day_type``, ``year``, or columns of ``panel.sites``.
    days : ndarray of datetime64[D], shape (n_days,)
        Without a gap.
    day_types : str or eight labels
        What ``day_type`` tells apart; holidays need a country at the sites.

    Returns
    -------
    DataFrame, one row for each (site, day), the days of a site together; columns `by`

    Raises
    ------
    StudyError
        An unknown name, or none.
    """
    if isinstance(by, str):
        by = (by,)
    for name in by:
        if name not in OF_DAYS and name not in panel.sites.columns:
            known = [*OF_DAYS, *map(str, panel.sites.columns)]
            raise StudyError(f"days cannot be grouped by {name!r}: {nearest(name, known)}")
    if not by or len(set(by)) < len(by):
        raise StudyError(f"group days by one or several different names such as 'season' or 'month', not {list(by)}")
    labels = {}
    for name in by:
        if name == "day_type":
            names = np.array(sorted(set(day_type_labels(day_types))))
            codes = site_day_types(panel, day_types, int(days[0].astype(np.int64)), len(days))
            labels[name] = names[codes].ravel()
        elif name == "season":
            labels[name] = _seasons(panel, days).ravel()
        elif name in ("month", "year"):
            months = days.astype("M8[M]").astype(np.int64)
            value = months % 12 + 1 if name == "month" else months // 12 + 1970
            labels[name] = np.tile(value, len(panel.sites))
        else:
            labels[name] = np.repeat(panel.sites[name].to_numpy(), len(days))
    return pd.DataFrame(labels)


def _seasons(panel: Panel, days: np.ndarray) -> np.ndarray:
    lat = panel.sites["lat"].to_numpy(dtype=np.float64) if "lat" in panel.sites.columns else np.zeros(len(panel.sites))
    position = season_of(days[None, :], (lat < 0)[:, None])
    return np.asarray(pd.Categorical.from_codes(position.ravel(), categories=SEASONS, ordered=True).astype(object))
