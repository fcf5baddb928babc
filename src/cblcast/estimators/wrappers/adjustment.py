"""The arithmetic of a same-day adjustment: factor or shift, and where a ratio means anything (baseline paper, equations 2-3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cblcast.frames.events import Window

NEUTRAL = {"multiplicative": 1.0, "additive": 0.0}  # the adjustment that changes nothing, by mode
# A window whose mean baseline is below this share of that of the event is near zero beside it: its ratio is noise.
NEAR_ZERO = 0.05


def adjustment(
    metered: np.ndarray, predicted: np.ndarray, inside: np.ndarray, event: np.ndarray, n_events: int, mode: str
) -> tuple[np.ndarray, np.ndarray]:
    """Adjustment of each event before any cap.

    Parameters
    ----------
    metered, predicted : ndarray, shape (n_rows,)
        Load seen and baseline [kW].
    inside : ndarray of bool, shape (n_rows,)
        Rows in the window.
    event : ndarray of int, shape (n_rows,)
    n_events : int
    mode : {"multiplicative", "additive"}

    Returns
    -------
    value : ndarray, shape (n_events,)
        Factor (equation 2: sum of metered over sum of predicted) or shift (mean of metered minus predicted) [kW].
    usable : ndarray of bool, shape (n_events,)
        False where nothing is seen, or where a ratio would meet a load or baseline that is zero or negative; `value`
        is then neutral.
    """
    use = inside & np.isfinite(metered) & np.isfinite(predicted)
    actual = np.bincount(event[use], weights=metered[use], minlength=n_events)
    expected = np.bincount(event[use], weights=predicted[use], minlength=n_events)
    count = np.bincount(event[use], minlength=n_events)
    if mode == "additive":
        usable = count > 0
        return np.where(usable, (actual - expected) / np.maximum(count, 1), 0.0), usable
    usable = (count > 0) & (actual > 0) & (expected > 0)
    with np.errstate(over="ignore"):  # a window next to nothing has a factor without end, which no one applies
        return np.where(usable, actual / np.where(usable, expected, 1.0), 1.0), usable


class Shape(NamedTuple):
    """What the baseline looks like in the event and in the window, event by event; shape (n_events,) each.

    Attributes
    ----------
    mean_kw : ndarray
        Mean baseline of the event's own intervals [kW], 0 where there is none.
    known : ndarray of bool
        Events that have a baseline at all.
    window_kw : ndarray
        Mean baseline of the window where the meter is seen [kW].
    least_kw : ndarray
        Smallest baseline of any interval of event and window [kW].
    seen_share : ndarray
        Share of the window's intervals in which meter and baseline are known; 1 without a window.
    """

    mean_kw: np.ndarray
    known: np.ndarray
    window_kw: np.ndarray
    least_kw: np.ndarray
    seen_share: np.ndarray


def shape_of(
    predicted: np.ndarray,
    asked: np.ndarray,
    used: np.ndarray,
    event: np.ndarray,
    n_events: int,
    window_intervals: float,
) -> Shape:
    """The :class:`Shape` of each event.

    Parameters
    ----------
    predicted : ndarray, shape (n_rows,)
    asked, used : ndarray of bool, shape (n_rows,)
        Rows of the event, and rows of the window in which meter and baseline are known.
    window_intervals : float
        How many intervals the windows hold.
    """
    mean, count = _means(predicted, asked & np.isfinite(predicted), event, n_events)
    window, seen = _means(predicted, used, event, n_events)
    least = np.full(n_events, np.inf)
    both = (asked | used) & np.isfinite(predicted)
    np.minimum.at(least, event[both], predicted[both])
    share = np.minimum(seen / window_intervals, 1.0) if window_intervals > 0 else np.ones(n_events)
    return Shape(mean, count > 0, window, least, share)


def _means(values: np.ndarray, use: np.ndarray, event: np.ndarray, n_events: int) -> tuple[np.ndarray, np.ndarray]:
    count = np.bincount(event[use], minlength=n_events)
    return np.bincount(event[use], weights=values[use], minlength=n_events) / np.maximum(count, 1), count


def ratio_means_something(shape: Shape, capped: bool, one_sign: bool) -> np.ndarray:
    """Where a factor may be applied to the baseline, bool, shape (n_events,).

    A factor above 1 makes an export larger, where more load would make it smaller: the mean baseline of the event must
    not be negative. Without a cap, the window must not be near zero beside the event: its factor could be anything.

    Parameters
    ----------
    capped : bool
        Whether a cap holds the factor.
    one_sign : bool
        Whether no interval at all may be negative, and the size counts whatever the cap, as for a net meter.
    """
    sound = ~shape.known | (shape.mean_kw > 0)
    if one_sign:
        sound &= shape.least_kw >= 0
    if one_sign or not capped:
        sound &= ~shape.known | (shape.window_kw >= NEAR_ZERO * shape.mean_kw)
    return sound


def intervals_of_windows(windows: Sequence[Window], since_start: np.ndarray, event: np.ndarray) -> float:
    """How many intervals the windows hold, those that they share counted once; 0 where rows do not say their step."""
    order = np.lexsort((since_start, event))
    gap = np.diff(since_start[order])[event[order][1:] == event[order][:-1]]
    gap = gap[gap > 1e-9]
    hours = sum(_covered([window for window in windows if window.side == side]) for side in ("before", "after"))
    # No window is shorter than an interval: a single one beside an event of a single one is further away than the step.
    return float(round(hours / min(gap.min(), *(window.hours for window in windows)))) if len(gap) else 0.0


def _covered(windows: Sequence[Window]) -> float:
    hours, reached = 0.0, 0.0
    for window in sorted(windows, key=lambda each: each.buffer):
        end = window.buffer + window.hours
        hours += max(0.0, end - max(window.buffer, reached))
        reached = max(reached, end)
    return hours


class Terms(NamedTuple):
    """How a baseline meets the meter; see :class:`~cblcast.estimators.wrappers.adjusted.Adjusted`."""

    mode: str
    limits: tuple[float, float] | None = None
    floor: float | None = None
    upward_only: bool = False
    least_seen: float = 0.0
    otherwise: str = "unadjusted"


class Met(NamedTuple):
    """What was found for some rows and their events; `shift` where the value is added, not multiplied."""

    predicted: np.ndarray
    adjusted_kw: np.ndarray
    event: np.ndarray
    raw: np.ndarray
    applied: np.ndarray
    usable: np.ndarray
    shift: np.ndarray
    shape: Shape


def meet(
    predicted: np.ndarray,
    metered: np.ndarray,
    inside: np.ndarray,
    asked: np.ndarray,
    event: np.ndarray,
    n_events: int,
    window_intervals: float,
    terms: Terms,
) -> Met:
    """The baseline of each row adjusted to the meter in its event's windows.

    Parameters
    ----------
    predicted, metered : ndarray, shape (n_rows,)
        Baseline, and load as far as it may be seen [kW].
    inside, asked : ndarray of bool, shape (n_rows,)
        Rows in the windows, and rows of the event.
    event : ndarray of int, shape (n_rows,)
    window_intervals : float
        How many intervals the windows hold.
    terms : Terms
    """
    used = inside & np.isfinite(metered) & np.isfinite(predicted)
    shape = shape_of(predicted, asked, used, event, n_events, window_intervals)
    raw, usable = adjustment(metered, predicted, inside, event, n_events, terms.mode)
    shift = np.full(n_events, terms.mode == "additive")
    if terms.mode == "multiplicative":
        usable &= ratio_means_something(shape, terms.limits is not None, terms.otherwise == "additive")
        if terms.otherwise == "additive" and not usable.all():
            moved, seen = adjustment(metered, predicted, inside, event, n_events, "additive")
            raw, shift = np.where(usable, raw, moved), ~usable
            usable = usable | seen
    usable &= shape.seen_share >= terms.least_seen
    raw = np.where(usable, raw, _neutral(shift))
    applied = _capped(raw, shift, shape.mean_kw, terms)
    of_row = applied[event]
    adjusted = np.where(shift[event], predicted + of_row, predicted * of_row)
    if terms.floor is not None:
        adjusted = np.maximum(adjusted, terms.floor)
    return Met(predicted, adjusted, event, raw, applied, usable, shift, shape)


def _neutral(shift: np.ndarray) -> np.ndarray:
    return np.where(shift, NEUTRAL["additive"], NEUTRAL["multiplicative"])


def _capped(value: np.ndarray, shift: np.ndarray, mean_kw: np.ndarray, terms: Terms) -> np.ndarray:
    if terms.upward_only:
        value = np.maximum(value, _neutral(shift))
    if terms.limits is None:
        return value
    # Limits of a factor hold a shift by what they leave of the mean baseline.
    neutral = NEUTRAL[terms.mode]
    low, high = (np.where(shift, (limit - neutral) * np.abs(mean_kw), limit) for limit in terms.limits)
    return np.clip(value, low, high)
