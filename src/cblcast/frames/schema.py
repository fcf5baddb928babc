"""The frames of cblcast: their names, their units, and checks whose errors say what is wrong and how to mend it.

``panel``   index (site_id, time), ``observed_kw`` and weather columns; the label is the START of the interval, in UTC.
``sites``   index site_id: ``tz`` and what else is known of a site.
``cases``   index (site_id, origin, time): which intervals are to be estimated, and what each may not see.
``scored``  cases with ``observed_kw``, ``predicted_kw`` and the interval: every table, plot and price is a group-by of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

# Passed on to whoever works with frames; the command line imports the light module itself.
from cblcast.errors import DataError as DataError
from cblcast.errors import DataWarning as DataWarning
from cblcast.errors import StudyError as StudyError
from cblcast.errors import nearest as nearest

SITE, TIME, ORIGIN = "site_id", "time", "origin"
LEAD = "lead_min"  # scored frames of nowcasts: label of the target interval minus that of the last one seen [min]
OBSERVED, PREDICTED, LOWER, UPPER = "observed_kw", "predicted_kw", "lower_kw", "upper_kw"
DISPATCHED = "dispatched_kw"  # panel column: the meter of events that are masked, where a rule may fall back to them
ESTIMATED = "estimated_share"  # panel column: share of a reading that was estimated or substituted, not metered
PANEL_INDEX = [SITE, TIME]
CASE_INDEX = [SITE, ORIGIN, TIME]
CASE_COLUMNS = ["hidden_from", "hidden_until", "event_stop", "scored"]
TIME_DTYPE = pd.DatetimeTZDtype("us", "UTC")
_QUANTILE = re.compile(r"q[0-9]{2}(\.[0-9]+)?_kw")
FAR_FUTURE = pd.Timestamp("2200-01-01", tz="UTC").as_unit("us")


def quantile_column(level: float) -> str:
    """Name of the scored column that holds a quantile: ``q05_kw``, ``q50_kw``, ``q97.5_kw``."""
    per_cent = f"{round(100 * level, 6):g}"
    return f"q{per_cent if level >= 0.0999 else '0' + per_cent}_kw"


def quantile_levels(columns: pd.Index) -> dict[str, float]:
    """The columns among `columns` that :func:`quantile_column` named, with their levels, ascending."""
    found = {name: float(name[1:-3]) / 100 for name in map(str, columns) if _QUANTILE.fullmatch(name)}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def require_columns(frame: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    """Raise :class:`DataError` for the first column of `columns` that `frame` lacks."""
    for column in columns:
        if column not in frame.columns:
            raise DataError(f"{what} lacks the column {column!r}: {nearest(column, map(str, frame.columns))}")


def utc(times: pd.DatetimeIndex | pd.Series, what: str) -> pd.DatetimeIndex:
    """`times` as a UTC index in microseconds; naive times are refused, since a guess would shift every hour."""
    index = pd.DatetimeIndex(times)
    if index.tz is None:
        raise DataError(
            f"{what} has times without a zone, e.g. {index[0] if len(index) else '?'}: "
            "give offsets in the file (2019-06-01T17:00+02:00) or name the zone (tz='Europe/Rome')"
        )
    return index.tz_convert("UTC").as_unit("us")


SMALL = 1_000_000  # values


def check_panel(data: pd.DataFrame) -> None:
    """Check the index and the columns of a panel frame.

    Raises
    ------
    DataError
        Wrong index names, naive times, duplicates, disorder, a missing ``observed_kw``, a column that is not numeric
        or holds infinite values.
    """
    if list(data.index.names) != PANEL_INDEX:
        raise DataError(
            f"a panel is indexed by {PANEL_INDEX}, not {list(data.index.names)}: "
            "use cblcast.io.tabular.read_panel, or frame.set_index(['site_id', 'time'])"
        )
    if len(data) == 0:
        raise DataError("the panel has no rows: check the file and its filters")
    if data.index.levels[1].dtype != TIME_DTYPE:
        raise DataError(
            f"panel times are {data.index.levels[1].dtype}, not {TIME_DTYPE}: "
            "convert with .dt.tz_convert('UTC').dt.as_unit('us') after naming the zone"
        )
    for name, codes in zip(PANEL_INDEX, data.index.codes, strict=True):
        if (codes < 0).any():
            row = int(np.flatnonzero(codes < 0)[0])
            raise DataError(f"row {row} of the panel has no {name}: fill it in, or drop the row")
    require_columns(data, [OBSERVED], "the panel")
    # Levels are unique, so codes tell rows apart at a tenth of the cost of the index's own hash table.
    site, when = (np.asarray(codes) for codes in data.index.codes)
    onward = when[1:] > when[:-1]
    onward &= site[1:] == site[:-1]
    onward |= site[1:] > site[:-1]
    if onward.all():
        duplicated = np.zeros(0, dtype=bool)
    else:
        duplicated = pd.Index(site.astype(np.int64) * len(data.index.levels[1]) + when).duplicated()
    if duplicated.any():
        site, time = data.index[int(np.flatnonzero(duplicated)[0])]
        raise DataError(
            f"site {site!r} has {int(duplicated.sum())} duplicated times, the first at {time}: "
            "drop them, or say how to join them (on_duplicates='mean')"
        )
    for column, dtype in data.dtypes.items():
        if not pd.api.types.is_numeric_dtype(dtype):
            raise DataError(f"panel column {column!r} is {dtype}, not a number: convert it, or drop it")
    # Of a small panel, as a nowcast is issued from, looking at each of many columns takes longer than looking at all values.
    if data.size <= SMALL and all(dtype.kind == "f" for dtype in data.dtypes) and not np.isinf(data.to_numpy()).any():
        return
    for column in data.columns:
        values = data[column].to_numpy()
        if values.dtype.kind == "f" and np.isinf(values).any():
            site, time = data.index[int(np.flatnonzero(np.isinf(values))[0])]
            raise DataError(
                f"panel column {column!r} is infinite at site {site!r}, {time}: put NaN where nothing was metered"
            )


def check_sites(sites: pd.DataFrame, site_ids: pd.Index) -> None:
    """Check that every site of the panel has a row and a valid IANA zone."""
    from zoneinfo import ZoneInfo

    if sites.index.name != SITE:
        raise DataError(f"sites are indexed by {SITE!r}, not {sites.index.name!r}: use sites.set_index('site_id')")
    require_columns(sites, ["tz"], "sites")
    missing = site_ids.difference(sites.index)
    if len(missing):
        raise DataError(
            f"sites has no row for {len(missing)} sites of the panel, e.g. {missing[0]!r}: add them with their tz"
        )
    if sites.index.has_duplicates:
        raise DataError(f"sites names {sites.index[sites.index.duplicated()][0]!r} twice: keep one row a site")
    for zone in sites.loc[site_ids, "tz"].unique():
        try:
            ZoneInfo(str(zone))
        except (KeyError, ValueError, OSError):
            raise DataError(
                f"{zone!r} is no IANA time zone: write it like 'Europe/Rome' or 'America/Los_Angeles'"
            ) from None


def check_cases(cases: pd.DataFrame) -> None:
    """Check index, columns and order of a cases frame: sorted, so that one origin's rows stand together."""
    if list(cases.index.names) != CASE_INDEX:
        raise DataError(
            f"cases are indexed by {CASE_INDEX}, not {list(cases.index.names)}: use cblcast.frames.cases.make_cases"
        )
    require_columns(cases, CASE_COLUMNS, "cases")
    if not cases.index.is_monotonic_increasing:
        raise DataError("cases are not sorted by site_id, origin and time: use cases.sort_index()")
