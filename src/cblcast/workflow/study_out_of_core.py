"""A study whose meters are a folder of Parquet files: its methods are trained out of core, and judged some sites at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter

import pandas as pd

from cblcast import tracking
from cblcast.abilities import learns
from cblcast.config import Study
from cblcast.forecast.backtest import BacktestResult
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, StudyError
from cblcast.scaling import Asked, Outcome, cut
from cblcast.scaling.digest import digest_of
from cblcast.scaling.journal import piece_digest
from cblcast.scaling.outcome import FAILURE_COLUMNS
from cblcast.scaling.pooled_features import Training
from cblcast.scaling.pooled_fit import check_learns_from_disk
from cblcast.scaling.pooled_training import StorePortion, described, train_portions
from cblcast.scaling.stores import Cut
from cblcast.scaling.training_folder import TrainingFolder, training_folder
from cblcast.scaling.watched import InWords
from cblcast.workflow import run_notes as notes
from cblcast.workflow.judging_over_store import (
    EXCLUDED,
    MEASURES,
    SECONDS,
    USED,
    JudgeTrained,
    Learnable,
    board_of_sites,
    data_used,
)
from cblcast.workflow.registering import check_registration, registered
from cblcast.workflow.settlement_case import open_sites
from cblcast.workflow.study_data import Progress
from cblcast.workflow.study_result import StudyResult
from cblcast.workflow.working import ALONE, Working, is_store


def names_store(study: Study, working: Working = ALONE) -> bool:
    """Whether the meters of a study are worked through in parts.

    They are where they are a folder that holds Parquet files, itself or in its folders, and one Parquet file where that was
    asked for.

    Raises
    ------
    StudyError
        Work in parts was asked for, and the meters are no Parquet files.
    """
    path = Path(str(study.data.panel)) if study.data.panel is not None else None
    if path is not None and path.is_dir():
        return next(path.rglob("*.parquet"), None) is not None
    if path is None and working.wanted:
        raise StudyError(
            "--workers works through a .parquet file, or a folder of them: name it in data.panel, or leave --workers out"
        )
    return path is not None and working.wanted and is_store(path, working)


WEIGHT = 5  # features of learned methods take some 26 bytes for one byte of readings, settlements 6
Judged = tuple[StudyResult, tracking.DataUsed, Outcome]


def train_and_judge(
    study: Study,
    progress: Progress,
    working: Working = ALONE,
    beside: Path | None = None,
    then: Callable[[StudyResult, tracking.DataUsed], None] = lambda result, used: None,
) -> Judged:
    """Train every method that learns on the training span of all sites, and judge all methods on the test span.

    Parameters
    ----------
    working : Working
        Who works, and whether a training that was killed is gone on with.
    beside : Path, optional
        Finished parts are kept beside this file, in ``NAME.parts``, where `working` names no folder; nowhere without.
    then : callable
        What is done with the result, before what only served to go on is taken away.

    Returns
    -------
    result : StudyResult
    used : DataUsed
    outcome : Outcome
        Of the judging; its failures are those of the training, too.

    Raises
    ------
    StudyError
        A section of the study that needs all sites in memory; a method that learns from all rows at once.
    """
    _refuse(study)
    for forecaster in study.forecasters().values():
        check_learns_from_disk(forecaster.estimator)
    store, sites = open_sites(Path(str(study.data.panel)), study.data.reader)
    if study.data.sites is not None:
        sites = sites.loc[sites.index.isin(list(study.data.sites))]
    asked = working.asked(Path(str(study.data.panel)), beside)
    with training_folder(asked.parts, digest_of(study), asked.resume, asked.keep) as folder:
        size = folder.size(lambda: replace(asked, parts=None).size_for(store, WEIGHT))
        parts = cut(store, sites, size)
        if not parts.pieces:
            raise DataError(f"no site of the study is in {store.name}: check sites:")
        with asked.at_hand(parts.bytes) as hands:
            trained = _train(study, parts, folder, replace(hands, parts=None), progress)
            result, used, outcome = _judge(study, parts, folder, hands, trained, progress)
        then(result, used)
        if not outcome.partial:
            folder.done()
    return result, used, outcome


def train_study_store(
    study: Study,
    *,
    register: str | None = None,
    alias: str | None = None,
    method: str | None = None,
    store: str | None = None,
    progress: Progress,
    working: Working = ALONE,
    beside: Path | None = None,
) -> tuple[StudyResult, Outcome]:
    """As :func:`cblcast.workflow.studies.train_study`, of a study whose meters need not fit into memory.

    The method to register is named, or the only one: choosing one of several would train each of them twice.
    """
    check_registration(study, register, alias, method)
    if register is not None and method is None and len(study.methods) > 1:
        raise StudyError("several methods are trained on a store: name the one to register (--method NAME)")
    tracking.check_store(store)

    def track(result: StudyResult, data: tracking.DataUsed) -> None:
        uris = _tracked(study, result, data, store, progress)
        if register is not None:
            chosen = method or str(result.leaderboard.index[0])
            why = "named by the user" if method else "the only method"
            board = result.leaderboard
            result.registered = registered(study, board, uris[chosen], chosen, why, data, register, alias, store)

    result, _, outcome = train_and_judge(study, progress, working, beside, track)
    return result, outcome


def _tracked(
    study: Study, result: StudyResult, data: tracking.DataUsed, store: str | None, progress: Progress
) -> dict[str, str]:
    """Log the methods with their models, and the leaderboard; the address of each model."""
    settings, board, uris = study.model_dump(mode="json"), result.leaderboard, dict[str, str]()
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
    return uris


@dataclass(frozen=True)
class _Trained:
    """The methods of a study, trained; what they are made from, how long it took, and what was left out."""

    forecasters: dict[str, Forecaster]
    question: str
    seconds: dict[str, float]
    failures: pd.DataFrame


def _train(study: Study, parts: Cut, folder: TrainingFolder, asked: Asked, progress: Progress) -> _Trained:
    """Train the methods one after another; each that is finished is kept."""
    stage = getattr(progress, "stage", progress)
    forecasters, seconds, lost, questions = study.forecasters(), dict[str, float](), [], []
    files = [piece_digest("", piece) for piece in parts.pieces]
    for number, (name, forecaster) in enumerate(forecasters.items()):
        began, whole = perf_counter(), True
        question = digest_of(files, described(forecaster.estimator), number)
        if not learns(forecaster.estimator):
            first = _first_panel(parts)
            forecaster.know(first)
            everybody = pd.concat([piece.sites for piece in parts.pieces]).sort_index()
            forecaster.sites = everybody.reindex(columns=first.sites.columns)
        elif study.train is None:
            raise StudyError(f"{name} must be trained: give the study a train: span")
        elif (known := folder.model(number, question)) is not None:
            forecasters[name] = known
            stage(f"{name}: trained before")
        else:
            learnable = Learnable(study, study.train)
            portions = [StorePortion(piece, learnable) for piece in parts.pieces]
            training = Training(asked, study, parts.faults, parts.size)
            told = partial(_told_of, name, stage)
            lost.append(train_portions(forecaster, portions, folder.features(number), progress=told, training=training))
            whole = lost[-1].empty
        if forecasters[name] is forecaster:
            folder.keep_model(number, forecaster, question if whole else "")
            if whole:
                folder.forget_features(number)
        questions.append(question)
        seconds[name] = perf_counter() - began
    failures = pd.concat(lost, ignore_index=True) if lost else pd.DataFrame(columns=FAILURE_COLUMNS, dtype="str")
    # What was trained without some sites is another model once they are mended.
    return _Trained(forecasters, digest_of(questions, failures), seconds, failures)


def _first_panel(parts: Cut) -> Panel:
    """The panel of the first partition that can be read."""
    told: DataError | None = None
    for piece in parts.pieces:
        try:
            return piece.panel()
        except DataError as error:
            told = told or error
    assert told is not None
    raise told


def _judge(
    study: Study, parts: Cut, folder: TrainingFolder, asked: Asked, trained: _Trained, progress: Progress
) -> Judged:
    """Measures of every method by site, some sites at a time, and their mean over sites."""
    stage = getattr(progress, "stage", progress)
    names = list(trained.forecasters)
    models = {name: str(folder.model_path(number).absolute()) for number, name in enumerate(names)}
    work = JudgeTrained(study, models, trained.question)
    own = folder.judged(trained.question)
    outcome = replace(asked, parts=own, progress=InWords(stage, "judged")).over(work, parts, ("judged", study))
    for name in names:
        progress(name)
    left_out = outcome.table(EXCLUDED).reset_index(drop=True)
    measures = outcome.table(MEASURES)
    if measures.empty:
        why = left_out["reason"].iloc[0] if len(left_out) else "there is none in the test span"
        raise DataError(f"no event could be estimated; the first reason: {why}")
    board = board_of_sites(study, measures, left_out, names)
    predicted = outcome.table(SECONDS).groupby("method")["predict_s"].sum()
    seconds = {name: {"train_s": trained.seconds[name], "predict_s": float(predicted[name])} for name in names}
    board = board.join(pd.DataFrame(seconds).T)
    result = BacktestResult(pd.DataFrame(), left_out, forecasters=trained.forecasters, seconds=seconds)
    failures = pd.concat([trained.failures, outcome.failures], ignore_index=True)
    told = replace(outcome, failures=failures.drop_duplicates(["site_id", "reason"], ignore_index=True))
    return StudyResult(board, result), data_used(study, outcome.table(USED)), told


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
