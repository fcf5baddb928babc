"""What a baseline's error costs: payments for events in which nobody did anything, where every payment is an error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import HOUR_US, local_microseconds, microseconds, naive_stamps
from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE, TIME, DataError, require_columns
from cblcast.value.contract import Contract
from cblcast.value.interval_prices import interval_prices
from cblcast.value.payments import payments
from cblcast.value.wind_tables import worst_weeks

KEYS = ["method", SITE, ORIGIN]


def event_mispayments(
    scored: pd.DataFrame, contract: Contract, zones: pd.Series, prices: pd.Series | None = None
) -> pd.DataFrame:
    """Payment of each placebo event by a contract, and what would have been due.

    Nothing was delivered, so a perfect baseline would pay for no energy (and charge the whole shortfall, if the contract has a
    commitment). ``mispaid`` > 0: the customer is paid too much.

    Parameters
    ----------
    scored : DataFrame, index (site_id, origin, time)
        Events on which NOTHING was dispatched: ``method``, ``observed_kw``, ``predicted_kw`` [kW].
    contract : Contract
    zones : Series site_id -> IANA zone
    prices : Series, optional
        Price by UTC instant [currency/kWh], for contracts that are priced by a series.

    Returns
    -------
    DataFrame
        ``method``, ``site_id``, ``start``, ``stop``, ``delivered_kwh``, ``payment``, ``due``, ``mispaid`` [currency].

    Raises
    ------
    DataError
        A site without zone, nothing to pay, or one interval in several events of a method.
    """
    require_columns(scored, ["method", OBSERVED, PREDICTED], "the scored frame")
    lacking = sorted(set(scored.index.get_level_values(SITE).unique()) - set(zones.dropna().index))
    if lacking:
        raise DataError(f"site {lacking[0]!r} has no time zone: prices by hour need it; add tz")
    frame = scored.reset_index()
    frame = frame[np.isfinite(frame[OBSERVED]) & np.isfinite(frame[PREDICTED])]
    if frame.empty:
        raise DataError("the scored frame has no row with both observed_kw and predicted_kw: nothing can be paid")
    _refuse_twice(frame)
    times = pd.DatetimeIndex(frame[TIME])
    step = pd.Timedelta(int(np.diff(np.unique(times.as_unit("us").asi8)).min(initial=3_600_000_000)), unit="us")
    energy_hours = step / pd.Timedelta(hours=1)
    energy = (frame[PREDICTED] - frame[OBSERVED]).to_numpy() * energy_hours
    tz = zones.reindex(frame[SITE]).to_numpy(dtype=object)
    price = interval_prices(contract, times, tz, prices)
    local = local_microseconds(microseconds(times), tz)
    frame = frame.assign(delivered_kwh=energy, price=price, hour=local // HOUR_US, local=local)
    groups = frame.groupby(KEYS, sort=False)
    events = groups.agg(
        start=(TIME, "min"), last=(TIME, "max"), local=("local", "min"), delivered_kwh=("delivered_kwh", "sum")
    ).reset_index()
    month = naive_stamps(events["local"].to_numpy()).strftime("%Y-%m")
    events = events.assign(program=events["method"], payee=events[SITE], stop=events["last"] + step, month=month)
    lines = frame[["hour", "delivered_kwh", "price"]].assign(event=groups.ngroup().to_numpy(), hours=energy_hours)
    # What a baseline costs on average is no invoice: nothing is lost to rounding.
    unrounded = contract.model_copy(update={"decimals": 8})
    paid, due = (
        payments(events, each, unrounded)["payment"].astype(np.float64)
        for each in (lines, lines.assign(delivered_kwh=0.0))
    )
    told = events[["method", SITE, "start", "stop", "delivered_kwh"]].copy()
    return told.assign(payment=paid, due=due, mispaid=paid - due)


def _refuse_twice(frame: pd.DataFrame) -> None:
    """A contract pays every kWh once: nowcasts that overlap estimate an interval at several leads."""
    again = frame.duplicated(["method", SITE, TIME])
    if again.any():
        first = frame[again].iloc[0]
        n = int(
            ((frame["method"] == first["method"]) & (frame[SITE] == first[SITE]) & (frame[TIME] == first[TIME])).sum()
        )
        raise DataError(
            f"{first['method']} estimates the interval of site {first[SITE]!r} at {first[TIME]} in {n} events ({int(again.sum())} such "
            "rows in all), and a contract pays every kWh once: issue nowcasts that do not overlap (every_min: as long as "
            "horizon_min:), or price them in a market"
        )


def mispayment_table(events: pd.DataFrame, currency: str) -> pd.DataFrame:
    """By method: what is paid wrongly, in all and per event, in size per event, and the mean of the 5 % most overpaid events."""
    unit = currency.lower()
    by_method = events.groupby("method", sort=False)["mispaid"]
    return pd.DataFrame(
        {
            f"mispaid_{unit}": by_method.sum(),
            f"mispaid_{unit}_per_event": by_method.mean(),
            f"abs_mispaid_{unit}_per_event": by_method.apply(lambda paid: float(np.abs(paid).mean())),
            f"most_overpaid_{unit}_per_event": by_method.apply(lambda paid: -worst_weeks(-paid.to_numpy())),
        }
    )
