"""The command line: parses, calls the workflow, prints. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys

import typer

from cblcast.cli import data, scoring, settlement, starting, studies

app = typer.Typer(
    name="cblcast",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Customer baselines for demand response and wind power nowcasts.",
)
for part in (starting.app, studies.app, scoring.app, settlement.app):
    app.add_typer(part)
app.add_typer(data.app, name="data")
app.add_typer(settlement.programs_app, name="programs")


def main() -> None:
    """Entry point of the console script: bad input is one sentence and exit code 2."""
    from cblcast.errors import DataError, StudyError

    try:
        code = app(standalone_mode=False)  # a command that ends by typer.Exit returns its code here
    except (DataError, StudyError) as error:
        typer.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(2)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:  # click's usage errors bring their own text and code; everything else goes on up
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        sys.exit(getattr(error, "exit_code", 2))
    if isinstance(code, int) and code:
        sys.exit(code)
