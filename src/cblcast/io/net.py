"""Series of one site netted to its load: import less export, total less twice the reverse, or the net itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cblcast.frames.cube import DAY_US, local_microseconds
from cblcast.frames.schema import OBSERVED
from cblcast.io.align import Rows
from cblcast.io.read_report import Kind
from cblcast.io.readings import EXPORT, IMPORT, LOAD, NET, TOTAL, Readings, Series

# The first rule whose quantities are all there makes the load; quantity → its factor.
RULES: tuple[Mapping[str, float], ...] = (
    {NET: 1.0},
    {LOAD: 1.0},
    {IMPORT: 1.0, EXPORT: -1.0},
    {TOTAL: 1.0, EXPORT: -2.0},
    {IMPORT: 2.0, TOTAL: -1.0},
    {IMPORT: 1.0},
    {TOTAL: 1.0},
    {EXPORT: -1.0},
)


@dataclass
class _Tally:
    """What happened at all sites, counted."""

    no_import: int = 0
    no_export: int = 0
    none_exported: int = 0
    halves: int = 0
    total_alone: int = 0
    unused: int = 0
    first: str = ""

    def at(self, site: str, us: int) -> None:
        """Remember the first place."""
        self.first = self.first or f"the first of site {site!r} at {pd.Timestamp(us, unit='us', tz='UTC')}"


def netted(readings: Readings, zones: list[str], channels: bool = False) -> Readings:
    """One series for each site.

    Import is always expected: an interval without it is not metered. Export (and any further channel of one direction) is
    expected between its own first and last reading; outside it counts as none. Two halves that never have a value at one
    instant, and take turns within the same days, are the two sides of one net.

    Parameters
    ----------
    readings : Readings
        Powers [kW] on one step.
    zones : list of str
        Zone of each site.
    channels : bool
        Keep what was taken and what was given beside the net: ``import_kw`` and ``export_kw`` [kW], both >= 0. A site
        whose file holds the net alone has its positive and its negative part.
    """
    series, rows = readings.series, readings.rows
    n_sites = len(readings.site_ids)
    one_each = len(series.site) == n_sites and (np.bincount(series.site, minlength=n_sites) == 1).all()
    if one_each and set(series.quantity) <= {LOAD, IMPORT, NET}:
        beside = _parts(rows.values[OBSERVED]) if channels else {}
        in_order = np.array_equal(series.site, np.arange(n_sites))  # then rows stay where they are
        site = rows.site if in_order else series.site[rows.site]
        rows = replace(rows, site=site, values={**rows.values, **beside})
        return readings.but(rows=rows if in_order else rows.sorted(), series=_one_each(series, n_sites))
    tally = _Tally()
    bounds = rows.starts(len(series.name))
    by_site = np.argsort(series.site, kind="stable")
    first = np.searchsorted(series.site[by_site], np.arange(n_sites + 1))
    parts = []
    for site, name in enumerate(map(str, readings.site_ids)):
        of_site = by_site[first[site] : first[site + 1]]
        pieces = [rows.part(int(bounds[k]), int(bounds[k + 1])) for k in of_site]
        quantities = [series.quantity[k] for k in of_site]
        parts.append(_net_of_site(site, name, pieces, quantities, zones[site], tally, channels))
    joined = Rows(
        np.repeat(np.arange(n_sites, dtype=np.int32), [len(part.us) for part in parts]),
        _end_to_end([part.us for part in parts]),
        {column: _end_to_end([part.values.pop(column) for part in parts]) for column in list(parts[0].values)},
        _end_to_end([part.source_row for part in parts]),
    )
    return _told(readings.but(rows=joined, series=_one_each(series, n_sites), lengths=None), tally)


def _end_to_end(parts: list[np.ndarray]) -> np.ndarray:
    """The parts as one array; where all are one number, written once, so is the whole."""
    first = parts[0]
    if all(part.strides == (0,) and len(part) and part[0] == first[0] for part in parts):
        return np.broadcast_to(first[0], sum(map(len, parts)))
    return np.concatenate(parts)


def _one_each(series: Series, n_sites: int) -> Series:
    """The first series of each site, as its load."""
    first = np.unique(series.site, return_index=True)[1]
    made = series.take(first)
    return replace(made, quantity=(LOAD,) * n_sites, dial=np.zeros(n_sites, dtype=np.int8))


def _parts(net: np.ndarray) -> dict[str, np.ndarray]:
    """What a net takes and what it gives."""
    return {"import_kw": np.maximum(net, 0.0), "export_kw": np.maximum(-net, 0.0)}


def _channels(side: Mapping[str, np.ndarray], net: np.ndarray) -> dict[str, np.ndarray]:
    """Import and export of a site, from its own channels where it has them."""
    known = {"import_kw": side.get(IMPORT), "export_kw": side.get(EXPORT)}
    if known["import_kw"] is None or known["export_kw"] is None or not np.isfinite(net).any():
        return _parts(net)
    # Outside its own first and last value an export counts as none, as in the net.
    export = np.where(np.isfinite(net) & ~np.isfinite(side[EXPORT]), 0.0, side[EXPORT])
    return {
        "import_kw": np.where(np.isfinite(net) & ~np.isfinite(side[IMPORT]), 0.0, side[IMPORT]),
        "export_kw": export,
    }


def _net_of_site(
    site: int, name: str, pieces: list[Rows], quantities: list[str], zone: str, tally: _Tally, channels: bool
) -> Rows:
    times = pieces[0].us
    if not all(np.array_equal(times, piece.us) for piece in pieces[1:]):
        times = np.unique(np.concatenate([piece.us for piece in pieces]))
    row = np.zeros(len(times), dtype=np.int64)
    sides: dict[str, list[np.ndarray]] = {}
    beside = {column: np.full(len(times), np.nan) for column in pieces[0].values if column != OBSERVED}
    for piece, quantity in zip(pieces, quantities, strict=True):
        if len(piece.us) == len(times) and not beside:
            row = piece.source_row
            sides.setdefault(quantity, []).append(piece.values[OBSERVED])
            continue
        at = np.searchsorted(times, piece.us)
        row = row.copy() if not row.flags.writeable else row
        value = np.full(len(times), np.nan)
        value[at] = piece.values[OBSERVED]
        row[at] = piece.source_row
        for column, known in beside.items():
            known[at] = np.fmax(known[at], piece.values[column])
        sides.setdefault(quantity, []).append(value)
    side = {quantity: _added(channels) for quantity, channels in sides.items()}
    rule = next((rule for rule in RULES if set(rule) <= set(side)), {LOAD: 1.0})
    tally.unused += len(set(side) - set(rule))
    tally.total_alone += set(rule) == {TOTAL}
    load = _halves(side, times, zone) if set(rule) == {IMPORT, EXPORT} else None
    if load is not None:
        tally.halves += 1
    else:
        load = _by_rule(side, rule, name, times, tally)
    if channels:
        beside |= _channels(side, load)
    return Rows(np.broadcast_to(np.int32(site), len(times)), times, {OBSERVED: load, **beside}, row)


def _added(channels: list[np.ndarray]) -> np.ndarray:
    """The channels of one direction added up, each expected between its own first and last value, one of them always."""
    if len(channels) == 1:
        return channels[0]
    stacked = np.stack(channels)
    there = np.isfinite(stacked)
    total = np.where(there, stacked, 0.0).sum(0)
    missing = np.stack([_inside(value) & ~known for value, known in zip(channels, there, strict=True)]).any(0)
    return np.where(there.any(0) & ~missing, total, np.nan)


def _inside(value: np.ndarray) -> np.ndarray:
    """Between the first and the last known value."""
    known = np.flatnonzero(np.isfinite(value))
    inside = np.zeros(len(value), dtype=bool)
    if len(known):
        inside[known[0] : known[-1] + 1] = True
    return inside


def _by_rule(
    side: dict[str, np.ndarray], rule: Mapping[str, float], name: str, times: np.ndarray, tally: _Tally
) -> np.ndarray:
    load = np.zeros(len(times))
    main = IMPORT if IMPORT in rule else TOTAL
    for quantity, factor in rule.items():
        value = side[quantity]
        if quantity == EXPORT and len(rule) > 1:
            absent = ~np.isfinite(value)
            outside = absent & ~_inside(value)
            known_main = np.isfinite(side[main])
            tally.none_exported += int((outside & known_main).sum())
            lacking = absent & ~outside & known_main
            if lacking.any():
                tally.no_export += int(lacking.sum())
                tally.at(name, int(times[lacking.argmax()]))
            value = np.where(outside, 0.0, value)
        load += factor * value
    if EXPORT in rule and len(rule) > 1:
        lacking = ~np.isfinite(side[main]) & np.isfinite(side[EXPORT])
        if lacking.any():
            tally.no_import += int(lacking.sum())
            tally.at(name, int(times[lacking.argmax()]))
    return load


def _halves(side: dict[str, np.ndarray], times: np.ndarray, zone: str) -> np.ndarray | None:
    """Import where it is, minus export where that is, if they never meet and take turns within most days; else None."""
    taken, given = np.isfinite(side[IMPORT]), np.isfinite(side[EXPORT])
    if (taken & given).any() or not taken.any() or not given.any():
        return None
    day = local_microseconds(times, zone) // DAY_US
    both = np.intersect1d(day[taken], day[given])
    if len(both) < 0.5 * len(np.unique(day[taken | given])):
        return None
    return np.where(taken, side[IMPORT], 0.0 - side[EXPORT])


def _told(readings: Readings, tally: _Tally) -> Readings:
    source = readings.report.source
    not_metered = f"so they are not metered ({tally.first})"
    taken_alone = "is read as their load, which it is only where nothing flows back"
    for kind, count, text in (
        (Kind.MISSING, tally.no_import, f"{source}: {{}} intervals have an export but no import, {not_metered}"),
        (Kind.MISSING, tally.no_export, f"{source}: {{}} intervals have an import but no export, {not_metered}"),
        (
            Kind.GUESSED,
            tally.none_exported,
            "{} intervals before the first or after the last export count as without export",
        ),
        (
            Kind.GUESSED,
            tally.halves,
            "import and export of {} sites take turns, so they are read as the two sides of a net",
        ),
        (Kind.DOUBTFUL, tally.total_alone, f"{source}: the total of both directions of {{}} sites {taken_alone}"),
        (Kind.GUESSED, tally.unused, "{} series say what others say as well, and are not needed"),
    ):
        readings = readings.noting(kind, text.format(count), count)
    return readings
