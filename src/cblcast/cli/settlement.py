"""Commands of settlement: settle events, look at rules, judge eligibility and integrity."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.options import PARTIAL, AsJson, Data, Events, Reader
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, print_table, progress, records

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer()
programs_app = typer.Typer(no_args_is_help=True, help="Baseline rules of demand-response programs.")

Rules = Annotated[
    list[str], typer.Option("--program", help="A rule by name, or a path to your own .yaml; repeat for several.")
]


@dataclass(frozen=True)
class Terms:
    """What settled energy is worth, and how sure it is."""

    contract: Annotated[Path | None, typer.Option(help="YAML with the terms of payment.")] = None
    prices: Annotated[
        Path | None, typer.Option(help="CSV of time and price_per_kwh, for a contract priced by a series.")
    ] = None
    coverage: Annotated[
        float | None, typer.Option(help="Nominal coverage of intervals, e.g. 0.9.", min=0.5, max=0.99)
    ] = None
    calibration: Annotated[
        str,
        typer.Option(
            help="Days without events that intervals come from: event_like (earlier days like the event in weather, season "
            "and load) or ordinary (all days around the events alike)."
        ),
    ] = "event_like"
    bias_correction: Annotated[
        bool, typer.Option("--bias-correction", help="Take the rule's expected error on such days off the baseline.")
    ] = False


@dataclass(frozen=True)
class Outputs:
    """Where a settlement goes, and in how many processes it is made."""

    out: Annotated[Path | None, typer.Option(help="Where the settled events go, .csv or .parquet.")] = None
    html: Annotated[Path | None, typer.Option(help="Where a page with all of it goes.")] = None
    processes: Annotated[
        int | None, typer.Option(help="Settle a large Parquet file some sites at a time, in so many processes.", min=1)
    ] = None


@app.command()
@unbundled
def settle(
    data: Data,
    events: Events,
    program: Rules,
    terms: Terms = Terms(),
    outputs: Outputs = Outputs(),
    reader: Reader = DEFAULT_OPTIONS,
    as_json: AsJson = False,
) -> None:
    """What events were worth, by one or several rules; exit code 3 when some could not be settled."""
    from cblcast.workflow.settling import settle_files

    with progress(as_json, 1, "settling"):
        told = settle_files(data, events, program, reader, **asdict(terms), **asdict(outputs))
    if as_json:
        print_json(
            {
                "events": records(told.events),
                "portfolio": records(told.portfolio),
                "problems": records(told.problems),
                "partial": told.partial,
            }
        )
    else:
        shown = [
            "program",
            "site_id",
            "start",
            "metered_kwh",
            "baseline_kwh",
            "delivered_kwh",
            "lower_kwh",
            "upper_kwh",
            "payment",
        ]
        print_table(
            told.events[[column for column in shown if column in told.events.columns]].head(24),
            f"Settled events{' (first 24)' if len(told.events) > 24 else ''}",
        )
        for path in (outputs.out, outputs.html):
            if path is not None:
                typer.secho(f"written: {path}", fg="green")
    for row in told.problems.itertuples():
        by = f" by {row.program}" if row.program else ""
        typer.secho(f"Not settled{by}: site {row.site_id!r} at {row.start}: {row.reason}", fg="yellow", err=True)
    if told.partial:
        raise typer.Exit(PARTIAL)


@programs_app.command("list")
def programs_list(as_json: AsJson = False) -> None:
    """Every rule of the catalogue, and how sure it is."""
    from cblcast.programs import list_programs

    rows = [
        {
            "name": program.name,
            "title": program.title,
            "family": program.family,
            "certainty": program.confidence,
            "official": program.official,
        }
        for program in list_programs()
    ]
    if as_json:
        print_json(rows)
        return
    import pandas as pd

    print_table(
        pd.DataFrame(rows),
        "Programs (V seen in an operator's document, S stated by others, M from memory: the weakest part)",
    )


@dataclass(frozen=True)
class OneEvent:
    """The event that is worked through."""

    site: Annotated[str | None, typer.Option(help="One site of the file (default: the first).")] = None
    start: Annotated[str | None, typer.Option(help="Start of the event with its offset.")] = None
    stop: Annotated[str | None, typer.Option(help="Stop of the event with its offset.")] = None


@programs_app.command("explain")
@unbundled
def programs_explain(
    name: Annotated[str, typer.Argument(help="A rule by name, or a path to your own .yaml.")],
    data: Annotated[Path | None, typer.Option(help="Meter file (default: a bundled building).")] = None,
    event: OneEvent = OneEvent(),
    reader: Reader = DEFAULT_OPTIONS,
) -> None:
    """A rule in words, and one event worked through by hand."""
    from cblcast.workflow.explaining import explain_program

    typer.echo(explain_program(name, data, event.site, event.start, event.stop, reader))


@dataclass(frozen=True)
class Hours:
    """Local clock of the hours that are judged."""

    start: Annotated[str, typer.Option(help='Local clock of the hours that are judged, e.g. "17:00".')]
    stop: Annotated[str, typer.Option(help='And their end, e.g. "20:00".')]


@dataclass(frozen=True)
class Choice:
    """By what rules are chosen, and with what they are compared."""

    gate: Annotated[str | None, typer.Option(help="pjm, aemo or kpx (default: each program's own).")] = None
    choose: Annotated[
        tuple[str, str] | None, typer.Option(help="First and last date of the days that rules are chosen by.")
    ] = None
    judge: Annotated[
        tuple[str, str] | None, typer.Option(help="First and last date of later days that judge the choice.")
    ] = None
    learned: Annotated[
        list[str] | None,
        typer.Option(help="A learned method to compare with, e.g. LearnedBaseline; repeat for several."),
    ] = None
    train: Annotated[
        tuple[str, str] | None, typer.Option(help="First and last date of the earlier days that it is trained on.")
    ] = None


@app.command()
@unbundled
def eligibility(
    data: Data,
    program: Rules,
    hours: Hours,
    choice: Choice = Choice(),
    reader: Reader = DEFAULT_OPTIONS,
    as_json: AsJson = False,
) -> None:
    """Is there enough data, which rules are accurate enough, and which one to take."""
    from cblcast.workflow.settling import eligibility_files

    with progress(as_json, 1, "judging"):
        found = eligibility_files(data, program, hours.start, hours.stop, reader, **asdict(choice))
    _show(found, as_json)


@app.command()
@unbundled
def integrity(
    data: Data,
    events: Events,
    program: Annotated[str, typer.Option(help="The rule whose baseline may be gamed.")],
    reader: Reader = DEFAULT_OPTIONS,
    as_json: AsJson = False,
) -> None:
    """What stands out in events against ordinary days; adjusted and unadjusted side by side."""
    from cblcast.workflow.settling import integrity_files

    with progress(as_json, 1, "screening"):
        found = integrity_files(data, events, program, reader)
    if not as_json:
        found["events"] = found["events"][found["events"]["flagged"]]
    _show(found, as_json)


def _show(tables: dict[str, pd.DataFrame], as_json: bool) -> None:
    if as_json:
        print_json({name: records(table) for name, table in tables.items()})
        return
    for name, table in tables.items():
        print_table(table, name.replace("_", " "))
