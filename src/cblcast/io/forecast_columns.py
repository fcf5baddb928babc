"""Which column of a file of forecast runs is what: issue, instant or lead, arrival, site, member, weather."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cblcast.frames.schema import OBSERVED, DataError
from cblcast.io.files import Table, holds_numbers
from cblcast.io.names import fold
from cblcast.io.roles import find_site

ISSUE_NAMES = (
    "issue time", "issued", "issued at", "issue", "issue date", "run time", "run", "run at", "reference time",
    "forecast reference time", "reftime", "init time", "initial time", "init", "base time", "cycle", "cycle time", "analysis time",
    "model run", "model run time", "forecast issue time", "issuetime", "reftime utc",
)  # fmt: skip
VALID_NAMES = (
    "valid time",
    "valid",
    "valid at",
    "target time",
    "time",
    "forecast time",
    "validtime",
    "timestamp",
    "datetime",
)
LEAD_NAMES = {
    "lead h": 60, "lead time h": 60, "lead hours": 60, "lead": 60, "lead time": 60, "step h": 60, "step": 60, "hors": 60,
    "forecast hour": 60, "fcst hour": 60, "horizon h": 60, "horizon": 60, "lead min": 1, "lead time min": 1, "step min": 1,
}  # fmt: skip
ARRIVAL_NAMES = (
    "available at",
    "available after",
    "available",
    "arrived at",
    "arrival time",
    "received at",
    "availability time",
)
MEMBER_NAMES = ("member", "realization", "realisation", "ensemble member", "number", "ens")


@dataclass(frozen=True)
class ForecastRoles:
    """Names of the columns by what they say; None for what the file does not say.

    Attributes
    ----------
    lead_min : int or None
        Minutes that one unit of `lead` stands for.
    weather : tuple of str
        Columns of numbers.
    """

    issue: str
    valid: str | None
    lead: str | None
    lead_min: int | None
    arrival: str | None
    site: str | None
    member: str | None
    weather: tuple[str, ...]
    passed_over: tuple[str, ...]


def issue_column(columns: Iterable[object], sure: bool = False) -> str | None:
    """The column that says when a forecast was issued, None where there is none.

    With `sure`, a word that may mean something else in a file of weather (``run``, ``cycle``) is not enough.
    """
    plain = {fold(str(column)).removesuffix(" utc"): str(column) for column in reversed(list(columns))}
    names = (name for name in ISSUE_NAMES if not (sure and " " not in name and name not in ("issued", "reftime")))
    return next((plain[name] for name in names if name in plain), None)


def find_forecast_roles(table: Table) -> ForecastRoles:
    """The roles of the columns of a file of runs.

    Raises
    ------
    DataError
        No issue; neither an instant nor a lead; the power of the meter; no column of numbers.
    """
    columns = [str(column) for column in table.frame.columns]
    there = ", ".join(map(repr, columns[:10]))
    issue = issue_column(columns)
    if issue is None:
        raise DataError(
            f"{table.name} does not say when its forecasts were issued (its columns are {there}): call the column "
            "issue_time, or map its name (columns={'Run': 'issue_time'}); weather without runs is weather:, not forecasts:"
        )
    plain = {fold(column).removesuffix(" utc"): column for column in reversed(columns) if column != issue}
    valid = _first(plain, VALID_NAMES)
    lead = None if valid is not None else _first(plain, LEAD_NAMES)
    if valid is None and lead is None:
        raise DataError(
            f"{table.name} does not say which hours its forecasts are of (its columns are {there}): call the column valid_time, "
            "or lead_h for hours after the issue, or map its name (columns={'Valid': 'valid_time'})"
        )
    arrival, member = _first(plain, ARRIVAL_NAMES), _first(plain, MEMBER_NAMES)
    site = find_site(column for column in columns if column not in (issue, valid, lead, arrival, member))
    taken = {issue, valid, lead, arrival, member, site}
    rest = [column for column in columns if column not in taken]
    leads = {column for column in rest if fold(column) in LEAD_NAMES}  # said twice: instant and lead
    weather = tuple(c for c in rest if c and c not in leads and holds_numbers(table.frame[c], table))
    if OBSERVED in weather:
        raise DataError(f"{table.name} holds {OBSERVED!r}, which is metered, not forecast: leave that column out")
    if not weather:
        raise DataError(
            f"{table.name} has no column of numbers beside its times: give weather such as wind_speed_100m_ms"
        )
    unit = None if lead is None else LEAD_NAMES[fold(lead).removesuffix(" utc")]
    passed = tuple(column for column in rest if column not in weather and column not in leads)
    return ForecastRoles(issue, valid, lead, unit, arrival, site, member, weather, passed)


def _first(plain: dict[str, str], names: Iterable[str]) -> str | None:
    return next((plain[name] for name in names if name in plain), None)
