"""An Excel workbook as a frame: the one sheet that holds a table, streamed row by row."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast.frames.schema import DataError
from cblcast.io.csv_file import told_apart, without_sums
from cblcast.io.dialect import MOST_PREFACE
from cblcast.io.names import END_WORDS, TIME_WORDS, stem

# What a broken pack or sheet makes openpyxl and its parser raise, beside the exceptions of Python itself.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
MOST_CELLS = 30_000_000
MOST_COLUMNS = 2000
MOST_EMPTY = 2000  # rows in a row without a cell end a sheet


def read_workbook(path: Path) -> tuple[pd.DataFrame, int, str]:
    """The table of a workbook.

    Returns
    -------
    frame : DataFrame
        Its index counts the rows of the sheet from the first row of the table on.
    first_line : int
        Row of the sheet that row 0 is.
    sheet : str

    Raises
    ------
    DataError
        openpyxl is not installed; a broken or protected workbook; no sheet or several sheets with a table; too many cells.
    """
    try:
        import openpyxl
    except ImportError:
        raise DataError(
            f"{path.name} is a workbook, which needs openpyxl: pip install 'cblcast[excel]', or save the sheet as CSV"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl's remarks on styles and extensions that do not matter here
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            tables = {
                sheet.title: table for sheet in book.worksheets if (table := _table(sheet, path.name)) is not None
            }
            book.close()
    except (
        ArithmeticError,
        LookupError,
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        SyntaxError,
        *_BROKEN,
    ) as error:
        if isinstance(error, DataError):
            raise
        # whatever openpyxl meets in a file that is no sound workbook
        raise DataError(
            f"{path.name} cannot be read as xlsx ({' '.join(str(error).split())[:100] or type(error).__name__}): "
            "open it, and save it again or as CSV"
        ) from None
    if len(tables) != 1:
        what = (
            f"{len(tables)} sheets with times ({', '.join(map(repr, tables))})"
            if tables
            else "no sheet with a table of times"
        )
        raise DataError(f"{path.name} has {what}: save the one that is meant as a workbook or CSV of its own")
    sheet, (frame, first_line) = next(iter(tables.items()))
    return frame, first_line, sheet


def _table(sheet: Any, name: str) -> tuple[pd.DataFrame, int] | None:
    """The rows below a header that names a time, None if the sheet has none."""
    header: list[str] | None = None
    rows: list[tuple[Any, ...]] = []
    lines: list[int] = []
    first_line = empty = cells = 0
    for line, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if len(row) > MOST_COLUMNS:
            raise DataError(f"{name} has more than {MOST_COLUMNS} columns: save what is metered as CSV or Parquet")
        cells += len(row)
        if cells > MOST_CELLS:
            raise DataError(f"{name} has more than {MOST_CELLS} cells: save it as CSV or Parquet")
        if all(cell is None or cell == "" for cell in row):
            empty += 1
            if empty > MOST_EMPTY:
                break
            continue
        empty = 0
        if header is None:
            if line > MOST_PREFACE:
                return None
            if any(isinstance(cell, str) and (stem(cell) in TIME_WORDS or stem(cell) in END_WORDS) for cell in row):
                header = ["" if cell is None else str(cell).strip() for cell in row]
                first_line = line + 1
            continue
        rows.append(row)
        lines.append(line - first_line)
    if header is None or not rows:
        return None
    columns = [name or f"\x00{at}" for at, name in enumerate(header)]
    frame = pd.DataFrame([row[: len(columns)] for row in rows], columns=columns, index=lines)
    frame = frame[[column for column in columns if not frame[column].isna().all() or not column.startswith("\x00")]]
    frame, _ = without_sums(frame)
    return told_apart(frame).apply(_plain), first_line


def _plain(column: pd.Series) -> pd.Series:
    """Cells of one type; clock times and dates as text, as a text table would write them."""
    known = column.dropna()
    if known.map(lambda cell: isinstance(cell, dt.datetime)).all() and len(known):
        return pd.to_datetime(column).dt.round("ms")  # a workbook counts in days, so seconds come with dust
    if known.map(lambda cell: isinstance(cell, (int, float)) and not isinstance(cell, bool)).all():
        return column.astype("float64")
    return column.map(_text, na_action="ignore").astype("str")


def _text(cell: Any) -> str:
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, dt.timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return str(cell)
