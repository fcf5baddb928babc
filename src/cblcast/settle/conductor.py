"""Settle events: what was metered, what the rules say would have been, and what the difference is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.events import check_events, event_table
from cblcast.panel import Panel
from cblcast.programs import load_program
from cblcast.programs.model import Program
from cblcast.schema import OBSERVED, SITE, DataError, nearest, utc
from cblcast.settle.estimate import PROBLEM_COLUMNS, Estimate, estimate
from cblcast.settle.placebo_errors import event_clock, placebo_errors
from cblcast.settle.sums import portfolio_sums
from cblcast.value.contract import Contract, interval_prices, payments
from cblcast.value.portfolio import delivered_limits, signed_limits


@dataclass(frozen=True)
class Settlement:
    """What was settled, and what could not be.

    Attributes
    ----------
    events : DataFrame
        One row a program, site and event: ``program``, ``site_id``, ``start``, ``stop``, ``hours``, ``metered_kwh``,
        ``baseline_kwh``, ``unadjusted_kwh``, ``delivered_kwh`` (baseline − metered; < 0 where the meter stood above the
        baseline, never clipped), ``delivered_kw`` (its mean), ``factor_raw``, ``factor`` (or shift [kW]),
        ``lower_kwh``, ``upper_kwh`` of the delivered energy, ``placebo_days``, and with a contract its payments.
    portfolio : DataFrame
        One row a program and event hours, in both orders (see :func:`cblcast.settle.sums.portfolio_sums`).
    intervals : DataFrame
        One row a program, site, event and interval [kW]; empty unless asked for.
    problems : DataFrame
        ``program`` (empty: all), ``site_id``, ``start``, ``reason`` of what was not settled.
    """

    events: pd.DataFrame
    portfolio: pd.DataFrame
    intervals: pd.DataFrame
    problems: pd.DataFrame
    programs: tuple[Program, ...] = field(default=())

    @property
    def partial(self) -> bool:
        """Whether something was not settled: a caller then exits with 3, not 0."""
        return len(self.problems) > 0

    def write(self, path: Path) -> None:
        """Write the events as CSV or Parquet, by the name of the file."""
        if path.suffix == ".parquet":
            self.events.to_parquet(path, index=False)
        elif path.suffix == ".csv":
            self.events.to_csv(path, index=False)
        else:
            raise DataError(f"{path.name!r} is neither .csv nor .parquet: name the format by the ending")


def settle(
    panel: Panel,
    events: pd.DataFrame,
    programs: Sequence[str | Path | Program],
    contract: Contract | None = None,
    *,
    prices: pd.Series | None = None,
    coverage: float | None = None,
    days_around: int = 60,
    keep_intervals: bool = False,
    portfolio: bool = True,
    other_events: pd.DataFrame | None = None,
) -> Settlement:
    """Settle real events by one or several rules.

    Parameters
    ----------
    panel : Panel
        As metered, the events included; they are masked here.
    events : DataFrame
        ``site_id``, ``start``, ``stop``; optional ``notified``, ``committed_kw``.
    programs : sequence of name, path or Program
    contract : Contract, optional
    prices : Series, optional
        For a contract priced by a series.
    coverage : float, optional
        Nominal coverage of intervals; None makes none. The errors are those of the same rule at the same hours on days
        without events, of each site, and of the portfolio on each day.
    days_around : int
        Days before the first and after the last event that these errors are taken from.
    keep_intervals : bool
        Keep the rows of every interval.
    portfolio : bool
    other_events : DataFrame, optional
        Events that are not settled now but disqualify their days.

    Raises
    ------
    DataError
        Events that no rule could settle: zero length, off the metering grid, overlapping.
    """
    table, absent = _known_events(panel, events)
    masked = panel.with_events(_all_events(panel, table, other_events))
    chosen = tuple(load_program(program) for program in programs)
    if not chosen:
        raise DataError("no program is named: give at least one, e.g. caiso_10in10")
    tables, sums, rows, problems = [], [], [], [absent]
    for program in chosen:
        found = estimate(program, masked, table)
        own = found.rows.assign(metered_kw=_metered(panel, found.rows))
        told, dark = _by_event(program, panel, table, own, found)
        if contract is not None:
            told = told.join(_paid(contract, panel, own, told, prices))
        errors = placebo_errors(program, panel, masked, table, days_around) if coverage is not None else None
        if errors is not None and coverage is not None:
            told = _with_limits(told, panel, errors, coverage)
        if portfolio:
            sums.append(portfolio_sums(program, panel, own, told, errors, coverage))
        if keep_intervals:
            rows.append(_interval_rows(program, panel, table, own, told))
        tables.append(told)
        problems += [found.problems, dark]
    return Settlement(
        pd.concat(tables, ignore_index=True),
        pd.concat(sums, ignore_index=True) if sums else pd.DataFrame(),
        pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(),
        pd.concat([part for part in problems if len(part)], ignore_index=True)
        if any(len(part) for part in problems)
        else pd.DataFrame(columns=PROBLEM_COLUMNS),
        chosen,
    )


def _known_events(panel: Panel, events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events that the panel can hold, checked and sorted, and the others with a reason."""
    table = event_table(events).reset_index(drop=True)
    if table.empty:
        raise DataError("there are no events: check the event file")
    table[SITE] = table[SITE].astype(str)
    for edge in ("start", "stop"):
        table[edge] = utc(table[edge], f"event {edge}")
    code = panel.site_ids.get_indexer(pd.Index(table[SITE]))
    start, stop = (pd.DatetimeIndex(table[edge]).as_unit("us").asi8 for edge in ("start", "stop"))
    safe = np.maximum(code, 0)
    outside = (code >= 0) & (
        (start < panel.first_times_us[safe]) | (stop > panel.last_times_us[safe] + panel.step_us)
    )
    bad = (code < 0) | outside
    if bad.all() and (code < 0).all():
        first = str(table[SITE].iloc[0])
        raise DataError(
            f"no site of the events is in the data, e.g. {first!r}: {nearest(first, map(str, panel.site_ids))}"
        )
    absent = pd.DataFrame(
        {
            "program": "",
            SITE: table[SITE],
            "start": pd.DatetimeIndex(table["start"]),
            "reason": np.where(code < 0, "the site is not in the data", "the event lies outside the metered span"),
        },
        columns=PROBLEM_COLUMNS,
    )[bad]
    kept = table[~bad]
    if kept.empty:
        raise DataError(
            f"every event lies outside the metered span of its site, e.g. {table[SITE].iloc[0]!r} at "
            f"{table['start'].iloc[0]}: extend the meter data"
        )
    return check_events(kept, panel), absent


