"""Order files of the continuous intraday market: EPEX SPOT's own columns, or the seven of a prepared file, as tidy events.

EPEX's action codes: A added, C changed, D deleted, I the next slice of an iceberg. Matches are not taken over: a book that
is rebuilt matches by itself, as Martin and Otterson (2018, doi 10.1109/EEM.2018.8469829) do. Icebergs and user blocks are
marked and counted, not dropped: a block is a product of its own.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.instants import microseconds
from cblcast.frames.schema import DataError, DataWarning
from cblcast.frames.stray import refuse_stray_times
from cblcast.io.files import Table, numbers, read_table

NAMES = {
    "order_id": ("orderid", "id"),
    "initial_id": ("initialid", "initial"),
    "side": ("side",),
    "start": ("deliverystart", "start"),
    "stop": ("deliveryend", "stop", "end"),
    "action": ("actioncode", "action"),
    "time": ("transactiontime", "transaction"),
    "valid_until": ("validitytime", "validity"),
    "price_per_mwh": ("price",),
    "volume_mw": ("quantity", "quantitymw"),
    "is_block": ("isuserdefinedblock", "userdefinedblock"),
    "restriction": ("executionrestriction",),
}
NEEDED = ("side", "start", "time", "price_per_mwh", "volume_mw")
ACTIONS = {"A": "add", "C": "change", "D": "cancel", "I": "add"}
_RESTRICTIONS = {
    "non": "none",
    "none": "none",
    "fok": "fok",
    "ioc": "ioc",
    "aon": "aon",
    "linked": "linked",
    "lnk": "linked",
}
_FLAGS = {
    **dict.fromkeys(("1", "1.0", "y", "yes", "true"), True),
    **dict.fromkeys(("0", "0.0", "n", "no", "false"), False),
}
_EXACT = 2**53  # whole numbers beyond it merge where they have passed through floats


def read_orders(source: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Order events as :func:`cblcast.value.order_stream.order_stream` takes them.

    Parameters
    ----------
    source : path or DataFrame
        EPEX SPOT continuous orders (``Order ID``, ``Initial ID``, ``Action code``, ``Transaction Time``, … or the names without
        blanks of later years), or a prepared file with ``initial``, ``side``, ``start``, ``transaction``, ``validity``, ``price``,
        ``quantity``, in which every row is an order that lives until its validity.

    Returns
    -------
    DataFrame
        ``order_id``, ``initial_id``, ``time``, ``action``, ``side``, ``start``, ``stop``, ``price_per_mwh``, ``volume_mw``,
        ``valid_until``, ``is_iceberg``, ``is_block``, ``restriction``; ``attrs["counts"]`` tells icebergs, user blocks, rows that
        say the same twice and rows of other action codes.

    Raises
    ------
    DataError
        A column that is missing; a side, time, number of an order, mark or restriction that cannot be read; times without an offset.
    """
    table = read_table(source, "order")
    found = _columns(table)
    for name in NEEDED:
        if name not in found:
            raise DataError(
                f"{table.name} has no column for {name} ({' or '.join(NAMES[name])}; its columns are "
                f"{', '.join(map(repr, table.frame.columns[:14]))}): it is no order file of the continuous market"
            )
    if "order_id" not in found and "initial_id" not in found:
        raise DataError(f"{table.name} numbers no orders: it needs the column Order ID or Initial ID")
    made = pd.DataFrame(index=table.frame.index)
    for name in ("time", "start", "stop", "valid_until"):
        if name in found:
            made[name] = _times(table, found[name], may_lack=name == "valid_until")
            if name != "valid_until":  # which may say "for ever"
                refuse_stray_times(microseconds(made[name]), lambda at: table.where(int(made.index[at])), name)
    for name in ("price_per_mwh", "volume_mw"):
        made[name] = numbers(table.frame[found[name]], table)
    made["side"] = table.frame[found["side"]].astype("str").str.strip().str.lower().replace({"b": "buy", "s": "sell"})
    _numbered(made, table, found)
    return _marked(made, table, found)


def _columns(table: Table) -> dict[str, str]:
    folded = {re.sub(r"[^a-z]", "", str(column).lower()): str(column) for column in table.frame.columns}
    return {ours: folded[theirs] for ours, choices in NAMES.items() for theirs in reversed(choices) if theirs in folded}


