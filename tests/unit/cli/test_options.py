"""Commands ask little themselves: what they share is declared once and travels as one object."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from cblcast.cli import app
from cblcast.cli.bundles import unbundled
from cblcast.cli.options import READER, Reader, column_names
from cblcast.errors import StudyError
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions

READS_A_METER = ("init", "score", "evaluate", "settle", "eligibility", "integrity", "data check", "programs explain")


def commands(of: typer.Typer, before: str = "") -> Iterator[tuple[str, typer.models.CommandInfo]]:
    for command in of.registered_commands:
        yield f"{before}{command.name or command.callback.__name__.replace('_', '-')}", command
    for group in of.registered_groups:
        yield from commands(group.typer_instance, before + (f"{group.name} " if isinstance(group.name, str) else ""))


COMMANDS = dict(commands(app))


def asked(name: str) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(COMMANDS[name].callback).parameters)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_has_more_than_seven_parameters_of_its_own(name: str) -> None:
    callback = COMMANDS[name].callback
    own = inspect.signature(getattr(callback, "command", callback)).parameters
    assert len(own) <= 7, f"{name} asks for {len(own)} things itself: let those that belong together travel together"


@pytest.mark.parametrize("name", READS_A_METER)
def test_every_command_that_reads_a_meter_asks_the_same(name: str) -> None:
    parameters = asked(name)
    for field, annotation in READER.items():
        assert parameters[field].annotation is annotation, f"{name} asks for {field} in its own way"
        assert parameters[field].default == getattr(DEFAULT_OPTIONS, field)


def test_every_reader_option_can_be_given_on_the_command_line() -> None:
    assert {field.name for field in fields(ReaderOptions)} == set(READER) | {"segment", "kinds"}


def test_square_brackets_would_vanish_from_help() -> None:
    for name in COMMANDS:
        for parameter in asked(name).values():
            told = getattr(parameter.annotation, "__metadata__", (typer.Option(help=""),))[0].help or ""
            assert "[" not in told, f"{name} --{parameter.name}"


@pytest.mark.parametrize(
    ("pairs", "names"),
    [
        ([], None),
        (["When=time"], {"When": "time"}),
        (["When=time,Load=observed_kw", "T=temp_air_c"], {"When": "time", "Load": "observed_kw", "T": "temp_air_c"}),
        (["Energy, total=observed_kw,When = time"], {"Energy, total": "observed_kw", "When": "time"}),
    ],
)
def test_column_names(pairs: list[str], names: dict[str, str] | None) -> None:
    assert column_names(pairs) == names


@pytest.mark.parametrize("pair", ["When", "=time", "When=", "When=my time"])
def test_a_column_without_a_name_of_ours_is_told(pair: str) -> None:
    with pytest.raises(StudyError, match="write THEIRS=ours"):
        column_names([pair])


@dataclass(frozen=True)
class Both:
    left: Annotated[int, typer.Option(help="The left one.")]
    right: Annotated[int, typer.Option(help="The right one.")] = 2


def test_a_bundle_is_asked_one_by_one_and_handed_over_whole() -> None:
    seen = []
    small = typer.Typer()

    @small.command()
    @unbundled
    def do(file: Annotated[Path, typer.Argument()], both: Both, reader: Reader = DEFAULT_OPTIONS) -> None:
        """What it does."""
        seen.append((file, both, reader))

    run = CliRunner().invoke(small, ["a.csv", "--left", "1", "--tz", "UTC", "--columns", "T=time"])
    assert run.exit_code == 0, run.output
    assert seen == [(Path("a.csv"), Both(1, 2), ReaderOptions(tz="UTC", columns={"T": "time"}))]
    shown = CliRunner().invoke(small, ["--help"]).output
    assert "The right one." in shown
    assert "What it does." in shown
    assert CliRunner().invoke(small, ["a.csv"]).exit_code == 2  # --left has no default


def test_an_unknown_reader_option_is_answered_with_the_nearest() -> None:
    with pytest.raises(StudyError, match="did you mean 'columns'"):
        DEFAULT_OPTIONS.but(column={})
    assert DEFAULT_OPTIONS.but(tz="UTC").given == {"tz": "UTC"}


def test_an_option_without_a_default_is_required_and_shows_none() -> None:
    told = CliRunner().invoke(app, ["control-group", "--help"]).output
    assert "MISSING" not in told
    assert "required" in told
    assert "_empty" not in CliRunner().invoke(app, ["methods", "--json"]).output
