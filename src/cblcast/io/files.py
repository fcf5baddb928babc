"""Tables from files: CSV, Parquet and Excel become a frame that still knows its name and its line numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.frames.schema import TIME, DataError, nearest
from cblcast.io.csv_file import read_text_table
from cblcast.io.excel_file import read_workbook
from cblcast.io.names import is_site
from cblcast.io.numerals import read_numbers
from cblcast.io.opened import check_exists, file_name, is_workbook
from cblcast.io.read_report import Kind, Note

if TYPE_CHECKING:
    import pyarrow as pa

CSV_SUFFIXES = (".csv", ".txt", ".tsv", ".dat")
PARQUET_SUFFIXES = (".parquet", ".pq")
EXCEL_SUFFIXES = (".xlsx", ".xlsm")
NOTED_ZONE = b"cblcast:tz"  # in the metadata of Parquet files
LARGEST_NUMBER = 1e18  # nanoseconds since 1970 are no larger
# What another program reads better: each with its remedy.
_FOREIGN = {
    ".xls": "save it as .xlsx or CSV",
    ".ods": "save it as .xlsx or CSV",
    ".pdf": "ask for the data as CSV",
    ".json": "as meter data it must be CSV, Parquet, Excel, Green Button XML or NEM12",
}


@dataclass(frozen=True)
class Table:
    """A frame and where it came from, so that an error can name the line.

    Attributes
    ----------
    frame : DataFrame
        Its index holds the row numbers of the source, counted from 0.
    name : str
        What an error calls the source.
    stem : str
        Name of the file without folder and suffixes; the id of a lone site that the file does not name.
    first_line : int or None
        Line of row 0 in a text file; None where the source has rows, not lines.
    decimal : {".", ","}, optional
        The decimal sign, where it was said.
    likely : {".", ","}, optional
        The decimal sign of most numbers of the file.
    notes : tuple of Note
        What was guessed or left out so far.
    encoding : str, optional
        The encoding, where it was guessed.
    unit : str, optional
        The unit that the lines above a text table say.
    zone : str, optional
        IANA zone of all sites, as whoever wrote the file noted it.
    """

    frame: pd.DataFrame
    name: str
    stem: str = "site"
    first_line: int | None = None
    decimal: str | None = None
    likely: str | None = None
    notes: tuple[Note, ...] = ()
    encoding: str | None = None
    unit: str | None = None
    zone: str | None = None

    def where(self, row: int) -> str:
        """``line 17 of meter.csv`` or ``row 15 of the frame``, for the row with this number in the index."""
        if self.first_line is None:
            return f"row {row} of {self.name}"
        told = f" (not UTF-8 text, read as {self.encoding})" if self.encoding else ""
        return f"line {row + self.first_line} of {self.name}{told}"

    def renamed(self, columns: Mapping[str, str] | None) -> Table:
        """The table under our names; a foreign name that it lacks is a :class:`DataError`."""
        if not columns:
            return self
        for foreign in columns:
            if foreign not in self.frame.columns:
                raise DataError(
                    f"{self.name} has no column {foreign!r} to rename: {nearest(foreign, map(str, self.frame.columns))}"
                )
        frame = self.frame.rename(columns=dict(columns))
        if frame.columns.has_duplicates:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise DataError(f"{self.name} would have two columns named {twice!r}: map only one of them to it")
        return replace(self, frame=frame)


def read_table(source: str | Path | pd.DataFrame, what: str, decimal: str | None = None) -> Table:
    """A CSV, Parquet or Excel file (CSV also in gzip or zip) or a frame as a :class:`Table`.

    How a CSV is written is taken from its first lines: encoding, header, separator (``,`` ``;`` tab ``|``) and, unless
    `decimal` is given, the decimal sign. Sites stay text, so that a site named ``007`` keeps its zeros.

    Raises
    ------
    DataError
        No such file, an unknown suffix, an empty or unreadable file.
    """
    if decimal not in (None, ".", ","):
        raise DataError(f"decimal is '.' or ',', not {decimal!r}")
    if isinstance(source, pd.DataFrame):
        return Table(_numbered(source), f"the {what} frame", decimal=decimal)
    path = Path(source)
    check_exists(path, what)
    inner = Path(file_name(path))
    suffix, stem = inner.suffix.lower(), inner.name[: len(inner.name) - len(inner.suffix)] or path.stem
    try:
        if suffix in PARQUET_SUFFIXES and inner.name == path.name:
            return Table(_numbered(_read_parquet(path)), path.name, stem, zone=_noted_zone(path))
        if suffix in EXCEL_SUFFIXES or is_workbook(path):
            frame, first_line, sheet = read_workbook(path)
            note = (Note(Kind.GUESSED, f"{path.name}: the table is on sheet {sheet!r}"),)
            return Table(frame, path.name, stem, first_line, decimal, None, note)
        if suffix in CSV_SUFFIXES:
            return _text_table(path, stem, decimal)
    except (OSError, EOFError, ValueError) as error:  # what pandas, pyarrow and gzip raise for a broken file
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path.name} cannot be read as {suffix[1:]} ({_one_line(error)}): write the file again"
        ) from error
    remedy = _FOREIGN.get(
        suffix, f"use one of {', '.join(CSV_SUFFIXES + PARQUET_SUFFIXES + EXCEL_SUFFIXES)}, .csv.gz, .zip"
    )
    raise DataError(f"{path.name} is neither CSV nor Parquet nor Excel by its suffix: {remedy}")


def _text_table(path: Path, stem: str, decimal: str | None) -> Table:
    text = read_text_table(path, decimal)
    guessed = "Windows-1252" if text.dialect.guessed_encoding else None
    return Table(
        text.frame,
        path.name,
        stem,
        text.first_line,
        decimal,
        decimal or text.dialect.decimal,
        text.notes,
        guessed,
        text.dialect.unit,
    )


def numbers(column: pd.Series, table: Table) -> pd.Series:
    """`column` as float64; text that is no number is a :class:`DataError` naming its line."""
    if pd.api.types.is_bool_dtype(column.dtype):
        raise DataError(
            f"{column.name!r} of {table.name} holds true and false, not numbers: map the metered column, or write numbers"
        )
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or pd.api.types.is_timedelta64_dtype(column.dtype):
        raise DataError(f"{column.name!r} of {table.name} holds {column.dtype}, not numbers: map the metered column")
    if pd.api.types.is_complex_dtype(column.dtype):
        raise DataError(f"{column.name!r} of {table.name} holds complex numbers: give the active power")
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        _refuse_infinite(values, column, table)
        return pd.Series(values, index=column.index, name=column.name)
    if any(isinstance(value, bytes) for value in column.iloc[:1000]):
        raise DataError(f"{column.name!r} of {table.name} holds bytes, not numbers: write numbers")
    found = read_numbers(column.astype("object").map(_as_text, na_action="ignore"), table.decimal, table.likely)
    if len(found.wrong):
        row = int(column.index[found.wrong[0]])
        odd = str(column.iloc[found.wrong[0]])
        raise DataError(
            f"{table.where(row)}: {column.name!r} is {odd[:60]!r}, not a number like {found.style.says} "
            f"({len(found.wrong)} such rows): {_remedy(odd)}"
        )
    if found.unclear:
        raise DataError(
            f"{column.name!r} of {table.name} can be read in two ways ({found.style.says} or otherwise): "
            "name the decimal sign (decimal='.' or ',')"
        )
    _refuse_infinite(found.values, column, table)
    return pd.Series(found.values, index=column.index, name=column.name)


def _remedy(wrong: str) -> str:
    """What to do of a cell that is no number: a word needs no decimal sign."""
    if not any(letter.isdigit() for letter in wrong):
        return "write a number there, or leave the cell empty where there is none"
    return (
        "leave a cell empty where there is no number, write all numbers alike, or name the decimal sign (decimal=',')"
    )


def _refuse_infinite(values: np.ndarray, column: pd.Series, table: Table) -> None:
    """No meter and no weather station shows numbers beyond any use."""
    if len(values) and max(np.fmax.reduce(values), -np.fmin.reduce(values)) > LARGEST_NUMBER:
        at = int(np.nanargmax(np.abs(values)))
        raise DataError(
            f"{table.where(int(column.index[at]))}: {column.name!r} is {values[at]:g}, beyond what is metered: mend it, or leave the "
            "cell empty"
        )


def holds_numbers(column: pd.Series, table: Table) -> bool:
    """Whether most cells of a column are numbers, however they are written."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return not pd.api.types.is_complex_dtype(column.dtype)
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype):
        return False
    known = column.dropna()
    if known.empty:
        return True
    some = known.iloc[:: max(1, len(known) // 200)].astype("object").map(_as_text)
    found = read_numbers(some, table.decimal, table.likely)
    return len(found.wrong) <= 0.5 * len(some) and bool(np.isfinite(found.values).any())


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Index levels become columns, and the rows are counted from 0."""
    index = frame.index
    nameless = index.nlevels == 1 and index.name is None
    if nameless and not isinstance(index, pd.DatetimeIndex):
        return frame.reset_index(drop=True)
    return (frame.rename_axis(index="time") if nameless else frame).reset_index()


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    lists = list_of_loads(schema)
    if lists is not None:
        raise DataError(
            f"{path.name} has day rows ({lists!r} holds a list of loads), which settle, score, evaluate and integrity read as a store: "
            "for anything else convert it (cblcast data convert --layout long)"
        )
    # A site's name stands on each of its rows; as codes it costs a fraction of the time and memory.
    named = [
        field.name
        for field in schema
        if is_site(field.name) and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
    ]
    return pd.read_parquet(path, read_dictionary=named)


def _noted_zone(path: Path) -> str | None:
    """The zone of its sites that a store holds (:mod:`cblcast.io.store.writing`)."""
    import pyarrow.parquet as pq

    told = (pq.read_metadata(path).metadata or {}).get(NOTED_ZONE)
    return told.decode() if told else None


def list_of_loads(schema: pa.Schema) -> str | None:
    """The column of day rows that holds each day's loads, as a list of numbers; None where rows have times of their own."""
    import pyarrow.types as types

    if TIME in schema.names:
        return None
    listed = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    return next(
        (
            column.name
            for column in schema
            if any(kind(column.type) for kind in listed)
            and (types.is_floating(column.type.value_type) or types.is_integer(column.type.value_type))
        ),
        None,
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
