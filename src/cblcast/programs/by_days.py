"""A program's rule carried out on days by site: the same choice of days as feature builders make, without a row an interval.

Events of one length are a matrix of intervals, and those that begin at one instant in one zone share its wall clock; where
calendar, other events and gaps of the meter are alike too, one choice of days serves them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from cblcast.abilities import check_parameters
from cblcast.days.blindfold import hidden_slots
from cblcast.days.day_rules import DayRule
from cblcast.days.ledger import Reason, of_class
from cblcast.estimators.wrappers.adjustment import Met, Terms, intervals_of_windows, meet
from cblcast.features.day_loads import load_on_days
from cblcast.features.event_classes import classes_of_events
from cblcast.features.event_windows import visible_load
from cblcast.features.given import site_figures
from cblcast.features.program_days import ProgramDays
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import EventArrays, check_windows
from cblcast.frames.events import Window, check_events
from cblcast.frames.instants import DAY_US, HOUR_US, microseconds
from cblcast.frames.known import known_mean, known_mean_by
from cblcast.frames.panel import AnyPanel, local_clock
from cblcast.frames.schema import OBSERVED, PREDICTED, SITE
from cblcast.programs.direct import look_back_days
from cblcast.programs.estimated import FACTS, SEEN, UNADJUSTED, EventRows, problem_table
from cblcast.programs.forecasters import program_forecaster
from cblcast.programs.model import Program

SITES_AT_ONCE = 4096  # their days and intervals stay in a core's cache
LEAST_AT_ONE_INSTANT = 16  # events that share a wall clock are worth a batch of their own


@dataclass(frozen=True, eq=False)
class _Batch:
    """Events of one length as a matrix of intervals.

    Attributes
    ----------
    place : ndarray of int64, shape (n,)
        Position of each event in the table.
    code, start_us : ndarray of int64, shape (n,)
        Site and start.
    length_us : int
    offsets_us : ndarray of int64, shape (n_intervals,)
        Of the intervals of event and windows, from the start on.
    shared : bool
        Whether all begin at one instant in one zone.
    look_back_days : int
        Of the program.
    """

    panel: AnyPanel
    place: np.ndarray
    code: np.ndarray
    start_us: np.ndarray
    length_us: int
    offsets_us: np.ndarray
    shared: bool
    look_back_days: int

    @property
    def scored(self) -> np.ndarray:
        """Which intervals are the event's own, bool, shape (n_intervals,)."""
        return (self.offsets_us >= 0) & (self.offsets_us < self.length_us)

    @property
    def first(self) -> np.ndarray:
        """The events whose wall clock is read: one where it is shared."""
        return np.arange(1 if self.shared else len(self.code))

    @property
    def times_us(self) -> np.ndarray:
        """Start of each interval, shape (1 or n, n_intervals)."""
        times: np.ndarray = self.start_us[self.first, None] + self.offsets_us
        return times

    @cached_property
    def clock(self) -> tuple[np.ndarray, np.ndarray]:
        """Days after the event's own and slot of each interval on the local wall, shape (1 or n, n_intervals)."""
        times = self.times_us
        local = local_clock(self.panel, np.repeat(self.code[self.first], times.shape[1]), times.ravel())
        local = local.reshape(times.shape)
        own = local_clock(self.panel, self.code[self.first], self.start_us[self.first]) // DAY_US
        return local // DAY_US - own[:, None], local % DAY_US // self.panel.step_us

    @cached_property
    def events(self) -> EventArrays:
        """The events with the intervals of their own, for the choice of days."""
        own = self.offsets_us[self.scored]
        n = len(self.code)
        stop = self.start_us + self.length_us
        times = (self.start_us[:, None] + own).ravel()
        row = np.repeat(np.arange(n), len(own))
        first, scored = np.arange(n) * len(own), np.ones(len(row), dtype=bool)
        arrays = EventArrays(first, row, self.code, self.start_us, stop, self.start_us, stop, times, scored)
        return classes_of_events(self.panel, arrays, self.look_back_days) if self.shared else arrays

    @property
    def there(self) -> np.ndarray:
        """Which intervals the record of the site reaches, bool, shape (n, n_intervals)."""
        first, last = (each[self.code, None] for each in (self.panel.first_times_us, self.panel.last_times_us))
        return (self.times_us >= first) & (self.times_us <= last)


