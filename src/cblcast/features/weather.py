"""Weather at and before each interval. Weather is not metered load: the blindfold does not hide it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Celsius, HoursAboveZero, SignedHours, Text
from cblcast.frames.coded import instants_of_rows, sites_of_rows
from cblcast.frames.instants import HOUR_US
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, StudyError
from cblcast.wishes import union


@dataclass(frozen=True)
class Weather:
    """Weather columns of the panel at the interval, lagged and rolling, and degree hours.

    Columns: each of `columns` under its own name; ``<column>_lag_<h>h``; ``<column>_mean_<h>h`` (the mean over the `h`
    hours up to and including the interval); ``heating_degree_c`` = max(0, base - temperature), ``cooling_degree_c`` =
    max(0, temperature - base), both in kelvin over one interval.

    Parameters
    ----------
    columns : tuple of str
        Weather columns of the panel.
    lags_h, rolling_h : tuple of float
        Hours.
    heating_base_c, cooling_base_c : float or None
        Balance temperatures [°C]; None leaves the degree hours out.
    temperature : str
        The column that degree hours are made of.

    Notes
    -----
    In a backtest on history this is the weather as measured, not as forecast: a result is then as of perfect weather.
    """

    columns: tuple[str, ...] = union(("temp_air_c",))
    lags_h: tuple[SignedHours, ...] = union(())
    rolling_h: tuple[HoursAboveZero, ...] = union((24.0,))
    heating_base_c: Celsius | None = 15.0
    cooling_base_c: Celsius | None = 20.0
    temperature: Text = "temp_air_c"

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        degrees = self.heating_base_c is not None or self.cooling_base_c is not None
        return tuple(dict.fromkeys((*self.columns, *((self.temperature,) if degrees else ()))))

    def __post_init__(self) -> None:
        check_fields(self)
        if OBSERVED in (*self.columns, self.temperature):
            raise StudyError(
                f"{OBSERVED!r} is no weather: it would be read without the blindfold; use event_windows or reference_days"
            )

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        site = sites_of_rows(panel, cases.index)
        times = instants_of_rows(cases.index, "time")
        found: dict[str, np.ndarray] = {}
        for column in self.columns:
            found[column] = panel.values_at(column, site, times)
            for lag in self.lags_h:
                found[f"{column}_lag_{lag:g}h"] = panel.values_at(column, site, times - int(lag * HOUR_US))
            for hours in self.rolling_h:
                found[f"{column}_mean_{hours:g}h"] = _trailing_mean(panel, column, site, times, hours)
        if self.heating_base_c is not None or self.cooling_base_c is not None:
            temperature = panel.values_at(self.temperature, site, times)
            if self.heating_base_c is not None:
                found["heating_degree_c"] = np.maximum(self.heating_base_c - temperature, 0.0)
            if self.cooling_base_c is not None:
                found["cooling_degree_c"] = np.maximum(temperature - self.cooling_base_c, 0.0)
        return pd.DataFrame(found, index=cases.index)


def _trailing_mean(panel: Panel, column: str, site: np.ndarray, times: np.ndarray, hours: float) -> np.ndarray:
    """Mean of the metered values of the `hours` up to and including each interval; NaN where there is none."""
    values = panel.column(column)
    seen = np.isfinite(values)
    total = np.r_[0.0, np.cumsum(np.where(seen, values, 0.0))]
    count = np.r_[0, np.cumsum(seen)]
    rows = panel.locate(site, times)
    length = max(1, round(hours / panel.step_hours))
    first_of_site = panel.locate(site, panel.first_times_us[site])
    begin = np.maximum(rows - length + 1, first_of_site)
    n = count[rows + 1] - count[begin]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((rows >= 0) & (n > 0), (total[rows + 1] - total[begin]) / n, np.nan)
