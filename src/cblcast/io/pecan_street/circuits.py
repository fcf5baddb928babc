"""Which columns of a Dataport export are what, and what a home takes, makes and uses by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.schema import OBSERVED
from cblcast.io.files import Table, holds_numbers, numbers
from cblcast.io.read_report import Kind, Note

TIMES = ("localminute", "local_15min", "localhour", "local_1min", "local_1hour")
SOLAR = ("solar", "solar2")
GRID, USE, GEN = "grid", "use", "gen"
_NOT_POWER = ("leg1v", "leg2v", "voltage", "frequency")
STANDBY_KW = 0.1  # an inverter at night takes some watts, which stand there as negative sun
# Without a sun a home that gives in so many of its rows has its signs turned; in fewer, a sun that nobody metered.
TURNED, LOST_SUN = 0.6, 0.05
PV, LOAD = "pv_kw", "load_kw"


@dataclass(frozen=True)
class Circuits:
    """An export as powers of one home's row each.

    Attributes
    ----------
    frame : DataFrame
        ``observed_kw`` (net at the grid, import > 0), ``pv_kw`` (≥ 0), ``load_kw`` = the sum of both, ``device_<name>_kw``.
    notes : tuple of Note
        What was assumed of homes without a sun, or cut off.
    """

    frame: pd.DataFrame
    notes: tuple[Note, ...]


def device_column(circuit: str) -> str:
    """Our name of a circuit: ``air1`` → ``device_air1_kw``."""
    return f"device_{circuit}_kw"


def circuits_of(table: Table, site: pd.Series, time: str, *, export_positive: bool, devices: bool) -> Circuits:
    """Powers of an export.

    Parameters
    ----------
    table : Table
        With ``grid``, or with ``use`` (and ``gen``) as older exports have it.
    site : Series of str
        The home of each row.
    time : str
        Column of times.
    export_positive : bool
        Whether ``grid`` counts what the home gives as positive.
    devices : bool
        Whether circuits are kept.

    Raises
    ------
    DataError
        Neither grid nor use; a sun that shines negatively; a grid that rises with the sun.
    """
    frame = table.frame
    sun, notes = _sun(table, site)
    if GRID in frame.columns:
        net = numbers(frame[GRID], table) * (-1.0 if export_positive else 1.0)
        _check_direction(net, sun, site, table.name, export_positive)
        notes += _check_use(net, sun, site, table.name, export_positive)
    elif USE in frame.columns:
        net = numbers(frame[USE], table) - sun
        notes.append(Note(Kind.GUESSED, f"{table.name} has no grid: net load is use less generation"))
    else:
        raise DataError(
            f"{table.name} has neither 'grid' nor 'use', so what the home takes is unknown: export one of them"
        )
    parts = {OBSERVED: net, PV: sun, LOAD: net + sun}
    if devices:
        known = (GRID, USE, GEN, *SOLAR, *_NOT_POWER, "dataid", time)
        for name in map(str, frame.columns):
            if name not in known and not frame[name].isna().all() and holds_numbers(frame[name], table):
                parts[device_column(name)] = numbers(frame[name], table)
    return Circuits(pd.DataFrame(parts), tuple(notes))


def _sun(table: Table, site: pd.Series) -> tuple[pd.Series, list[Note]]:
    """PV power of each row [kW], 0 at homes that have none."""
    there = [name for name in (*SOLAR, GEN) if name in table.frame.columns and not table.frame[name].isna().all()]
    nothing = pd.Series(0.0, index=table.frame.index)
    homes = site.nunique()
    if not there:
        return nothing, [Note(Kind.GUESSED, f"{table.name} has no sun: its {homes} homes count as without PV", homes)]
    columns = [numbers(table.frame[name], table) for name in there]
    metered = pd.concat([column.groupby(site).transform("count") > 0 for column in columns], axis=1)
    if GEN in there and len(there) > 1:  # the same sun once more, but for homes that have nothing else
        metered.iloc[:, -1] &= ~metered.iloc[:, :-1].any(axis=1)
    parts = [column.where(has, 0.0) for column, has in zip(columns, metered.T.to_numpy(), strict=True)]
    total = pd.Series(np.sum([part.to_numpy() for part in parts], axis=0), index=nothing.index)
    notes = []
    without = site[~metered.any(axis=1)].nunique()
    if without:
        notes.append(Note(Kind.GUESSED, f"{table.name}: {without} homes have no sun and count as without PV", without))
    negative = total < 0
    _check_sun(total, negative, site, table.name)
    if negative.any():
        what = f"{table.name}: {int(negative.sum())} small negative values of the sun are the inverter's own use, read as 0"
        notes.append(Note(Kind.GUESSED, what, int(negative.sum())))
    return total.where(~negative, 0.0), notes


def _check_sun(total: pd.Series, negative: pd.Series, site: pd.Series, name: str) -> None:
    """A home whose sun shines negatively, or takes more than an inverter does, is named."""
    by_home = pd.DataFrame({"low": total, "sum": total}).groupby(site.to_numpy()).agg({"low": "min", "sum": "sum"})
    wrong = by_home[(by_home["low"] < -STANDBY_KW)]
    if len(wrong):
        home = wrong.index[0]
        often = int(negative[site.to_numpy() == home].sum())
        raise DataError(
            f"the sun of home {home!r} in {name} is negative, {wrong['low'].iloc[0]:.3g} kW at the least ({often} rows): "
            "generation counts as positive; turn its sign, or leave the cells empty where nothing was metered"
        )


def _check_direction(net: pd.Series, sun: pd.Series, site: pd.Series, name: str, turned: bool) -> None:
    """Where the sun makes the grid rise, the grid counts exports as positive."""
    for home, rows in net.groupby(site.to_numpy()).groups.items():
        light = sun.loc[rows] > STANDBY_KW
        if light.sum() < 24:
            continue
        ours, theirs = net.loc[rows][light].to_numpy(), sun.loc[rows][light].to_numpy()
        known = np.isfinite(ours) & np.isfinite(theirs)
        if known.sum() < 24 or ours[known].std() == 0 or theirs[known].std() == 0:
            continue
        if np.corrcoef(ours[known], theirs[known])[0, 1] > 0.5:
            raise DataError(
                f"the grid of home {home!r} in {name} rises with its sun, so it counts exports as positive: "
                + ("leave out export_positive=True" if turned else "read it with export_positive=True")
            )


def _check_use(net: pd.Series, sun: pd.Series, site: pd.Series, name: str, turned: bool) -> list[Note]:
    """In the dark a home takes; one that gives all the time has its signs turned, one that gives and has no sun is told."""
    known = net.notna()
    dark = known & (sun <= 0)
    rows = pd.DataFrame({"dark": net.where(dark), "gives": (net < -STANDBY_KW).where(known), "sunny": sun > 0})
    by_home = (
        rows.astype(np.float64)
        .groupby(site.to_numpy())
        .agg({"dark": ["mean", "count"], "gives": "mean", "sunny": "max"})
    )
    mean, count, gives, sunny = (by_home[column].to_numpy() for column in by_home.columns)
    wrong = (count >= 24) & np.where(sunny > 0, mean < 0, gives > TURNED)
    if wrong.any():
        home = by_home.index[int(wrong.argmax())]
        remedy = "leave out export_positive=True" if turned else "read it with export_positive=True, or export its sun"
        raise DataError(
            f"home {home!r} in {name} gives back power even without sun, so its grid counts exports as positive: {remedy}"
        )
    lost = (gives > LOST_SUN) & (sunny == 0)
    if not lost.any():
        return []
    what = (
        f"{name}: {int(lost.sum())} homes give back power and have no sun, first {str(by_home.index[int(lost.argmax())])!r}: "
        "load_kw is not what they use there; export their solar columns"
    )
    return [Note(Kind.DOUBTFUL, what, int(lost.sum()))]
