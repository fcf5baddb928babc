"""Placebo events: days on which nothing was dispatched, treated as if it had been, so that the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from cblcast.days.day_types import day_type_labels, site_day_types
from cblcast.frames.instants import DAY_US, MINUTE_US, NO_INSTANT, stamps
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel, clock_instants
from cblcast.frames.schema import OBSERVED, SITE, DataError, StudyError


def placebo_events(
    panel: Panel,
    start: str,
    stop: str,
    *,
    days: str | Sequence[str] = "working",
    labels: Sequence[str] = ("working", "weekday", "any"),
    first: str | None = None,
    last: str | None = None,
    like: Literal["hottest", "highest_load"] | None = None,
    count: int | None = None,
    temperature: str = "temp_air_c",
    off_grid: bool = False,
) -> pd.DataFrame:
    """One event per site and chosen local day, at the same wall-clock hours.

    Parameters
    ----------
    panel : Panel
    start, stop : str
        Wall clock, ``"17:00"`` and ``"20:00"``; a stop at or before the start lies on the next day.
    days : str or eight labels
        Day types (see :data:`cblcast.days.day_types.DAY_TYPES`); days with a label in `labels` are used. ``"working"`` is
        every working day, as in the baseline paper.
    first, last : str, optional
        First and last local date, inclusive.
    like : {"hottest", "highest_load"}, optional
        Keep, for each site, only the `count` days with the highest daily maximum temperature or the highest daily mean
        load: days like those on which programs are dispatched.
    off_grid : bool
        Whether hours may begin or end between two readings, as dispatch does; only a settlement can use such events.

    Returns
    -------
    DataFrame
        Columns ``site_id``, ``start``, ``stop``. Days on which an interval of the event was not metered are left out,
        and so are days on which the clock change swallows or doubles part of the event.
    """
    begin, end = _minutes(start), _minutes(stop)
    end += 1440 if end <= begin else 0
    cube = panel.cube(OBSERVED)
    chosen = _days_of_type(panel, days, labels, cube.first_day, cube.n_days) & _span_mask(cube.days, first, last)
    if like is not None:
        chosen &= _most(panel, like, temperature, chosen, count)
    site, day = np.nonzero(chosen)
    table = _events_at(panel, site, day + cube.first_day, begin, end, off_grid)
    if table.empty:
        raise DataError(
            f"no day qualifies for placebo events ({days}, {first or 'start'} to {last or 'end'}, {start}-{stop}): "
            "check the span, the day types and that the hours are metered"
        )
    return table


def _minutes(clock: str) -> int:
    try:
        hours, minutes = (int(part) for part in str(clock).split(":"))
    except ValueError:
        hours, minutes = -1, 0
    if not (0 <= hours <= 24 and 0 <= minutes < 60):
        raise StudyError(f'{clock!r} is no time of day: write it quoted, like "17:00"')
    return 60 * hours + minutes


def _days_of_type(
    panel: Panel, days: str | Sequence[str], labels: Sequence[str], first_day: int, n_days: int
) -> np.ndarray:
    names = sorted(set(day_type_labels(days)))
    wanted = [code for code, name in enumerate(names) if name in labels]
    if not wanted:
        raise StudyError(f"none of the labels {list(labels)} is a day type of {days!r}, which has {names}")
    return np.isin(site_day_types(panel, days, first_day, n_days), wanted)


def _day(text: str) -> np.datetime64:
    try:
        return np.datetime64(str(text)[:10], "D")
    except ValueError:
        raise StudyError(f"{text!r} is no date: write it like 2019-06-01") from None


def _span_mask(days: np.ndarray, first: str | None, last: str | None) -> np.ndarray:
    keep = np.ones(len(days), dtype=bool)
    if first is not None:
        keep &= days >= _day(first)
    if last is not None:
        keep &= days <= _day(last)
    return keep


def _most(panel: Panel, like: str, temperature: str, chosen: np.ndarray, count: int | None) -> np.ndarray:
    if not count or count < 1:
        raise StudyError("event-like days need count >= 1: how many of the hottest or highest days a site")
    rankings = {"hottest": (temperature, np.fmax), "highest_load": (OBSERVED, None)}
    if like not in rankings:
        raise StudyError(f"event-like days are {' or '.join(rankings)}, not {like!r}")
    column, _ = rankings[like]
    values = panel.cube(column).values
    if like == "hottest":
        score = np.fmax.reduce(values, axis=2)
    else:
        score = known_mean(values, dtype=values.dtype)
    score = np.where(chosen & np.isfinite(score), score, -np.inf)
    rank = (-score).argsort(1, kind="stable").argsort(1, kind="stable")
    return (rank < count) & np.isfinite(score)


def _events_at(
    panel: Panel, site: np.ndarray, day: np.ndarray, begin_min: int, end_min: int, off_grid: bool
) -> pd.DataFrame:
    """Events from wall-clock minutes, kept only where every interval exists, is metered and lasts as the clock says."""
    start, stop = (
        clock_instants(panel, site, day * DAY_US + minutes * MINUTE_US, unclear="none")
        for minutes in (begin_min, end_min)
    )
    real = (start != NO_INSTANT) & (stop != NO_INSTANT)
    real &= np.where(real, stop - start, 0) == (end_min - begin_min) * MINUTE_US
    site, start, stop = site[real], start[real], stop[real]
    # Hours that begin or end between two readings need these readings whole.
    lead = (start - panel.first_times_us[site]) % panel.step_us if off_grid else np.zeros_like(start)
    count = -(-((end_min - begin_min) * MINUTE_US + lead.max(initial=0)) // panel.step_us)
    grid = (start - lead)[:, None] + np.arange(count) * panel.step_us
    metered = (np.isfinite(panel.values_at(OBSERVED, site[:, None], grid)) | (grid >= stop[:, None])).all(1)
    site, start, stop = site[metered], start[metered], stop[metered]
    return pd.DataFrame({SITE: panel.site_ids.take(site), "start": stamps(start), "stop": stamps(stop)})
