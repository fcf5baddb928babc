"""The command of control groups."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.options import AsJson, Data, Decimals, FullPrecision, Reader
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, print_table, progress, records

app = typer.Typer()


@dataclass(frozen=True)
class Before:
    """The days before the program, at the hours of its events."""

    start: Annotated[str, typer.Option(help='Local clock of the events, e.g. "17:00".')]
    stop: Annotated[str, typer.Option(help='And their end, e.g. "20:00".')]
    first: Annotated[str, typer.Option(help="First local date of the days before the program.")]
    last: Annotated[str, typer.Option(help="And the last.")]


@dataclass(frozen=True)
class Assignment:
    """Who is treated and who is not."""

    groups: Annotated[
        Path | None,
        typer.Option(
            help="CSV of site_id and group, treated or control; without controls each treated site is matched to one."
        ),
    ] = None
    treated_share: Annotated[float | None, typer.Option(help="Instead: draw so large a share at random, e.g. 0.5.")] = (
        None
    )
    strata: Annotated[int, typer.Option(help="Strata of like size that the draw keeps the share in.", min=1)] = 4
    seed: Annotated[int, typer.Option(help="Of the draw.", min=0)] = 0
    n_events: Annotated[int, typer.Option(help="Events over which an effect is to be shown.", min=1)] = 10
    out: Annotated[Path | None, typer.Option(help="Where the groups go, .csv or .parquet.")] = None


@app.command("control-group")
@unbundled
def control_group(
    data: Data,
    before: Before,
    assignment: Assignment = Assignment(),
    reader: Reader = DEFAULT_OPTIONS,
    decimals: Decimals = 3,
    full_precision: FullPrecision = False,
    as_json: AsJson = False,
) -> None:
    """Draw or match a control group; its balance, its bias before the program, and the effects it can show."""
    from cblcast.eligibility.control_groups import PrePeriod
    from cblcast.workflow.control_groups import control_group_files

    with progress(as_json, 1, "comparing"):
        places = None if full_precision else decimals
        period = PrePeriod(**asdict(before))
        found = control_group_files(data, period, reader, **asdict(assignment), decimals=places)
    if as_json:
        print_json({name: records(table) for name, table in found.items()})
        return
    for name, table in found.items():
        print_table(table, name.replace("_", " "))
