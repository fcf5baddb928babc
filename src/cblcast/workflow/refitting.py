"""Studies that refit: judged span by span, the drift of the error, and the models that are due when the last span is over."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast.abilities import learns
from cblcast.config import Study
from cblcast.forecast.backtest import BacktestResult
from cblcast.forecast.case_bank import banks_of
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.refit import RefitCases, ended_by, refit_banks
from cblcast.report.drift import drift_figure
from cblcast.workflow.leaderboard import best_by, how_refitted
from cblcast.workflow.study_data import PreparedStudy, Progress


def refitted(ready: PreparedStudy, progress: Progress) -> BacktestResult:
    """Every method of a study with ``refit:``, trained anew for each span of the test and judged on it."""
    study, panel = ready.study, ready.panel
    forecasters = study.forecasters()
    test = banks_of(panel, forecasters.values(), ready.test)
    spans = study.refit.refit().spans(*study.test)  # type: ignore[union-attr]
    return refit_banks(panel, forecasters, RefitCases(ready.test, ready.train, test, ready.learned), spans, progress)


def due_model(ready: PreparedStudy, method: str) -> Forecaster:
    """A method of a refitted study as the next span would use it: trained on all that ended before the gap.

    This is what is stored and registered. What was judged are the models of the spans before, trained the same way.
    """
    forecaster = ready.study.forecasters()[method]
    if not learns(forecaster.estimator):
        forecaster.know(ready.panel)
        return forecaster
    until = learned_until(ready.study)
    ready.learned[forecaster.view].part(ended_by(ready.panel, ready.train, until)).fit(forecaster)
    return forecaster


def learned_until(study: Study) -> str:
    """The last local date that the model which is due after a refitted test has learned from."""
    return study.refit.refit().following(study.test[1]).learned_until  # type: ignore[union-attr]


def refit_params(study: Study, forecaster: Forecaster) -> dict[str, Any]:
    """What a method's run says of its training: ``refit``, and ``learned_until`` of the stored model."""
    if study.refit is None:
        return {}
    until = {"learned_until": learned_until(study)} if learns(forecaster.estimator) else {}
    return {"refit": how_refitted(study, forecaster), **until}


def log_drift(run: Any, study: Study, table: pd.DataFrame) -> None:
    """The drift of a refitted study in its run: ``drift.csv`` and ``drift.png``."""
    run.table("drift", table, metrics=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drift.png"
        drift_figure(table, best_by(study), str(study.refit.refit())).savefig(path)  # type: ignore[union-attr]
        run.artifact(path)
