"""The plots of a scored frame, as its methods: what ``result.plot.`` offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cblcast.errors import DataError, nearest
from cblcast.frames.panel import Panel
from cblcast.plots.errors import error_by, error_by_lead
from cblcast.plots.event import event
from cblcast.plots.fan import forecast_fan
from cblcast.plots.limits import coverage

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class ScoredPlots:
    """Plots of one scored frame; see :mod:`cblcast.plots`."""

    scored: pd.DataFrame

    def event(
        self,
        panel: Panel,
        method: str | None = None,
        which: str | tuple[str, pd.Timestamp] = "median",
        *,
        ax: Axes | None = None,
    ) -> Axes:
        """See :func:`cblcast.plots.event`."""
        return event(self._of(method), panel, which, ax=ax)

    def error_by(self, panel: Panel, by: str = "hour", method: str | None = None, *, ax: Axes | None = None) -> Axes:
        """See :func:`cblcast.plots.error_by`."""
        return error_by(self._of(method), panel, by, ax=ax)

    def error_by_lead(self, rated_kw: float | None = None, *, ax: Axes | None = None) -> Axes:
        """See :func:`cblcast.plots.error_by_lead`."""
        return error_by_lead(self.scored, rated_kw, ax=ax)

    def forecast_fan(
        self,
        panel: Panel,
        method: str | None = None,
        which: tuple[str, pd.Timestamp] | None = None,
        *,
        ax: Axes | None = None,
    ) -> Axes:
        """See :func:`cblcast.plots.forecast_fan`."""
        return forecast_fan(self._of(method), panel, which, ax=ax)

    def coverage(self, nominal: float | None = None, *, ax: Axes | None = None) -> Axes:
        """See :func:`cblcast.plots.coverage`."""
        return coverage(self.scored, nominal, ax=ax)

    def _of(self, method: str | None) -> pd.DataFrame:
        if method is None:
            return self.scored
        known = list(dict.fromkeys(self.scored["method"]))
        if method not in known:
            raise DataError(f"no method {method!r} was scored: {nearest(method, known)}")
        return self.scored[self.scored["method"] == method]
