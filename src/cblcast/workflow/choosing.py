"""Which method of a study is registered: chosen inside the training span, which is all that may choose."""

from __future__ import annotations

import pandas as pd

from cblcast.config import Study
from cblcast.forecast.backtest import BacktestResult, backtest_banks
from cblcast.forecast.case_bank import banks_of, parts_of, training_banks
from cblcast.forecast.evaluation import INTERVAL_METRICS, QUANTILE_METRICS
from cblcast.forecast.refit import RefitCases, refit_banks
from cblcast.frames.schema import StudyError
from cblcast.metrics import best_in_words
from cblcast.workflow.leaderboard import best_by, leaderboard
from cblcast.workflow.study_data import PreparedStudy, Span, events_of

VALIDATION_SHARE = 0.25  # of the training days, the newest


def training_span(study: Study) -> Span:
    """The span inside which a choice is made.

    Raises
    ------
    StudyError
        The study has none; asked before the training, nobody waits for hours to hear it.
    """
    if study.train is None:
        raise StudyError(
            "the study has no train: span, so nothing can choose among its methods: name one with --method"
        )
    return study.train


def choose_method(ready: PreparedStudy) -> tuple[str, str]:
    """The method to register: the one that is best on the newest quarter of the training days.

    Each method that learns is fitted once, on the older three quarters; the model that is registered has seen the newest
    quarter and cannot be judged there. A rule is asked as it stands. What compares the methods is their estimate, so
    the intervals that the study puts around them (``intervals:``, several fits each) are not made for it. Features of
    the training events that are there from the training are not looked up again. The test span is never looked at. Where
    the study refits, the newest quarter is judged the same way: span by span, each after all that lies before it.

    Parameters
    ----------
    ready : PreparedStudy

    Returns
    -------
    name : str
    why : str
        The measure and the days that chose.

    Raises
    ------
    StudyError
        Several methods and no training span.
    """
    study = ready.study
    if len(study.methods) == 1:
        return next(iter(study.forecasters())), "the only method"
    older, newest = choice_spans(training_span(study))
    measure = best_by(study)
    plain = plain_study(study, measure)
    board = leaderboard(plain, ready.panel, _judged(ready, plain, older, newest))
    how = "" if plain.refit is None else f", refit {plain.refit.refit()}"
    return str(
        board.index[0]
    ), f"{best_in_words(measure, measure)} from {newest[0]} to {newest[1]}, inside the training span{how}"


def plain_study(study: Study, measure: str) -> Study:
    """The study judged by `measure` alone: without its intervals, unless it is they that are measured."""
    if measure in (*INTERVAL_METRICS, *QUANTILE_METRICS):
        return study.model_copy(update={"metrics": (measure,)})
    return study.model_copy(update={"metrics": (measure,), "intervals": None})


def choice_spans(train: Span) -> tuple[Span, Span]:
    """The older three quarters of the training days, and the newest quarter; local dates, inclusive."""
    first, last = (pd.Timestamp(day) for day in train)
    cut = last - (last - first) * VALIDATION_SHARE
    return (str(first.date()), str((cut - pd.Timedelta(days=1)).date())), (str(cut.date()), str(last.date()))


def _judged(ready: PreparedStudy, plain: Study, older: Span, newest: Span) -> BacktestResult:
    """The study's methods on the newest days, trained on what lies before."""
    cases, panel = _cases(ready, plain, older, newest), ready.panel
    if plain.refit is None:
        return backtest_banks(panel, plain.forecasters(), cases.test, cases.train)
    return refit_banks(panel, plain.forecasters(), cases, plain.refit.refit().spans(*newest))


def _cases(ready: PreparedStudy, plain: Study, older: Span, newest: Span) -> RefitCases:
    """Cases to learn from and to judge on, as parts of what was learned from where they are."""
    events, panel = ready.events, ready.panel
    ranked = plain.events.like is not None
    if ranked:  # the hottest days of a span are found within that span, or days of the test span would choose
        events = events_of(plain.model_copy(update={"train": older, "test": newest}), panel)
    to_learn, to_judge = events.between(older, newest)
    if plain.refit is not None:
        to_learn = events.learnable((older[0], newest[1]))
    forecasters = plain.forecasters().values()
    if ranked:
        learned, judged = training_banks(panel, forecasters, to_learn), banks_of(panel, forecasters, to_judge)
        return RefitCases(to_judge, to_learn, judged, learned)
    learned = parts_of(ready.learned, to_learn)
    if events.learned is not None:  # other hours are judged than are learned from
        return RefitCases(to_judge, to_learn, banks_of(panel, forecasters, to_judge), learned)
    others = [each for each in forecasters if each.view not in ready.learned]
    judged = parts_of(ready.learned, to_judge) | banks_of(panel, others, to_judge)
    return RefitCases(to_judge, to_learn, judged, learned)
