"""One long frame in, the same rows out with their baselines: what a registered model answers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from cblcast.forecast.answer import Answer
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.long_columns import (
    ESTIMATE,
    as_frame,
    check_span,
    flags_of,
    instants_of,
    numbers_of,
    plain,
    power_of,
    sites_of,
)
from cblcast.forecast.nowcast import REASON, issue_nowcast
from cblcast.forecast.scoring import (
    BASELINE,
    BASELINE_COLUMNS,
    TREATMENT,
    answer_events,
    require_weather,
    weather_columns,
)
from cblcast.forecast.trained_on import warn_if_elsewhere
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

SITE_COLUMNS = ("tz", "country", "subdivision")


def score_frame(forecaster: Forecaster, frame: Any) -> pd.DataFrame:
    """Baselines of the intervals marked in one long frame: what a registered model answers.

    Parameters
    ----------
    forecaster : Forecaster
        Trained.
    frame : DataFrame, mapping of columns, or list of records
        ``site_id`` (text, or numbers); ``time`` (interval start; with a zone, or text with an offset; without one only where
        ``tz`` says the zone of the clock); ``observed_kw`` (mean power [kW]; what it holds on marked intervals is never
        looked at); the weather that the model's features need; ``estimate``, True (1, "true") on the intervals to be
        estimated. Contiguous True intervals of a site are one event, so two events that touch become one. Optional ``tz``,
        ``country``, ``subdivision`` describe sites that the model has not seen; without them a new site takes the zone that
        all trained sites share. Numbers may be whole, nullable, backed by pyarrow, or objects; rows in any order; further
        columns are passed over.

        A model of nowcasts is also asked with a frame that marks nothing, or has no column ``estimate``: it answers the
        intervals after its end, or after the one time in a column ``origin`` (a time, or ``now``).

    Returns
    -------
    DataFrame
        The marked rows in the order and with the index of `frame`: ``site_id``, ``time`` (UTC), ``baseline_kw``,
        ``lower_kw``, ``upper_kw`` [kW], and ``reason``: why the event of the row has no baseline, None where it has. Of a
        method that has an eye for days unlike their calendar also ``treatment``, as :func:`cblcast.forecast.scoring.score_events` gives it.
        Of a nowcast the rows of :class:`cblcast.forecast.nowcast.Issued`.

    Raises
    ------
    DataError
        A missing column, nothing marked, an unreadable or naive time, a time twice, two steps, text or an infinite value
        for a power, a site without a zone or one that the model cannot estimate, nothing but marked rows where the model
        needs history.

    Warns
    -----
    DataWarning
        When events cannot be estimated; their rows are NaN, whole events at a time.
    """
    frame = as_frame(frame)
    if forecaster.horizon is not None and not marks_anything(frame):
        return _nowcast_of(forecaster, frame)
    require_columns(frame, [SITE, TIME, OBSERVED, ESTIMATE], "the frame")
    require_weather(forecaster, frame.columns, "the frame")
    wanted = flags_of(frame[ESTIMATE])
    panel, index = _panel(forecaster, frame, wanted)
    events = _runs(panel, index[wanted])
    said = answer_events(forecaster, panel, events)
    warn_if_elsewhere(forecaster, panel, events)
    if len(said.excluded):
        first = said.excluded.iloc[0]
        if wanted.all() and len(said.excluded) == len(events):
            raise DataError(
                f"every row has {ESTIMATE}=True, and {forecaster.name} gives no baseline without history ({first['reason']}): "
                f"add the rows before the event, with {ESTIMATE}=False"
            )
        warnings.warn(
            f"{len(said.excluded)} of {len(events)} events have no baseline, e.g. site {first[SITE]!r} at {first[ORIGIN]}: "
            f"{first['reason']}",
            DataWarning,
            stacklevel=2,
        )
    rows = said.estimated.rename(columns={PREDICTED: BASELINE}).droplevel(ORIGIN)
    answer = rows.reindex(index[wanted])[[BASELINE, LOWER, UPPER]].reset_index()[BASELINE_COLUMNS]
    asked = index[wanted]
    answer[REASON] = pd.Series(_by_event(said, asked, said.excluded.set_index([SITE, ORIGIN])["reason"]), dtype=object)
    if said.treatment is not None:
        words = said.treatment.set_index([SITE, ORIGIN])[TREATMENT]
        answer[TREATMENT] = pd.Series(_by_event(said, asked, words), dtype=object)
    return answer.set_axis(frame.index[wanted], axis=0)


def marks_anything(frame: pd.DataFrame) -> bool:
    """Whether some row is marked to be estimated; a frame that does not mark any asks for what comes after it."""
    return ESTIMATE in frame.columns and bool(flags_of(frame[ESTIMATE], may_be_none=True).any())


def _nowcast_of(forecaster: Forecaster, frame: pd.DataFrame) -> pd.DataFrame:
    """What a model of nowcasts answers to data that end at the origin; what was missing is warned of."""
    require_columns(frame, [SITE, TIME, OBSERVED], "the frame")
    require_weather(forecaster, frame.columns, "the frame")
    origin = _only(frame[ORIGIN]) if ORIGIN in frame.columns else "data"
    if origin is None:
        raise DataError(
            f"the column {ORIGIN!r} holds more than one time, or none: give the frame one origin, now or a time"
        )
    panel, _ = _panel(forecaster, frame.drop(columns=ORIGIN, errors="ignore"), np.zeros(len(frame), dtype=bool))
    issued = issue_nowcast(forecaster, panel, origin)
    for sentence in issued.missing:
        warnings.warn(sentence, DataWarning, stacklevel=3)
    return issued.rows


def _panel(forecaster: Forecaster, frame: pd.DataFrame, wanted: np.ndarray) -> tuple[Panel, pd.MultiIndex]:
    """The frame as a panel, and the site and time of each of its rows."""
    known = [] if forecaster.sites is None else forecaster.sites.index
    site = sites_of(frame[SITE], known)
    time = instants_of(frame[TIME], site, _given(frame, site, "tz"))
    check_span(pd.factorize(site)[0], microseconds(time))
    index = pd.MultiIndex.from_arrays([pd.Index(site, dtype="str"), time], names=PANEL_INDEX)
    data = _numbers(frame, forecaster, wanted).set_axis(index, axis=0)
    return Panel(data, _sites(frame, site, forecaster)), index


def _by_event(said: Answer, index: pd.MultiIndex, words: pd.Series) -> np.ndarray:
    """What is said of the event of each site and time of `index`; None where nothing is."""
    asked = said.rows.index[said.rows["scored"].to_numpy(dtype=bool)]
    why = words.reindex(asked.droplevel(TIME)).to_numpy(dtype=object)
    why[pd.isna(why)] = None
    return why[asked.droplevel(ORIGIN).get_indexer(index)]


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


def _numbers(frame: pd.DataFrame, forecaster: Forecaster, wanted: np.ndarray) -> pd.DataFrame:
    """The metered power and the weather as float64; further columns only if they are finite numbers."""
    needed = weather_columns(forecaster)
    read = {OBSERVED: power_of(frame[OBSERVED], ignore=wanted)}
    read |= {column: power_of(frame[column]) for column in needed}
    for column in frame.columns.difference([*read, SITE, TIME, ESTIMATE, *SITE_COLUMNS], sort=False):
        if pd.api.types.is_numeric_dtype(frame[column].dtype) and not pd.api.types.is_complex_dtype(
            frame[column].dtype
        ):
            values = numbers_of(plain(frame[column]))
            if not np.isinf(values).any():
                read[str(column)] = values
    return pd.DataFrame(read)


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
