"""Outages in which generators fail: the probability to carry the load through, and working shares drawn at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError
from cblcast.physics.storage import check_efficiency

Array = NDArray[np.float64]
_MOST_STATES = 200_000


def survival_probability(
    load_kw: ArrayLike,
    *,
    generators: int,
    generator_kw: float,
    mean_time_to_failure_h: float,
    battery_kw: float = 0.0,
    battery_kwh: float = 0.0,
    charge: float = 1.0,
    least_charge: float = 0.0,
    charge_efficiency: float = 1.0,
    discharge_efficiency: float = 1.0,
    step_h: float = 1.0,
) -> Array:
    """Probability that all load was carried up to and including each step, exactly.

    A generator that works fails at the beginning of a step with probability Δt / MTTF and stays out (no repair within an
    outage). Working generators are run as far as load and battery can take it, the battery covers the rest. The states are
    (generators that work, charge); equal ones are joined, so that the result is exact and not a simulation.

    Parameters
    ----------
    load_kw : array_like (n_steps,)
    generators : int
        How many there are at the beginning, each of `generator_kw` [kW].
    mean_time_to_failure_h : float
        MTTF [h], at least `step_h`.
    battery_kw, battery_kwh, charge, least_charge : float
        Power and size of the battery [kW, kWh], state of charge at the beginning and the least (0-1).

    Returns
    -------
    ndarray (n_steps,)
        Falls from step to step.

    Examples
    --------
    >>> float(survival_probability([1, 2, 2, 1], generators=2, generator_kw=1, mean_time_to_failure_h=5, battery_kw=1,
    ...     battery_kwh=4, charge=0.75, least_charge=0.5)[2].round(6))
    0.557056
    """
    load = np.atleast_1d(np.asarray(load_kw, dtype=np.float64))
    check_efficiency(charge_efficiency, "charge_efficiency")
    check_efficiency(discharge_efficiency, "discharge_efficiency")
    q = step_h / mean_time_to_failure_h if mean_time_to_failure_h > 0 else np.nan
    if not 0 < q <= 1 and not (step_h > 0 and np.isinf(mean_time_to_failure_h)):
        raise DataError(
            f"a mean time to failure of {mean_time_to_failure_h} h with steps of {step_h} h: give a time of at least one step"
        )
    powers = np.array([generator_kw, battery_kw, battery_kwh], dtype=np.float64)
    if not np.isfinite(powers).all() or (powers < 0).any():
        raise DataError(f"generators and battery have {powers.tolist()} kW, kW and kWh: give numbers >= 0")
    whole = float(generators).is_integer() and generators >= 0
    if (
        not whole
        or not 0 <= least_charge <= charge <= 1
        or load.ndim != 1
        or not (np.isfinite(load) & (load >= 0)).all()
    ):
        raise DataError(
            "an outage needs one load >= 0 for each step, a whole number of generators and 0 <= least_charge <= charge <= 1"
        )
    states: dict[tuple[int, float], float] = {(int(generators), charge * battery_kwh): 1.0}
    floor, survived = least_charge * battery_kwh, np.zeros(len(load))
    moves = _binomial(int(generators), 1 - q)
    for t, want in enumerate(load):
        after: dict[tuple[int, float], float] = {}
        for (working, energy), p in states.items():
            for left in range(working + 1):
                got = generator_kw * left
                spare = got - want
                if spare >= 0:
                    take = min(spare, battery_kw, max(battery_kwh - energy, 0.0) / (charge_efficiency * step_h))
                    new = energy + take * charge_efficiency * step_h
                else:
                    able = min(battery_kw, max(energy - floor, 0.0) * discharge_efficiency / step_h)
                    if -spare > able + 1e-9:
                        continue  # load is lost: this path has not survived
                    new = energy + spare * step_h / discharge_efficiency
                key = (left, round(new, 9))
                after[key] = after.get(key, 0.0) + p * moves[working][left]
        if len(after) > _MOST_STATES:
            raise DataError(
                f"an outage of {len(load)} steps with {generators} generators has more than {_MOST_STATES} states: use longer steps "
                "or fewer generators, or draw failures with failing_share"
            )
        states = after
        survived[t] = sum(states.values())
    return survived


def _binomial(most: int, stay: float) -> list[Array]:
    """Row n: probability that 0 … n of n are left when each stays with probability `stay`."""
    from scipy.stats import binom

    return [np.asarray(binom.pmf(np.arange(n + 1), n, stay), dtype=np.float64) for n in range(most + 1)]


def failing_share(
    n_scenarios: int,
    n_steps: int,
    step_h: float,
    *,
    generators: int,
    mean_time_to_failure_h: float,
    failure_to_start: float = 0.0,
    seed: int = 0,
) -> Array:
    """Share of like generators that work in each step of each island, drawn with a seed (n_scenarios, n_steps).

    For :class:`cblcast.simulate.island.Islands.diesel_share`: the diesel rating is split evenly over `generators`, each of which
    fails to start with probability `failure_to_start` and then lasts an exponential time of mean `mean_time_to_failure_h`.
    """
    if generators < 1 or not mean_time_to_failure_h > 0 or not 0 <= failure_to_start < 1:
        raise DataError(
            f"{generators} generators with a mean time to failure of {mean_time_to_failure_h} h that fail to start with "
            f"{failure_to_start}: give at least one, hours above 0 and a probability in [0, 1)"
        )
    if not step_h > 0 or n_scenarios < 0 or n_steps < 0:
        raise DataError(f"{n_scenarios} islands of {n_steps} steps of {step_h} h: give numbers >= 0, and hours above 0")
    rng = np.random.default_rng(seed)
    lasts = rng.exponential(mean_time_to_failure_h, (n_scenarios, generators))
    lasts = np.where(rng.random((n_scenarios, generators)) < failure_to_start, 0.0, lasts)
    end = (np.arange(n_steps) + 1) * step_h  # a generator that stops within a step does not carry it
    return np.asarray((lasts[:, :, None] >= end).mean(axis=1))
