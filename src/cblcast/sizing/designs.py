"""Designs that are just reliable enough: the least diesel for every number of vehicles, and the cheapest for every subsidy."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cblcast.errors import StudyError
from cblcast.sizing.problem import SizingProblem
from cblcast.value.bargaining import Terms, two_stage


def least_diesel_kw(
    problem: SizingProblem, vehicles: NDArray[np.int64], minutes: float = 30.0, tolerance_kw: float = 0.05
) -> NDArray[np.float64]:
    """The smallest diesel set that keeps at most `minutes` system minutes, for each number of `vehicles` [kW], by bisection.

    Infinite where the problem's largest set is not enough. Under curtailment the minutes never rise with the rating, and the
    result is exact to `tolerance_kw`; with whole turbines they can rise by a step, and the result is a rating that is reliable
    enough and next to one that is not.
    """
    count = np.asarray(vehicles, dtype=np.float64)
    low, high = np.zeros(len(count)), np.full(len(count), problem.most_diesel_kw)
    enough = problem.minutes(high, count) <= minutes
    free = problem.minutes(low, count) <= minutes
    for _ in range(max(math.floor(math.log2(problem.most_diesel_kw / tolerance_kw)) + 1, 0)):
        active = enough & ~free
        middle = (low + high) / 2
        good = np.zeros(len(count), dtype=bool)
        good[active] = problem.minutes(middle[active], count[active]) <= minutes if active.any() else False
        high = np.where(active & good, middle, high)
        low = np.where(active & ~good, middle, low)
    return np.where(enough, np.where(free, 0.0, high), np.inf)


def reliable_designs(problem: SizingProblem, minutes: float = 30.0, every: int = 10) -> pd.DataFrame:
    """Least diesel for 0, `every`, 2 × `every` … vehicles, and for the most.

    Returns
    -------
    DataFrame
        ``vehicles``, ``diesel_kw`` (inf where nothing is enough), ``diesel_cost_usd``.

    Raises
    ------
    StudyError
        A load above everything that can be built: no design up to the limits is reliable enough.
    """
    count = np.unique(np.r_[np.arange(0, problem.most_vehicles + 1, max(int(every), 1)), problem.most_vehicles])
    diesel = least_diesel_kw(problem, count, minutes)
    if not np.isfinite(diesel).any():
        best = float(problem.minutes([problem.most_diesel_kw], [problem.most_vehicles])[0])
        raise StudyError(
            f"no design up to {problem.most_diesel_kw:g} kW of diesel and {problem.most_vehicles} vehicles keeps to {minutes:g} "
            f"system minutes (the largest has {best:.0f}): raise most_diesel_kw, or lower the load"
        )
    cost = np.where(np.isfinite(diesel), np.nan_to_num(diesel, posinf=0.0) * problem.diesel_usd_per_kw, np.inf)
    return pd.DataFrame({"vehicles": count, "diesel_kw": diesel, "diesel_cost_usd": cost})


def observed_threshold_usd(reliable: pd.DataFrame, surplus_usd: float) -> float:
    """The smallest subsidy at which some number of vehicles pays: surplus − max over N of (diesel saved) / N [$].

    NaN where no design without vehicles is reliable enough (there vehicles are not a question of price).
    """
    cost, count = reliable["diesel_cost_usd"].to_numpy(), reliable["vehicles"].to_numpy(np.float64)
    some = (count > 0) & np.isfinite(cost)
    if not np.isfinite(cost[count == 0]).all() or not some.any():
        return float("nan")
    return float(surplus_usd - ((cost[count == 0][0] - cost[some]) / count[some]).max())


def priced_designs(
    problem: SizingProblem, reliable: pd.DataFrame, subsidies_usd: tuple[float, ...], terms: Terms
) -> pd.DataFrame:
    """For each subsidy the cheapest reliable design and what the vehicles are paid (the paper's tables 1 and 2 in one).

    Returns
    -------
    DataFrame, index ``subsidy_usd``
        ``vehicles``, ``diesel_kw``, ``cost_usd`` (after subsidy), ``cost_change_pct`` (against no vehicles; NaN where those
        cost nothing), ``deal``, ``payment_usd``, ``payment_per_vehicle_usd``, ``price_usd_per_year``, ``price_usd_per_hour``,
        ``operator_gain_usd``, ``owners_gain_usd``, ``at_limit`` (more vehicles would pay still), ``statement``.
    """
    rows = []
    cost, count = reliable["diesel_cost_usd"].to_numpy(), reliable["vehicles"].to_numpy(np.float64)
    for subsidy in subsidies_usd:
        surplus = problem.surplus_usd - subsidy
        total = cost + count * surplus
        best = int(np.argmin(total))
        made = two_stage(cost, count, surplus, terms)
        without = float(total[count == 0][0])
        rows.append(
            {
                "subsidy_usd": float(subsidy),
                "vehicles": int(count[best]),
                "diesel_kw": float(reliable["diesel_kw"].iloc[best]),
                "cost_usd": float(total[best]),
                "cost_change_pct": 100 * (float(total[best]) / without - 1) if without else float("nan"),
                "deal": made.deal,
                "payment_usd": made.payment_usd,
                "payment_per_vehicle_usd": made.payment_per_vehicle_usd,
                "price_usd_per_year": made.price_usd_per_year,
                "price_usd_per_hour": made.price_usd_per_hour,
                "operator_gain_usd": made.operator_gain_usd,
                "owners_gain_usd": made.owners_gain_usd,
                "at_limit": bool(best == len(count) - 1 and best > 0),
                "statement": made.statement,
            }
        )
    return pd.DataFrame(rows).set_index("subsidy_usd")


def polished(problem: SizingProblem, front: pd.DataFrame, minutes: float = 30.0, spread: int = 15) -> pd.DataFrame:
    """The cheapest design of a front near `minutes`, its diesel set by bisection; one row as of the front.

    A population's members straddle the limit; the numbers of vehicles of the cheapest members that are about reliable enough,
    and a few beside them, are tried anew with the least diesel that each needs.
    """
    near = front[front["system_minutes"] <= 3 * minutes]
    pool = near if len(near) else front
    seeds = pool.assign(miss=(pool["system_minutes"] - minutes).abs()).nsmallest(12, "miss")["vehicles"].to_numpy()
    beside = np.unique(np.clip(seeds[:, None] + np.arange(-spread, spread + 1), 0, problem.most_vehicles))
    count = beside.astype(np.int64)
    diesel = least_diesel_kw(problem, count, minutes)
    cost = np.where(np.isfinite(diesel), problem.cost_usd(np.nan_to_num(diesel, posinf=0.0), count), np.inf)
    best = int(np.argmin(cost))
    return pd.DataFrame(
        {
            "diesel_kw": diesel[[best]],
            "vehicles": count[[best]],
            "cost_usd": cost[[best]],
            "system_minutes": problem.minutes(diesel[[best]], count[[best]]) if np.isfinite(cost[best]) else [np.inf],
        }
    )
