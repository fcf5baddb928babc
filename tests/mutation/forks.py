"""Run tests against a changed module in a process of their own, which touches no file."""

from __future__ import annotations

import ast
import gc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PASSED, FAILED, NO_TESTS = 0, 1, 5  # as pytest's exit codes


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


def run_tests(groups: Sequence[Sequence[Path]], change: Finder | None, learnt: Path | None = None) -> int:
    """Run groups of test files in this process, until the first failure; its exit code is pytest's."""
    import pytest

    if change is not None:
        sys.meta_path.insert(0, change)
    silence = os.open(os.devnull, os.O_WRONLY)
    if learnt is None:
        os.dup2(silence, 1)
        os.dup2(silence, 2)
    quick = ["-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-p", "no:benchmark", "-p", "no:xdist"]
    quick += ["--assert=plain"]  # nobody reads why a test failed
    for tests in groups:  # pytest imports all files of a group before it runs the first
        code = int(pytest.main([*quick, f"--rootdir={ROOT}", *map(str, tests)]))
        if code != PASSED:
            break
    if learnt is not None:
        own = ("cblcast", "tests", "test_", "conftest", "mutants", "__")
        learnt.write_text("\n".join(name for name in sys.modules if not name.startswith(own)))
    return code


def forked(
    groups: Sequence[Sequence[Path]], change: Finder | None, limit: float, learnt: Path | None = None
) -> tuple[int, float]:
    """As :func:`run_tests` in a child of its own: exit code and processor seconds; killed after `limit` seconds."""
    sys.stdout.flush()
    gc.freeze()  # what the parent holds need not be searched for garbage by every child
    child = os.fork()
    if child == 0:
        os.setsid()
        code = FAILED
        try:
            code = run_tests(groups, change, learnt)
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
