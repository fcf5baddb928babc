"""Modules of the user's own, named by ``--plugin`` anywhere on the line and loaded before the command is read."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cblcast.errors import DataError, StudyError

PLUGIN = "--plugin"


def load_named_plugins(arguments: Sequence[str]) -> list[str]:
    """Import what ``--plugin MODULE`` and ``--plugin=MODULE`` name; the arguments without them.

    Raises
    ------
    StudyError
        A plugin without a name, or one that cannot be imported.
    """
    named, rest = split_plugins(arguments)
    if named:
        here = os.getcwd()
        if here not in sys.path:  # a module beside where the command is run, as `python -m` finds it
            sys.path.insert(0, here)
        load_plugins(named)
    return rest


def split_plugins(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The modules that are named, and the arguments without them."""
    named: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument == PLUGIN:
            named.append(next(waiting, ""))
        elif argument.startswith(f"{PLUGIN}="):
            named.append(argument.removeprefix(f"{PLUGIN}="))
        else:
            rest.append(argument)
    if any(not name or name.startswith("-") for name in named):
        raise StudyError("--plugin needs the name of a module: write --plugin my_module")
    return named, rest


def load_plugins(modules: Sequence[str], load: Callable[[str], Any] = importlib.import_module) -> None:
    """Import the modules that a user names by ``--plugin``, so that they register their parts.

    A study file cannot name them: reading somebody's study must not run somebody's code.
    """
    for module in modules:
        path = module.endswith(".py") or "/" in module or "\\" in module or module.startswith(".")
        if path:
            raise StudyError(f"the plugin {module!r} is no name of a module: write my_module, without folder and .py")
        try:
            load(module)
        except ImportError as error:
            raise StudyError(
                f"the plugin {module!r} cannot be imported ({error}): name a module that Python finds "
                "(installed, or beside where the command is run)"
            ) from error
        except (DataError, StudyError):
            raise
        except (Exception, SystemExit) as error:
            raise StudyError(
                f"the plugin {module!r} breaks while it is imported ({type(error).__name__}: {error}"
                f"{_line_of(error, module)}): mend it"
            ) from error


def _line_of(error: BaseException, module: str) -> str:
    """Where in `module` an import broke, empty where that is not known."""
    parts = tuple(module.split("."))
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        stem = (file.parent if file.stem == "__init__" else file.with_suffix("")).parts
        if stem[-len(parts) :] == parts:
            return f", line {frame.lineno}"
    return ""
