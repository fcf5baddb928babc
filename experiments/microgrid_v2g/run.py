"""The bargaining paper on measured wind: tables 1-2, figures 2-5, assumptions, what a nowcast is worth, every day, and field checks.

    CBLCAST_DATA_DIR=<folder> python experiments/microgrid_v2g/run.py          # three minutes of one core; needs the extra sizing
    python experiments/microgrid_v2g/run.py --part paper                       # bundled data alone, a quarter of a minute

Writes results.json, table_paper.csv, table_assumptions.csv, table_knowing.csv, table_every_day.csv and figure_2 … figure_5.png beside
this file. A part that is left out keeps what it wrote before. What needs CBLCAST_DATA_DIR is left out, and said, where it is not set.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import assumptions
import beside
import every_day
import knowing_the_wind
import pandas as pd
import paper
from claims import Record, read, summary, write

HERE = Path(__file__).parent
Claims = list[Record]


def keep(name: str, made: tuple[pd.DataFrame, Claims]) -> Claims:
    """Write a table, pass its claims on."""
    table, claims = made
    if len(table):
        table.round(3).to_csv(HERE / f"table_{name}.csv", lineterminator="\n")
    return claims


def run_paper() -> Claims:
    priced, claims = paper.tables()
    return keep("paper", (priced, claims)) + paper.fronts() + paper.events(priced)


PARTS: dict[str, Callable[[], Claims]] = {
    "paper": run_paper,
    "assumptions": lambda: keep("assumptions", assumptions.table()),
    "knowing": lambda: keep("knowing", knowing_the_wind.table()),
    "every_day": lambda: keep("every_day", every_day.table(paper.tables()[0])),
    "beside": lambda: beside.baselines() + beside.sun() + beside.failures(),
    "field": beside.field,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--part", choices=(*PARTS, "all"), default="all")
    chosen = arguments.parse_args().part
    path = HERE / "results.json"
    before = read(path) if path.is_file() else []
    claims: Claims = []
    for name, part in PARTS.items():
        if chosen in (name, "all"):
            began = process_time()
            found = [{**line, "part": name} for line in part()]
            told = "" if found else ": left out, CBLCAST_DATA_DIR lacks what it needs"
            print(f"{name}: {len(found)} figures in {process_time() - began:.0f} s of processor time{told}", flush=True)
        else:
            found = [line for line in before if line["part"] == name]
        claims += found
    write(path, claims)
    print(summary(claims))


if __name__ == "__main__":
    main()
