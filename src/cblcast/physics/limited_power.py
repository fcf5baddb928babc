"""Records of a turbine that makes less than its wind would let it: curtailed, derated or iced.

Two states follow each other, free and limited, and each record speaks for one or the other (forward-backward algorithm;
Rabiner, A tutorial on hidden Markov models, Proc. IEEE 77(2), 1989, equations 18-27). Single low records are gusts and
wakes; many in a row are a limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cblcast.physics.power_curve import PowerCurve

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_LOG_T5 = -0.9686195890547244  # log of the density of Student's t with 5 degrees of freedom at 0


@dataclass(frozen=True)
class LimitModel:
    """What free and limited records look like. Powers are shares of rated power.

    Attributes
    ----------
    begins_every, lasts : float
        Records between the beginnings of limits, and of a limit, on average.
    spread_factor, least_spread : float
        A free record scatters about the curve by the curve's spread times the factor, at least by `least_spread`, with the
        tails of Student's t with 5 degrees of freedom.
    least_promised : float
        Records whose curve promises less say nothing.
    as_free : float
        Share of the records of a limited turbine that look free: the limit does not bind in them.
    deficit : float
        A limited record lies so far below the curve, as a share of what it promises, or on a plateau.
    plateau_width, plateau_records, plateau_half : float, int, int
        Powers within the width of each other, so many of them within so many records before and after, none far above
        them, are a set point, however near the curve may be. Near rated power every turbine has a plateau.
    """

    begins_every: float = 1500.0
    lasts: float = 60.0
    spread_factor: float = 1.3
    least_spread: float = 0.025
    least_promised: float = 0.03
    as_free: float = 0.15
    deficit: float = 0.12
    plateau_width: float = 0.015
    plateau_records: int = 4
    plateau_half: int = 18


DEFAULT_MODEL = LimitModel()


def limited_power(
    speed: Array, power_kw: Array, curve: PowerCurve, rated_kw: float, model: LimitModel = DEFAULT_MODEL
) -> Mask:
    """Whether each record is of a limited turbine.

    Parameters
    ----------
    speed : ndarray (n,)
        Wind speed as the curve takes it [m/s], one record after the other in time, gaps as NaN.
    power_kw : ndarray (n,)
        Mean power [kW]; NaN where nothing is to be said: not measured, impossible, standing still.
    curve : PowerCurve
        Of the turbine running freely, with the spread of each bin [kW]; a published curve has none and takes the least.
    rated_kw : float
    model : LimitModel

    Returns
    -------
    ndarray of bool (n,)
    """
    promised = np.nan_to_num(curve(speed), nan=-np.inf)
    told = np.isfinite(power_kw) & (promised > model.least_promised * rated_kw)
    power, promised = np.where(told, power_kw, 0.0), np.where(told, promised, rated_kw)
    wide = np.interp(np.nan_to_num(speed), curve.speed, np.nan_to_num(curve.spread))
    spread = np.maximum(model.spread_factor * wide, model.least_spread * rated_kw)
    free = _student5((power - promised) / spread) / spread
    below = (1.0 - model.as_free) * (power < 0.9 * promised) / (0.9 * promised)
    plateau = _plateau(power, promised, told, rated_kw, float(curve.power.max()), model)
    limited = below + model.as_free * free
    limited = np.where(plateau > 0, 0.4 * limited + 0.6 * plateau, limited)
    ratio = np.where(told, limited / np.maximum(free, 1e-300), 1.0)
    likely = _posterior(np.clip(ratio, 1e-12, 1e12), 1.0 / model.begins_every, 1.0 / model.lasts) > 0.5
    return np.asarray(told & likely & ((power < (1.0 - model.deficit) * promised) | (plateau > 0)))


def _student5(z: Array) -> Array:
    """Density of Student's t with 5 degrees of freedom."""
    return np.asarray(np.exp(_LOG_T5 - 3.0 * np.log1p(z * z / 5.0)))


def _plateau(power: Array, promised: Array, told: Mask, rated_kw: float, most_kw: float, model: LimitModel) -> Array:
    """Density of a record's power [1/kW] if a set point holds it, from its neighbours; 0 where there is no plateau."""
    width, half = model.plateau_width * rated_kw, model.plateau_half
    own = np.where(told, power, np.nan)
    near, over, could = (np.zeros(len(power)) for _ in range(3))
    padded = np.pad(own, half, constant_values=np.nan)
    ahead = np.pad(np.where(told, promised, np.nan), half, constant_values=np.nan)
    with np.errstate(invalid="ignore"):
        for shift in (k for k in range(2 * half + 1) if k != half):
            other = padded[shift : shift + len(power)]
            near += np.abs(other - own) <= width
            over += other > own + width
            could += ahead[shift : shift + len(power)] > own
    held = (near >= model.plateau_records) & (over <= 1 + 0.1 * near)
    held &= told & (power < 0.93 * most_kw) & (power > 0.1 * rated_kw)
    return np.where(held, near / np.maximum(np.maximum(could, near), 6.0) / (2.0 * width), 0.0)


def _posterior(ratio: Array, enter: float, leave: float) -> Array:
    """Probability of the limited state from the likelihood ratio, limited over free, of each record."""
    forward, backward = np.empty(len(ratio)), np.empty(len(ratio))
    chance = enter / (enter + leave)
    for place, given in enumerate(ratio.tolist()):
        chance = chance * (1.0 - leave) + (1.0 - chance) * enter
        chance = chance * given / (chance * given + 1.0 - chance)
        forward[place] = chance
    later = 1.0  # how much better a limited record explains what follows than a free one
    for place in range(len(ratio) - 1, -1, -1):
        backward[place] = later
        told = float(ratio[place]) * later
        later = (leave + (1.0 - leave) * told) / (1.0 - enter + enter * told)
    odds = forward * backward
    return odds / (odds + 1.0 - forward)
