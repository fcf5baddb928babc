"""Change the core by a slip at a time and see whether a test notices: ``python tests/mutation/run.py``.

Each change is tried in a forked process that has the large libraries already, imports the changed module instead of the
one on disk (no file is touched) and runs the tests that mirror it and the shared ones, until the first that fails.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from forks import NO_TESTS, PASSED, ROOT, Finder, forked
from mutants import Mutant, mutants

HERE = Path(__file__).resolve().parent
SOURCE, TESTS = ROOT / "src", ROOT / "tests"
TARGET_SHARE, TARGET_SECONDS = 90.0, 60.0
SLOWEST = 10.0  # a change that makes the tests run so many times as long hangs, and is noticed


@dataclass(frozen=True)
class Trial:
    """What became of the changes of one module."""

    module: Path
    noticed: int
    survivors: tuple[Mutant, ...]

    @property
    def tried(self) -> int:
        """How many changes were tried."""
        return self.noticed + len(self.survivors)


def find(folder: Path, end: str) -> Path:
    """The one file under `folder` whose path ends in `end`: modules and tests may move without a change of the table."""
    found = [path for path in sorted(folder.rglob(Path(end).name)) if path.as_posix().endswith(f"/{end}")]
    if len(found) != 1:
        sys.exit(f"modules.toml: {len(found)} files under {folder.name}/ end in {end!r}: name exactly one")
    return found[0]


def dotted(module: Path) -> str:
    """``src/cblcast/value/contract.py`` as ``cblcast.value.contract``."""
    return ".".join(module.relative_to(SOURCE).with_suffix("").parts)


def warm(tests: Sequence[Path]) -> float:
    """Run unchanged tests once, then import here what they imported of other libraries; their processor seconds."""
    learnt = HERE / ".imported"
    code, seconds = forked(tests, None, 600.0, learnt)
    if code != PASSED:
        sys.exit(f"the tests do not pass unchanged (exit code {code}): mend them first")
    names = learnt.read_text().split("\n")
    learnt.unlink()
    for name in names:
        if name not in sys.modules:
            try:
                importlib.import_module(name)
            except Exception:  # noqa: BLE001 - only a head start; whoever needs it imports it again
                continue
    return seconds


def try_module(module: Path, tests: tuple[Path, ...], share: float, seed: int) -> Trial:
    """Try the changes of one module, or a random `share` of them."""
    code, seconds = forked(tests, None, 600.0)
    if code != PASSED:
        sys.exit(f"the tests of {dotted(module)} do not pass unchanged (exit code {code}): mend them first")
    every = sorted(mutants(module.read_text(encoding="utf-8")), key=lambda each: each.line)
    if share < 1:
        chooser = random.Random(f"{seed} {module.name}")
        kept = sorted(chooser.sample(range(len(every)), max(1, round(share * len(every)))))
        every = [every[k] for k in kept]
    survivors = []
    for change in every:
        finder = Finder(dotted(module), module, change.tree)
        code, _ = forked(tests, finder, SLOWEST + SLOWEST * seconds)
        if code == NO_TESTS:
            sys.exit(f"no test ran for {dotted(module)}: mend modules.toml")
        if code == PASSED:
            survivors.append(change)
    return Trial(module, len(every) - len(survivors), tuple(survivors))


@dataclass
class Equivalents:
    """Survivors that no test can notice, as :file:`equivalent.toml` lists them, and which of them were met."""

    listed: list[dict[str, str]]
    met: set[int] = field(default_factory=set)

    def hold(self, module: Path, change: Mutant) -> bool:
        """Whether a survivor is one of them."""
        found = [
            number
            for number, each in enumerate(self.listed)
            if f"/{module.as_posix()}".endswith(f"/{each['module']}")
            and (change.where, change.change) == (each["where"], each["change"])
        ]
        self.met.update(found)
        return bool(found)

    def stale(self, modules: Iterable[Path]) -> list[str]:
        """Entries of these modules that met no survivor: the code has changed, or a test notices them by now."""
        return [
            f"{each['module']}  {each['where']}  {each['change']}"
            for number, each in enumerate(self.listed)
            if number not in self.met and any(f"/{path.as_posix()}".endswith(f"/{each['module']}") for path in modules)
        ]


def claims(trials: Sequence[Trial], equivalent: int, seconds: float, everything: bool) -> list[dict[str, object]]:
    """What was measured, in the agreed form."""
    noticed, tried = sum(trial.noticed for trial in trials), sum(trial.tried for trial in trials)
    share = 100 * noticed / tried
    source = "issue 8, item 0"
    scope = "every change" if everything else "a random part of the changes"
    told: list[dict[str, object]] = [
        {
            "claim": f"share of changes noticed ({scope}; survivors that no test can notice count as missed)",
            "source": source,
            "target": TARGET_SHARE,
            "measured": round(share, 1),
            "unit": "%",
            "holds": share >= TARGET_SHARE,
        },
        {
            "claim": "processor seconds of all these tests in one run, unchanged, imports included",
            "source": source,
            "target": TARGET_SECONDS,
            "measured": round(seconds, 1),
            "unit": "s",
            "holds": seconds <= TARGET_SECONDS,
        },
    ]
    reported = [("changes tried", tried), ("survivors that no test can notice (equivalent.toml)", equivalent)]
    told += [
        {"claim": claim, "source": source, "target": None, "measured": count, "unit": "changes", "holds": None}
        for claim, count in reported
    ]
    told += [
        {
            "claim": f"share noticed, {trial.module.name} ({trial.noticed} of {trial.tried})",
            "source": source,
            "target": None,
            "measured": round(100 * trial.noticed / trial.tried, 1),
            "unit": "%",
            "holds": None,
        }
        for trial in trials
    ]
    return told


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="ends of module paths, e.g. cases.py; all of the table if none")
    parser.add_argument("--share", type=float, default=1.0, help="random share of the changes of each module (1: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the random share")
    return parser.parse_args()


def chosen_jobs(chosen: Sequence[str]) -> dict[Path, tuple[Path, ...]]:
    """The modules to try, each with the files of its tests."""
    table = tomllib.loads((HERE / "modules.toml").read_text(encoding="utf-8"))
    unknown = [end for end in chosen if end not in table["modules"]]
    if unknown:
        sys.exit(f"no module of the table is named {unknown[0]!r}: known are {', '.join(table['modules'])}")
    return {
        find(SOURCE, end): tuple(dict.fromkeys(find(TESTS, test) for test in [*own, *table["shared"]]))
        for end, own in table["modules"].items()
        if not chosen or end in chosen
    }


def told_survivors(trial: Trial, equivalents: Equivalents) -> list[str]:
    """One line a survivor."""
    end = trial.module.relative_to(SOURCE).as_posix()
    return [
        f"{end}:{change.line}  {change.where}  {change.change}"
        + ("  [no test can notice]" if equivalents.hold(trial.module, change) else "")
        for change in trial.survivors
    ]


def main() -> None:
    wanted = options()
    if not hasattr(os, "fork"):
        sys.exit("the trial forks processes, which this system cannot: run it on Linux or macOS")
    # CI: hypothesis tries the same examples each time.
    os.environ |= {
        "CI": "true",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    sys.path.insert(0, str(SOURCE))
    jobs = chosen_jobs(wanted.modules)
    equivalents = Equivalents(tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8")).get("survivor", []))
    whole = warm(list(dict.fromkeys(test for tests in jobs.values() for test in tests)))
    print(f"all tests unchanged: {whole:.1f} processor seconds", flush=True)
    trials, survivors = [], []
    for module, tests in jobs.items():
        trials.append(try_module(module, tests, wanted.share, wanted.seed))
        lines = told_survivors(trials[-1], equivalents)
        print(f"{module.name:20} {trials[-1].noticed:4} of {trials[-1].tried:4} noticed", flush=True)
        print("".join(f"    {line}\n" for line in lines), end="", flush=True)
        survivors += lines
    told = claims(trials, sum(line.endswith("notice]") for line in survivors), whole, wanted.share == 1)
    for claim in told[:2]:
        print(f"{claim['claim']}: {claim['measured']} {claim['unit']} (target {claim['target']})")
    if wanted.share == 1:
        print("".join(f"equivalent.toml: no survivor is  {line}\n" for line in equivalents.stale(jobs)), end="")
    if wanted.share == 1 and not wanted.modules:
        (HERE / "results.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (HERE / "survivors.txt").write_text("\n".join(survivors) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