def _all_events(panel: Panel, table: pd.DataFrame, other: pd.DataFrame | None) -> pd.DataFrame:
    parts = [table[[SITE, "start", "stop"]]]
    for more in (other, panel.events):
        if more is not None and len(more):
            known = event_table(more)
            parts.append(known.loc[known[SITE].isin(panel.site_ids), [SITE, "start", "stop"]])
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)


def _metered(panel: Panel, rows: pd.DataFrame) -> np.ndarray:
    return panel.values_at(OBSERVED, rows["site"].to_numpy(dtype=np.int64), rows["time_us"].to_numpy(dtype=np.int64))


def _by_event(
    program: Program, panel: Panel, table: pd.DataFrame, rows: pd.DataFrame, found: Estimate
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Energies of each event, and the events that were not metered throughout."""
    inside = rows["scored"].to_numpy(dtype=bool)
    number = rows["event"].to_numpy(dtype=np.int64)[inside]
    n = len(table)

    def energy(column: str) -> np.ndarray:
        return np.bincount(number, weights=rows[column].to_numpy()[inside], minlength=n) * panel.step_hours

    wanted = np.bincount(number, minlength=n) > 0
    baseline, metered, plain = energy("baseline_kw"), energy("metered_kw"), energy("unadjusted_kw")
    hours = (table["stop"] - table["start"]).dt.total_seconds().to_numpy() / 3600
    told = table.assign(
        program=program.name,
        hours=hours,
        metered_kwh=metered,
        baseline_kwh=baseline,
        unadjusted_kwh=plain,
        delivered_kwh=baseline - metered,
        delivered_kw=(baseline - metered) / hours,
        factor_raw=found.factor["raw"],
        factor=found.factor["applied"],
    )
    good = wanted & np.isfinite(baseline)
    dark = good & ~np.isfinite(metered)
    problems = pd.DataFrame(
        {
            "program": program.name,
            SITE: table[SITE],
            "start": pd.DatetimeIndex(table["start"]),
            "reason": "the event was not metered throughout",
        },
        columns=PROBLEM_COLUMNS,
    )[dark]
    told = told[good & ~dark]
    front = ["program", SITE, "start", "stop"]
    return told[[*front, *(column for column in told.columns if column not in front)]], problems


def _paid(
    contract: Contract, panel: Panel, rows: pd.DataFrame, told: pd.DataFrame, prices: pd.Series | None
) -> pd.DataFrame:
    number = rows["event"].to_numpy(dtype=np.int64)
    use = rows["scored"].to_numpy(dtype=bool) & np.isin(number, told.index.to_numpy())
    own = rows[use]
    tz = panel.sites["tz"].to_numpy(dtype=object)[own["site"].to_numpy(dtype=np.int64)]
    times = pd.DatetimeIndex(own["time_us"].to_numpy(dtype=np.int64).view("M8[us]")).tz_localize("UTC")
    price = interval_prices(contract, times, tz, prices)
    delivered = (own["baseline_kw"] - own["metered_kw"]).to_numpy() * panel.step_hours
    unpaid = np.where((delivered < 0) & (contract.negative == "unpaid"), delivered, 0.0)
    size = int(number.max(initial=0)) + 1
    value, lost = (
        np.bincount(number[use], weights=weights, minlength=size)[told.index.to_numpy()]
        for weights in (price * (delivered - unpaid), unpaid)
    )
    return payments(told, value, lost, contract)


def _with_limits(told: pd.DataFrame, panel: Panel, errors: pd.DataFrame, coverage: float) -> pd.DataFrame:
    clocks = event_clock(panel, told) if len(told) else pd.DataFrame({"clock": [], "kind": []})
    keys = [SITE, "clock", "kind"]
    known = {
        key: (*signed_limits(group.to_numpy(dtype=np.float64), coverage), int(group.notna().sum()))
        for key, group in errors.groupby(keys, sort=False)["error_kwh"]
    }
    nothing = (np.nan, np.nan, 0)
    mine = [known.get(key, nothing) for key in zip(told[SITE], clocks["clock"], clocks["kind"], strict=True)]
    low, high, days = (np.array([each[k] for each in mine], dtype=np.float64) for k in range(3))
    lower, upper = delivered_limits(told["delivered_kwh"].to_numpy(), low, high)
    return told.assign(lower_kwh=lower, upper_kwh=upper, placebo_days=days.astype(np.int64))


def _interval_rows(
    program: Program, panel: Panel, table: pd.DataFrame, rows: pd.DataFrame, told: pd.DataFrame
) -> pd.DataFrame:
    number = rows["event"].to_numpy(dtype=np.int64)
    own = rows[rows["scored"].to_numpy(dtype=bool) & np.isin(number, told.index.to_numpy())]
    number = own["event"].to_numpy(dtype=np.int64)
    return pd.DataFrame(
        {
            "program": program.name,
            SITE: table[SITE].to_numpy()[number],
            "start": pd.DatetimeIndex(table["start"])[number],
            "time": pd.DatetimeIndex(own["time_us"].to_numpy(dtype=np.int64).view("M8[us]")).tz_localize("UTC"),
            "metered_kw": own["metered_kw"].to_numpy(),
            "unadjusted_kw": own["unadjusted_kw"].to_numpy(),
            "baseline_kw": own["baseline_kw"].to_numpy(),
            "delivered_kw": (own["baseline_kw"] - own["metered_kw"]).to_numpy(),
        }
    )
