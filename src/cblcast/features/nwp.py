"""Weather forecasts at and around each interval, and how wrong they have been: the variables of the nowcast paper.

Table 2 of Dupré et al. 2020 as far as a product has it: wind components, norm of the wind, shear and temperature
difference between two levels, temperature, pressure; and the measured minus the forecast wind at the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Pairs, Positive, SignedHours, Steps, StepsOrNone, Text
from cblcast.features.lags import Past
from cblcast.frames.cases import EventArrays
from cblcast.frames.instants import HOUR_US, MINUTE_US
from cblcast.frames.outlook import Outlook, then_known, warn_of_gaps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, DataError, StudyError
from cblcast.physics.power_curve import published_power_curve
from cblcast.wishes import union, widest

AGE_SUFFIX = "run_age_h"  # see cblcast.io.nwp.AGE


@dataclass(frozen=True)
class Nwp:
    """Columns of weather products at the interval, and at whole or half hours about the origin.

    Columns: each of `columns` at the interval under its own name; ``<column>_cubed`` of `cubed`, since the power in the
    wind goes with the cube of its speed; ``shear_<upper>_<lower>`` [m/s] and
    ``difference_<upper>_<lower>`` (of temperatures [K]) of pairs; ``<column>_at_<h>h``, the column `h` hours after the
    origin, for `path`; ``lead_min``, minutes from the last visible interval to this one, with `lead`.

    A column of forecast runs is looked up for each case: the value of the newest run that had arrived when the case was issued,
    hours before its origin included; an older run stands in where the newest lacks the hour. A case is issued at its origin,
    or at ``hidden_from`` where that is earlier.

    Parameters
    ----------
    columns : tuple of str
        Columns of the panel, or of its forecast runs (``<product>_run_age_h`` is how old the run is).
    cubed : tuple of str
    shear, difference : tuple of (upper, lower)
    path : tuple of str
        Columns that are looked up at `hours`.
    path_difference : tuple of (upper, lower)
        Differences of two columns that are looked up at `hours`.
    hours : tuple of float
        Hours after the origin; negative before.
    lead : bool

    Raises
    ------
    DataError
        A measured column, or one that nobody declared a forecast; a run that was issued after the origin.
    """

    columns: tuple[str, ...] = union(("wind_speed_100m_ms",))
    cubed: tuple[str, ...] = union(())
    shear: Pairs = union(())
    difference: Pairs = union(())
    path: tuple[str, ...] = union(())
    path_difference: Pairs = union(())
    hours: tuple[SignedHours, ...] = union(())
    lead: bool = widest(False)

    def __post_init__(self) -> None:
        check_fields(self)

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        pairs = (*self.shear, *self.difference, *self.path_difference)
        return tuple(
            dict.fromkeys((*self.columns, *self.cubed, *self.path, *(name for pair in pairs for name in pair)))
        )

    def columns_ahead(self) -> tuple[str, ...]:
        """Columns that are read on hidden hours too, and so must be known ahead."""
        return self.reads_columns()

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        ahead = outlook(panel, event)
        found = {name: ahead.value(name) for name in self.columns}
        found |= {f"{name}_cubed": ahead.value(name) ** 3 for name in self.cubed}
        for upper, lower in self.shear:
            found[f"shear_{upper}_{lower}"] = ahead.value(upper) - ahead.value(lower)
        for upper, lower in self.difference:
            found[f"difference_{upper}_{lower}"] = ahead.value(upper) - ahead.value(lower)
        for hours in self.hours:
            about = outlook_at(panel, event, hours)
            for name in self.path:
                found[f"{name}_at_{hours:g}h"] = about.value(name)[event.event_of_row]
            for upper, lower in self.path_difference:
                change = about.value(upper) - about.value(lower)
                found[f"difference_{upper}_{lower}_at_{hours:g}h"] = change[event.event_of_row]
        warn_of_gaps(ahead)
        if self.lead:
            found["lead_min"] = lead_minutes(panel, event)
        return pd.DataFrame(found, index=cases.index)


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
        for hours in self.hours:
            speed_then = outlook_at(panel, event, hours).value(self.speed)
            by_event[f"nwp_power_at_{hours:g}h"] = expected_share(self.turbine, self.speed_sd_ms, speed_then)
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
        found |= {name: value[row_event] for name, value in by_event.items()}
        return pd.DataFrame(found, index=cases.index)

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


def outlook(panel: Panel, event: EventArrays) -> Outlook:
    """What is foreseen of the interval of each row, as known when its case is issued."""
    of = event.event_of_row
    refuse_later_runs(panel, event.site[of], event.time_us, event.start_us[of])
    return Outlook(panel, event.site[of], event.time_us, issued_us(event)[of])


def outlook_at(panel: Panel, event: EventArrays, hours: float) -> Outlook:
    """What is foreseen, or was, `hours` after the origin of each event; the ends of the panel are held for plain columns."""
    times = event.start_us + round(hours * HOUR_US)
    refuse_later_runs(panel, event.site, times, event.start_us)
    return Outlook(panel, event.site, times, issued_us(event), held=True)


def issued_us(event: EventArrays) -> np.ndarray:
    """When each event's estimate is issued [us UTC]: at its origin, or when its blindfold begins where that is earlier."""
    return np.minimum(event.start_us, event.hidden_from_us)


def refuse_later_runs(panel: Panel, site: np.ndarray, times_us: np.ndarray, origin_us: np.ndarray) -> None:
    """Raise :class:`DataError` where the weather at `times_us` comes from a run issued after `origin_us`."""
    for column in panel.data.columns:
        if str(column).endswith(AGE_SUFFIX):
            issued = times_us - panel.values_at(str(column), site, times_us) * HOUR_US
            late = np.isfinite(issued) & (issued > origin_us + 1)
            if late.any():
                k = int(np.flatnonzero(late)[0])
                after = (issued[k] - origin_us[k]) / HOUR_US
                raise DataError(
                    f"the case of site {panel.site_ids[site[k]]!r} with origin {_instant(origin_us[k])} would see a weather run issued "
                    f"{after:.1f} h after it (for {_instant(times_us[k])}): attach the weather with a longer horizon_h, by "
                    f"{after:.1f} h or more"
                )


def lead_minutes(panel: Panel, event: EventArrays) -> np.ndarray:
    """Minutes from the label of the last visible interval to the label of each row, shape (n_rows,)."""
    last_label = event.hidden_from_us - panel.step_us
    return (event.time_us - last_label[event.event_of_row]) / MINUTE_US


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
def _share_table(turbine: str, sd: float) -> tuple[np.ndarray, np.ndarray]:
    curve = published_power_curve(turbine)
    grid = np.linspace(0.0, 40.0, 401)
    power = curve(grid) if sd == 0 else curve.expected(grid, sd)
    return grid, power / curve.power.max()


def expected_share(turbine: str, speed_sd_ms: float, speed: np.ndarray) -> np.ndarray:
    """Share of rated power at `speed` [m/s] by a published curve averaged over a speed error; NaN stays NaN."""
    grid, share = _share_table(turbine, speed_sd_ms)
    return np.where(np.isfinite(speed), np.interp(np.nan_to_num(speed), grid, share), np.nan)


def _instant(us: float) -> pd.Timestamp:
    return pd.Timestamp(int(us), unit="us", tz="UTC")
