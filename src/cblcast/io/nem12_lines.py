"""The lines of a NEM12 file as records; the values of plain days are read many days at once, which is what makes it fast."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from cblcast.frames.schema import DataError

AFTER_VALUES = 5  # fields of a 300 record behind its values: flag, reason, its description, update, load
DAYS_AT_ONCE = 1000
LONGEST_LINE = 65_536  # characters; a day of 5-minute values has 288


class Record(NamedTuple):
    """The fields of a line; of a plain day without its values, which have been read already and are all finite."""

    fields: list[str]
    values: np.ndarray | None = None


def records_of(text: io.TextIOBase, name: str) -> Iterator[Record]:
    """The record of each line; the values of plain days are read many days at once."""
    number = 0
    days: list[tuple[str, str, list[str]]] = []  # date, values, fields behind them
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE:
            raise DataError(f"line {number} of {name} is longer than {LONGEST_LINE} characters: it is no NEM12 record")
        line = line.rstrip("\r\n")
        parts = line.split(",", 2) if line.startswith("300,") and '"' not in line else []
        values, *after = parts[2].rsplit(",", AFTER_VALUES) if len(parts) == 3 else [""]
        if len(after) == AFTER_VALUES:
            if len(days) == DAYS_AT_ONCE:
                yield from _days(days)
                days.clear()
            days.append((parts[1], values, after))
            continue
        yield from _days(days)
        days.clear()
        yield Record(next(csv.reader([line]), [""]) if '"' in line else line.split(","))
    yield from _days(days)


def _days(days: list[tuple[str, str, list[str]]]) -> Iterator[Record]:
    """The records of days; where one has not as many values as the first, or a text among them, field by field."""
    read = _plain_values([values for _, values, _ in days]) if days else None
    for at, (date, values, after) in enumerate(days):
        if read is None:
            yield Record(["300", date, *values.split(","), *after])
        else:
            yield Record(["300", date, *after], read[at])


def _plain_values(days: list[str]) -> np.ndarray | None:
    """Numbers between commas, shape (days, values); None where one is none, or a day has more or fewer."""
    count = days[0].count(",") + 1
    if any(day.count(",") + 1 != count for day in days):
        return None
    column = "\n".join(days).replace(",", "\n").encode()
    try:
        read = pa_csv.read_csv(
            pa.py_buffer(column),
            pa_csv.ReadOptions(use_threads=False, column_names=["value"]),
            pa_csv.ParseOptions(ignore_empty_lines=False),
            pa_csv.ConvertOptions(column_types={"value": pa.float64()}, null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    values = read.column("value").to_numpy()
    return values.reshape(len(days), count) if len(values) == len(days) * count and np.isfinite(values).all() else None
