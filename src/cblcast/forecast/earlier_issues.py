"""Rows of earlier issues beside a nowcast that is asked: what limits that follow their errors are made from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from cblcast.abilities import FollowsIssues
from cblcast.errors import no_data_warnings
from cblcast.frames.cases import FAR_FUTURE_US
from cblcast.frames.instants import microseconds, stamps
from cblcast.frames.panel import Panel
from cblcast.frames.recent_issues import ISSUE_ENDS, ISSUE_KNOWS, ISSUE_POWER
from cblcast.frames.schema import CASE_INDEX, OBSERVED, ORIGIN, SITE, TIME


def beside_earlier_issues(
    panel: Panel,
    cases: pd.DataFrame,
    X: pd.DataFrame,
    follower: FollowsIssues,
    features: Callable[[Panel, pd.DataFrame], pd.DataFrame],
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
        Panel and cases -> features, as those of `cases` were made.

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
    earlier, power = _issues(panel, cases, follower)
    made, marks = X, [_marks(panel, cases, np.full(len(cases), np.nan))]
    if len(earlier):
        with no_data_warnings():
            own = features(panel, earlier)
        # An issue that lacks what those asked have, a forecast that is known of the next hours alone, tells nothing of their errors.
        whole = ~(own.isna() & X.notna().any(axis=0)).any(axis=1).to_numpy()
        made = pd.concat([X, own[whole]])
        marks.append(_marks(panel, earlier[whole], power[whole]))
    columns = {name: np.concatenate([part[name] for part in marks]) for name in marks[0]}
    return made.assign(**columns), np.arange(len(made)) < len(cases)


def _issues(panel: Panel, cases: pd.DataFrame, follower: FollowsIssues) -> tuple[pd.DataFrame, np.ndarray]:
    """Cases of earlier issues whose intervals were metered, at the leads that are asked, and their power [kW]."""
    origin, knows = microseconds(cases.index.get_level_values(ORIGIN)), microseconds(cases["hidden_from"])
    ahead = np.unique(microseconds(cases.index.get_level_values(TIME)) - origin)
    blind = int((origin - knows).max(initial=0))
    codes, origins, times = [], [], []
    for site in cases.index.get_level_values(SITE).unique():
        own = int(panel.site_codes(pd.Index([site]))[0])
        mine = np.asarray(cases.index.get_level_values(SITE) == site)
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
    index = pd.MultiIndex.from_arrays([panel.site_ids.take(code), stamps(issued), stamps(time)], names=CASE_INDEX)
    made = pd.DataFrame(
        {
            "hidden_from": stamps(issued - blind),
            "hidden_until": stamps(np.full(len(index), FAR_FUTURE_US)),
            "event_stop": stamps(time + panel.step_us),
            "scored": True,
        },
        index=index,
    )
    return made, power


def _marks(panel: Panel, cases: pd.DataFrame, power: np.ndarray) -> dict[str, np.ndarray]:
    ends = microseconds(cases.index.get_level_values(TIME)) + panel.step_us
    return {
        ISSUE_POWER: power,
        ISSUE_ENDS: ends.astype(np.float64),
        ISSUE_KNOWS: microseconds(cases["hidden_from"]).astype(np.float64),
    }
