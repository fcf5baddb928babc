"""Tune a method of a study on its training days, judge the winner once on the test days, and register it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast import plots, tracking
from cblcast.config import Study, make_study, method_name, view_of
from cblcast.frames.schema import StudyError, nearest
from cblcast.plots.leaderboard import measure_words
from cblcast.plots.style import figure_of
from cblcast.tuning import Trial, TuneResult, tune
from cblcast.workflow import run_notes as notes
from cblcast.workflow.registering import registered
from cblcast.workflow.studies import Progress, log_board, log_method, run_study, silent
from cblcast.workflow.study_data import load_panel, study_events
from cblcast.workflow.study_page import log_page
from cblcast.workflow.study_result import StudyResult

JOURNAL = Path("models") / "tuning.journal"


@dataclass
class TunedStudy:
    """What a tuning leaves behind.

    Attributes
    ----------
    search : TuneResult
    judged : StudyResult
        The method as given and as tuned, on the test span.
    run_id : str
    registered : dict or None
    """

    search: TuneResult
    judged: StudyResult
    run_id: str
    registered: dict[str, Any] | None = None


def tune_study(
    study: Study,
    method: str | None = None,
    *,
    trials: int = 50,
    folds: int = 4,
    metric: str = "nrmse",
    seed: int = 0,
    seconds: float | None = None,
    journal: Path | None = JOURNAL,
    register: str | None = None,
    alias: str | None = None,
    store: str | None = None,
    progress: Progress = silent,
) -> TunedStudy:
    """Search the parameters of one method of a study.

    Parameters
    ----------
    study : Study
        Needs a ``train:`` span; the search sees nothing else.
    method : str, optional
        Which method; the only one unless given.
    trials, folds, metric, seed, seconds
        See :func:`cblcast.tuning.tune`.
    journal : path or None
        Where trials are kept, so that a killed search goes on where it stopped; None keeps nothing.
    register, alias : str, optional
        Register the tuned method, trained on the whole training span.
    store : str, optional

    Raises
    ------
    StudyError
        No training span, an unknown method, or a method without anything to search.
    """
    spec = _method_of(study, method)
    name = method_name(spec)
    if study.train is None:
        raise StudyError(f"{study.study} has no train: span to tune on: add train: [first, last]")
    if alias is not None and register is None:
        raise StudyError("an alias needs a name: add --register NAME")
    if register is not None:
        tracking.check_name(register)
    tracking.check_store(store)
    panel = load_panel(study)
    events, _ = study_events(study, panel)
    own = spec if isinstance(spec, dict) else {}
    searched = (
        spec
        if isinstance(spec, str)
        else {key: value for key, value in spec.items() if key not in ("name", "view", "features")}
    )
    features = own.get("features", study.features)
    data = notes.data_of(study, panel)
    with tracking.study_run(
        f"{study.study}-tuning",
        study.model_dump(mode="json"),
        uri=store,
        tags={"tuned": name},
        planned=2,  # the method as it was given, and as it was tuned
        note=notes.study_note(study, data),
        data=data,
    ) as run:

        def tell(trial: Trial) -> None:
            run.trial(trial.number, short_names(trial.params), trial.value, tracking.metric_name(metric))
            progress(f"trial {trial.number}: {trial.value:.3f}")

        search = tune(
            panel,
            events,
            searched,
            view=view_of(own.get("view", study.view)),
            trials=trials,
            folds=folds,
            features={key: params or {} for key, params in features.items()},
            metric=metric,
            seed=seed,
            seconds=seconds,
            storage=_ready(journal),
            name=f"{study.study}/{name}",
            on_trial=tell,
        )
        run.table("trials", search.trials, metrics=False)
        kept: dict[str, Any] = {key: own[key] for key in ("view", "features") if key in own}
        tuned: dict[str, Any] = {**search.best_spec, **kept, "name": f"{name} tuned"}
        pair = make_study({**study.model_dump(exclude_unset=True), "methods": [spec, tuned]})
        judged = run_study(pair, panel, progress)
        uris = {row: log_method(run, pair, panel, judged, row, keep_model=True) for row in judged.leaderboard.index}
        page = log_page(run, pair, panel, judged)
        log_board(run, pair, judged.leaderboard, _search_figures(search, metric), page)
        result = TunedStudy(search, judged, run.run_id)
    if register is not None:
        chosen, why = str(tuned["name"]), f"{metric} over {folds} folds of the training days"
        result.registered = registered(
            pair, judged.leaderboard, uris[chosen], chosen, why, data, register, alias, store
        )
    return result


def _search_figures(search: TuneResult, metric: str) -> dict[str, Callable[[], Any]]:
    """How the search went, and which parameter mattered."""
    words = measure_words(metric)
    drawn: dict[str, Callable[[], Any]] = {}
    drawn["tuning_history"] = partial(figure_of, plots.tuning_history, search.trials, search.given_value, words)
    if search.importance:
        drawn["tuning_importance"] = partial(figure_of, plots.tuning_importance, search.importance, height=2.4)
    return drawn


def _method_of(study: Study, method: str | None) -> str | dict[str, Any]:
    by_name = {method_name(spec): spec for spec in study.methods}
    if method is None and len(by_name) == 1:
        return study.methods[0]
    if method is None:
        raise StudyError(
            f"the study has {len(by_name)} methods: name the one to tune with --method ({', '.join(by_name)})"
        )
    if method not in by_name:
        raise StudyError(f"the study has no method {method!r}: {nearest(method, by_name)}")
    return by_name[method]


def _ready(journal: Path | None) -> Path | None:
    if journal is not None:
        journal.parent.mkdir(parents=True, exist_ok=True)
    return journal


def trials_table(search: TuneResult, most: int = 10) -> pd.DataFrame:
    """The best trials, best first; without the column of reasons where none failed."""
    table = search.trials.sort_values("value", kind="stable").head(most).reset_index()
    table = table if (table["reason"] != "").any() else table.drop(columns="reason")
    return table.set_axis(list(short_names(dict.fromkeys(table.columns))), axis=1)


def short_names(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters by the last part of their path (``x`` of ``estimator__x``) where that says which one is meant."""
    ends = [str(path).rpartition("__")[2] for path in params]
    return {
        end if ends.count(end) == 1 else path: value for (path, value), end in zip(params.items(), ends, strict=True)
    }