def by_days(
    program: Program, windows: tuple[Window, ...], masked: AnyPanel, events: pd.DataFrame, reasons: bool
) -> tuple[EventRows, np.ndarray, pd.DataFrame]:
    """Intervals, facts (n_events, len(FACTS)) and problems of events with the same windows.

    Parameters
    ----------
    masked : Panel or DayPanel
        With real events masked.
    events : DataFrame
        On the grid, sorted by site and start.
    """
    forecaster = program_forecaster(program, windows)
    check_parameters(forecaster.estimator)
    events = check_events(events, masked)
    check_windows(masked, events, forecaster.view, forecaster.windows())
    facts = np.full((len(events), len(FACTS)), np.nan)
    parts, failed = [], []
    for batch in _batches(masked, events, forecaster.windows(), look_back_days(program)):
        rows, facts[batch.place], lost = _one_batch(program, windows, forecaster, batch)
        parts.append(rows)
        failed.append((batch, lost))
    return EventRows.joined(parts), facts, _problems(program, forecaster, masked, events, failed, reasons)


def _batches(
    panel: AnyPanel, events: pd.DataFrame, windows: tuple[Window, ...], look_back_days: int
) -> Iterator[_Batch]:
    code = panel.site_codes(pd.Index(events[SITE]))
    start, stop = (microseconds(events[edge]) for edge in ("start", "stop"))
    zone = pd.factorize(panel.sites["tz"])[0][code]
    length = stop - start
    for own in np.unique(length):
        offsets = _offsets(windows, int(own), panel.step_us)
        mine = np.flatnonzero(length == own)
        instant = pd.factorize(start[mine])[0] * (zone.max() + 1) + zone[mine]
        instant, known = pd.factorize(instant)
        shared = len(known) * LEAST_AT_ONE_INSTANT <= len(mine) or len(known) == 1
        groups = [mine[instant == number] for number in range(len(known))] if shared else [mine]
        for group in groups:
            for begin in range(0, len(group), SITES_AT_ONCE):
                place = group[begin : begin + SITES_AT_ONCE]
                yield _Batch(panel, place, code[place], start[place], int(own), offsets, shared, look_back_days)


def _offsets(windows: tuple[Window, ...], length_us: int, step_us: int) -> np.ndarray:
    """Intervals of an event and of its windows, from the event's start on [us], ascending."""
    spans = [np.arange(0, length_us, step_us)]
    for window in windows:
        near, far = round(window.buffer * HOUR_US), round((window.buffer + window.hours) * HOUR_US)
        ends = (-far, -near) if window.side == "before" else (length_us + near, length_us + far)
        spans.append(np.arange(*ends, step_us))
    return np.unique(np.concatenate(spans))


def _one_batch(
    program: Program, windows: tuple[Window, ...], forecaster: Forecaster, batch: _Batch
) -> tuple[EventRows, np.ndarray, np.ndarray]:
    """Intervals, facts, and which events of the batch have an interval without a baseline."""
    n, width = len(batch.code), len(batch.offsets_us)
    facts = np.full((n, len(FACTS)), np.nan)
    looks = "event_windows" in forecaster.builders
    seen = np.full((n, width), np.nan)
    if looks:
        seen = visible_load(batch.panel, batch.events, np.arange(n)[:, None], batch.times_us)
    there = batch.there
    keep: np.ndarray | slice = slice(None) if there.all() else np.flatnonzero(there)
    event = np.repeat(np.arange(n), width)[keep]
    scored, since_start, since_stop = (
        np.broadcast_to(each, (n, width)).reshape(-1)[keep]
        for each in (batch.scored, batch.offsets_us / HOUR_US, (batch.offsets_us - batch.length_us) / HOUR_US)
    )
    visible = seen.reshape(-1)[keep]
    if program.family == "meter":
        beside = _inside(program.meter, since_start, since_stop)
        predicted = known_mean_by(np.where(beside, visible, np.nan), event, n)[event]
    else:
        predicted = _of_days(_chooser(forecaster), batch, facts).reshape(-1)[keep]
    unadjusted = predicted
    adjusts = bool(windows) and program.adjustment is not None
    if adjusts:
        met = _adjusted(program, windows, batch, (predicted, visible, event, since_start, since_stop))
        facts[:, :5] = _told(met)
        predicted = met.adjusted_kw
    if program.contract_cap is not None:
        cap = site_figures(batch.panel, program.contract_cap)[batch.code][event]
        predicted = np.where(np.isfinite(cap), np.minimum(predicted, cap), predicted)
    if not adjusts:
        unadjusted = predicted
    lost = np.bincount(event[scored & np.isnan(predicted)], minlength=n) > 0
    times = np.broadcast_to(batch.times_us, (n, width)).reshape(-1)[keep]
    values = {PREDICTED: predicted, UNADJUSTED: unadjusted, SEEN: visible}
    return EventRows(batch.place[event], times, scored, values), facts, lost


