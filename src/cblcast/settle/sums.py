"""Portfolios: all sites that were dispatched in the same hours, adjusted one by one or as their sum."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.estimators.adjusted import Adjusted
from cblcast.estimators.declared import Declared
from cblcast.events import HOUR_US, Window
from cblcast.panel import Panel
from cblcast.programs.model import Adjustment, Program
from cblcast.schema import CASE_INDEX, SITE
from cblcast.value.portfolio import daily_sums, delivered_limits, independent_halfwidth, signed_limits

KEYS = ["start", "stop"]


def site_sums(panel: Panel, rows: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Sums over the sites with the same event hours, interval by interval; sums of several panels can be added.

    Parameters
    ----------
    rows : DataFrame
        Intervals of the events and their windows (see :class:`cblcast.settle.estimate.Estimate`).
    events : DataFrame
        The settled events; its index is the event of the rows.

    Returns
    -------
    DataFrame, index (start, stop, time_us)
        ``unadjusted_kw``, ``visible_kw``; ``known``, ``seen``, how many sites they sum; ``scored``, how many sites have
        the interval in their event; ``step_hours``.
    """
    number = rows["event"].to_numpy(dtype=np.int64)
    place = np.full(int(max(number.max(initial=0), events.index.max() if len(events) else 0)) + 1, -1, dtype=np.int64)
    place[events.index.to_numpy()] = np.arange(len(events))
    use = place[number] >= 0
    who = place[number[use]]
    start, stop = (pd.DatetimeIndex(events[edge]).as_unit("us").asi8[who] for edge in KEYS)
    plain, visible = (rows[column].to_numpy()[use] for column in ("unadjusted_kw", "visible_kw"))
    frame = pd.DataFrame(
        {
            "start": start,
            "stop": stop,
            "time_us": rows["time_us"].to_numpy(dtype=np.int64)[use],
            "unadjusted_kw": np.nan_to_num(plain),
            "visible_kw": np.nan_to_num(visible),
            "known": np.isfinite(plain).astype(np.int64),
            "seen": np.isfinite(visible).astype(np.int64),
            "scored": rows["scored"].to_numpy(dtype=bool)[use].astype(np.int64),
        }
    )
    return frame.groupby([*KEYS, "time_us"], sort=True).sum().assign(step_hours=panel.step_hours)


def add_sums(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The sums of several panels as those of one."""
    if len(parts) == 1:
        return parts[0]
    both = pd.concat(parts)
    step = both["step_hours"].iloc[0]
    return both.drop(columns="step_hours").groupby(level=[0, 1, 2], sort=True).sum().assign(step_hours=step)


def portfolio_sums(
    program: Program,
    sums: pd.DataFrame,
    events: pd.DataFrame,
    errors: pd.DataFrame | None = None,
    coverage: float | None = None,
) -> pd.DataFrame:
    """One row for all sites with the same event hours.

    Parameters
    ----------
    sums : DataFrame
        As :func:`site_sums` makes them.
    events : DataFrame
        The settled events.
    errors, coverage : optional
        Energy errors on days without events, for intervals; the events then have ``clock`` and ``kind``.

    Returns
    -------
    DataFrame
        ``program``, ``start``, ``stop``, ``n_sites``, ``metered_kwh``, ``baseline_kwh`` and ``delivered_kwh`` (adjust,
        then sum), ``delivered_sum_then_adjust_kwh`` (sum, then adjust once, caps applied to the sum),
        ``factor_of_sum``, ``program_order``; with errors ``lower_kwh``, ``upper_kwh`` of the energy that is adjusted, then
        summed (errors summed over the sites on the same day), ``placebo_days`` and ``independent_halfwidth_kwh``: what
        half the width would be if sites erred independently.
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
    if errors is not None and coverage is not None:
        limits = [_limits(group, errors, coverage) for _, group in groups]
        low, high, days, alone = (np.array([each[k] for each in limits]) for k in range(4))
        total["lower_kwh"], total["upper_kwh"] = delivered_limits(total["delivered_kwh"].to_numpy(), low, high)
        total["placebo_days"], total["independent_halfwidth_kwh"] = days.astype(np.int64), alone
    return total


def _limits(events: pd.DataFrame, errors: pd.DataFrame, coverage: float) -> tuple[float, float, int, float]:
    first = events.iloc[0]
    own = errors[(errors["clock"] == first["clock"]) & (errors["kind"] == first["kind"])]
    sums = daily_sums(own, pd.Index(events[SITE].unique()))
    return (*signed_limits(sums, coverage), len(sums), independent_halfwidth(events))


def _sum_then_adjust(program: Program, sums: pd.DataFrame, n_sites: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Baseline energy of each group when the sum is adjusted, and its factor or shift."""
    start, stop, times = (sums.index.get_level_values(k).to_numpy(dtype=np.int64) for k in range(3))
    first = np.r_[True, (start[1:] != start[:-1]) | (stop[1:] != stop[:-1])]
    group = np.cumsum(first) - 1
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
    stamps = [pd.DatetimeIndex(each.view("M8[us]")).tz_localize("UTC") for each in (start, times)]
    index = pd.MultiIndex.from_arrays([pd.Index(group.astype(str)), *stamps], names=CASE_INDEX)
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
    adjusted = Adjusted(Declared(), everywhere, own.mode, own.cap, own.floor, own.upward_only).fit(
        X.iloc[:1], np.zeros(1)
    )
    factor = np.full(int(group.max()) + 1, np.nan)
    factor[group] = adjusted.explain(X)["applied"].to_numpy()
    return np.asarray(adjusted.predict(X), dtype=np.float64), factor
