"""Forecast wind beside the wind that the farm measured: a factor between them that is one of units is told."""

from __future__ import annotations

import re

import numpy as np

from cblcast.frames.forecast_runs import ForecastRuns
from cblcast.frames.outlook import Outlook
from cblcast.frames.panel import Panel
from cblcast.frames.sources import Origin

# How many times the measured wind the forecast of one place and height can be before it is in another unit. A product that
# is a third too windy is a poor one; one that is 1.94 times too windy is in knots, and one 3.6 times in km/h.
FACTORS = {"kn": (1.7, 2.25), "kmh": (3.1, 4.2)}
FEW = 48  # intervals that both must have
_SPEED = re.compile(r"wind_speed_(?:(\d+)m_|(nacelle|hub)_)?ms$")


def looks_like_other_unit(panel: Panel, runs: ForecastRuns) -> str:
    """One sentence where a speed of `runs` is as many times the measured wind as a unit would make it; else nothing.

    Measured wind counts where it was measured at the hub, or no lower than the forecast is of: wind grows with height.
    """
    site = np.asarray(panel.data.index.codes[0], dtype=np.int64)
    outlook = Outlook(panel, site, panel.times_us, panel.times_us)
    measured = [str(name) for name in panel.data.columns if panel.source(str(name)).origin is Origin.MEASURED]
    for column in runs.columns:
        kind = _SPEED.search(column)
        if kind is None:
            continue
        for name in measured:
            mine = _SPEED.search(name)
            if mine is None or not _as_high(mine, kind):
                continue
            ahead, seen = outlook.value(column), panel.column(name)
            both = np.isfinite(ahead) & np.isfinite(seen)
            if int(both.sum()) < FEW or not seen[both].mean() > 0:
                continue
            factor = float(ahead[both].mean() / seen[both].mean())
            unit = next((unit for unit, (low, high) in FACTORS.items() if low <= factor <= high), None)
            if unit is not None:
                own = column.removeprefix(f"{runs.product}_")
                return (
                    f"{own!r} of {runs.product} is {factor:.2f} times {name!r}, which the farm measured, as a wind in {unit} would be: if "
                    f"it is, let its name end in its unit (columns={{{own!r}: '{own.removesuffix('_ms')}_{unit}'}})"
                )
    return ""


def _as_high(measured: re.Match[str], forecast: re.Match[str]) -> bool:
    """Whether wind was measured at the hub, or as high as it is forecast for."""
    if measured[2] is not None:
        return True
    return measured[1] is not None and forecast[1] is not None and int(measured[1]) >= int(forecast[1])
