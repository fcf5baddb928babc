"""What an event does to a load: the shed, pre-cooling before it and the energy recovery (snapback) after it. Pure functions.

All are read off two loads of the same customer, with the event and without it, whose difference is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
OVER_SHARE = 0.05  # the recovery is over when the rebound has fallen to this share of the shed


@dataclass(frozen=True, eq=False)
class Response:
    """Response of n customers to one event; every field has the shape (n,).

    Attributes
    ----------
    shed_kw : ndarray
        Mean reduction through the event (without − with) [kW].
    prepared_kwh : ndarray
        Energy used more before the event (pre-cooling) [kWh].
    snapback_kwh, first_hour_kwh : ndarray
        Energy used more after the event until the recovery is over, and in its first hour [kWh].
    recovery_h : ndarray
        Hours after the event until the rebound has fallen below 5 % of the shed for good; NaN where it lasts beyond the
        end of the series, 0 where nothing was shed.
    lead_h : ndarray
        Hours right before the event through which the load departs by more than 5 % of the shed without a break; 0 without
        preparation.
    """

    shed_kw: Array
    prepared_kwh: Array
    snapback_kwh: Array
    first_hour_kwh: Array
    recovery_h: Array
    lead_h: Array


def response(with_kw: Array, without_kw: Array, first: int, stop: int, step_h: float) -> Response:
    """Read the response off two loads.

    Parameters
    ----------
    with_kw, without_kw : ndarray, shape (n_steps, n)
        Load with the event and without it [kW], from well before to well after it.
    first, stop : int
        Steps at which the event begins and ends (exclusive).
    step_h : float
        Δt [h].
    """
    more = np.asarray(with_kw, dtype=np.float64) - np.asarray(without_kw, dtype=np.float64)
    shed = -more[first:stop].mean(axis=0)
    limit = OVER_SHARE * np.abs(shed)
    after, before = more[stop:], more[:first]
    lasting = np.abs(after) > np.maximum(limit, 1e-9)
    n_after = len(after)
    last = np.where(lasting.any(axis=0), n_after - np.argmax(lasting[::-1], axis=0), 0)
    within = np.arange(n_after)[:, None] < last
    hour = max(1, round(1 / step_h))
    early = np.abs(before) > np.maximum(limit, 1e-9)
    lead = np.where(early.all(axis=0), first, np.argmin(early[::-1], axis=0)) if first else np.zeros(len(shed))
    return Response(
        shed,
        before.sum(axis=0) * step_h,
        np.where(within, after, 0.0).sum(axis=0) * step_h,
        after[:hour].sum(axis=0) * step_h,
        np.where(last < n_after, last * step_h, np.nan),
        lead * step_h,
    )
