"""How fast a microgrid is sized, and whether the storage balances like a published microgrid does.

    python benchmarks/microgrid/run.py                       # speed: half a minute of one core
    python benchmarks/microgrid/run.py --peer peer/bin/python    # and pymgrid's year, see peer.py

Speed is processor time of one process on one thread (OMP_NUM_THREADS=1). Writes results.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from cblcast.physics.storage import absorption_kw, after_step, delivery_kw
from cblcast.sizing.designs import polished, reliable_designs
from cblcast.sizing.grid import front_of, grid_designs, with_costs_of
from cblcast.sizing.nsga2 import nsga2_front
from cblcast.workflow.island_year import island_year, study_islands
from cblcast.workflow.microgrid import covered, read_microgrid, sizing_problem

HERE = Path(__file__).parent
STUDY = HERE.parents[1] / "experiments" / "microgrid_v2g" / "manjil.yaml"
PUBLISHED = {
    "load": 4_238_135.5,
    "pv": 1_404_876.2,
    "import": 2_860_612.0,
    "discharge": 84_789.2,
    "charge": 104_678.0,
    "export": 7_463.9,
}


def claim(text: str, source: str, target: Any, measured: Any, unit: str, holds: Any) -> dict[str, Any]:
    return {"claim": text, "source": source, "target": target, "measured": measured, "unit": unit, "holds": bool(holds)}


def speed() -> list[dict[str, Any]]:
    study = read_microgrid(STUDY)
    year, _ = island_year(study)
    drawn = sizing_problem(study, study_islands(study, year)[0].islands)
    every = study.model_copy(update={"island": study.island.model_copy(update={"scenarios": "all"})})
    whole = sizing_problem(study, study_islands(every, year)[0].islands)
    grid_designs(drawn, 3, 3)
    began = process_time()
    grid = grid_designs(drawn, 121, 101)
    took = process_time() - began
    began = process_time()
    grid_designs(whole, 121, 101)
    took_whole = process_time() - began
    nsga2_front(drawn, 8, 2)  # importing pymoo is not sizing
    problem = drawn.with_subsidy(6000.0)
    began = process_time()
    front = nsga2_front(problem, 100, 100)
    bred = process_time() - began
    exact = front_of(with_costs_of(grid, problem))
    share = covered(front, exact)
    least = reliable_designs(problem, 30.0, 1)
    cost = float(problem.cost_usd(least["diesel_kw"], least["vehicles"]).min())
    over = 100 * (float(polished(problem, front)["cost_usd"].iloc[0]) / cost - 1)
    n = drawn.islands.n_scenarios, whole.islands.n_scenarios
    return [
        claim(
            f"121 × 101 designs × {n[0]} islands × 36 steps",
            "project target; moonshot 0.5",
            "<= 2",
            round(took, 2),
            "s of processor time",
            took <= 2,
        ),
        claim(
            f"121 × 101 designs × {n[1]} islands (one year)",
            "project target",
            "<= 30",
            round(took_whole, 1),
            "s of processor time",
            took_whole <= 30,
        ),
        claim(
            "NSGA-II, 100 designs × 100 generations",
            "project target",
            "<= 10",
            round(bred, 2),
            "s of processor time",
            bred <= 10,
        ),
        claim("its hypervolume over the grid's", "project target", ">= 0.99", round(share, 4), "ratio", share >= 0.99),
        claim(
            "its cost at 30 minutes after polishing over the least",
            "project target",
            "<= 2",
            round(over, 3),
            "%",
            over <= 2,
        ),
    ]


def balance(python: str) -> list[dict[str, Any]]:
    """pymgrid's microgrid 0 under its rule control, replayed hour by hour with this package's storage."""
    said = subprocess.run(
        [python, str(HERE / "peer.py"), "0"], capture_output=True, text=True, check=True, timeout=600
    ).stdout
    peer = json.loads(said.split("JSON", 1)[1])
    s = peer["settings"]
    load, pv = (np.array(peer["log"][name]) for name in ("load|0|load_met", "pv|0|renewable_used"))
    energy, sums = s["init_soc"] * s["max_capacity"], dict.fromkeys(PUBLISHED, 0.0)
    for want, sun in zip(load, pv, strict=True):
        gap = want - sun
        able = float(delivery_kw(energy, s["min_capacity"], s["max_discharge"] * s["efficiency"], s["efficiency"], 1.0))
        takes = float(absorption_kw(energy, s["max_capacity"], s["max_charge"] / s["efficiency"], s["efficiency"], 1.0))
        discharge, charge = min(max(gap, 0.0), able), min(max(-gap, 0.0), takes)
        energy = float(after_step(energy, charge, discharge, s["efficiency"], s["efficiency"], 1.0))
        flows = {
            "load": want,
            "pv": sun,
            "import": max(gap, 0.0) - discharge,
            "discharge": discharge,
            "charge": charge,
            "export": max(-gap, 0.0) - charge,
        }
        for name, value in flows.items():
            sums[name] += value
    found = [
        claim(
            f"pymgrid microgrid 0, rule control, 8759 h: {name}",
            "python-microgrid 1.4.1",
            PUBLISHED[name],
            round(float(value), 1),
            "kWh",
            abs(value - PUBLISHED[name]) < 0.1,
        )
        for name, value in sums.items()
    ]
    rest = sums["pv"] + sums["import"] + sums["discharge"] - sums["charge"] - sums["export"] - sums["load"]
    return [*found, claim("the balance closes", "identity", 0.0, round(float(rest), 6), "kWh", abs(rest) < 1e-3)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--peer", help="a Python that has python-microgrid")
    chosen = arguments.parse_args()
    path = HERE / "results.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    kept = [line for line in before if "pymgrid" in line["claim"] or "balance" in line["claim"]]
    found = speed() + (balance(chosen.peer) if chosen.peer else kept)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for line in found:
        print(
            "holds" if line["holds"] else "MISSES",
            line["claim"],
            "| target",
            line["target"],
            "| measured",
            line["measured"],
            line["unit"],
        )


if __name__ == "__main__":
    main()
