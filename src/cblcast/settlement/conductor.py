"""Settle events: what was metered, what the rules say would have been, and what the difference is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.frames.day_panel import codes_of
from cblcast.frames.events import check_events, event_table
from cblcast.frames.instants import microseconds
from cblcast.frames.panel import AnyPanel, Panel
from cblcast.frames.quality import warn_of_odd_days
from cblcast.frames.schema import SITE, DataError, StudyError, nearest, utc
from cblcast.programs.asking import ask_for, in_force, load_programs, local_days
from cblcast.programs.calendars import warn_about_calendars
from cblcast.programs.dispatch import left_at, masked_for, masking_events, on_grid, without_outages
from cblcast.programs.meters import as_program_sees
from cblcast.programs.model import Program
from cblcast.programs.terms import GapPolicy
from cblcast.settlement.aggregates import aggregate_lines
from cblcast.settlement.called import called_events, refuse_out_of_date
from cblcast.settlement.called import local_days as days_of
from cblcast.settlement.direct import whole, why_not_by_days
from cblcast.settlement.energies import event_energies, scored_rows
from cblcast.settlement.estimate import PROBLEM_COLUMNS, estimate
from cblcast.settlement.evidence import day_choices, meter_hashes
from cblcast.settlement.limits import Calibration, corrected, with_limits
from cblcast.settlement.lines import interval_lines, site_zones
from cblcast.settlement.placebo_errors import placebo_errors
from cblcast.settlement.resources import Resources
from cblcast.settlement.result import Part, Settlement, finish
from cblcast.settlement.sums import site_sums
from cblcast.settlement.wishes import Wishes
from cblcast.value.contract import Contract


def settle(
    panel: Panel,
    events: pd.DataFrame,
    programs: Sequence[str | Path | Program],
    contract: Contract | None = None,
    *,
    prices: pd.Series | None = None,
    coverage: float | None = None,
    calibration: Calibration | str = "event_like",
    days_around: int | None = None,
    bias_correction: bool = False,
    keep_intervals: bool = False,
    portfolio: bool = True,
    other_events: pd.DataFrame | None = None,
    gaps: GapPolicy | None = None,
    net_metered: bool = False,
    resources: Resources | None = None,
    evidence: bool = False,
) -> Settlement:
    """Settle real events by one or several rules.

    Parameters
    ----------
    panel : Panel
        As metered, the events included; they are masked here.
    events : DataFrame
        ``site_id``, ``start``, ``stop``, which may lie between two readings; optional ``notified``, ``committed_kw``,
        ``opted_out`` (yes, or the time from which on), ``ramp_in_min``, ``ramp_out_min``.
    programs : sequence of name, path or Program
    contract : Contract, optional
    prices : Series, optional
        For a contract priced by a series.
    coverage : float, optional
        Nominal coverage of intervals; None makes none. The errors are those of the same rule at the same hours on days
        without events, of each site, and of the portfolio on each day.
    calibration : {"event_like", "ordinary"} or Calibration
        Which days these are: earlier ones by how like the event's day they are in weather, season and load, or all days
        around the events alike. See :class:`cblcast.settlement.limits.Calibration`.
    days_around : int, optional
        Days that are looked back (``event_like``; 400), or before and after the events (``ordinary``; 60).
    bias_correction : bool
        Take the rule's expected error on such days off each site's baseline; needs `coverage`. The adjusted sum of a
        portfolio stays as the rule has it.
    keep_intervals : bool
        Keep the rows of every interval.
    portfolio : bool
    other_events : DataFrame, optional
        Events that are not settled now but disqualify their days; ``kind: outage`` are hours in which the meter says
        nothing.
    gaps : GapPolicy, optional
        What happens where an event was not metered throughout, for rules that say nothing of it.
    net_metered : bool
        Whether a ratio that means nothing at a net meter becomes a shift.
    resources : Resources, optional
        Which sites are paid together; each for itself unless given.
    evidence : bool
        Keep what a record tells: hashes of the meter, the days that were taken and left out, the intervals.

    Raises
    ------
    DataError
        Events that no rule could settle: zero length, overlapping.
    StudyError
        Terms of the contract that lack something, or that do not hold on the day of an event.
    """
    chosen = load_programs(programs, gaps, net_metered, event_table(events)["start"])
    if not chosen:
        raise DataError("no program is named: give at least one, e.g. caiso_10in10")
    warn_of_odd_days(panel)
    warn_about_calendars(panel, chosen)
    if isinstance(calibration, str):
        calibration = Calibration(calibration, days_around, bias_correction)  # type: ignore[arg-type]
    wishes = Wishes(
        contract, prices, coverage, calibration, keep_intervals, portfolio, other_events, resources, evidence
    )
    return finish(chosen, [settle_part(panel, events, chosen, wishes)], wishes)


def settle_part(
    panel: AnyPanel,
    events: pd.DataFrame,
    programs: Sequence[Program],
    wishes: Wishes,
    other: pd.DataFrame | None = None,
    long: Callable[[], Panel] | None = None,
) -> Part:
    """Settle the events of the sites of `panel`; what concerns portfolios is left to :func:`finish`.

    Parameters
    ----------
    long : callable, optional
        The same sites interval by interval: what days by site are not enough for is settled from that.
    """
    if wishes.calibration.bias_correction and wishes.coverage is None:
        raise StudyError("a bias correction needs the errors that limits are made of: give a coverage too, e.g. 0.9")
    table, problems = _known_events(panel, events)
    grid = on_grid(panel, table)
    masks = masking_events(panel, table, wishes.other_events if other is None else other)
    staying, left = _opted_out(table[~_shares_an_interval(grid)])
    problems += [
        _told(table[_shares_an_interval(grid)], "it shares a reading with the event before it: merge the two"),
        left,
    ]
    called = _called(panel, event_table(events), wishes)
    staying, strangers = _of_resources(staying, called, wishes)
    problems.append(strangers)
    part = Part(problems=problems, called=called)
    if wishes.evidence:
        everybody = any(program.family == "control_group" for program in programs)
        part.meter = meter_hashes(whole(panel, long), None if everybody else sorted(set(table[SITE])))
    days = local_days(panel, staying)
    covered = _covered(programs, days)
    for program in programs:
        due = in_force(program, days)
        own = staying[due].reset_index(drop=True)
        part.problems.append(_out_of_date(program, staying[~covered[_base(program)]]))
        covered[_base(program)] = np.ones(len(staying), dtype=bool)  # told once
        needs = whole(panel, long) if why_not_by_days(program, wishes, panel.names) else panel
        _settle_program(part, program, needs, own, masks, wishes)
    return part


def _settle_program(
    part: Part, program: Program, panel: AnyPanel, table: pd.DataFrame, masks: pd.DataFrame, wishes: Wishes
) -> None:
    """Add what `program` says of the events of `table` to `part`."""
    panel = as_program_sees(program, panel)
    masked, metered = masked_for(program, panel, masks), without_outages(panel, masks)
    found = estimate(program, masked, table, metered)
    told, dark = event_energies(program, metered, table, found)
    if wishes.coverage is not None:
        trial = placebo_errors(program, whole(metered), whole(masked), table, *wishes.calibration.span)
        told = with_limits(told, whole(panel), whole(masked), trial, wishes.coverage, wishes.calibration)
        if wishes.calibration.bias_correction:
            found, told = corrected(found, told)
        part.trials.append(trial)
    if wishes.contract is not None:
        part.lines.append(interval_lines(wishes.contract, metered, found, told, wishes.prices))
    if wishes.on_sums:
        lines, unsettled = aggregate_lines(program, wishes, whole(metered), table, part.called, masks)
        part.of_resources.append(lines)
        part.problems.append(unsettled)
    summed = wishes.portfolio or (wishes.contract is not None and program.order == "sum_then_adjust")
    part.sums.append(site_sums(found, told) if summed else None)
    if wishes.evidence:
        choices = day_choices(program, whole(masked), found)
        told = told.assign(days=pd.Series([choices[at] for at in told.index], index=told.index, dtype=object))
    if wishes.keep_intervals:
        part.scored.append(scored_rows(program, found, told))
    part.events.append(told)
    part.problems += [found.problems, dark]


def _called(panel: AnyPanel, events: pd.DataFrame, wishes: Wishes) -> pd.DataFrame:
    """The events as they were called, whether they can be settled or not; refuses those that the contract is not for."""
    table = events.reset_index(drop=True)
    table[SITE] = table[SITE].astype(str)
    zones = site_zones(wishes.contract, panel)
    code = codes_of(panel.site_ids, pd.Index(table[SITE]))
    own = np.where(code >= 0, zones[np.maximum(code, 0)], zones[0])  # an absent site is paid nothing in any zone
    if wishes.contract is not None:
        refuse_out_of_date(wishes.contract, table, days_of(table["start"], own))
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
    problems = _told(strangers, "the site is a member of no resource on that day")
    return table.assign(resource=resource)[~out].reset_index(drop=True), problems


def _base(program: Program) -> str:
    return program.name.partition("@")[0]


def _covered(programs: Sequence[Program], days: np.ndarray) -> dict[str, np.ndarray]:
    """On which days some vintage of each program is in force, or was asked for by name."""
    found: dict[str, np.ndarray] = {}
    for program in programs:
        found[_base(program)] = found.get(_base(program), np.zeros(len(days), dtype=bool)) | in_force(program, days)
    return found


def _out_of_date(program: Program, events: pd.DataFrame) -> pd.DataFrame:
    return _told(events, f"{_base(program)} is not in force on that day: {ask_for(program)}").assign(
        program=_base(program)
    )


def _opted_out(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events in which the site took part, at least for a while, and the others as problems."""
    gone = left_at(table) <= microseconds(table["start"])
    return table[~gone].reset_index(drop=True), _told(table[gone], "the site opted out of the event")


