"""A study whose meters are a folder of Parquet files: its methods are trained out of core, and judged some sites at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

import pandas as pd

from cblcast import tracking
from cblcast.abilities import learns
from cblcast.config import Study
from cblcast.forecast.backtest import BacktestResult, judged
from cblcast.forecast.case_bank import banks_of
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, StudyError
from cblcast.io.site_table import read_sites
from cblcast.io.store import MeterStore, open_store
from cblcast.scaling.pooled_training import portions_of_store, train_out_of_core
from cblcast.workflow import run_notes as notes
from cblcast.workflow.leaderboard import best_first, scale_of, wanted_metrics
from cblcast.workflow.registering import registered
from cblcast.workflow.study_data import Progress, Span, events_of
from cblcast.workflow.study_result import StudyResult


def names_store(study: Study) -> bool:
    """Whether the meters of a study are a folder that holds Parquet files, itself or in its folders."""
    folder = Path(str(study.data.panel)) if study.data.panel is not None else None
    return folder is not None and folder.is_dir() and next(folder.rglob("*.parquet"), None) is not None


def store_of(study: Study) -> MeterStore:
    """The store of a study; zone, country and foreign names of columns are those that the study's reader is given."""
    given = study.data.reader
    return open_store(str(study.data.panel), tz=given.tz, country=given.country, columns=given.columns)


def train_and_judge(study: Study, progress: Progress) -> tuple[StudyResult, tracking.DataUsed]:
    """Train every method that learns on the training span of all sites, and judge all methods on the test span.

    Raises
    ------
    StudyError
        A section of the study that needs all sites in memory; a method that learns from all rows at once.
    """
    _refuse(study)
    store, forecasters = store_of(study), study.forecasters()
    stage = getattr(progress, "stage", progress)
    seconds: dict[str, dict[str, float]] = {name: {"train_s": 0.0, "predict_s": 0.0} for name in forecasters}
    first = next(_panels(study, store))
    for name, forecaster in forecasters.items():
        began = perf_counter()
        if learns(forecaster.estimator):
            if study.train is None:
                raise StudyError(f"{name} must be trained: give the study a train: span")
            portions = portions_of_store(store, partial(_learnable, study, study.train), _sites(study, store))
            train_out_of_core(forecaster, portions, progress=partial(_told_of, name, stage))
        else:
            forecaster.know(first)
        seconds[name]["train_s"] = perf_counter() - began
    return _judged(study, store, forecasters, seconds, progress)


def train_study_store(
    study: Study,
    *,
    register: str | None = None,
    alias: str | None = None,
    method: str | None = None,
    store: str | None = None,
    progress: Progress,
) -> StudyResult:
    """As :func:`cblcast.workflow.studies.train_study`, of a study whose meters need not fit into memory.

    The method to register is named, or the only one: choosing one of several would train each of them twice.
    """
    if register is not None and method is None and len(study.methods) > 1:
        raise StudyError("several methods are trained on a store: name the one to register (--method NAME)")
    tracking.check_store(store)
    result, data = train_and_judge(study, progress)
    settings, board, uris = study.model_dump(mode="json"), result.leaderboard, {}
    note = notes.study_note(study, data)
    with tracking.study_run(study.study, settings, uri=store, planned=len(board), note=note, data=data) as run:
        result.run_id = run.run_id
        for name in board.index:
            forecaster = result.backtest.forecasters[name]
            logged = run.method(
                name,
                params=tracking.method_words(forecaster),
                metrics=notes.logged(board.select_dtypes("number").loc[name]),
                forecaster=forecaster,
                tags=notes.method_tags(study, board, name, forecaster),
                note=notes.method_note(study, board, name, forecaster),
            )
            uris[name] = str(logged.model_uri)
            progress(f"tracked {name}")
        run.table("leaderboard", board, metrics=False)
        if len(result.backtest.excluded):
            run.table("excluded", result.backtest.excluded, metrics=False)
    if register is not None:
        chosen = method or str(board.index[0])
        why = "named by the user" if method else "the only method"
        result.registered = registered(study, board, uris[chosen], chosen, why, data, register, alias, store)
    return result


