"""What delivered energy is paid: price per kWh, capacity, and a penalty for shortfall, from a contract file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cblcast.checked.yaml_files import read_yaml
from cblcast.frames.instants import DAY_US, HOUR_US, local_microseconds, microseconds
from cblcast.frames.schema import SITE, DataError, StudyError, nearest

PAYMENT_COLUMNS = ["energy_payment", "capacity_payment", "penalty", "payment", "shortfall_kwh", "unpaid_negative_kwh"]


class Contract(BaseModel):
    """Terms of payment, in one currency.

    Attributes
    ----------
    energy_price : float, mapping hour -> float, or "series"
        Per kWh delivered: one price, one for each local hour of the day (0-23), or a price series given beside.
    capacity_price_per_kw_month : float
        Paid for the committed power in every month in which the site had an event, shared equally by its events.
    committed_kw : float, optional
        Power the site committed; a column ``committed_kw`` of the events overrides it.
    penalty_per_kwh : float
        Charged for every kWh short of the commitment.
    tolerance : float
        Share of the commitment that may be missing without penalty, in [0, 1).
    negative : {"charged", "unpaid"}
        Negative delivered energy (the meter above the baseline) lowers the energy payment, or is not paid; either way
        it stays in the delivered energy, and what was not paid is reported as ``unpaid_negative_kwh``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "contract"
    currency: str = "EUR"
    energy_price: float | dict[int, float] | Literal["series"] = 0.0
    capacity_price_per_kw_month: float = Field(default=0.0, ge=0)
    committed_kw: float | None = Field(default=None, gt=0)
    penalty_per_kwh: float = Field(default=0.0, ge=0)
    tolerance: float = Field(default=0.0, ge=0, lt=1)
    negative: Literal["charged", "unpaid"] = "charged"

    @field_validator("energy_price")
    @classmethod
    def _hours_of_a_day(cls, price: Any) -> Any:
        if isinstance(price, dict) and (not price or not set(price) <= set(range(24))):
            raise ValueError("prices by hour are keyed 0 to 23, the local hour that begins then")
        return price


def read_contract(path: Path) -> Contract:
    """A contract from a YAML file; an error names the key and the nearest right one."""
    document = read_yaml(path, "contract")
    try:
        return Contract(**document)
    except ValidationError as error:
        problem = error.errors()[0]
        key = str(problem["loc"][0])
        if problem["type"] == "extra_forbidden":
            raise StudyError(
                f"{path.name}: a contract has no key {key!r}: {nearest(key, Contract.model_fields)}"
            ) from None
        raise StudyError(f"{path.name}: {key}: {str(problem['msg']).removeprefix('Value error, ')}") from None


def interval_prices(
    contract: Contract, times: pd.DatetimeIndex, tz: np.ndarray, prices: pd.Series | None = None
) -> np.ndarray:
    """Price of each interval [currency/kWh], float64.

    Parameters
    ----------
    times : DatetimeIndex, UTC
        Interval starts.
    tz : ndarray of str
        Local zone of each interval's site.
    prices : Series, optional
        Price by UTC instant; each price holds until the next.

    Raises
    ------
    StudyError
        A contract without a price for an hour of an event, or a series that is not given.
    DataError
        A price series that does not cover an interval.
    """
    if isinstance(contract.energy_price, (int, float)):
        return np.full(len(times), float(contract.energy_price))
    if isinstance(contract.energy_price, dict):
        return _by_hour(contract, contract.energy_price, times, tz)
    if prices is None:
        raise StudyError(f"the contract {contract.name!r} is priced by a series, but none is given: name its file")
    return _by_series(prices, times)


