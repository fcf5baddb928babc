"""The sites of a panel: their zone, country and rating, from a file, a frame, a dict or a default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cblcast.frames.schema import SITE, DataError, require_columns
from cblcast.io.clock import check_zone
from cblcast.io.files import numbers, read_table

SITE_TEXT = ("tz", "country", "subdivision", "segment")
SITE_NUMBERS = ("rated_kw", "lat", "lon")


def read_sites(source: str | Path | pd.DataFrame, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """What is known of each site.

    Parameters
    ----------
    source : path or DataFrame
        Column (or index) ``site_id``; ``tz`` (IANA), ``country``, ``subdivision``, ``segment``, ``rated_kw`` [kW],
        ``lat``, ``lon`` [degree] where known; other columns are kept.
    columns : mapping, optional
        Foreign name → ours.

    Returns
    -------
    DataFrame, index site_id (str)

    Raises
    ------
    DataError
        Naming the line: no or a doubled site_id, a zone that is none, a rating that is no number.
    """
    table = read_table(source, "sites").renamed(columns)
    frame = table.frame
    require_columns(frame, [SITE], table.name)
    if frame[SITE].isna().any():
        raise DataError(
            f"{table.where(int(frame.index[frame[SITE].isna()][0]))} has no site_id: fill it in, or drop the row"
        )
    frame = frame.assign(**{SITE: frame[SITE].astype("str")})
    twice = frame[SITE].duplicated()
    if twice.any():
        row = int(frame.index[twice][0])
        raise DataError(f"{table.where(row)} names site {frame.loc[row, SITE]!r} a second time: keep one row a site")
    for column in SITE_NUMBERS:
        if column in frame.columns:
            frame = frame.assign(**{column: numbers(frame[column], table)})
    if "tz" in frame.columns:
        for row, zone in frame["tz"].dropna().drop_duplicates().items():
            try:
                check_zone(zone)
            except DataError as error:
                raise DataError(f"{table.where(int(row))}: {error}") from None
    return frame.set_index(SITE)


def sites_for(
    site_ids: pd.Index,
    known: str | Path | pd.DataFrame | Mapping[str, object] | None,
    found: pd.DataFrame,
    defaults: Mapping[str, str | None],
) -> pd.DataFrame:
    """One row for each site of a panel: from `known`, then from the meter file itself, then the defaults.

    Parameters
    ----------
    known : path, DataFrame or dict, optional
        A dict holds a zone, or a dict of columns, for each site.
    found : DataFrame, index site_id
        Site columns that the meter file carries.
    defaults : mapping
        ``tz``, ``country``, ``subdivision``, ``segment``; None where unknown.
    """
    if isinstance(known, Mapping):
        known = pd.DataFrame(
            [
                {SITE: site, **(dict(value) if isinstance(value, Mapping) else {"tz": value})}
                for site, value in known.items()
            ]
        )
    sites = pd.DataFrame(index=site_ids) if known is None else read_sites(known)
    missing = site_ids.difference(sites.index)
    if len(missing):
        raise DataError(
            f"the sites say nothing of {len(missing)} sites of the meter file, e.g. {missing[0]!r} "
            f"(they know {', '.join(map(repr, sites.index[:5]))}): add a row for each"
        )
    sites = sites.loc[site_ids].copy()
    for column in found.columns:
        sites[column] = (
            sites[column].combine_first(found[column]) if column in sites.columns else found[column].reindex(site_ids)
        )
    for column, value in defaults.items():
        if value is not None:
            sites[column] = sites[column].fillna(value) if column in sites.columns else value
    if "tz" not in sites.columns or sites["tz"].isna().any():
        site = site_ids[0] if "tz" not in sites.columns else sites.index[sites["tz"].isna()][0]
        raise DataError(
            f"the time zone of site {site!r} is unknown, and days and hours are local: "
            "name it (tz='Europe/Rome'; --tz Europe/Rome), or give sites with a column tz"
        )
    for zone in sites["tz"].unique():
        check_zone(zone)
    _check_countries(sites)
    sites.index.name = SITE
    return sites


def _check_countries(sites: pd.DataFrame) -> None:
    """Refuse a country or part of one whose holidays nobody knows, before anything is reckoned with it."""
    if "country" not in sites.columns or sites["country"].isna().all():
        return
    from cblcast.days.day_types import holiday_days

    parts = sites["subdivision"] if "subdivision" in sites.columns else pd.Series("", index=sites.index)
    for country, part in set(zip(sites["country"].fillna(""), parts.fillna(""), strict=True)):
        holiday_days(str(country), str(part), 2024, 2024)
