"""Whether a time format that a user gave says how the times of a file are written."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd

from cblcast.frames.schema import DataError
from cblcast.io.files import Table


def check_format(column: pd.Series, table: Table, time_format: str) -> None:
    """Refuse a format that was given for times that are not written so: it would do nothing.

    Parameters
    ----------
    column : Series
        Times that were read from text in ISO 8601 while the file was parsed; others are left alone.
    table : Table
    time_format : str
        As in ``strptime``.

    Raises
    ------
    DataError
        Naming the column, a time of it and the format.
    """
    if not pd.api.types.is_datetime64_any_dtype(column.dtype) or column.isna().all():
        return
    first = column.dropna().iloc[0]
    zones = ("", "%z", "Z") if getattr(first, "tz", None) is not None else ("",)
    ways = [
        f"{day}{between}{clock}{zone}"
        for day, between in (("%Y-%m-%d", "T"), ("%Y-%m-%d", " "), ("%Y%m%d", "T"))
        for clock in ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M", "%H%M%S", "%H%M", "%H")
        for zone in zones
    ]
    for way in [*ways, "%Y-%m-%d", "%Y%m%d"]:
        with suppress(ValueError):
            pd.to_datetime(first.strftime(way), format=time_format)
            return
    raise DataError(
        f"{column.name!r} of {table.name} holds times like {first.isoformat(sep=' ')}, which {time_format!r} does not describe: "
        "leave the time format out, or mend it"
    )