def _chooser(forecaster: Forecaster) -> ProgramDays:
    chooser = forecaster.builders["program_days"]
    assert isinstance(chooser, ProgramDays)
    return chooser


def _of_days(chooser: ProgramDays, batch: _Batch, facts: np.ndarray) -> np.ndarray:
    """Weighted mean of the selected days at each interval [kW], shape (n, n_intervals); their facts are written to `facts`."""
    panel, events = batch.panel, batch.events
    if events.like is None:
        rule = chooser.rule_of_event(panel, events)
    else:
        rule = of_class(chooser.rule_of_event(panel, events.of_each_class), events.like)
    hidden = hidden_slots(panel, events)[0] if not batch.shared else _first_hidden(batch)
    baseline = np.full((len(batch.code), len(batch.offsets_us)), np.nan)
    own = {name: np.zeros(len(rule)) for name in ("qualified_days", "fallback")}
    for number in np.unique(rule[rule >= 0]).tolist():
        mine = rule == number
        rule_of = DayRule.of(chooser.rules[number])
        part = events if mine.all() else events.take(mine)[0]
        found = chooser.select(panel, part, rule_of)
        rows = slice(None) if mine.all() else np.flatnonzero(mine)
        at = np.zeros(1, dtype=np.int64) if batch.shared else np.arange(len(rule))[rows]
        offset, slot = (each[at, :, None] for each in batch.clock)
        first_hidden = hidden[at, None, None]

        where = part.site[:, None, None], found.days[:, None, :], offset, slot, first_hidden
        load = found.on_days(panel, partial(_loads, where), found.event_days)
        baseline[rows] = known_mean(load, weight=rule_of.ordered_weights[: load.shape[2]])
        own["qualified_days"][rows] = (found.ledger.reason == Reason.QUALIFIED).sum(1)
        own["fallback"][rows] = found.step
    for name, values in {**own, "rule": rule}.items():
        facts[:, FACTS.index(name)] = values
    return baseline


def _loads(where: tuple[np.ndarray, ...], seen: AnyPanel) -> np.ndarray:
    return load_on_days(seen.cube(OBSERVED), seen.step_us, *where)


def _first_hidden(batch: _Batch) -> np.ndarray:
    one, _ = batch.events.take(slice(0, 1))
    return hidden_slots(batch.panel, one)[0]


def _inside(windows: tuple[Window, ...], since_start: np.ndarray, since_stop: np.ndarray) -> np.ndarray:
    inside: np.ndarray = np.logical_or.reduce([window.contains(since_start, since_stop) for window in windows])
    return inside


def _adjusted(program: Program, windows: tuple[Window, ...], batch: _Batch, rows: tuple[np.ndarray, ...]) -> Met:
    predicted, visible, event, since_start, since_stop = rows
    own = program.adjustment
    assert own is not None
    terms = Terms(own.mode, own.cap, own.floor, own.upward_only, own.min_metered_share, own.where_no_ratio)
    inside = _inside(windows, since_start, since_stop)
    asked = (since_start >= 0) & (since_stop < 0)
    hours = batch.offsets_us / HOUR_US
    whole = intervals_of_windows(windows, hours, np.zeros(len(hours), dtype=np.int64))
    return meet(predicted, visible, inside, asked, event, len(batch.code), whole, terms)


def _told(met: Met) -> np.ndarray:
    """The first five of :data:`FACTS`, shape (n_events, 5)."""
    raw = np.where(met.usable, met.raw, np.nan)
    return np.stack([raw, met.applied, met.usable, met.shift, met.shape.seen_share], axis=1)


def _problems(
    program: Program,
    forecaster: Forecaster,
    masked: AnyPanel,
    events: pd.DataFrame,
    failed: list[tuple[_Batch, np.ndarray]],
    reasons: bool,
) -> pd.DataFrame:
    """Events without a baseline, in the order of the table, each with its reason."""
    place = np.concatenate([batch.place[lost] for batch, lost in failed])
    words = [""] * len(place)
    if reasons and program.family == "meter":
        words = [
            f"{forecaster.name} gave no estimate: the meter, or a feature it needs, is missing at this event"
        ] * len(words)
    elif reasons:
        chooser = _chooser(forecaster)
        each = [chooser.why_none(masked, batch.events.take(lost)[0]) for batch, lost in failed if lost.any()]
        words = [why for batch_words in each for why in batch_words]
    order = np.argsort(place, kind="stable")
    return problem_table(program, events.iloc[place[order]], [words[at] for at in order.tolist()])
