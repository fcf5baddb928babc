"""One long frame in, the same rows out with their baselines: what a registered model answers."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.scoring import BASELINE, BASELINE_COLUMNS, answer_events, require_weather, weather_columns
from cblcast.frames.events import check_events
from cblcast.frames.instants import microseconds, stamps
from cblcast.frames.known import run_begins
from cblcast.frames.panel import Panel
from cblcast.frames.schema import (
    LOWER,
    OBSERVED,
    ORIGIN,
    PANEL_INDEX,
    PREDICTED,
    SITE,
    TIME,
    UPPER,
    DataError,
    DataWarning,
    require_columns,
)

ESTIMATE = "estimate"
SITE_COLUMNS = ("tz", "country", "subdivision")


def score_frame(forecaster: Forecaster, frame: pd.DataFrame) -> pd.DataFrame:
    """Baselines of the intervals marked in one long frame: what a registered model answers.

    Parameters
    ----------
    forecaster : Forecaster
        Trained.
    frame : DataFrame
        ``site_id``; ``time`` (interval start; with a zone, or naive and then UTC, or ISO 8601 text); ``observed_kw``
        (mean power [kW]; what it holds on marked intervals is never looked at); the weather that the model's features
        need; ``estimate``, True on the intervals to be estimated. Contiguous True intervals of a site are one event,
        so two events that touch become one. Optional ``tz``, ``country``, ``subdivision`` describe sites that the
        model has not seen; without them a new site takes the zone that all trained sites share.

    Returns
    -------
    DataFrame
        The marked rows in the order and with the index of `frame`: ``site_id``, ``time`` (UTC), ``baseline_kw``,
        ``lower_kw``, ``upper_kw`` [kW].

    Raises
    ------
    DataError
        A missing column, nothing marked, an unreadable time, a site without a zone.

    Warns
    -----
    DataWarning
        When events cannot be estimated; their rows are NaN, whole events at a time.
    """
    require_columns(frame, [SITE, TIME, OBSERVED, ESTIMATE], "the frame")
    require_weather(forecaster, frame.columns, "the frame")
    wanted = _flags(frame[ESTIMATE])
    site, time = frame[SITE].astype("str").to_numpy(dtype=object), _instants(frame[TIME])
    index = pd.MultiIndex.from_arrays([pd.Index(site, dtype="str"), time], names=PANEL_INDEX)
    panel = Panel(_numbers(frame, forecaster).set_axis(index, axis=0), _sites(frame, site, forecaster))
    events = _runs(panel, index[wanted])
    said = answer_events(forecaster, panel, events)
    if len(said.excluded):
        first = said.excluded.iloc[0]
        warnings.warn(
            f"{len(said.excluded)} of {len(events)} events have no baseline, e.g. site {first[SITE]!r} at {first[ORIGIN]}: "
            f"{first['reason']}",
            DataWarning,
            stacklevel=2,
        )
    rows = said.estimated.rename(columns={PREDICTED: BASELINE}).droplevel(ORIGIN)
    answer = rows.reindex(index[wanted])[[BASELINE, LOWER, UPPER]].reset_index()
    return answer[BASELINE_COLUMNS].set_axis(frame.index[wanted], axis=0)


def frame_of(panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    """The long frame of `panel` with the intervals of `events` marked: what :func:`score_frame` takes."""
    table = check_events(events, panel)
    frame = panel.data.astype(np.float64).reset_index()
    code = panel.site_codes(pd.Index(table[SITE]))
    start, stop = (microseconds(table[side]) for side in ("start", "stop"))
    first = panel.locate(code, start)
    change = np.zeros(len(frame) + 1, dtype=np.int64)
    np.add.at(change, first, 1)
    np.add.at(change, first + (stop - start) // panel.step_us, -1)
    known = [column for column in SITE_COLUMNS if column in panel.sites]
    return frame.join(panel.sites[known], on=SITE).assign(**{ESTIMATE: np.cumsum(change[:-1]) > 0})


def _flags(column: pd.Series) -> np.ndarray:
    """The column `estimate` as bool, from True/False or 0/1."""
    numbers = pd.to_numeric(column.astype(object), errors="coerce").to_numpy(dtype=np.float64)
    bad = ~np.isin(numbers, (0.0, 1.0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"the column {ESTIMATE!r} holds {column.iloc[row]!r} in row {row}: write True on the intervals to be "
            "estimated and False on all others"
        )
    if not numbers.any():
        raise DataError(f"no row has {ESTIMATE}=True: mark the intervals whose baseline is wanted")
    return numbers.astype(bool)


def _instants(column: pd.Series) -> pd.DatetimeIndex:
    """Times as UTC microseconds; without a zone they are UTC, since that is how MLflow's REST and CSV deliver them."""
    if pd.api.types.is_numeric_dtype(column):
        raise DataError(f"the column {TIME!r} holds numbers: write times as 2019-06-01T17:00:00Z")
    try:
        text = not pd.api.types.is_datetime64_any_dtype(column)
        times = pd.to_datetime(column, utc=True, format="ISO8601" if text else None)
    except (ValueError, TypeError) as error:
        raise DataError(f"the column {TIME!r} cannot be read ({error}): write times as 2019-06-01T17:00:00Z") from error
    if times.isna().any():
        row = int(np.flatnonzero(times.isna())[0])
        raise DataError(f"the column {TIME!r} is empty in row {row}: give every row the start of its interval")
    return pd.DatetimeIndex(times).as_unit("us")


