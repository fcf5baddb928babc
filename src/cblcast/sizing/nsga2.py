"""The front by NSGA-II (pymoo), as the paper finds it: a population of designs, bred towards cheap and reliable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cblcast.errors import StudyError
from cblcast.sizing.front import crowding_distance
from cblcast.sizing.grid import COLUMNS, front_of
from cblcast.sizing.problem import SizingProblem


def nsga2_front(problem: SizingProblem, population: int = 100, generations: int = 100, seed: int = 0) -> pd.DataFrame:
    """Non-dominated designs of the last population, the cheapest first; columns as :func:`cblcast.sizing.grid.grid_designs`.

    Vehicles are whole numbers (rounded before they are judged). One call judges a whole generation at once.

    Raises
    ------
    StudyError
        pymoo is not installed; the sentence names the extra.
    """
    if population < 4 or generations < 1:
        raise StudyError(f"NSGA-II with {population} designs and {generations} generations: use at least 4 and 1")
    algorithm, minimize, base = _pymoo()

    class Designs(base):  # type: ignore[misc, valid-type]  # pymoo ships no types
        def __init__(self) -> None:
            upper = np.array([problem.most_diesel_kw, float(problem.most_vehicles)])
            super().__init__(n_var=2, n_obj=2, xl=np.zeros(2), xu=upper)

        def _evaluate(self, x: np.ndarray, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            vehicles = np.round(x[:, 1])
            out["F"] = np.c_[problem.cost_usd(x[:, 0], vehicles), problem.minutes(x[:, 0], vehicles)]

    found = minimize(Designs(), algorithm(population), ("n_gen", generations), seed=seed, verbose=False)
    x, f = np.atleast_2d(found.X), np.atleast_2d(found.F)
    designs = pd.DataFrame(np.c_[x[:, 0], np.round(x[:, 1]), f], columns=COLUMNS)
    return front_of(designs.astype({"vehicles": np.int64}))


def _pymoo() -> tuple[Any, Any, Any]:
    try:
        from pymoo.algorithms.moo.nsga2 import NSGA2, RankAndCrowding
        from pymoo.core.problem import Problem
        from pymoo.optimize import minimize
    except ImportError:
        raise StudyError(
            "NSGA-II needs pymoo, which is not installed: pip install 'cblcast[sizing]', or size by the exhaustive grid "
            "(sizing.method: grid)"
        ) from None

    def algorithm(population: int) -> Any:
        # pymoo's own crowding distance calls np.row_stack, which numpy has deprecated; ours is the same (tests compare).
        survival = RankAndCrowding(crowding_func=lambda f, **_: crowding_distance(f))
        return NSGA2(pop_size=population, survival=survival, eliminate_duplicates=True)

    return algorithm, minimize, Problem