def _times(table: Table, column: str, may_lack: bool) -> pd.Series:
    given = table.frame[column]
    made = pd.to_datetime(given, utc=True, errors="coerce", format="ISO8601").dt.as_unit("us")
    wrong = made.isna() & (given.notna() if may_lack else True)
    if wrong.any():
        row = int(wrong.index[int(np.argmax(wrong.to_numpy()))])
        raise DataError(
            f"{table.where(row)}: {column} {given.loc[row]!r} is no time: order files write 2022-01-02T09:00:00Z"
        )
    text = given.astype("str").str.strip()
    bare = given.notna() & ~text.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True)
    if bare.any():
        row = int(bare.index[int(np.argmax(bare.to_numpy()))])
        raise DataError(
            f"{table.where(row)}: {column} {text.loc[row]!r} has no zone ({int(bare.sum())} such rows): write times with Z or their "
            "offset (2022-01-02T09:00:00Z), since nothing says whose clock wrote them"
        )
    return made


def _numbered(made: pd.DataFrame, table: Table, found: dict[str, str]) -> None:
    """Numbers of orders; without order ids each row of a prepared file is an order of its own."""
    for name in ("initial_id", "order_id"):
        if name in found:
            made[name] = _whole(table, found[name])
    if "order_id" not in found:
        made["order_id"] = np.arange(1, len(made) + 1)
    if "initial_id" not in found:
        made["initial_id"] = made["order_id"]


def _whole(table: Table, column: str) -> pd.Series:
    """Numbers of orders, exact to the last digit: two that merge would change each other's orders."""
    given = table.frame[column]
    if pd.api.types.is_integer_dtype(given.dtype) and not given.hasnans:
        return given.astype("int64")
    made = numbers(given, table)
    wrong = ~(made.abs() < _EXACT) | (made != made.round())
    if wrong.any():
        row = int(wrong.index[int(np.argmax(wrong.to_numpy()))])
        raise DataError(
            f"{table.where(row)}: {column} {str(given.loc[row])!r} is no whole number ({int(wrong.sum())} such rows): every row needs "
            "the number of its order (beyond 2^53 as integers, not as floats)"
        )
    return made.astype("int64")


def _said(table: Table, column: str, known: Mapping[str, Any], empty: Any) -> pd.Series:
    """A column of known words; an empty cell is `empty`, an unknown word is refused since a guess would change the book."""
    given = table.frame[column]
    text = given.astype("str").str.strip().str.lower()
    blank = given.isna() | (text == "")
    wrong = ~(blank | text.isin(list(known)))
    if wrong.any():
        row = int(wrong.index[int(np.argmax(wrong.to_numpy()))])
        raise DataError(
            f"{table.where(row)}: {column} is {given.loc[row]!r} ({int(wrong.sum())} such rows): known are {', '.join(known)}"
        )
    return text.map(known).where(~blank, empty).astype(type(empty))


def _marked(made: pd.DataFrame, table: Table, found: dict[str, str]) -> pd.DataFrame:
    code = table.frame[found["action"]].astype("str").str.strip().str.upper() if "action" in found else None
    made["is_block"] = _said(table, found["is_block"], _FLAGS, empty=False) if "is_block" in found else False
    made["restriction"] = (
        _said(table, found["restriction"], _RESTRICTIONS, empty="none") if "restriction" in found else "none"
    )
    made["action"] = "add" if code is None else code.map(ACTIONS)
    slices = made["initial_id"][code == "I"] if code is not None else made["initial_id"].iloc[:0]
    made["is_iceberg"] = made["initial_id"].isin(slices)
    other = made["action"].isna()
    made = made[~other]
    again = made.duplicated()
    counts = {
        "icebergs": int(made.loc[made["is_iceberg"], "initial_id"].nunique()),
        "user_blocks": int(made.loc[made["is_block"], "initial_id"].nunique()),
        "said_twice": int(again.sum()),
        "other_actions": int(other.sum()),
    }
    for key, what in (
        ("said_twice", "rows say what another row says"),
        ("other_actions", "rows of other action codes than A, C, D, I"),
    ):
        if counts[key]:
            warnings.warn(f"{table.name}: {counts[key]} {what}, and are left out", DataWarning, stacklevel=4)
    made = made[~again].reset_index(drop=True)
    made.attrs["counts"] = counts
    return made
