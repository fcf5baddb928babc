"""Change the core by a slip at a time and see whether a test notices: ``python tests/mutation/run.py``.

Each change is tried in a forked process that has the large libraries already, imports the changed module instead of the
one on disk (no file is touched) and runs the tests that mirror it and the shared ones, until the first that fails.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.machinery
import importlib.util
import json
import os
import random
import signal
import sys
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutants import Mutant, mutants

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCE, TESTS = ROOT / "src", ROOT / "tests"
PASSED, FAILED, NO_TESTS = 0, 1, 5
TARGET_SHARE, TARGET_SECONDS = 90.0, 60.0
SLOWEST = 10.0  # a change that makes the tests run so many times as long hangs, and is noticed


@dataclass(frozen=True)
class Trial:
    """One module, the files of its tests, and what became of its changes."""

    module: Path
    tests: tuple[Path, ...]
    seconds: float
    noticed: int
    survivors: tuple[Mutant, ...]

    @property
    def tried(self) -> int:
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


class ChangedModule(importlib.machinery.SourceFileLoader):
    """Loads a module from a changed tree instead of its file."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        super().__init__(name, str(path))
        self.changed = tree

    def get_code(self, fullname: str):  # type: ignore[no-untyped-def]
        return compile(self.changed, self.path, "exec")


class Finder:
    """Finds one module in its changed form, before anything else looks for it."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, name: str, path: object = None, target: object = None):  # type: ignore[no-untyped-def]
        if name != self.name:
            return None
        loader = ChangedModule(name, self.path, self.tree)
        return importlib.util.spec_from_file_location(name, self.path, loader=loader)


def run_tests(tests: Sequence[Path], change: Finder | None, learnt: Path | None = None) -> int:
    """Run test files in this process, until the first failure; its exit code is pytest's."""
    import pytest

    if change is not None:
        sys.meta_path.insert(0, change)
    silence = os.open(os.devnull, os.O_WRONLY)
    if learnt is None:
        os.dup2(silence, 1)
        os.dup2(silence, 2)
    quick = ["-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-p", "no:benchmark", "-p", "no:xdist"]
    quick += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # the parent has imported pytest's plugins already
    code = int(pytest.main([*quick, f"--rootdir={ROOT}", *(str(test) for test in tests)]))
    if learnt is not None:
        own = ("cblcast", "tests", "test_", "conftest", "mutants", "__")
        learnt.write_text("\n".join(name for name in sys.modules if not name.startswith(own)))
    return code


def forked(tests: Sequence[Path], change: Finder | None, limit: float, learnt: Path | None = None) -> tuple[int, float]:
    """As :func:`run_tests` in a child of its own: exit code and processor seconds; killed after `limit` seconds."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.setsid()
        code = FAILED
        try:
            code = run_tests(tests, change, learnt)
        finally:
            os._exit(code)
    started = time.monotonic()
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() - started > limit:
            os.killpg(child, signal.SIGKILL)
            _, status, usage = os.wait4(child, 0)
            break
        time.sleep(0.02)
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


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


def try_module(module: Path, tests: tuple[Path, ...], seconds: float, share: float, seed: int) -> Trial:
    """Try the changes of one module, or a random `share` of them."""
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
    return Trial(module, tests, seconds, len(every) - len(survivors), tuple(survivors))


def is_equivalent(change: Mutant, module: Path, known: Iterable[dict[str, str]]) -> bool:
    """Whether a survivor is listed as one that no test can notice."""
    return any(
        module.as_posix().endswith(f"/{each['module']}")
        and change.where == each["where"]
        and change.change == each["change"]
        for each in known
    )


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="ends of module paths, e.g. cases.py; all of the table if none")
    parser.add_argument("--share", type=float, default=1.0, help="random share of the changes of each module (1: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the random share")
    chosen = parser.parse_args()
    if not hasattr(os, "fork"):
        sys.exit("the trial forks processes, which this system cannot: run it on Linux or macOS")
    os.environ |= {"CI": "true", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # CI: hypothesis repeats itself
    sys.path.insert(0, str(SOURCE))
    sys.dont_write_bytecode = False
    table = tomllib.loads((HERE / "modules.toml").read_text(encoding="utf-8"))
    known = tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8")).get("survivor", [])
    shared = [find(TESTS, end) for end in table["shared"]]
    jobs = {
        find(SOURCE, end): tuple(dict.fromkeys([*(find(TESTS, each) for each in own), *shared]))
        for end, own in table["modules"].items()
        if not chosen.modules or end in chosen.modules
    }
    if not jobs:
        sys.exit(f"no module of the table is named {chosen.modules}: known are {', '.join(table['modules'])}")
    whole = warm(list(dict.fromkeys(test for tests in jobs.values() for test in tests)))
    print(f"all tests unchanged: {whole:.1f} processor seconds", flush=True)
    trials, survivors, equivalent = [], [], 0
    for module, tests in jobs.items():
        code, own = forked(tests, None, 600.0)
        if code != PASSED:
            sys.exit(f"the tests of {dotted(module)} do not pass unchanged in a warm process (exit code {code})")
        trial = try_module(module, tests, own, chosen.share, chosen.seed)
        trials.append(trial)
        print(f"{trial.module.name:20} {trial.noticed:4} of {trial.tried:4} noticed ({own:.1f} s)", flush=True)
        for change in trial.survivors:
            same = is_equivalent(change, module, known)
            equivalent += same
            end = module.relative_to(SOURCE).as_posix()
            survivors.append(f"{end}:{change.line}  {change.where}  {change.change}{'  [equivalent]' if same else ''}")
            print(f"    {survivors[-1]}", flush=True)
    told = claims(trials, equivalent, whole, chosen.share == 1)
    for claim in told[:2]:
        print(f"{claim['claim']}: {claim['measured']} {claim['unit']} (target {claim['target']})")
    if chosen.share == 1 and not chosen.modules:
        (HERE / "results.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (HERE / "survivors.txt").write_text("\n".join(survivors) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
