"""Every design of a grid, and its front: exact where it is affordable, and it is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.sizing.front import non_dominated
from cblcast.sizing.problem import SizingProblem

COLUMNS = ["diesel_kw", "vehicles", "cost_usd", "system_minutes"]


def grid_designs(problem: SizingProblem, n_diesel: int = 121, n_vehicles: int = 101) -> pd.DataFrame:
    """All designs of an even grid up to the problem's limits, with their objectives.

    Returns
    -------
    DataFrame
        ``diesel_kw``, ``vehicles``, ``cost_usd`` (present value, after subsidy), ``system_minutes``.
    """
    diesel = np.linspace(0.0, problem.most_diesel_kw, n_diesel)
    count = np.unique(np.round(np.linspace(0, problem.most_vehicles, n_vehicles)))
    kw, vehicles = (axis.ravel() for axis in np.meshgrid(diesel, count, indexing="ij"))
    return pd.DataFrame(
        {
            "diesel_kw": kw,
            "vehicles": vehicles.astype(np.int64),
            "cost_usd": problem.cost_usd(kw, vehicles),
            "system_minutes": problem.minutes(kw, vehicles),
        }
    )


def with_costs_of(designs: pd.DataFrame, problem: SizingProblem) -> pd.DataFrame:
    """The same designs under another subsidy: reliability does not change, and is not computed anew."""
    return designs.assign(cost_usd=problem.cost_usd(designs["diesel_kw"], designs["vehicles"]))


def front_of(designs: pd.DataFrame) -> pd.DataFrame:
    """The designs of the front, the cheapest first."""
    rows = non_dominated(designs[["cost_usd", "system_minutes"]].to_numpy())
    return designs.iloc[rows].reset_index(drop=True)
