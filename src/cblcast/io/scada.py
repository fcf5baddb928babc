"""Turbine records to a farm panel: what is wrong with each record, and the farm's power from the turbines that report.

A SCADA frame is indexed (``site_id``, ``time``) like a panel, one site a turbine: ``observed_kw``,
``wind_speed_nacelle_ms`` and, where there, ``wind_dir_nacelle_deg``, ``temp_air_c``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE, TIME, DataError, DataWarning, require_columns
from cblcast.physics.limited_power import limited_power
from cblcast.physics.power_curve import PowerCurve, fit_power_curve, fit_sound_power_curve
from cblcast.physics.wind import REFERENCE_DENSITY, air_density, density_normalised_speed, mean_direction

STANDARD_PRESSURE_PA = 101_325.0
SPEED, DIRECTION, TEMPERATURE = "wind_speed_nacelle_ms", "wind_dir_nacelle_deg", "temp_air_c"
FLAGS = ("missing", "above_rated", "below_standby", "stuck", "stopped", "icing", "curtailed")


@dataclass(frozen=True)
class FlagRules:
    """Limits of :func:`flag_turbines`, as fractions of rated power where not said otherwise.

    Attributes
    ----------
    above, standby : float
        Power above ``1 + above`` or below ``-standby`` is a fault of the record, not of the turbine.
    stuck_intervals : int
        So many equal wind speeds in a row (above 0.5 m/s) are a stuck anemometer.
    stopped : float
        Power below this while the curve promises five times as much.
    deficit_intervals : int
        A limit, seen by :func:`~cblcast.physics.limited_power.limited_power`, of so many records is icing (at or below
        `ice_below_c` [°C]) or curtailment; fewer are a gust.
    """

    above: float = 0.05
    standby: float = 0.05
    stuck_intervals: int = 6
    stopped: float = 0.01
    deficit_intervals: int = 3
    ice_below_c: float = 1.0


DEFAULT_RULES = FlagRules()


def flag_turbines(scada: Panel, curve: PowerCurve | None = None, rules: FlagRules = DEFAULT_RULES) -> pd.DataFrame:
    """What is wrong with each record of each turbine.

    Parameters
    ----------
    scada : Panel
        One site a turbine, with ``rated_kw`` in its sites and ``wind_speed_nacelle_ms``.
    curve : PowerCurve, optional
        Power of one turbine against its nacelle wind speed; each turbine's own unless given: fitted first among the upper
        records of each bin, so that curtailed and iced ones do not bend it, and then once more on what was not flagged
        by it. Where ``temp_air_c`` is there the speed is carried to the reference density of air.
    rules : FlagRules

    Returns
    -------
    DataFrame of bool, index (site_id, time), columns :data:`FLAGS`
        ``missing``: no power; ``above_rated``, ``below_standby``: impossible power; ``stuck``: anemometer; ``stopped``:
        no power in enough wind; ``icing``, ``curtailed``: well below the curve for a while, in frost or not.
    """
    require_columns(scada.data, [OBSERVED, SPEED], "the SCADA frame")
    return pd.concat([_flag_one(scada, turbine, curve, rules)[0] for turbine in scada.site_ids])


def own_power_curves(scada: Panel, rules: FlagRules = DEFAULT_RULES) -> dict[str, PowerCurve]:
    """Each turbine's own curve by the method of bins, from records in which nothing is wrong.

    Parameters
    ----------
    scada, rules
        As :func:`flag_turbines`, whose flags leave records out before the curve is fitted.

    Returns
    -------
    dict turbine -> PowerCurve
        Against the nacelle's wind speed, where ``temp_air_c`` is there at the reference density of air.
    """
    require_columns(scada.data, [OBSERVED, SPEED], "the SCADA frame")
    return {str(turbine): _flag_one(scada, turbine, None, rules)[1] for turbine in scada.site_ids}


def _flag_one(
    scada: Panel, turbine: str, curve: PowerCurve | None, rules: FlagRules
) -> tuple[pd.DataFrame, PowerCurve]:
    """Flags of one turbine, and the curve that they were judged by in the end."""
    frame = scada.data.loc[[turbine]]
    rated = _rated(scada.sites, turbine)
    power, speed = frame[OBSERVED].to_numpy(np.float64), frame[SPEED].to_numpy(np.float64)
    impossible_high, impossible_low = power > (1 + rules.above) * rated, power < -rules.standby * rated
    stuck = _long_runs(np.r_[False, (np.diff(speed) == 0) & (speed[1:] > 0.5)], rules.stuck_intervals - 1)
    sound = np.isfinite(power) & np.isfinite(speed) & ~(impossible_high | impossible_low | stuck)
    blown = np.where(sound, _at_reference_density(speed, frame), np.nan)
    if curve is None:
        running = sound & (power > rules.stopped * rated)
        curve = fit_sound_power_curve(blown[running], power[running])
        stopped, short = _limits(blown, power, curve, rated, rules)
        curve = _refitted(blown, power, running & ~short, curve)
    stopped, short = _limits(blown, power, curve, rated, rules)
    frost = np.zeros(len(power), dtype=bool)
    if TEMPERATURE in frame:
        with np.errstate(invalid="ignore"):
            frost = frame[TEMPERATURE].to_numpy(np.float64) <= rules.ice_below_c
    columns = (~np.isfinite(power), impossible_high, impossible_low, stuck, stopped, short & frost, short & ~frost)
    return pd.DataFrame(dict(zip(FLAGS, columns, strict=True)), index=frame.index), curve


def _limits(
    blown: np.ndarray, power: np.ndarray, curve: PowerCurve, rated: float, rules: FlagRules
) -> tuple[np.ndarray, np.ndarray]:
    """Records of a turbine that stands still in enough wind, and of one that is limited."""
    with np.errstate(invalid="ignore"):
        stopped = (power < rules.stopped * rated) & (curve(blown) > 5 * rules.stopped * rated)
    asked = np.where(stopped | ~np.isfinite(blown), np.nan, power)
    return stopped, _long_runs(limited_power(blown, asked, curve, rated), rules.deficit_intervals)


def _refitted(blown: np.ndarray, power: np.ndarray, sound: np.ndarray, first: PowerCurve) -> PowerCurve:
    """The curve of all sound records by the method of bins; the spread is that of the first, which no limit enters."""
    fitted = fit_power_curve(blown[sound], power[sound])
    return PowerCurve(fitted.speed, fitted.power, fitted.count, np.interp(fitted.speed, first.speed, first.spread))


def _at_reference_density(speed: np.ndarray, frame: pd.DataFrame) -> np.ndarray:
    """Speed that carries the same power at the reference density: hot air is thin, which would look like a limit."""
    if TEMPERATURE not in frame:
        return speed
    known = frame[TEMPERATURE].ffill(limit=144).to_numpy(np.float64) + 273.15
    density = air_density(STANDARD_PRESSURE_PA, known)
    return np.asarray(density_normalised_speed(speed, np.where(np.isfinite(density), density, REFERENCE_DENSITY)))


def _long_runs(mask: np.ndarray, at_least: int) -> np.ndarray:
    """Where `mask` has been or will be True for `at_least` steps in a row."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    begin, end = edges[::2], edges[1::2]
    keep = end - begin >= max(at_least, 1)
    change = np.zeros(len(mask) + 1, dtype=np.int64)
    np.add.at(change, begin[keep], 1)
    np.add.at(change, end[keep], -1)
    return np.cumsum(change)[:-1] > 0


