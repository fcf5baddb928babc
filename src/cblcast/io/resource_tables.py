"""Resources from files: which sites they are made of on which days, and what they commit in which month."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cblcast.frames.schema import SITE, DataError, require_columns
from cblcast.io.files import Table, numbers, read_table


def read_members(path: str | Path) -> pd.DataFrame:
    """Memberships: ``site_id``, ``resource``; optional ``from`` and ``until`` (first and last local day), ``loss_factor``.

    Raises
    ------
    DataError
        Naming the line: no site or resource, a date that is none, a loss factor that is no number.
    """
    table = read_table(path, "resources")
    frame = table.frame
    require_columns(frame, [SITE, "resource"], table.name)
    for column in (SITE, "resource"):
        _refuse(table, frame[column].isna(), f"has no {column}: fill it in, or drop the row")
    for column in ("from", "until"):
        if column in frame.columns:
            frame = frame.assign(**{column: _dates(frame[column], column, table)})
    if "loss_factor" in frame.columns:
        frame = frame.assign(loss_factor=numbers(frame["loss_factor"], table))
    return frame.assign(**{column: frame[column].astype(str).str.strip() for column in (SITE, "resource")})


def read_commitments(path: str | Path) -> pd.DataFrame:
    """Commitments or nominations: ``resource``, ``month`` (2024-07), ``committed_kw``.

    Raises
    ------
    DataError
        Naming the line of a commitment that is no number.
    """
    table = read_table(path, "commitments")
    require_columns(table.frame, ["resource", "month", "committed_kw"], table.name)
    kw = numbers(table.frame["committed_kw"], table)
    _refuse(table, kw.isna(), "has no committed_kw: write a power of 0 kW or more")
    return table.frame.assign(committed_kw=kw, resource=table.frame["resource"].astype(str).str.strip())


def _dates(values: pd.Series, column: str, table: Table) -> pd.Series:
    found = pd.to_datetime(values.astype("str").where(values.notna()), format="%Y-%m-%d", errors="coerce")
    bad = values.notna() & found.isna()
    _refuse(table, bad, f"has a date in {column!r} that is none: write it as 2024-07-01, or leave it empty")
    return found


def _refuse(table: Table, bad: pd.Series, rule: str) -> None:
    if bad.any():
        raise DataError(f"{table.where(int(bad.index[bad.to_numpy().argmax()]))} {rule}")
