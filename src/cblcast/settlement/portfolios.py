"""Portfolios: all sites that were dispatched in the same hours, adjusted one by one or as their sum."""

from __future__ import annotations

from dataclasses import dataclass

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
from cblcast.settlement.sums import add_sums, counted_hours, sum_keys
from cblcast.value.portfolio import daily_sums, delivered_limits, independent_halfwidth


def portfolio_table(
    program: Program,
    sums: pd.DataFrame,
    events: pd.DataFrame,
    trial: Trial | None = None,
    coverage: float | None = None,
) -> pd.DataFrame:
    """One row for all sites with the same event hours, and where there are resources of the same resource.

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
        parts = [group for _, group in groups]
        errors = [_own_errors(group, trial.errors) for group in parts]
        limits = [_limits(group, own, coverage) for group, own in zip(parts, errors, strict=True)]
        low, high, days, alone = (np.array([each[k] for each in limits]) for k in range(4))
        total["lower_kwh"], total["upper_kwh"] = delivered_limits(total["delivered_kwh"].to_numpy(), low, high)
        total["placebo_days"], total["independent_halfwidth_kwh"] = days.astype(np.int64), alone
        ends = np.array(
            [_sum_limits(program, group, own, trial, coverage) for group, own in zip(parts, errors, strict=True)]
        )
        lower, upper = delivered_limits(total["delivered_sum_then_adjust_kwh"].to_numpy(), ends[:, 0], ends[:, 1])
        total["lower_sum_then_adjust_kwh"], total["upper_sum_then_adjust_kwh"] = lower, upper
    return total


def _own_errors(events: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Errors of the sites of `events`, each at the wall clock and on the kind of day of its own event.

    Sites of two zones have two clocks at one instant, and are compared with what each did at its own.
    """
    own = events[[SITE, "clock", "kind"]].drop_duplicates()
    return errors.merge(own, on=[SITE, "clock", "kind"])


def _limits(events: pd.DataFrame, errors: pd.DataFrame, coverage: float) -> tuple[float, float, int, float]:
    sums = daily_sums(errors, pd.Index(events[SITE].unique()))
    return (*signed_limits(sums, coverage), len(sums), independent_halfwidth(events))


def _sum_limits(
    program: Program, events: pd.DataFrame, errors: pd.DataFrame, trial: Trial, coverage: float
) -> tuple[float, float]:
    """Limits of the error of the adjusted sum, tried on days without events."""
    clocks = list(dict.fromkeys(zip(events["clock"], events["kind"], strict=True)))
    tried = trial.errors[[SITE, "clock", "kind"]].drop_duplicates()
    of_clocks = [key in clocks for key in zip(tried["clock"], tried["kind"], strict=True)]
    if any(key not in trial.sums for key in clocks) or set(tried[SITE][of_clocks]) != set(events[SITE]):
        return float("nan"), float("nan")
    sums = add_sums([trial.sums[key] for key in clocks])
    # Of two zones, a day counts where it is a day of both at the same instants.
    whole = sums.groupby(level=["start", "stop"])["scored"].transform("max") == len(events)
    if len(clocks) > 1:
        sums = sums[whole.to_numpy()]
    if sums.empty:
        return float("nan"), float("nan")
    group = sums.groupby(level=["start", "stop"], sort=True).ngroup().to_numpy()
    n_days = int(group.max()) + 1
    baseline = adjusted_sums(program, sums, np.full(n_days, len(events))).energy_kwh
    inside = sums["scored"].to_numpy() > 0
    metered = np.where(sums["metered"].to_numpy() == len(events), sums["metered_kw"].to_numpy(), np.nan)
    hours = counted_hours(sums)[inside]
    energy = np.bincount(group[inside], weights=metered[inside] * hours, minlength=n_days)
    return signed_limits(baseline - energy, coverage)


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
