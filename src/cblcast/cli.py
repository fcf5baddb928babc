"""The command line: parses, calls the workflow, prints. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cblcast.terminal import print_json, print_leaderboard, print_table, progress, records

app = typer.Typer(
    name="cblcast",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Customer baselines for demand response and wind power nowcasts.",
)
data_app = typer.Typer(no_args_is_help=True, help="Data sets that come with cblcast, and checks of your own.")
app.add_typer(data_app, name="data")

PARTIAL = 3  # exit code: the rest was done, and what was not is named

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Store = Annotated[
    str | None,
    typer.Option("--store", help="MLflow store [default: $MLFLOW_TRACKING_URI, else sqlite:///models/mlflow.db]."),
]
Tz = Annotated[str | None, typer.Option(help="IANA zone of the sites, e.g. Europe/Rome.")]
Clock = Annotated[
    str | None, typer.Option(help="Zone of the clock that wrote times without offset, if not the site's own, e.g. UTC.")
]
Unit = Annotated[
    str, typer.Option(help="Unit of the metered values: kW, kWh per interval, W, MW, …; auto reads the column's name.")
]
Label = Annotated[str, typer.Option(help="Whether times label the start or the end of their interval.")]
Weather = Annotated[Path | None, typer.Option(help="CSV or Parquet with time and weather columns.")]
SiteTable = Annotated[Path | None, typer.Option("--sites", help="CSV or Parquet with site_id, tz, country, …")]
Step = Annotated[str | None, typer.Option(help="Average to this step, e.g. 60min.")]


def main() -> None:
    """Entry point of the console script: bad input is one sentence and exit code 2."""
    from cblcast.errors import DataError, StudyError

    try:
        app(standalone_mode=False)
    except (DataError, StudyError) as error:
        typer.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(2)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        sys.exit(getattr(error, "exit_code", 2))


def _changes(pairs: list[str]) -> dict[str, str]:
    from cblcast.errors import StudyError

    changes = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise StudyError(f"--set {pair!r} has no value: write --set key=value, e.g. --set view=day_ahead")
        changes[key.strip()] = value
    return changes


@app.command()
def train(
    study: Annotated[Path, typer.Argument(help="Study, a YAML file.")],
    change: Annotated[
        list[str], typer.Option("--set", help="key=value: replace a value of the study; may be repeated.")
    ] = [],  # noqa: B006
    register: Annotated[str | None, typer.Option(help="Register the chosen model under this name.")] = None,
    alias: Annotated[str | None, typer.Option(help="Alias of the registered version, e.g. champion.")] = None,
    method: Annotated[
        str | None, typer.Option(help="Which method to register [default: best inside the training span].")
    ] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Train every method of a study, judge it on the test span, track it, and register one."""
    from cblcast.config import read_study
    from cblcast.workflow import train_study

    wanted = read_study(study, _changes(change))
    with progress(as_json, 2 * len(wanted.methods), "training") as told:
        result = train_study(wanted, register=register, alias=alias, method=method, store=store, progress=told)
    if as_json:
        print_json(
            {
                "study": wanted.study,
                "run_id": result.run_id,
                "registered": result.registered,
                "leaderboard": records(result.leaderboard.reset_index()),
            }
        )
        return
    print_leaderboard(
        result.leaderboard, result.backtest.excluded, f"{wanted.study}: test {wanted.test[0]} to {wanted.test[1]}"
    )
    if result.registered:
        made = result.registered
        at = f"@{made['alias']}" if made["alias"] else f"/{made['version']}"
        typer.secho(
            f"Registered {made['method']} as models:/{made['name']}{at} (version {made['version']}; {made['chosen_by']})",
            fg="green",
        )


