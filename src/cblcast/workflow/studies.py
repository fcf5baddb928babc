"""Train, evaluate, score: the only conductor. Everything below it knows nothing of studies, stores or files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cblcast import tracking
from cblcast.config import Study
from cblcast.forecast.answer import reads_only_own_features
from cblcast.forecast.backtest import BacktestResult, backtest
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.explain import explain_forecaster
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import event_rows
from cblcast.frames.panel import Panel
from cblcast.frames.schema import ORIGIN, SITE, StudyError, nearest
from cblcast.report.explanation import explanation_figures
from cblcast.report.figures import error_by_hour_figure, event_figure
from cblcast.workflow.study_data import load_panel, study_events
from cblcast.workflow.valuing import study_value

Progress = Callable[[str], None]
VALIDATION_SHARE = 0.25  # of the training days, the newest, to choose the method that is registered


def silent(_: str) -> None:
    """Progress that nobody watches."""


@dataclass
class StudyResult:
    """What a study leaves behind.

    Attributes
    ----------
    leaderboard : DataFrame, index method
        The study's metrics, best first, ``n_events``, ``n_excluded``, ``train_s``, ``predict_s``.
    backtest : BacktestResult
    registered : dict or None
        ``name``, ``version``, ``alias``, ``method``, ``chosen_by``.
    run_id : str
        Parent run in the store.
    """

    leaderboard: pd.DataFrame
    backtest: BacktestResult
    run_id: str = ""
    registered: dict[str, Any] | None = None


def run_study(study: Study, panel: Panel | None = None, progress: Progress = silent) -> StudyResult:
    """Train and judge every method of a study, without a store."""
    panel = load_panel(study) if panel is None else panel
    train_events, test_events = study_events(study, panel)
    result = backtest(panel, study.forecasters(), test_events, train_events, progress=progress)
    board = leaderboard(study, panel, result)
    if study.value is not None:
        board = board.join(study_value(study.value, panel, result.scored))
    return StudyResult(board, result)


def leaderboard(study: Study, panel: Panel, result: BacktestResult) -> pd.DataFrame:
    """The study's metrics by method, smallest nRMSE first; methods that estimated nothing stand at the end, NaN."""
    metrics = list(study.metrics)
    if study.intervals is not None:
        metrics += [name for name in ("coverage", "interval_width") if name not in metrics]
    table = evaluate(result.scored, ["method"], metrics, study.aggregate, scale_of(study, panel))
    table = table.reindex(list(result.forecasters))
    for column in ("n_events", "n_sites"):
        table[column] = table[column].fillna(0).astype(int)
    table["n_excluded"] = result.excluded.groupby("method").size().reindex(table.index).fillna(0).astype(int)
    seconds = pd.DataFrame(result.seconds).T.reindex(table.index)
    best_by = next(name for name in ("nrmse", "rmse", "mape", *metrics) if name in metrics)
    return table.join(seconds).sort_values(best_by, kind="stable")


def scale_of(study: Study, panel: Panel) -> str | pd.Series:
    """What nRMSE divides by: the mean load, or each site's rated power."""
    if study.scale == "mean":
        return "mean"
    if "rated_kw" not in panel.sites.columns or panel.sites["rated_kw"].isna().any():
        raise StudyError("scale: rated_kw needs rated_kw of every site: add it to the site table, or use scale: mean")
    return panel.sites["rated_kw"].astype(float)


def evaluate_study(study: Study, *, store: str | None = None, progress: Progress = silent) -> StudyResult:
    """Leaderboard of a study, tracked; models are not stored."""
    return _tracked(study, store, progress, keep_models=False)


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
    if method is not None and method not in study.forecasters():
        raise StudyError(f"the study has no method {method!r}: {nearest(method, study.forecasters())}")
    if alias is not None and register is None:
        raise StudyError("an alias needs a name: add --register NAME")
    return _tracked(study, store, progress, keep_models=True, register=register, alias=alias, method=method)


