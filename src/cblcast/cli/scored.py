"""What the terminal and JSON show of scored events and of an issued nowcast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cblcast.cli.alike import tell_alike
from cblcast.cli.crew import failures_of
from cblcast.terminal import print_json, print_table, records, tell

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.forecast.nowcast import Issued
    from cblcast.scaling import Outcome
    from cblcast.workflow.serving import Scored

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


def print_scored(
    told: Scored, model: str | None, out: Path | None, as_json: bool, outcome: Outcome | None = None
) -> None:
    """Events and intervals with meter, baseline and reduction; what was treated and what has no baseline."""
    scored, excluded, taken = told.rows, told.excluded, told.boxed
    treatments = treatments_of(scored)
    if taken is not None and taken.taught:
        tell("warning", taken.praised())
    if as_json:
        print_json(
            {
                "model": model if taken is None else taken.document(),
                "rows": records(scored) if out is None else len(scored),
                "out": None if out is None else str(out),
                "excluded": records(excluded),
                "treated": records(treatments),
                **failures_of(outcome),
            }
        )
    else:
        if taken is not None:
            tell("note", f"Scored with {taken.sentence()}.")
        zones = told.zones
        table, totals = _by_event(scored, told.step_h)
        print_table(table.head(MOST), _title("Events", table), zones=zones, totals=totals, keep=list(totals))
        rows = scored.drop(columns=["origin", "event_stop"])
        print_table(rows.head(MOST), _title("Intervals", rows), zones=zones)
        if out is not None:
            typer.secho(f"{len(scored)} rows written to {out}", fg="green")
    if not as_json:  # a machine has them in the document
        tell_alike(treatments, ["treatment"], _treated, dim=True)
        tell_alike(excluded, ["reason"], _without, fg="yellow")


def _treated(row: Any, others: str) -> str:
    return f"Site {row.site_id!r} at {row.origin}{others}: {row.treatment}"


def _without(row: Any, others: str) -> str:
    return f"No baseline for site {row.site_id!r} at {row.origin}{others}: {row.reason}"


def treatments_of(scored: pd.DataFrame) -> pd.DataFrame:
    """One row an event that was treated as what its calendar does not say: ``site_id``, ``origin``, ``treatment``."""
    columns = ["site_id", "origin", "treatment"]
    if "treatment" not in scored.columns:
        return scored.iloc[:0].reindex(columns=columns)
    return scored.dropna(subset=["treatment"]).drop_duplicates(["site_id", "origin"])[columns]


def print_nowcast(issued: Issued, out: Path | None, as_json: bool) -> None:
    """The hours to come, and what was missing for them."""
    rows = issued.rows
    if as_json:
        shown = records(rows) if out is None else len(rows)
        print_json({"rows": shown, "out": None if out is None else str(out), "missing": issued.missing})
        return
    limits = [name for name in ("lower_kw", "upper_kw") if name in rows and rows[name].notna().any()]
    zone = next(iter(issued.zones.values()), "UTC")
    title = f"Nowcast issued at {rows['origin'].iloc[0].tz_convert(zone):%Y-%m-%d %H:%M} {zone}"
    columns = ["site_id", "time", "lead_min", "nowcast_kw", *limits]
    print_table(rows[columns].head(2 * MOST), title, zones=issued.zones or None)
    if out is not None:
        typer.secho(f"{len(rows)} rows written to {out}", fg="green")
    for sentence in issued.missing:
        typer.secho(f"Missing: {sentence}", fg="yellow", err=True)
