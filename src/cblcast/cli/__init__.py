"""The command line: parses, calls the workflow, prints. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any

import typer
from typer.main import get_command

import cblcast
from cblcast.cli import (
    control_group,
    data,
    judging,
    programs,
    reporting,
    scoring,
    settlement,
    starting,
    studies,
    valuing,
    worlds,
)
from cblcast.cli.boundary import DEBUG, guarded
from cblcast.cli.plain_help import show_brackets
from cblcast.cli.plugins import PLUGIN, load_named_plugins

app = typer.Typer(
    name="cblcast",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Customer baselines for demand response and wind power nowcasts.",
)
for part in (
    starting.app,
    reporting.app,
    studies.app,
    scoring.app,
    settlement.app,
    judging.app,
    control_group.app,
    worlds.app,
    valuing.app,
):
    app.add_typer(part)
app.add_typer(data.app, name="data")
app.add_typer(programs.app, name="programs")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cblcast {cblcast.__version__}")
        raise typer.Exit


@app.callback()
def about_all_commands(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    plugin: Annotated[
        list[str],
        typer.Option(
            PLUGIN,
            help="Import a module of your own, which registers estimators, builders, rules or readers; may be repeated, "
            "and stand anywhere on the line.",
        ),
    ] = [],  # noqa: B006
    debug: Annotated[
        bool,
        typer.Option(
            DEBUG, help="Show the whole of what ended a command, for a report; may stand anywhere on the line."
        ),
    ] = False,
) -> None:
    """Options of every command; `main` has dealt with them before a command is looked for."""


def main() -> None:
    """Entry point of the console script; how it ends: :mod:`cblcast.cli.boundary`."""
    code = guarded(sys.argv[1:], _run)
    if code:
        sys.exit(code)


def _run(arguments: list[str]) -> object:
    rest = load_named_plugins(arguments)
    with _rare_collections():
        return _command().main(args=rest, prog_name="cblcast", standalone_mode=False)


@cache
def _command() -> Any:
    """All commands, made of their functions' signatures once: who calls :func:`main` again in one process waits no more."""
    return show_brackets(get_command(app))


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage less often while a command runs, and not at all when the process ends.

    pandas, scikit-learn and MLflow make half a million objects that all stay. Looking through all of them again and
    again while they load, and three times more before they are thrown away, is a quarter of what a short command costs.
    Young objects are still looked through every 2,000, so that no command piles up large frames that nobody holds.
    """
    usual = gc.get_threshold()
    gc.set_threshold(2_000, 20, 100)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
