"""The command that asks a model: baselines of events, or a nowcast of the hours to come."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.crew import ALONE, Crew, tell_failures
from cblcast.cli.options import PARTIAL, AsJson, Reader, Store, Written
from cblcast.cli.scored import print_nowcast, print_scored
from cblcast.io.options import DEFAULT_OPTIONS
from cblcast.terminal import Steps, progress

if TYPE_CHECKING:
    from cblcast.forecast.nowcast import Issued
    from cblcast.io.options import ReaderOptions
    from cblcast.scaling import Outcome
    from cblcast.workflow.serving import Scored

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
        typer.Option(
            help="With --origin: forecast runs, PRODUCT=FILE, read as in training (else PRODUCT=FILE,delay_h=3); may be repeated."
        ),
    ] = None


@dataclass(frozen=True)
class Answering:
    """Who answers: a registered model and the store that it is in, or a view of the pretrained baseline."""

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
    store: Store = None


@app.command()
@unbundled
def score(
    data: Annotated[Path, typer.Option(help="Meter file (CSV, Parquet), a folder of Parquet, or sql:TABLE.")],
    asked: Asked = Asked(),
    answering: Answering = Answering(),
    written: Written = Written(),
    reader: Reader = DEFAULT_OPTIONS,
    crew: Crew = ALONE,
    as_json: AsJson = False,
) -> None:
    """Baselines of real events, or a nowcast issued now (--origin); exit code 3 when some are missing."""
    with progress(as_json, 1, "scoring") as steps:
        from cblcast.errors import StudyError
        from cblcast.forecast.pretrained import is_pretrained, view_asked
        from cblcast.workflow.outputs import check_ending, check_outputs
        from cblcast.workflow.serving import nowcast_file, score_boxed_file, score_file

        model, view, store = answering.model, answering.view, answering.store
        events, origin = asked.events, asked.origin
        out, outcome = written.out, None
        if model is not None and is_pretrained(model) and events is not None:
            view = view_asked(model, view)
            model = None
        elif model is not None and view is not None:
            raise StudyError(f"--view is for the pretrained baseline: {model} has the view that it was trained for")
        if (events is None) == (origin is None):
            raise StudyError(
                "give either --events FILE, whose baselines are wanted, or --origin now|TIME|data, from which on a nowcast is issued"
            )
        check_outputs({"--out": out}, {"--data": data, **({"--events": events} if events else {}), **reader.files})
        check_ending(out)
        if events is None:
            if model is None:
                raise StudyError(
                    "--origin needs --model, a registered nowcast: the pretrained baseline answers --events"
                )
            wanted = asked.forecasts or ()
            issued = nowcast_file(model, data, str(origin), reader, forecasts=wanted, store=store)
            _write_nowcast(issued, out, written.places)
        elif crew.over_store(data):
            told, outcome = score_store_to(crew, steps, data, events, reader, (model, view, store), written)
        elif model is None:
            told = score_boxed_file(data, events, reader, view=view)
        else:
            told = score_file(model, data, events, reader, store=store)
        if events is not None and not crew.over_store(data):
            _write_scored(told, out, written.places)
    if events is None:
        print_nowcast(issued, out, as_json)
        if issued.missing or issued.rows["nowcast_kw"].isna().any():
            raise typer.Exit(PARTIAL)
        return
    print_scored(told, model, out, as_json, outcome)
    if len(told.excluded) or (outcome is not None and outcome.partial):
        raise typer.Exit(PARTIAL)


def score_store_to(
    crew: Crew,
    steps: Steps,
    data: Path,
    events: Path,
    reader: ReaderOptions,
    answering: tuple[str | None, str | None, str | None],
    written: Written,
) -> tuple[Scored, Outcome]:
    """Score a store and write its rows; what was scored, and what became of the partitions.

    Parameters
    ----------
    answering : (model, view, store)
    """
    from cblcast.workflow.over_stores import score_store

    model, view, store = answering
    told, asked, outcome = score_store(
        data, events, reader, crew.working(steps), model=model, view=view, store=store, out=written.out
    )
    _write_scored(told, written.out, written.places)
    asked.done(outcome)
    tell_failures(outcome)
    return told, outcome


def _write_scored(told: Scored, out: Path | None, decimals: int | None) -> None:
    from cblcast.errors import DataError
    from cblcast.workflow.serving import write_frame

    if len(told.rows) == 0:
        raise DataError(
            f"none of the {len(told.excluded)} events has a baseline, and nothing is written; the first, at "
            f"{told.excluded['origin'].iloc[0]}: {told.excluded['reason'].iloc[0]}"
        )
    if out is not None:
        write_frame(told.rows, out, decimals)


def _write_nowcast(issued: Issued, out: Path | None, decimals: int | None) -> None:
    from cblcast.errors import DataError
    from cblcast.workflow.serving import write_frame

    if issued.rows["nowcast_kw"].isna().all():
        raise DataError(f"no interval has a nowcast, and nothing is written: {issued.rows['reason'].iloc[0]}")
    if out is not None:
        write_frame(issued.rows, out, decimals)
