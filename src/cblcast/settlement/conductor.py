"""Settle events: what was metered, what the rules say would have been, and what the difference is worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.frames.events import check_events, event_table
from cblcast.frames.instants import microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, StudyError, nearest, utc
from cblcast.programs import load_program
from cblcast.programs.model import Program
from cblcast.settlement.energies import event_energies, event_payments, scored_rows
from cblcast.settlement.estimate import PROBLEM_COLUMNS, estimate
from cblcast.settlement.limits import Calibration, corrected, with_limits
from cblcast.settlement.placebo_errors import placebo_errors
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
    calibration: Calibration | str = "event_like",
    days_around: int | None = None,
    bias_correction: bool = False,
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
        Events that are not settled now but disqualify their days.

    Raises
    ------
    DataError
        Events that no rule could settle: zero length, off the metering grid, overlapping.
    """
    chosen = tuple(load_program(program) for program in programs)
    if not chosen:
        raise DataError("no program is named: give at least one, e.g. caiso_10in10")
    if isinstance(calibration, str):
        calibration = Calibration(calibration, days_around, bias_correction)  # type: ignore[arg-type]
    wishes = Wishes(contract, prices, coverage, calibration, keep_intervals, portfolio)
    return finish(chosen, [settle_part(panel, events, chosen, wishes, other_events)], wishes)


def settle_part(
    panel: Panel, events: pd.DataFrame, programs: Sequence[Program], wishes: Wishes, other: pd.DataFrame | None = None
) -> Part:
    """Settle the events of the sites of `panel`; what concerns portfolios is left to :func:`finish`."""
    if wishes.calibration.bias_correction and wishes.coverage is None:
        raise StudyError("a bias correction needs the errors that limits are made of: give a coverage too, e.g. 0.9")
    table, absent = _known_events(panel, events)
    masked = panel.with_events(_all_events(panel, table, other))
    part = Part(problems=[absent])
    for program in programs:
        found = estimate(program, masked, table, panel)
        told, dark = event_energies(program, panel, table, found)
        if wishes.coverage is not None:
            trial = placebo_errors(program, panel, masked, table, *wishes.calibration.span)
            told = with_limits(told, panel, masked, trial, wishes.coverage, wishes.calibration)
            if wishes.calibration.bias_correction:
                found, told = corrected(found, told)
            part.trials.append(trial)
        if wishes.contract is not None:
            told = told.join(event_payments(wishes.contract, panel, found, told, wishes.prices))
        if wishes.portfolio:
            part.sums.append(site_sums(panel, found, told))
        if wishes.keep_intervals:
            part.scored.append(scored_rows(program, found, told))
        part.events.append(told)
        part.problems += [found.problems, dark]
    return part


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
