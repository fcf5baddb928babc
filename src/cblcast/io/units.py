"""Units at the door: whatever a meter file counts in becomes mean kW, and what looks like a mix-up is said."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.schema import DataError, nearest
from cblcast.io.read_report import Kind, Note

_UNIT = r"(gwh|mwh|kwh|wh|gw|mw|kw|w)"
_INTERVAL = r"(?:\d+\s*_?min\w*|interval\w*|intervall|qh|hh|half.?hour|quarter.?hour|viertelstunde|step)"
# Units spelled out: kilowatt-hours, Kilowattstunden, kilowatts.
_SPELLED = re.compile(
    r"(?<![a-z])(?P<before>kilo|mega|giga)?[ -]?watt(?:s|(?P<hours>[ -]*(?:hours?|stunden?|heures?|h))|ios?)?(?![a-z])",
    re.IGNORECASE,
)
# At the end of a name, with brackets or without; "kWh/h" is a power, "kWh/15min" or "kWh per interval" an energy.
_NAMED = re.compile(
    rf"(?:^|[_\s(\[.,:/\-]){_UNIT}\s*(?P<per>/\s*h|per\s+h(our)?)?"
    rf"(?:\s*(?:/|per|pro|je|_)\s*{_INTERVAL})?\s*[\])]?(?:\s*[\[(]\s*(?:per|pro|je)\s+{_INTERVAL}\s*[\])])?\s*$",
    re.IGNORECASE,
)
# In front of other words, or among them: only what no name begins with (kWh delivered, Energy kWh import).
_IN_FRONT = re.compile(r"(?:^|[\s_])(gwh|mwh|kwh|kw)(?P<per>(?!))?(?=[\s_\-])", re.IGNORECASE)
_BRACKETED = re.compile(rf"[\[(]\s*{_UNIT}\s*(?P<per>/\s*h)?\s*[\])]", re.IGNORECASE)


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
        Unit("GW", 1e6, False),
        Unit("Wh", 1e-3, True),
        Unit("kWh", 1.0, True),
        Unit("MWh", 1e3, True),
        Unit("GWh", 1e6, True),
    )
}


def unit_of(name: str) -> Unit:
    """The unit of this name, e.g. ``kWh``."""
    if str(name).lower() not in UNITS:
        raise DataError(
            f"unknown unit {name!r} of the metered values: {nearest(str(name), [u.name for u in UNITS.values()])}"
        )
    return UNITS[str(name).lower()]


def _written_short(name: str) -> str:
    """A name with the units that it spells out in their signs."""

    def sign(found: re.Match[str]) -> str:
        return (
            f"{(found['before'] or '')[:1].lower().replace('m', 'M').replace('g', 'G')}W{'h' if found['hours'] else ''}"
        )

    return _SPELLED.sub(sign, name) if "watt" in name.casefold() else name


def _find(name: str) -> re.Match[str] | None:
    return _NAMED.search(name) or _BRACKETED.search(name) or _IN_FRONT.search(name)


def unit_in_name(column: str) -> Unit | None:
    """The unit that a column's name bears (``load_kwh``, ``Power (kW)``, ``kWh/15min``), None if it names none."""
    found = _find(_written_short(str(column).strip()))
    if found is None:
        return None
    unit = UNITS[found.group(1).lower()]
    return UNITS[unit.name[:-1].lower()] if found.group("per") and unit.energy else unit


def without_unit(column: str) -> str:
    """A column's name without the unit that it bears."""
    text = _written_short(str(column).strip())
    found = _find(text)
    return text if found is None else f"{text[: found.start()]} {text[found.end() :]}".strip()


def contradiction(said: Unit, named: Unit | None, column: str, hours: float) -> Note | None:
    """A note where a column's name says another unit than the one that was said for it.

    Parameters
    ----------
    said : Unit
    named : Unit or None
        What the file says.
    column : str
        Name of the metered column in the source.
    hours : float
        Length of an interval [h].
    """
    if named is None or named == said:
        return None
    factor = _to_kw(named, hours) / _to_kw(said, hours)
    if np.isclose(factor, 1.0):
        return None
    return Note(
        Kind.DOUBTFUL,
        f"column {column!r} is read as {said.name}, but its name says {named.name}: at intervals of {60 * hours:g} min "
        f"that is a factor of {factor:g}; say unit={named.name!r}, or rename the column",
    )


def _to_kw(unit: Unit, hours: float) -> float:
    return unit.scale / (hours if unit.energy else 1.0)


def interval_factor(power: np.ndarray, site: np.ndarray, sites: pd.DataFrame, hours: float) -> Note | None:
    """A note of sites whose peak misses their rated power by just the factor between kW and kWh per interval.

    Parameters
    ----------
    power : ndarray, shape (n,)
        Mean power [kW].
    site : ndarray of int, shape (n,)
        Position among `sites`.
    sites : DataFrame
        ``rated_kw``, where known.
    hours : float
        Length of an interval [h].
    """
    if "rated_kw" not in sites.columns or np.isclose(hours, 1.0):
        return None
    rated = pd.to_numeric(sites["rated_kw"], errors="coerce").astype("float64")
    peak = pd.Series(np.abs(power)).groupby(site).quantile(0.999).reindex(range(len(sites))).set_axis(rated.index)
    ratio = (rated / peak).to_numpy()
    for factor, given, meant in ((1 / hours, "kW", "kWh"), (hours, "kWh", "kW")):
        hit = np.flatnonzero(np.abs(ratio / factor - 1) < 0.05)
        if len(hit):
            name = rated.index[hit[0]]
            return Note(
                Kind.DOUBTFUL,
                f"site {name!r} peaks at {peak.iloc[hit[0]]:.4g} kW, {1 / factor:.3g} times its rated "
                f"{rated.iloc[hit[0]]:.4g} kW, just the factor of {60 * hours:g} min intervals ({len(hit)} sites): "
                f"were values in {meant} read as {given}? Then say unit={meant!r}",
                len(hit),
            )
    return None


def equals_energy(power: np.ndarray, energy: np.ndarray, name: str, hours: float) -> Note | None:
    """A note if an energy column beside the power equals it, though an interval is no hour."""
    both = (power > 0) & (energy > 0)
    if not both.any() or np.isclose(hours, 1.0):
        return None
    ratio = float(np.median(energy[both] / power[both]))
    if abs(ratio - 1.0) >= 0.02:
        return None
    return Note(
        Kind.DOUBTFUL,
        f"the power [kW] equals the column {name!r} [kWh] at intervals of {60 * hours:g} min, "
        f"where kWh = {hours:g} × kW: the metered column is an energy too, too small by {1 / hours:g}; say unit='kWh'",
    )
