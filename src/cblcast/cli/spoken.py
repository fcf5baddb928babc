"""What a sentence says to a Python user, said to one of the command line: options and keys instead of arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cblcast.cli.options import READER

OF_STUDIES = frozenset(
    {"train", "evaluate", "tune"}
)  # they read a meter by the keys of a study, unless --data is given
_TEXT = r"'[^']*'|\"[^\"]*\""
_NAME = rf"\b(?P<name>{'|'.join(READER)})"
_ARGUMENT = re.compile(rf"{_NAME}=(?P<value>{_TEXT}|True)")
_COLUMN = re.compile(rf"\bcolumns=\{{(?P<theirs>{_TEXT}): '(?P<ours>[^']*)'\}}")
_SAID_TWICE = re.compile(rf"({_NAME}=(?:{_TEXT}|True|\{{[^{{}}]*\}})); --[\w-]+ (?:'[^']*'|[^\s;,)]+)")
_PLAIN = re.compile(r"['\"]([\w/+-]+)['\"]")


def spoken(sentence: str, arguments: Sequence[str]) -> str:
    """``on_duplicates='mean'`` as ``--on-duplicates mean``, or ``on_duplicates: mean`` where a study is read.

    Parameters
    ----------
    sentence : str
    arguments : sequence of str
        The command line.
    """
    by_study = bool(OF_STUDIES & set(arguments[:1])) and not any(one.partition("=")[0] == "--data" for one in arguments)

    def column(found: re.Match[str]) -> str:
        theirs, ours = found["theirs"], found["ours"]
        return f"columns: {{{theirs}: {ours}}}" if by_study else f"--columns '{theirs[1:-1]}={ours}'"

    def argument(found: re.Match[str]) -> str:
        name, value = found["name"], _PLAIN.sub(r"\1", found["value"])
        if by_study:
            return f"{name}: {'true' if value == 'True' else value}"
        return f"--{name.replace('_', '-')}" + ("" if value == "True" else f" {value}")

    return _ARGUMENT.sub(argument, _COLUMN.sub(column, _SAID_TWICE.sub(r"\1", sentence)))
