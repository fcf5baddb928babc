"""Help is shown as it is written: rich takes what stands in square brackets for markup, and would swallow it."""

from __future__ import annotations

import re
from typing import Any

_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")


def show_brackets(command: Any) -> Any:
    """`command`, its parameters and those below it, with brackets in their help escaped; the same command.

    Parameters
    ----------
    command : click command
        As typer makes it.
    """
    for one in (command, *getattr(command, "params", ())):
        for name in ("help", "short_help", "epilog"):
            text = getattr(one, name, None)
            if isinstance(text, str) and "[" in text:
                from rich.markup import escape

                setattr(one, name, escape(text))
    for below in getattr(command, "commands", {}).values():
        show_brackets(below)
    return command


def plain_words(text: str) -> str:
    """A line of a docstring without its markup: the name alone of what it refers to."""
    return _ROLE.sub(r"\1", text).replace("``", "")
