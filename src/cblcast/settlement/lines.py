"""Intervals of settled events as energy with a price: what payments are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import HOUR_US, local_microseconds, stamps
from cblcast.frames.panel import AnyPanel
from cblcast.frames.schema import OBSERVED, PREDICTED, SITE
from cblcast.settlement.estimate import UNADJUSTED, Estimate
from cblcast.value.contract import Contract
from cblcast.value.interval_prices import interval_prices


def interval_lines(
    contract: Contract, panel: AnyPanel, found: Estimate, told: pd.DataFrame, prices: pd.Series | None
) -> pd.DataFrame:
    """One row an interval of a settled event.

    Parameters
    ----------
    told : DataFrame
        The settled events; its index is the event of the rows of `found`.

    Returns
    -------
    DataFrame
        ``event`` (position in `told`), ``time_us``, ``hour`` (one number an hour of the contract's clock), ``hours`` (of
        the interval that count [h]), ``unadjusted_kwh``, ``baseline_kwh``, ``metered_kwh``, ``price``.
    """
    place = np.full(len(found.factor), -1, dtype=np.int64)
    place[told.index.to_numpy()] = np.arange(len(told))
    use = (found.hours > 0) & (place[found.event] >= 0)
    event, time = place[found.event[use]], found.intervals.times_us[use]
    hours = found.hours[use]
    zone = site_zones(contract, panel)[panel.site_codes(pd.Index(told[SITE]))][event]
    energy = {
        name: found.intervals.values[column][use] * hours
        for name, column in (("unadjusted_kwh", UNADJUSTED), ("baseline_kwh", PREDICTED), ("metered_kwh", OBSERVED))
    }
    price = interval_prices(contract, stamps(time), zone, prices)
    # The repeated hour of autumn is an hour of its own: hours are counted in UTC, from where the local ones begin.
    hour = (time + (local_microseconds(time, zone) - time) % HOUR_US) // HOUR_US
    return pd.DataFrame({"event": event, "time_us": time, "hour": hour, "hours": hours, **energy, "price": price})


def site_zones(contract: Contract | None, panel: AnyPanel) -> np.ndarray:
    """Zone of the hours and months of each site: the contract's, or its own."""
    own = panel.sites["tz"].to_numpy(dtype=object)
    if contract is None or contract.tz is None:
        return own
    return np.full(len(own), contract.tz, dtype=object)
