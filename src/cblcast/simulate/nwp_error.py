"""A reanalysis made as wrong as a forecast: an AR(1) error on the wind vector.

A reanalysis assimilates what was measured after the origin and its error does not grow with the lead, so that a nowcast
fed with it looks better than it would be. The default persistence φ = 0.89 per hour was measured on the difference of
ECMWF runs (24-47 h against 1-12 h ahead) of the GEFCom2012 wind track, where its standard deviation is 23.5 % of the
mean speed per component; 15 % is a good short-range forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cblcast.frames.instants import microseconds
from cblcast.frames.schema import DataError, require_columns

WindPair = tuple[str, str, str | None, float]  # columns u, v, speed (or None), and how much of the error it takes


def ar1(n: int, sd: float, phi: float, rng: np.random.Generator) -> np.ndarray:
    """A stationary AR(1) series of `n` steps with standard deviation `sd` and correlation `phi` from step to step."""
    if not 0 <= phi < 1:
        raise DataError(f"a stationary AR(1) needs 0 <= phi < 1, not {phi}")
    from scipy.signal import lfilter

    shocks = rng.normal(0.0, sd * np.sqrt(1 - phi**2), n)
    if n:
        shocks[0] = rng.normal(0.0, sd)
    return np.asarray(lfilter([1.0], [1.0, -phi], shocks))


def raise_nwp_error(
    products: Mapping[str, pd.DataFrame],
    pairs: Mapping[str, Sequence[WindPair]],
    mean_speed: float,
    *,
    relative_sd: float = 0.15,
    phi_per_hour: float = 0.89,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """The products with ONE error added to all their winds, as an error of the weather situation would.

    Parameters
    ----------
    products : mapping name -> DataFrame, index time (UTC)
    pairs : mapping name -> sequence of (u, v, speed or None, share)
        Wind columns of each product [m/s] and the share of the error that they take (less near the ground).
    mean_speed : float
        Mean speed that `relative_sd` refers to [m/s].
    relative_sd : float
        Standard deviation of the error of each component over the mean speed.
    phi_per_hour : float
        Correlation of the error from hour to hour.
    """
    first = min(frame.index[0] for frame in products.values()).floor("h")
    last = max(frame.index[-1] for frame in products.values()).ceil("h")
    hours = pd.date_range(first, last, freq="h", unit="us")
    rng = np.random.default_rng(seed)
    error = [ar1(len(hours), relative_sd * mean_speed, phi_per_hour, rng) for _ in range(2)]
    wrong = {}
    for name, frame in products.items():
        at = microseconds(frame.index)
        du, dv = (np.interp(at, hours.asi8, part) for part in error)
        changed = {}
        for u, v, speed, share in pairs.get(name, ()):
            require_columns(frame, [u, v], f"the product {name!r}")
            changed[u], changed[v] = (
                frame[u].to_numpy(np.float64) + share * du,
                frame[v].to_numpy(np.float64) + share * dv,
            )
            if speed is not None:
                changed[speed] = np.hypot(changed[u], changed[v])
        wrong[name] = frame.assign(**changed)
    return wrong
