"""Modules of the user's own, named by ``--plugin`` anywhere on the line and loaded before the command is read."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cblcast.errors import StudyError

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
        from cblcast.registry import load_plugins

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