def _judged(
    study: Study,
    store: MeterStore,
    forecasters: dict[str, Forecaster],
    seconds: dict[str, dict[str, float]],
    progress: Progress,
) -> tuple[StudyResult, tracking.DataUsed]:
    """Measures of every method by site, some sites at a time, and their mean over sites."""
    measures, excluded, used = [], [], []
    for panel in _panels(study, store):
        used.append(notes.data_of(study, panel))
        _, test = events_of(study, panel).between(study.train, study.test)
        banks = banks_of(panel, forecasters.values(), test)
        for name, forecaster in forecasters.items():
            began = perf_counter()
            rows, out = judged(panel, banks[forecaster.view].answer(forecaster))
            seconds[name]["predict_s"] += perf_counter() - began
            excluded.append(out.assign(method=name))
            if len(rows):
                scored = rows.assign(method=name, fold="test")
                told = evaluate(scored, ["method", SITE], wanted_metrics(study), scale=scale_of(study, panel))
                measures.append(told.drop(columns="n_sites").reset_index())
    for name in forecasters:
        progress(name)
    left_out = pd.concat(excluded, ignore_index=True)
    if not measures:
        raise DataError(f"no event could be estimated; the first reason: {left_out['reason'].iloc[0]}")
    board = board_of_sites(study, pd.concat(measures, ignore_index=True), left_out, list(forecasters))
    board = board.join(pd.DataFrame(seconds).T)
    result = BacktestResult(pd.DataFrame(), left_out, forecasters=forecasters, seconds=seconds)
    return StudyResult(board, result), _data_used(study, used)


def board_of_sites(study: Study, by_site: pd.DataFrame, excluded: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """The leaderboard of measures by method and site: the mean over sites, best first."""
    groups = by_site.groupby("method", sort=False)
    table = groups[wanted_metrics(study)].mean().join(groups["n_events"].sum())
    table["n_sites"] = groups[SITE].nunique()
    table = table.reindex(methods)
    for column in ("n_events", "n_sites"):
        table[column] = table[column].fillna(0).astype(int)
    table["n_excluded"] = excluded.groupby("method").size().reindex(table.index).fillna(0).astype(int)
    return best_first(study, table, study.forecasters())


def _panels(study: Study, store: MeterStore) -> Iterator[Panel]:
    """The panel of every partition."""
    for partition in store.partitions():
        yield store.read_panel(partition, _sites(study, store))


def _sites(study: Study, store: MeterStore) -> pd.DataFrame | None:
    """The sites that the study chooses and what its site table says of them; None for all of which nothing is said."""
    told = None if study.data.reader.sites is None else read_sites(study.data.reader.sites)
    chosen = study.data.sites
    if chosen is None:
        return told
    return store.sites_of(sorted(chosen), told)


def _data_used(study: Study, parts: list[tracking.DataUsed]) -> tracking.DataUsed:
    """The data set of all partitions: a digest of their digests."""
    digest = hashlib.sha256("".join(part.digest for part in parts).encode()).hexdigest()[: len(parts[0].digest)]
    profile = dict(parts[0].profile)
    for key, joined in (("rows", sum), ("sites", sum), ("first", min), ("last", max)):
        profile[key] = joined([part.profile[key] for part in parts])
    name = Path(str(study.data.panel)).name
    return tracking.DataUsed(name, digest, str(study.data.panel), parts[0].columns, profile)


def _learnable(study: Study, span: Span, panel: Panel) -> pd.DataFrame:
    return events_of(study, panel).learnable(span)


def _told_of(name: str, stage: Callable[[str], None], text: str) -> None:
    stage(f"{name}: {text}")


def _refuse(study: Study) -> None:
    """Raise :class:`StudyError` for what needs all sites in memory."""
    sections = {
        "refit": study.refit,
        "value": study.value,
        "data.portfolio": study.data.portfolio,
        "data.forecasts": study.data.forecasts or None,
        "data.reanalysis": study.data.reanalysis or None,
        "data.holidays": study.data.holidays,
        "events.like": study.events.like,
        "events.file": study.events.file,
        "events.mask": study.events.mask,
        "events.truth": study.events.truth,
    }
    there = next((name for name, section in sections.items() if section is not None), None)
    if there is not None:
        raise StudyError(
            f"{there}: needs all sites in memory, and a folder of Parquet files is read some sites at a time: leave it out"
        )
    if study.aggregate != "per_site":
        raise StudyError(
            f"aggregate: {study.aggregate} needs all rows at once: of a folder of Parquet files take per_site"
        )
