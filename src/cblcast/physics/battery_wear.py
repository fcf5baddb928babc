"""Wear of a lithium-ion battery: capacity lost with time and with cycles, carried on from day to day.

Model: the large NMC-graphite pouch cell of about 75 Ah ('NMC-Gr A') of BLAST-Lite 1.1 (NREL; BSD 3-Clause, Copyright 2023 Alliance for
Energy Innovation), fitted to the tests of doi 10.1016/j.est.2023.109042. With T in kelvin and τ = T / 308.15:

    calendar  k_t = p1 exp(p2 τ³ (0.123 / U_a)^(1/3)),             loss q_t = k_t (days / 1000)^0.578
    cycles    k_c = |p3 + p4 τ³ √d + p5 exp(C² / √τ) + p6 exp(√d τ² √C)|,  loss q_c = k_c (EFC / 10000)^1.11

U_a is the anode's potential at the state of charge (Safari and Delacourt 2011, doi 10.1149/1.3567007), d the depth of a cycle, C the mean
rate [1/h], EFC equivalent full cycles. Both losses are power laws whose rate changes: a day adds
dq = k p (q / k)^((p−1)/p) dx, the slope of the law at the loss that is already there.

Where the library takes d as the largest swing within a day, here d is the range of a rain-flow cycle and the count goes on across
midnight (:mod:`cblcast.physics.rainflow`). Validity: 10-45 °C, d 0.8-1 tested (smaller d extrapolates), up to 2 C.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError
from cblcast.physics.rainflow import RainFlow

Array = NDArray[np.float64]
P1, P2, P_TIME = 8.71e-07, 10.0, 0.578
P3, P4, P5, P6, P_CYCLES = 0.0267, 1.64, 0.011, -0.44, 1.11


def anode_potential(state_of_charge: ArrayLike) -> Array:
    """Potential of a graphite anode against lithium [V] at a state of charge (0-1); about 0.123 V at 50 %."""
    x = 8.5e-3 + np.asarray(state_of_charge, dtype=np.float64) * (0.78 - 8.5e-3)
    return np.asarray(
        0.6379
        + 0.5416 * np.exp(-305.5309 * x)
        + 0.044 * np.tanh(-(x - 0.1958) / 0.1088)
        - 0.1978 * np.tanh((x - 1.0571) / 0.0854)
        - 0.6875 * np.tanh((x + 0.0117) / 0.0529)
        - 0.0175 * np.tanh((x - 0.5692) / 0.0875)
    )


def calendar_rate(state_of_charge: ArrayLike, temperature_c: float) -> Array:
    """k_t at a state of charge (0-1) and temperature [°C]."""
    tau = (temperature_c + 273.15) / 308.15
    return np.asarray(P1 * np.exp(P2 * tau**3 * np.cbrt(0.123 / anode_potential(state_of_charge))))


def cycle_rate(depth: float, rate_per_h: float, temperature_c: float) -> float:
    """k_c of cycles of a depth (0-1) at a mean rate [1/h] and temperature [°C]."""
    tau = (temperature_c + 273.15) / 308.15
    return float(
        abs(
            P3
            + P4 * tau**3 * np.sqrt(depth)
            + P5 * np.exp(rate_per_h**2 / np.sqrt(tau))
            + P6 * np.exp(np.sqrt(depth) * tau**2 * np.sqrt(rate_per_h))
        )
    )


def grown(loss: float, dx: float, k: float, p: float) -> float:
    """Loss after `dx` more of time or throughput along y = k x^p, from the loss that is there."""
    if dx <= 0 or k <= 0:
        return loss
    if loss == 0:
        return float(k * dx**p)
    return float(loss + k * p * (loss / k) ** ((p - 1) / p) * dx)


@dataclass
class BatteryWear:
    """A battery that ages day by day.

    Attributes
    ----------
    temperature_c : float
    calendar_loss, cycle_loss : float
        Shares of the capacity lost so far.
    cycles : float
        Equivalent full cycles so far (of the capacity as new).
    days : float
    """

    temperature_c: float = 25.0
    calendar_loss: float = 0.0
    cycle_loss: float = 0.0
    cycles: float = 0.0
    days: float = 0.0
    _count: RainFlow = field(default_factory=RainFlow, repr=False)
    _rate: float = 0.0

    def __post_init__(self) -> None:
        if not -40 <= self.temperature_c <= 80:
            raise DataError(
                f"a battery at {self.temperature_c} °C: give degrees Celsius that a cell survives (fitted: 10 to 45)"
            )

    @property
    def capacity(self) -> float:
        """Capacity left, as a share of the new battery's."""
        return 1.0 - self.calendar_loss - self.cycle_loss

    def live(self, state_of_charge: ArrayLike, step_h: float) -> None:
        """Age through a series of states of charge (0-1), sampled every `step_h` hours; day by day.

        The first value is where the series begins; a next call begins where this one ended.
        """
        soc = np.asarray(state_of_charge, dtype=np.float64)
        if soc.ndim != 1 or len(soc) < 2 or not ((soc >= -1e-9) & (soc <= 1 + 1e-9)).all():
            raise DataError("a battery lives through a series of at least two states of charge between 0 and 1")
        if not (np.isfinite(step_h) and step_h > 0):
            raise DataError(f"a step of {step_h} h does not advance: give hours above 0")
        per_day = max(round(24 / step_h), 1)
        for first in range(0, len(soc) - 1, per_day):
            self._day(soc[first : first + per_day + 1], step_h)

    def finish(self) -> BatteryWear:
        """Count what is still open as half cycles; returns the battery itself."""
        self._wear(self._count.close())
        return self

    def _day(self, soc: Array, step_h: float) -> None:
        days = (len(soc) - 1) * step_h / 24
        rate = calendar_rate(soc, self.temperature_c)
        mean_rate = float(((rate[1:] + rate[:-1]) / 2).mean())
        moved = np.abs(np.diff(soc))
        self._rate = float(np.where(moved / step_h < 1e-2, 0.0, moved / step_h).mean()) * self.capacity
        self.calendar_loss = grown(self.calendar_loss, days / 1e3, mean_rate, P_TIME)
        self.days += days
        self._wear(self._count.feed(soc if self.days == days else soc[1:]))

    def _wear(self, closed: list[tuple[float, float]]) -> None:
        for depth, share in closed:
            full = depth * share
            k = cycle_rate(depth, self._rate, self.temperature_c)
            self.cycle_loss = grown(self.cycle_loss, full / 1e4, k, P_CYCLES)
            self.cycles += full
