"""Scoring: baselines of real events from a panel and an event table."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd

from cblcast.abilities import ReadsColumns, able
from cblcast.forecast.answer import Answer, answer
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.trained_on import warn_if_elsewhere
from cblcast.frames.events import EVENT_COLUMNS, check_events, moved_outward
from cblcast.frames.instants import step_words
from cblcast.frames.panel import Panel
from cblcast.frames.schema import LOWER, OBSERVED, ORIGIN, PREDICTED, SITE, TIME, UPPER, DataError, DataWarning, nearest

BASELINE, EVENT_STOP, TREATMENT = "baseline_kw", "event_stop", "treatment"
BASELINE_COLUMNS = [SITE, TIME, BASELINE, LOWER, UPPER]


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
        NaN for a method without intervals), ``origin`` (event start), ``event_stop``; by site, event and time. Of a method that
        has an eye for days unlike their calendar also ``treatment``: what the event was treated as, None where it was not.
    excluded : DataFrame
        ``site_id``, ``origin``, ``reason``: events without an estimate. An event counts whole or not at all.

    Raises
    ------
    DataError
        An event that the panel does not cover; a weather column that the features need and the panel lacks.

    Warns
    -----
    DataWarning
        Events that begin or end between two readings, whose baselines are those of whole intervals; a model that is used on
        other sites, steps or loads than it was trained on.
    """
    table = check_events(whole_intervals(panel, check_events(events, panel, off_grid=True)), panel)
    require_weather(forecaster, panel.names, "the panel")
    said = answer_events(forecaster, panel, table)
    warn_if_elsewhere(forecaster, panel, table)
    kept = said.estimated.rename(columns={PREDICTED: BASELINE}).reset_index()
    return treated(kept[[*BASELINE_COLUMNS, ORIGIN, EVENT_STOP]], said), said.excluded


def treated(rows: pd.DataFrame, said: Answer) -> pd.DataFrame:
    """Rows with ``site_id`` and ``origin``, with what their event was treated as where the method has an eye for that."""
    if said.treatment is None:
        return rows
    words = said.treatment.set_index([SITE, ORIGIN])[TREATMENT]
    found = words.reindex(pd.MultiIndex.from_frame(rows[[SITE, ORIGIN]])).to_numpy(dtype=object)
    return rows.assign(**{TREATMENT: pd.Series(np.where(pd.isna(found), None, found), index=rows.index, dtype=object)})


def whole_intervals(panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    """Events that begin or end between two readings, moved outward to whole intervals, and told; the others as they are."""
    moved = moved_outward(panel, events)
    n = int(((moved["start"] != events["start"]) | (moved["stop"] != events["stop"])).sum())
    if n:
        warnings.warn(
            f"{n} of {len(events)} events begin or end between two readings of {step_words(panel.step)}: their baselines are those of "
            "whole intervals, so count those at the edges by the part that lies in the event, as cblcast settle does",
            DataWarning,
            stacklevel=3,
        )
    return moved


def answer_events(forecaster: Forecaster, panel: Panel, table: pd.DataFrame) -> Answer:
    """What `forecaster` says of checked events, whose metered power is masked here."""
    return answer(forecaster, panel.with_events(table), table[EVENT_COLUMNS])


def weather_columns(forecaster: Forecaster) -> tuple[str, ...]:
    """Panel columns that the forecaster's features read besides ``observed_kw``."""
    found: dict[str, None] = {}
    for builder in forecaster.builders.values():
        if able(builder, ReadsColumns):
            found |= dict.fromkeys(builder.reads_columns())  # type: ignore[attr-defined]
    found.pop(OBSERVED, None)
    return tuple(found)


def require_weather(forecaster: Forecaster, columns: Iterable[str], what: str) -> None:
    """Raise :class:`DataError` for a weather column that the features need and `what` lacks."""
    columns = list(columns)
    for column in weather_columns(forecaster):
        if column not in columns:
            raise DataError(
                f"{what} lacks the column {column!r}, which {forecaster.name} was trained on: "
                f"{nearest(column, map(str, columns))}; give it (weather='FILE'), or train a model without (weather: [])"
            )
