"""Scoring: baselines of real events, from a panel and an event table or from one long frame."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from cblcast.features.reference_days import ReferenceDays
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import EventArrays
from cblcast.frames.events import EVENT_COLUMNS, check_events
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
    nearest,
    require_columns,
)

BASELINE, ESTIMATE, EVENT_STOP = "baseline_kw", "estimate", "event_stop"
BASELINE_COLUMNS = [SITE, TIME, BASELINE, LOWER, UPPER]
SITE_COLUMNS = ("tz", "country", "subdivision")


def score_events(forecaster: Forecaster, panel: Panel, events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Baselines of real events; their metered power is masked at the door, for all of them at once.

    Parameters
    ----------
    forecaster : Forecaster
        Trained.
    panel : Panel
    events : DataFrame
        Columns ``site_id``, ``start``, ``stop``.

    Returns
    -------
    scored : DataFrame
        ``site_id``, ``time`` (interval start, UTC), ``baseline_kw``, ``lower_kw``, ``upper_kw`` [kW] (the limits are
        NaN for a method without intervals), ``origin`` (event start), ``event_stop``; by site, event and time.
    excluded : DataFrame
        ``site_id``, ``origin``, ``reason``: events without an estimate. An event counts whole or not at all.

    Raises
    ------
    DataError
        An event that the panel does not cover; a weather column that the features need and the panel lacks.
    """
    table = check_events(events, panel)
    _require_weather(forecaster, panel.data.columns, "the panel")
    rows, excluded = _estimate(forecaster, panel.with_events(table), table)
    kept = rows[rows[BASELINE].notna()].reset_index()
    return kept[[*BASELINE_COLUMNS, ORIGIN, EVENT_STOP]], excluded


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
    _require_weather(forecaster, frame.columns, "the frame")
    wanted = _flags(frame[ESTIMATE])
    site, time = frame[SITE].astype("str").to_numpy(dtype=object), _instants(frame[TIME])
    index = pd.MultiIndex.from_arrays([pd.Index(site, dtype="str"), time], names=PANEL_INDEX)
    panel = Panel(_numbers(frame, forecaster).set_axis(index, axis=0), _sites(frame, site, forecaster))
    events = _runs(panel, index[wanted])
    rows, excluded = _estimate(forecaster, panel.with_events(events), events)
    if len(excluded):
        first = excluded.iloc[0]
        warnings.warn(
            f"{len(excluded)} of {len(events)} events have no baseline, e.g. site {first[SITE]!r} at {first[ORIGIN]}: "
            f"{first['reason']}",
            DataWarning,
            stacklevel=2,
        )
    answer = rows.droplevel(ORIGIN).loc[index[wanted], [BASELINE, LOWER, UPPER]].reset_index()
    return answer[BASELINE_COLUMNS].set_axis(frame.index[wanted], axis=0)


