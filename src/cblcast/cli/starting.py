"""The command that drafts a first study."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.options import AsJson, Reader
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, progress

app = typer.Typer()


@app.command()
@unbundled
def init(
    meter: Annotated[Path, typer.Argument(help="Meter file: CSV, Excel, Parquet, Green Button XML or NEM12.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the study goes (default: the file's name .yaml, here).")
    ] = None,
    reader: Reader = DEFAULT_OPTIONS,
    as_json: AsJson = False,
) -> None:
    """Read a meter file, say what was understood, and write a study that runs, with comments."""
    from cblcast.errors import StudyError
    from cblcast.workflow.outputs import check_outputs, text_writer, write_all
    from cblcast.workflow.starting import draft_study

    study = out or Path(f"{meter.name.partition('.')[0]}.yaml")
    check_outputs({"--out": study}, {"METER": meter, **reader.files})
    if study.exists():
        raise StudyError(f"{study} is there already, and is left as it is: name another with --out")
    ask = None if as_json or not sys.stdin.isatty() else lambda question, guess: str(typer.prompt(question, guess))
    with progress(as_json, 1, "reading"):
        draft = draft_study(meter, study, reader, ask)
        write_all({study: text_writer(draft.text)})
    if as_json:
        print_json({"study": str(study), "read": list(draft.report.records()), "guesses": list(draft.guesses)})
        return
    typer.echo(draft.report.line)
    for note in draft.report.notes:
        typer.secho(f"{note.kind.value}: {note.text}", fg="yellow" if note.kind.warned else None)
    for guess in draft.guesses:
        typer.secho(f"guessed: {guess}: check it in {study}", fg="yellow")
    typer.secho(f"written: {study}; next: cblcast evaluate {study}", fg="green")
