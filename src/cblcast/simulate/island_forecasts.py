"""What the operator of an island knows of its wind: everything, a nowcast, the last measurement, or only the season and the hour.

A forecast of an island is an array (n_scenarios, n_steps, n_steps): entry [s, t, u] is the wind power [kW] expected for step u when
step t is about to begin; entries with u < t are NaN. Entry [s, t, t] is for the step that begins now, whose wind is not yet known.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cblcast.errors import DataError

Array = NDArray[np.float64]


def _future(n_steps: int) -> NDArray[np.bool_]:
    """[t, u] is True where step u has not begun when t begins."""
    return np.arange(n_steps)[None, :] >= np.arange(n_steps)[:, None]


def _steps_from(starts: pd.DatetimeIndex, step: pd.Timedelta, n_steps: int) -> pd.DatetimeIndex:
    """Every step of every island, one island after the other."""
    ahead = pd.TimedeltaIndex([k * step for k in range(n_steps)] * len(starts))
    return starts.repeat(n_steps) + ahead


def known_perfectly(wind_kw: Array) -> Array:
    """The wind itself; `wind_kw` (n_scenarios, n_steps) is the sum of the turbines."""
    return np.where(_future(wind_kw.shape[1]), wind_kw[:, None, :], np.nan)


def by_persistence(wind_kw: Array, before_kw: Array) -> Array:
    """The last measured step goes on; `before_kw` (n_scenarios,) is the step before the island."""
    last = np.c_[before_kw, wind_kw[:, :-1]]
    return np.where(_future(wind_kw.shape[1]), last[:, :, None], np.nan)


def by_season_and_hour(year_kw: pd.Series, starts: pd.DatetimeIndex, n_steps: int) -> Array:
    """The mean of `year_kw` in that month and hour (UTC): what is known without any measurement of the day.

    Take another year than the one that is judged; else the mean knows a little of the answer.
    """
    times = pd.DatetimeIndex(year_kw.index)
    table = year_kw.groupby([times.month, times.hour]).mean()
    step = times[1] - times[0]
    at = _steps_from(starts, step, n_steps)
    mean = table.reindex(pd.MultiIndex.from_arrays([at.month, at.hour])).to_numpy(np.float64)
    return np.where(_future(n_steps), mean.reshape(len(starts), 1, n_steps), np.nan)


def by_nowcast(predicted_kw: pd.Series, starts: pd.DatetimeIndex, n_steps: int, beyond: Array) -> tuple[Array, int]:
    """A nowcast issued at the beginning of every step.

    Parameters
    ----------
    predicted_kw : Series, index (origin, time)
        As a :class:`~cblcast.forecast.forecaster.Forecaster` estimates them; `origin` is the beginning of a step.
    beyond : ndarray (n_scenarios, n_steps, n_steps)
        What is expected where the nowcast does not reach (leads beyond its last), such as :func:`by_season_and_hour`.

    Returns
    -------
    ndarray, int
        The forecast, and how many of its entries came from `beyond`.

    Raises
    ------
    DataError
        A step for which the nowcast has nothing at all.
    """
    origins = pd.DatetimeIndex(predicted_kw.index.get_level_values(0))
    step = (pd.DatetimeIndex(predicted_kw.index.get_level_values(1)) - origins).unique().sort_values()
    if len(step) < 2:
        raise DataError("a nowcast for an island needs leads of at least two steps")
    at = _steps_from(starts, step[1] - step[0], n_steps)
    wide = predicted_kw.unstack()
    rows = wide.index.get_indexer(at).reshape(len(starts), n_steps)
    columns = wide.columns.get_indexer(at).reshape(len(starts), n_steps)
    if (rows < 0).any():
        raise DataError(f"{int((rows < 0).sum())} steps of the islands have no nowcast: issue it at every step")
    values = wide.to_numpy(np.float64)
    found = values[rows[:, :, None], np.maximum(columns, 0)[:, None, :]]
    future = _future(n_steps)[None]
    missing = ~np.isfinite(found) & future
    return np.where(future, np.where(np.isfinite(found), found, beyond), np.nan), int(missing.sum())
