"""Which of the searched parameters made the difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cblcast.estimators.ranges import Choice, IntRange, SearchRange

if TYPE_CHECKING:
    import optuna

_FEWEST = 4  # trials; a variance by parameter of fewer is a guess


def importances(study: optuna.Study, ranges: Mapping[str, SearchRange]) -> dict[str, float]:
    """Share of the variation of the error by parameter, largest first; empty where too few trials say.

    Optuna leaves parameters out whose range differed from trial to trial, as that of an ``x <= y`` does; so the trials are
    copied with the ranges that were declared.
    """
    import optuna

    complete = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    if len(complete) < _FEWEST or len({trial.value for trial in complete}) < 2:
        return {}
    distributions = {path: _distribution(searched) for path, searched in ranges.items()}
    copy = optuna.create_study()
    for trial in complete:
        if all(path in trial.params and ranges[path].holds(trial.params[path]) for path in ranges):
            copy.add_trial(
                optuna.trial.create_trial(params=dict(trial.params), distributions=distributions, value=trial.value)
            )
    if len(copy.trials) < _FEWEST:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return {
        str(path): float(share)
        for path, share in optuna.importance.get_param_importances(copy, evaluator=evaluator).items()
    }


def _distribution(searched: SearchRange) -> optuna.distributions.BaseDistribution:
    from optuna import distributions

    if isinstance(searched, Choice):
        return distributions.CategoricalDistribution(searched.choices)
    if isinstance(searched, IntRange):
        return distributions.IntDistribution(int(searched.low), int(searched.high), log=searched.log)
    return distributions.FloatDistribution(searched.low, searched.high, log=searched.log)
