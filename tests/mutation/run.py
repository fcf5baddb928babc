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
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from forks import NO_TESTS, PASSED, ROOT, Finder, forked
from mutants import Mutant, mutants

HERE = Path(__file__).resolve().parent
SOURCE, TESTS = ROOT / "src", ROOT / "tests"
TARGET_SHARE, TARGET_SECONDS = 90.0, 60.0
SLOWEST = 10.0  # a change hangs, and is noticed, when its tests run longer than so many times all of them unchanged


@dataclass(frozen=True)
class Trial:
    """What became of the changes of one module.

    Attributes
    ----------
    module : Path
    tried : int
        How many changes.
    survivors : tuple of str
        A line each: file, line, function, change.
    equivalent : int
        How many of the survivors no test can notice.
    """

    module: Path
    tried: int
    survivors: tuple[str, ...]
    equivalent: int

    @property
    def noticed(self) -> int:
        """How many changes a test noticed."""
        return self.tried - len(self.survivors)


def ends_in(path: Path, end: str) -> bool:
    """Whether a path ends in `end`, by whole names."""
    return f"/{path.as_posix()}".endswith(f"/{end}")


def find(folder: Path, end: str) -> Path:
    """The one file under `folder` whose path ends in `end`: modules and tests may move without a change of the table."""
    found = [path for path in sorted(folder.rglob(Path(end).name)) if ends_in(path, end)]
    if len(found) != 1:
        sys.exit(f"modules.toml: {len(found)} files under {folder.name}/ end in {end!r}: name exactly one")
    return found[0]


def dotted(module: Path) -> str:
    """``src/cblcast/value/contract.py`` as ``cblcast.value.contract``."""
    return ".".join(module.relative_to(SOURCE).with_suffix("").parts)


def warm(tests: Sequence[Path]) -> float:
    """Run unchanged tests once, then import here what they imported of other libraries; their processor seconds."""
    learnt = HERE / ".imported"
    code, seconds = forked([tests], None, 600.0, learnt)
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


class Equivalents:
    """Changes that no test can notice, as :file:`equivalent.toml` lists them, and which of them were met."""

    def __init__(self, reasons: Sequence[dict[str, list[list[str | int]]]]) -> None:
        # End of the path, function, change, and which of several equal changes in that function, from 1.
        self.listed = [(*entry, 1)[:4] for reason in reasons for entry in reason["changes"]]
        self.met: Counter[tuple[str | int, ...]] = Counter()

    def hold(self, module: Path, change: Mutant, number: int) -> bool:
        """Whether a change, the `number`-th of its kind in its function, is one of them."""
        own = (change.where, change.change, number)
        found = [entry for entry in self.listed if ends_in(module, str(entry[0])) and entry[1:] == own]
        self.met.update(found)
        return bool(found)

    def stale(self, modules: Iterable[Path]) -> list[str]:
        """Entries of these modules that met no change: the code is not what it was."""
        return [
            "  ".join(map(str, entry))
            for entry in self.listed
            if entry not in self.met and any(ends_in(module, str(entry[0])) for module in modules)
        ]


def numbered(changes: Iterable[Mutant]) -> list[tuple[Mutant, int]]:
    """Each change, and which of the equal ones in its function it is."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for change in changes:
        seen[change.where, change.change] += 1
        found.append((change, seen[change.where, change.change]))
    return found


def try_module(
    module: Path, tests: Sequence[Sequence[Path]], equivalents: Equivalents, wanted: argparse.Namespace, limit: float
) -> Trial:
    """Try the changes of one module, or a random share of them; survivors are told as they come."""
    code, _ = forked(tests[:1], None, limit)
    if code != PASSED:
        sys.exit(f"the tests of {dotted(module)} do not pass unchanged (exit code {code}): mend them first")
    every = numbered(sorted(mutants(module.read_text(encoding="utf-8")), key=lambda each: each.line))
    if wanted.share < 1:
        chooser = random.Random(f"{wanted.seed} {module.name}")
        kept = sorted(chooser.sample(range(len(every)), max(1, round(wanted.share * len(every)))))
        every = [every[k] for k in kept]
    lines, n_equivalent = [], 0
    for change, number in every:
        listed = equivalents.hold(module, change, number)
        if not listed or wanted.every_one:
            code, _ = forked(tests, Finder(dotted(module), module, change.tree), limit)
            if code == NO_TESTS:
                sys.exit(f"no test ran for {dotted(module)}: mend modules.toml")
            if code != PASSED:
                if listed:
                    print(f"    equivalent.toml is wrong: {module.name}  {change.where}  {change.change}", flush=True)
                continue
        n_equivalent += listed
        line = f"{module.relative_to(SOURCE).as_posix()}:{change.line}  {change.where}  {change.change}"
        lines.append(line + ("  [no test can notice]" if listed else ""))
        print(f"    {lines[-1]}", flush=True)
    print(f"{module.name:20} {len(every) - len(lines):4} of {len(every):4} noticed", flush=True)
    return Trial(module, len(every), tuple(lines), n_equivalent)


def claims(trials: Sequence[Trial], seconds: float, everything: bool) -> list[dict[str, object]]:
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
    equivalent = sum(trial.equivalent for trial in trials)
    reported = [("changes", tried), ("survivors that no test can notice (equivalent.toml)", equivalent)]
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
    parser.add_argument("--every-one", action="store_true", help="try the changes of equivalent.toml too")
    return parser.parse_args()


def chosen_jobs(chosen: Sequence[str]) -> dict[Path, list[list[Path]]]:
    """The modules to try, each with the files of its own tests and of the shared ones."""
    table = tomllib.loads((HERE / "modules.toml").read_text(encoding="utf-8"))
    unknown = [end for end in chosen if end not in table["modules"]]
    if unknown:
        sys.exit(f"no module of the table is named {unknown[0]!r}: known are {', '.join(table['modules'])}")
    return {
        find(SOURCE, end): [[find(TESTS, test) for test in group] for group in (own, table["shared"])]
        for end, own in table["modules"].items()
        if not chosen or end in chosen
    }


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
    equivalents = Equivalents(tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8"))["reason"])
    whole = warm(list(dict.fromkeys(test for groups in jobs.values() for group in groups for test in group)))
    print(f"all tests unchanged: {whole:.1f} processor seconds", flush=True)
    trials = [try_module(module, tests, equivalents, wanted, SLOWEST * whole) for module, tests in jobs.items()]
    told = claims(trials, whole, wanted.share == 1)
    for claim in told[:2]:
        print(f"{claim['claim']}: {claim['measured']} {claim['unit']} (target {claim['target']})")
    if wanted.share == 1:
        for line in equivalents.stale(jobs):
            print(f"equivalent.toml lists what is no change any more: {line}")
    if wanted.share == 1 and not wanted.modules:
        (HERE / "results.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        lines = [line for trial in trials for line in trial.survivors]
        (HERE / "survivors.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
