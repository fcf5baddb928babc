"""Curtailment laid into real turbine records: how much of it the flags find, and how often they cry wolf.

    python experiments/curtailment_flags/run.py     # bundled data, about a minute of one core

The four turbines of La Haute Borne, 2014 and 2015, ten minutes. What is laid in is SYNTHETIC and labelled so; all else was
measured. Writes results.json and flags.csv beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import Record, at_least, at_most, claim, summary, write

from cblcast import datasets
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED
from cblcast.io.scada import SPEED, TEMPERATURE, flag_turbines, own_power_curves
from cblcast.physics.power_curve import fit_power_curve

HERE = Path(__file__).parent
SHARES = (0.02, 0.1, 0.3)  # of the time under curtailment
KINDS = {
    "derated by 40 %": lambda power, rated, noise: np.where(power > 0, 0.6 * power, power),
    "limited to 60 % of rated": lambda power, rated, noise: np.minimum(power, (0.6 + noise) * rated),
    "limited to 40 % of rated": lambda power, rated, noise: np.minimum(power, (0.4 + noise) * rated),
}
TAKEN = 0.01  # of rated: a record counts as curtailed if the limit took more than this from it


def turbines() -> Panel:
    """The turbines' records with the air temperature of the farm."""
    scada, farm = datasets.load("la_haute_borne_turbines"), datasets.load("la_haute_borne")
    air = farm.data[TEMPERATURE].droplevel("site_id")
    time = scada.data.index.get_level_values("time")
    return Panel(scada.data.assign(**{TEMPERATURE: air.reindex(time).to_numpy()}), scada.sites)


