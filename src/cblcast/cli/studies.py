"""Commands on studies: train, evaluate, compare, ui, methods."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cblcast.cli.bundles import unbundled
from cblcast.cli.by_lead import print_stored_by_lead
from cblcast.cli.crew import ALONE, Crew, tell_failures
from cblcast.cli.evaluating import evaluate
from cblcast.cli.judged import print_boards, study_records, tell_notes
from cblcast.cli.options import PARTIAL, AsJson, Change, Store, changes_of
from cblcast.cli.plain_help import plain_words
from cblcast.terminal import print_json, print_leaderboard, print_table, progress, records

app = typer.Typer()
JOURNAL = Path("models/tuning.journal")


@dataclass(frozen=True)
class Registration:
    """Where a model goes in the registry."""

    register: Annotated[str | None, typer.Option(help="Register the chosen model under this name.")] = None
    alias: Annotated[str | None, typer.Option(help="Alias of the registered version, e.g. champion.")] = None


@app.command()
@unbundled
def train(
    study: Annotated[Path, typer.Argument(help="Study, a YAML file.")],
    change: Change = [],  # noqa: B006
    registration: Registration = Registration(),
    method: Annotated[
        str | None, typer.Option(help="Which method to register (default: best inside the training span).")
    ] = None,
    crew: Crew = ALONE,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Train every method of a study, judge it on the test span, track it, and register one.

    Where the study's panel is a folder of Parquet files, it is read some sites at a time and the methods are trained out of
    core; what is finished is kept in STUDY.parts until all is done, so that a training that was killed goes on.
    """
    outcome = None
    with progress(as_json, None, "loading") as told:
        from cblcast.config import read_study
        from cblcast.workflow.studies import planned_steps, train_study
        from cblcast.workflow.study_out_of_core import names_store, train_study_store

        wanted = read_study(study, changes_of(change))
        told.expect(planned_steps(wanted), "reading")
        named = {**asdict(registration), "method": method, "store": store}
        if names_store(wanted, crew.working(told)):
            result, outcome = train_study_store(
                wanted, **named, progress=told, working=crew.working(told), beside=study
            )
            tell_failures(outcome)
        else:
            result = train_study(wanted, **named, progress=told)
    tell_notes(result)
    if as_json:
        print_json({"study": wanted.study, "registered": result.registered} | study_records(wanted, result))
    else:
        print_boards(wanted, result)
        if result.registered:
            _print_registered(result.registered)
    if outcome is not None and outcome.partial:
        raise typer.Exit(PARTIAL)


def _print_registered(made: dict[str, Any]) -> None:
    at = f"@{made['alias']}" if made["alias"] else f"/{made['version']}"
    model = f"models:/{made['name']}{at}"
    typer.secho(f"Registered {made['method']} as {model} (version {made['version']}; {made['chosen_by']})", fg="green")


app.command()(evaluate)


@dataclass(frozen=True)
class Search:
    """How long and by what a search goes on."""

    trials: Annotated[int, typer.Option(help="Trials in all, those of earlier runs of this search included.")] = 50
    folds: Annotated[int, typer.Option(help="Blocks of training days that judge a trial.")] = 4
    metric: Annotated[str, typer.Option(help="Measure to make small.")] = "nrmse"
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0
    seconds: Annotated[float | None, typer.Option(help="Begin no further trial after so many seconds.")] = None
    journal: Annotated[Path, typer.Option(help="Keeps the trials: a killed search goes on where it stopped.")] = JOURNAL


