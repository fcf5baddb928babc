"""The command that asks a registered model: baselines of events, or a nowcast of the hours to come."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.options import PARTIAL, AsJson, Decimals, FullPrecision, Reader, Store
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.terminal import print_json, print_table, progress, records, tell

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.workflow.serving import Scored

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


@dataclass(frozen=True)
class Asked:
    """What is asked: baselines of events, or a nowcast from an origin on; one of them."""

    events: Annotated[Path | None, typer.Option(help="CSV of events: site_id (or *), start, stop with offset.")] = None
    origin: Annotated[
        str | None,
        typer.Option(help="Instead of events: issue a nowcast now, at a TIME, or at the end of the data (data)."),
    ] = None


@dataclass(frozen=True)
class Answering:
    """Who answers: a registered model, or a view of the pretrained baseline."""

    model: Annotated[
        str | None,
        typer.Option(help="A registered model, e.g. models:/sme-baseline@champion (default: the pretrained baseline)."),
    ] = None
    view: Annotated[
        str | None,
        typer.Option(
            help="Of the pretrained baseline: real_time, real_time_2h, settlement or day_ahead; by default told."
        ),
    ] = None


@app.command()
@unbundled
def score(
    data: Annotated[Path, typer.Option(help="Meter file, CSV or Parquet.")],
    asked: Asked = Asked(),
    answering: Answering = Answering(),
    out: Annotated[
        Path | None, typer.Option(help="Where the estimates go, .csv or .parquet; printed unless given.")
    ] = None,
    decimals: Decimals = 3,
    full_precision: FullPrecision = False,
    reader: Reader = DEFAULT_OPTIONS,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Baselines of real events, or a nowcast issued now (--origin); exit code 3 when some are missing."""
    from cblcast.errors import DataError, StudyError

    model, view, events, origin = answering.model, answering.view, asked.events, asked.origin
    if model is not None and view is not None:
        raise StudyError(f"--view is for the pretrained baseline: {model} has the view that it was trained for")
    if (events is None) == (origin is None):
        raise StudyError(
            "give either --events FILE, whose baselines are wanted, or --origin now|TIME|data, from which on a nowcast is issued"
        )
    places = None if full_precision else decimals
    with progress(as_json, 1, "scoring"):
        from cblcast.workflow.outputs import check_ending, check_outputs
        from cblcast.workflow.serving import score_boxed_file, score_file, write_frame

        check_outputs({"--out": out}, {"--data": data, **({"--events": events} if events else {}), **reader.files})
        check_ending(out)
    if events is None:
        if model is None:
            raise StudyError("--origin needs --model, a registered nowcast: the pretrained baseline answers --events")
        _issue(model, data, str(origin), out, reader, store, as_json, places)
        return
    with progress(as_json, 1, "scoring"):
        if model is None:
            told = score_boxed_file(data, events, reader, view=view)
        else:
            told = score_file(model, data, events, reader, store=store)
        scored, excluded = told.rows, told.excluded
        if len(scored) == 0:
            raise DataError(
                f"none of the {len(excluded)} events has a baseline, and nothing is written; the first, at "
                f"{excluded['origin'].iloc[0]}: {excluded['reason'].iloc[0]}"
            )
        if out is not None:
            write_frame(scored, out, places)
    treatments = treatments_of(scored)
    if as_json:
        print_json(
            {
                "model": model if told.taken is None else told.taken.document(),
                "rows": records(scored) if out is None else len(scored),
                "out": None if out is None else str(out),
                "excluded": records(excluded),
                "treated": records(treatments),
            }
        )
    else:
        if told.taken is not None:
            tell("note", f"Scored with {told.taken.sentence()}.")
        _show(told)
        if out is not None:
            typer.secho(f"{len(scored)} rows written to {out}", fg="green")
    for row in () if as_json else treatments.itertuples():
        typer.secho(f"Site {row.site_id!r} at {row.origin}: {row.treatment}", dim=True, err=True)
    for row in () if as_json else excluded.itertuples():  # a machine has them in the document
        typer.secho(f"No baseline for site {row.site_id!r} at {row.origin}: {row.reason}", fg="yellow", err=True)
    if len(excluded):
        raise typer.Exit(PARTIAL)


def _show(told: Scored) -> None:
    """Energies of the events with their totals, and the first of the intervals, by the clock of the sites."""
    table, totals = _by_event(told.rows, told.step_h)
    print_table(table.head(MOST), _title("Events", table), zones=told.zones, totals=totals, keep=list(totals))
    rows = told.rows.drop(columns=["origin", "event_stop", "treatment"], errors="ignore")
    print_table(rows.head(MOST), _title("Intervals", rows), zones=told.zones)


def treatments_of(scored: pd.DataFrame) -> pd.DataFrame:
    """One row an event that was treated as what its calendar does not say: ``site_id``, ``origin``, ``treatment``."""
    columns = ["site_id", "origin", "treatment"]
    if "treatment" not in scored.columns:
        return scored.iloc[:0].reindex(columns=columns)
    return scored.dropna(subset=["treatment"]).drop_duplicates(["site_id", "origin"])[columns]


def _issue(
    model: str,
    data: Path,
    origin: str,
    out: Path | None,
    reader: ReaderOptions,
    store: str | None,
    as_json: bool,
    decimals: int | None,
) -> None:
    """A nowcast from data that end at the origin; exit code 3 when intervals have none, or something it rests on is missing."""
    from cblcast.errors import DataError
    from cblcast.workflow.serving import nowcast_file, write_frame

    with progress(as_json, 1, "issuing"):
        issued = nowcast_file(model, data, origin, reader, store=store)
    rows = issued.rows
    without = rows["nowcast_kw"].isna()
    if without.all():
        raise DataError(f"no interval has a nowcast, and nothing is written: {rows['reason'].iloc[0]}")
    if out is not None:
        write_frame(rows, out, decimals)
    if as_json:
        shown = records(rows) if out is None else len(rows)
        print_json({"rows": shown, "out": None if out is None else str(out), "missing": issued.missing})
    else:
        plain = [name for name in ("site_id", "time", "lead_min", "nowcast_kw", "lower_kw", "upper_kw") if name in rows]
        print_table(rows[plain].head(48), f"Nowcast issued at {rows['origin'].iloc[0]}")
        if out is not None:
            typer.secho(f"{len(rows)} rows written to {out}", fg="green")
        for sentence in issued.missing:
            typer.secho(f"Missing: {sentence}", fg="yellow", err=True)
    if without.any() or issued.missing:
        raise typer.Exit(PARTIAL)
