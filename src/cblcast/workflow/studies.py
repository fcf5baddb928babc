"""Train, evaluate, score: the only conductor. Everything below it knows nothing of studies, stores or files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cblcast import plots, tracking
from cblcast.config import Study
from cblcast.forecast.answer import reads_only_own_features
from cblcast.forecast.backtest import backtest_banks
from cblcast.forecast.case_bank import banks_of
from cblcast.forecast.explain import explain_forecaster
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import names_pretrained
from cblcast.frames.cases import event_rows
from cblcast.frames.panel import Panel
from cblcast.frames.schema import ORIGIN, SITE
from cblcast.plots.style import figure_of
from cblcast.report.explanation import explanation_figures
from cblcast.report.figures import error_by_hour_figure, event_figure
from cblcast.workflow import run_notes as notes
from cblcast.workflow.by_lead import by_lead, lead_figures, lead_metrics
from cblcast.workflow.choosing import choose_method, training_span
from cblcast.workflow.in_the_box import praised_memory, with_pretrained
from cblcast.workflow.leaderboard import USUAL_COVERAGE, best_by, drift, leaderboard
from cblcast.workflow.refitting import due_model, log_drift, refit_params, refitted
from cblcast.workflow.registering import check_registration, registered
from cblcast.workflow.study_data import PreparedStudy, Progress, load_panel, prepare
from cblcast.workflow.study_page import log_page
from cblcast.workflow.study_result import StudyResult
from cblcast.workflow.valuing import study_value


def silent(_: str) -> None:
    """Progress that nobody watches."""


def run_study(study: Study, panel: Panel | None = None, progress: Progress = silent) -> StudyResult:
    """Train and judge every method of a study, without a store."""
    return judge(prepare(study, load_panel(study) if panel is None else panel), progress)


def judge(ready: PreparedStudy, progress: Progress = silent) -> StudyResult:
    """Train every method on the whole training span, once, and judge it on the test span; with ``refit:`` span by span."""
    forecasters, panel = ready.study.forecasters(), ready.panel
    if ready.study.refit is not None:
        result = refitted(ready, progress)
    else:
        test = banks_of(panel, forecasters.values(), ready.test)
        result = backtest_banks(panel, forecasters, test, ready.learned, progress=progress)
    board = leaderboard(ready.study, panel, result)
    if ready.study.value is not None:
        board = board.join(study_value(ready.study.value, panel, result.scored))
    by_span = None if ready.study.refit is None else drift(ready.study, panel, result)
    return StudyResult(board, result, drift=by_span, by_lead=by_lead(ready.study, panel, result))


def planned_steps(study: Study) -> int:
    """How often the progress of a study is told: as each method is judged, with ``refit:`` on each span, and tracked."""
    spans = 1 if study.refit is None else len(study.refit.refit().spans(*study.test))
    return (spans + 1) * len(study.methods)


def evaluate_study(
    study: Study, *, figures: bool = False, store: str | None = None, progress: Progress = silent
) -> StudyResult:
    """Leaderboard of a study, tracked; models are not stored, and figures of the methods are drawn if asked for.

    The pretrained baseline stands beside the methods; see :func:`cblcast.workflow.in_the_box.with_pretrained`.
    """
    beside, why_not = with_pretrained(study)
    result = _tracked(beside, store, progress, keep_models=False, figures=figures)
    result.notes = tuple(dict.fromkeys(filter(None, (why_not, *result.notes))))
    return result


def train_study(
    study: Study,
    *,
    register: str | None = None,
    alias: str | None = None,
    method: str | None = None,
    store: str | None = None,
    progress: Progress = silent,
) -> StudyResult:
    """Train and judge a study, store its models, and register one of them.

    What is trained when: every method that learns is fitted once, on the whole training span; that model is judged on
    the test span, stored, and registered if it is chosen. Only where one of several methods has to be chosen
    (`register` without `method`) is each of them that learns fitted a second time, on the older three quarters of the
    training days alone: a model that has seen the days on which methods are compared would be praised for its memory.
    Rules learn nothing and are never fitted; intervals that the study puts around a method are calibrated in the first
    training alone. The meter is read, the events are found and the features of the training events are looked up once
    for all of it; see :func:`cblcast.workflow.choosing.choose_method`.

    With ``refit:`` every method that learns is fitted anew for each span of the test, on all that ended before its gap; the
    model that is stored and registered is the one that would be due next, trained the same way up to the end of the test.

    Parameters
    ----------
    study : Study
    register, alias : str, optional
        Name and alias in the registry.
    method : str, optional
        Which method is registered. Unless given it is the one with the smallest nRMSE on the newest quarter of the
        TRAINING days; the test span is judged once and chooses nothing.
    store : str, optional
        MLflow store; see :func:`cblcast.tracking.store_uri`.
    """
    check_registration(study, register, alias, method)
    if register is not None and method is None and len(study.methods) > 1:
        training_span(study)
    return _tracked(study, store, progress, keep_models=True, register=register, alias=alias, method=method)


def _tracked(
    study: Study,
    store: str | None,
    progress: Progress,
    *,
    keep_models: bool,
    figures: bool = True,
    register: str | None = None,
    alias: str | None = None,
    method: str | None = None,
) -> StudyResult:
    tracking.check_store(store)
    stage = getattr(progress, "stage", silent)
    stage("reading the meter")
    panel = load_panel(study)
    stage("opening the store")
    settings, data = study.model_dump(mode="json"), notes.data_of(study, panel)
    tags = {} if study.refit is None else {tracking.REFIT: str(study.refit.refit())}
    note = notes.study_note(study, data)
    planned = len(study.methods)
    with tracking.study_run(study.study, settings, uri=store, tags=tags, planned=planned, note=note, data=data) as run:
        stage("looking features up")
        ready = prepare(study, panel)
        result = judge(ready, progress)
        result.run_id = run.run_id
        uris = {}
        for name in result.leaderboard.index:
            due = due_model(ready, name) if keep_models and study.refit is not None else None
            uris[name] = log_method(run, study, ready.panel, result, name, keep_models, figures, due)
            progress(f"tracked {name}")
        page = f"Its page: `cblcast report {run.run_id}`"
        if keep_models:
            stage("writing the page")
            page = log_page(run, study, ready.panel, result)
        log_board(run, study, result.leaderboard, page=page)
        if result.by_lead is not None:
            run.table("by_lead", result.by_lead, metrics=False)
        if result.drift is not None:
            log_drift(run, study, result.drift)
        if len(result.backtest.excluded):
            run.table("excluded", result.backtest.excluded, metrics=False)
    if register is not None:
        stage("choosing")
        chosen, why = (method, "named by the user") if method else choose_method(ready)
        result.registered = registered(
            study, result.leaderboard, uris[chosen], chosen, why, data, register, alias, store
        )
    own = praised_memory(study, panel) if any(map(names_pretrained, study.methods)) else ""
    result.notes = (own,) if own else ()
    return result


def log_board(
    run: Any,
    study: Study,
    board: pd.DataFrame,
    further: Mapping[str, Callable[[], Any]] | None = None,
    page: str = "",
) -> None:
    """Log the leaderboard with the run of a study: as a table, in words and as a picture; with `further` figures.

    The words lead to `page`: a link to the page about the study where one was logged, else the command that writes it.
    """
    run.table("leaderboard", board, metrics=False)
    by = best_by(study)
    some = bool(np.isfinite(board[by].to_numpy(dtype=float)).any())
    nominal = 100 * (study.intervals or USUAL_COVERAGE)
    height = 1.3 + 0.26 * min(len(board), 20)
    leaders = {"leaderboard": partial(figure_of, plots.leaderboard, board, by, nominal_pct=nominal, height=height)}
    run.summary(
        notes.board_note(study, board, page),
        params={**notes.question(study), **({"best": board.index[0]} if some else {})},
        metrics=notes.best_metrics(board) if some else {},
        figures={**(leaders if some else {}), **(further or {})},
        measures=[by, *(name for name in ("mpe", "bias", "coverage") if name in board.columns)],
        beneath=notes.board_table(study, board),
    )


def log_method(
    run: Any,
    study: Study,
    panel: Panel,
    result: StudyResult,
    name: str,
    keep_model: bool,
    figures: bool = True,
    due: Forecaster | None = None,
) -> str:
    """Log one method of a result as a child run, if wanted with figures and its model; returns the model's address.

    What a method rests on is drawn wherever the study asks for it (``explain: true``). `due` is the model that is stored
    where the study refits, see :func:`cblcast.workflow.refitting.due_model`.
    """
    scored = result.backtest.scored
    rows = scored[scored["method"] == name]
    forecaster = result.backtest.forecasters[name]
    drawn: dict[str, Callable[[], Any]] = {}
    if len(rows) and figures:
        drawn |= _figures(panel, rows, forecaster.name) | lead_figures(study, result.by_lead, rows, name)
    if len(rows) and study.explain and not reads_only_own_features(forecaster.estimator):
        drawn |= _explanation(panel, rows, forecaster)
    logged = run.method(
        name,
        params=tracking.method_words(forecaster) | refit_params(study, forecaster),
        metrics=notes.logged(result.leaderboard.select_dtypes("number").loc[name]) | lead_metrics(result.by_lead, name),
        scored=rows.reset_index(),
        figures=drawn,
        forecaster=(due or forecaster) if keep_model else None,
        example=None,
        tags=notes.method_tags(study, result.leaderboard, name, forecaster),
        note=notes.method_note(study, result.leaderboard, name, forecaster),
    )
    return str(logged.model_uri)


def _figures(panel: Panel, rows: pd.DataFrame, name: str) -> dict[str, Callable[[], Any]]:
    """Figures of a method's run: one event, and the error by hour."""
    return {
        "one_event": partial(event_figure, panel, rows, name),
        "error_by_hour": partial(error_by_hour_figure, panel, rows, name),
    }


def _explanation(panel: Panel, rows: pd.DataFrame, forecaster: Forecaster) -> dict[str, Callable[[], Any]]:
    """Figures of what a method rests on."""
    first, _ = event_rows(rows.index)
    stops = rows.index.get_level_values("time")[np.r_[first[1:], len(rows)] - 1] + panel.step
    index = rows.index[first]
    judged = pd.DataFrame({SITE: index.get_level_values(SITE), "start": index.get_level_values(ORIGIN), "stop": stops})
    cases = forecaster.cases(panel, judged)
    return explanation_figures(explain_forecaster(forecaster, panel, cases, repeats=3, max_events=300))
