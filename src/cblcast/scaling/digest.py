"""A digest of whatever was asked, so that what was computed for one question is never taken for another."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd


def digest_of(*things: object) -> str:
    """SHA-256 (hex) of numbers, texts, dates, arrays, frames, dataclasses, models of pydantic, and mappings and sequences of these.

    Equal things have equal digests in every process and on every machine.

    Raises
    ------
    TypeError
        A thing of which nobody knows what makes it equal to another.
    """
    told = hashlib.sha256()
    for thing in things:
        _add(told, thing)
    return told.hexdigest()


def _add(told: Any, thing: object) -> None:
    told.update(f"<{type(thing).__name__}>".encode())
    if thing is None or isinstance(thing, (bool, int, float, str, bytes, Decimal, np.generic, PurePath, type)):
        told.update(thing if isinstance(thing, bytes) else str(thing).encode())
    elif isinstance(thing, (datetime.date, datetime.timedelta, pd.Timestamp, pd.Timedelta)):
        told.update(str(thing).encode())
    elif isinstance(thing, Enum):
        told.update(thing.name.encode())
    elif isinstance(thing, (pd.DataFrame, pd.Series, pd.Index)):
        _add_table(told, thing)
    elif isinstance(thing, np.ndarray):
        told.update(f"{thing.dtype} {thing.shape}".encode())
        told.update(repr(thing.tolist()).encode() if thing.dtype == object else np.ascontiguousarray(thing).tobytes())
    elif isinstance(thing, Mapping):
        for key in sorted(thing, key=repr):
            _add(told, key)
            _add(told, thing[key])
    elif isinstance(thing, Set):
        _add(told, sorted(thing, key=repr))
    elif isinstance(thing, (list, tuple, range)):
        for each in thing:
            _add(told, each)
    elif hasattr(thing, "model_dump"):
        _add(told, thing.model_dump())
    elif is_dataclass(thing):
        _add(told, {field.name: getattr(thing, field.name) for field in fields(thing)})
    else:
        raise TypeError(f"a {type(thing).__name__} has no digest")
    told.update(b"</>")


def _add_table(told: Any, table: pd.DataFrame | pd.Series | pd.Index) -> None:
    frame = table if isinstance(table, pd.DataFrame) else pd.Series(table).to_frame()
    told.update(repr([str(name) for name in (*frame.index.names, *frame.columns)]).encode())
    index = [frame.index.get_level_values(level) for level in range(frame.index.nlevels)]
    for column in [*index, *(frame.iloc[:, at] for at in range(frame.shape[1]))]:
        instants = isinstance(column.dtype, pd.DatetimeTZDtype)
        values = column.to_numpy(dtype="M8[us]") if instants else np.asarray(column)
        told.update(pd.util.hash_array(values).tobytes())
