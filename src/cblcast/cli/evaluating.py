"""The command that judges: a study's methods, or a registered model on other data; either over a store, too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.crew import ALONE, Crew, tell_failures
from cblcast.cli.judged import print_model, print_study, title_of
from cblcast.cli.options import PARTIAL, AsJson, Change, Reader, Store, changes_of
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.terminal import progress

if TYPE_CHECKING:
    from cblcast.config import Study


@dataclass(frozen=True)
class Elsewhere:
    """A registered model, and the data it is judged on."""

    model: Annotated[str | None, typer.Option(help="A registered model, e.g. models:/sme-baseline@champion.")] = None
    data: Annotated[
        Path | None, typer.Option(help="With --model: meter file (CSV, Parquet), a folder of Parquet, or sql:TABLE.")
    ] = None
    events: Annotated[
        Path | None,
        typer.Option(help="With --model: CSV of events that were NOT dispatched (placebo), or with truth_kw."),
    ] = None
    start: Annotated[str | None, typer.Option(help="With --model: start of placebo events, e.g. 17:00.")] = None
    stop: Annotated[str | None, typer.Option(help="With --model: end of placebo events.")] = None


@dataclass(frozen=True)
class Tracked:
    """What is kept of a judgement, and the store that it is kept in and models are taken from."""

    figures: Annotated[bool, typer.Option("--figures", help="Draw each method's figures too, as train does.")] = False
    store: Store = None


@unbundled
def evaluate(
    study: Annotated[Path | None, typer.Argument(help="Study, a YAML file; or leave it out and give --model.")] = None,
    change: Change = [],  # noqa: B006
    elsewhere: Elsewhere = Elsewhere(),
    reader: Reader = DEFAULT_OPTIONS,
    crew: Crew = ALONE,
    tracked: Tracked = Tracked(),
    as_json: AsJson = False,
) -> None:
    """Leaderboard of a study's methods, or the errors of a registered model on other data."""
    from cblcast.errors import StudyError

    model, data, store = elsewhere.model, elsewhere.data, tracked.store
    if (study is None) == (model is None):
        raise StudyError("give a study (cblcast evaluate STUDY.yaml), or --model URI with --data FILE")
    if study is not None:
        if reader.given:
            name = next(iter(reader.given))
            raise StudyError(f"a study says itself how its file is read: give --set data.{name}=…, or write it there")
        from cblcast.config import read_study

        _evaluate_study(read_study(study, changes_of(change)), tracked.figures, crew, store, as_json)
    else:
        if data is None:
            raise StudyError("evaluate --model needs --data FILE, the meter file to judge it on")
        title = f"{model} on {data.name}"
        if crew.over_store(data):
            _evaluate_store(str(model), data, elsewhere, reader, crew, store, title, as_json)
            return
        with progress(as_json, 1, "evaluating"):
            from cblcast.workflow.serving import evaluate_model

            board, backtested = evaluate_model(
                str(model),
                data,
                reader,
                events_file=elsewhere.events,
                start=elsewhere.start,
                stop=elsewhere.stop,
                store=store,
            )
        print_model(board, backtested.excluded, backtested.treated, title, as_json)


def _evaluate_study(wanted: Study, figures: bool, crew: Crew, store: str | None, as_json: bool) -> None:
    """Leaderboard of a study, of one meter file or over a store."""
    if wanted.data.panel is not None and crew.over_store(Path(wanted.data.panel)):
        with progress(as_json, 1, "judging") as steps:
            from cblcast.workflow.study_over_store import evaluate_study_store

            board, excluded, outcome = evaluate_study_store(wanted, crew.working(steps))
            tell_failures(outcome)
        print_model(board, excluded, None, title_of(wanted), as_json, outcome)
        if outcome.partial:
            raise typer.Exit(PARTIAL)
        return
    with progress(as_json, None, "loading") as told:
        from cblcast.workflow.studies import evaluate_study, planned_steps

        told.expect(planned_steps(wanted), "reading")
        result = evaluate_study(wanted, figures=figures, store=store, progress=told)
    print_study(wanted, result, as_json)


def _evaluate_store(
    model: str,
    data: Path,
    elsewhere: Elsewhere,
    reader: ReaderOptions,
    crew: Crew,
    store: str | None,
    title: str,
    as_json: bool,
) -> None:
    """Errors of a registered model over a store."""
    with progress(as_json, 1, "evaluating") as steps:
        from cblcast.workflow.over_stores import evaluate_store

        board, excluded, outcome = evaluate_store(
            model,
            data,
            reader,
            crew.working(steps),
            events_file=elsewhere.events,
            start=elsewhere.start,
            stop=elsewhere.stop,
            store=store,
        )
        tell_failures(outcome)
    print_model(board, excluded, None, title, as_json, outcome)
    if outcome.partial:
        raise typer.Exit(PARTIAL)