def frame_of(panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    """The long frame of `panel` with the intervals of `events` marked: what :func:`score_frame` takes."""
    table = check_events(events, panel)
    frame = panel.data.astype(np.float64).reset_index()
    code = panel.site_codes(pd.Index(table[SITE]))
    start, stop = (pd.DatetimeIndex(table[side]).as_unit("us").asi8 for side in ("start", "stop"))
    first = panel.locate(code, start)
    change = np.zeros(len(frame) + 1, dtype=np.int64)
    np.add.at(change, first, 1)
    np.add.at(change, first + (stop - start) // panel.step_us, -1)
    known = [column for column in SITE_COLUMNS if column in panel.sites]
    return frame.join(panel.sites[known], on=SITE).assign(**{ESTIMATE: np.cumsum(change[:-1]) > 0})


def weather_columns(forecaster: Forecaster) -> tuple[str, ...]:
    """Panel columns that the forecaster's features read besides ``observed_kw``."""
    found: dict[str, None] = {}
    for builder in forecaster.builders.values():
        columns = getattr(builder, "panel_columns", ())  # a method, or a parameter of the builder
        found |= dict.fromkeys(columns() if callable(columns) else columns)
    found.pop(OBSERVED, None)
    return tuple(found)


def _own_reasons(panel: Panel, cases: pd.DataFrame, events: pd.DataFrame, forecaster: Forecaster) -> list[str] | None:
    """Reasons of a rule with validity tests (``why_not``), which may stand inside wrappers; None where there is none."""
    rule = forecaster.estimator
    while rule is not None and not hasattr(rule, "why_not"):
        rule = getattr(rule, "estimator", None)
    if rule is None:
        return None
    reasons = pd.Series(rule.why_not(forecaster.matrix(panel, cases)), index=cases.index.droplevel("time"))
    first = reasons[reasons != ""].groupby(level=[SITE, ORIGIN]).first()
    return [str(first.get(pair, "no estimate")) for pair in zip(events[SITE], events[ORIGIN], strict=True)]


def why_not_estimated(panel: Panel, cases: pd.DataFrame, events: pd.DataFrame, forecaster: Forecaster) -> list[str]:
    """A reason for each event without an estimate: how many days qualified, and why the others fell out."""
    explained = _own_reasons(panel, cases, events, forecaster)
    if explained is not None:
        return explained
    builder = forecaster.builders.get("reference_days")
    if not isinstance(builder, ReferenceDays):
        return [f"{forecaster.name} gave no estimate: a feature it needs is missing at this event"] * len(events)
    arrays = EventArrays.of(panel, cases)
    ledger = builder.ledger(panel, arrays)
    number = {pair: k for k, pair in enumerate(cases.index[arrays.first_row].droplevel("time"))}
    reasons = []
    for pair in zip(events[SITE], events[ORIGIN], strict=True):
        tally = ledger.tally(number[pair])
        qualified = tally.pop("qualified", 0)
        others = ", ".join(f"{count} {reason}" for reason, count in tally.items())
        reasons.append(
            f"{qualified} days qualified in {builder.look_back_days} days of look-back ({others or 'none fell out'})"
        )
    return reasons


def _estimate(forecaster: Forecaster, panel: Panel, events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimates of every interval of `events` (NaN on whole events), and the events without one."""
    cases = forecaster.cases(panel, events[EVENT_COLUMNS])
    rows = forecaster.predict(panel, cases).rename(columns={PREDICTED: BASELINE})
    wanted = cases[cases["scored"]]
    event = [rows.index.get_level_values(SITE), rows.index.get_level_values(ORIGIN)]
    blind = rows[BASELINE].isna().groupby(event).transform("any").to_numpy(dtype=bool)
    rows[blind] = np.nan
    rows = rows.assign(**{EVENT_STOP: wanted[EVENT_STOP]})
    excluded = rows.index[blind].droplevel(TIME).unique().to_frame(index=False)
    reasons = why_not_estimated(panel, wanted, excluded, forecaster) if len(excluded) else []
    return rows, excluded.assign(reason=pd.Series(reasons, index=excluded.index, dtype="str"))


def _require_weather(forecaster: Forecaster, columns: pd.Index, what: str) -> None:
    for column in weather_columns(forecaster):
        if column not in columns:
            raise DataError(
                f"{what} lacks the column {column!r}, which {forecaster.name} was trained on: "
                f"{nearest(column, map(str, columns))}"
            )


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
    time = pd.DatetimeIndex(marked.get_level_values(TIME)).asi8
    order = np.lexsort((time, code))
    code, time = code[order], time[order]
    begins = np.r_[True, (np.diff(code) != 0) | (np.diff(time) != panel.step_us)]
    ends = np.r_[begins[1:], True]

    def instants(us: np.ndarray) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(us.view("M8[us]")).tz_localize("UTC")

    return pd.DataFrame(
        {
            SITE: panel.site_ids[code[begins]],
            "start": instants(time[begins]),
            "stop": instants(time[ends] + panel.step_us),
        }
    )
