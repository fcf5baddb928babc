"""The peers beside cblcast, in one run on the same data: accuracy, processor seconds, versions.

    python benchmarks/peers/run.py                       # everything; the first time it makes the peers' environments
    python benchmarks/peers/run.py --only opendsm mlforecast --sites 3     # a quick look, nothing is written beside this file

Twelve bundled buildings, taught 2017-2018, judged on the evenings of 2019, before the event and at settlement. Each peer runs in an
environment of its own under .benchmarks/peers (ignored by git), is handed Parquet and hands Parquet back; one that cannot be had
is told with the line that says why. Writes results.json, table.json and table.md beside this file. 15 minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

from claims import summary, write
from curves import curve_claims, hand_over_wind
from environments import PEERS, NotInstalled, Peer, python_of
from handed import hand_over
from judge import accuracy, answers_of, as_markdown, claims_of, costs
from matsim_events import matsim_claims

from cblcast import datasets
from cblcast.config import read_study
from cblcast.frames.panel import Panel
from cblcast.workflow.study_data import study_events

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STUDY = ROOT / "experiments" / "sme_baselines" / "learned.yaml"
LONGEST = 1200  # seconds a peer may take
SINGLE = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "LOKY_MAX_CPU_COUNT",
    )
}


def ran(python: Path | str, script: str, folder: Path) -> str | None:
    """Run a script of this folder on what was handed over; None, or its last line of error."""
    command = [str(python), str(HERE / script), str(folder)]
    given = dict(os.environ) | SINGLE
    if str(python) != sys.executable:
        given.pop("PYTHONPATH", None)  # a peer's environment is its own
    try:
        done = subprocess.run(
            command, env=given, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return f"ended after {LONGEST} s"
    if done.returncode == 0:
        return None
    (folder / f"{script}.log").write_text(done.stderr, encoding="utf-8")
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:300]


def run_peer(peer: Peer, environments: Path, folder: Path) -> str | None:
    """None where a peer ran, else why not."""
    try:
        python = python_of(peer, environments)
    except NotInstalled as why:
        return f"not installed: {why}"
    if peer.name == "matsim-tools":
        os.environ["MATSIM_TOOLS_PYTHON"] = str(python)
        return None
    return ran(python, f"peer_{peer.name}.py", folder)


def prepare(folder: Path, n_sites: int | None) -> Panel:
    """Hand everything over; the panel that judges."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*folder.glob("answers_*"), *folder.glob("cost_*"), *folder.glob("*.log")):
        file.unlink()
    study = read_study(STUDY)
    panel = datasets.load("cambridge_sme")
    learned, events = study_events(study, panel)
    if n_sites is not None:
        panel = panel.select(list(panel.site_ids[:n_sites]))
        learned, events = (each[each["site_id"].isin(panel.site_ids)] for each in (learned, events))
    hand_over(panel, events, folder, study.train)
    events.reset_index(drop=True).to_parquet(folder / "events.parquet")
    learned.reset_index(drop=True).to_parquet(folder / "learned.parquet")
    hand_over_wind(folder)
    return panel


def machine() -> str:
    """What the seconds were taken on."""
    return f"Python {platform.python_version()}, one thread of {os.cpu_count()} {platform.machine()} cores, load {os.getloadavg()[0]:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [peer.name for peer in PEERS]
    parser.add_argument(
        "--only", nargs="+", choices=["ours", *names], help="these alone; nothing is written beside this file"
    )
    parser.add_argument(
        "--sites", type=int, help="the first so many buildings alone; nothing is written beside this file"
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / ".benchmarks" / "peers", help="environments and what is handed over"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="peers at once; processor seconds are told, but cores share their caches"
    )
    wanted = parser.parse_args()
    folder = wanted.cache / "handed"
    panel = prepare(folder, wanted.sites)
    chosen = wanted.only or ["ours", *names]
    refused: dict[str, str] = {}
    peers = {peer.name: peer for peer in PEERS}

    def run_one(name: str) -> None:
        began = perf_counter()
        if name == "ours":
            why = ran(sys.executable, "ours.py", folder)
        else:
            why = run_peer(peers[name], wanted.cache / "environments", folder)
        if why is not None:
            refused[name] = why
        print(f"{name}: {why or 'done'}, {perf_counter() - began:.0f} s", flush=True)

    with ThreadPoolExecutor(wanted.jobs) as pool:
        list(pool.map(run_one, chosen))
    cost = costs(folder)
    table = accuracy(answers_of(folder, panel), panel) if "cblcast" in cost else []
    results = claims_of(table, cost) + curve_claims(folder) + matsim_claims(refused)
    told = as_markdown(table, cost, refused)
    print(told)
    print(summary(results))
    if wanted.only is None and wanted.sites is None:
        write(HERE / "results.json", results)
        document = {"machine": machine(), "accuracy": table, "cost": cost, "not_run": refused}
        (HERE / "table.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        head = f"# The peers and cblcast, one run\n\n`python benchmarks/peers/run.py` writes this page. {machine()}.\n"
        (HERE / "table.md").write_text(head + told, encoding="utf-8")


if __name__ == "__main__":
    with warnings.catch_warnings(record=True):  # odd days of the meters, which stay as they are
        main()
