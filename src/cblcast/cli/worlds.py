"""Commands on worlds: simulate any of them, size a microgrid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cblcast.cli.options import AsJson, Store, changes_of
from cblcast.terminal import print_json, print_table, progress, records

app = typer.Typer()
Out = Annotated[Path | None, typer.Option(help="Folder for tables (CSV), figures (PNG) and summary.json.")]


@app.command()
def simulate(
    world: Annotated[Path, typer.Argument(help="World, a YAML file with the key world:.")],
    change: Annotated[
        list[str], typer.Option("--set", help="key=value: replace a value of the file; may be repeated.")
    ] = [],  # noqa: B006
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a world whose truth is known, as its file describes it."""
    from cblcast.workflow.worlds import check_folder, simulate_world, write_result

    if out is not None:
        check_folder(out)
    with progress(as_json, 1, "simulating"):
        result = simulate_world(world, changes_of(change, "design.vehicles=100"))
        written = write_result(result, out) if out is not None else []
    if as_json:
        print_json({**result.summary, "notes": list(result.notes), "files": [str(path) for path in written]})
        return
    for key, value in result.summary.items():
        typer.echo(f"{key:32s} {value:.2f}" if isinstance(value, float) else f"{key:32s} {value}")
    for note in result.notes:
        typer.secho(f"Note: {note}", fg="cyan")
    if written:
        typer.secho(f"Wrote {len(written)} files to {out}", fg="green")


@app.command()
def size(
    study: Annotated[Path, typer.Argument(help="Study of a microgrid, a YAML file.")],
    out: Out = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Size a microgrid: front of cost against reliability, the cheapest reliable design, and what its vehicles are paid."""
    from cblcast.workflow.microgrid import size_study
    from cblcast.workflow.worlds import check_folder, write_result

    if out is not None:
        check_folder(out)
    with progress(as_json, 6, "sizing") as told:
        sized = size_study(study, store, told)
        written = write_result(sized.result(), out) if out is not None else []
    if as_json:
        print_json(
            {
                **sized.summary,
                "run_id": sized.run_id,
                "prices": records(sized.priced.reset_index()),
                "notes": list(sized.notes),
                "files": [str(path) for path in written],
            }
        )
        return
    shown = ["vehicles", "diesel_kw", "cost_usd", "cost_change_pct", "payment_per_vehicle_usd", "price_usd_per_hour"]
    limit, how = sized.summary["system_minutes"], sized.summary["convention"]
    print_table(
        sized.priced[shown].reset_index(),
        f"{sized.summary['name']}: cheapest design with at most {limit:g} system minutes ({how})",
    )
    threshold, bound = sized.summary["threshold_usd"], sized.summary["threshold_bound_usd"]
    threshold_told = (
        "no threshold: no vehicles were allowed"
        if threshold is None
        else f"no vehicle pays below a subsidy of {threshold:.0f} $"
    )
    typer.echo(f"{threshold_told} (bound {bound:.2f} $ with curtailable turbines)")
    for note in sized.notes:
        typer.secho(f"Note: {note}", fg="cyan")
    if written:
        typer.secho(f"Wrote {len(written)} files to {out}", fg="green")
