"""System minutes: energy not supplied over a peak load, by three conventions.

The paper calls its index "system minutes … in a year" and sums the energy not supplied over 48 islands of six hours; what it
divides by is not said. System minutes are the minutes for which the peak load would have to be cut to lose that energy:
60 E / P. Three readings give numbers that differ by factors of 48 and 5:

``summed``        energy of 48 islands over the critical peak (1 MW): the default, with which the paper's findings appear;
``mean_event``    the mean island, once a year, over the critical peak: 48 times less;
``system_peak``   energy of 48 islands over the peak of the whole network (5 MW): 5 times less.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cblcast.errors import DataError, nearest

CONVENTIONS = ("summed", "mean_event", "system_peak")
DEFAULT_CONVENTION = "summed"
SCENARIOS = 48


def system_minutes(
    ens_kwh: NDArray[np.float64],
    critical_peak_kw: float,
    system_peak_kw: float,
    convention: str = DEFAULT_CONVENTION,
) -> NDArray[np.float64]:
    """System minutes of each design [min].

    Parameters
    ----------
    ens_kwh : ndarray (n_designs, n_scenarios)
        Energy not supplied in each island. Any number of islands: sums are scaled to 48.
    critical_peak_kw, system_peak_kw : float
        Peak of the critical load (1 MW in the paper) and of the whole network (5 MW).
    convention : {"summed", "mean_event", "system_peak"}

    Returns
    -------
    ndarray (n_designs,)
    """
    if convention not in CONVENTIONS:
        raise DataError(f"there is no convention {convention!r} of system minutes: {nearest(convention, CONVENTIONS)}")
    if not (critical_peak_kw > 0 and system_peak_kw > 0):
        raise DataError(f"peaks of {critical_peak_kw} and {system_peak_kw} kW: give numbers above 0")
    if ens_kwh.ndim != 2 or not ens_kwh.shape[1] or np.isnan(ens_kwh).any():
        raise DataError(f"ens_kwh is {ens_kwh.shape}: give a number for each design and island, at least one island")
    mean = ens_kwh.mean(axis=1)
    if convention == "mean_event":
        return mean / critical_peak_kw * 60
    return mean * SCENARIOS / (critical_peak_kw if convention == "summed" else system_peak_kw) * 60
