"""A text table as a frame: typed where its cells are plain, text where they must be understood first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from cblcast.frames.schema import DataError
from cblcast.io.dialect import Dialect, dialect_of
from cblcast.io.names import is_site
from cblcast.io.opened import head_of, is_packed, opened
from cblcast.io.read_report import Kind, Note

_NAMES_OF_SUMS = (
    "totals?|sum|summe|gesamt|gesamtsumme|somme|suma|totale|soma|average|mean|mittelwert|moyenne|media|promedio"
    "|maximum|minimum|max|min"
)
_FOOTER = re.compile(rf"\b({_NAMES_OF_SUMS}|end of|fin de|ende)\b", re.IGNORECASE)
_SUM = re.compile(rf"^\s*(grand )?({_NAMES_OF_SUMS})\b[^\d]*$", re.IGNORECASE)
MOST_SUMS = 5
LEAST_LINES = 20  # by which the longest line of a table is guessed
BLOCK = 1 << 22  # bytes that are parsed at once; a line must fit in it


@dataclass(frozen=True)
class TextTable:
    """What stands in a text table.

    Attributes
    ----------
    frame : DataFrame
        Its index counts the lines from the first row on.
    first_line : int
        Line of row 0, counted from 1.
    dialect : Dialect
    notes : tuple of Note
    """

    frame: pd.DataFrame
    first_line: int
    dialect: Dialect
    notes: tuple[Note, ...] = ()


@dataclass
class _OddRows:
    """Rows with fewer or more cells than the header; blank ones do not count."""

    rows: list[tuple[int, int, int, str]] = field(default_factory=list)

    def __call__(self, row: Any) -> str:
        if re.sub(r"[,;|\s\"]", "", row.text):
            self.rows.append((row.number or 0, row.expected_columns, row.actual_columns, row.text))
        return "skip" if len(self.rows) < 1000 else "error"


def read_text_table(path: Path, decimal: str | None) -> TextTable:
    """Read a text table.

    Parameters
    ----------
    path : path
    decimal : {".", ","}, optional
        The decimal sign, unless the first lines shall tell it.

    Raises
    ------
    DataError
        Empty, without header, rows of another width, not text.
    """
    head = head_of(path, LEAST_LINES)
    dialect = dialect_of(head, path.name)
    names, notes = _distinct(dialect.names)
    odd = _OddRows()
    table = _parsed(path, dialect, names, decimal or dialect.decimal, odd, 4 * max(map(len, head.split(b"\n"))))
    frame = _frame(table)
    first_line = dialect.body + 1
    notes += _judge_odd_rows(odd.rows, frame, first_line, path.name, dialect)
    if dialect.guessed_encoding:
        notes += (Note(Kind.GUESSED, f"{path.name} is not UTF-8 text, so it is read as Windows-1252"),)
    skipped = sorted(number - first_line for number, *_ in odd.rows)
    if skipped:
        lines = np.setdiff1d(np.arange(len(frame) + len(skipped)), skipped)
        frame.index = pd.Index(lines[: len(frame)])
    frame, n_sums = without_sums(frame)
    if n_sums:
        notes += (Note(Kind.DROPPED, f"{path.name}: {n_sums} rows of sums below the table are left out", n_sums),)
    if all(frame[name].hasnans for name in frame.columns):  # else no row is blank
        frame = frame[~frame.isna().all(axis=1)]
    if frame.empty:
        raise DataError(f"{path.name} has a header but no rows")
    unnamed = [name for name in frame.columns if name.startswith("\x00")]
    frame = frame.drop(columns=[name for name in unnamed if _says_nothing(frame[name])])
    return TextTable(told_apart(frame), first_line, dialect, notes)


def without_sums(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """A frame without the last rows that name themselves a sum or a mean, and how many there were."""
    last = frame.iloc[-MOST_SUMS:]
    texts = last.select_dtypes(["object", "str"])
    named = texts.apply(lambda column: column.map(lambda cell: isinstance(cell, str) and bool(_SUM.match(cell))))
    sums = named.any(axis=1).to_numpy(dtype=bool) if len(texts.columns) else np.zeros(len(last), dtype=bool)
    # Only rows at the very end: in the middle a name is no sum.
    n = len(sums) - int(np.flatnonzero(~sums)[-1]) - 1 if (~sums).any() else 0
    return (frame.iloc[:-n], n) if n else (frame, 0)


def _parsed(path: Path, dialect: Dialect, names: list[str], decimal: str, odd: _OddRows, block: int) -> pa.Table:
    text = {name: pa.string() for name in names} if dialect.groups else {}
    text |= {name: pa.dictionary(pa.int32(), pa.string()) for name in names if is_site(name)}
    options = (
        pa_csv.ReadOptions(
            use_threads=False,
            skip_rows=dialect.body,
            column_names=names,
            encoding=dialect.encoding,
            block_size=max(BLOCK, block),
        ),
        pa_csv.ParseOptions(delimiter=dialect.separator, invalid_row_handler=odd, ignore_empty_lines=False, newlines_in_values=False),
        pa_csv.ConvertOptions(null_values=[""], strings_can_be_null=True, column_types=text, decimal_point=decimal),
    )  # fmt: skip
    try:
        if not is_packed(path):
            return pa_csv.read_csv(path, *options)
        with opened(path) as file:
            return pa_csv.read_csv(pa.PythonFile(file, mode="r"), *options)
    except pa.ArrowInvalid as error:
        if odd.rows:
            _refuse_odd_row(odd.rows[0], dialect.body + 1, path.name, dialect)
        if "straddling" in str(error):
            raise DataError(
                f"{path.name} has a line longer than {BLOCK // 1024} KiB, or a quote that does not end: it is no table"
            ) from None
        if "Empty CSV" in str(error) or "Could not skip" in str(error):
            raise DataError(f"{path.name} has a header but no rows") from None
        raise DataError(f"{path.name} cannot be read as csv ({_short(error)}): write the file again") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name} is not UTF-8 text (byte {error.start}): save it as UTF-8, or as Parquet"
        ) from None


def _frame(table: pa.Table) -> pd.DataFrame:
    """As pandas; whole numbers with gaps become floats, text stays text."""
    return table.to_pandas(split_blocks=True, self_destruct=True, date_as_object=False)


def _distinct(names: tuple[str, ...]) -> tuple[list[str], tuple[Note, ...]]:
    """Names that are all different; what has none gets one that no file can hold."""
    found: dict[str, None] = {}
    notes: tuple[Note, ...] = ()
    for at, name in enumerate(names):
        if not name:
            found[f"\x00{at}"] = None
            continue
        new, count = name, 1
        while new in found:
            new, count = f"{name}.{count}", count + 1
        if new != name:
            notes += (Note(Kind.DOUBTFUL, f"two columns are named {name!r}: the second is read as {new!r}"),)
        found[new] = None
    return list(found), notes


def told_apart(frame: pd.DataFrame) -> pd.DataFrame:
    """A column without a name as "", several by where they stand: ``(column 4)``."""
    unnamed = [name for name in frame.columns if name.startswith("\x00")]
    if len(unnamed) == 1:
        return frame.rename(columns={unnamed[0]: ""})
    return frame.rename(columns={name: f"(column {int(name[1:]) + 1})" for name in unnamed})


def _says_nothing(column: pd.Series) -> bool:
    """Whether a column without a name is empty, or only counts the rows."""
    known = column.dropna()
    if known.empty:
        return True
    return (
        pd.api.types.is_integer_dtype(known.dtype)
        and bool((known.diff().dropna() == 1).all())
        and known.iloc[0] in (0, 1)
    )


def _judge_odd_rows(
    rows: list[tuple[int, int, int, str]], frame: pd.DataFrame, first_line: int, name: str, dialect: Dialect
) -> tuple[Note, ...]:
    """Sums below the table are left out; any other row of another width is an error."""
    last = first_line + len(frame) + len(rows) - 1
    footers = 0
    for number, expected, actual, text in rows:
        if actual < expected and number > last - 6 and _FOOTER.search(text):
            footers += 1
            continue
        _refuse_odd_row((number, expected, actual, text), first_line, name, dialect)
    return (
        (Note(Kind.DROPPED, f"{name}: {footers} lines of sums below the table are left out", footers),)
        if footers
        else ()
    )


def _refuse_odd_row(row: tuple[int, int, int, str], first_line: int, name: str, dialect: Dialect) -> None:
    number, expected, actual, text = row
    if actual > expected:
        comma = dialect.separator == "," and re.search(r"\d,\d", text)
        raise DataError(
            f"line {number} of {name} has more cells in a row than in its header ({actual}, not {expected}): "
            + (
                "quote numbers with a decimal comma, or separate the columns by semicolons"
                if comma
                else "give every column a name"
            )
        )
    raise DataError(
        f"line {number} of {name} has {actual} cells where the header has {expected}: {text[:60]!r} is cut short, or no "
        "row of the table; mend or drop it"
    )


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
