"""Portfolios: all sites that were dispatched in the same hours, adjusted one by one or as their sum."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.estimators.adjusted import Adjusted
from cblcast.estimators.declared import Declared
from cblcast.events import HOUR_US, Window
from cblcast.panel import Panel
from cblcast.programs.model import Program
from cblcast.schema import CASE_INDEX, SITE
from cblcast.settle.placebo_errors import event_clock
from cblcast.value.portfolio import daily_sums, delivered_limits, independent_halfwidth, signed_limits

ORDERS = ("adjust_then_sum", "sum_then_adjust")


def portfolio_sums(
    program: Program,
    panel: Panel,
    rows: pd.DataFrame,
    events: pd.DataFrame,
    errors: pd.DataFrame | None = None,
    coverage: float | None = None,
) -> pd.DataFrame:
    """One row for all sites with the same event hours.

    Parameters
    ----------
    rows : DataFrame
        Intervals of the events and their windows (see :class:`cblcast.settle.estimate.Estimate`), with ``metered_kw``.
    events : DataFrame
        The settled events; its index is the event of the rows.
    errors, coverage : optional
        Energy errors on days without events, for intervals.

    Returns
    -------
    DataFrame
        ``program``, ``start``, ``stop``, ``n_sites``, ``metered_kwh``, ``baseline_kwh`` and ``delivered_kwh`` (adjust,
        then sum), ``delivered_sum_then_adjust_kwh`` (sum, then adjust once, caps applied to the sum; NaN where the
        windows of the sites differ), ``factor_of_sum``, ``program_order``; with errors ``lower_kwh``, ``upper_kwh``
        (errors summed over the sites on the same day), ``placebo_days`` and ``independent_halfwidth_kwh``: what half
        the width would be if sites erred independently.
    """
    if events.empty:
        return pd.DataFrame()
    groups = events.groupby(["start", "stop"], sort=True)
    number_of_event = groups.ngroup()
    total = groups[["metered_kwh", "baseline_kwh", "delivered_kwh"]].sum().reset_index()
    total.insert(0, "program", program.name)
    total["n_sites"] = groups.size().to_numpy()
    summed, factor = _sum_then_adjust(program, panel, rows, events, number_of_event)
    total["delivered_sum_then_adjust_kwh"] = summed - total["metered_kwh"].to_numpy()
    total["factor_of_sum"] = factor
    total["program_order"] = program.order
    if errors is not None and coverage is not None:
        limits = [_limits(panel, events.loc[group], errors, coverage) for group in groups.groups.values()]
        low, high, days, alone = (np.array([each[k] for each in limits]) for k in range(4))
        total["lower_kwh"], total["upper_kwh"] = delivered_limits(total["delivered_kwh"].to_numpy(), low, high)
        total["placebo_days"], total["independent_halfwidth_kwh"] = days.astype(np.int64), alone
    return total


def _limits(
    panel: Panel, events: pd.DataFrame, errors: pd.DataFrame, coverage: float
) -> tuple[float, float, int, float]:
    clock = event_clock(panel, events).iloc[0]
    own = errors[(errors["clock"] == clock["clock"]) & (errors["kind"] == clock["kind"])]
    sums = daily_sums(own, pd.Index(events[SITE].unique()))
    alone = independent_halfwidth(events) if "lower_kwh" in events.columns else float("nan")
    return (*signed_limits(sums, coverage), len(sums), alone)


def _sum_then_adjust(
    program: Program, panel: Panel, rows: pd.DataFrame, events: pd.DataFrame, group_of_event: pd.Series
) -> tuple[np.ndarray, np.ndarray]:
    """Baseline energy of each group when the sum is adjusted, and its factor or shift."""
    n_groups = int(group_of_event.max()) + 1
    group = np.full(int(max(rows["event"].max(), events.index.max())) + 1, -1, dtype=np.int64)
    group[events.index.to_numpy()] = group_of_event.to_numpy()
    own = rows.assign(group=group[rows["event"].to_numpy(dtype=np.int64)])
    own = own[own["group"] >= 0]
    size = own.groupby("group")["event"].nunique()
    both = own.groupby(["group", "time_us"], sort=True).agg(
        unadjusted_kw=("unadjusted_kw", "sum"),
        visible_kw=("visible_kw", "sum"),
        scored=("scored", "first"),
        count=("unadjusted_kw", "count"),
        seen=("visible_kw", "count"),
    )
    level = both.index.get_level_values("group")
    whole = size.reindex(level).to_numpy()
    both.loc[both["seen"].to_numpy() < whole, "visible_kw"] = np.nan
    both.loc[both["count"].to_numpy() < whole, "unadjusted_kw"] = np.nan
    scored = both["scored"].to_numpy(dtype=bool)
    baseline, factor = both["unadjusted_kw"].to_numpy(), np.full(n_groups, np.nan)
    if program.adjustment is not None:
        baseline, factor = _adjust(program, both, events, group_of_event, n_groups)
    energy = np.bincount(np.asarray(level)[scored], weights=baseline[scored], minlength=n_groups) * panel.step_hours
    return energy, factor


def _adjust(
    program: Program, both: pd.DataFrame, events: pd.DataFrame, group_of_event: pd.Series, n_groups: int
) -> tuple[np.ndarray, np.ndarray]:
    own = program.adjustment
    if own is None:
        return both["unadjusted_kw"].to_numpy(), np.full(n_groups, np.nan)
    level = np.asarray(both.index.get_level_values("group"))
    first = events.groupby(group_of_event.to_numpy())[["start", "stop"]].first()
    start, stop = (pd.DatetimeIndex(first[edge]).as_unit("us").asi8[level] for edge in ("start", "stop"))
    times = both.index.get_level_values("time_us").to_numpy(dtype=np.int64)
    stamps = pd.DatetimeIndex(times.view("M8[us]")).tz_localize("UTC")
    index = pd.MultiIndex.from_arrays(
        [pd.Index(level.astype(str)), pd.DatetimeIndex(start.view("M8[us]")).tz_localize("UTC"), stamps], names=CASE_INDEX
    )
    X = pd.DataFrame(
        {
            "declared_kw": both["unadjusted_kw"].to_numpy(),
            "metered_kw": np.where(both["scored"].to_numpy(dtype=bool), np.nan, both["visible_kw"].to_numpy()),
            "hours_since_start": (times - start) / HOUR_US,
            "hours_since_stop": (times - stop) / HOUR_US,
        },
        index=index,
    )
    # Every row that is not the event's own belongs to a window, so two windows as wide as the world hold them all.
    everywhere = (Window.before(10_000), Window.after(10_000))
    adjusted = Adjusted(Declared(), everywhere, own.mode, own.cap, own.floor, own.upward_only).fit(X.iloc[:1], np.zeros(1))
    told = adjusted.explain(X)["applied"].to_numpy()
    factor = np.full(n_groups, np.nan)
    factor[level] = told
    return np.asarray(adjusted.predict(X), dtype=np.float64), factor