@app.command()
@unbundled
def tune(
    study: Annotated[Path, typer.Argument(help="Study, a YAML file, with a train: span.")],
    method: Annotated[str | None, typer.Option(help="Which method of the study (default: the only one).")] = None,
    search: Search = Search(),
    change: Change = [],  # noqa: B006
    registration: Registration = Registration(),
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Search the parameters of a method on the training days; judge the winner once on the test days."""
    with progress(as_json, None, "loading") as told:
        from cblcast.config import read_study
        from cblcast.workflow.outputs import check_outputs
        from cblcast.workflow.tuning import trials_table, tune_study

        check_outputs({"--journal": search.journal}, {"STUDY": study})
        wanted = read_study(study, changes_of(change))
        told.expect(search.trials + 2, "reading")
        result = tune_study(wanted, method, store=store, progress=told, **asdict(search), **asdict(registration))
    if as_json:
        print_json(
            {
                "run_id": result.run_id,
                "best": result.search.best_spec,
                "best_value": result.search.best_value,
                "given_value": result.search.given_value,
                "without_history": result.search.without_history,
                "importance": result.search.importance,
                "registered": result.registered,
                "leaderboard": records(result.judged.leaderboard.reset_index()),
            }
        )
        return
    print_table(
        trials_table(result.search),
        f"{wanted.study}: best trials ({search.metric} over {search.folds} folds of the training days)",
    )
    if result.search.without_history:
        typer.echo(
            f"{result.search.without_history} training events judge no trial: the days before them are too few for every candidate"
        )
    print_leaderboard(
        result.judged.leaderboard, result.judged.backtest.excluded, f"test {wanted.test[0]} to {wanted.test[1]}"
    )
    if result.registered:
        _print_registered(result.registered)


@app.command()
def compare(
    study: Annotated[str, typer.Argument(help="Name of a study (an MLflow experiment), or a run of it by its id.")],
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """The methods of a study's last run, side by side, from the store."""
    from cblcast.tracking import compare as compare_runs

    table = compare_runs(study, uri=store)
    if as_json:
        print_json({"study": study, "methods": records(table)})
    else:
        machine = ["started", "status", "run_id", "model_uri", "n_sites", "train_s", "predict_s"]
        machine += ["run_status", "methods_finished", "methods_planned", "note"]
        machine += [column for column in table.columns if "/" in column]  # by lead, by hour: for plots
        best = table["nrmse"].argmin() if "nrmse" in table and table["nrmse"].notna().any() else None
        print_table(
            table.drop(columns=machine, errors="ignore"),
            f"{study}: latest run (all columns with --json, plots with cblcast ui)",
            keep=["method", "nrmse", "mpe", "n_events"],
            marked=best,
        )
        print_stored_by_lead(table)
        for note in table["note"].dropna().unique():
            typer.secho(f"Not whole: {note}", fg="yellow", err=True)


@app.command()
def ui(
    study: Annotated[
        str | None, typer.Argument(help="Name of a study to open on, or a run of it by its id (default: the newest).")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5000,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser of this machine, if it has one.")] = True,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Open the MLflow UI on the training runs of the store: the methods of the newest study, best first."""
    from cblcast.tracking import open_ui

    def ready(address: str) -> None:
        if as_json:
            print_json({"address": address})
            sys.stdout.flush()
        else:
            typer.secho(f"The methods, best first: {address}", fg="green", err=True)
        if browser and not as_json and sys.stderr.isatty():
            import webbrowser

            webbrowser.open(address)

    open_ui(store, host, port, study=study, ready=ready)


@app.command()
def methods(as_json: AsJson = False) -> None:
    """Estimators and feature builders that a study can name, with their parameters."""
    import inspect

    from cblcast import registry
    from cblcast.forecast.pretrained import NAME, VIEWS

    rows: list[dict[str, str]] = []
    for kind, table in (("estimator", registry.ESTIMATORS), ("feature builder", registry.FEATURES)):
        for name in table:
            thing = table.resolve(name)
            params = (
                key if value.default is value.empty else f"{key}={value.default}"
                for key, value in inspect.signature(thing).parameters.items()
            )
            what = plain_words((thing.__doc__ or "").strip().splitlines()[0])
            rows.append({"kind": kind, "name": name, "what": what, "parameters": ", ".join(params)})
    rows.append(
        {
            "kind": "trained model",
            "name": NAME,
            "what": "The baseline in the box: trained on other sites, adapts itself to yours, learns nothing in a study",
            "parameters": " or ".join(f"{NAME}/{view}" for view in VIEWS),
        }
    )
    if as_json:
        print_json({"methods": rows})
        return
    import pandas as pd

    print_table(pd.DataFrame(rows), "Methods (names such as PBLM-Nearest5of10 are explained in docs/studies.md)")
