"""Files of forecast runs: long tables of issue, instant, site and member become the runs of one product."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from cblcast.frames.forecast_runs import ForecastRuns
from cblcast.frames.instants import stamp
from cblcast.frames.known import run_begins
from cblcast.frames.outlook import Outlook
from cblcast.frames.panel import Panel
from cblcast.frames.run_layout import lay_out
from cblcast.frames.schema import DataError, DataWarning
from cblcast.io.files import numbers, read_table
from cblcast.io.forecast_columns import ForecastRoles, find_forecast_roles
from cblcast.io.forecast_members import of_members
from cblcast.io.forecast_options import ForecastOptions
from cblcast.io.forecast_rows import LongRuns, blocks_of, of_member, sorted_rows, together, without_repeats
from cblcast.io.forecast_times import read_run_times
from cblcast.io.forecast_values import at_centres, weather_of
from cblcast.io.read_report import Kind, Note, ReadReport
from cblcast.io.speed_beside_measured import looks_like_other_unit

DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000
OneSource: TypeAlias = str | Path | pd.DataFrame
Source: TypeAlias = OneSource | Sequence[OneSource] | Mapping[str, OneSource]


def read_forecasts(source: Source, product: str, **options: Any) -> ForecastRuns:
    """The runs of one forecast product.

    Parameters
    ----------
    source : path or DataFrame, several of them, or a mapping site -> path or DataFrame
        Long: ``issue_time``, ``valid_time`` (or ``lead_h``, hours after the issue), weather columns with their unit in the name;
        ``site_id`` where the sites differ, ``member`` of an ensemble, ``available_at`` where runs arrive irregularly.
    product : str
        Name of the product; the columns of the panel are called ``<product>_<column>``.
    **options
        Fields of :class:`~cblcast.io.forecast_options.ForecastOptions`: ``delay_h``, ``columns``, ``clock``, ``values``, ``stamp`` …

    Returns
    -------
    ForecastRuns
        Give it to :func:`with_forecasts`.

    Raises
    ------
    DataError
        Naming the line: a time that is missing or has no zone, a run issued after its instant, two different values of one
        instant, an arrival before the issue.
    StudyError
        An option that there is not.

    Warns
    -----
    DataWarning
        Speeds that no wind has, sums over time (left out), speeds that look like knots.
    """
    runs, report = read_forecasts_told(source, ForecastOptions.of(product, options))
    report.tell()
    return runs


def read_forecasts_told(source: Source, options: ForecastOptions) -> tuple[ForecastRuns, ReadReport]:
    """As :func:`read_forecasts`, with the report, and without telling it."""
    if isinstance(source, Mapping):
        parts = [_read(one, options, str(site)) for site, one in source.items()]
    else:
        several = [source] if isinstance(source, (str, Path, pd.DataFrame)) else list(source)
        parts = [_read(one, options, None) for one in several]
    if not parts:
        raise DataError(f"no file of the forecasts {options.product} was given: name at least one")
    report = ReadReport(parts[0][0].name, "forecasts").with_notes(dict.fromkeys(n for _, notes in parts for n in notes))
    whole = together([part for part, _ in parts], options)
    if options.members != "mean":
        whole = of_member(whole, options.members, options.product)
    sites, block = blocks_of(whole)
    rows, member = sorted_rows(whole, block)
    rows, member, notes = without_repeats(rows, member, whole.name, sites)
    report = report.with_notes(notes)
    rows, notes = of_members(rows, member, options)
    report = report.with_notes(notes)
    if options.values == "means":
        rows = at_centres(rows, str(options.stamp))
    rows, nearest, notes = weather_of(rows, options, whole.name)
    gap = None if options.max_gap_h is None else round(options.max_gap_h * HOUR_US)
    runs = lay_out(rows, options.product, sites, max_gap_us=gap, nearest=nearest, read_as=options.given)
    names = ", ".join(list(runs.columns)[:6])
    report = report.with_notes(notes).understanding(
        "forecasts",
        f"{len(runs.issued_us)} runs of {options.product}, a value every {runs.step_us / HOUR_US:g} h, {names}",
    )
    return runs, report


def with_forecasts(panel: Panel, *runs: ForecastRuns) -> Panel:
    """The panel with forecast runs beside its columns; each case sees the newest run that had arrived before its origin.

    Raises
    ------
    DataError
        A site without forecasts, a column that is there already, runs that do not reach into the panel's span.

    Warns
    -----
    DataWarning
        Days on which a site has no forecast at all; a wind that is as many times the farm's own as another unit makes it.
    """
    made = replace(panel, runs=(*panel.runs, *runs))
    for one in runs:
        for sentence in (_days_without(made, one), looks_like_other_unit(made, one)):
            if sentence:
                warnings.warn(sentence, DataWarning, stacklevel=2)
    return made


def _days_without(panel: Panel, runs: ForecastRuns) -> str:
    """One sentence of the days on which a site had no forecast; a :class:`DataError` where there is none at all."""
    site = np.asarray(panel.data.index.codes[0], dtype=np.int64)
    seen = Outlook(panel, site, panel.times_us, panel.times_us).value(runs.columns[0])
    known = np.isfinite(seen)
    if not known.any():
        last = runs.issued_us.max() + runs.last_lead_us
        raise DataError(
            f"the forecasts of {runs.product} ({stamp(runs.issued_us.min())} to {stamp(last)}) say nothing of {runs.columns[0]!r} within "
            f"the panel's span ({stamp(panel.times_us.min())} to {stamp(panel.times_us.max())}): check their years and their zone"
        )
    day = panel.times_us // DAY_US
    first = run_begins(site, day)
    of = np.cumsum(first) - 1
    lacking = np.flatnonzero(np.bincount(of, weights=known) == 0)
    if not len(lacking):
        return ""
    at = np.flatnonzero(first)[lacking]
    place = panel.site_ids[site[at[0]]]
    return (
        f"{runs.product} has no forecast on {len(lacking)} of {len(np.flatnonzero(first))} site-days, e.g. for {place!r} on "
        f"{stamp(panel.times_us[at[0]]):%Y-%m-%d}: what reads it has no value there"
    )


def _read(source: OneSource, options: ForecastOptions, site: str | None) -> tuple[LongRuns, tuple[Note, ...]]:
    table = read_table(source, "forecast", options.decimal)
    if table.frame.empty:
        raise DataError(f"{table.name} has no rows")
    table = table.renamed(options.columns)
    roles = find_forecast_roles(table)
    if site is not None and roles.site is not None:
        raise DataError(
            f"{table.name} is given for site {site!r} and has a column {roles.site!r} itself: give it once for all sites"
        )
    values = {name: numbers(table.frame[name], table).to_numpy() for name in roles.weather}
    times = read_run_times(table, roles, options)
    notes = [*table.notes]
    if roles.passed_over:
        notes.append(
            Note(
                Kind.GUESSED,
                f"{', '.join(map(repr, roles.passed_over[:5]))} of {table.name} hold no numbers and are left out",
            )
        )
    return LongRuns(_sites(table.frame, roles, site), times, _members(table.frame, roles), values, table.name), tuple(
        notes
    )


def _sites(frame: pd.DataFrame, roles: ForecastRoles, site: str | None) -> np.ndarray | None:
    if site is not None:
        return np.full(len(frame), site, dtype=object)
    if roles.site is None:
        return None
    column = frame[roles.site]
    if column.isna().any():
        raise DataError(
            f"{int(column.isna().sum())} rows of {roles.site!r} name no site: fill the site in, or drop the rows"
        )
    codes, names = pd.factorize(column)
    return pd.Index(names).astype("str").to_numpy(dtype=object)[codes]


def _members(frame: pd.DataFrame, roles: ForecastRoles) -> np.ndarray | None:
    return None if roles.member is None else frame[roles.member].astype("str").to_numpy(dtype=object)
