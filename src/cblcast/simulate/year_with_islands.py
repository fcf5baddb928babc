"""A year on the grid with islands in it: the charge of the batteries passes from the plan to the island and back, and nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.simulate.daily_fleet import DailyUse, plan_month
from cblcast.simulate.island import Cut, Fleet, Islands
from cblcast.simulate.island_trace import trace_island


@dataclass(frozen=True, eq=False)
class YearWithIslands:
    """What happened.

    Attributes
    ----------
    charge_kwh : Series
        Content of all contracted vehicles' batteries at the end of each hour, on the grid and off it.
    traces : list of DataFrame
        One per island, see :func:`cblcast.simulate.island_trace.trace_island`; of the available vehicles.
    handed_over_kwh, taken_back_kwh : ndarray (n_islands,)
        Content of the available batteries when each island begins and ends.
    plan : DataFrame
        The hours on the grid.
    """

    charge_kwh: pd.Series
    traces: list[pd.DataFrame]
    handed_over_kwh: np.ndarray
    taken_back_kwh: np.ndarray
    plan: pd.DataFrame


def year_with_islands(
    price_per_kwh: pd.Series,
    load_kw: np.ndarray,
    islands: Islands,
    starts: pd.DatetimeIndex,
    diesel_kw: float,
    vehicles: float,
    fleet: Fleet,
    use: DailyUse,
    cut: Cut = "units",
) -> YearWithIslands:
    """Plan each month as if no outage came, be interrupted by the islands, and plan the rest of the month anew from the charge left.

    Parameters
    ----------
    price_per_kwh : Series, hourly
        Its index and `starts` share one clock.
    starts : DatetimeIndex (n_scenarios,)
        When each of `islands` begins: whole hours, rising, not overlapping, each within a month.

    Notes
    -----
    The state is the mean content of a contracted vehicle; in an island the available share takes part, and afterwards the mean is taken
    over all again. Within an island nobody drives.
    """
    times, load = pd.DatetimeIndex(price_per_kwh.index), np.asarray(load_kw, dtype=np.float64)
    rows, hours = times.get_indexer(starts), round(islands.hours)
    if (rows < 0).any() or (np.diff(rows) < hours).any() or abs(islands.hours - hours) > 1e-9:
        raise DataError(
            "islands in a year begin at whole hours of the price series, last whole hours and do not overlap"
        )
    if len(rows) and rows[-1] + hours > len(times):
        raise DataError(f"the island of {starts[-1]} goes on beyond the last price, {times[-1]}: leave it out")
    if abs(1 / islands.step_h - round(1 / islands.step_h)) > 1e-6:
        raise DataError(
            f"steps of {islands.step_h * 60:g} min do not divide an hour, in which the fleet is planned: choose such"
        )
    n, available = len(times), fleet.availability
    month = np.asarray(times.year * 12 + times.month)
    energy = vehicles * fleet.battery_kwh * fleet.initial_charge
    charge, parts, traces, given, back = np.full(n, np.nan), [], [], [], []
    at = 0
    while at < n:
        end = int(np.searchsorted(month, month[at], side="right"))
        coming = [k for k, row in enumerate(rows) if at <= row < end]
        part = plan_month(price_per_kwh.iloc[at:end], load[at:end], vehicles, fleet, use, energy)
        stop = end if not coming else int(rows[coming[0]])
        kept = part.iloc[: stop - at]
        parts.append(kept)
        charge[at:stop] = kept["energy_kwh"]
        energy = float(kept["energy_kwh"].iloc[-1]) if len(kept) else energy
        at = stop
        if coming:
            given.append(available * energy)
            trace = trace_island(
                islands, coming[0], diesel_kw, vehicles, fleet, cut, initial_energy_kwh=available * energy
            )
            back.append(float(trace["energy_kwh"].iloc[-1]))
            others = (1 - available) * energy
            per_hour = round(1 / islands.step_h)
            charge[at : at + hours] = trace["energy_kwh"].to_numpy()[per_hour - 1 :: per_hour] + others
            energy = back[-1] + others
            traces.append(trace)
            at += hours
    return YearWithIslands(pd.Series(charge, times), traces, np.array(given), np.array(back), pd.concat(parts))
