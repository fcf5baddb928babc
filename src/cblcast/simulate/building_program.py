"""What a program asks of buildings, event by event: set points moved, plants cycled or switched off, rooms prepared before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.simulate.rooms import Signals


@dataclass(frozen=True)
class BuildingProgram:
    """One kind of event.

    Attributes
    ----------
    start_h, stop_h : float
        Local wall clock [h], ``0 <= start_h < stop_h <= 24``.
    shift_k : float
        Set-point change through the event: cooling set point up, heating set point down [K].
    load_fraction : float
        Share of the plant that may run: 1 free, 0.5 cycled, 0 switched off.
    power_set_point_kw : float
        Most electric power of a customer's plant [kW].
    prepare_h, prepare_k : float
        Pre-cooling (pre-heating) before the event: hours, and how far the set point is moved the other way [K].
    notice_h : float
        Hours between the notification and the event; whoever prepares may begin with the notification.
    """

    start_h: float = 17.0
    stop_h: float = 20.0
    shift_k: float = 0.0
    load_fraction: float = 1.0
    power_set_point_kw: float = np.inf
    prepare_h: float = 0.0
    prepare_k: float = 0.0
    notice_h: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.start_h < self.stop_h <= 24:
            raise DataError(
                f"an event from {self.start_h} h to {self.stop_h} h: give hours of one local day, the start before the stop"
            )
        if not 0 <= self.load_fraction <= 1:
            raise DataError(f"load_fraction is {self.load_fraction}: it lies between 0 (switched off) and 1 (free)")
        if min(self.prepare_h, self.prepare_k, self.notice_h, self.power_set_point_kw) < 0:
            raise DataError("prepare_h, prepare_k, notice_h and power_set_point_kw are 0 or more")
        if self.prepare_h > self.start_h:
            raise DataError(f"{self.prepare_h} h of preparation begin on the day before the event: give fewer hours")
        if self.prepares and self.notice_h < self.prepare_h:
            raise DataError(
                f"nobody can prepare {self.prepare_h} h ahead with {self.notice_h} h of notice: "
                "give notice_h of at least prepare_h"
            )
        if self.shift_k == 0 and self.load_fraction == 1 and not np.isfinite(self.power_set_point_kw):
            raise DataError("the program asks for nothing: give shift_k, load_fraction or power_set_point_kw")

    @property
    def prepares(self) -> bool:
        """Whether rooms are prepared before the event."""
        return self.prepare_h > 0 and self.prepare_k > 0

    def check_steps(self, step_h: float) -> None:
        """Raise :class:`DataError` where an event does not begin and end with a step [h]."""
        for hour in (self.start_h, self.stop_h):
            if abs(hour / step_h - round(hour / step_h)) > 1e-6:
                raise DataError(
                    f"an event from {self.start_h:g} h to {self.stop_h:g} h cuts a step of {60 * step_h:g} min: begin and end "
                    "it with one, or take a shorter step_min"
                )

    def signals(self, day: np.ndarray, hour: np.ndarray, days: np.ndarray) -> Signals:
        """The program on some days, step by step.

        Parameters
        ----------
        day : ndarray of int, shape (n_steps,)
            Local day of each step.
        hour : ndarray, shape (n_steps,)
            Local hour of each step [0, 24).
        days : ndarray of int
            Days with an event.
        """
        asked = np.isin(day, days)
        inside = asked & (hour >= self.start_h) & (hour < self.stop_h)
        before = asked & (hour >= self.start_h - self.prepare_h) & (hour < self.start_h) & self.prepares
        return Signals(
            np.where(inside, self.shift_k, np.where(before, -self.prepare_k, 0.0)),
            np.where(inside, self.load_fraction, 1.0),
            np.where(inside, self.power_set_point_kw, np.inf),
        )

    def spans(self, day: np.ndarray, hour: np.ndarray, days: np.ndarray) -> list[tuple[int, int]]:
        """First step and the step after the last of each event, in time."""
        found = []
        for one in np.sort(np.asarray(days)):
            inside = np.flatnonzero((day == one) & (hour >= self.start_h) & (hour < self.stop_h))
            if len(inside):
                found.append((int(inside[0]), int(inside[-1]) + 1))
        return found


def hottest_days(
    day: np.ndarray, out_c: np.ndarray, usable: np.ndarray, count: int, coldest: bool = False
) -> np.ndarray:
    """The `count` local days with the highest (lowest) mean temperature among those that are `usable`, ascending.

    Parameters
    ----------
    day, out_c : ndarray, shape (n_steps,)
    usable : ndarray of int
        Days that may have an event.
    """
    mean = pd.Series(out_c).groupby(day).mean()
    mean = mean[mean.index.isin(usable)]
    if not 0 <= count <= len(mean):
        raise DataError(f"{count} event days of {len(mean)} working days: give 0 to {len(mean)}, or add days")
    chosen = (mean if coldest else -mean).nsmallest(count)
    return np.sort(chosen.index.to_numpy())
