"""How the readings of a Parquet file are laid out, told by its schema alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cblcast.errors import DataError, nearest
from cblcast.frames.schema import OBSERVED, SITE, TIME
from cblcast.io.files import list_of_loads
from cblcast.io.units import UNITS, Unit, unit_in_name
from cblcast.io.weather_names import Column, classify

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["long", "days", "wide"]
DATE = "date"
VALUES = (OBSERVED, "kw")  # what the load is called, the first that is there
KW = UNITS["kw"]


@dataclass(frozen=True)
class Layout:
    """Where site, time and load stand in the files of a store.

    Attributes
    ----------
    kind : {"long", "days", "wide"}
        A row for each reading; a row for each site and local day with the list of its loads; a column for each site.
    site : str
        Column of the sites, "" in a wide store.
    when : str
        Column of the times (start of the interval, with a zone) or of the local dates.
    value : str
        Column of the load, "" in a wide store.
    unit : Unit
        What the load is counted in.
    beside : tuple of str
        Further columns with numbers, such as weather.
    renamed : mapping
        Foreign name → ours.
    names : str
        What the sites' column holds, which must not differ between files: "text" or "whole numbers".
    """

    kind: Kind
    site: str
    when: str
    value: str
    unit: Unit = KW
    beside: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    names: str = "text"

    def ours(self, column: str) -> str:
        """The name under which a column of the files goes to a panel."""
        return OBSERVED if column == self.value else self.renamed.get(column, column)


def layout_of(
    schema: pa.Schema, name: str, beside_path: Iterable[str] = (), columns: Mapping[str, str] | None = None
) -> Layout:
    """The layout of a file.

    Parameters
    ----------
    schema : pyarrow.Schema
    name : str
        What an error calls the file.
    beside_path : iterable of str
        Columns that folders name (``site_id=A17/…``).
    columns : mapping, optional
        Foreign name → ours.

    Raises
    ------
    DataError
        Columns that fit no layout, times without a zone, a load in no unit of power or energy.
    """
    renamed = dict(columns or {})
    foreign = {ours: theirs for theirs, ours in renamed.items() if theirs in schema.names}
    known = [*schema.names, *beside_path]
    site, time, date = (foreign.get(ours, ours) for ours in (SITE, TIME, DATE))
    if date in known and site in known:
        lists = [column.name for column in schema if _is_list(column.type)]
        value = _value(lists, name, foreign, "list of numbers")
        return Layout("days", site, date, value, _unit(value, renamed), (), renamed, _names(schema, site))
    if time not in schema.names:
        raise DataError(
            f"{name} has the columns {', '.join(schema.names[:8])}{' …' if len(schema.names) > 8 else ''}, and a store has "
            f"{SITE}, {TIME} and the load (long), {SITE}, {DATE} and a list of loads (days), or {TIME} and a column for each "
            "site (wide): name them by columns, or convert it (cblcast data convert)"
        )
    _check_times(schema.field(time).type, time, name)
    numeric = [column.name for column in schema if _is_number(column.type) and column.name not in (site, time)]
    if site in known:
        value = _value(numeric, name, foreign, "number")
        beside = tuple(column for column in numeric if column != value)
        return Layout("long", site, time, value, _unit(value, renamed), beside, renamed, _names(schema, site))
    if not numeric:
        raise DataError(f"{name} has times, but no column of numbers: a wide store has one for each site")
    sites = site_columns(schema, time)
    other = next((column for column in sites if (unit_in_name(column) or KW) != KW), None)
    if other is not None:
        raise DataError(
            f"{name}: column {other!r} is in {unit_in_name(other).name}, and a wide store holds kW: convert it "  # type: ignore[union-attr]
            "(cblcast data convert)"
        )
    return Layout("wide", "", time, "", KW, tuple(column for column in numeric if column not in sites), renamed)


def has_day_rows(path: Path) -> bool:
    """Whether a Parquet file has day rows; of anything else whoever reads it says what is wrong."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list_of_loads(pq.read_schema(path)) is not None
    except (OSError, pa.ArrowException):
        return False


def site_columns(schema: pa.Schema, time: str) -> tuple[str, ...]:
    """The columns of a wide file that are sites: numbers that are no weather, no calendar, no other quantity."""
    told = classify(column.name for column in schema if _is_number(column.type) and column.name != time)
    return tuple(column for column, kind in told.items() if kind in (Column.CUSTOMER, Column.UNCLEAR))


def _value(candidates: list[str], name: str, foreign: Mapping[str, str], what: str) -> str:
    """The column of the load: under our name, else the only one whose name ends in a unit."""
    if foreign.get(OBSERVED) in candidates:
        return foreign[OBSERVED]
    ours = next((column for column in VALUES if column in candidates), None)
    if ours is not None:
        return ours
    units = [column for column in candidates if unit_in_name(column) is not None]
    if len(units) == 1:
        return units[0]
    told = f"known are {', '.join(candidates[:8])}" if candidates else f"it has no column that is a {what}"
    raise DataError(
        f"{name} does not say which column is the load ({told}): call it {OBSERVED}, or name it by columns "
        f"({{'THEIRS': '{OBSERVED}'}})"
    )


def _unit(value: str, renamed: Mapping[str, str]) -> Unit:
    return (None if renamed.get(value) == OBSERVED else unit_in_name(value)) or KW


def _names(schema: pa.Schema, site: str) -> str:
    import pyarrow.types as types

    kind = schema.field(site).type if site in schema.names else None  # else folders name it
    if kind is not None and types.is_dictionary(kind):
        kind = kind.value_type
    return "whole numbers" if kind is not None and types.is_integer(kind) else "text"


def _check_times(kind: pa.DataType, column: str, name: str) -> None:
    import pyarrow.types as types

    if not types.is_timestamp(kind):
        raise DataError(f"{name}: {column!r} holds {kind}, not times: write timestamps in UTC")
    if kind.tz is None:
        raise DataError(f"{name} has times without a zone: write them as UTC instants")


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    return types.is_floating(kind) or types.is_integer(kind)


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    listed = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return listed and _is_number(kind.value_type)


def difference(one: Layout, other: Layout) -> str:
    """What differs between the layouts of two files of one store, "" where they read alike."""
    for what, first, second in (
        ("layout", one.kind, other.kind),
        ("column of the sites", one.site, other.site),
        ("kind of site ids", one.names, other.names),
        ("column of the times", one.when, other.when),
        ("column of the load", one.value, other.value),
        ("unit", one.unit.name, other.unit.name),
    ):
        if first != second:
            return f"its {what} is {second!r}, not {first!r}"
    return ""


def require_beside(columns: Iterable[str], layout: Layout, name: str) -> tuple[str, ...]:
    """The files' own names of some columns beside the load; an unknown one is a :class:`DataError`."""
    theirs = {layout.ours(column): column for column in layout.beside}
    for column in columns:
        if column not in theirs and column != OBSERVED:
            raise DataError(f"{name} has no column {column!r} beside the load: {nearest(column, theirs)}")
    return tuple(theirs[column] for column in columns if column != OBSERVED)
