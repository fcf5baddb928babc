"""How long a newcomer waits: ``cblcast --help``, and the first score of one event by a registered model.

``python benchmarks/first_steps/run.py`` needs cblcast installed; it writes ``results.json`` beside this file. Times are of whole
processes, the median of five after one warm-up, and CPU seconds beside wall seconds, because machines are shared.
"""

from __future__ import annotations

import ast
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

from claims import asked, at_most, claim, write

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


def main() -> None:
    cblcast = [sys.executable, "-m", "cblcast"]
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "study.yaml").write_text(STUDY)
        (folder / "events.csv").write_text(EVENT)
        help_wall, help_cpu = seconds([*cblcast, "--help"], folder)
        probe = f"import sys, cblcast.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
        loaded = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout
        subprocess.run(
            [*cblcast, "train", "study.yaml", "--register", "first", "--alias", "champion"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        meter = ROOT / "data" / "samples" / "turin.parquet"
        score = [*cblcast, "score", "--model", "models:/first@champion", "--data", str(meter), "--events", "events.csv"]
        score_wall, score_cpu = seconds(score, folder)
    source = "benchmarks/first_steps/run.py"
    score_text = "score of one event of one site in a fresh process"
    heavy = ast.literal_eval(loaded)
    results = [
        claim("cblcast --help, wall", source, help_wall, "s", at_most(0.3), digits=3),
        claim("cblcast --help, CPU", source, help_cpu, "s", at_most(0.3), digits=3),
        claim("heavy modules loaded by cblcast --help", source, len(heavy), "modules", at_most(0), loaded=heavy),
        claim(f"{score_text}, wall", source, score_wall, "s", at_most(3)),
        claim(f"{score_text}, CPU", source, score_cpu, "s", at_most(3)),
    ]
    write(HERE / "results.json", results)
    for item in results:
        verdict = "holds " if item["holds"] else "MISSED"
        print(f"{item['measured']!s:>8} {item['unit']:8} {asked(item):12} {verdict} {item['claim']}")


if __name__ == "__main__":
    main()