@app.command()
def evaluate(
    study: Annotated[Path | None, typer.Argument(help="Study, a YAML file; or leave it out and give --model.")] = None,
    change: Annotated[
        list[str], typer.Option("--set", help="key=value: replace a value of the study; may be repeated.")
    ] = [],  # noqa: B006
    model: Annotated[str | None, typer.Option(help="A registered model, e.g. models:/sme-baseline@champion.")] = None,
    data: Annotated[Path | None, typer.Option(help="With --model: meter file, CSV or Parquet.")] = None,
    events: Annotated[
        Path | None, typer.Option(help="With --model: CSV of events that were NOT dispatched (placebo).")
    ] = None,
    start: Annotated[str | None, typer.Option(help="With --model: start of placebo events, e.g. 17:00.")] = None,
    stop: Annotated[str | None, typer.Option(help="With --model: end of placebo events.")] = None,
    tz: Tz = None,
    clock: Clock = None,
    unit: Unit = "auto",
    label: Label = "start",
    weather: Weather = None,
    sites: SiteTable = None,
    step: Step = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Leaderboard of a study's methods, or the errors of a registered model on other data."""
    from cblcast.errors import StudyError

    if (study is None) == (model is None):
        raise StudyError("give a study (cblcast evaluate STUDY.yaml), or --model URI with --data FILE")
    if study is not None:
        from cblcast.config import read_study
        from cblcast.workflow import evaluate_study

        wanted = read_study(study, _changes(change))
        title = f"{wanted.study}: test {wanted.test[0]} to {wanted.test[1]}"
        with progress(as_json, 2 * len(wanted.methods), "evaluating") as told:
            result = evaluate_study(wanted, store=store, progress=told)
        board, excluded, run_id = result.leaderboard, result.backtest.excluded, result.run_id
    else:
        from cblcast.serving import evaluate_model

        if data is None:
            raise StudyError("evaluate --model needs --data FILE, the meter file to judge it on")
        title = f"{model} on {data.name}"
        with progress(as_json, 1, "evaluating"):
            board, backtested = evaluate_model(
                str(model),
                data,
                events_file=events,
                start=start,
                stop=stop,
                store=store,
                tz=tz,
                clock=clock,
                unit=unit,
                label=label,
                weather=weather,
                sites=sites,
                step=step,
            )
        excluded, run_id = backtested.excluded, None
    if as_json:
        print_json({"run_id": run_id, "leaderboard": records(board.reset_index()), "excluded": records(excluded)})
    else:
        print_leaderboard(board, excluded, title)


@app.command()
def score(
    model: Annotated[str, typer.Option(help="A registered model, e.g. models:/sme-baseline@champion.")],
    data: Annotated[Path, typer.Option(help="Meter file, CSV or Parquet.")],
    events: Annotated[Path, typer.Option(help="CSV of events: site_id (or *), start, stop with offset.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the baselines go, .csv or .parquet; printed unless given.")
    ] = None,
    tz: Tz = None,
    clock: Clock = None,
    unit: Unit = "auto",
    label: Label = "start",
    weather: Weather = None,
    sites: SiteTable = None,
    step: Step = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Baselines of real events with a registered model; exit code 3 when some events have none."""
    from cblcast.errors import DataError
    from cblcast.serving import score_file, write_frame

    with progress(as_json, 1, "scoring"):
        scored, excluded = score_file(
            model,
            data,
            events,
            store=store,
            tz=tz,
            clock=clock,
            unit=unit,
            label=label,
            weather=weather,
            sites=sites,
            step=step,
        )
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
    for row in excluded.itertuples():
        typer.secho(f"No baseline for site {row.site_id!r} at {row.origin}: {row.reason}", fg="yellow", err=True)
    if len(excluded):
        raise typer.Exit(PARTIAL)


@app.command()
def compare(
    study: Annotated[str, typer.Argument(help="Name of a study (an MLflow experiment).")],
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """The methods of a study's last run, side by side, from the store."""
    from cblcast.tracking import compare as compare_runs

    table = compare_runs(study, uri=store)
    if as_json:
        print_json(records(table))
    else:
        machine = ["started", "status", "run_id", "model_uri", "n_sites", "train_s", "predict_s"]
        print_table(
            table.drop(columns=machine, errors="ignore"),
            f"{study}: latest run (all columns with --json, plots with cblcast ui)",
        )


@app.command()
def ui(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5000,
    store: Store = None,
) -> None:
    """Open the MLflow UI on the store."""
    from cblcast.tracking import open_ui

    open_ui(store, host, port)


@app.command()
def methods(as_json: AsJson = False) -> None:
    """Estimators and feature builders that a study can name, with their parameters."""
    import inspect

    from cblcast import registry

    rows: list[dict[str, str]] = []
    for kind, table in (("estimator", registry.ESTIMATORS), ("feature builder", registry.FEATURES)):
        for name in table:
            thing = registry.resolve(table, name, kind)
            params = (f"{key}={value.default}" for key, value in inspect.signature(thing).parameters.items())
            what = (thing.__doc__ or "").strip().splitlines()[0]
            rows.append({"kind": kind, "name": name, "what": what, "parameters": ", ".join(params)})
    if as_json:
        print_json(rows)
        return
    import pandas as pd

    print_table(pd.DataFrame(rows), "Methods (names such as PBLM-Nearest5of10 are explained in docs/studies.md)")


@data_app.command("list")
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
        print_json(rows)
        return
    import pandas as pd

    print_table(pd.DataFrame(rows), "Data sets")


@data_app.command("describe")
def data_describe(name: Annotated[str, typer.Argument(help="Name of a data set.")], as_json: AsJson = False) -> None:
    """Span, step, gaps, licence and credit of a data set."""
    from cblcast import datasets

    facts = datasets.describe(name)
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        typer.echo(f"{key:14s} {', '.join(map(str, value)) if isinstance(value, list) else value}")


@data_app.command("check")
def data_check(
    path: Annotated[Path, typer.Argument(help="Meter or SCADA file.")],
    tz: Tz = None,
    clock: Clock = None,
    unit: Unit = "auto",
    label: Label = "start",
    sites: SiteTable = None,
    step: Step = None,
    nwp: Annotated[
        Path | None, typer.Option(help="Weather with time and a wind speed: finds the lag of the file's clock.")
    ] = None,
    speed: Annotated[str | None, typer.Option(help="Wind speed column of the file [m/s].")] = None,
    nwp_speed: Annotated[str | None, typer.Option(help="Wind speed column of the weather [m/s].")] = None,
    as_json: AsJson = False,
) -> None:
    """Gaps, zeros, flat runs and spikes of a file, and whether its clock is right."""
    from dataclasses import asdict

    from cblcast.checking import check_file

    with progress(as_json, 1, "checking"):
        report = check_file(
            path,
            nwp=nwp,
            speed=speed,
            nwp_speed=nwp_speed,
            tz=tz,
            clock=clock,
            unit=unit,
            label=label,
            sites=sites,
            step=step,
        )
    found = None if report.clock is None else asdict(report.clock)
    if as_json:
        print_json({"quality": records(report.quality.reset_index()), "clock": found})
        return
    if len(report.quality) == 1:
        for key, value in report.quality.iloc[0].items():
            typer.echo(f"{key:16s} {value:.2f}" if isinstance(value, float) else f"{key:16s} {value}")
    else:
        print_table(report.quality.reset_index(), str(path))
    if found is not None:
        lags = f"lag {found['lag_winter_min']:.0f} min in winter, {found['lag_summer_min']:.0f} min in summer"
        typer.echo(f"clock: {lags}; {found['message']}")


if __name__ == "__main__":
    main()
