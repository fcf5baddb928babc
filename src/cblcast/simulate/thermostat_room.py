"""A room of one capacity under a thermostat of limited power, in electrical units: what an identification simulates.

The equations stand in :mod:`cblcast.simulate.room_identification`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.simulate.rooms import Signals

Array = np.ndarray
FLOAT_K = 5.0  # how far a room may drift past its set point before the other one holds it, where nobody knows


@dataclass(frozen=True, eq=False)
class Asked:
    """What a customer's thermostat is asked, step by step; arrays of shape (n_steps,).

    Attributes
    ----------
    program : Signals
    schedule_k : ndarray
        Usual set-back: how far the set point is from its occupied value [K], ≥ 0.
    occupied : ndarray of bool
    other_k : ndarray
        How far the other set point lies beyond this one [K]: a room may drift so far before it is held there, ≥ 0.
    """

    program: Signals
    schedule_k: Array
    occupied: Array
    other_k: Array

    @classmethod
    def kept(cls, n_steps: int, program: Signals | None = None) -> Asked:
        """A set point that is kept day and night."""
        program = Signals.none(n_steps) if program is None else program
        return cls(program, np.zeros(n_steps), np.ones(n_steps, dtype=bool), np.full(n_steps, FLOAT_K))

    def stacked(self) -> Array:
        """Shift, fraction, cap, occupied, lowest θ; shape (5, n_steps)."""
        return np.stack([
            self.program.set_point_shift_k + self.schedule_k, self.program.load_fraction,
            self.program.power_set_point_kw, self.occupied.astype(np.float64), -self.other_k - self.schedule_k,
        ])  # fmt: skip

    def without_program(self) -> Asked:
        """The schedule alone."""
        return Asked(Signals.none(len(self.schedule_k)), self.schedule_k, self.occupied, self.other_k)


def simulated_kw(params: Array, inputs: Array, step_h: float, cools: bool) -> Array:
    """Electricity of several parameter sets through the same time [kW], beginning at rest at the set point.

    Parameters
    ----------
    params : ndarray, shape (n_sets, 5)
        k, T_b, τ, P_max, g.
    inputs : ndarray, shape (6, n_steps)
        Outdoor temperature, shift, fraction, cap, occupied, lowest θ.

    Returns
    -------
    ndarray, shape (n_sets, n_steps)
    """
    if len(params) == 1:
        return _one_set_kw(params[0], inputs, step_h, cools)[None]
    k, balance, tau, most, gain = params.T
    keeps = np.exp(-step_h / tau)
    per_kw = (1 - keeps) / k
    out, shift, fraction, cap, occupied, lowest = inputs
    sign = 1.0 if cools else -1.0
    # What the weather does in a step, for all sets and steps at once; what is left to the loop is the state.
    pulled = (1 - keeps) * sign * (out[:, None] - balance + gain * occupied[:, None])
    limit = np.minimum(most * fraction[:, None], cap[:, None])
    power, theta = np.empty_like(pulled), np.zeros(len(params))
    for t, (into, most_now, wanted, least) in enumerate(
        zip(pulled, limit, shift.tolist(), lowest.tolist(), strict=True)
    ):
        free = keeps * theta
        free += into
        now = (free - wanted) / per_kw
        np.maximum(now, 0.0, out=now)
        np.minimum(now, most_now, out=now)
        power[t] = now
        now *= per_kw
        free -= now
        theta = np.maximum(free, least)
    return power.T


def _one_set_kw(params: Array, inputs: Array, step_h: float, cools: bool) -> Array:
    """As :func:`simulated_kw` for one set, in plain numbers: vectors of length one cost ten times as much."""
    k, balance, tau, most, gain = params.tolist()
    out, shift, fraction, cap, occupied, lowest = inputs
    keeps = float(np.exp(-step_h / tau))
    per_kw = (1 - keeps) / k
    pulled = (1 - keeps) * (1.0 if cools else -1.0) * (out - balance + gain * occupied)
    limit = np.minimum(most * fraction, cap)
    power, theta = [], 0.0
    for into, most_now, wanted, least in zip(
        pulled.tolist(), limit.tolist(), shift.tolist(), lowest.tolist(), strict=True
    ):
        free = keeps * theta + into
        now = (free - wanted) / per_kw
        now = 0.0 if now < 0.0 else (most_now if now > most_now else now)
        power.append(now)
        theta = free - per_kw * now
        if theta < least:
            theta = least
    return np.array(power)
