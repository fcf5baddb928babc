"""How wrong weather forecasts have been up to the origin: the measured minus the forecast wind and power of the nowcast paper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Pairs, Positive, SignedHours, Steps, StepsOrNone, Text
from cblcast.features.feature_frame import feature_frame
from cblcast.features.lags import Past
from cblcast.features.nwp import intervals_of, outlook, outlook_at
from cblcast.frames.cases import EventArrays
from cblcast.frames.outlook import then_known, warn_of_gaps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, DataError, StudyError
from cblcast.physics.power_curve import published_power_curve
from cblcast.wishes import union


@dataclass(frozen=True)
class NwpError:
    """Forecast power by a fixed curve, and how far forecast and measurement have been apart.

    A published curve is a fixed shape, so the builder stays stateless; estimators correct its level.

    Columns (power as a share of the site's rated power, speed in m/s): ``nwp_power`` at the interval;
    ``nwp_power_change`` since the last visible interval; ``nwp_power_at_<h>h`` for `hours` about the origin;
    ``power_error_ago_<k>``, ``power_error_mean_<n>``: measured minus forecast power then; ``speed_error_ago_<k>``,
    ``speed_error_mean_<n>`` likewise; ``observed_minus_nwp_ms`` and ``observed_minus_nwp``: measured at the origin minus
    forecast FOR THE INTERVAL (the paper's added variable), speed and power; with `measured_direction` also
    ``u_error_ms``, ``v_error_ms``, ``turn_sin``, ``turn_cos`` (measured minus forecast direction).

    Parameters
    ----------
    speed : str
        Forecast wind speed column [m/s].
    measured_speed : str or None
        Wind measured at the site, e.g. ``"wind_speed_nacelle_ms"``; without it there are no errors of speed.
    turbine : str
        Published curve (see :func:`cblcast.physics.power_curve.published_turbines`), scaled to the site's rated power.
    speed_sd_ms : float
        Error of the forecast speed that the curve is averaged over.
    ago, means : tuple of int
        Intervals back from the origin.
    hours : tuple of float
        Hours about the origin for the forecast power.
    u, v, measured_direction : str or None
        Forecast wind components and the measured direction [deg].
    also : tuple of (measured column, forecast column)
        Further differences at the last visible interval, ``<measured>_minus_<forecast>``, e.g. of the air temperature.
    """

    speed: Text = "wind_speed_100m_ms"
    measured_speed: Text | None = None
    turbine: Text = "MM92/2050"
    speed_sd_ms: Positive = 1.5
    ago: tuple[Steps, ...] = union((1,))
    means: tuple[Steps, ...] = union(())
    hours: tuple[SignedHours, ...] = union(())
    u: Text | None = None
    v: Text | None = None
    measured_direction: Text | None = None
    also: Pairs = union(())
    hold: StepsOrNone = 6

    def __post_init__(self) -> None:
        check_fields(self)

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        named = (
            self.speed,
            self.measured_speed,
            self.u,
            self.v,
            self.measured_direction,
            *(name for pair in self.also for name in pair),
        )
        return tuple(dict.fromkeys(name for name in named if name is not None))

    def columns_ahead(self) -> tuple[str, ...]:
        """Columns that are read on hidden hours too, and so must be known ahead."""
        named = (self.speed, self.u, self.v, *(theirs for _, theirs in self.also))
        return tuple(dict.fromkeys(name for name in named if name is not None))

    def intervals_back(self, step_h: float) -> int:
        """Intervals before the blindfold that are looked at."""
        return max(max((1, *self.ago, *self.means)) + self.hold, intervals_of(self.hours, step_h))

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        row_event = event.event_of_row
        past = Past.of(panel, cases)
        foreseen = outlook(panel, event)
        speed_ahead = foreseen.value(self.speed)
        warn_of_gaps(foreseen)
        ahead = expected_share(self.turbine, self.speed_sd_ms, speed_ahead)
        wind = then_known(panel, self.speed)
        power = expected_share(self.turbine, self.speed_sd_ms, wind)
        observed = panel.column(OBSERVED) / rated_kw(panel)[np.asarray(panel.data.index.codes[0])]
        last_power = past.ago(past.held(observed, self.hold), 1)
        found = {
            "nwp_power": ahead,
            "nwp_power_change": ahead - past.ago(power, 1)[row_event],
            "observed_minus_nwp": last_power[row_event] - ahead,
        }
        by_event: dict[str, np.ndarray] = {}
        speed_then = outlook_at(panel, event, self.hours).value(self.speed).reshape(len(self.hours), len(event.site))
        power_then = expected_share(self.turbine, self.speed_sd_ms, speed_then)
        by_event |= {f"nwp_power_at_{hours:g}h": then for hours, then in zip(self.hours, power_then, strict=True)}
        pairs = [("power_error", observed, power)]
        if self.measured_speed is not None:
            measured = panel.column(self.measured_speed)
            last_speed = past.ago(past.held(measured, self.hold), 1)
            found["observed_minus_nwp_ms"] = last_speed[row_event] - speed_ahead
            pairs.append(("speed_error", measured, wind))
        for name, values, forecast in pairs:
            error, held = values - forecast, past.held(values, self.hold) - forecast
            by_event |= {f"{name}_ago_{k}": past.ago(held, k) for k in self.ago}
            by_event |= {f"{name}_mean_{n}": past.mean(error, n) for n in self.means}
        for mine, theirs in self.also:
            by_event[f"{mine}_minus_{theirs}"] = past.ago(
                past.held(panel.column(mine), self.hold) - then_known(panel, theirs), 1
            )
        if self.measured_direction is not None:
            by_event |= self._vector_error(panel, past)
        return feature_frame(cases, row_event, found, by_event)

    def _vector_error(self, panel: Panel, past: Past) -> dict[str, np.ndarray]:
        if self.u is None or self.v is None or self.measured_speed is None:
            raise StudyError(
                "nwp_error: measured_direction needs measured_speed and the forecast's u and v columns too"
            )
        speed = past.ago(past.held(panel.column(self.measured_speed), self.hold), 1)
        u, v = (past.ago(then_known(panel, name), 1) for name in (self.u, self.v))
        angle = np.radians(panel.column(str(self.measured_direction)))
        sin, cos = (past.ago(past.held(part, self.hold), 1) for part in (np.sin(angle), np.cos(angle)))
        turn = np.arctan2(sin, cos) - np.arctan2(-u, -v)
        return {
            "u_error_ms": -speed * sin - u,
            "v_error_ms": -speed * cos - v,
            "turn_sin": np.sin(turn),
            "turn_cos": np.cos(turn),
        }


def rated_kw(panel: Panel) -> np.ndarray:
    """Rated power of each site [kW]; a site without is a :class:`DataError`."""
    rated = (
        panel.sites["rated_kw"].to_numpy(np.float64) if "rated_kw" in panel.sites else np.full(len(panel.sites), np.nan)
    )
    if not (rated > 0).all():
        place = panel.site_ids[int(np.flatnonzero(~(rated > 0))[0])]
        raise DataError(f"site {place!r} has no rated power: give sites the column 'rated_kw' [kW]")
    return rated


@lru_cache(maxsize=16)
def _share_table(turbine: str, sd: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Speeds, the share of rated power at each, and the slope from each to the next; none after the last."""
    curve = published_power_curve(turbine)
    grid = np.linspace(0.0, 40.0, 401)
    power = curve(grid) if sd == 0 else curve.expected(grid, sd)
    share = power / curve.power.max()
    return grid, share, np.append(np.diff(share) / np.diff(grid), 0.0)


def expected_share(turbine: str, speed_sd_ms: float, speed: np.ndarray) -> np.ndarray:
    """Share of rated power at `speed` [m/s] by a published curve averaged over a speed error; NaN stays NaN."""
    grid, share, slope = _share_table(turbine, speed_sd_ms)
    known = np.isfinite(speed)
    inside = np.clip(np.where(known, speed, 0.0), grid[0], grid[-1])
    # As np.interp, whose search is what takes its time: here the grid is even, and the guess one off at most.
    left = (inside * ((len(grid) - 1) / grid[-1])).astype(np.int64)
    left -= grid[left] > inside
    left += grid[np.minimum(left + 1, len(grid) - 1)] <= inside
    left = np.minimum(left, len(grid) - 1)
    return np.where(known, slope[left] * (inside - grid[left]) + share[left], np.nan)
