"""Island operation by set-points that are given before the wind is known: what knowing it is worth.

The paper's rule sees the wind of a step before it acts. Here the diesel set-point and the turbines that stay connected are fixed when
the step begins, from what is expected; within the step only the batteries follow. What they cannot cover is not supplied, what they
cannot take is spilled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError
from cblcast.physics.storage import absorption_kw, after_step, delivery_kw
from cblcast.simulate.island import Cut, Fleet, Islands

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Operated:
    """Energies of each design in each island [kWh], (n_designs, n_scenarios).

    Attributes
    ----------
    unserved_kwh, diesel_kwh, spilled_kwh : ndarray
        Load not supplied; diesel energy; wind that was there and not used.
    last_energy_kwh : ndarray
        In the batteries at the end.
    """

    unserved_kwh: Array
    diesel_kwh: Array
    spilled_kwh: Array
    last_energy_kwh: Array


def operate_by_rule(
    islands: Islands, expected_kw: Array, diesel_kw: ArrayLike, vehicles: ArrayLike, fleet: Fleet, cut: Cut = "units"
) -> Operated:
    """The paper's rule with expected instead of seen wind.

    Parameters
    ----------
    expected_kw : ndarray (n_scenarios, n_steps)
        Sum of the turbines expected for each step when it begins: the diagonal of a forecast of
        :mod:`cblcast.simulate.island_forecasts`. With the wind itself this is the rule of :mod:`cblcast.simulate.island`.
    """
    if expected_kw.shape != islands.load_kw.shape or not np.isfinite(expected_kw).all():
        raise DataError(f"expected_kw is {expected_kw.shape}: give a number for each of {islands.load_kw.shape}")
    diesel, count = (np.atleast_1d(np.asarray(v, dtype=np.float64))[:, None] for v in (diesel_kw, vehicles))
    state = Batteries(islands, diesel, count, fleet)
    turbines = islands.turbine_kw.shape[2]
    for t in range(islands.load_kw.shape[1]):
        room = islands.load_kw[:, t] + state.absorption()
        actual = islands.turbine_kw[:, t]
        expected = np.maximum(expected_kw[:, t], 0.0)
        if cut == "units":
            connected = np.zeros(room.shape)
            for k in range(1, turbines + 1):
                connected = np.where(expected * k / turbines <= room, k, connected)
            taken = np.cumsum(np.c_[np.zeros(len(actual)), actual], axis=1)
            wind = taken[np.arange(len(actual))[None, :], connected.astype(np.int64)]
            counted_on = expected * connected / turbines
        else:
            wind = np.broadcast_to(actual.sum(axis=1), room.shape)
            counted_on = np.minimum(expected, room)
        sun = 0.0 if islands.solar_kw is None else islands.solar_kw[:, t]  # taken as known
        share = 1.0 if islands.diesel_share is None else islands.diesel_share[:, t]
        set_point = np.minimum(diesel * share, np.maximum(room - counted_on - sun, 0.0))
        state.follow(t, set_point, wind, actual.sum(axis=1))
    return state.done()


class Batteries:
    """The fleet of each design in each island, following what set-points and wind leave over; every array (n_designs, n_scenarios)."""

    def __init__(self, islands: Islands, diesel: Array, count: Array, fleet: Fleet) -> None:
        shape = np.broadcast_shapes(diesel.shape, count.shape, (1, islands.n_scenarios))
        n = np.broadcast_to(fleet.availability * count, shape)
        self.islands, self.fleet = islands, fleet
        self.size, self.most = n * fleet.battery_kwh, n * fleet.power_kw
        self.energy = self.size * fleet.initial_charge
        self.unserved, self.burnt, self.spilled = (np.zeros(shape) for _ in range(3))

    def absorption(self) -> Array:
        """Power absorption capability now [kW]."""
        return absorption_kw(self.energy, self.size, self.most, self.fleet.charge_efficiency, self.islands.step_h)

    def follow(self, t: int, set_point: Array, wind: Array, available: Array) -> None:
        """One step: the batteries take up the difference between set-points and what comes."""
        fleet, step_h = self.fleet, self.islands.step_h
        solar = 0.0 if self.islands.solar_kw is None else self.islands.solar_kw[:, t]
        gap = self.islands.load_kw[:, t] - set_point - wind - solar
        able = delivery_kw(self.energy, self.size * fleet.least_charge, self.most, fleet.discharge_efficiency, step_h)
        discharge = np.minimum(np.maximum(gap, 0.0), able)
        charge = np.minimum(np.maximum(-gap, 0.0), self.absorption())
        excess = np.maximum(-gap, 0.0) - charge
        self.unserved += np.maximum(gap, 0.0) - discharge
        self.burnt += set_point
        self.spilled += available - wind + np.minimum(excess, wind)
        self.burnt -= np.maximum(excess - wind, 0.0)  # nothing left to curtail: the set itself is throttled
        self.energy = after_step(
            self.energy, charge, discharge, fleet.charge_efficiency, fleet.discharge_efficiency, step_h
        )

    def done(self) -> Operated:
        """The sums so far."""
        h = self.islands.step_h
        return Operated(self.unserved * h, self.burnt * h, self.spilled * h, self.energy)
