"""Tuning: choose the parameters of a method by its error on left-out days, resumable after a kill."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cblcast.abilities import learns
from cblcast.estimators.ranges import SearchRange
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, StudyError
from cblcast.tuning.folds import EventFolds
from cblcast.tuning.importance import importances
from cblcast.tuning.journal import check_same_search, open_study
from cblcast.tuning.space import current_params, draw, search_space, spec_of, widest, with_params

if TYPE_CHECKING:
    import optuna

REAL_TIME = View.real_time()
_LEAST_ESTIMATED = 0.98  # of what the method as given estimates: parameters must not win by dropping hard events
_GIVEN, _REASON = "given", "reason"


@dataclass(frozen=True)
class Trial:
    """One trial, as the callback of :func:`tune` gets it.

    Attributes
    ----------
    number : int
        Trial 0 is the method as it was given, where that lies within the ranges.
    params : dict path -> value
    value : float
        Mean error over the folds; over those finished when pruned, NaN when failed.
    state : {"complete", "pruned", "failed"}
    seconds : float
    reason : str
        Why it failed.
    """

    number: int
    params: dict[str, Any]
    value: float
    state: str
    seconds: float
    reason: str = ""


@dataclass(frozen=True, eq=False)
class TuneResult:
    """What :func:`tune` leaves behind.

    Attributes
    ----------
    best_spec : dict
        The best method as a study writes it.
    best_params : dict path -> value
    best_value : float
        Its mean error over the folds; optimistic, since it was chosen by it: judge it on the test span.
    given_value : float
        Error of the method as it was given.
    trials : DataFrame, index number
        ``state``, ``value``, ``seconds``, ``reason`` and one column per searched parameter; earlier runs included.
    forecaster : Forecaster or None
        The best method trained on all training events, when asked for.
    without_history : int
        Training events that judged no trial, since the candidate that looks back furthest has no history for them.
    importance : dict path -> float
        Share of the variation of the error that each parameter accounts for (functional ANOVA, Hutter, Hoos and Leyton-Brown 2014);
        empty with fewer than four trials that were carried to the end.
    """

    best_spec: dict[str, Any]
    best_params: dict[str, Any]
    best_value: float
    given_value: float
    trials: pd.DataFrame
    forecaster: Forecaster | None = field(default=None)
    without_history: int = 0
    importance: dict[str, float] = field(default_factory=dict)


def tune(
    panel: Panel,
    events: pd.DataFrame,
    method: str | Mapping[str, Any],
    *,
    view: View = REAL_TIME,
    features: Mapping[str, Mapping[str, Any]] | None = None,
    space: Mapping[str, Any] | None = None,
    trials: int = 50,
    folds: int = 4,
    metric: str = "nrmse",
    seed: int = 0,
    storage: Path | None = None,
    name: str | None = None,
    seconds: float | None = None,
    refit: bool = False,
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> TuneResult:
    """Search the parameters of a method.

    Every trial is judged on `folds` blocks of consecutive days, trained on the others; a trial that is worse than the
    median of earlier ones at the same fold is given up. The method as it was given stands where no trial is better.

    Parameters
    ----------
    panel : Panel
    events : DataFrame
        Training events; test events are not to be among them.
    method : str or mapping
        As in a study.
    view : View
    features : mapping builder -> params, optional
        Builders beyond those that the method requires.
    space : mapping path -> range or None, optional
        Changes of the declared ranges; see :func:`cblcast.tuning.space.search_space`.
    trials : int
        Finished trials in all, those of earlier runs with the same `storage` and `name` included.
    folds, metric
        See :class:`~cblcast.tuning.folds.EventFolds`.
    seed : int
    storage : path, optional
        Journal file. A run that was killed is continued by the same call; without a file nothing is kept.
    name : str, optional
        Name of the search within the file; the method's unless given.
    seconds : float, optional
        No further trial is begun after this time [s].
    refit : bool
        Train the best method on all events.
    on_trial : callable
        Told every trial of this run when it is finished.

    Raises
    ------
    StudyError
        Unknown method, parameter or metric; a bad range; a file that holds another search of this name.
    DataError
        Too few days; no trial could be judged.
    """
    import optuna

    if trials < 1:
        raise StudyError(f"a tuning needs trials >= 1, not {trials}")
    given = make_estimator(method)
    ranges = search_space(given, space)
    judge = EventFolds(
        panel, events, view, {key: dict(value) for key, value in (features or {}).items()}, folds, metric
    )
    without_history = 0
    if not learns(given):  # what learns makes do with fewer days
        judge, without_history = judge.with_history(with_params(given, {}), widest(given, ranges))
    name = name or (method if isinstance(method, str) else str(method.get("name") or method["estimator"]))
    with _quiet(optuna):
        study = open_study(storage, name, seed)
        check_same_search(study, storage, name, _signature(given, ranges, judge, view))
        if _GIVEN not in study.user_attrs:
            study.set_user_attr(_GIVEN, list(judge.errors(with_params(given, {}))))
        if _finished(study) == 0:
            study.enqueue_trial(_inside(current_params(given, list(ranges)), ranges))
        objective = _Objective(given, ranges, judge, [share for _, share in study.user_attrs[_GIVEN]])
        began = perf_counter()
        while _finished(study) < trials and (seconds is None or perf_counter() - began < seconds):
            study.optimize(objective, n_trials=1)
            on_trial(_trial(study.trials[-1]))
        found = _result(study, given, list(ranges), judge, refit)
        return replace(found, without_history=without_history, importance=importances(study, ranges))


class _Objective:
    """The mean error over the folds of one trial; its running mean may end it early."""

    def __init__(
        self, given: Any, ranges: Mapping[str, SearchRange], judge: EventFolds, estimated: list[float]
    ) -> None:
        self.given = given
        self.ranges = ranges
        self.judge = judge
        self.estimated = estimated

    def __call__(self, trial: optuna.Trial) -> float:
        import optuna

        params = draw(trial, self.given, self.ranges)
        errors: list[float] = []
        try:
            for number, (error, share) in enumerate(self.judge.errors(with_params(self.given, params))):
                if not np.isfinite(error) or share < _LEAST_ESTIMATED * self.estimated[number]:
                    raise DataError(
                        f"only {100 * share:.0f} % of the event intervals of fold {number + 1} got an estimate, where "
                        f"the method as given estimates {100 * self.estimated[number]:.0f} %"
                    )
                errors.append(error)
                trial.report(float(np.mean(errors)), number)
                if number + 1 < self.judge.folds and trial.should_prune():
                    raise optuna.TrialPruned
        except (StudyError, DataError) as problem:
            # Optuna's sampler learns nothing from a failed trial and would draw it again; a pruned one it avoids.
            trial.set_user_attr(_REASON, str(problem))
            raise optuna.TrialPruned from problem
        return float(np.mean(errors))


def _inside(params: dict[str, Any], ranges: Mapping[str, SearchRange]) -> dict[str, Any]:
    """Those of `params` that lie in their range; what lies outside is drawn instead."""
    return {path: value for path, value in params.items() if ranges[path].holds(value)}


def _signature(given: Any, ranges: Mapping[str, SearchRange], judge: EventFolds, view: View) -> dict[str, str]:
    """What must be the same for trials to be comparable, each part short enough to be compared by eye."""
    events = judge.events.astype(str).to_csv(index=False)
    parts = {
        "method": spec_of(given),
        "search ranges": {path: searched.to_list() for path, searched in ranges.items()},
        "folds and metric": [judge.folds, judge.metric],
        "view and features": [repr(view), repr(judge.features)],
        "training events": hashlib.sha256(events.encode()).hexdigest()[:16],
    }
    return {what: json.dumps(part, sort_keys=True, default=str) for what, part in parts.items()}


def _finished(study: optuna.Study) -> int:
    """Trials that were carried to an end; those that a kill interrupted have no reason and do not count."""
    return sum(_trial(trial).state != "killed" for trial in study.trials if trial.state.is_finished())


def _trial(trial: optuna.trial.FrozenTrial) -> Trial:
    reason = str(trial.user_attrs.get(_REASON, ""))
    state = "failed" if reason else {"COMPLETE": "complete", "PRUNED": "pruned"}.get(trial.state.name, "killed")
    reported = list(trial.intermediate_values.values())
    value = trial.value if trial.value is not None else (reported[-1] if reported and state == "pruned" else np.nan)
    seconds = trial.duration.total_seconds() if trial.duration else float("nan")
    return Trial(trial.number, dict(trial.params), float(value), state, seconds, reason)


def _result(study: optuna.Study, given: Any, paths: list[str], judge: EventFolds, refit: bool) -> TuneResult:
    rows = [_trial(trial) for trial in study.trials if trial.state.is_finished()]
    given_value = float(np.mean([error for error, _ in study.user_attrs[_GIVEN]]))
    complete = [trial for trial in rows if trial.state == "complete"]
    if not complete and not np.isfinite(given_value):
        reasons = [trial.reason for trial in rows if trial.reason]
        raise DataError(f"no trial could be judged: {reasons[-1] if reasons else 'the events were not metered'}")
    params, value = current_params(given, paths), given_value
    for trial in complete:
        if not value <= trial.value:
            params, value = trial.params, trial.value
    estimator = with_params(given, params)
    records = [{**vars(trial), **trial.params} for trial in rows]
    table = pd.DataFrame(records, columns=["number", "state", "value", "seconds", "reason", *paths]).set_index("number")
    forecaster = None
    if refit:
        forecaster = judge.forecaster(estimator)
        forecaster.fit(judge.panel, forecaster.cases(judge.panel, judge.events))
    return TuneResult(spec_of(estimator), params, value, given_value, table, forecaster)


@contextmanager
def _quiet(optuna: Any):  # type: ignore[no-untyped-def]
    """Optuna reports every trial on stderr unless told not to."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
