"""Commands of the rules: a list of them, one in words with an event worked through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.circumstances import NOTHING_ELSE, Circumstances
from cblcast.cli.given import refuse_beside_record
from cblcast.cli.options import AsJson, Reader
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, print_table, progress

app = typer.Typer(no_args_is_help=True, help="Baseline rules of demand-response programs.")


@app.command("list")
def programs_list(
    operator: Annotated[str | None, typer.Option(help="Only of this operator, e.g. PJM.")] = None,
    country: Annotated[str | None, typer.Option(help="Only of this country, ISO 3166, e.g. US.")] = None,
    certainty: Annotated[str | None, typer.Option(help="Only rules as sure as this: V, S, M or own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every rule of the catalogue, and how sure it is."""
    from cblcast.workflow.listing import memory_words, programs_table

    rows = programs_table(operator, country, certainty)
    if as_json:
        print_json({"programs": rows})
        return
    import pandas as pd

    print_table(
        pd.DataFrame(rows).drop(columns="from_memory"),
        "Programs (V seen in an operator's document, S stated by others, M from memory: the weakest part)",
    )
    typer.echo(memory_words(rows))


@dataclass(frozen=True)
class OneEvent:
    """The event that is worked through."""

    record: Annotated[
        Path | None,
        typer.Option(help="The record of a settlement, one event of which is worked through as it was settled."),
    ] = None
    events: Annotated[
        Path | None, typer.Option(help="The events of a settlement, of which one is worked through as it is settled.")
    ] = None
    site: Annotated[str | None, typer.Option(help="One site of the file (default: the first).")] = None
    start: Annotated[
        str | None, typer.Option(help="Start of the event with its offset; with --events: which of them.")
    ] = None
    stop: Annotated[str | None, typer.Option(help="Stop of the event with its offset.")] = None


@app.command("explain")
@unbundled
def programs_explain(
    name: Annotated[str, typer.Argument(help="A rule by name, or a path to your own .yaml.")],
    data: Annotated[Path | None, typer.Option(help="Meter file (default: a bundled building).")] = None,
    event: OneEvent = OneEvent(),
    circumstances: Circumstances = NOTHING_ELSE,
    reader: Reader = DEFAULT_OPTIONS,
    as_json: AsJson = False,
) -> None:
    """A rule in words, and one event worked through by hand."""
    told: dict[str, Any]
    with progress(as_json, 1, "explaining"):
        from cblcast.workflow.explaining import explained_program

        if event.record is not None:
            refuse_beside_record("--record", {"record", "site", "start"}, event, circumstances, reader)
            from cblcast.workflow.record_explained import explain_record

            told = {"name": name, "worked": explain_record(event.record, name, data, event.site, event.start)}
        else:
            told = explained_program(
                name, data, event.site, event.start, event.stop, reader, events=event.events, **circumstances.terms()
            )
    if as_json:
        print_json(told)
        return
    typer.echo("\n\n".join(told[part] for part in ("words", "worked") if part in told))
