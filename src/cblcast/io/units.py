"""Units at the door: whatever a meter file counts in becomes mean kW, and what looks like a mix-up is said."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError, DataWarning, nearest

_NAMED = re.compile(r"(?:^|[_\s(\[])(kwh|mwh|wh|kw|mw|w)[\])]?$", re.IGNORECASE)


@dataclass(frozen=True)
class Unit:
    """A unit of the metered column: kW = value × `scale`, divided by the hours of the interval if it is an energy."""

    name: str
    scale: float
    energy: bool


UNITS = {
    unit.name.lower(): unit
    for unit in (
        Unit("W", 1e-3, False),
        Unit("kW", 1.0, False),
        Unit("MW", 1e3, False),
        Unit("Wh", 1e-3, True),
        Unit("kWh", 1.0, True),
        Unit("MWh", 1e3, True),
    )
}


def unit_of(name: str) -> Unit:
    """The unit of this name, e.g. ``kWh``."""
    if str(name).lower() not in UNITS:
        raise DataError(
            f"unknown unit {name!r} of the metered values: {nearest(str(name), [u.name for u in UNITS.values()])}"
        )
    return UNITS[str(name).lower()]


def unit_in_name(column: str) -> Unit | None:
    """The unit that a column's name ends in (``load_kwh``, ``Power (kW)``), None if it names none."""
    found = _NAMED.search(str(column).strip())
    return UNITS[found.group(1).lower()] if found else None


def settle_unit(said: str, column: str, hours: float) -> Unit:
    """The unit to use: what was said, else what the column's name says, else kW; a contradiction is warned of.

    Parameters
    ----------
    said : str
        A unit, or ``auto``.
    column : str
        Name of the metered column in the source.
    hours : float
        Length of an interval [h].
    """
    named = unit_in_name(column)
    if said == "auto":
        return named or UNITS["kw"]
    unit = unit_of(said)
    if named is not None and named != unit:
        factor = _to_kw(named, hours) / _to_kw(unit, hours)
        if not np.isclose(factor, 1.0):
            warnings.warn(
                f"column {column!r} is read as {unit.name}, but its name says {named.name}: at intervals of {60 * hours:g} min "
                f"that is a factor of {factor:g}; say unit={named.name!r}, or rename the column",
                DataWarning,
                stacklevel=4,
            )
    return unit


def _to_kw(unit: Unit, hours: float) -> float:
    return unit.scale / (hours if unit.energy else 1.0)


def warn_of_interval_factor(power: pd.Series, sites: pd.DataFrame, hours: float) -> None:
    """Warn of sites whose peak misses their rated power by just the factor between kW and kWh per interval.

    Parameters
    ----------
    power : Series, index level ``site_id``
        Mean power [kW].
    sites : DataFrame
        ``rated_kw``, where known.
    hours : float
        Length of an interval [h].
    """
    if "rated_kw" not in sites.columns or np.isclose(hours, 1.0):
        return
    rated = pd.to_numeric(sites["rated_kw"], errors="coerce").astype("float64")
    peak = power.abs().groupby(level=0).quantile(0.999).reindex(rated.index)
    ratio = (rated / peak).to_numpy()
    for factor, given, meant in ((1 / hours, "kW", "kWh"), (hours, "kWh", "kW")):
        hit = np.flatnonzero(np.abs(ratio / factor - 1) < 0.05)
        if len(hit):
            site = rated.index[hit[0]]
            warnings.warn(
                f"site {site!r} peaks at {peak.iloc[hit[0]]:.4g} kW, {1 / factor:.3g} times its rated "
                f"{rated.iloc[hit[0]]:.4g} kW, just the factor of {60 * hours:g} min intervals ({len(hit)} sites): "
                f"were values in {meant} read as {given}? Then say unit={meant!r}",
                DataWarning,
                stacklevel=3,
            )


def warn_of_register(power: pd.Series, energy: pd.Series, name: str, hours: float) -> None:
    """Warn if an energy column beside the power equals it, though an interval is no hour."""
    both = (power.to_numpy() > 0) & (energy.to_numpy() > 0)
    if not both.any() or np.isclose(hours, 1.0):
        return
    ratio = float(np.median(energy.to_numpy()[both] / power.to_numpy()[both]))
    if abs(ratio - 1.0) < 0.02:
        warnings.warn(
            f"the power [kW] equals the column {name!r} [kWh] "
            f"at intervals of {60 * hours:g} min, "
            f"where kWh = {hours:g} × kW: the metered column is an energy too, too small by {1 / hours:g}; say unit='kWh'",
            DataWarning,
            stacklevel=3,
        )
