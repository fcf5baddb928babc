"""The command that scores events with a registered model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.options import PARTIAL, AsJson, Reader, Store
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, print_table, progress, records

app = typer.Typer()


@app.command()
@unbundled
def score(
    model: Annotated[str, typer.Option(help="A registered model, e.g. models:/sme-baseline@champion.")],
    data: Annotated[Path, typer.Option(help="Meter file, CSV or Parquet.")],
    events: Annotated[Path, typer.Option(help="CSV of events: site_id (or *), start, stop with offset.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the baselines go, .csv or .parquet; printed unless given.")
    ] = None,
    reader: Reader = DEFAULT_OPTIONS,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Baselines of real events with a registered model; exit code 3 when some events have none."""
    from cblcast.errors import DataError
    from cblcast.workflow.outputs import check_ending, check_outputs
    from cblcast.workflow.serving import score_file, write_frame

    check_outputs({"--out": out}, {"--data": data, "--events": events, **reader.files})
    check_ending(out)
    with progress(as_json, 1, "scoring"):
        scored, excluded = score_file(model, data, events, reader, store=store)
        if len(scored) == 0:
            raise DataError(
                f"none of the {len(excluded)} events has a baseline, and nothing is written; the first, at "
                f"{excluded['origin'].iloc[0]}: {excluded['reason'].iloc[0]}"
            )
        if out is not None:
            write_frame(scored, out)
    if as_json:
        print_json(
            {
                "rows": records(scored) if out is None else len(scored),
                "out": None if out is None else str(out),
                "excluded": records(excluded),
            }
        )
    else:
        print_table(scored.head(24), f"Baselines{' (first 24 rows)' if len(scored) > 24 else ''}")
        if out is not None:
            typer.secho(f"{len(scored)} rows written to {out}", fg="green")
    for row in () if as_json else excluded.itertuples():  # a machine has them in the document
        typer.secho(f"No baseline for site {row.site_id!r} at {row.origin}: {row.reason}", fg="yellow", err=True)
    if len(excluded):
        raise typer.Exit(PARTIAL)
