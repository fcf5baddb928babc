"""Which column of a meter table is what: site, load, both directions, weather and what else stands beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from cblcast.frames.schema import OBSERVED, DataError
from cblcast.io.day_matrix import HOURS
from cblcast.io.files import Table, holds_numbers
from cblcast.io.names import (
    BLIND_WORDS,
    DELIVERED_WORDS,
    DIAL_WORDS,
    EXPORT_WORDS,
    GIVEN_WORDS,
    IMPORT_WORDS,
    LOAD_WORDS,
    RECEIVED_WORDS,
    SITE_NAMES,
    TAKEN_WORDS,
    UNIT_WORDS,
    fold,
    is_site,
    obis_quantity,
    stem,
)
from cblcast.io.read_report import Kind, Note
from cblcast.io.readings import EXPORT, IMPORT, LOAD
from cblcast.io.site_table import SITE_NUMBERS, SITE_TEXT
from cblcast.io.units import UNITS, Unit, unit_in_name, without_unit
from cblcast.io.weather_names import Column, Company, classify

SITE_COLUMNS = SITE_TEXT + SITE_NUMBERS


@dataclass(frozen=True)
class Metered:
    """A column that is metered: its name, what it counts, its unit where the file says one."""

    column: str
    quantity: str
    unit: Unit | None
    name: str


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are.

    Attributes
    ----------
    site : str or None
        The column that names the site.
    metered : tuple of Metered
        In a wide table, one for each site.
    beside : tuple of str
        Numbers that stand beside the load, weather and flags, for a long table each row's own, for a wide one all sites'.
    wide : bool
    notes : tuple of Note
    """

    site: str | None
    metered: tuple[Metered, ...]
    beside: tuple[str, ...]
    wide: bool
    notes: tuple[Note, ...] = ()


def find_site(columns: Iterable[str]) -> str | None:
    """The column that says whose reading a row is, the clearest name first."""
    folded = {fold(column): str(column) for column in reversed(list(columns))}
    return next((folded[fold(name)] for name in SITE_NAMES if fold(name) in folded), None)


def find_roles(table: Table, times: tuple[str, ...], layout: str, original: Mapping[str, str]) -> Roles:
    """The roles of a table's columns.

    Parameters
    ----------
    table : Table
    times : tuple of str
        Columns that say when.
    layout : {"auto", "long", "wide"}
        ``auto``: long where a site column or one metered column can be told by its name, else wide.
    original : mapping
        Our name → foreign name, for columns that were renamed.

    Raises
    ------
    DataError
        No metered column, or several that may be it; a column that may be a customer or weather.
    """
    if layout not in ("auto", "long", "wide"):
        raise DataError(f"layout is 'auto', 'long' or 'wide', not {layout!r}")
    site = find_site(
        column for column in table.frame.columns if column not in times and not _is_measure(table.frame[column])
    )
    others = [str(column) for column in table.frame.columns if column not in (*times, site)]
    metered = [column for column in (OBSERVED, HOURS) if column in others][:1]
    both = {} if metered else _both_directions(others)
    metered = metered or [column for column in others if _is_load(column)]
    if layout == "wide" or (layout == "auto" and site is None and not metered and not both):
        if site is not None:
            raise DataError(f"{table.name} has a site column {site!r}, so it is not wide: drop layout='wide'")
        return _wide(table, others)
    if both:
        chosen = tuple(_metered(table, column, quantity, original) for column, quantity in both.items())
    else:
        chosen = (_metered(table, _the_load(table, metered, others), LOAD, original),)
    return _long(table, site, chosen, others)


def _is_measure(column: pd.Series) -> bool:
    """Whether a column holds numbers with fractions, as no name of a site does."""
    if not pd.api.types.is_float_dtype(column.dtype):
        return False
    known = column.dropna()
    return bool((known != known.round()).any())


def _is_load(column: str) -> bool:
    """Whether a name is one of a load, with its unit or without."""
    return _bare(column) in LOAD_WORDS or stem(column) in LOAD_WORDS


def _bare(column: str) -> str:
    """A folded name without its unit, and without the ``in`` before that; a feed-in keeps its own."""
    name = stem(without_unit(column))
    return name if name in EXPORT_WORDS else name.removesuffix(" in")


def _both_directions(columns: list[str]) -> dict[str, str]:
    """Columns of what is taken from the grid and given to it, if there is one of each."""
    taken = [column for column in columns if _bare(column) in IMPORT_WORDS]
    given = [column for column in columns if _bare(column) in EXPORT_WORDS]
    if not taken and not given:  # as a utility sees it: delivered to the customer, received from it
        taken = [column for column in columns if _bare(column) in DELIVERED_WORDS]
        given = [column for column in columns if _bare(column) in RECEIVED_WORDS]
        taken, given = (taken, given) if taken and given else ([], [])
    if not taken and not given:  # as other makers put it
        given = [column for column in columns if directed(column) == EXPORT]
        taken = [column for column in columns if directed(column) == IMPORT]
        if given and not taken:
            taken = [column for column in columns if column not in given and set(stem(column).split()) & LOAD_WORDS]
        taken, given = (taken, given) if len(taken) == len(given) == 1 else ([], [])
    if not given:
        return {taken[0]: IMPORT} if len(taken) == 1 and not any(_is_load(column) for column in columns) else {}
    if not taken:
        taken = [column for column in columns if _is_load(column)]
    return {taken[0]: IMPORT, given[0]: EXPORT} if len(taken) == 1 and len(given) == 1 else {}


