"""What the terminal and JSON say of nowcasts by lead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cblcast.terminal import in_title, print_table, records

if TYPE_CHECKING:
    import pandas as pd

_STORED = re.compile(r"lead_([0-9]+)/(.+)")
MOST_LEADS = 10  # columns of a table; all stand in the JSON document


def lead_records(by_lead: pd.DataFrame | None) -> dict[str, Any]:
    """The part of a JSON document: ``by_lead``, a record for each method and lead; nothing where there are no nowcasts."""
    return {} if by_lead is None else {"by_lead": records(by_lead.reset_index())}


def print_by_lead(by_lead: pd.DataFrame | None, measures: list[str]) -> None:
    """A table for each of `measures`, a row a method, a column a lead [min]."""
    if by_lead is None:
        return
    for measure in measures:
        _print_wide(by_lead[measure].unstack("lead_min").reindex(by_lead.index.unique("method")), measure)


def print_stored_by_lead(table: pd.DataFrame) -> None:
    """As :func:`print_by_lead`, of methods as the store holds them, ``lead_030/nrmse_pct`` …: an error measure, and the coverage."""
    found = [match for column in table.columns if (match := _STORED.fullmatch(str(column)))]
    named = list(dict.fromkeys(match[2] for match in found))
    best = [name for name in ("nrmse_pct", "rmse_kw", "mape_pct", *named) if name in named][:1]
    for measure in dict.fromkeys([*best, *(name for name in named if name == "coverage_pct")]):
        columns = {match[0]: int(match[1]) for match in found if match[2] == measure}
        _print_wide(table.set_index("method")[list(columns)].rename(columns=columns), measure)


def _print_wide(table: pd.DataFrame, measure: str) -> None:
    """Methods × leads; of many leads some, evenly spaced, the first and the last among them."""
    leads = sorted(table.columns)
    n = min(len(leads), MOST_LEADS)
    shown = [leads[round(k * (len(leads) - 1) / max(n - 1, 1))] for k in range(n)]
    if table[shown].notna().any(axis=None):
        more = "" if n == len(leads) else f" ({n} of {len(leads)} leads, all with --json)"
        wide = table[shown].rename(columns={lead: f"{lead:g}" for lead in shown})
        first = wide.reset_index()
        print_table(first, f"{in_title(measure)} by lead [min]{more}", keep=[first.columns[0], f"{shown[-1]:g}"])
