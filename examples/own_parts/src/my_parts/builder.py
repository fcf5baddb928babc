"""A feature builder of one's own: a frozen dataclass that looks things up and keeps nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast import registry
from cblcast.frames.panel import Panel, local_clock
from cblcast.wishes import union


@registry.FEATURES.register(name="opening_hours")
@dataclass(frozen=True)
class OpeningHours:
    """Whether the site is open, by its local wall clock: column ``open``, 1 or 0.

    Parameters
    ----------
    from_hour, to_hour : float
        Local hours; two wishes for different ones contradict each other, as plain fields do.
    closed_weekdays : tuple of int
        Monday is 0; of two wishes the days of both are closed.
    """

    from_hour: float = 8.0
    to_hour: float = 18.0
    closed_weekdays: tuple[int, ...] = union((5, 6))

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index, float64."""
        site = panel.site_codes(cases.index.get_level_values("site_id"))
        local = local_clock(panel, site, pd.DatetimeIndex(cases.index.get_level_values("time")).as_unit("us").asi8)
        hour = local % 86_400_000_000 / 3_600_000_000
        weekday = (local // 86_400_000_000 + 3) % 7  # 1970-01-01 was a Thursday
        open_ = (hour >= self.from_hour) & (hour < self.to_hour) & ~np.isin(weekday, self.closed_weekdays)
        return pd.DataFrame({"open": open_.astype(np.float64)}, index=cases.index)
