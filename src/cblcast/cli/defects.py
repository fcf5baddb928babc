"""A fault of cblcast, told shortly: what failed, where, with which versions and command, and how to see all of it."""

from __future__ import annotations

import platform
import shlex
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cblcast
from cblcast.cli.sentences import LONGEST, Told, masked, one_line

FAULT = 1
_HOME = Path(cblcast.__file__).parent


@dataclass(frozen=True)
class Defect:
    """A fault: the sentence, and the lines below it for whoever reports it."""

    told: Told
    lines: tuple[str, ...]


def defect_of(error: BaseException, arguments: Sequence[str]) -> Defect:
    """The report of an exception that no input should cause.

    Parameters
    ----------
    error : exception
    arguments : sequence of str
        The command line without the program's name; credentials in its addresses are masked.
    """
    what = masked(one_line(f"{type(error).__name__}: {error}"))[:LONGEST].rstrip(": ")
    facts = {
        "where": _place(error),
        "version": cblcast.__version__,
        "python": platform.python_version(),
        "command": masked(" ".join(["cblcast", *map(shlex.quote, arguments)])),
    }
    lines = (
        f"  where    {facts['where']}",
        f"  version  cblcast {facts['version']}, Python {facts['python']}, {platform.system()} {platform.machine()}",
        f"  command  {facts['command']}",
        "To see all of it, run the command again with --debug (or CBLCAST_DEBUG=1); please report it with these lines.",
    )
    return Defect(Told("defect", f"a fault of cblcast, not of your input: {what}", FAULT, facts), lines)


def _place(error: BaseException) -> str:
    """Where in cblcast it happened: the innermost of its own frames."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if _HOME in file.parents:
            return f"cblcast/{file.relative_to(_HOME).as_posix()}, line {frame.lineno}, in {frame.name}"
    return "outside cblcast's own code"