def _shares_an_interval(grid: pd.DataFrame) -> np.ndarray:
    """Events that begin in an interval in which the site's event before them ends; bool, shape (n_events,)."""
    start, stop = microseconds(grid["start"]), microseconds(grid["stop"])
    same = np.r_[False, grid[SITE].to_numpy()[1:] == grid[SITE].to_numpy()[:-1]]
    shares: np.ndarray = same & (start < np.r_[start[:1], stop[:-1]])
    return shares


def _told(events: pd.DataFrame, reason: str) -> pd.DataFrame:
    """Events as problems of every program."""
    return events[[SITE, "start"]].assign(program="", reason=reason)[PROBLEM_COLUMNS]


def _known_events(panel: AnyPanel, events: pd.DataFrame) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Events that the panel can hold, checked and sorted, and the others with a reason."""
    table = event_table(events).reset_index(drop=True)
    if table.empty:
        raise DataError("there are no events: check the event file")
    table[SITE] = table[SITE].astype(str)
    for edge in ("start", "stop"):
        table[edge] = utc(table[edge], f"event {edge}")
    code = codes_of(panel.site_ids, pd.Index(table[SITE]))
    start, stop = (microseconds(table[edge]) for edge in ("start", "stop"))
    safe = np.maximum(code, 0)
    outside = (code >= 0) & ((start < panel.first_times_us[safe]) | (stop > panel.last_times_us[safe] + panel.step_us))
    bad = (code < 0) | outside
    if bad.all() and (code < 0).all():
        first = str(table[SITE].iloc[0])
        raise DataError(
            f"no site of the events is in the data, e.g. {first!r}: {nearest(first, map(str, panel.site_ids))}"
        )
    absent = [
        _told(table[code < 0], "the site is not in the data"),
        _told(table[outside], "the event lies outside the metered span"),
    ]
    kept = table[~bad]
    if kept.empty:
        raise DataError(
            f"every event lies outside the metered span of its site, e.g. {table[SITE].iloc[0]!r} at "
            f"{table['start'].iloc[0]}: extend the meter data"
        )
    return check_events(kept, panel, off_grid=True), absent
