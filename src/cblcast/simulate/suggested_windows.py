"""How long the buffers and windows of an adjustment must be for a customer and a program.

The point of the baseline paper (section 3.4): "the definition and the duration of both buffers should be justified by load
mix and behaviour (e.g., through load modelling)". Here they are read off the customer's load model: simulated with the
program and without it, a window is clean where the program has not moved the load, and long enough where a longer one
would not make the adjusted baseline better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cblcast.errors import DataError
from cblcast.frames.events import Window

Array = np.ndarray
BIAS = 0.02  # of the window's load: what a program may have moved in a window that is called clean
HOURS = (1.0, 2.0, 3.0, 4.0)
LONGEST_BUFFER_H = 12.0


@dataclass(frozen=True)
class SuggestedWindows:
    """Windows for one customer and program.

    Attributes
    ----------
    before, after : Window or None
        None where no buffer of up to 12 h leaves a clean window, or a series does not reach that far.
    bias_before, bias_after : float
        Bias of a baseline that would be adjusted in the suggested windows, as a share; NaN without a window.
    bias_unbuffered_before, bias_unbuffered_after : float
        The same without any buffer (windows of the same length).
    """

    before: Window | None
    after: Window | None
    bias_before: float
    bias_after: float
    bias_unbuffered_before: float
    bias_unbuffered_after: float


def window_bias(
    with_kw: Array, without_kw: Array, spans: Sequence[tuple[int, int]], window: Window, step_h: float
) -> float:
    """Bias of a multiplicative adjustment in a window, as a share: sum of the load with the program over that without − 1.

    A baseline that is right before its adjustment is wrong by so much after it (equation 2). NaN where a window lies
    outside the series or meets no load.

    Parameters
    ----------
    with_kw, without_kw : ndarray, shape (n_steps,)
    spans : sequence of (int, int)
        First step of each event, and the step after its last.
    """
    moved = usual = 0.0
    far, near = round((window.buffer + window.hours) / step_h), round(window.buffer / step_h)
    for first, stop in spans:
        begin, end = (first - far, first - near) if window.side == "before" else (stop + near, stop + far)
        if begin < 0 or end > len(with_kw):
            continue
        moved += float(with_kw[begin:end].sum())
        usual += float(without_kw[begin:end].sum())
    return moved / usual - 1.0 if usual > 0 else float("nan")


def suggest_windows(
    with_kw: Array,
    without_kw: Array,
    spans: Sequence[tuple[int, int]],
    step_h: float,
    *,
    notice_h: float = 0.0,
    prepares: bool = False,
    steps_per_day: int | None = None,
    largest_bias: float = BIAS,
) -> SuggestedWindows:
    """Windows that the program leaves clean, as short a buffer as can be, and as long as is worth it.

    Parameters
    ----------
    with_kw, without_kw : ndarray, shape (n_steps,)
        The customer's simulated load with the program and without it [kW].
    spans : sequence of (int, int)
        First step of each event, and the step after its last.
    step_h : float
    notice_h, prepares : float, bool
        Hours of notice; whoever prepares may begin with the notification, so that the buffer before the event reaches back
        to it whatever the simulation shows.
    steps_per_day : int, optional
        For the length of the windows: of 1, 2, 3 and 4 h the one whose factor makes a mean of the ten days before best.
        2 h unless given.
    largest_bias : float
        Share of the window's load that may be moved in a clean window.

    Raises
    ------
    DataError
        No events, loads of different length.
    """
    if len(spans) == 0 or len(with_kw) != len(without_kw):
        raise DataError("suggested windows need at least one event, and loads with and without it of the same length")
    found: dict[str, tuple[Window | None, float, float]] = {}
    for side in ("before", "after"):
        least = notice_h if side == "before" and prepares else 0.0
        length = 2.0 if steps_per_day is None else best_length(without_kw, spans, step_h, steps_per_day, side)
        window = _clean(with_kw, without_kw, spans, step_h, side, length, least, largest_bias)
        bias = float("nan") if window is None else window_bias(with_kw, without_kw, spans, window, step_h)
        plain = Window.before(length) if side == "before" else Window.after(length)
        found[side] = (window, bias, window_bias(with_kw, without_kw, spans, plain, step_h))
    return SuggestedWindows(
        found["before"][0],
        found["after"][0],
        found["before"][1],
        found["after"][1],
        found["before"][2],
        found["after"][2],
    )


def _clean(
    with_kw: Array, without_kw: Array, spans: Sequence[tuple[int, int]], step_h: float,
    side: str, hours: float, least: float, largest_bias: float,
) -> Window | None:  # fmt: skip
    """The window with the shortest buffer from which on all windows are clean: a rebound may dip below zero on its way."""
    make = Window.before if side == "before" else Window.after
    buffers = np.arange(0.0, LONGEST_BUFFER_H + step_h / 2, step_h)
    bias = np.array([window_bias(with_kw, without_kw, spans, make(hours, float(buffer)), step_h) for buffer in buffers])
    dirty = ~(np.abs(bias) <= largest_bias)
    seen = np.isfinite(bias)
    dirty[~seen] = False
    if not seen.any() or dirty[seen][-1]:
        return None
    first = int(np.flatnonzero(dirty)[-1]) + 1 if dirty.any() else 0
    buffer = max(float(buffers[first]), float(np.ceil(least / step_h - 1e-9) * step_h))
    return make(hours, round(buffer, 9))


def best_length(
    load_kw: Array, spans: Sequence[tuple[int, int]], step_h: float, steps_per_day: int, side: str, days: int = 10
) -> float:
    """Of 1, 2, 3 and 4 h the window in which a mean of the `days` days before is best adjusted [h].

    Judged on the customer's load without the program, at the hours of the events on every day that has `days` before it.
    """
    slots = {(first % steps_per_day, stop - first) for first, stop in spans}
    error = dict.fromkeys(HOURS, 0.0)
    for slot, count in slots:
        for hours in HOURS:
            width = round(hours / step_h)
            begin = slot - width if side == "before" else slot + count
            for today in range(days, len(load_kw) // steps_per_day):
                at = today * steps_per_day
                if at + min(begin, 0) < days * steps_per_day or at + max(begin + width, slot + count) > len(load_kw):
                    continue
                back = [at - d * steps_per_day for d in range(1, days + 1)]
                mean = np.mean([load_kw[b + slot : b + slot + count] for b in back], axis=0)
                beside = np.mean([load_kw[b + begin : b + begin + width] for b in back], axis=0).sum()
                met = load_kw[at + begin : at + begin + width].sum()
                factor = met / beside if beside > 0 else 1.0
                error[hours] += float(((factor * mean - load_kw[at + slot : at + slot + count]) ** 2).sum())
    return min(error, key=lambda hours: (error[hours], hours)) if any(error.values()) else 2.0