def _rated(sites: pd.DataFrame, turbine: str) -> float:
    rated = float(sites.loc[turbine, "rated_kw"]) if "rated_kw" in sites else float("nan")
    if not rated > 0:
        raise DataError(f"turbine {turbine!r} has no rated power: give sites the column 'rated_kw' [kW]")
    return rated


def farm_panel(
    scada: Panel,
    farm: str,
    *,
    min_turbines: int | None = None,
    per_turbine: bool = False,
    rules: FlagRules = DEFAULT_RULES,
) -> Panel:
    """One site from its turbines.

    Parameters
    ----------
    scada : Panel
        One site a turbine, with ``rated_kw`` in its sites.
    farm : str
        Name of the new site.
    min_turbines : int, optional
        So many turbines must report, all unless given. With fewer than all, the farm's power is that of the turbines
        present times rated power of the farm over rated power present: a turbine missing for weeks does not empty the
        panel. So many turbines' wind is enough for the farm's, too.
    per_turbine : bool
        Keep each turbine's power and speed as ``turbine_<name>_kw`` and ``turbine_<name>_ms``.
    rules : FlagRules
        Impossible power and stuck anemometers are taken as not measured, with one warning that counts them.

    Returns
    -------
    Panel
        ``observed_kw``; ``reporting_kw``, the rated power of the turbines that report; ``wind_speed_nacelle_ms``, the mean
        of the turbines (of `min_turbines`, or three quarters of them); ``wind_dir_nacelle_deg``, the mean on the circle;
        ``temp_air_c``, the median.
    """
    turbines = list(scada.site_ids)
    needed = len(turbines) if min_turbines is None else min_turbines
    if not 1 <= needed <= len(turbines):
        raise DataError(
            f"min_turbines={min_turbines}: the farm has {len(turbines)} turbines, give 1 to {len(turbines)}"
        )
    rated = np.array([_rated(scada.sites, turbine) for turbine in turbines])
    power = _wide(scada, OBSERVED)
    speed = _wide(scada, SPEED) if SPEED in scada.data else None
    bad_power = (power > (1 + rules.above) * rated) | (power < -rules.standby * rated)
    stuck = np.zeros(power.shape, dtype=bool)
    if speed is not None:
        for column in range(len(turbines)):
            v = speed.to_numpy()[:, column]
            stuck[:, column] = _long_runs(np.r_[False, (np.diff(v) == 0) & (v[1:] > 0.5)], rules.stuck_intervals - 1)
        speed = speed.mask(stuck)
    _warn(farm, turbines, bad_power.to_numpy(), stuck)
    power = power.mask(bad_power)
    present = power.notna().to_numpy()
    reporting = present @ rated
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.where(
            present.sum(1) >= needed, np.nansum(power.to_numpy(), axis=1) * rated.sum() / reporting, np.nan
        )
    made = pd.DataFrame({OBSERVED: total, "reporting_kw": reporting}, index=power.index)
    if speed is not None:
        most = int(np.ceil(0.75 * len(turbines))) if min_turbines is None else needed
        enough = speed.notna().sum(axis=1) >= most
        made[SPEED] = speed.mean(axis=1).where(enough)
    if DIRECTION in scada.data:
        made[DIRECTION] = mean_direction(_wide(scada, DIRECTION).to_numpy(), axis=1)
    if TEMPERATURE in scada.data:
        made[TEMPERATURE] = _wide(scada, TEMPERATURE).median(axis=1)
    if per_turbine:
        for turbine in turbines:
            made[f"turbine_{turbine}_kw"] = power[turbine]
            if speed is not None:
                made[f"turbine_{turbine}_ms"] = speed[turbine]
    made = pd.concat({farm: made}, names=[SITE])
    site = scada.sites.iloc[0].to_dict() | {"rated_kw": float(rated.sum())}
    return Panel(made, pd.DataFrame([site], index=pd.Index([farm], name=SITE)))


def _wide(scada: Panel, column: str) -> pd.DataFrame:
    wide = scada.data[column].astype(np.float64).unstack(SITE)[list(scada.site_ids)]
    return wide.rename_axis(index=TIME, columns=None)


def _warn(farm: str, turbines: list[str], bad_power: np.ndarray, stuck: np.ndarray) -> None:
    for mask, what in ((bad_power, "of power above rated or below standby"), (stuck, "of a stuck anemometer")):
        if mask.any():
            worst = int(mask.sum(0).argmax())
            warnings.warn(
                f"{farm}: {int(mask.sum())} records {what} are taken as not measured, most of them of turbine "
                f"{turbines[worst]!r} ({int(mask[:, worst].sum())}): see cblcast.io.scada.flag_turbines",
                DataWarning,
                stacklevel=3,
            )
