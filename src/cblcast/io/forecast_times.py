"""When forecasts were issued, when they arrived, and which instants they are of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.instants import stamp
from cblcast.frames.schema import DataError
from cblcast.io.clock import NOT_A_TIME, check_zone, localise, parse_times
from cblcast.io.files import Table, numbers
from cblcast.io.forecast_columns import ForecastRoles
from cblcast.io.forecast_options import ForecastOptions

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
LONGEST_LEAD_H = 24 * 400  # a seasonal forecast; what is longer is a wrong date


@dataclass(frozen=True, eq=False)
class RunTimes:
    """Instants of the rows of a file of runs, int64 microseconds UTC, shape (n,).

    Attributes
    ----------
    issued_us : ndarray
        Nominal issue of the row's run.
    arrived_us : ndarray
        When the row could be used.
    valid_us : ndarray
        What the row is of.
    """

    issued_us: np.ndarray
    arrived_us: np.ndarray
    valid_us: np.ndarray


def read_run_times(table: Table, roles: ForecastRoles, options: ForecastOptions) -> RunTimes:
    """The times of a file of runs.

    Raises
    ------
    DataError
        Naming the line: a time that is missing, has no zone, or stands in an hour that the clock shows twice or never; an issue
        after its instant; an arrival before the issue.
    """
    issued = _instants(table, roles.issue, options)
    if roles.valid is not None:
        valid = _valid(table, roles.valid, options, issued)
    else:
        lead = numbers(table.frame[str(roles.lead)], table).to_numpy()
        if np.isnan(lead).any():
            row = int(table.frame.index[int(np.isnan(lead).argmax())])
            raise DataError(f"{table.where(row)} has no {roles.lead!r}: fill it in, or drop the row")
        valid = issued + np.round(lead * (roles.lead_min or 60) * MINUTE_US).astype(np.int64)
    late = np.flatnonzero(valid < issued)
    if len(late):
        row = int(table.frame.index[late[0]])
        raise DataError(
            f"{table.where(row)} is issued at {stamp(issued[late[0]])}, after the instant that it is of, {stamp(valid[late[0]])} "
            f"({len(late)} such rows): the columns may be swapped, or stand in two zones"
        )
    far = np.flatnonzero(valid - issued > LONGEST_LEAD_H * HOUR_US)
    if len(far):
        row = int(table.frame.index[far[0]])
        raise DataError(
            f"{table.where(row)} is of {stamp(valid[far[0]])}, {(valid[far[0]] - issued[far[0]]) / HOUR_US / 24:.0f} days after its issue "
            f"({len(far)} such rows): mend the date"
        )
    return RunTimes(issued, _arrivals(table, roles, options, issued), valid)


def _arrivals(table: Table, roles: ForecastRoles, options: ForecastOptions, issued: np.ndarray) -> np.ndarray:
    """When the rows arrived: by the file's own column, or so many hours after the issue."""
    if roles.arrival is None:
        return issued + round(options.delay_h * HOUR_US)
    if options.delay_h:
        raise DataError(f"{table.name} says itself when its runs arrived ({roles.arrival!r}): leave delay_h out")
    arrived = _instants(table, roles.arrival, options)
    early = np.flatnonzero(arrived < issued)
    if len(early):
        row = int(table.frame.index[early[0]])
        raise DataError(
            f"{table.where(row)} arrived at {stamp(arrived[early[0]])}, before its issue at {stamp(issued[early[0]])} "
            f"({len(early)} such rows): mend {roles.arrival!r}"
        )
    # A run can be used when the last of it is there.
    run, codes = np.unique(issued, return_inverse=True)
    last = np.full(len(run), arrived.min())
    np.maximum.at(last, codes, arrived)
    return last[codes]


def _instants(table: Table, column: str, options: ForecastOptions) -> np.ndarray:
    """Instants of a column in which a wall clock must not be ambiguous."""
    found = parse_times(table.frame[column], table, options.time_format)
    if found.aware or column.lower().endswith("_utc"):
        return found.us
    zone = _clock(table, column, options, found.us)
    code, distinct = pd.factorize(found.us)
    clock = pd.DatetimeIndex(np.asarray(distinct, dtype=np.int64).view("M8[us]"))
    instants = clock.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    _refuse_unclear(table, np.asarray(instants.isna())[code], column, zone)
    return instants.tz_convert("UTC").as_unit("us").asi8[code]


def _valid(table: Table, column: str, options: ForecastOptions, issued: np.ndarray) -> np.ndarray:
    """Instants that forecasts are of; the double hour of autumn is told by its order within a run."""
    found = parse_times(table.frame[column], table, options.time_format)
    if found.aware or column.lower().endswith("_utc"):
        return found.us
    zone = _clock(table, column, options, found.us)
    instants = localise(found.us, pd.factorize(issued)[0], zone)
    _refuse_unclear(table, instants == NOT_A_TIME, column, zone)
    return instants


def _clock(table: Table, column: str, options: ForecastOptions, us: np.ndarray) -> str:
    if options.clock is None:
        raise DataError(
            f"{column!r} of {table.name} has times without an offset, e.g. {np.datetime64(int(us[0]), 'us')}: name the zone of their "
            "clock, which is UTC for most forecasts (clock: UTC), or write offsets"
        )
    return check_zone(options.clock)


def _refuse_unclear(table: Table, unclear: np.ndarray, column: str, zone: str) -> None:
    if unclear.any():
        row = int(table.frame.index[int(unclear.argmax())])
        raise DataError(
            f"{table.where(row)}: {column!r} stands in an hour that the clock of {zone} shows twice or never ({int(unclear.sum())} such "
            "rows): write offsets or UTC, or say clock: UTC if it is that"
        )
