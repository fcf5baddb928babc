"""Weather from a table of its own, beside the readings of a meter."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError, nearest
from cblcast.io.align import Rows, usual_step, weather_at
from cblcast.io.files import Table, holds_numbers, numbers, read_table
from cblcast.io.forecast_columns import issue_column
from cblcast.io.instants import to_instants
from cblcast.io.options import ReaderOptions
from cblcast.io.read_report import Kind, ReadReport
from cblcast.io.readings import LOAD, Readings, Series
from cblcast.io.repeats import without_repeats
from cblcast.io.roles import find_site
from cblcast.io.time_columns import read_times


def with_weather(readings: Readings, options: ReaderOptions, clocks: list[str]) -> Readings:
    """The readings with the columns of ``options.weather`` beside them, on their own step.

    Parameters
    ----------
    readings : Readings
        One series for each site.
    options : ReaderOptions
    clocks : list of str
        Zone of the clock of each site, for times without an offset.

    Raises
    ------
    DataError
        Weather of none of the sites, without a column of numbers, with a column that the meter file has too, on a clock
        that nobody knows.
    """
    table = read_table(options.weather, "weather", options.decimal)
    issue = issue_column(table.frame.columns, sure=True)
    if issue is not None:
        raise DataError(
            f"{table.name} says when its rows were issued ({issue!r}), so it holds forecast runs, of which a case may see only "
            "those that had arrived before it: name it under data.forecasts: of a study (product: and file:), or read it with "
            "read_forecasts; as weather: it would show runs that came later"
        )
    columns = {theirs: ours for theirs, ours in (options.columns or {}).items() if theirs in table.frame.columns}
    table = table.renamed(columns)
    times = read_times(table, options.time_format)
    site = find_site(column for column in table.frame.columns if column not in times.columns)
    names = _columns(table, (*times.columns, site), readings)
    code = _codes(table, site, readings.site_ids)
    stamps = times.stamps
    if not stamps.aware and site is None and len(set(clocks)) > 1:
        raise DataError(
            f"{table.name} has times without an offset, and the sites lie in {len(set(clocks))} zones: name the zone "
            "of the clock (clock='UTC')"
        )
    values = {name: numbers(table.frame[name], table).to_numpy() for name in names}
    rows = Rows(code, stamps.us, values, table.frame.index.to_numpy(dtype=np.int64))
    rows, notes = to_instants(rows, stamps, clocks if site is not None else clocks[:1], "start", table.name)
    rows = rows.take(rows.site >= 0)
    n = 1 if site is None else len(readings.site_ids)
    empty = Series(np.arange(n), (LOAD,) * n, (None,) * n, ("weather",) * n, np.zeros(n, dtype=np.int8))
    site_ids = readings.site_ids if site is not None else pd.Index(["every site"])
    weather = Readings(rows, empty, site_ids, "start", None, table.where, ReadReport(table.name))
    rows = without_repeats(weather, options.on_duplicates).rows
    mine = readings.rows
    at = mine.site if site is not None else np.zeros_like(mine.site)
    found = weather_at(rows, at, mine.us, usual_step(mine, readings.report.source))
    report = readings.report.with_notes((*table.notes, *notes)).understanding(
        "weather", f"{', '.join(map(str, names[:8]))} of {table.name} by {times.says}"
    )
    readings = readings.but(rows=Rows(mine.site, mine.us, mine.values | found, mine.source_row), report=report)
    lacking = [name for name, value in found.items() if not np.isfinite(value).any()]
    return readings.noting(
        Kind.MISSING,
        f"{table.name} says nothing of {', '.join(map(repr, lacking))} within the meter's span: check its years and its zone",
        len(lacking),
    )


def _columns(table: Table, taken: tuple[str | None, ...], readings: Readings) -> list[str]:
    names = [
        str(column)
        for column in table.frame.columns
        if column not in taken and column and holds_numbers(table.frame[column], table)
    ]
    if not names:
        raise DataError(
            f"{table.name} has no column of numbers beside the time: give weather columns such as temp_air_c"
        )
    both = [name for name in names if name in readings.rows.values]
    if both:
        raise DataError(
            f"the weather column {both[0]!r} is in {table.name} and in the meter file too: drop one of them, or rename it"
        )
    return names


def _codes(table: Table, site: str | None, site_ids: pd.Index) -> np.ndarray:
    """Position of each row's site; 0 where one series serves all, -1 where the site is none of the meter's."""
    if site is None:
        return np.zeros(len(table.frame), dtype=np.int64)
    code = site_ids.get_indexer(table.frame[site].astype("str")).astype(np.int64)
    if (code < 0).all():
        foreign = str(table.frame[site].iloc[0])
        raise DataError(
            f"{table.name} has weather for none of the sites (e.g. {foreign!r}): {nearest(foreign, map(str, site_ids))}"
        )
    return code
