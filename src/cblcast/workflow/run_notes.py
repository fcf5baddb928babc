"""What experiments, runs and registered models say of themselves in the store: data, span, error, method, how to use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast import tracking
from cblcast.config import Study
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.panel import Panel
from cblcast.metrics import UNITS
from cblcast.plots.leaderboard import measure_words
from cblcast.workflow.leaderboard import best_by

_SUFFIX = {"pct": " %", "kw": " kW"}
_SHOWN = 10  # methods in a note


def data_of(study: Study, panel: Panel) -> tracking.DataUsed:
    """The data set of a study, for its runs."""
    file = study.data.panel
    name = study.data.dataset or Path(str(file)).name
    return tracking.data_used(panel, str(name), f"cblcast data set {name}" if file is None else str(file))


def question(study: Study) -> dict[str, str]:
    """What a study asks, a line each: also the parameters of its run."""
    events = study.events
    if events.every_min is not None:
        hours = f"a nowcast every {events.every_min} min, {events.horizon_min} min ahead"
    elif events.file is not None:
        hours = f"events of {Path(events.file).name}"
    else:
        days = events.days if isinstance(events.days, str) else ", ".join(events.days)
        hours = f"{events.start}-{events.stop}, {days} days"
    asked = {"data": study.data.dataset or Path(str(study.data.panel)).name, "events": hours}
    if study.train is not None:
        asked["train"] = f"{study.train[0]} to {study.train[1]}"
    return {**asked, "test": f"{study.test[0]} to {study.test[1]}", "methods": str(len(study.methods))}


def study_note(study: Study, data: tracking.DataUsed) -> str:
    """Of the experiment."""
    seen = data.profile
    lines = [
        f"**{study.study}**: {study.description or 'a study of cblcast'}",
        "",
        f"- data: {data.name}, {_sites(data)}, {seen['step_min']:g} min, {seen['first'][:10]} to {seen['last'][:10]}",
        *(f"- {key}: {value}" for key, value in question(study).items() if key not in ("data", "methods")),
        "",
        "A run of the study holds one run a method. `cblcast ui` opens the methods, best first; to compare some, mark them and "
        "press Compare.",
    ]
    return "\n".join(lines)


def board_note(study: Study, board: pd.DataFrame, page: str = "") -> str:
    """Of the run of a study: the verdict and `page`, which leads to the page about it, in one paragraph.

    MLflow folds a description after some 40 pixels, and what lies beneath cannot be clicked until somebody unfolds it.
    """
    by = best_by(study)
    known = board[np.isfinite(board[by].to_numpy(dtype=float))]
    if known.empty:
        return "No method estimated an event: see excluded.csv for the reasons."
    first = known.iloc[0]
    verdict = f"**{known.index[0]} is best: {measure_words(by, unit=False)} {_told(by, first[by])} over {int(first['n_events'])} events**"
    if len(known) > 1:
        verdict += f"; next {known.index[1]} with {_told(by, known[by].iloc[1])}"
    return f"{verdict}. {page}".rstrip()


def board_table(study: Study, board: pd.DataFrame) -> str:
    """Of the run of a study, beneath the pictures: the first of the leaderboard; empty where no method has a number."""
    by = best_by(study)
    known = board[np.isfinite(board[by].to_numpy(dtype=float))]
    if known.empty:
        return ""
    columns = [name for name in (by, "mpe", "mape", "coverage", "n_events") if name in known.columns]
    columns = list(dict.fromkeys(columns))
    head = [measure_words(name) if name in UNITS else "events" for name in columns]
    rows = [
        f"| {str(name).replace('|', '&#124;')} | "
        + " | ".join(f"{row[key]:.0f}" if key == "n_events" else f"{row[key]:.2f}" for key in columns)
        + " |"
        for name, row in known.head(_SHOWN).iterrows()
    ]
    return "\n".join([f"| method | {' | '.join(head)} |", f"|---|{'---:|' * len(columns)}", *rows])


def method_note(study: Study, board: pd.DataFrame, name: str, forecaster: Forecaster) -> str:
    """Of the run of a method: its place, its errors, what it is."""
    row, place = board.loc[name], list(board.index).index(name) + 1
    errors = [f"{measure_words(key, unit=False)} {_told(key, row[key])}" for key in board.columns if key in UNITS]
    what = (type(_innermost(forecaster.estimator)).__doc__ or "").strip().partition("\n")[0]
    return (
        f"**{name}: place {place} of {len(board)}** by {measure_words(best_by(study), unit=False)}; {', '.join(errors)}; "
        f"{int(row['n_events'])} events judged, {int(row.get('n_excluded', 0))} not estimated.\n\n{what}"
    )


def version_note(study: Study, board: pd.DataFrame, method: str, chosen_by: str, data: tracking.DataUsed) -> str:
    """Of a version in the registry: data, span, error, method."""
    errors = ", ".join(
        f"{measure_words(key, unit=False)} {_told(key, board.loc[method, key])}"
        for key in board.columns
        if key in UNITS
    )
    asked = question(study)
    return "\n".join(
        [
            f"{method} of the study {study.study}.",
            "",
            f"- data: {data.name} ({_sites(data)}, {data.profile['step_min']:g} min, digest {data.digest})",
            f"- events: {asked['events']}",
            f"- trained on: {asked.get('train', 'nothing: a rule')}",
            f"- error on {asked['test']}: {errors} ({int(board.loc[method, 'n_events'])} events)",
            f"- chosen by: {chosen_by}",
        ]
    )


def use_note(name: str, alias: str | None, version: str = "1") -> str:
    """Of a registered model: how it is asked."""
    address = f"models:/{name}@{alias}" if alias else f"models:/{name}/{version}"
    return "\n".join(
        [
            "What the meter would have read [kW], with limits. Each version says what it learned from and how far it errs.",
            "",
            "```sh",
            f"cblcast score --model {address} --data meter.csv --events events.csv --out baseline.csv",
            "```",
            "",
            "```python",
            f'mlflow.pyfunc.load_model("{address}").predict(frame)  # site_id, time, observed_kw, estimate',
            "```",
        ]
    )


def version_tags(study: Study, method: str, data: tracking.DataUsed) -> dict[str, str]:
    """Of a version in the registry, to be filtered by."""
    return {"study": study.study, "method": method, "data": data.name}


def method_tags(study: Study, board: pd.DataFrame, name: str, forecaster: Forecaster) -> Mapping[str, str]:
    """Of the run of a method, to be filtered by."""
    words = tracking.method_words(forecaster)
    inner = words.get("rule") or words.get("learner", "")
    best = "yes" if len(board) and name == board.index[0] else "no"
    return {"study": study.study, "family": inner, "learns": "no" if "rule" in words else "yes", "best": best}


def best_metrics(board: pd.DataFrame) -> dict[str, float]:
    """Numbers of the run of a study: the errors of its best method."""
    first = board.iloc[0]
    return {
        f"best/{name}": value for name, value in logged(first[[key for key in board.columns if key in UNITS]]).items()
    }


def logged(row: pd.Series) -> dict[str, float]:
    """Numbers of a leaderboard's row as they are logged: by name with unit, six digits, which is more than anyone compares."""
    return {tracking.metric_name(str(key)): float(f"{float(value):.6g}") for key, value in row.dropna().items()}


def _sites(data: tracking.DataUsed) -> str:
    count = data.profile["sites"]
    return f"{count} site{'s' if count != 1 else ''}"


def _innermost(estimator: Any) -> Any:
    while hasattr(estimator.get_params(deep=False).get("estimator"), "get_params"):
        estimator = estimator.get_params(deep=False)["estimator"]
    return estimator


def _told(measure: str, value: float) -> str:
    return f"{value:.2f}{_SUFFIX.get(UNITS.get(measure, ''), '')}"
