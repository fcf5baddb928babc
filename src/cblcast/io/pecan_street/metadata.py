"""Dataport's table of homes: a row of descriptions under the header, shares as text, times with mixed offsets, yes or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.errors import DataError, nearest
from cblcast.frames.schema import utc
from cblcast.io.files import read_table

_SHARE = re.compile(r"_availability$")
_TIME = re.compile(r"_(min|max)_time$|^date_(enrolled|withdrawn)$")
_OFFSET = re.compile(r"\s*[+-]\d{2}(:?\d{2})?$")
_NUMBER = re.compile(r"(square_footage|_year$|amount_of|^number_of)")
_FLAGS = ("pv", "active_record")  # cohorts count them, so a word that is neither yes nor no is no answer
_YES = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


def read_metadata(source: str | Path | pd.DataFrame) -> pd.DataFrame:
    """The table of homes, cleaned as the duck-curve notebook does.

    Parameters
    ----------
    source : path (.csv, .csv.gz, .zip, .parquet, .xlsx) or DataFrame
        ``metadata.csv`` of Dataport. A first row of descriptions (without a number in ``dataid``) is left out.

    Returns
    -------
    DataFrame, index dataid (str)
        ``…_availability`` in per cent, float64 (``98%`` → 98); ``…_min_time`` and ``…_max_time`` in UTC, with the wall clock that
        the file wrote beside them as ``…_time_local``; yes/empty columns (``pv``, ``active_record``, circuits) as bool; floor areas
        [sq ft] and amounts of PV [kW] as float64; the rest as text.

    Raises
    ------
    DataError
        No column ``dataid``, a home twice, a share or time that is none.
    """
    table = read_table(source, "metadata")
    frame = table.frame
    if "dataid" not in frame.columns:
        raise DataError(f"{table.name} has no column 'dataid': {nearest('dataid', map(str, frame.columns))}")
    ids = (
        frame["dataid"]
        .astype(object)
        .where(frame["dataid"].notna(), "")
        .astype(str)
        .str.replace(r"\.0$", "", regex=True)
    )
    is_home = ids.str.fullmatch(r"\d+").to_numpy(dtype=bool)
    strange = np.flatnonzero(~is_home[1:]) + 1
    if len(strange):
        row = int(frame.index[strange[0]])
        raise DataError(
            f"{table.where(row)}: the dataid is {str(ids.iloc[strange[0]])[:60]!r}, not a number: mend or drop the row"
        )
    frame, ids = frame[is_home], ids[is_home]
    if frame.empty:
        raise DataError(f"{table.name} has no home: it needs a row a home under its header")
    if ids.duplicated().any():
        row = int(frame.index[ids.duplicated().argmax()])
        raise DataError(
            f"{table.where(row)}: home {ids[ids.duplicated()].iloc[0]} stands there a second time: keep one row"
        )
    columns: dict[str, pd.Series] = {}
    for name in map(str, frame.columns):
        if name == "dataid":
            continue
        text = frame[name].astype(object).where(frame[name].notna(), None)
        if _SHARE.search(name):
            columns[name] = _share(text, name, table.where)
        elif _TIME.search(name):
            columns[name], columns[f"{name}_local"] = _times(text, name, table.where)
        elif _NUMBER.search(name):
            columns[name] = _number(text, name, table.where)
        else:
            columns[name] = _yes_or_text(text)
            if name in _FLAGS and columns[name].dtype != bool:
                columns[name] = _flag(columns[name], name, table.where)
    homes = pd.DataFrame(columns)
    return homes.set_axis(pd.Index(ids.to_numpy(dtype=str), dtype="str", name="dataid"), axis=0)


def _number(text: pd.Series, name: str, where: Callable[[int], str]) -> pd.Series:
    numbers = pd.to_numeric(text, errors="coerce").astype(np.float64)
    wrong = (numbers.isna() & text.notna() & (text.astype(str).str.strip() != "")) | np.isinf(numbers) | (numbers < 0)
    if wrong.any():
        row = int(text.index[wrong.argmax()])
        raise DataError(
            f"{where(row)}: {name!r} is {text[row]!r}, not a number of 0 or more: mend it, or leave the cell empty"
        )
    return numbers


def _share(text: pd.Series, name: str, where: Callable[[int], str]) -> pd.Series:
    bare = text.map(lambda value: value.strip().removesuffix("%").strip() if isinstance(value, str) else value)
    share = _number(bare, name, where)
    wrong = (share < 0) | (share > 100)
    if wrong.any():
        row = int(text.index[wrong.argmax()])
        raise DataError(f"{where(row)}: {name!r} is {text[row]!r}, and a share lies between 0 % and 100 %")
    return share


def _times(text: pd.Series, name: str, where: Callable[[int], str]) -> tuple[pd.Series, pd.Series]:
    """Instants, and the wall clock as it is written; a time without an offset has no instant."""
    told = [None if value is None or not str(value).strip() else str(value).strip() for value in text]
    has_offset = np.array(
        [value is not None and ":" in value and bool(_OFFSET.search(value)) for value in told], dtype=bool
    )
    bare = [None if value is None else _OFFSET.sub("", value) if ":" in value else value for value in told]
    written = pd.Series(told, index=text.index, dtype=object)
    wall = pd.to_datetime(pd.Series(bare, index=text.index, dtype=object), errors="coerce", format="ISO8601")
    wrong = wall.isna() & written.notna()
    if wrong.any():
        row = int(text.index[wrong.argmax()])
        raise DataError(f"{where(row)}: {name!r} is {text[row]!r}, not a time like 2019-05-22 19:00:00-05:00")
    instants = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us, UTC]")
    if has_offset.any():
        instants[has_offset] = utc(pd.to_datetime(written[has_offset], utc=True, format="ISO8601"), name)
    return instants, wall.astype("datetime64[us]")


def _yes_or_text(text: pd.Series) -> pd.Series:
    """Bool where only yes, no or nothing stands; an empty column is text without a word."""
    told = text.map(lambda value: "" if value is None else str(value).strip())
    kinds = set(told.str.lower()) - {""}
    if kinds and kinds <= set(_YES):
        return told.str.lower().map(_YES | {"": False}).astype(bool)
    return told.where(told != "", None)


def _flag(told: pd.Series, name: str, where: Callable[[int], str]) -> pd.Series:
    """An empty column is False at every home; a word that is no answer is refused."""
    wrong = told.notna() & ~told.astype(str).str.lower().isin(list(_YES))
    if wrong.any():
        row = int(told.index[wrong.argmax()])
        raise DataError(f"{where(row)}: {name!r} is {told[row]!r}: write yes, or leave the cell empty")
    return pd.Series(False, index=told.index)
