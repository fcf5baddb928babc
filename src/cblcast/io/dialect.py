"""How a text table is written, from its first lines: encoding, separator, header line, decimal sign."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass

from cblcast.frames.schema import DataError
from cblcast.io.names import END_WORDS, TIME_WORDS, UNIT_WORDS, stem
from cblcast.io.opened import HEAD

SEPARATORS = ",;\t|"
LINES = 200  # so many lines tell how a file is written
MOST_PREFACE = 60  # and the header is within the first so many
_NUMBER = re.compile(r"^[+-]?\d[\d.,' \u00a0\u202f]*$")
_COMMA = re.compile(r"^[+-]?\d+,\d+$")
_COMMA_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
_POINT = re.compile(r"^[+-]?\d*\.\d+$")
_POINT_GROUPS = re.compile(r"^[+-]?[1-9]\d{0,2}\.\d{3}$")
_UNIT_CELL = re.compile(
    r"^[\[(]?\s*(k|m|g)?(w|wh|var|va|v)\s*[\])]?$|^[\[(]?\s*(°?[cf]|%|hpa|m/s|mm|w/m2|w/m²|utc|local|mez|cet)\s*[\])]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dialect:
    """How a text table is written.

    Attributes
    ----------
    encoding : str
    guessed_encoding : bool
        Whether the text is not UTF-8, and the encoding a guess.
    separator : str
    header : int
        Line of the header, counted from 0.
    names : tuple of str
        As many as a row has cells; ``""`` where the header has none.
    body : int
        Line of the first row.
    decimal : str
    groups : bool
        Whether points may stand between thousands, so that no number may be taken as it stands.
    unit : str, optional
        What the lines above the header call the unit.
    """

    encoding: str
    guessed_encoding: bool
    separator: str
    header: int
    names: tuple[str, ...]
    body: int
    decimal: str
    groups: bool = False
    unit: str | None = None


def dialect_of(head: bytes, name: str) -> Dialect:
    """The dialect of a text table.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.
    name : str
        What an error calls the file.

    Raises
    ------
    DataError
        An empty file, no header, binary data.
    """
    encoding, guessed = _encoding(head, name)
    text = head.decode(encoding, errors="ignore").lstrip("\ufeff")
    lines = text.splitlines()[:LINES]
    if len(lines) > 1 and len(lines) < LINES and not text.endswith(("\n", "\r")) and len(head) >= HEAD:
        lines = lines[:-1]  # the last one is cut
    if not "".join(lines[: 4 * MOST_PREFACE]).strip():
        raise DataError(f"{name} is empty or has no header in its first line: name the columns there")
    separator = _separator(lines)
    cells = [_split(line, separator) for line in lines]
    header = _header(cells, name)
    unit = _unit_above(cells[:header])
    names = list(cells[header])
    body = header + 1
    if body + 1 < len(cells) and _is_unit_row(cells[body]):
        names = [f"{a} [{b.strip('[]() ')}]" if b.strip() else a for a, b in zip(names, cells[body], strict=False)]
        body += 1
    rows = [row for row in cells[body:] if any(cell.strip() for cell in row)]
    width = Counter(len(row) for row in rows).most_common(1)[0][0] if rows else len(names)
    if width == len(names) + 1 and all(not row[-1].strip() for row in rows if len(row) == width):
        names.append("")  # every row ends in a separator, the header does not
    decimal, groups = _decimal(rows, separator)
    return Dialect(
        encoding, guessed, separator, header, tuple(part.strip() for part in names), body, decimal, groups, unit
    )


def _encoding(head: bytes, name: str) -> tuple[str, bool]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return encoding, False
    if b"\x00" in head[:4096]:
        raise DataError(f"{name} is not UTF-8 text (it holds zero bytes): save it as CSV in UTF-8, or as Parquet")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a letter cut at the end is no error
    except UnicodeDecodeError:
        return "cp1252", True
    return "utf-8", False


def _split(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a cell beyond what the module takes
        return line.split(separator)


def _separator(lines: list[str]) -> str:
    """The sign that cuts most lines into the same number of cells, more than one."""
    some = [line for line in lines if line.strip()]
    best, found = (0.0, 0), ","
    for separator in SEPARATORS:
        count, times = Counter(len(_split(line, separator)) for line in some).most_common(1)[0]
        # Commas within numbers cut as regularly as a true separator does: the header tells them apart.
        score = (times / len(some) if count > 1 else 0.0, count)
        if score[0] > best[0] + 0.02 or (
            abs(score[0] - best[0]) <= 0.02 and count > 1 and separator != "," and _beats(some, separator, found)
        ):
            best, found = score, separator
    return found


def _beats(lines: list[str], separator: str, other: str) -> bool:
    """Whether `separator` stands in the header, which `other` cuts no further."""
    header = next((line for line in lines if separator in line), "")
    return len(_split(header, separator)) > len(_split(header, other))


def _header(cells: list[list[str]], name: str) -> int:
    """The first line that names columns: one with a known time above a value, else the first without values."""
    there = [at for at, row in enumerate(cells) if any(cell.strip() for cell in row)]
    if not there:
        raise DataError(f"{name} is empty or has no header in its first line: name the columns there")
    usual = Counter(len(cells[at]) for at in there).most_common(1)[0][0]
    found: list[int] = []
    for at, below in zip(there, [*there[1:], None], strict=True):
        if at >= MOST_PREFACE:
            break
        if below is not None and _is_unit_row(cells[below]):
            below = next((later for later in there if later > below), None)
        under = [] if below is None else cells[below]
        for column, cell in enumerate(cells[at]):
            # A header without rows is a header too: what it lacks is told later.
            if _names_a_time(cell) and (below is None or (column < len(under) and _has_digit(under[column]))):
                found.append(at)
                break
    if found:  # a preface may be a table too, of another width than the rows
        return next((at for at in found if abs(len(cells[at]) - usual) <= 1), found[0])
    widest = max(len(cells[at]) for at in there)
    for at in there[:MOST_PREFACE]:
        words = [cell for cell in cells[at] if cell.strip()]
        if not any(_is_value(cell) for cell in words) and (len(cells[at]) > 1 or widest == 1):
            return at
    raise DataError(
        f"{name} is empty or has no header in its first line, which begins {', '.join(cells[there[0]])[:60]!r}: "
        "name the columns there, e.g. time and load_kw"
    )


def _unit_above(cells: list[list[str]]) -> str | None:
    """The unit that a preface names, in the cell beneath or beside the word."""
    for at, row in enumerate(cells):
        for column, cell in enumerate(row):
            if stem(cell) not in UNIT_WORDS:
                continue
            beside = row[column + 1 : column + 2] + [
                below[column] for below in cells[at + 1 : at + 2] if column < len(below)
            ]
            unit = next((text.strip() for text in beside if _UNIT_CELL.match(text.strip())), None)
            if unit is not None:
                return unit.strip("[]() ")
    return None


def _names_a_time(cell: str) -> bool:
    return not _is_value(cell) and (stem(cell) in TIME_WORDS or stem(cell) in END_WORDS)


def _has_digit(cell: str) -> bool:
    return any(letter.isdigit() for letter in cell)


def _is_value(cell: str) -> bool:
    text = cell.strip()
    return bool(re.match(r"^[+-]?[\d.,:/' -]*\d[\d.,:/' TZ+-]*([AaPp]\.?[Mm]\.?)?$", text)) and bool(
        re.search(r"[.:/,-]|^\d{5,}$", text)
    )


def _is_unit_row(row: list[str]) -> bool:
    there = [cell for cell in row if cell.strip()]
    return bool(there) and all(_UNIT_CELL.match(cell.strip()) for cell in there)


def _decimal(rows: list[list[str]], separator: str) -> tuple[str, bool]:
    """Decimal sign of most numbers; and whether points look like thousands."""
    numbers = [cell.strip() for row in rows for cell in row if _NUMBER.match(cell.strip())]
    comma = sum(bool(_COMMA.match(number)) and not _COMMA_THOUSANDS.match(number) for number in numbers)
    comma_or_group = sum(bool(_COMMA.match(number)) for number in numbers)
    point = [number for number in numbers if _POINT.match(number)]
    if separator == ",":
        # Quoted cells may still hold commas: 1,5 is a decimal comma; 1,840 alone is taken for thousands.
        return ("," if comma > 0 and not point else "."), False
    if comma or (comma_or_group and not point):
        return ",", False
    grouped = bool(point) and all(_POINT_GROUPS.match(number) for number in point)
    return ".", grouped
