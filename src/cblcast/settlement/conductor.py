"""Settle events: what was metered, what the rules say would have been, and what the difference is worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.frames.events import check_events, event_table
from cblcast.frames.instants import microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, nearest, utc
from cblcast.programs import load_program
from cblcast.programs.model import Program
from cblcast.settlement.aggregates import aggregate_lines
from cblcast.settlement.called import called_events, events_of_payees, local_days, refuse_out_of_date
from cblcast.settlement.energies import event_energies, scored_rows, with_limits
from cblcast.settlement.estimate import PROBLEM_COLUMNS, estimate
from cblcast.settlement.evidence import day_choices, meter_hashes
from cblcast.settlement.lines import interval_lines, site_zones
from cblcast.settlement.placebo_errors import placebo_errors
from cblcast.settlement.resources import Resources
from cblcast.settlement.result import Part, Settlement, Wishes, finish
from cblcast.settlement.sums import site_sums
from cblcast.value.contract import Contract


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
    resources: Resources | None = None,
    evidence: bool = False,
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
    resources : Resources, optional
        Which sites are paid together; each for itself unless given.
    evidence : bool
        Keep what a record tells: hashes of the meter, the days that were taken and left out, the intervals.

    Raises
    ------
    DataError
        Events that no rule could settle: zero length, off the metering grid, overlapping.
    StudyError
        Terms of the contract that lack something, or that do not hold on the day of an event.
    """
    chosen = tuple(load_program(program) for program in programs)
    if not chosen:
        raise DataError("no program is named: give at least one, e.g. caiso_10in10")
    wishes = Wishes(contract, prices, coverage, days_around, keep_intervals, portfolio, resources, evidence)
    return finish(chosen, [settle_part(panel, events, chosen, wishes, other_events)], wishes)


def settle_part(
    panel: Panel, events: pd.DataFrame, programs: Sequence[Program], wishes: Wishes, other: pd.DataFrame | None = None
) -> Part:
    """Settle the events of the sites of `panel`; what concerns portfolios is left to :func:`finish`."""
    table, absent = _known_events(panel, events)
    called = _called(panel, event_table(events), wishes)
    table, strangers = _of_resources(table, called, wishes)
    real = _all_events(panel, table, other)
    masked = panel.with_events(real)
    part = Part(problems=[absent, strangers], called=called)
    if wishes.evidence:
        everybody = any(program.family == "control_group" for program in programs)
        part.meter = meter_hashes(panel, None if everybody else sorted(set(table[SITE])))
    for program in programs:
        found = estimate(program, masked, table, panel)
        told, dark = event_energies(program, panel, table, found)
        if wishes.coverage is not None:
            trial = placebo_errors(program, panel, masked, table, wishes.days_around)
            told = with_limits(told, panel, trial.errors, wishes.coverage)
            part.trials.append(trial)
        if wishes.contract is not None:
            part.lines.append(interval_lines(wishes.contract, panel, found, told, wishes.prices))
            if wishes.on_sums:
                own = called[called["payee"] != ""]
                lines, unsettled = aggregate_lines(
                    program, wishes.contract, panel, events_of_payees(own), real, wishes.prices
                )
                part.of_resources.append(lines)
                part.problems.append(unsettled)
        summed = wishes.portfolio or (wishes.contract is not None and program.order == "sum_then_adjust")
        part.sums.append(site_sums(panel, found, told) if summed else None)
        if wishes.evidence:
            choices = day_choices(program, masked, found)
            told = told.assign(days=pd.Series([choices[at] for at in told.index], index=told.index, dtype=object))
        if wishes.keep_intervals:
            part.scored.append(scored_rows(program, found, told))
        part.events.append(told)
        part.problems += [found.problems, dark]
    return part


def _called(panel: Panel, events: pd.DataFrame, wishes: Wishes) -> pd.DataFrame:
    """The events as they were called, whether they can be settled or not; refuses those that the contract is not for."""
    table = events.reset_index(drop=True)
    table[SITE] = table[SITE].astype(str)
    zones = site_zones(wishes.contract, panel)
    code = panel.site_ids.get_indexer(pd.Index(table[SITE]))
    own = np.where(code >= 0, zones[np.maximum(code, 0)], zones[0])  # an absent site is paid nothing in any zone
    if wishes.contract is not None:
        refuse_out_of_date(wishes.contract, table, local_days(table["start"], own))
    return called_events(table, own, wishes.resources)


def _of_resources(
    table: pd.DataFrame, called: pd.DataFrame, wishes: Wishes
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The events of sites that belong to a resource on the day, with its name, and the others with the reason."""
    if wishes.resources is None:
        return table, None
    known = called.drop_duplicates([SITE, "start"]).set_index([SITE, "start"])["payee"]
    resource = known.reindex(pd.MultiIndex.from_arrays([table[SITE], table["start"]])).to_numpy()
    out = resource == ""
    strangers = table[out]
    if out.all():
        raise DataError(
            f"no site of the events is a member of a resource on its day, e.g. {table[SITE].iloc[0]!r} at "
            f"{table['start'].iloc[0]}: add memberships that hold on that day"
        )
    problems = pd.DataFrame(
        {
            "program": "",
            SITE: strangers[SITE],
            "start": pd.DatetimeIndex(strangers["start"]),
            "reason": "the site is a member of no resource on that day",
        },
        columns=PROBLEM_COLUMNS,
    )
    return table.assign(resource=resource)[~out].reset_index(drop=True), problems


def _known_events(panel: Panel, events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events that the panel can hold, checked and sorted, and the others with a reason."""
    table = event_table(events).reset_index(drop=True)
    if table.empty:
        raise DataError("there are no events: check the event file")
    table[SITE] = table[SITE].astype(str)
    for edge in ("start", "stop"):
        table[edge] = utc(table[edge], f"event {edge}")
    code = panel.site_ids.get_indexer(pd.Index(table[SITE]))
    start, stop = (microseconds(table[edge]) for edge in ("start", "stop"))
    safe = np.maximum(code, 0)
    outside = (code >= 0) & ((start < panel.first_times_us[safe]) | (stop > panel.last_times_us[safe] + panel.step_us))
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