def _tracked(
    study: Study,
    store: str | None,
    progress: Progress,
    *,
    keep_models: bool,
    register: str | None = None,
    alias: str | None = None,
    method: str | None = None,
) -> StudyResult:
    panel = load_panel(study)
    settings = study.model_dump(mode="json")
    with tracking.study_run(study.study, settings, uri=store) as run:
        result = run_study(study, panel, progress)
        result.run_id = run.run_id
        uris = {}
        for name in result.leaderboard.index:
            uris[name] = log_method(run, study, panel, result, name, keep_models)
            progress(f"tracked {name}")
        run.table("leaderboard", result.leaderboard)
        if len(result.backtest.excluded):
            run.table("excluded", result.backtest.excluded, metrics=False)
    if register is not None:
        chosen, why = (method, "named by the user") if method else choose_method(study, panel)
        version = tracking.register(uris[chosen], register, alias, uri=store)
        result.registered = {"name": register, "version": version, "alias": alias, "method": chosen, "chosen_by": why}
    return result


def log_method(run: Any, study: Study, panel: Panel, result: StudyResult, name: str, keep_model: bool) -> str:
    """Log one method of a result as a child run, with figures and, if wanted, its model; returns the model's address."""
    scored = result.backtest.scored
    rows = scored[scored["method"] == name]
    forecaster = result.backtest.forecasters[name]
    row = result.leaderboard.loc[name].dropna()
    figures = {} if rows.empty else _figures(study, panel, rows, forecaster)
    logged = run.method(
        name,
        params=method_params(forecaster),
        metrics={key: float(value) for key, value in row.items()},
        scored=rows.reset_index(),
        figures=figures,
        forecaster=forecaster if keep_model else None,
        example=None,
    )
    return str(logged.model_uri)


def _figures(study: Study, panel: Panel, rows: pd.DataFrame, forecaster: Forecaster) -> dict[str, Callable[[], Any]]:
    """Figures of a method's run: one event, the error by hour, and what it rests on where the study asks for it."""
    figures: dict[str, Callable[[], Any]] = {
        "one_event": partial(event_figure, panel, rows, forecaster.name),
        "error_by_hour": partial(error_by_hour_figure, panel, rows, forecaster.name),
    }
    if study.explain and not reads_only_own_features(forecaster.estimator):
        first, _ = event_rows(rows.index)
        stops = rows.index.get_level_values("time")[np.r_[first[1:], len(rows)] - 1] + panel.step
        index = rows.index[first]
        judged = pd.DataFrame(
            {SITE: index.get_level_values(SITE), "start": index.get_level_values(ORIGIN), "stop": stops}
        )
        explanation = explain_forecaster(forecaster, panel, forecaster.cases(panel, judged), repeats=3, max_events=300)
        figures |= explanation_figures(explanation)
    return figures


def method_params(forecaster: Forecaster) -> dict[str, Any]:
    """Parameters of a method, flat, as a run shows them."""
    estimator = {
        key: value
        for key, value in forecaster.estimator.get_params(deep=True).items()
        if not hasattr(value, "get_params")
    }
    features = {
        f"features.{name}.{key}": value for name, params in forecaster.features.items() for key, value in params.items()
    }
    return {
        "class": type(forecaster.estimator).__name__,
        **estimator,
        **features,
        "features": ", ".join(forecaster.features),
        "view": str(forecaster.view),
    }


def choose_method(study: Study, panel: Panel) -> tuple[str, str]:
    """The method to register, chosen on the newest quarter of the training days alone."""
    names = list(study.forecasters())
    if len(names) == 1:
        return names[0], "the only method"
    if study.train is None:
        raise StudyError(
            "the study has no train: span, so nothing can choose among its methods: name one with --method"
        )
    first, last = (pd.Timestamp(day) for day in study.train)
    cut = last - (last - first) * VALIDATION_SHARE
    inner = study.model_copy(
        update={
            "train": (str(first.date()), str((cut - pd.Timedelta(days=1)).date())),
            "test": (str(cut.date()), str(last.date())),
        }
    )
    board = run_study(inner, panel).leaderboard
    measure = "nrmse" if "nrmse" in board else study.metrics[0]
    return str(board.index[0]), f"smallest {measure} from {cut.date()} to {last.date()}, inside the training span"