def _by_hour(contract: Contract, by_hour: dict[int, float], times: pd.DatetimeIndex, tz: np.ndarray) -> np.ndarray:
    hour = local_microseconds(microseconds(times), tz) % DAY_US // HOUR_US
    table = np.array([by_hour.get(k, np.nan) for k in range(24)])
    price = table[hour]
    if np.isnan(price).any():
        first = int(np.flatnonzero(np.isnan(price))[0])
        at = hour[first]
        raise StudyError(
            f"the contract {contract.name!r} has no price for {at:02d}:00-{(at + 1) % 24:02d}:00, in which an event lies "
            f"({times[first].tz_convert(tz[first])}): add {at}: to energy_price"
        )
    return price


def _by_series(prices: pd.Series, times: pd.DatetimeIndex) -> np.ndarray:
    series = prices.dropna().sort_index()
    stamps = pd.DatetimeIndex(series.index)
    if stamps.tz is None:
        raise DataError("the price series has times without a zone: give offsets (2019-06-01T17:00+02:00)")
    if stamps.has_duplicates:
        raise DataError(f"the price series has two prices at {stamps[stamps.duplicated()][0]}: keep one")
    known_at = microseconds(stamps)
    step = np.diff(known_at).min(initial=HOUR_US) if len(stamps) > 1 else HOUR_US
    at = microseconds(times)
    place = np.searchsorted(known_at, at, side="right") - 1
    known = (place >= 0) & (at - known_at[np.maximum(place, 0)] < step) if len(stamps) else np.zeros(len(at), bool)
    if not known.all():
        raise DataError(
            f"the price series has no price at {times[int(np.flatnonzero(~known)[0])]}, in which an event lies: "
            "extend it, or mend the gap"
        )
    return series.to_numpy(dtype=np.float64)[place]


def payments(events: pd.DataFrame, energy_value: np.ndarray, unpaid: np.ndarray, contract: Contract) -> pd.DataFrame:
    """Payment of each site and event.

    Parameters
    ----------
    events : DataFrame
        ``program``, ``site_id``, ``start``, ``stop``, ``delivered_kwh``; optional ``committed_kw``.
    energy_value : ndarray, shape (n_events,)
        Sum over its intervals of price × delivered energy.
    unpaid : ndarray, shape (n_events,)
        Negative energy that was not paid for [kWh, <= 0].

    Returns
    -------
    DataFrame
        :data:`PAYMENT_COLUMNS`, same index; ``payment`` = energy + capacity − penalty.

    Raises
    ------
    StudyError
        A capacity price or penalty without any commitment.
    """
    committed = _commitment(events, contract)
    hours = (events["stop"] - events["start"]).dt.total_seconds().to_numpy() / 3600
    short = committed * hours * (1 - contract.tolerance) - events["delivered_kwh"].to_numpy()
    shortfall = np.where(np.isfinite(short), np.maximum(short, 0.0), 0.0)
    month = events["start"].dt.strftime("%Y-%m").to_numpy()
    n_in_month = events.groupby(["program", SITE, month], sort=False)[SITE].transform("size").to_numpy()
    capacity = contract.capacity_price_per_kw_month * np.nan_to_num(committed) / n_in_month
    penalty = contract.penalty_per_kwh * shortfall
    found = (energy_value, capacity, penalty, energy_value + capacity - penalty, shortfall, unpaid)
    return pd.DataFrame(dict(zip(PAYMENT_COLUMNS, found, strict=True)), index=events.index)


def _commitment(events: pd.DataFrame, contract: Contract) -> np.ndarray:
    given = np.full(len(events), np.nan if contract.committed_kw is None else contract.committed_kw)
    if "committed_kw" in events.columns:
        own = events["committed_kw"].to_numpy(dtype=np.float64)
        given = np.where(np.isfinite(own), own, given)
    if (contract.capacity_price_per_kw_month or contract.penalty_per_kwh) and np.isnan(given).any():
        event = events.iloc[int(np.flatnonzero(np.isnan(given))[0])]
        raise StudyError(
            f"the contract {contract.name!r} pays for capacity or charges a shortfall, but site {event[SITE]!r} has no "
            "commitment: give committed_kw in the contract or as a column of the events"
        )
    return given
