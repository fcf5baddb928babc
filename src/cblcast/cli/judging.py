"""Commands that judge: which rule a site may be settled by, and what stands out in its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.crew import ALONE, Crew, failures_of, tell_failures
from cblcast.cli.options import PARTIAL, AsJson, Data, Events, Reader
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, print_table, progress, records

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.scaling import Outcome

app = typer.Typer()

Rules = Annotated[
    list[str], typer.Option("--program", help="A rule by name, or a path to your own .yaml; repeat for several.")
]


@dataclass(frozen=True)
class Hours:
    """Local clock of the hours that are judged."""

    start: Annotated[str, typer.Option(help='Local clock of the hours that are judged, e.g. "17:00".')]
    stop: Annotated[str, typer.Option(help='And their end, e.g. "20:00".')]


@dataclass(frozen=True)
class Choice:
    """By what rules are chosen, and with what they are compared."""

    gate: Annotated[str | None, typer.Option(help="pjm, aemo, kpx or rte_forecast (default: each program's own).")] = (
        None
    )
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
    _show(found if as_json else _named(found, choice), as_json)


def _named(found: dict[str, pd.DataFrame], choice: Choice) -> dict[str, pd.DataFrame]:
    """The tables with their spans in the headers: which days each error was found on."""
    shown = dict(found)
    chosen = "all days" if choice.choose is None else f"{choice.choose[0]} to {choice.choose[1]}"
    shown[f"rules, judged on {chosen}"] = shown.pop("rules")
    if "recommendation" in shown and choice.judge is not None:
        table = shown.pop("recommendation")
        judged = f"{choice.judge[0]} to {choice.judge[1]}"
        names = {
            "selected_rrmse_pct": "RRMSE when chosen\n%",
            "rrmse_pct": "RRMSE when judged\n%",
            "best_rule_rrmse_pct": "best rule in hindsight\n%",
            "learned_rrmse_pct": "learned, when judged\n%",
        }
        title = f"recommendation: chosen on {chosen}, judged on {judged}"
        shown[title] = table.rename(columns=names)
    return shown


@app.command()
@unbundled
def integrity(
    data: Data,
    events: Events,
    program: Annotated[str, typer.Option(help="The rule whose baseline may be gamed.")],
    reader: Reader = DEFAULT_OPTIONS,
    crew: Crew = ALONE,
    as_json: AsJson = False,
) -> None:
    """What stands out in events against ordinary days, and in sites over their events; adjusted and unadjusted side by side."""
    outcome = None
    with progress(as_json, 1, "screening") as steps:
        if crew.over_store(data):
            from cblcast.workflow.over_stores import integrity_store

            found, zones, outcome = integrity_store(data, events, program, reader, crew.working(steps))
            tell_failures(outcome)
        else:
            from cblcast.workflow.settling import integrity_files

            found, zones = integrity_files(data, events, program, reader)
    if not as_json:
        found = _only_flagged(found)
    _show(found, as_json, zones, outcome)
    if outcome is not None and outcome.partial:
        raise typer.Exit(PARTIAL)


def _only_flagged(found: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with the flagged rows alone, and in their names of how many."""
    shown = {}
    for name, table in found.items():
        if "flagged" not in table.columns:
            shown[name] = table
            continue
        keys = [key for key in ("site_id", "start") if key in table.columns]
        flagged = table[table["flagged"]]
        whole, some = (len(each[keys].drop_duplicates()) for each in (table, flagged))
        what = {"events": "events", "over_events": "sites over their events"}[name]
        shown[f"{some} of {whole} {what} flagged"] = flagged
    return shown


def _show(
    tables: dict[str, pd.DataFrame],
    as_json: bool,
    zones: Mapping[str, str] | None = None,
    outcome: Outcome | None = None,
) -> None:
    if as_json:
        print_json({name: records(table) for name, table in tables.items()} | failures_of(outcome))
        return
    for name, table in tables.items():
        if table.empty:
            typer.echo(f"{name.replace('_', ' ')}\n")
        else:
            print_table(table, name.replace("_", " "), zones=zones)
