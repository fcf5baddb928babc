"""Portfolios: all sites that were dispatched in the same hours, adjusted one by one or as their sum."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.days.limits import signed_limits
from cblcast.estimators.rules.declared import Declared
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.frames.events import Window
from cblcast.frames.instants import HOUR_US, stamps
from cblcast.frames.known import run_begins
from cblcast.frames.schema import CASE_INDEX, SITE
from cblcast.programs.model import Adjustment, Program
from cblcast.settlement.placebo_errors import Trial
from cblcast.settlement.sums import KEYS
from cblcast.value.portfolio import daily_sums, delivered_limits, independent_halfwidth


def portfolio_table(
    program: Program,
    sums: pd.DataFrame,
    events: pd.DataFrame,
    trial: Trial | None = None,
    coverage: float | None = None,
) -> pd.DataFrame:
    """One row for all sites with the same event hours.

    Parameters
    ----------
    sums : DataFrame
        As :func:`cblcast.settlement.sums.site_sums` makes them.
    events : DataFrame
        The settled events.
    trial, coverage : optional
        How the rule did on days without events, for limits; the events then have ``clock`` and ``kind``.

    Returns
    -------
    DataFrame
        ``program``, ``start``, ``stop``, ``n_sites``, ``metered_kwh``, ``baseline_kwh`` and ``delivered_kwh`` (adjust,
        then sum), ``delivered_sum_then_adjust_kwh`` (sum, then adjust once, caps applied to the sum),
        ``factor_of_sum``, ``program_order``; with a trial ``lower_kwh``, ``upper_kwh`` (errors summed over the
        sites on the same day), ``lower_sum_then_adjust_kwh``, ``upper_sum_then_adjust_kwh`` (the error of the adjusted
        sum on the same days; NaN where the portfolio is not all sites of these hours), ``placebo_days`` and
        ``independent_halfwidth_kwh``: what half the width would be if sites erred independently.
    """
    if events.empty:
        return pd.DataFrame()
    groups = events.groupby(KEYS, sort=True)
    total = groups[["metered_kwh", "baseline_kwh", "delivered_kwh"]].sum().reset_index()
    total.insert(0, "program", program.name)
    total["n_sites"] = groups.size().to_numpy()
    baseline, factor = _sum_then_adjust(program, sums, total["n_sites"].to_numpy())
    total["delivered_sum_then_adjust_kwh"] = baseline - total["metered_kwh"].to_numpy()
    total["factor_of_sum"] = factor
    total["program_order"] = program.order
    if trial is not None and coverage is not None:
        limits = [_limits(group, trial.errors, coverage) for _, group in groups]
        low, high, days, alone = (np.array([each[k] for each in limits]) for k in range(4))
        total["lower_kwh"], total["upper_kwh"] = delivered_limits(total["delivered_kwh"].to_numpy(), low, high)
        total["placebo_days"], total["independent_halfwidth_kwh"] = days.astype(np.int64), alone
        ends = np.array([_sum_limits(program, group, trial, coverage) for _, group in groups])
        lower, upper = delivered_limits(total["delivered_sum_then_adjust_kwh"].to_numpy(), ends[:, 0], ends[:, 1])
        total["lower_sum_then_adjust_kwh"], total["upper_sum_then_adjust_kwh"] = lower, upper
    return total


def _limits(events: pd.DataFrame, errors: pd.DataFrame, coverage: float) -> tuple[float, float, int, float]:
    first = events.iloc[0]
    own = errors[(errors["clock"] == first["clock"]) & (errors["kind"] == first["kind"])]
    sums = daily_sums(own, pd.Index(events[SITE].unique()))
    return (*signed_limits(sums, coverage), len(sums), independent_halfwidth(events))


def _sum_limits(program: Program, events: pd.DataFrame, trial: Trial, coverage: float) -> tuple[float, float]:
    """Limits of the error of the adjusted sum, tried on days without events."""
    first = events.iloc[0]
    own = trial.errors[(trial.errors["clock"] == first["clock"]) & (trial.errors["kind"] == first["kind"])]
    sums = trial.sums.get((first["clock"], first["kind"]))
    if sums is None or set(own[SITE]) != set(events[SITE]):
        return float("nan"), float("nan")
    n_days = len(sums.groupby(level=[0, 1]))
    n_sites = np.full(n_days, len(events))
    baseline, _ = _sum_then_adjust(program, sums, n_sites)
    group = sums.groupby(level=[0, 1], sort=True).ngroup().to_numpy()
    inside = sums["scored"].to_numpy() > 0
    metered = np.where(sums["metered"].to_numpy() == len(events), sums["metered_kw"].to_numpy(), np.nan)
    energy = np.bincount(group[inside], weights=metered[inside], minlength=n_days) * sums["step_hours"].iloc[0]
    return signed_limits(baseline - energy, coverage)


def _sum_then_adjust(program: Program, sums: pd.DataFrame, n_sites: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Baseline energy of each group when the sum is adjusted, and its factor or shift."""
    start, stop, times = (sums.index.get_level_values(k).to_numpy(dtype=np.int64) for k in range(3))
    group = np.cumsum(run_begins(start, stop)) - 1
    whole = n_sites[group]
    scored = sums["scored"].to_numpy() > 0
    # An interval counts only where every site of the group is known: a sum of fewer would look like a response.
    baseline = np.where(sums["known"].to_numpy() == whole, sums["unadjusted_kw"].to_numpy(), np.nan)
    visible = np.where((sums["seen"].to_numpy() == whole) & ~scored, sums["visible_kw"].to_numpy(), np.nan)
    factor = np.full(len(n_sites), np.nan)
    if program.adjustment is not None:
        baseline, factor = _adjust(program.adjustment, baseline, visible, group, (start, stop, times))
    energy = np.bincount(group[scored], weights=baseline[scored], minlength=len(n_sites))
    return energy * sums["step_hours"].iloc[0], factor


def _adjust(
    own: Adjustment, baseline: np.ndarray, visible: np.ndarray, group: np.ndarray, clock: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray]:
    start, stop, times = clock
    index = pd.MultiIndex.from_arrays([pd.Index(group.astype(str)), stamps(start), stamps(times)], names=CASE_INDEX)
    X = pd.DataFrame(
        {
            "declared_kw": baseline,
            "metered_kw": visible,
            "hours_since_start": (times - start) / HOUR_US,
            "hours_since_stop": (times - stop) / HOUR_US,
        },
        index=index,
    )
    # Every row that is not the event's own belongs to a window, so two windows as wide as the world hold them all.
    everywhere = (Window.before(10_000), Window.after(10_000))
    told = Adjusted(Declared(), everywhere, own.mode, own.cap, own.floor, own.upward_only).explain(X)
    factor = np.full(int(group.max()) + 1, np.nan)
    factor[group] = told["applied"].to_numpy()
    return told["adjusted_kw"].to_numpy(dtype=np.float64), factor
