"""A stream of orders, checked and sorted: what a book is rebuilt from."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError, DataWarning, require_columns, utc
from cblcast.value.order_book import BUY, FOK, IOC, NON, SELL
from cblcast.value.order_columns import flag_of, numbers_of, ticks_of, whole_of, words_of

ADD, CHANGE, MATCH, CANCEL, EXPIRE = range(5)  # also the order in which one order's events of one instant are taken
ACTIONS = {"add": ADD, "change": CHANGE, "match": MATCH, "cancel": CANCEL}
SIDES = {"buy": BUY, "sell": SELL}
WHOLE = 3  # all-or-none and linked orders match as a whole or not at all: no single book can hold them
RESTRICTIONS = {"none": NON, "fok": FOK, "ioc": IOC, "aon": WHOLE, "linked": WHOLE}
REQUIRED = ("order_id", "time", "action", "side", "start", "price_per_mwh", "volume_mw")
MINUTE_US = 60_000_000


@dataclass(frozen=True, eq=False)
class OrderStream:
    """Order events of many products, sorted by product, time and order.

    Attributes
    ----------
    product : ndarray of int64, shape (n,)
        Row of `products`.
    time_us, action, order, side, price, volume, peak, hidden, restriction : ndarray, shape (n,)
        ``action`` is one of ADD, CHANGE, MATCH, CANCEL, EXPIRE; ``price`` and ``volume`` count ticks; ``peak`` is 0 unless the order is an
        iceberg.
    products : DataFrame
        ``start``, ``stop`` (UTC) and ``gate_us``, when the product's trading ends.
    price_tick, volume_tick : float
        Smallest steps [currency/MWh], [MW].
    counts : dict
        Events, orders, icebergs, user blocks, fill-or-kill and immediate-or-cancel orders, expiries, late events left out.
    """

    product: np.ndarray
    time_us: np.ndarray
    action: np.ndarray
    order: np.ndarray
    side: np.ndarray
    price: np.ndarray
    volume: np.ndarray
    peak: np.ndarray
    hidden: np.ndarray
    restriction: np.ndarray
    products: pd.DataFrame
    price_tick: float
    volume_tick: float
    counts: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.time_us)


def order_stream(
    events: pd.DataFrame,
    *,
    closes_min: float = 5.0,
    late: str = "raise",
    price_tick: float = 0.01,
    volume_tick: float = 0.1,
) -> OrderStream:
    """Check a table of order events and sort it: by product, time and order, never by the order of the rows.

    Parameters
    ----------
    events : DataFrame
        ``order_id`` (int), ``time`` (with zone), ``action`` (add, change, match, cancel), ``side`` (buy, sell), ``start`` of
        delivery, ``price_per_mwh``, ``volume_mw`` (> 0). Optional: ``stop`` of delivery (an hour after the start unless
        given; hours, half-hours, quarter-hours and blocks are products of their own), ``valid_until``, ``peak_mw`` of an
        iceberg, ``is_iceberg``, ``is_block``, ``hidden``, ``restriction`` (none, fok, ioc; aon and linked orders are counted
        and stay out of the books, since they match as a whole).
    closes_min : float
        Trading of a product ends this long before delivery [min]; 5 to 30 on the continuous markets.
    late : {"raise", "leave_out"}
        What becomes of events after that; leaving them out is counted and told.

    Raises
    ------
    DataError
        An order without volume or with a negative one, after gate closure, off the ticks, unknown words.
    """
    require_columns(events, REQUIRED, "the order stream")
    if late not in ("raise", "leave_out"):
        raise DataError(f"late is 'raise' or 'leave_out', not {late!r}")
    if events.empty:
        raise DataError("the order stream has no events: check the file and its filters")
    if not 0 <= closes_min < np.inf:
        raise DataError(f"closes_min is {closes_min}: give the minutes from the end of trading to delivery, 0 or more")
    frame = events.reset_index(drop=True)
    time, start = _instants(frame, "time"), _instants(frame, "start")
    stop = _stops(frame, start)
    gate = start - round(closes_min * MINUTE_US)
    after = time >= gate
    if after.any() and late == "raise":
        k = int(np.flatnonzero(after)[0])
        raise DataError(
            f"order {frame['order_id'][k]} came at {frame['time'][k]}, after the product {frame['start'][k]} closed ({closes_min:g} min "
            f"before delivery; {int(after.sum())} such events): check the clocks, or say late='leave_out'"
        )
    if after.any():
        warnings.warn(f"{int(after.sum())} order events after gate closure are left out", DataWarning, stacklevel=2)
    columns = _columns(frame, price_tick, volume_tick)
    columns |= {"time_us": time, "start": start, "stop": stop, "gate": gate}
    keep = ~after & (columns["restriction"] != WHOLE)
    if not keep.any():
        raise DataError(
            f"no order can stand in a book: {int(after.sum())} events came after gate closure, and the others are all-or-none or "
            "linked orders, which match as a whole"
        )
    columns = {name: values[keep] for name, values in columns.items()}
    counts = _counts(frame[~after], int(after.sum()))
    columns, counts["expiries"] = _with_expiries(frame[keep], columns)
    return _sorted(columns, price_tick, volume_tick, counts)


def _instants(frame: pd.DataFrame, column: str) -> np.ndarray:
    lacks = frame[column].isna().to_numpy()
    if lacks.any():
        raise DataError(
            f"row {int(np.argmax(lacks))} of the order stream has no {column} ({int(lacks.sum())} such rows): nothing says where "
            "it belongs in the book; mend or drop the row"
        )
    return utc(frame[column], f"{column} of the order stream").asi8


def _stops(frame: pd.DataFrame, start: np.ndarray) -> np.ndarray:
    hour_later = start + 60 * MINUTE_US
    if "stop" not in frame or frame["stop"].isna().all():
        return hour_later
    stop = utc(frame["stop"], "stop of the order stream")
    return np.where(stop.isna(), hour_later, stop.asi8)


def _columns(frame: pd.DataFrame, price_tick: float, volume_tick: float) -> dict[str, np.ndarray]:
    action, side = words_of(frame, "action", ACTIONS), words_of(frame, "side", SIDES)
    volume = numbers_of(frame, "volume_mw")
    bad = ~((volume > 0) | ((action == CANCEL) & ~(volume < 0)))
    if bad.any():
        k = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"row {k} of the order stream, order {frame['order_id'][k]}, has the volume {volume[k]:g} MW ({int(bad.sum())} such "
            "rows): volumes are above 0, and the side says which way; mend or drop the row"
        )
    peak, hidden = ticks_of(frame, "peak_mw", volume_tick, needed=None), flag_of(frame, "hidden")
    odd = (peak < 0) | ((peak > 0) & hidden)
    if odd.any():
        k = int(np.flatnonzero(odd)[0])
        raise DataError(
            f"row {k} of the order stream, order {frame['order_id'][k]}, has the peak {frame['peak_mw'][k]:g} MW"
            f"{' and is hidden' if hidden[k] else ''}: an iceberg shows a peak above 0, a hidden order shows none (0 or empty)"
        )
    return {
        "action": action,
        "side": side,
        "order": whole_of(frame["order_id"], "order_id"),
        "price": ticks_of(frame, "price_per_mwh", price_tick, needed=action != CANCEL),
        "volume": ticks_of(frame, "volume_mw", volume_tick, needed=action != CANCEL),
        "peak": peak,
        "hidden": hidden,
        "restriction": words_of(frame, "restriction", RESTRICTIONS, default="none"),
    }


def _counts(frame: pd.DataFrame, late: int) -> dict[str, int]:
    added = frame["action"].astype("str").str.lower() == "add"
    word = (
        frame["restriction"].astype("str").str.lower()
        if "restriction" in frame
        else pd.Series("none", index=frame.index)
    )
    iceberg = flag_of(frame, "is_iceberg")
    if "peak_mw" in frame:
        iceberg = iceberg | (frame["peak_mw"].fillna(0) > 0).to_numpy()
    one = frame["initial_id"] if "initial_id" in frame else frame["order_id"]
    return {
        "events": len(frame),
        "orders": int(frame.loc[added, "order_id"].nunique()),
        "icebergs": int(one[iceberg].nunique()),
        "user_blocks": int(one[flag_of(frame, "is_block")].nunique()),
        "fill_or_kill": int((added & (word == "fok")).sum()),
        "immediate_or_cancel": int((added & (word == "ioc")).sum()),
        "all_or_none": int((added & word.isin(["aon", "linked"])).sum()),
        "late": late,
    }


def _with_expiries(frame: pd.DataFrame, columns: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], int]:
    """An order that is valid until an instant before gate closure is cancelled then."""
    if "valid_until" not in frame or frame["valid_until"].isna().all():
        return columns, 0
    until = pd.DatetimeIndex(utc(frame["valid_until"], "valid_until of the order stream"))
    us = np.where(until.isna(), np.iinfo(np.int64).max, until.asi8)
    ends = (columns["action"] <= CHANGE) & (us < columns["gate"])
    if (ends & (us < columns["time_us"])).any():
        k = int(np.flatnonzero(ends & (us < columns["time_us"]))[0])
        raise DataError(
            f"order {columns['order'][k]} is valid until {until[k]}, before it came: check the columns time and valid_until"
        )
    ends &= ~_superseded(columns, us)
    more = {name: values[ends] for name, values in columns.items()}
    more["action"] = np.full(int(ends.sum()), EXPIRE, dtype=np.int64)
    more["time_us"] = us[ends]
    return {name: np.r_[values, more[name]] for name, values in columns.items()}, int(ends.sum())


def _superseded(columns: dict[str, np.ndarray], until: np.ndarray) -> np.ndarray:
    """Events whose order is added or changed again before they would expire: the later validity holds."""
    gives = np.flatnonzero(columns["action"] <= CHANGE)
    order = gives[np.lexsort((columns["time_us"][gives], columns["order"][gives]))]
    again = np.zeros(len(until), dtype=bool)
    same = columns["order"][order][1:] == columns["order"][order][:-1]
    again[order[:-1]] = same & (columns["time_us"][order][1:] <= until[order[:-1]])
    return again


def _sorted(
    columns: dict[str, np.ndarray], price_tick: float, volume_tick: float, counts: dict[str, int]
) -> OrderStream:
    span = np.column_stack([columns.pop("start"), columns.pop("stop"), columns.pop("gate")])
    if (span[:, 1] <= span[:, 0]).any():
        raise DataError("a product of the order stream stops before it starts: check the columns start and stop")
    products, product = np.unique(span, axis=0, return_inverse=True)
    keys = [columns[name] for name in ("volume", "price", "action", "order", "time_us")]
    order = np.lexsort([*keys, product.ravel()])
    columns = {name: values[order] for name, values in columns.items()}
    table = pd.DataFrame(
        {
            "start": pd.DatetimeIndex(np.ascontiguousarray(products[:, 0]).view("M8[us]")).tz_localize("UTC"),
            "stop": pd.DatetimeIndex(np.ascontiguousarray(products[:, 1]).view("M8[us]")).tz_localize("UTC"),
            "gate_us": products[:, 2],
        }
    )
    return OrderStream(
        product=product.ravel()[order],
        products=table,
        price_tick=price_tick,
        volume_tick=volume_tick,
        counts=counts,
        **columns,
    )