def directed(column: str) -> str | None:
    """The direction that the words of a name say, for a column of active energy or power."""
    code = obis_quantity(column)
    if code is not None:
        return IMPORT if code == "1" else EXPORT
    there = set(stem(without_unit(column)).split())
    if there & BLIND_WORDS:
        return None
    if there & GIVEN_WORDS:
        return EXPORT
    return IMPORT if there & TAKEN_WORDS else None


def _the_load(table: Table, metered: list[str], others: list[str]) -> str:
    if not metered:
        metered = [column for column in others if unit_in_name(column)]
    if len(metered) > 1:  # a dial or a register may stand beside the power
        metered = [column for column in metered if stem(column) not in DIAL_WORDS] or metered
    if len(metered) > 1:
        metered = [column for column in metered if (unit := unit_in_name(column)) and not unit.energy] or metered
    if not metered:
        free = [
            c
            for c in others
            if c not in SITE_COLUMNS and stem(c) not in UNIT_WORDS and holds_numbers(table.frame[c], table)
        ]
        kinds = classify(free)
        metered = [column for column in free if kinds[column] is Column.CUSTOMER]
    if len(metered) != 1:
        counted = [column for column in others if holds_numbers(table.frame[column], table)]
        if not counted and OBSERVED not in others:
            raise DataError(f"{table.name} has no column of numbers beside its times: is it a meter file?")
        first = (metered or counted or others)[0]
        which = f"could be any of {', '.join(map(repr, metered))}" if metered else "cannot be told by its name"
        raise DataError(
            f"the metered column of {table.name} {which}: map it "
            f"(columns={{'{first}': 'observed_kw'}}; --columns '{first}=observed_kw')"
        )
    return metered[0]


def _metered(table: Table, column: str, quantity: str, original: Mapping[str, str]) -> Metered:
    name = original.get(column, column)
    unit = None if name == OBSERVED else unit_in_name(name)
    return Metered(column, quantity, unit or (None if name == OBSERVED else _unit_beside(table)), name)


def _unit_beside(table: Table) -> Unit | None:
    """The unit in a column of its own; a :class:`DataError` where it changes from row to row."""
    column = next((str(c) for c in table.frame.columns if stem(str(c)) in UNIT_WORDS), None)
    if column is None:
        return UNITS.get((table.unit or "").lower())
    units = [str(unit).strip().lower() for unit in table.frame[column].dropna().unique()]
    known = [unit for unit in units if unit in UNITS]
    if len(known) > 1:
        raise DataError(
            f"{table.name} counts in {' and '.join(known)} by its column {column!r}: split it, one unit a file"
        )
    return UNITS[known[0]] if known else None


def _long(table: Table, site: str | None, metered: tuple[Metered, ...], others: list[str]) -> Roles:
    taken = {part.column for part in metered}
    free = [
        column
        for column in others
        if column not in taken
        and column not in SITE_COLUMNS
        and stem(column) not in UNIT_WORDS
        and not table.frame[column].isna().all()
    ]
    text = [column for column in free if column == "" or not holds_numbers(table.frame[column], table)]
    beside = tuple(column for column in free if column not in text and not is_site(column))
    return Roles(site, metered, beside, wide=False, notes=_left_out(table, [column for column in text if column]))


def _left_out(table: Table, text: list[str]) -> tuple[Note, ...]:
    if not text:
        return ()
    return (Note(Kind.DROPPED, f"{table.name}: the text columns {', '.join(map(repr, text))} are left out", len(text)),)


def _wide(table: Table, others: list[str]) -> Roles:
    named = [column for column in others if column]
    text = [column for column in named if not holds_numbers(table.frame[column], table)]
    kinds = classify(column for column in named if column not in text)
    unclear = [column for column, kind in kinds.items() if kind is Column.UNCLEAR]
    if unclear:
        first = unclear[0]
        raise DataError(
            f"{table.name}: {', '.join(map(repr, unclear))} may be a customer or weather: say which by its name, "
            f"columns={{{first!r}: '{fold(first).replace(' ', '_')}_kw'}} for a load, {{{first!r}: 'temp_air_c'}} for weather "
            "(--columns THEIRS=ours)"
        )
    customers = sorted(column for column, kind in kinds.items() if kind is Column.CUSTOMER)
    if not customers:
        raise DataError(
            f"{table.name} has no metered column beside {', '.join(map(repr, others[:8])) or 'the time'}: "
            "map one (columns={'Load': 'observed_kw'})"
        )
    beside = tuple(column for column, kind in kinds.items() if kind in (Column.WEATHER, Column.CALENDAR))
    other = [column for column, kind in kinds.items() if kind is Column.OTHER]
    notes = _left_out(table, text)
    if other:
        notes += (
            Note(
                Kind.DROPPED,
                f"{table.name}: {', '.join(map(repr, other))} are no powers or energies, and left out",
                len(other),
            ),
        )
    gives = [column for column in customers if directed(column) == EXPORT]
    if gives:
        notes += (
            Note(
                Kind.DOUBTFUL,
                f"{table.name}: {', '.join(map(repr, gives[:4]))} is a customer of its own by its place, but given to the grid by "
                "its name: write a site of both directions with columns of import and export, a row for each site and time",
                len(gives),
            ),
        )
    company = Company.of(kinds)
    metered = tuple(
        Metered(column, LOAD, None if company.ends_like(column) else unit_in_name(column), column)
        for column in customers
    )
    return Roles(None, metered, beside, wide=True, notes=notes)
