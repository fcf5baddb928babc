"""Portfolios: all sites that were dispatched in the same hours, adjusted one by one or as their sum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.days.local_fit import Predicted
from cblcast.estimators.rules.declared import Declared
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.frames.events import Window
from cblcast.frames.instants import HOUR_US, stamps
from cblcast.frames.known import run_begins
from cblcast.frames.schema import CASE_INDEX
from cblcast.programs.model import Adjustment, Program
from cblcast.settlement.limits import Calibration, all_tried, gathered, origin, portfolio_limits, sum_limits
from cblcast.settlement.placebo_errors import Trial, Tried
from cblcast.settlement.sums import counted_hours, sum_keys
from cblcast.value.portfolio import delivered_limits, independent_halfwidth


def portfolio_table(
    program: Program,
    sums: pd.DataFrame,
    events: pd.DataFrame,
    trial: Trial | None = None,
    coverage: float | None = None,
    calibration: Calibration | None = None,
) -> pd.DataFrame:
    """One row for all sites with the same event hours, and where there are resources of the same resource.

    Parameters
    ----------
    sums : DataFrame
        As :func:`cblcast.settlement.sums.site_sums` makes them.
    events : DataFrame
        The settled events.
    trial, coverage, calibration : optional
        How the rule did on days without events, for limits; the events then have what
        :func:`cblcast.settlement.limits.with_limits` adds.

    Returns
    -------
    DataFrame
        ``program``, ``start``, ``stop``, ``n_sites``, ``metered_kwh``, ``baseline_kwh`` and ``delivered_kwh`` (adjust,
        then sum), ``delivered_sum_then_adjust_kwh`` (sum, then adjust once, caps applied to the sum),
        ``factor_of_sum``, ``program_order``; with a trial ``lower_kwh``, ``upper_kwh`` (errors summed over the
        sites on the same day), ``lower_sum_then_adjust_kwh``, ``upper_sum_then_adjust_kwh`` (the error of the adjusted
        sum on the same days; NaN where the portfolio is not all sites of these hours), ``bias_kwh``, ``like_days``,
        ``limits_from`` and ``placebo_days`` as of a site, and ``independent_halfwidth_kwh``: what half the width would
        be if sites erred independently.
    """
    if events.empty:
        return pd.DataFrame()
    keys = sum_keys(events)
    groups = events.groupby(keys, sort=True)
    total = groups[["metered_kwh", "baseline_kwh", "delivered_kwh"]].sum().reset_index()
    total.insert(0, "program", program.name)
    total["n_sites"] = groups.size().to_numpy()
    whole = adjusted_sums(program, sums, total["n_sites"].to_numpy())
    total["delivered_sum_then_adjust_kwh"] = whole.energy_kwh - total["metered_kwh"].to_numpy()
    total["factor_of_sum"] = whole.factor
    total["program_order"] = program.order
    if trial is not None and coverage is not None:
        own = calibration or Calibration()
        told = [
            _limits(program, group, of_sum, trial, coverage, own)
            for (_, group), of_sum in zip(groups, total["delivered_sum_then_adjust_kwh"], strict=True)
        ]
        total = pd.concat([total, pd.DataFrame(told, index=total.index)], axis=1)
    return total


def _limits(
    program: Program,
    events: pd.DataFrame,
    delivered_of_sum: float,
    trial: Trial,
    coverage: float,
    calibration: Calibration,
) -> dict[str, object]:
    """Limits of one portfolio, in both orders."""
    said = portfolio_limits(events, trial, coverage, calibration)
    # Limits are of the true delivery: what a bias correction took off the sites is put back before the errors come off.
    claimed = events["delivered_kwh"].sum()
    if "bias_corrected_kwh" in events.columns:
        claimed += events["bias_corrected_kwh"].sum()
    lower, upper = delivered_limits(np.array([claimed]), said.low, said.high)
    tried = gathered(events, trial) if all_tried(events, trial) else None
    ends = (np.nan, np.nan)
    if tried is not None:
        of_sum = _sum_then_adjust_limits(program, events, tried, coverage, calibration)
        ends = tuple(end[0] for end in delivered_limits(np.array([delivered_of_sum]), of_sum.low, of_sum.high))
    return {
        "lower_kwh": lower[0],
        "upper_kwh": upper[0],
        "bias_kwh": said.centre[0],
        "placebo_days": int(events["placebo_days"].max()),
        "like_days": said.like_days[0],
        "limits_from": origin(lower, said.few, calibration)[0],
        "independent_halfwidth_kwh": independent_halfwidth(events),
        "lower_sum_then_adjust_kwh": ends[0],
        "upper_sum_then_adjust_kwh": ends[1],
    }


def _sum_then_adjust_limits(
    program: Program, events: pd.DataFrame, tried: Tried, coverage: float, calibration: Calibration
) -> Predicted:
    """Limits of the error of the adjusted sum, tried on the same days without events."""
    sums = tried.sums
    runs = sums.groupby(level=[0, 1], sort=True)
    group = runs.ngroup().to_numpy()
    starts = np.array([start for start, _ in runs.groups])
    n_sites = np.full(len(starts), len(events))
    baseline = adjusted_sums(program, sums, n_sites).energy_kwh
    inside = sums["scored"].to_numpy() > 0
    metered = np.where(sums["metered"].to_numpy() == len(events), sums["metered_kw"].to_numpy(), np.nan)
    hours = counted_hours(sums)[inside]
    energy = np.bincount(group[inside], weights=metered[inside] * hours, minlength=len(starts))
    return sum_limits(events, tried, pd.Series(baseline - energy, index=starts), coverage, calibration)


@dataclass(frozen=True)
class AdjustedSums:
    """Sums that were adjusted once each.

    Attributes
    ----------
    energy_kwh, factor : ndarray, shape (n_groups,)
        Baseline energy, and the factor or shift.
    unadjusted_kw, adjusted_kw : ndarray, shape (n_rows,)
        In the order of the sums; NaN where not every site of the group is known.
    """

    energy_kwh: np.ndarray
    factor: np.ndarray
    unadjusted_kw: np.ndarray
    adjusted_kw: np.ndarray


def adjusted_sums(program: Program, sums: pd.DataFrame, n_sites: np.ndarray) -> AdjustedSums:
    """Each group of :func:`cblcast.settlement.sums.site_sums` adjusted as one sum, by `n_sites` of each group."""
    start, stop, times = (
        sums.index.get_level_values(name).to_numpy(dtype=np.int64) for name in ("start", "stop", "time_us")
    )
    names = [sums.index.get_level_values(name) for name in sums.index.names[:-1]]
    group = np.cumsum(run_begins(*(pd.factorize(name)[0] for name in names))) - 1
    whole = n_sites[group]
    scored = sums["scored"].to_numpy() > 0
    # An interval counts only where every site of the group is known: a sum of fewer would look like a response.
    plain = np.where(sums["known"].to_numpy() == whole, sums["unadjusted_kw"].to_numpy(), np.nan)
    visible = np.where((sums["seen"].to_numpy() == whole) & ~scored, sums["visible_kw"].to_numpy(), np.nan)
    baseline, factor = plain, np.full(len(n_sites), np.nan)
    if program.adjustment is not None:
        baseline, factor = _adjust(program.adjustment, plain, visible, group, (start, stop, times))
    counts = scored & (sums["counted_h"].to_numpy() > 0)
    weights = baseline[counts] * counted_hours(sums)[counts]
    return AdjustedSums(np.bincount(group[counts], weights=weights, minlength=len(n_sites)), factor, plain, baseline)


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
