"""Runs from edges on homes whose runs are known, minute by minute: one part of run.py."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
from claims import claim
from homes import DAYS, EVENT_DAYS, EVENT_H, FIRST_DAY, Month, month_of_homes

from cblcast.end_uses import classed_runs, fell_in_event, find_edges, load_of_runs, named_classes, pair_edges
from cblcast.simulate.household_devices import HABITS

SOURCE = "simulated homes (this project)"
STEP_H = 1 / 60
SIGNATURES = {
    name: (habit.kw, habit.hours) for name, habit in HABITS.items()
}  # nominal: a home's own differ by up to 15 %
COOLING = "cooling"
DEVICES = (*HABITS, COOLING)
NOISE = 0.1  # of what no device explains, minute by minute, over its mean
NEAR_MIN = 3.0  # a run is found where both of its ends are


def devices(
    records: list[dict[str, Any]], noise: float = NOISE, groups: int = 8, each: int = 5
) -> tuple[pd.DataFrame, Month, pd.DataFrame]:
    """Runs and energies of every device; one home and its found loads for the figure."""
    counted, energies, fell, seconds = [], [], [], 0.0
    shown = None
    homes = month_of_homes(groups, each, noise)
    for number, home in enumerate(homes):
        began = time.process_time()
        edges = find_edges(home.load_kw, STEP_H)
        runs = pair_edges(edges, home.load_kw)
        label, classes = classed_runs(runs, DAYS, home.out_c.reshape(DAYS, -1).mean(1))
        names = named_classes(classes, SIGNATURES).to_numpy()[label] if len(runs) else np.empty(0, dtype=str)
        seconds += time.process_time() - began
        true = truth_of(home)
        counted.append(matched(true, runs, names).assign(home=number, least_kw=edges.least_kw))
        found = loads(runs, names, home)
        energies.append(pd.DataFrame({"home": number, "true_kwh": true_kwh(home), "found_kwh": found.sum() * STEP_H}))
        fell.append(events_of(found, home, number))
        if shown is None and true_kwh(home)[["dryer", "water_heater"]].min() > 0:
            shown = (home, found)
    assert shown is not None
    table = told(records, pd.concat(counted), pd.concat(energies), seconds / len(homes), noise)
    if noise == NOISE:
        told_events(records, pd.concat(fell))
    return table, *shown


def truth_of(home: Month) -> pd.DataFrame:
    """True runs: minutes without a break in which a device takes power."""
    parts = []
    for name in DEVICES:
        kw = home.device_kw["heating_cooling" if name == COOLING else name]
        on = np.flatnonzero(np.diff(np.concatenate([[False], kw > 1e-4, [False]]).astype(np.int8)))
        first, last = on[::2], on[1::2]
        parts.append(pd.DataFrame({"device": name, "start_h": first * STEP_H, "stop_h": last * STEP_H}))
    return pd.concat(parts, ignore_index=True)


def true_kwh(home: Month) -> pd.Series:
    own = {name: home.device_kw["heating_cooling" if name == COOLING else name].sum() * STEP_H for name in DEVICES}
    return pd.Series(own)


def loads(runs: Any, names: np.ndarray, home: Month) -> pd.DataFrame:
    """Found load of each device and what is left [kW], by the minute."""
    n = len(home.load_kw)
    times = pd.date_range(FIRST_DAY, periods=n, freq="min", tz="UTC")
    found = {}
    for name in (*DEVICES, "unknown"):
        mine = names == name
        part = type(runs)(runs.start_h[mine], runs.hours[mine], runs.kw[mine], 0, 0)
        found[name] = load_of_runs(part, n, STEP_H)
    table = pd.DataFrame(found, index=times)
    return table.assign(rest=home.load_kw - table.sum(axis=1))


def matched(true: pd.DataFrame, runs: Any, names: np.ndarray) -> pd.DataFrame:
    """Of each device: true runs, those found by anyone, those named rightly, runs so named, and those of them that are true."""
    near = NEAR_MIN / 60
    rows = []
    for name in DEVICES:
        own = true[true["device"] == name]
        starts = np.abs(own["start_h"].to_numpy()[:, None] - runs.start_h[None]) <= near
        both = starts & (np.abs(own["stop_h"].to_numpy()[:, None] - (runs.start_h + runs.hours)[None]) <= near)
        named = names == name
        rows.append(
            {
                "device": name,
                "true": len(own),
                "found": int(both.any(1).sum()),
                "found_and_named": int(both[:, named].any(1).sum()),
                "named": int(named.sum()),
                "named_and_true": int(both[:, named].any(0).sum()),
            }
        )
    return pd.DataFrame(rows)


def told(
    records: list[dict[str, Any]], counted: pd.DataFrame, energies: pd.DataFrame, seconds: float, noise: float
) -> pd.DataFrame:
    counts = counted.groupby("device", sort=False).sum().drop(columns=["home", "least_kw"])
    energies = energies.rename_axis("device").reset_index()
    energies = energies[energies["device"].isin(DEVICES)]
    error = (energies["found_kwh"] - energies["true_kwh"]).abs().groupby(energies["device"]).sum()
    sums = energies.groupby("device")[["true_kwh", "found_kwh"]].sum()
    table = counts.join(sums)
    table["runs_found_pct"] = 100 * table["found"] / table["true"]
    table["named_right_pct"] = 100 * table["named_and_true"] / table["named"]
    table["energy_error_pct"] = 100 * (table["found_kwh"] / table["true_kwh"] - 1)
    table["energy_abs_error_pct"] = 100 * error / table["true_kwh"]
    explained = 100 * np.minimum(energies["found_kwh"], energies["true_kwh"]).sum() / energies["true_kwh"].sum()
    about = f"edges, {100 * noise:g} % noise"
    records += [
        claim(f"{about}: true runs found", SOURCE, 100 * table["found"].sum() / table["true"].sum(), "%", digits=0),
        claim(
            f"{about}: energy of devices put in the right class (at most what is true in each home)",
            SOURCE,
            explained,
            "%",
            digits=0,
        ),
        claim(
            f"{about}: smallest change that could be looked for, median of homes",
            SOURCE,
            float(counted["least_kw"].median()),
            "kW",
            largest_kw=round(float(counted["least_kw"].max()), 2),
        ),
    ]
    if noise != NOISE:
        return table
    records.append(claim("edges: processor time of a home of four weeks", "this script", seconds, "s"))
    for name, row in table.iterrows():
        records += [
            claim(
                f"edges, {name}: true runs found",
                SOURCE,
                row["runs_found_pct"],
                "%",
                digits=0,
                true_runs=int(row["true"]),
            ),
            claim(f"edges, {name}: runs so named that are", SOURCE, row["named_right_pct"], "%", digits=0),
            claim(
                f"edges, {name}: energy of all homes, found less true",
                SOURCE,
                row["energy_error_pct"],
                "% of the true",
                digits=0,
            ),
            claim(
                f"edges, {name}: energy home by home, mean absolute error",
                SOURCE,
                row["energy_abs_error_pct"],
                "% of the true",
                digits=0,
            ),
        ]
    return table


def events_of(found: pd.DataFrame, home: Month, number: int) -> pd.DataFrame:
    """Each event: what cooling fell by in truth and as found, and which end use fell most."""
    true = pd.DataFrame(
        {name: home.device_kw["heating_cooling" if name == COOLING else name] for name in DEVICES}, index=found.index
    )
    true["rest"] = home.load_kw - true.sum(axis=1)
    rows = []
    for day in EVENT_DAYS:
        midnight = found.index[0] + pd.Timedelta(days=day)
        start, stop = (midnight + pd.Timedelta(hours=hour) for hour in EVENT_H)
        seen, was = (fell_in_event(parts, start, stop) for parts in (found, true))
        rows.append(
            {
                "home": number,
                "day": day,
                "true_kw": was.loc[COOLING, "change_kw"],
                "found_kw": seen.loc[COOLING, "change_kw"],
                "has_class": bool((found[COOLING] > 0).any()),
                "first_true": was.index[0],
                "first_found": seen.index[0],
            }
        )
    return pd.DataFrame(rows)


def told_events(records: list[dict[str, Any]], fell: pd.DataFrame) -> None:
    same = fell["first_found"] == fell["first_true"]
    named, sizes = fell["has_class"], fell[["true_kw", "found_kw"]]
    of_day = sizes.groupby(fell["day"]).mean()
    records += [
        claim(
            "edges, events: the end use that fell most is the true one",
            SOURCE,
            100 * float(same.mean()),
            "% of home × event",
            digits=0,
            events=len(fell),
        ),
        claim(
            "edges, events: homes in which a class was named cooling", SOURCE, 100 * float(named.mean()), "%", digits=0
        ),
        claim(
            "edges, events: … in those, cooling's change, correlation of found and true over home × event",
            SOURCE,
            float(sizes[named].corr().iloc[0, 1]),
            "1",
            true_mean_kw=round(float(sizes.loc[named, "true_kw"].mean()), 3),
        ),
        claim(
            "edges, events: … in those, cooling's change, found less true",
            SOURCE,
            100 * (sizes.loc[named, "found_kw"].sum() / sizes.loc[named, "true_kw"].sum() - 1),
            "% of the true",
            digits=0,
        ),
        claim(
            "edges, events: cooling's change, mean of all homes, found less true",
            SOURCE,
            100 * (sizes["found_kw"].sum() / sizes["true_kw"].sum() - 1),
            "% of the true",
            digits=0,
            true_kw=of_day["true_kw"].round(3).tolist(),
            found_kw=of_day["found_kw"].round(3).tolist(),
        ),
    ]
