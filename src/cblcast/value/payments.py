"""What each event is paid by a contract: energy, capacity by performance, penalty for shortfall, in decimal."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError, StudyError
from cblcast.value.contract import Contract
from cblcast.value.money import energy, energy_units, exact, rounded, share_of_month

MONEY_COLUMNS = ["energy_payment", "capacity_payment", "penalty", "payment"]
PAYMENT_COLUMNS = [*MONEY_COLUMNS, "shortfall_kwh", "unpaid_negative_kwh", "settled_kwh", "performance", "capacity_kw"]
LINE_COLUMNS = ["event", "hour", "hours", "delivered_kwh", "price"]


def payments(events: pd.DataFrame, lines: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Payment of each event of each payee: a site, or a resource of several.

    Parameters
    ----------
    events : DataFrame
        ``program``, ``payee``, ``start``, ``stop``, ``month`` (of the contract, e.g. "2024-07"); optional ``committed_kw``
        [kW] (NaN: that of the contract), ``test`` (bool), and ``place_called``, ``n_called``: which of how many events
        called in the month it is, those that could not be settled included; without them `events` are all.
    lines : DataFrame
        One row an interval: ``event`` (position in `events`), ``hour`` (any number that differs between the contract's
        hours), ``hours`` [h], ``delivered_kwh`` with losses, ``price`` [currency/kWh].
    contract : Contract

    Returns
    -------
    DataFrame
        :data:`PAYMENT_COLUMNS`, same index; the money as :class:`decimal.Decimal`. ``payment`` = energy + capacity −
        penalty; ``performance`` is the delivered share of the commitment, NaN without one.

    Raises
    ------
    StudyError
        A capacity price or penalty without any commitment.
    DataError
        A commitment below zero or infinite.
    """
    committed = commitments(events, contract)
    units = energy_units(lines["delivered_kwh"].to_numpy(), contract)
    owner = lines["event"].to_numpy(dtype=np.int64)
    net = _sums(owner, units, len(events))
    lost = _unpaid(units, owner, net, contract)
    hours = (events["stop"] - events["start"]).dt.total_seconds().to_numpy() / 3600
    settled = net / 10.0**contract.energy_decimals
    if contract.basis == "hour":
        performance, paid_share, short = _hourly(lines, units, committed, hours, contract)
    else:
        promised = committed * hours
        performance = _share(settled, promised)
        paid_share, short = _paid_share(performance, contract), _short(settled, promised, contract)
    capacity_kw = _capacity_kw(events, committed, settled / hours, contract)
    value = _energy_value(owner, units - lost, lines["price"].to_numpy(dtype=np.float64), len(events), contract)
    capacity = _capacity(events, capacity_kw, paid_share, contract)
    short_units = energy_units(short, contract)
    penalty = [rounded(energy(each, contract) * exact(contract.penalty_per_kwh), contract) for each in short_units]
    money = [value, capacity, penalty, [e + c - p for e, c, p in zip(value, capacity, penalty, strict=True)]]
    told = dict(zip(MONEY_COLUMNS, (_objects(each) for each in money), strict=True))
    unpaid = _sums(owner, lost, len(events)) / 10.0**contract.energy_decimals
    more = (short_units / 10.0**contract.energy_decimals, unpaid, settled, performance, capacity_kw)
    return pd.DataFrame(told | dict(zip(PAYMENT_COLUMNS[4:], more, strict=True)), index=events.index)


def commitments(events: pd.DataFrame, contract: Contract) -> np.ndarray:
    """Committed power of each event [kW], NaN where there is none and none is needed."""
    given = np.full(len(events), np.nan if contract.committed_kw is None else contract.committed_kw)
    if "committed_kw" in events.columns:
        own = events["committed_kw"].to_numpy(dtype=np.float64)
        wrong = (own < 0) | np.isinf(own)
        if wrong.any():
            event = events.iloc[int(np.flatnonzero(wrong)[0])]
            raise DataError(
                f"committed_kw of {event['payee']!r} is {event['committed_kw']:g} kW at {event['start']}: a commitment is a "
                "finite power of 0 kW or more"
            )
        given = np.where(np.isnan(own), given, own)
    if (contract.capacity_price_per_kw_month or contract.penalty_per_kwh) and np.isnan(given).any():
        event = events.iloc[int(np.flatnonzero(np.isnan(given))[0])]
        raise StudyError(
            f"the contract {contract.name!r} pays for capacity or charges a shortfall, but {event['payee']!r} has no "
            f"commitment at {event['start']}: give committed_kw in the contract, as a column of the events, or a "
            "commitment of its resource and month"
        )
    return given


def _sums(owner: np.ndarray, units: np.ndarray, n_events: int) -> np.ndarray:
    total = np.zeros(n_events, dtype=np.int64)
    np.add.at(total, owner, units)
    return total


def _unpaid(units: np.ndarray, owner: np.ndarray, net: np.ndarray, contract: Contract) -> np.ndarray:
    """The part of each interval that is negative and not paid, <= 0; of a negative event all of it, with both signs."""
    if contract.negative == "unpaid":
        return np.minimum(units, 0)
    return np.where(net[owner] < 0, units, 0) if contract.negative == "unpaid_per_event" else np.zeros_like(units)


