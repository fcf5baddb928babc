"""How restless the power has been just before a nowcast is issued: what tells whether its error will be large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import HoursAboveZero, Steps
from cblcast.features.lags import Past
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED
from cblcast.wishes import widest

SPREAD, CHANGE = "unrest_sd_kw", "unrest_change_kw"


@dataclass(frozen=True)
class Unrest:
    """Spread of the power over the last intervals, and its mean change from interval to interval over the last hours.

    Columns [kW]: ``unrest_sd_kw``, standard deviation over the last `intervals`; ``unrest_change_kw``, mean absolute change from
    one interval to the next over the last `hours`. NaN where less than a third of them was measured.

    Parameters
    ----------
    intervals : int
    hours : float
        [h]
    """

    intervals: Steps = widest(6)
    hours: HoursAboveZero = widest(24.0)

    def __post_init__(self) -> None:
        check_fields(self)

    def intervals_back(self, step_h: float) -> int:
        """Intervals before the blindfold that are looked at."""
        return max(self.intervals, max(1, round(self.hours / step_h)) + 1)

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        past = Past.of(panel, cases)
        power = panel.column(OBSERVED)
        site = np.asarray(panel.data.index.codes[0])
        change = np.r_[np.nan, np.abs(np.diff(power))]
        change[np.r_[True, np.diff(site) != 0]] = np.nan  # between sites there is none
        n = max(1, round(self.hours / panel.step_hours))
        found = {SPREAD: past.spread(power, self.intervals), CHANGE: past.mean(change, n)}
        return past.frame(found, cases)
