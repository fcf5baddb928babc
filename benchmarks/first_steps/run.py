"""How long a newcomer waits: ``cblcast --help``, and the first score of one event by a registered model.

``python benchmarks/first_steps/run.py`` needs cblcast installed; it writes ``results.json`` beside this file. Times are of whole
processes, the median of five after one warm-up, and CPU seconds beside wall seconds, because machines are shared.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STUDY = """
study: first_steps
data: {dataset: turin}
events: {start: "17:00", stop: "20:00"}
test: [2019-06-01, 2019-06-30]
methods: [PBLM-Nearest5of10]
"""
EVENT = "site_id,start,stop\n*,2019-11-06T17:00+01:00,2019-11-06T20:00+01:00\n"
HEAVY = ("pandas", "numpy", "scipy", "sklearn", "mlflow", "torch", "lightgbm", "optuna", "matplotlib", "pydantic")


def seconds(command: list[str], folder: Path, runs: int = 5) -> tuple[float, float]:
    """Median wall and CPU seconds of a process."""
    walls, cpus = [], []
    for number in range(runs + 1):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if number:  # the first run warms the file cache
            walls.append(wall)
            cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(walls), statistics.median(cpus)


def claim(text: str, target: str, measured: object, unit: str, holds: bool) -> dict[str, object]:
    source = "benchmarks/first_steps/run.py"
    return {"claim": text, "source": source, "target": target, "measured": measured, "unit": unit, "holds": holds}


def main() -> None:
    cblcast = [sys.executable, "-m", "cblcast.cli"]
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "study.yaml").write_text(STUDY)
        (folder / "events.csv").write_text(EVENT)
        help_wall, help_cpu = seconds([*cblcast, "--help"], folder)
        probe = f"import sys, cblcast.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
        loaded = subprocess.run(
            [sys.executable, "-c", probe], check=True, capture_output=True, text=True
        ).stdout.strip()
        subprocess.run(
            [*cblcast, "train", "study.yaml", "--register", "first", "--alias", "champion"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        meter = ROOT / "data" / "samples" / "turin.parquet"
        score = [*cblcast, "score", "--model", "models:/first@champion", "--data", str(meter), "--events", "events.csv"]
        score_wall, score_cpu = seconds(score, folder)
    results = [
        claim("cblcast --help, wall", "<= 0.3", round(help_wall, 3), "s", help_wall <= 0.3),
        claim("cblcast --help, CPU", "<= 0.3", round(help_cpu, 3), "s", help_cpu <= 0.3),
        claim("heavy modules loaded by cblcast --help", "[]", loaded, "modules", loaded == "[]"),
        claim(
            "score of one event of one site in a fresh process, wall",
            "<= 3",
            round(score_wall, 2),
            "s",
            score_wall <= 3,
        ),
        claim(
            "score of one event of one site in a fresh process, CPU", "<= 3", round(score_cpu, 2), "s", score_cpu <= 3
        ),
    ]
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for item in results:
        verdict = "holds " if item["holds"] else "MISSED"
        print(f"{item['measured']!s:>8} {item['unit']:8} target {item['target']:7} {verdict} {item['claim']}")


if __name__ == "__main__":
    main()
