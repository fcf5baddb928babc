"""What a whole fleet of simulated homes adds up to, while its homes stream by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.simulate.households import HouseholdWeather, HouseholdWorld, stream_homes

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class FleetTotals:
    """A fleet with its program and without.

    Attributes
    ----------
    load_kw, truth_kw, pv_kw : ndarray of float32, shape (n_kept, n_steps)
        The first homes, one by one: use with the program and without, PV.
    enrolled : ndarray of bool, shape (n_homes,)
        Whether a home is in the program, and is called.
    mean_load_kw, mean_truth_kw, mean_pv_kw : ndarray, shape (n_steps,)
        Means over all homes [kW a home].
    device_kw, device_truth_kw : mapping name -> ndarray, shape (n_steps,)
        Means over all homes.
    responses : DataFrame, one row an event
        ``day`` (counted from the first), ``followed_share``, ``reduction_kw`` (mean over the event, without − with), ``rebound_kw``
        (mean over the three hours after it, with − without), ``given_up_kwh`` (of the day and the next: energy that was not made
        up for), ``warmest_k`` (how much warmer homes that followed became). All per home of the fleet but the last.
    """

    load_kw: Array
    truth_kw: Array
    pv_kw: Array
    enrolled: Array
    mean_load_kw: Array
    mean_truth_kw: Array
    mean_pv_kw: Array
    device_kw: Mapping[str, Array]
    device_truth_kw: Mapping[str, Array]
    responses: pd.DataFrame


def add_up(world: HouseholdWorld, weather: HouseholdWeather, other_kw: Array | None, keep: int) -> FleetTotals:
    """Simulate all homes, keep the first `keep` of them, add up the rest."""
    kept: dict[str, list[Array]] = {"load": [], "truth": [], "pv": []}
    mean = {name: np.zeros(world.n_steps) for name in kept}
    devices: dict[str, Array] = {}
    devices_truth: dict[str, Array] = {}
    enrolled, follows, warmest = [], [], []
    for block in stream_homes(world, weather, other_kw, keep_devices=True):
        for name, values in (("load", block.load_kw), ("truth", block.truth_kw), ("pv", block.pv_kw)):
            mean[name] += values.sum(0, dtype=np.float64)
            if block.first < keep:
                kept[name].append(values[: keep - block.first])
        for into, given in ((devices, block.device_kw), (devices_truth, block.device_truth_kw)):
            for name, values in given.items():
                into[name] = into.get(name, 0.0) + values.sum(0, dtype=np.float64) / world.homes
        enrolled.append(block.enrolled)
        follows.append(block.follows)
        warmest.append(block.warmest_k)
    followed, warmer = np.concatenate(follows, axis=1), np.concatenate(warmest, axis=1)
    mean = {name: total / world.homes for name, total in mean.items()}
    return FleetTotals(
        np.concatenate(kept["load"]),
        np.concatenate(kept["truth"]),
        np.concatenate(kept["pv"]),
        np.concatenate(enrolled),
        mean["load"],
        mean["truth"],
        mean["pv"],
        devices,
        devices_truth,
        _responses(world, mean["load"], mean["truth"], followed, warmer),
    )


def _responses(world: HouseholdWorld, load: Array, truth: Array, followed: Array, warmer: Array) -> pd.DataFrame:
    program = world.program
    rows = []
    less = truth - load
    for number, day in enumerate(world.event_days):
        assert program is not None
        midnight, first, last, after, over = (
            round((24 * day + hour) / world.step_h)
            for hour in (0.0, program.start_h, program.stop_h, program.stop_h + 3, 48.0)
        )
        who = followed[number]
        rows.append(
            {
                "day": day,
                "followed_share": who.mean(),
                "reduction_kw": less[first:last].mean(),
                "rebound_kw": -less[last:after].mean(),
                "given_up_kwh": less[midnight:over].sum() * world.step_h,
                "warmest_k": warmer[number][who].mean() if who.any() else np.nan,
            }
        )
    columns = ["day", "followed_share", "reduction_kw", "rebound_kw", "given_up_kwh", "warmest_k"]
    return pd.DataFrame(rows, columns=columns).rename_axis("event")
