"""How a program's baseline meets the meter beside an event: kind, windows and caps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from cblcast.frames.events import Window
from cblcast.programs.terms import Strict


class ClockWindow(Strict):
    """An adjustment window that stands at a fixed wall clock of the event day (Taipower: 22:00-24:00).

    ``stop: "24:00"`` is the end of the day.
    """

    start: str
    stop: str

    @model_validator(mode="after")
    def _in_order(self) -> ClockWindow:
        first, last = self.minutes
        if not 0 <= first < last <= 1440:
            raise ValueError(f"a clock window starts before it stops, within one day, not {self.start}-{self.stop}")
        return self

    @property
    def minutes(self) -> tuple[int, int]:
        """Start and stop in minutes after local midnight."""
        return _minutes(self.start), _minutes(self.stop)


def _minutes(clock: str) -> int:
    if clock == "24:00":
        return 1440
    try:
        at = dt.time.fromisoformat(clock)
    except ValueError:
        raise ValueError(f'{clock!r} is no time of day: write it quoted, like "22:00"') from None
    return 60 * at.hour + at.minute


def window_of(spec: Any) -> Any:
    """A window beside the event, or at a fixed wall clock, from what a file holds."""
    if isinstance(spec, Mapping) and "start" in spec:
        return ClockWindow(**spec)
    return spec if isinstance(spec, ClockWindow) else Window.of(spec)


AnyWindow = Annotated[Window | ClockWindow, BeforeValidator(window_of)]


class Adjustment(Strict):
    """How the baseline meets the meter beside the event.

    Attributes
    ----------
    kind : {"ratio", "additive"}
        Factor (sum of the meter over sum of the baseline) or shift (their mean difference [kW]).
    windows : list
        Hours and buffers before and after the event, or a fixed wall clock.
    cap : (float, float), optional
        Limits of the factor, e.g. 0.8-1.2; of a shift as shares of the mean baseline.
    floor : float, optional
        Least adjusted baseline [kW].
    upward_only : bool
    ends_at : {"start", "notification"}
        What windows before the event count back from. From the notification on, a customer can raise the load that the
        window meters.
    where_no_ratio : {"unadjusted", "additive"}
        What is done where a ratio means nothing (see :class:`~cblcast.estimators.wrappers.adjusted.Adjusted`): keep the
        baseline, or shift it, as a net meter needs.
    min_metered_share : float
        Least metered share of the windows, 0-1; with less the event is not adjusted, and its line says so.
    beside_other_events : {"day_edge", "unadjusted", "refuse"}
        A window that reaches into another event of the same local day: count it from the first start (the last stop) of
        that day's events, leave the event unadjusted, or do not settle it. One that reaches into an event of another
        day is never used: the event is not settled, or unadjusted if that is what this says.
    """

    kind: Literal["ratio", "additive"] = "ratio"
    windows: tuple[AnyWindow, ...] = Field(min_length=1)
    cap: tuple[float, float] | None = None
    floor: float | None = None
    upward_only: bool = False
    ends_at: Literal["start", "notification"] = "start"
    where_no_ratio: Literal["unadjusted", "additive"] = "unadjusted"
    min_metered_share: float = Field(default=0.5, ge=0, le=1)
    beside_other_events: Literal["day_edge", "unadjusted", "refuse"] = "day_edge"

    @property
    def mode(self) -> str:
        """As :class:`cblcast.estimators.wrappers.adjusted.Adjusted` calls the kind."""
        return {"ratio": "multiplicative", "additive": "additive"}[self.kind]

    @model_validator(mode="after")
    def _cap_holds_neutral(self) -> Adjustment:
        neutral = 1.0 if self.kind == "ratio" else 0.0
        if self.cap is not None and not self.cap[0] <= neutral <= self.cap[1]:
            raise ValueError(f"the cap {self.cap} must enclose {neutral:g}, the {self.kind} adjustment of nothing")
        if self.cap is not None and self.kind == "ratio" and self.cap[0] < 0:
            raise ValueError(f"the cap {self.cap} of a ratio lets a load become negative: begin it at 0 or above")
        if self.where_no_ratio == "additive" and self.kind == "additive":
            raise ValueError("where_no_ratio is for a ratio: an additive adjustment is a shift everywhere")
        return self
