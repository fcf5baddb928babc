"""Time of day and of year at which a nowcast is issued."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Between
from cblcast.features.feature_frame import feature_frame
from cblcast.frames.coded import codes_and_level
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import ORIGIN
from cblcast.wishes import widest


@dataclass(frozen=True)
class OriginClock:
    """Sine and cosine of the day and the year at the origin, the same for all leads.

    Columns: ``origin_day_sin_<k>``, ``origin_day_cos_<k>`` for the k-th harmonic of the day, ``origin_year_sin``,
    ``origin_year_cos``. The clock is UTC: weather follows the sun, not the summer time.

    Parameters
    ----------
    harmonics : int
        Of the day.
    year : bool
    """

    harmonics: Annotated[int, Between(0, 100)] = widest(2)
    year: bool = widest(True)

    def __post_init__(self) -> None:
        check_fields(self)

    def intervals_back(self, step_h: float) -> int:
        """None: the clock is all that is read."""
        return 0

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        code, instants = codes_and_level(cases.index, ORIGIN)
        origin = pd.DatetimeIndex(instants)
        day = 2 * np.pi * (microseconds(origin) % DAY_US) / DAY_US
        found: dict[str, np.ndarray] = {}
        for k in range(1, self.harmonics + 1):
            found |= {f"origin_day_sin_{k}": np.sin(k * day), f"origin_day_cos_{k}": np.cos(k * day)}
        if self.year:
            year = 2 * np.pi * (origin.day_of_year.to_numpy() - 1 + day / (2 * np.pi)) / 365.25
            found |= {"origin_year_sin": np.sin(year), "origin_year_cos": np.cos(year)}
        return feature_frame(cases, code, {name: values[code] for name, values in found.items()})
