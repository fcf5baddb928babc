"""The command that asks a registered model: baselines of events, or a nowcast of the hours to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.options import PARTIAL, AsJson, Reader, Store
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import print_json, print_table, progress, records, tell

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.forecast.nowcast import Issued

app = typer.Typer()


@dataclass(frozen=True)
class Asked:
    """What is asked: baselines of events, or a nowcast from an origin on; one of them."""

    events: Annotated[Path | None, typer.Option(help="CSV of events: site_id (or *), start, stop with offset.")] = None
    origin: Annotated[
        str | None,
        typer.Option(help="Instead of events: issue a nowcast now, at a TIME, or at the end of the data (data)."),
    ] = None
    forecasts: Annotated[
        list[str] | None,
        typer.Option(help="With --origin: runs of a product, PRODUCT=FILE or PRODUCT=FILE,delay_h=3; may be repeated."),
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
    reader: Reader = DEFAULT_OPTIONS,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Baselines of real events, or a nowcast issued now (--origin); exit code 3 when some are missing."""
    from cblcast.errors import DataError, StudyError
    from cblcast.workflow.outputs import check_ending, check_outputs
    from cblcast.workflow.serving import nowcast_file, score_boxed_file, score_file, write_frame

    model, view, events, origin = answering.model, answering.view, asked.events, asked.origin
    if model is not None and view is not None:
        raise StudyError(f"--view is for the pretrained baseline: {model} has the view that it was trained for")
    if (events is None) == (origin is None):
        raise StudyError(
            "give either --events FILE, whose baselines are wanted, or --origin now|TIME|data, from which on a nowcast is issued"
        )
    check_outputs({"--out": out}, {"--data": data, **({"--events": events} if events else {}), **reader.files})
    check_ending(out)
    if events is None:
        if model is None:
            raise StudyError("--origin needs --model, a registered nowcast: the pretrained baseline answers --events")
        issue = partial(nowcast_file, model, data, str(origin), reader, forecasts=asked.forecasts or (), store=store)
        _issue(issue, out, as_json)
        return
    with progress(as_json, 1, "scoring"):
        taken = None
        if model is None:
            scored, excluded, taken = score_boxed_file(data, events, reader, view=view)
        else:
            scored, excluded = score_file(model, data, events, reader, store=store)
        if len(scored) == 0:
            raise DataError(
                f"none of the {len(excluded)} events has a baseline, and nothing is written; the first, at "
                f"{excluded['origin'].iloc[0]}: {excluded['reason'].iloc[0]}"
            )
        if out is not None:
            write_frame(scored, out)
    treatments = treatments_of(scored)
    if as_json:
        print_json(
            {
                "model": model if taken is None else taken.document(),
                "rows": records(scored) if out is None else len(scored),
                "out": None if out is None else str(out),
                "excluded": records(excluded),
                "treated": records(treatments),
            }
        )
    else:
        if taken is not None:
            tell("note", f"Scored with {taken.sentence()}.")
        print_table(scored.head(24), f"Baselines{' (first 24 rows)' if len(scored) > 24 else ''}")
        if out is not None:
            typer.secho(f"{len(scored)} rows written to {out}", fg="green")
    for row in () if as_json else treatments.itertuples():
        typer.secho(f"Site {row.site_id!r} at {row.origin}: {row.treatment}", dim=True, err=True)
    for row in () if as_json else excluded.itertuples():  # a machine has them in the document
        typer.secho(f"No baseline for site {row.site_id!r} at {row.origin}: {row.reason}", fg="yellow", err=True)
    if len(excluded):
        raise typer.Exit(PARTIAL)


def treatments_of(scored: pd.DataFrame) -> pd.DataFrame:
    """One row an event that was treated as what its calendar does not say: ``site_id``, ``origin``, ``treatment``."""
    columns = ["site_id", "origin", "treatment"]
    if "treatment" not in scored.columns:
        return scored.iloc[:0].reindex(columns=columns)
    return scored.dropna(subset=["treatment"]).drop_duplicates(["site_id", "origin"])[columns]


def _issue(issue: Callable[[], Issued], out: Path | None, as_json: bool) -> None:
    """A nowcast from data that end at the origin; exit code 3 when intervals have none, or something it rests on is missing."""
    from cblcast.errors import DataError
    from cblcast.workflow.serving import write_frame

    with progress(as_json, 1, "issuing"):
        issued = issue()
    rows = issued.rows
    without = rows["nowcast_kw"].isna()
    if without.all():
        raise DataError(f"no interval has a nowcast, and nothing is written: {rows['reason'].iloc[0]}")
    if out is not None:
        write_frame(rows, out)
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
