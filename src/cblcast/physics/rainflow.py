"""Rain-flow cycle counting that can be fed piece by piece: what is open at midnight is carried into the next day.

Source: ASTM E1049-85 (2011), section 5.4.4 (the three-point method). Cutting a history at midnight and counting each piece on its
own turns one deep cycle into shallow halves; here the residue stays open until it closes or :meth:`RainFlow.close` is called.
"""

from __future__ import annotations

from collections.abc import Iterable

Cycle = tuple[float, float]  # range, and how much of a cycle it is: 1 or 0.5


class RainFlow:
    """The state of a count.

    Examples
    --------
    >>> whole = RainFlow()
    >>> whole.feed([0.8, 0.5]) + whole.feed([0.8, 0.5]) + whole.close()
    [(0.30000000000000004, 0.5), (0.30000000000000004, 0.5), (0.30000000000000004, 0.5)]
    """

    def __init__(self) -> None:
        self._points: list[float] = []  # confirmed reversals that no closed cycle has used up
        self._last: float | None = None  # the newest value: not yet known to be a reversal

    def feed(self, values: Iterable[float]) -> list[Cycle]:
        """Add values; returns the cycles that they close."""
        closed: list[Cycle] = []
        for value in values:
            if self._last is None:
                self._last = value
                self._points.append(value)
            elif len(self._points) == 1 and self._last == self._points[0]:
                self._last = value  # the first move has no direction to compare with
            elif _turns(self._points[-1], self._last, value):
                self._points.append(self._last)
                closed += self._collapse()
                self._last = value
            else:
                self._last = value
        return closed

    def close(self) -> list[Cycle]:
        """End the history: the newest value is its last reversal, and what is open counts as half cycles."""
        closed: list[Cycle] = []
        if self._last is not None and self._last != self._points[-1]:
            self._points.append(self._last)
            closed = self._collapse()
        closed += [(abs(b - a), 0.5) for a, b in zip(self._points, self._points[1:], strict=False)]
        self._points, self._last = [], None
        return closed

    def _collapse(self) -> list[Cycle]:
        closed: list[Cycle] = []
        points = self._points
        while len(points) >= 3:
            newest, previous = abs(points[-1] - points[-2]), abs(points[-2] - points[-3])
            if newest < previous:
                break
            if len(points) == 3:  # the previous range holds the history's start: half a cycle
                closed.append((previous, 0.5))
                points.pop(0)
            else:
                closed.append((previous, 1.0))
                del points[-3:-1]
        return closed


def _turns(before: float, at: float, after: float) -> bool:
    """Whether a path turns at its middle point; by signs, since a product of tiny moves is 0."""
    return before != at != after and (after > at) != (at > before)
