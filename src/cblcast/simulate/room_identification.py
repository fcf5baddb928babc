"""Identification of a customer's room from metered load, the thermostat's schedule and known events: simulate and fit.

Load is base(hour) + the electricity of a room of one capacity under a thermostat of limited power, in electrical units, so
that neither the efficiency of the plant nor the set point itself has to be known. With θ the air's distance from its usual
set point [K] (> 0: the way that sheds), k the electricity per kelvin and T_b the outdoor temperature at which nothing is
needed (lower by g while people are there),

    τ k dθ/dt = k (s (T_out − T_b) − θ) − P,   0 <= P <= fraction × P_max,   P such that θ stays at what is asked,

with s = 1 for cooling and −1 for heating. While the plant keeps its set point P = k s (T_out − T_b), whatever τ is: **such
load does not tell the time constant**; a set-back or an event does, by how long the plant rests and then recovers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from cblcast.errors import DataError
from cblcast.physics.recovery import Response, response
from cblcast.simulate.thermostat_room import Asked, simulated_kw

Array = np.ndarray
STARTS_H = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
BALANCE_C = np.arange(2.0, 30.1, 0.5)
CONFIDENCE = 1.96
LONGEST_H = 2000.0


@dataclass(frozen=True, eq=False)
class IdentifiedRoom:
    """What was identified of a customer.

    Attributes
    ----------
    cools : bool
    per_k_kw : float
        k, electricity per kelvin [kW/K].
    balance_c, gain_k : float
        T_b when nobody is there [°C], and g [K].
    time_constant_h : float
        τ [h].
    range_h : (float, float)
        Its 95 % range: wide where the load does not tell it, as normal load of a kept set point does not.
    max_kw : float
        P_max [kW of electricity].
    base_kw : ndarray, shape (2, steps in a day)
        Load that is not heating or cooling, by wall clock, of working days and of days of rest.
    rmse_kw : float
        Of the fit.
    """

    cools: bool
    per_k_kw: float
    balance_c: float
    gain_k: float
    time_constant_h: float
    range_h: tuple[float, float]
    max_kw: float
    base_kw: Array
    rmse_kw: float

    def power_kw(self, out_c: Array, asked: Asked, step_h: float) -> Array:
        """Electricity of heating or cooling [kW], shape (n_steps,), beginning at rest at the set point."""
        params = np.array([[self.per_k_kw, self.balance_c, self.time_constant_h, self.max_kw, self.gain_k]])
        inputs = np.concatenate([np.asarray(out_c, dtype=np.float64)[None], asked.stacked()])
        return simulated_kw(params, inputs, step_h, self.cools)[0]

    def response(self, out_c: Array, asked: Asked, span: tuple[int, int], step_h: float) -> Response:
        """Expected response to an event: simulated with the program and without it."""
        with_it = self.power_kw(out_c, asked, step_h)
        without = self.power_kw(out_c, asked.without_program(), step_h)
        return response(with_it[:, None], without[:, None], *span, step_h)


def identify_room(
    load_kw: Array, out_c: Array, hour: Array, day: Array, step_h: float, asked: Asked | None = None, cools: bool = True
) -> IdentifiedRoom:
    """Identify a customer's room.

    Parameters
    ----------
    load_kw : ndarray, shape (n_steps,)
        Metered load [kW]; NaN where not metered.
    out_c, hour, day : ndarray, shape (n_steps,)
        Outdoor temperature [°C], local hour [0, 24), local day (days since 1970-01-01).
    step_h : float
    asked : Asked, optional
        Program and schedule; a set point that is kept unless given.
    cools : bool
        Whether the load cools or heats in these days.

    Raises
    ------
    DataError
        Too little load, or load that does not follow the temperature.
    """
    return _Fit(load_kw, out_c, hour, day, step_h, asked or Asked.kept(len(load_kw)), cools).result()


class _Fit:
    """One simulation through all of the time for each trial; the base load is projected out (Frisch, Waugh and Lovell)."""

    def __init__(
        self, load: Array, out: Array, hour: Array, day: Array, step_h: float, asked: Asked, cools: bool
    ) -> None:
        load, out = np.asarray(load, dtype=np.float64), np.asarray(out, dtype=np.float64)
        self.step_h, self.cools, self.sign = step_h, cools, 1.0 if cools else -1.0
        self.known = np.flatnonzero(np.isfinite(load) & np.isfinite(out))
        per_day = round(24 / step_h)
        if len(self.known) < 14 * per_day:
            raise DataError(
                f"identification needs at least 14 days of load and temperature, not {len(self.known) / per_day:.1f}"
            )
        warmth = np.interp(np.arange(len(out)), np.flatnonzero(np.isfinite(out)), out[np.isfinite(out)])
        self.inputs = np.concatenate([warmth[None], asked.stacked()])
        self.load = load[self.known]
        slot = np.floor(np.asarray(hour) / step_h + 1e-9).astype(int) + per_day * ((np.asarray(day) + 3) % 7 >= 5)
        self.slot, self.n_slots = slot[self.known], 2 * per_day
        self.count = np.maximum(np.bincount(self.slot, minlength=self.n_slots), 1)

    def result(self) -> IdentifiedRoom:
        k, balance = self._steady()
        needed = max(float(np.maximum(self.sign * (self.inputs[0] - balance), 0).max() * k), 1e-6)
        self.free = np.array([True, True, True, True, bool(np.ptp(self.inputs[4]) > 0)])
        starts = [np.array([np.log(k), balance, np.log(tau), np.log(1.3 * needed), 0.0]) for tau in STARTS_H]
        self.rest = min(starts, key=lambda x: float((self._misses(x) ** 2).sum()))
        low, high = np.array([-12, -20, np.log(0.5), -12, -15.0]), np.array([12, 45, np.log(LONGEST_H), 12, 15.0])
        best = least_squares(
            lambda x: self._misses(self._whole(x)), self.rest[self.free], self._jacobian, (low[self.free], high[self.free]),
            x_scale=np.array([0.1, 1.0, 0.3, 0.1, 1.0])[self.free], max_nfev=40, ftol=1e-7, xtol=1e-5,
        )  # fmt: skip
        params = self._params(self._whole(best.x))
        rest, base = self._within(self.load - self._power(params[None])[0])
        tau = float(params[2])
        return IdentifiedRoom(
            self.cools, float(params[0]), float(params[1]), float(params[4]), tau, self._range(best, tau),
            float(params[3]), base.reshape(2, -1), float(np.sqrt((rest**2).mean())),
        )  # fmt: skip

    def _steady(self) -> tuple[float, float]:
        """k and T_b as a first guess, as if the set point were always kept."""
        load, _ = self._within(self.load)
        out = self.inputs[0][self.known]
        best = (np.inf, 0.0, 0.0)
        for balance in BALANCE_C:
            reached, _ = self._within(np.maximum(self.sign * (out - balance), 0.0))
            size = float(reached @ reached)
            k = float(reached @ load) / size if size > 1e-9 else 0.0
            error = float(((load - k * reached) ** 2).sum())
            if k > 0 and error < best[0]:
                best = (error, k, float(balance))
        if not np.isfinite(best[0]):
            raise DataError(
                f"the load does not {'rise' if self.cools else 'fall'} with the temperature in these days: "
                "choose days of the other season, or a customer with electric heating or cooling"
            )
        return best[1], best[2]

    def _within(self, values: Array) -> tuple[Array, Array]:
        mean = np.bincount(self.slot, weights=values, minlength=self.n_slots) / self.count
        return values - mean[self.slot], mean

    def _whole(self, x: Array) -> Array:
        whole = self.rest.copy()
        whole[self.free] = x
        return whole

    @staticmethod
    def _params(x: Array) -> Array:
        return np.array([np.exp(x[0]), x[1], np.exp(x[2]), np.exp(x[3]), x[4]])

    def _power(self, params: Array) -> Array:
        """Modelled electricity of the metered steps, shape (n_sets, n_metered)."""
        return simulated_kw(params, self.inputs, self.step_h, self.cools)[:, self.known]

    def _misses(self, x: Array) -> Array:
        return self._within(self.load - self._power(self._params(x)[None])[0])[0]

    def _jacobian(self, x: Array) -> Array:
        """Forward differences, all of them simulated at once."""
        steps = np.array([1e-4, 1e-3, 1e-3, 1e-4, 1e-3])[self.free]
        sets = np.array([self._params(self._whole(one)) for one in (x, *(x + np.diag(steps)))])
        power = self._power(sets)
        return np.stack(
            [self._within(-(moved - power[0]) / h)[0] for moved, h in zip(power[1:], steps, strict=True)], axis=1
        )

    def _range(self, best: Any, tau: float) -> tuple[float, float]:
        """From the curvature of the squared error at its least; everything where the error does not feel τ."""
        gram = best.jac.T @ best.jac
        variance = float(np.linalg.pinv(gram)[2, 2]) if gram[2, 2] > 1e-9 * gram.max() else np.inf
        freedom = max(len(best.fun) - len(best.x) - self.n_slots, 1)
        wide = CONFIDENCE * np.sqrt(variance * float(best.fun @ best.fun) / freedom)
        if not wide < 10 or tau > 0.99 * LONGEST_H:
            return 0.0, float("inf")
        return tau * float(np.exp(-wide)), tau * float(np.exp(wide))
