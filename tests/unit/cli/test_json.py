"""`--json` is one object for every command: each takes it, none prints a list, and the page on it names them all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cblcast.cli import app, guarded

PAGE = Path(__file__).parents[3] / "docs" / "errors.md"


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


ALL = dict(commands(get_command(app)))


@pytest.mark.parametrize("name", ALL)
def test_every_command_takes_it(name):
    assert any("--json" in parameter.opts for parameter in ALL[name].params)


def test_the_page_says_what_each_answers():
    assert re.findall(r"^\| `([a-z -]+)` \|", PAGE.read_text().partition("What a command answers")[2], re.M) == list(
        ALL
    )


@pytest.mark.parametrize(
    ("line", "key"),
    [("data list", "datasets"), ("methods", "methods"), ("programs list", "programs"), ("data describe turin", "name")],
)
def test_what_is_listed_is_an_object_too(line, key):
    document = json.loads(CliRunner().invoke(app, [*line.split(), "--json"]).output)
    assert document[key]


@pytest.mark.parametrize("name", ALL)
def test_a_wrong_line_is_one_object(name, capsys):
    line = [*name.split(), "--no-such-option", "--json"]
    assert guarded(line, lambda rest: get_command(app).main(args=rest, standalone_mode=False)) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["error"]["kind"] == "usage"
    assert told["error"]["exit_code"] == 2
