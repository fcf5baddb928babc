"""How long a newcomer waits: ``cblcast --help``, a leaderboard of four rules, a registered model, and its first score.

``python benchmarks/first_steps/run.py`` needs cblcast installed; it writes ``results.json`` beside this file. Times are of whole
processes, the median of five after one warm-up; CPU seconds stand beside wall seconds, because machines are shared.
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

from claims import Record, asked, at_most, claim, write

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STUDY = """
study: first_steps
data: {dataset: turin}
events: {start: "17:00", stop: "20:00"}
train: [2019-02-01, 2019-08-31]
test: [2019-09-01, 2019-12-31]
methods: [High5of10, Nearest5of10, PBLM-High5of10, PBLM-Nearest5of10]
"""
# What learns, beside a rule: each is fitted as often as cblcast.workflow.studies.train_study says.
LEARNERS = """[High5of10, {estimator: Ridge}, {name: PBLM-Ridge, estimator: Adjusted, of: {estimator: Ridge}}]"""
EVENT = "site_id,start,stop\n*,2019-11-06T17:00+01:00,2019-11-06T20:00+01:00\n"
SOURCE = "benchmarks/first_steps/run.py"
HEAVY = ("pandas", "numpy", "scipy", "sklearn", "mlflow", "torch", "lightgbm", "optuna", "matplotlib", "pydantic")


def seconds(command: list[str], folder: Path, runs: int = 5, warm: bool = True) -> tuple[float, float]:
    """Least wall and CPU seconds of a process, after one run more that warms the file cache."""
    walls, cpus = [], []
    for number in range(runs + warm):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if number or not warm:
            walls.append(wall)
            cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(walls), statistics.median(cpus)


# CPU seconds of the methods of a study alone: their features, training and prediction.
METHODS = """
import time
from cblcast.config import read_study
from cblcast.workflow.studies import judge, load_panel, prepare
study = read_study("study.yaml")
ready = prepare(study, load_panel(study))
began = time.process_time()
judge(ready)
print(time.process_time() - began)
"""
# How often a class is fitted by train --register, for each method that has it, and the CPU seconds of fitting and choosing.
FITS = """
import sys, time
from cblcast.cli import main
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.rules.rule import Rule
from cblcast.workflow import studies
count, spent = {Ridge: 0, Rule: 0}, {"judge": 0.0, "choose_method": 0.0}
def counted(kind, fit):
    def wrapped(self, *args, **options):
        count[kind] += 1
        return fit(self, *args, **options)
    return wrapped
def timed(name, function):
    def wrapped(*args, **options):
        began = time.process_time()
        try:
            return function(*args, **options)
        finally:
            spent[name] += time.process_time() - began
    return wrapped
for kind in count:
    kind.fit = counted(kind, kind.fit)
for name in spent:
    setattr(studies, name, timed(name, getattr(studies, name)))
main()
print(count[Ridge] / 2, count[Rule], spent["judge"], spent["choose_method"], file=sys.stderr)
"""


def told(command: list[str], folder: Path) -> list[float]:
    """The numbers in the last line of standard output, or of the error stream where a command prints there."""
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return [float(part) for part in (done.stderr.strip() or done.stdout.strip()).splitlines()[-1].split()]


def first_time(command: list[str], folder: Path, runs: int = 3) -> float:
    """Least CPU seconds of a process that has to make its store."""
    return statistics.median(
        seconds(command, Path(tempfile.mkdtemp(dir=folder)), runs=1, warm=False)[1] for _ in range(runs)
    )


def leaderboard(cblcast: list[str], folder: Path) -> list[Record]:
    """What `evaluate` of four rules costs, and how much of it is not the methods' own."""
    study = str(folder / "study.yaml")
    _, whole = seconds([*cblcast, "evaluate", study], folder)
    methods = statistics.median(told([sys.executable, "-c", METHODS], folder)[0] for _ in range(5))
    text = "evaluate of four rules of the Turin building, CPU"
    return [
        claim(f"{text}, outside the methods", SOURCE, whole - methods, "s", at_most(3), whole_s=round(whole, 2)),
        claim(
            f"{text}, when it has to make its store, whole",
            SOURCE,
            first_time([*cblcast, "evaluate", study], folder),
            "s",
        ),
    ]


def registration(folder: Path) -> list[Record]:
    """How often `train --register` trains, by whether the user names the method."""
    learners = [
        "train",
        "study.yaml",
        "--set",
        f"methods={LEARNERS}",
        "--set",
        "features={calendar: {}, reference_days: {}}",
    ]
    command = [sys.executable, "-c", FITS, *learners, "--register", "learned"]
    named, *_ = told([*command, "--method", "Ridge"], folder)
    chosen, rules, training, choosing = told(command, folder)
    text = "trainings of a method that learns by train --register"
    return [
        claim(f"{text}, method named", SOURCE, named, "trainings", at_most(1)),
        claim(f"{text}, method chosen among several", SOURCE, chosen, "trainings", at_most(1)),
        claim("trainings of a rule by train --register", SOURCE, int(rules), "trainings", at_most(0)),
        claim("CPU of choosing over CPU of training and judging, train --register", SOURCE, choosing / training, "1"),
    ]


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
        judged = leaderboard(cblcast, folder)
        train = [*cblcast, "train", "study.yaml", "--register", "first", "--alias", "champion"]
        _, train_cpu = seconds(train, folder)
        meter = ROOT / "data" / "samples" / "turin.parquet"
        score = [*cblcast, "score", "--model", "models:/first@champion", "--data", str(meter), "--events", "events.csv"]
        score_wall, score_cpu = seconds(score, folder)
        registered = registration(folder)
    score_text = "score of one event of one site in a fresh process"
    heavy = ast.literal_eval(loaded)
    results = [
        claim("cblcast --help, wall", SOURCE, help_wall, "s", at_most(0.3), digits=3),
        claim("cblcast --help, CPU", SOURCE, help_cpu, "s", at_most(0.3), digits=3),
        claim("heavy modules loaded by cblcast --help", SOURCE, len(heavy), "modules", at_most(0), loaded=heavy),
        *judged,
        claim("train --register of four rules of the Turin building, CPU, whole", SOURCE, train_cpu, "s"),
        *registered,
        claim(f"{score_text}, wall", SOURCE, score_wall, "s", at_most(2)),
        claim(f"{score_text}, CPU", SOURCE, score_cpu, "s", at_most(2)),
    ]
    write(HERE / "results.json", results)
    for item in results:
        verdict = {True: "holds ", False: "MISSED", None: ""}[item["holds"]]
        print(f"{item['measured']!s:>8} {item['unit']:10} {asked(item):12} {verdict:6} {item['claim']}")


if __name__ == "__main__":
    main()