def spells(n: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Records under curtailment: spells of 2 to 48 hours until they fill the share."""
    on = np.zeros(n, dtype=bool)
    while on.mean() < share:
        length = int(rng.integers(12, 288))
        begin = int(rng.integers(0, n - length))
        on[begin : begin + length] = True
    return on


def curtailed(scada: Panel, kind: str, share: float, seed: int) -> tuple[Panel, np.ndarray, np.ndarray]:
    """The records with synthetic curtailment, where it was on, and the power that it took [kW], 0 where next to none."""
    rng = np.random.default_rng(seed)
    data, on = scada.data.copy(), np.zeros(len(scada.data), dtype=bool)
    for turbine in scada.site_ids:
        own = np.flatnonzero(data.index.get_level_values("site_id") == turbine)
        on[own] = spells(len(own), share, rng)
    before = data[OBSERVED].to_numpy(np.float64)
    rated = scada.sites["rated_kw"].reindex(data.index.get_level_values("site_id")).to_numpy(np.float64)
    noise = rng.normal(0.0, 0.005, len(data))  # a set point is held to half a per cent of rated power
    after = np.where(on, KINDS[kind](before, rated, noise), before)
    data[OBSERVED] = after
    took = np.where(on & (before - after > TAKEN * rated), before - after, 0.0)
    return Panel(data, scada.sites), on, took


def bent(scada: Panel, free: dict) -> dict[str, float]:
    """How far each turbine's own curve lies from its curve without curtailment, root mean square over its bins [% of rated]."""
    found = {}
    for turbine, curve in own_power_curves(scada).items():
        speed = free[turbine].speed
        rated = scada.sites.loc[turbine, "rated_kw"]
        found[turbine] = float(100 * np.sqrt(np.mean((curve(speed) - free[turbine](speed)) ** 2)) / rated)
    return found


def bent_by_bins(scada: Panel) -> pd.Series:
    """Power of the plain method of bins at 10 m/s, all records [kW]."""
    found = {}
    for turbine in scada.site_ids:
        own = scada.data.loc[turbine]
        running = own[OBSERVED] > 0.01 * scada.sites.loc[turbine, "rated_kw"]
        found[turbine] = float(fit_power_curve(own[SPEED][running], own[OBSERVED][running])(10.0))
    return pd.Series(found)


def rates(flags: pd.DataFrame, on: np.ndarray, took: np.ndarray, metered: np.ndarray) -> pd.DataFrame:
    """Per turbine: share of curtailed records and of the energy taken that is found, and of other records flagged [%]."""
    named = (flags["curtailed"] | flags["icing"]).to_numpy()
    site = flags.index.get_level_values("site_id")
    rows = {}
    for turbine in site.unique():
        own = np.asarray(site == turbine)
        other, hit = own & metered & ~on, own & (took > 0)
        rows[turbine] = {
            "curtailed records": int(hit.sum()),
            "found": 100 * float(named[hit].mean()) if hit.any() else np.nan,
            "energy found": 100 * float(took[hit & named].sum() / took[hit].sum()) if hit.any() else np.nan,
            "false alarms": 100 * float(named[other].mean()),
        }
    return pd.DataFrame(rows).T


def main() -> None:
    scada = turbines()
    metered = scada.data[[OBSERVED, SPEED]].notna().all(axis=1).to_numpy()
    nothing = np.zeros(len(scada.data))
    free, flags = own_power_curves(scada), flag_turbines(scada)
    tables = [rates(flags, nothing > 0, nothing, metered).assign(kind="as measured", share=0.0)]
    plain = bent_by_bins(scada)
    bends: dict[float, float] = {}
    binned: dict[float, float] = {}
    for kind in KINDS:
        for share in SHARES:
            laid, on, took = curtailed(scada, kind, share, seed=1)
            table = rates(flag_turbines(laid), on, took, metered)
            if kind == "derated by 40 %":
                bends[share] = max(bent(laid, free).values())
                binned[share] = float((plain - bent_by_bins(laid)).max())
            tables.append(table.assign(kind=kind, share=share))
    found = pd.concat(tables).rename_axis("turbine").reset_index()
    found.round(2).to_csv(HERE / "flags.csv", index=False, lineterminator="\n")
    worst = found.groupby(["kind", "share"], sort=False)[["found", "energy found"]].min()
    print(worst.assign(**{"false alarms": found.groupby(["kind", "share"])["false alarms"].max()}).round(1).to_string())
    results = claims_of(found, bends, binned)
    write(HERE / "results.json", results)
    print(summary(results))


def claims_of(found: pd.DataFrame, bends: dict[float, float], binned: dict[float, float]) -> list[Record]:
    source, results = "project target; curtailment is synthetic, laid into measured records", []
    for kind in KINDS:
        for share in SHARES:
            rows = found[(found["kind"] == kind) & (found["share"] == share)]
            text = f"{kind} for {share:.0%} of the time: share of the curtailed records found, worst of four turbines"
            results.append(claim(text, source, rows["found"].min(), "%", at_least(90.0), digits=1))
            text = (
                f"{kind} for {share:.0%} of the time: share of the energy taken that is found, worst of four turbines"
            )
            results.append(claim(text, "measured by this script", rows["energy found"].min(), "%", digits=1))
    measured = found[found["kind"] == "as measured"]
    text = "records as measured that are flagged as curtailed or iced, worst of four turbines (some may be true)"
    results.append(claim(text, source, measured["false alarms"].max(), "%", at_most(2.0), digits=2))
    laid = found[found["kind"] != "as measured"]
    text = "other records flagged while some are curtailed, worst turbine, kind and share"
    results.append(claim(text, source, laid["false alarms"].max(), "%", at_most(2.0), digits=2))
    for share, bend in bends.items():
        text = f"own curve bent by a derating for {share:.0%} of the time, root mean square over bins, worst turbine"
        results.append(claim(text, "measured by this script", bend, "% of rated", digits=2))
        text = f"for comparison, bins of all records lowered at 10 m/s by the derating for {share:.0%} of the time, worst turbine"
        results.append(claim(text, "measured by this script", 100 * binned[share] / 2050.0, "% of rated", digits=2))
    return results


if __name__ == "__main__":
    main()
