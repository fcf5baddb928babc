"""Settle events: what was metered, what the rules say would have been, and what the difference is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.frames.day_panel import codes_of
from cblcast.frames.events import event_table
from cblcast.frames.panel import AnyPanel, Panel
from cblcast.frames.quality import warn_of_odd_days
from cblcast.frames.schema import SITE, DataError, StudyError, nearest
from cblcast.programs.asking import ask_for, in_force, load_programs, local_days
from cblcast.programs.calendars import warn_about_calendars
from cblcast.programs.dispatch import masked_for, masking_events, on_grid, without_outages
from cblcast.programs.meters import as_program_sees
from cblcast.programs.model import Program
from cblcast.programs.terms import GapPolicy
from cblcast.settlement.aggregates import aggregate_lines
from cblcast.settlement.called import called_of
from cblcast.settlement.direct import whole, why_not_by_days
from cblcast.settlement.energies import event_energies, scored_rows
from cblcast.settlement.estimate import estimate
from cblcast.settlement.evidence import day_choices, meter_hashes
from cblcast.settlement.limits import Calibration, corrected, with_limits
from cblcast.settlement.lines import interval_lines
from cblcast.settlement.placebo_errors import placebo_errors
from cblcast.settlement.resources import Resources
from cblcast.settlement.result import Part, Settlement, finish
from cblcast.settlement.settleable import (
    as_problems,
    known_events,
    of_resources,
    opted_out,
    refuse_none_left,
    shares_an_interval,
)
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
    _refuse_strangers(panel, event_table(events))
    part = settle_part(panel, events, chosen, wishes)
    refuse_none_left(part.problems, event_table(events))
    return finish(chosen, [part], wishes)


def _refuse_strangers(panel: Panel, events: pd.DataFrame) -> None:
    code = codes_of(panel.site_ids, pd.Index(events[SITE].astype(str)))
    if len(code) and (code < 0).all():
        first = str(events[SITE].iloc[0])
        raise DataError(
            f"no site of the events is in the data, e.g. {first!r}: {nearest(first, map(str, panel.site_ids))}"
        )


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
    table, problems = known_events(panel, events)
    grid = on_grid(panel, table)
    masks = masking_events(panel, table, wishes.other_events if other is None else other)
    shares = shares_an_interval(grid)
    staying, left = opted_out(table[~shares])
    problems += [as_problems(table[shares], "it shares a reading with the event before it: merge the two"), left]
    called = called_of(panel.sites, event_table(events), wishes.contract, wishes.resources)
    staying, strangers = of_resources(staying, called, wishes)
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


def _base(program: Program) -> str:
    return program.name.partition("@")[0]


def _covered(programs: Sequence[Program], days: np.ndarray) -> dict[str, np.ndarray]:
    """On which days some vintage of each program is in force, or was asked for by name."""
    found: dict[str, np.ndarray] = {}
    for program in programs:
        found[_base(program)] = found.get(_base(program), np.zeros(len(days), dtype=bool)) | in_force(program, days)
    return found


def _out_of_date(program: Program, events: pd.DataFrame) -> pd.DataFrame:
    return as_problems(events, f"{_base(program)} is not in force on that day: {ask_for(program)}").assign(
        program=_base(program)
    )
