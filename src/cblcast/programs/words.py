"""A program's rule in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cblcast.days.day_rules import DayRule
from cblcast.frames.events import Window
from cblcast.frames.schema import OBSERVED
from cblcast.programs.model import CERTAINTY, Adjustment, ClockWindow, Program

_RANK_WORDS = {
    "high": "the {x} with the highest mean load in {over}",
    "low": "the {x} with the lowest mean load in {over}",
    "middle": "the middle {x} by mean load in {over}",
    "nearest": "the {x} most like the event day in the hours outside the event",
    "temperature": "the {x} nearest to the event day in daily maximum temperature",
    "recent": "the {x} newest",
}
_OVER_WORDS = {
    "event_hours": "the event hours",
    "whole_day": "the whole day",
    "outside_event": "the hours outside the event",
}
_BESIDE_WORDS = {
    "day_edge": "; hours within another event of that day are taken beside the first or last of them",
    "unadjusted": "; not where the hours lie within another event",
    "refuse": "; no settlement where the hours lie within another event",
}
_FAMILY_WORDS = {
    "meter": "The baseline is flat: the mean of the meter in {windows}.",
    "declared": "The baseline is the schedule declared beforehand (panel column declared_kw).",
    "generator": "The baseline is that of the generator's own meter: its typical output on days without events. "
    "Output counts as a negative load, so that what it gives beyond that is delivered.",
    "control_group": "The baseline is that of customers who were not dispatched, matched to those who were.",
    "model": "The baseline is learned: {model}.",
}


def explain(program: Program) -> str:
    """The rule in words, with source, date and certainty of each part."""
    return "\n".join(_sentences(program))


def _sentences(program: Program) -> Iterator[str]:
    yield f"{program.title} ({program.name})"
    yield (
        "Every part was seen in a document of the operator."
        if program.official
        else f"Not an official statement of the rule: its least certain part is {CERTAINTY[program.confidence]}."
    )
    yield ""
    for rule in program.days:
        yield _rule_words(rule, program.day_types)
    if program.family != "days":
        windows = " and ".join(_window_words(window) for window in program.meter)
        yield _FAMILY_WORDS[program.family].format(windows=windows, model=program.model)
    yield "No adjustment to the event day." if program.adjustment is None else _adjustment_words(program.adjustment)
    yield from _terms(program)
    if program.demand_minutes is not None:
        yield (
            f"Not loads but demands, means over {program.demand_minutes} minutes, are compared: the mean over these days of "
            "the largest in the event hours, less the largest of the event."
        )
    if program.contract_cap:
        yield f"The baseline never exceeds the contracted capacity ({program.contract_cap} of the sites)."
    first, second = program.order.split("_then_")
    yield (
        f"A portfolio: {first} each site, then {second}."
        if first == "adjust"
        else "A portfolio: sum, then adjust once."
    )
    yield ""
    for part, evidence in program.evidence.items():
        yield f"  {part}: {evidence.source}; as of {evidence.as_of}; {evidence.confidence} ({CERTAINTY[evidence.confidence]})"
    for note in program.notes:
        yield f"  Note: {note}"


def _terms(program: Program) -> Iterator[str]:
    """Sentences on what a program has of its own beside the rule."""
    if program.channel != OBSERVED:
        yield f"Settled is the channel {program.channel}."
    if program.calendar is not None:
        yield f"Holidays are {program.calendar.words}, whatever the sites' country."
    if program.weekend != ("saturday", "sunday"):
        yield f"The weekend is {' and '.join(day.capitalize() for day in program.weekend)}."
    if program.gaps.fill != "none":
        yield program.gaps.words
    if program.ramps == "counted":
        yield "The energy of ramps counts."
    for each in program.dated if program.vintage else ():
        asked = f"{program.name.partition('@')[0]}@{each.vintage}"
        yield f"Vintage {each.vintage} ({asked}): in force {span_in_words(each)}{'; this is the rule above' if each is program else ''}."


def span_in_words(program: Program) -> str:
    """When a rule is in force: ``from 2023-11-01``, ``until 2023-10-31``."""
    if program.valid_from and program.valid_until:
        return f"from {program.valid_from} to {program.valid_until}"
    return f"from {program.valid_from}" if program.valid_from else f"until {program.valid_until or 'further notice'}"


def _rule_words(rule: DayRule, day_types: str | Sequence[str]) -> str:
    which = _RANK_WORDS[rule.rank].format(x=rule.x, over=_OVER_WORDS[rule.ranked])
    text = f"On {' and '.join(rule.applies_to)} days: of the {rule.y} newest qualified days, {which}"
    if rule.x == rule.y:
        text = f"On {' and '.join(rule.applies_to)} days: the {rule.y} newest qualified days"
    if rule.decay is not None:
        text += f", each weighing {rule.decay:g} of the next newer"
    elif rule.weights is not None:
        order = "best ranked" if rule.weights_by == "rank" else "oldest"
        text += f", weighted {' / '.join(f'{100 * weight:g} %' for weight in rule.weights)} ({order} first)"
    else:
        text += ", averaged"
    text += f". Qualified are days of the event day's type within {rule.look_back_days} calendar days"
    if rule.extended_look_back_days:
        text += f" ({rule.extended_look_back_days} if fewer than {rule.y} are found)"
    if rule.candidate_days:
        text += f", the newest {rule.candidate_days} of that type"
    text += f", without event days and days metered to less than {100 * rule.min_metered_share:g} %"
    if rule.gap_days:
        text += f", without the {rule.gap_days} day(s) right before the event"
    level = "the seed, the highest of them" if rule.low_of == "seed" else f"the mean of the {rule.y} newest"
    if rule.low_share:
        text += f", without days whose event hours are below {100 * rule.low_share:g} % of {level}"
    if rule.high_share is not None:
        text += f" or above {100 * rule.high_share:g} %"
    if not rule.fallback:
        return text + f". With fewer than {rule.least} there is no baseline."
    return text + f". With fewer than {rule.least}: {rule.fallback_words(len(rule.fallback))}, one after the other."


def _window_words(window: Window | ClockWindow) -> str:
    if isinstance(window, ClockWindow):
        return f"{window.start}-{window.stop} of the event day"
    buffer = f", {window.buffer:g} h away from it" if window.buffer else ""
    return f"the {window.hours:g} h {window.side} the event{buffer}"


def _adjustment_words(adjustment: Adjustment) -> str:
    windows = " and ".join(_window_words(window) for window in adjustment.windows)
    what = "factor" if adjustment.kind == "ratio" else "shift"
    text = f"Adjustment: {adjustment.kind}, one {what} an event, so that the baseline meets the meter in {windows}"
    if adjustment.ends_at == "notification":
        text += ", counted from the notification"
    if adjustment.cap is not None:
        of = "" if adjustment.kind == "ratio" else " of the mean baseline"
        text += f"; {what} held within {adjustment.cap[0]:g} to {adjustment.cap[1]:g}{of}"
    else:
        text += "; no cap"
    if adjustment.upward_only:
        text += "; never downwards"
    if adjustment.where_no_ratio == "additive":
        text += "; a shift instead where a ratio means nothing, as at a meter that exports"
    text += f"; not where less than {100 * adjustment.min_metered_share:g} % of the hours is known"
    text += _BESIDE_WORDS[adjustment.beside_other_events]
    if adjustment.floor is not None:
        text += f"; the baseline is at least {adjustment.floor:g} kW"
    return text + "."