def _energy_value(
    owner: np.ndarray, units: np.ndarray, price: np.ndarray, n_events: int, contract: Contract
) -> list[Decimal]:
    """Sum of price × energy of each event, exact until it is rounded."""
    code, distinct = pd.factorize(price)
    prices = [exact(each) for each in distinct]
    key, place = np.unique(owner * max(len(prices), 1) + code, return_inverse=True)
    value = [Decimal(0)] * n_events
    for at, total in zip(key.tolist(), _sums(place, units, len(key)).tolist(), strict=True):
        value[at // len(prices)] += energy(total, contract) * prices[at % len(prices)]
    return [rounded(each, contract) for each in value]


def _hourly(
    lines: pd.DataFrame, units: np.ndarray, committed: np.ndarray, called: np.ndarray, contract: Contract
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Performance and paid share of the capacity (means over the hours) and shortfall [kWh] of each event, hour by hour.

    Hours of the event (`called` [h] in all) without a line, as after an opt-out, are hours in which nothing was delivered.
    """
    own = pd.DataFrame({"event": lines["event"].to_numpy(), "hour": lines["hour"].to_numpy(), "units": units})
    by_hour = own.assign(hours=lines["hours"].to_numpy()).groupby(["event", "hour"], sort=True).sum().reset_index()
    rest = called - np.bincount(by_hour["event"], weights=by_hour["hours"], minlength=len(called))
    silent = np.flatnonzero(rest > 1e-9)
    by_hour = pd.concat([by_hour, pd.DataFrame({"event": silent, "units": 0, "hours": rest[silent]})])
    event, hours = by_hour["event"].to_numpy(), by_hour["hours"].to_numpy()
    delivered = by_hour["units"].to_numpy() / 10.0**contract.energy_decimals
    promised = committed[event] * hours
    share = _share(delivered, promised)
    n = len(committed)
    whole = np.bincount(event, weights=hours, minlength=n)
    performance, paid = (
        np.bincount(event, weights=each * hours, minlength=n) / np.where(whole > 0, whole, np.nan)
        for each in (share, _paid_share(share, contract))
    )
    return performance, paid, np.bincount(event, weights=_short(delivered, promised, contract), minlength=n)


def _share(delivered: np.ndarray, promised: np.ndarray) -> np.ndarray:
    return np.divide(delivered, promised, out=np.full(len(delivered), np.nan), where=promised > 0)


def _short(delivered: np.ndarray, promised: np.ndarray, contract: Contract) -> np.ndarray:
    short = promised * (1 - contract.tolerance) - delivered
    return np.where(np.isfinite(short), np.maximum(short, 0.0), 0.0)


def _paid_share(performance: np.ndarray, contract: Contract) -> np.ndarray:
    """Share of the capacity that is paid; 1 where there is no commitment to perform."""
    steps = contract.performance
    if steps is None:
        return np.ones(len(performance))
    if isinstance(steps, dict):
        begins = np.array(sorted(steps))
        place = np.searchsorted(begins, np.maximum(np.nan_to_num(performance), 0) + 1e-12, side="right") - 1
        found = np.array([steps[begin] for begin in begins])[place]
    else:
        found = np.clip(np.nan_to_num(performance), 0, 1)
    return np.where(np.isnan(performance), 1.0, found)


def _capacity_kw(
    events: pd.DataFrame, committed: np.ndarray, delivered_kw: np.ndarray, contract: Contract
) -> np.ndarray:
    """Power that is paid as capacity [kW]: the commitment, derated, and no more than the last test showed."""
    power = committed * contract.derating_factor
    if not contract.tested_capacity or "test" not in events.columns:
        return power
    shown = pd.Series(np.where(events["test"].to_numpy(dtype=bool), np.maximum(delivered_kw, 0), np.nan))
    order = np.argsort(events["start"].to_numpy(), kind="stable")
    keys = [events[name].to_numpy()[order] for name in ("program", "payee")]
    known = shown.iloc[order].groupby(keys, sort=False).ffill().sort_index().to_numpy()
    return np.where(np.isnan(known), power, np.fmin(power, known))


def _capacity(
    events: pd.DataFrame, capacity_kw: np.ndarray, paid_share: np.ndarray, contract: Contract
) -> list[Decimal]:
    """Capacity payment of each event: its share of its payee's month."""
    keys = ["program", "payee", "month"]
    if "n_called" in events.columns:
        place, count = events["place_called"].to_numpy(), events["n_called"].to_numpy()
    else:
        ordered = events.sort_values("start", kind="stable").groupby(keys, sort=False)
        place = ordered.cumcount().reindex(events.index).to_numpy()
        count = events.groupby(keys, sort=False)["payee"].transform("size").to_numpy()
    price = exact(contract.capacity_price_per_kw_month)
    found = []
    for power, share, mine, all_of_them in zip(capacity_kw, paid_share, place, count, strict=True):
        month = rounded(price * exact(round(power, 6)), contract) if np.isfinite(power) else Decimal(0)
        own = share_of_month(month, int(mine), int(all_of_them), contract)
        found.append(own if share == 1 else rounded(own * exact(share), contract))
    return found


def _objects(values: list[Decimal]) -> np.ndarray:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
