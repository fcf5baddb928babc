"""The command that scores events with a registered model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.options import PARTIAL, AsJson, Decimals, FullPrecision, Reader, Store
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, print_table, progress, records

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer()


MOST = 24  # rows that are printed


def _title(what: str, table: pd.DataFrame) -> str:
    return f"{what} (first {MOST} of {len(table)})" if len(table) > MOST else what


def _by_event(scored: pd.DataFrame, step_h: float) -> tuple[pd.DataFrame, dict[str, object]]:
    """Energies of each event, and of all; of an event that was not metered throughout there is no reduction."""
    power = ["metered_kw", "baseline_kw", "reduction_kw"]
    grouped = scored.groupby(["site_id", "origin", "event_stop"], sort=False)[power]
    energy = grouped.sum(min_count=1).where(grouped.count() == grouped.size().to_frame().to_numpy()) * step_h
    table = energy.rename(columns=lambda name: name.replace("_kw", "_kwh")).reset_index()
    table = table.rename(columns={"origin": "start", "event_stop": "stop"})
    sums = {name.replace("_kw", "_kwh"): float(energy[name].sum()) for name in power}
    whole = energy.notna().all(axis=1)
    if not whole.all():  # totals of the same events
        sums = {name.replace("_kw", "_kwh"): float(energy.loc[whole, name].sum()) for name in power}
    words = f"{int(whole.sum())} metered events" if not whole.all() else "all events"
    return table, {"site_id": words, **sums}


@app.command()
@unbundled
def score(
    model: Annotated[str, typer.Option(help="A registered model, e.g. models:/sme-baseline@champion.")],
    data: Annotated[Path, typer.Option(help="Meter file, CSV or Parquet.")],
    events: Annotated[Path, typer.Option(help="CSV of events: site_id (or *), start, stop with offset.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the baselines go, .csv or .parquet; printed unless given.")
    ] = None,
    decimals: Decimals = 3,
    full_precision: FullPrecision = False,
    reader: Reader = DEFAULT_OPTIONS,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Baselines of real events with a registered model; exit code 3 when some events have none."""
    with progress(as_json, 1, "scoring"):
        from cblcast.errors import DataError
        from cblcast.workflow.outputs import check_ending, check_outputs
        from cblcast.workflow.serving import score_file, write_frame

        check_outputs({"--out": out}, {"--data": data, "--events": events, **reader.files})
        check_ending(out)
        told = score_file(model, data, events, reader, store=store)
        scored, excluded = told.rows, told.excluded
        if len(scored) == 0:
            raise DataError(
                f"none of the {len(excluded)} events has a baseline, and nothing is written; the first, at "
                f"{excluded['origin'].iloc[0]}: {excluded['reason'].iloc[0]}"
            )
        if out is not None:
            write_frame(scored, out, None if full_precision else decimals)
    if as_json:
        print_json(
            {
                "rows": records(scored) if out is None else len(scored),
                "out": None if out is None else str(out),
                "excluded": records(excluded),
            }
        )
    else:
        zones = told.zones
        table, totals = _by_event(scored, told.step_h)
        print_table(table.head(MOST), _title("Events", table), zones=zones, totals=totals, keep=list(totals))
        rows = scored.drop(columns=["origin", "event_stop"])
        print_table(rows.head(MOST), _title("Intervals", rows), zones=zones)
        if out is not None:
            typer.secho(f"{len(scored)} rows written to {out}", fg="green")
    for row in () if as_json else excluded.itertuples():  # a machine has them in the document
        typer.secho(f"No baseline for site {row.site_id!r} at {row.origin}: {row.reason}", fg="yellow", err=True)
    if len(excluded):
        raise typer.Exit(PARTIAL)