def _numbers(frame: pd.DataFrame, forecaster: Forecaster) -> pd.DataFrame:
    """The metered power and the weather as float64; further columns that are not numbers are left out."""
    needed = [OBSERVED, *weather_columns(forecaster)]
    others = [c for c in frame.columns if c not in (SITE, TIME, ESTIMATE, *SITE_COLUMNS, *needed)]
    numeric = [c for c in others if pd.api.types.is_numeric_dtype(frame[c])]
    try:
        return frame[[*needed, *numeric]].astype(np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"a column of {', '.join(needed)} holds text ({error}): give numbers, and NaN for gaps"
        ) from error


def _sites(frame: pd.DataFrame, site: np.ndarray, forecaster: Forecaster) -> pd.DataFrame:
    """What is known of the frame's sites: its own columns, else the trained sites, else what these have in common."""
    names = pd.Index(np.unique(site.astype(str)), name=SITE, dtype="str")
    trained = forecaster.sites if forecaster.sites is not None else pd.DataFrame({"tz": pd.Series(dtype="str")})
    table = trained.reindex(names)
    for column in SITE_COLUMNS:
        given = _given(frame, site, column).reindex(names)
        known = given if column not in table else given.where(given.notna(), table[column])
        shared = trained[column].dropna().unique() if column in trained else []
        if len(shared) == 1:
            # Holidays are guessed only together with the zone they belong to.
            stranger = known.isna() & ~names.isin(trained.index)
            alike = stranger if column == "tz" else stranger & (table["tz"] == _only(trained["tz"])).to_numpy()
            known = known.mask(alike, shared[0])
        if column == "tz" or known.notna().any():
            table[column] = known
    homeless = table.index[table["tz"].isna()]
    if len(homeless):
        raise DataError(
            f"the time zone of site {homeless[0]!r} is not known ({len(homeless)} sites in all): "
            "add a column tz with its IANA zone, such as Europe/Rome"
        )
    return table


def _given(frame: pd.DataFrame, site: np.ndarray, column: str) -> pd.Series:
    """One value a site from a column of the frame; empty where there is none."""
    if column not in frame.columns:
        return pd.Series(dtype=object)
    pairs = pd.DataFrame({SITE: site, column: frame[column].to_numpy(dtype=object)}).dropna().drop_duplicates()
    twice = pairs[pairs[SITE].duplicated()]
    if len(twice):
        raise DataError(f"site {twice[SITE].iloc[0]!r} has more than one {column} in the frame: give each site one")
    return pairs.set_index(SITE)[column]


def _only(column: pd.Series) -> object:
    values = column.dropna().unique()
    return values[0] if len(values) == 1 else None


def _runs(panel: Panel, marked: pd.MultiIndex) -> pd.DataFrame:
    """Contiguous marked intervals of one site as events."""
    code = panel.site_codes(marked.get_level_values(SITE))
    time = microseconds(marked.get_level_values(TIME))
    order = np.lexsort((time, code))
    code, time = code[order], time[order]
    begins = run_begins(code, time - np.arange(len(time)) * panel.step_us)
    ends = np.r_[begins[1:], True]
    return pd.DataFrame(
        {
            SITE: panel.site_ids[code[begins]],
            "start": stamps(time[begins]),
            "stop": stamps(time[ends] + panel.step_us),
        }
    )
