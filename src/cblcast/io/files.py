"""Tables from files: CSV and Parquet become a frame that still knows its name and its line numbers."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cblcast.frames.schema import DataError, nearest

CSV_SUFFIXES = (".csv", ".csv.gz", ".txt", ".tsv")
PARQUET_SUFFIXES = (".parquet", ".pq")
# What files call the site; such columns are read as text.
SITE_NAMES = (
    "site_id",
    "site",
    "meter_id",
    "meter",
    "building_id",
    "building",
    "customer_id",
    "household_id",
    "lclid",
    "nmi",
)


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
    """

    frame: pd.DataFrame
    name: str
    stem: str = "site"
    first_line: int | None = None

    def where(self, row: int) -> str:
        """``line 17 of meter.csv`` or ``row 15 of the frame``, for the row with this number in the index."""
        if self.first_line is None:
            return f"row {row} of {self.name}"
        return f"line {row + self.first_line} of {self.name}"

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
        return Table(frame, self.name, self.stem, self.first_line)


def read_table(source: str | Path | pd.DataFrame, what: str, decimal: str | None = None) -> Table:
    """A CSV file (plain or gzip), a Parquet file or a frame as a :class:`Table`.

    Separator (``,`` ``;`` tab ``|``) and, unless `decimal` is given, the decimal sign of a CSV are taken from its first
    lines. Text stays text, so that a site named ``007`` keeps its zeros.

    Raises
    ------
    DataError
        No such file, an unknown suffix, an empty or unreadable file.
    """
    if decimal not in (None, ".", ","):
        raise DataError(f"decimal is '.' or ',', not {decimal!r}")
    if isinstance(source, pd.DataFrame):
        return Table(_numbered(source), f"the {what} frame")
    path = Path(source)
    suffix = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob("*") if p.is_file()) if path.parent.is_dir() else []
        hint = nearest(path.name, beside) if beside else f"there is no folder {path.parent}"
        raise DataError(f"there is no {what} file {path}: {hint}")
    stem = path.name[: len(path.name) - len(suffix)]
    try:
        if suffix in PARQUET_SUFFIXES:
            return Table(_numbered(_read_parquet(path)), path.name, stem)
        if suffix in CSV_SUFFIXES:
            return Table(_read_csv(path, decimal), path.name, stem, first_line=2)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.name} is not UTF-8 text (byte {error.start}): save it as UTF-8, or as Parquet"
        ) from error
    except (OSError, EOFError, ValueError) as error:  # what pandas, pyarrow and gzip raise for a broken file
        raise DataError(
            f"{path.name} cannot be read as {suffix[1:]} ({_one_line(error)}): write the file again"
        ) from error
    raise DataError(
        f"{path.name} is neither CSV nor Parquet by its suffix: use one of {', '.join(CSV_SUFFIXES + PARQUET_SUFFIXES)}"
    )


def numbers(column: pd.Series, table: Table) -> pd.Series:
    """`column` as float64; text that is no number is a :class:`DataError` naming its line."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype("float64")
    found = pd.to_numeric(column, errors="coerce").astype("float64")
    wrong = column.notna() & found.isna()
    if wrong.any():
        row = int(wrong.index[wrong.to_numpy().argmax()])
        raise DataError(
            f"{table.where(row)}: {column.name!r} is {str(column.loc[row])!r}, not a number ({int(wrong.sum())} such rows): "
            "leave a cell empty where nothing was metered, and write 1234.5 without a thousands separator"
        )
    return found


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

    # A site's name stands on each of its rows; as codes it costs a fraction of the time and memory.
    named = [
        field.name
        for field in pq.read_schema(path)
        if field.name.lower() in SITE_NAMES and pa.types.is_string(field.type)
    ]
    return pd.read_parquet(path, read_dictionary=named)


def _read_csv(path: Path, decimal: str | None) -> pd.DataFrame:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig") as file:
        head = [file.readline() for _ in range(20)]
    if not head[0].strip():
        raise DataError(f"{path.name} is empty or has no header in its first line: name the columns there")
    separator = max(",;\t|", key=head[0].count)
    comma = separator != "," and any(re.search(r"\d,\d", line) and not re.search(r"\d\.\d", line) for line in head[1:])
    header = pd.read_csv(path, sep=separator, nrows=0, encoding="utf-8-sig").columns
    text = {name: "str" for name in header if str(name).strip().lower() in SITE_NAMES}
    frame = pd.read_csv(
        path,
        sep=separator,
        decimal=decimal or ("," if comma else "."),
        encoding="utf-8-sig",
        dtype=text,
        skip_blank_lines=False,
        low_memory=False,
    )
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(f"{path.name} has more cells in a row than in its header: give every column a name")
    frame.columns = [str(name).strip() for name in frame.columns]
    frame = frame.dropna(how="all")  # keeps the numbers of the other rows, hence their lines
    if frame.empty:
        raise DataError(f"{path.name} has a header but no rows")
    return frame


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
