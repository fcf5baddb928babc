"""How fast a microgrid is sized, and whether the storage balances like a published microgrid does.

    python benchmarks/microgrid/run.py                       # speed: half a minute of one core
    python benchmarks/microgrid/run.py --peer peer/bin/python    # and pymgrid's year, see peer.py

Speed is processor time of one process on one thread (OMP_NUM_THREADS=1). Writes results.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from time import process_time

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
from claims import Record, at_least, at_most, claim, read, summary, within, write

from cblcast.physics.storage import absorption_kw, after_step, delivery_kw
from cblcast.sizing.designs import polished, reliable_designs
from cblcast.sizing.grid import front_of, grid_designs, with_costs_of
from cblcast.sizing.nsga2 import nsga2_front
from cblcast.workflow.island_year import island_year, study_islands
from cblcast.workflow.microgrid import covered, read_microgrid, sizing_problem

HERE = Path(__file__).parent
STUDY = HERE.parents[1] / "experiments" / "microgrid_v2g" / "manjil.yaml"
PEER = "pymgrid microgrid 0, rule control, 8759 h"
PUBLISHED = {
    "load": 4_238_135.5,
    "pv": 1_404_876.2,
    "import": 2_860_612.0,
    "discharge": 84_789.2,
    "charge": 104_678.0,
    "export": 7_463.9,
}


def speed() -> list[Record]:
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
    unit, source = "s of processor time", "project target"
    return [
        claim(f"121 × 101 designs × {n[0]} islands × 36 steps", source + "; moonshot 0.5", took, unit, at_most(2)),
        claim(f"121 × 101 designs × {n[1]} islands, a year", source, took_whole, unit, at_most(30)),
        claim("NSGA-II, 100 designs × 100 generations", source, bred, unit, at_most(10)),
        claim("its hypervolume over the grid's", source, share, "1", at_least(0.99), 4),
        claim("its cost at 30 minutes after polishing over the least", source, over, "%", at_most(2)),
    ]


def balance(python: str) -> list[Record]:
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
        claim(f"{PEER}: {name}", "python-microgrid 1.4.1", value, "kWh", within(PUBLISHED[name], 0.1))
        for name, value in sums.items()
    ]
    rest = sums["pv"] + sums["import"] + sums["discharge"] - sums["charge"] - sums["export"] - sums["load"]
    return [*found, claim(f"{PEER}: the balance closes", "identity", rest, "kWh", within(0.0, 1e-3))]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--peer", help="a Python that has python-microgrid")
    chosen = arguments.parse_args()
    path = HERE / "results.json"
    before = read(path) if path.is_file() else []
    kept = [line for line in before if line["claim"].startswith(PEER)]
    found = speed() + (balance(chosen.peer) if chosen.peer else kept)
    write(path, found)
    print(summary(found))


if __name__ == "__main__":
    main()
