"""The command of settlement: settle events, verify a record, settle it again with revised readings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cblcast.cli.alike import tell_alike
from cblcast.cli.bundles import unbundled
from cblcast.cli.circumstances import NOTHING_ELSE, Circumstances
from cblcast.cli.crew import ALONE, Crew
from cblcast.cli.given import refuse_beside_record
from cblcast.cli.options import PARTIAL, AsJson, Decimals, FullPrecision, Reader
from cblcast.errors import StudyError
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, print_table, progress, records

if TYPE_CHECKING:
    from cblcast.settlement import Settlement

app = typer.Typer()


@dataclass(frozen=True)
class Terms:
    """What settled energy is worth, to whom, and how sure it is."""

    contract: Annotated[Path | None, typer.Option(help="YAML with the terms of payment.")] = None
    prices: Annotated[
        Path | None, typer.Option(help="CSV of time and price_per_kwh, for a contract priced by a series.")
    ] = None
    resources: Annotated[
        Path | None, typer.Option(help="CSV of site_id, resource, from, until: who is paid together, on which days.")
    ] = None
    commitments: Annotated[
        Path | None, typer.Option(help="CSV of resource, month, committed_kw: commitments or nominations.")
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
    """Where a settlement goes."""

    out: Annotated[Path | None, typer.Option(help="Where the settled events go, .csv or .parquet.")] = None
    html: Annotated[Path | None, typer.Option(help="Where a page with all of it goes.")] = None
    template: Annotated[
        str | None,
        typer.Option(help="Columns of --out: performance, hourly, invoice, or your own .yaml of theirs → ours."),
    ] = None
    record: Annotated[
        Path | None, typer.Option(help="Where the record goes (default: beside --out or --html, .record.json).")
    ] = None
    no_record: Annotated[
        bool,
        typer.Option("--no-record", help="Write --out alone: many sites are settled faster, none can be verified."),
    ] = False
    decimals: Decimals = 3
    full_precision: FullPrecision = False


@dataclass(frozen=True)
class Case:
    """What is settled: events by rules, or what a record says of them once more."""

    data: Annotated[
        Path | None,
        typer.Option(help="Meter file (CSV, Parquet, Green Button XML, NEM12), a folder of Parquet, or sql:TABLE."),
    ] = None
    events: Annotated[
        Path | None, typer.Option(help="Events: CSV of site_id, start, stop with offset, or OpenADR 3 JSON.")
    ] = None
    program: Annotated[
        list[str] | None,
        typer.Option("--program", help="A rule by name, or a path to your own .yaml; repeat for several."),
    ] = None
    verify: Annotated[
        Path | None, typer.Option(help="A record: settle it again, and say whether the result is the same.")
    ] = None
    resettle: Annotated[
        Path | None,
        typer.Option(help="A record: settle it again with revised --data, and tell the difference by line."),
    ] = None


@app.command()
@unbundled
def settle(
    case: Case = Case(),
    terms: Terms = Terms(),
    circumstances: Circumstances = NOTHING_ELSE,
    outputs: Outputs = Outputs(),
    crew: Crew = ALONE,
    reader: Reader = DEFAULT_OPTIONS,
    as_json: AsJson = False,
) -> None:
    """What events were worth, by one or several rules; exit code 3 when some could not be settled, or a record differs."""
    if case.verify is not None or case.resettle is not None:
        question = "--verify" if case.resettle is None else "--resettle"
        kept = {"verify", "resettle", "data", "workers", "processes", "scheduler"} | (
            set() if case.resettle is None else {"out", "record", "decimals", "full_precision"}
        )
        refuse_beside_record(question, kept, case, terms, circumstances, reader, outputs, crew)
        _again(case, outputs, crew, as_json)
        return
    data, events, programs = (_given(getattr(case, name), name) for name in ("data", "events", "program"))
    from cblcast.workflow.workers import loading_workers

    with loading_workers(crew.processes_at_once) as pool, progress(as_json, 1, "settling") as steps:
        from cblcast.workflow.settling import Destinations, Papers, settle_files

        papers = Papers(terms.contract, terms.prices, terms.resources, terms.commitments)
        places = None if outputs.full_precision else outputs.decimals
        to = Destinations(outputs.out, outputs.html, outputs.record, outputs.template, places, not outputs.no_record)
        told = settle_files(
            data,
            events,
            programs,
            reader,
            papers,
            to,
            coverage=terms.coverage,
            calibration=terms.calibration,
            bias_correction=terms.bias_correction,
            working=crew.working(steps, pool),
            **circumstances.terms(),
        )
    if as_json:
        print_json(
            {
                "events": records(told.events),
                "portfolio": records(told.portfolio),
                "resources": records(told.resources),
                "problems": records(told.problems),
                "partial": told.partial,
            }
        )
    else:
        _show_settlement(told)
        for path in (outputs.out, outputs.html, to.record_path):
            if path is not None:
                typer.secho(f"written: {path}", fg="green")
    if not as_json:  # a machine has them in the document
        tell_alike(told.problems, ("program", "reason"), _not_settled, fg="yellow")
    if told.partial:
        raise typer.Exit(PARTIAL)


def _not_settled(row: Any, others: str) -> str:
    by = f" by {row.program}" if row.program else ""
    which = f": site {row.site_id!r}" if row.site_id else ""
    at = f" at {row.start}" if row.start == row.start else ""  # NaT where nobody knows whose events they are
    return f"Not settled{by}{which}{at}{others}: {row.reason}"


def _given(value: Any, name: str) -> Any:
    if not value:
        raise StudyError(
            f"--{name} is missing: give --data, --events and --program, or a record (--verify, --resettle)"
        )
    return value


MOST = 24  # rows that are printed
SHOWN = [
    "program",
    "resource",
    "site_id",
    "start",
    "metered_kwh",
    "baseline_kwh",
    "delivered_kwh",
    "lower_kwh",
    "upper_kwh",
    "bias_kwh",
    "limits_from",
    "payment",
    "certainty",
]


def _show_settlement(told: Settlement) -> None:
    """The events of each rule with their totals, resources, and what rests on memory."""
    table = told.events[[column for column in SHOWN if column in told.events.columns]]
    payment = f"payment\n{told.currency or ''}".rstrip()
    for program, own in table.groupby("program", sort=False):
        totals: dict[str, Any] = {"site_id": f"all {len(own)} events" if len(own) > 1 else "1 event"}
        totals |= {name: float(own[name].sum()) for name in ("metered_kwh", "baseline_kwh", "delivered_kwh")}
        if "payment" in own.columns:
            totals["payment"] = own["payment"].sum()
        lean = [name for name in own.columns if own[name].isna().all() or (own[name] == "").all()]
        print_table(
            own.drop(columns=["program", *lean]).head(MOST).rename(columns={"payment": payment}),
            f"{program}: settled events{f' (first {MOST} of {len(own)})' if len(own) > MOST else ''}",
            zones=told.zones,
            totals=totals,
            keep=["site_id", "start", "delivered_kwh", "payment"],
        )
    if len(told.resources):
        shown = ["program", "resource", "start", "n_sites", "committed_kw", "settled_kwh", "performance", "payment"]
        print_table(
            told.resources[shown].head(MOST).rename(columns={"payment": payment}),
            "Resources",
            zones=told.zones,
            keep=["resource", "start", "payment"],
            totals={"resource": "all", "settled_kwh": float(told.resources["settled_kwh"].sum()),
                    "payment": told.resources["payment"].sum()} if len(set(told.resources["program"])) == 1 else None,
        )  # fmt: skip
    for name, own in told.events[told.events["from_memory"] != ""].groupby("program", sort=False):
        parts = own["from_memory"].iloc[0]
        typer.secho(f"{name} rests on memory in part, confirmed by no document: {parts}", fg="yellow", err=True)


def _again(case: Case, outputs: Outputs, crew: Crew, as_json: bool) -> None:
    """Settle a record again: the same, or the difference line by line."""
    from cblcast.workflow.recording import MOST_TOLD, settle_again, verified
    from cblcast.workflow.resettling import resettled_files

    if case.verify is not None and case.resettle is not None:
        raise StudyError("--verify and --resettle are two questions: ask one at a time")
    if case.verify is not None:
        with progress(as_json, 1, "settling again") as steps:
            again = settle_again(case.verify, case.data, crew.working(steps))
        found = verified(again)
        if as_json:
            print_json({"same": not found, "differences": found})
        elif not found:
            typer.secho(f"The same: {len(again.record['lines'])} lines of {case.verify.name}, to the cent.", fg="green")
        for words in [] if as_json else found[:MOST_TOLD]:
            typer.echo(words)
        if len(found) > MOST_TOLD and not as_json:
            typer.echo(f"and {len(found) - MOST_TOLD} more differences")
        if found:
            raise typer.Exit(PARTIAL)
        return
    with progress(as_json, 1, "settling again") as steps:
        places = None if outputs.full_precision else outputs.decimals
        again, lines, total = resettled_files(
            case.resettle, case.data, outputs.out, outputs.record, crew.working(steps), places
        )
    if as_json:
        print_json({"changed_sites": again.changed, "lines": records(lines), "total": total})
        return
    moved = lines[lines["what"] != "same"]
    print_table(
        moved.head(24), f"Changed lines: {len(moved)} of {len(lines)}{', the first 24' if len(moved) > 24 else ''}"
    )
    typer.echo(f"Sites with revised readings: {len(again.changed)}. {total}")
