"""Rows of earlier issues beside a nowcast that is asked: what limits that follow their errors are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
import pandas as pd

from cblcast.abilities import FollowsIssues
from cblcast.features.feature_frame import column_index
from cblcast.frames.cases import FAR_FUTURE_US
from cblcast.frames.coded import index_of, instants_of_rows, numbered, sites_of_rows
from cblcast.frames.instants import microseconds, stamps
from cblcast.frames.known import run_starts
from cblcast.frames.one_look import Room
from cblcast.frames.panel import Panel
from cblcast.frames.recent_issues import ISSUE_COLUMNS
from cblcast.frames.schema import CASE_INDEX, OBSERVED, ORIGIN, TIME
from cblcast.hush import no_data_warnings


def beside_earlier_issues(
    panel: Panel,
    cases: pd.DataFrame,
    X: pd.DataFrame,
    follower: FollowsIssues,
    features: Callable[..., Iterable[pd.DataFrame]],
) -> tuple[pd.DataFrame, np.ndarray]:
    """Features of `cases` with those of earlier issues below them, and the columns of :mod:`cblcast.frames.recent_issues`.

    Parameters
    ----------
    panel : Panel
    cases : DataFrame
        Of nowcasts.
    X : DataFrame
        Features of `cases`.
    follower : estimator
        Says which origins it wants.
    features : callable
        Panel, cases and ``room`` -> features, as those of `cases` were made, in blocks whose columns stand one after the other; see
        :func:`~cblcast.features.matrix.blocks_of_builders`.

    Returns
    -------
    X : DataFrame
    asked : ndarray of bool, shape (n_rows,)
        Rows that are those of `cases`, in their order.

    Notes
    -----
    An earlier issue knows as little as the nowcasts that are asked: what lies behind its own origin is hidden from it, and forecast
    runs that had not arrived. What its features lack is not told: it is no answer to anyone. One that lacks a feature which some of
    those that are asked have is left out.
    """
    asked, n = X.to_numpy(dtype=np.float64).T, len(cases)
    earlier, power = _issues(panel, cases, follower)
    made = np.empty((len(asked) + len(ISSUE_COLUMNS), n + len(earlier)))
    made[: len(asked), :n] = asked
    with no_data_warnings():
        own = made[: len(asked), n:]
        room = Room(own)
        for block in features(panel, earlier, room=room) if len(earlier) else ():
            room.put(block.to_numpy(dtype=np.float64).T)
    whole = _whole(own, ~np.isnan(asked).all(axis=1))
    if not whole.all():
        _close_gaps(own, whole)
        earlier, power, made = earlier[whole], power[whole], made[:, : n + np.count_nonzero(whole)]
    made[len(asked) :] = np.hstack([_marks(panel, cases, np.full(n, np.nan)), _marks(panel, earlier, power)])
    index = _index(panel, *np.hstack([_instants(panel, cases), _instants(panel, earlier)]))
    columns = column_index((*X.columns.tolist(), *ISSUE_COLUMNS))
    return pd.DataFrame(made.T, index=index, columns=columns, copy=False), np.arange(len(index)) < n


def _whole(features: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Whether an earlier issue has what some of those asked have, of features (n_columns, n_rows); bool, (n_rows,).

    One that lacks it, a forecast that is known of the next hours alone, tells nothing of their errors.
    """
    some = np.flatnonzero(np.isnan(features.sum(axis=0)))  # sums tell of most that they lack nothing
    whole = np.ones(features.shape[1], dtype=bool)
    whole[some] = ~(np.isnan(features[:, some]) & wanted[:, None]).any(axis=0)
    return whole


def _close_gaps(features: np.ndarray, whole: np.ndarray) -> None:
    """Move the columns that are `whole` to the left, in place: run by run, which is quicker than one by one."""
    to = 0
    for begin, end in pairwise([*run_starts(whole), len(whole)]):
        if whole[begin]:
            features[:, to : to + end - begin] = features[:, begin:end]
            to += int(end - begin)


def _issues(panel: Panel, cases: pd.DataFrame, follower: FollowsIssues) -> tuple[pd.DataFrame, np.ndarray]:
    """Cases of earlier issues whose intervals were metered, at the leads that are asked, and their power [kW]."""
    site, origin, time = _instants(panel, cases)
    knows = microseconds(cases["hidden_from"])
    ahead = np.unique(time - origin)
    blind = int((origin - knows).max(initial=0))
    codes, origins, times = [], [], []
    for own in pd.unique(site):
        mine = site == own
        first = int(panel.first_times_us[own])
        wanted = follower.earlier_origins(knows[mine])
        wanted = np.unique(wanted - (wanted - first) % panel.step_us)
        wanted = wanted[(wanted - blind > first) & (wanted < knows[mine].max())]
        codes.append(np.full(len(wanted) * len(ahead), own))
        origins.append(np.repeat(wanted, len(ahead)))
        times.append((wanted[:, None] + ahead).ravel())
    code, issued, time = (np.concatenate(part).astype(np.int64) for part in (codes, origins, times))
    power = panel.values_at(OBSERVED, code, time)
    known = np.isfinite(power) & np.isfinite(panel.values_at(OBSERVED, code, issued - blind - panel.step_us))
    code, issued, time, power = code[known], issued[known], time[known], power[known]
    made = pd.DataFrame(
        {
            "hidden_from": stamps(issued - blind),
            "hidden_until": stamps(np.full(len(code), FAR_FUTURE_US)),
            "event_stop": stamps(time + panel.step_us),
            "scored": True,
        },
        index=_index(panel, code, issued, time),
    )
    return made, power


def _instants(panel: Panel, cases: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Position of the site of each row, its origin, and the start of its interval [us]."""
    return (
        sites_of_rows(panel, cases.index),
        instants_of_rows(cases.index, ORIGIN),
        instants_of_rows(cases.index, TIME),
    )


def _index(panel: Panel, site: np.ndarray, origin_us: np.ndarray, time_us: np.ndarray) -> pd.MultiIndex:
    """The index of rows of which :func:`_instants` says these."""
    origins, times = (numbered(us, panel.step_us) for us in (origin_us, time_us))
    return index_of((site, panel.site_ids), origins, times, names=CASE_INDEX)


def _marks(panel: Panel, cases: pd.DataFrame, power: np.ndarray) -> np.ndarray:
    """The columns of :mod:`cblcast.frames.recent_issues` as rows, shape (3, n_rows)."""
    ends = instants_of_rows(cases.index, TIME) + panel.step_us
    return np.stack([power, ends, microseconds(cases["hidden_from"])])
