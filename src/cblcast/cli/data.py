"""Commands on data: what comes along, and checks of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.options import AsJson, Reader, ReaderOfAnyLayout
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, print_table, progress, records

app = typer.Typer(no_args_is_help=True, help="Data sets that come with cblcast, and checks of your own.")


@app.command("list")
def data_list(as_json: AsJson = False) -> None:
    """Data sets that are known, and whether they are at hand."""
    from cblcast import datasets

    rows = [
        {
            "name": item.name,
            "title": item.title,
            "at_hand": item.available,
            "bundled": item.bundled,
            "licence": item.licence,
        }
        for item in datasets.list_datasets()
    ]
    if as_json:
        print_json({"datasets": rows})
        return
    import pandas as pd

    print_table(pd.DataFrame(rows), "Data sets")


@app.command("describe")
def data_describe(name: Annotated[str, typer.Argument(help="Name of a data set.")], as_json: AsJson = False) -> None:
    """Span, step, gaps, licence and credit of a data set."""
    from cblcast import datasets

    facts = datasets.describe(name)
    if as_json:
        print_json(facts)
        return
    particulars = facts.pop("particulars")
    for key, value in facts.items():
        typer.echo(f"{key:14s} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    for sentence in particulars:
        typer.echo(f"- {sentence}")


@dataclass(frozen=True)
class Wind:
    """Weather that tells the lag of the file's clock."""

    nwp: Annotated[
        Path | None, typer.Option(help="Weather with time and a wind speed: finds the lag of the file's clock.")
    ] = None
    speed: Annotated[str | None, typer.Option(help="Wind speed column of the file, in m/s.")] = None
    nwp_speed: Annotated[str | None, typer.Option(help="Wind speed column of the weather, in m/s.")] = None


@app.command("check")
@unbundled
def data_check(
    path: Annotated[Path, typer.Argument(help="Meter or SCADA file.")],
    reader: Reader = DEFAULT_OPTIONS,
    wind: Wind = Wind(),
    as_json: AsJson = False,
) -> None:
    """Gaps, zeros, flat runs and spikes of a file, and whether its clock is right."""
    from dataclasses import asdict

    from cblcast.workflow.checking import check_file

    with progress(as_json, 1, "checking"):
        report = check_file(path, reader, nwp=wind.nwp, speed=wind.speed, nwp_speed=wind.nwp_speed)
    found = None if report.clock is None else asdict(report.clock)
    if as_json:
        print_json(
            {"read": list(report.read.records()), "quality": records(report.quality.reset_index()), "clock": found}
        )
        return
    typer.echo(report.read.line)
    for note in report.read.notes:
        typer.secho(f"{note.kind.value}: {note.text}", fg="yellow" if note.kind.warned else None)
    if len(report.quality) == 1:
        zone = next(iter(report.zones.values()))
        for key, value in report.quality.iloc[0].items():
            if hasattr(value, "tz_convert"):
                value = f"{value.tz_convert(zone):%Y-%m-%d %H:%M} {zone}"
            typer.echo(f"{key:16s} {value:.2f}" if isinstance(value, float) else f"{key:16s} {value}")
    else:
        print_table(report.quality.reset_index(), str(path), zones=report.zones)
    if found is not None:
        lags = f"lag {found['lag_winter_min']:.0f} min in winter, {found['lag_summer_min']:.0f} min in summer"
        typer.echo(f"clock: {lags}; {found['message']}")


@app.command("convert")
@unbundled
def data_convert(
    meters: Annotated[
        list[Path], typer.Argument(help="Meter files of any format, or stores (folders of Parquet, sql:TABLE).")
    ],
    out: Annotated[Path, typer.Option(help="The new store: .parquet for one file, else a folder.")],
    layout: Annotated[
        str, typer.Option(help="long, days (a row for each site and day) or wide (a column for each site).")
    ] = "days",
    rows_per_group: Annotated[
        int | None, typer.Option(min=1, help="Rows of a row group, at most: what is read at once, and skipped at once.")
    ] = None,
    reader: ReaderOfAnyLayout = DEFAULT_OPTIONS,
    as_json: AsJson = False,
) -> None:
    """Write meter data as a store in another layout, sorted by site, in parts that fit into memory."""
    from dataclasses import asdict

    from cblcast.workflow.converting import convert

    with progress(as_json, 1, "converting") as steps:
        made = convert(meters, out, layout, options=reader, rows_per_group=rows_per_group, progress=steps)
    if as_json:
        notes = [{"kind": note.kind.value, "what": note.text, "count": note.count} for note in made.notes]
        print_json({**asdict(made), "notes": notes})
        return
    typer.echo(
        f"{made.sites} sites, {made.readings:,} readings at {made.step_min:g} min as {made.layout}: {made.rows:,} rows in "
        f"{made.files} files of {out}"
    )
    for note in made.notes:
        typer.secho(f"{note.kind.value}: {note.text}", fg="yellow" if note.kind.warned else None)
