"""Refitted backtest: every so often each method learns anew, from all that lies before, and is judged on the span that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.abilities import learns
from cblcast.forecast.backtest import BacktestResult, backtest_banks
from cblcast.forecast.case_bank import CaseBank, banks_of, parts_of, training_banks
from cblcast.forecast.event_truth import with_event_truth
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View
from cblcast.frames.instants import DAY_US, local_microseconds, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.quality import warn_of_odd_days
from cblcast.frames.schema import SITE, DataError, StudyError, nearest

PERIODS = {"weekly": "W-SUN", "monthly": "M", "quarterly": "Q", "yearly": "Y"}


@dataclass(frozen=True)
class RefitSpan:
    """A span that is judged by models of one training.

    Attributes
    ----------
    name : str
        ``2015-03``, ``2015Q1``, ``2015``, or the Monday of a week.
    first, last : str
        Local dates, both inclusive.
    learned_until : str
        The last local date that was learned from.
    """

    name: str
    first: str
    last: str
    learned_until: str


@dataclass(frozen=True)
class Refit:
    """How often everything that learns is trained anew, and how many days lie between what it learned from and what it is asked.

    Parameters
    ----------
    every : {"weekly", "monthly", "quarterly", "yearly"}
        Periods of the calendar; the first and the last may be cut by the span that is judged.
    gap_days : int
        Whole days before a span that its models have not seen: settling, cleaning and training take time, and neighbours
        in time are alike.

    Raises
    ------
    StudyError
        An unknown period, or a negative gap.
    """

    every: str = "quarterly"
    gap_days: int = 1

    def __post_init__(self) -> None:
        if self.every not in PERIODS:
            raise StudyError(f"unknown refit {self.every!r}: {nearest(self.every, PERIODS)}")
        if isinstance(self.gap_days, bool) or not isinstance(self.gap_days, int) or self.gap_days < 0:
            raise StudyError(f"gap_days is {self.gap_days!r}: give a whole number of days, 0 or more")

    def __str__(self) -> str:
        return f"{self.every}, gap {self.gap_days} {'day' if self.gap_days == 1 else 'days'}"

    def spans(self, first: str, last: str) -> tuple[RefitSpan, ...]:
        """The spans of the local dates `first` to `last`, both inclusive."""
        days = pd.period_range(str(first)[:10], str(last)[:10], freq="D")
        periods = days.asfreq(PERIODS[self.every])
        return tuple(
            self._span(period, days[periods == period][0], days[periods == period][-1]) for period in periods.unique()
        )

    def following(self, last: str) -> RefitSpan:
        """The span whose models are due on the day after `last`: what would be in force once everything has been judged."""
        day = pd.Period(str(last)[:10], freq="D") + 1
        period = day.asfreq(PERIODS[self.every])
        return self._span(period, day, period.asfreq("D", how="end"))

    def _span(self, period: pd.Period, first: pd.Period, last: pd.Period) -> RefitSpan:
        name = str(period).partition("/")[0]
        return RefitSpan(name, str(first), str(last), str(first - 1 - self.gap_days))


@dataclass(frozen=True)
class RefitCases:
    """Events that are judged and events that may be learned from, with the cases of both.

    Attributes
    ----------
    judged, learnable : DataFrame
        Events; what a span learns from are those of `learnable` that ended before its gap began.
    test, train : dict View -> CaseBank
    """

    judged: pd.DataFrame
    learnable: pd.DataFrame
    test: Mapping[View, CaseBank]
    train: Mapping[View, CaseBank]


def backtest_refitted(
    panel: Panel,
    forecasters: Mapping[str, Forecaster],
    test: pd.DataFrame,
    learnable: pd.DataFrame,
    refit: Refit,
    progress: Callable[[str], None] = lambda told: None,
) -> BacktestResult:
    """As :func:`~cblcast.forecast.backtest.backtest`, with every forecaster that learns trained anew for each span.

    Parameters
    ----------
    panel : Panel
    forecasters : mapping method -> Forecaster
        All are judged on the same spans; those that learn nothing are never trained.
    test : DataFrame
        Events that are judged.
    learnable : DataFrame
        Events that may be learned from; they may lie among those of `test`, since a span learns only from what had ended
        before its gap.
    refit : Refit
    progress : callable
        Told ``method span`` as each is done.

    Returns
    -------
    BacktestResult
        ``fold`` of the scored rows is the span; `refits` has a row for each; the forecasters are those of the last span.

    Raises
    ------
    DataError
        A span before which there is nothing to learn from.
    """
    warn_of_odd_days(panel)
    panel = with_event_truth(panel, test)
    dates = local_dates(panel, test)
    spans = refit.spans(str(dates.min()), str(dates.max()))
    cases = RefitCases(
        test, learnable, banks_of(panel, forecasters.values(), test), _learned(panel, forecasters, learnable)
    )
    return refit_banks(panel, forecasters, cases, spans, progress)


def _learned(panel: Panel, forecasters: Mapping[str, Forecaster], events: pd.DataFrame) -> dict[View, CaseBank]:
    return training_banks(panel, forecasters.values(), events) if len(events) else {}


def refit_banks(
    panel: Panel,
    forecasters: Mapping[str, Forecaster],
    cases: RefitCases,
    spans: tuple[RefitSpan, ...],
    progress: Callable[[str], None] = lambda told: None,
) -> BacktestResult:
    """As :func:`backtest_refitted`, of cases that are made already: features are looked up once for all spans."""
    for forecaster in forecasters.values():
        cases.test[forecaster.view].look_up(forecaster)
        if learns(forecaster.estimator) and forecaster.view in cases.train:
            cases.train[forecaster.view].look_up(forecaster)
    date = local_dates(panel, cases.judged)
    parts, rows = [], []
    for span in spans:
        judged = cases.judged[(date >= np.datetime64(span.first)) & (date <= np.datetime64(span.last))]
        if judged.empty:
            continue
        learned = ended_by(panel, cases.learnable, span.learned_until)
        if cases.train and learned.empty:
            raise DataError(
                f"nothing can be learned for the span {span.name}: no training event ends by {span.learned_until}; begin the "
                "training earlier, or what is judged later"
            )
        train, test = parts_of(cases.train, learned), parts_of(cases.test, judged)
        said = _said_with(progress, span.name)
        parts.append(backtest_banks(panel, forecasters, test, train, span.name, said))
        told = {"first": span.first, "last": span.last, "learned_until": span.learned_until}
        rows.append({"span": span.name, **told, "n_learned": len(learned), "n_judged": len(judged)})
    return _joined(parts, pd.DataFrame(rows).set_index("span"))


def _said_with(progress: Callable[[str], None], span: str) -> Callable[[str], None]:
    return lambda method: progress(f"{method} {span}")


def _joined(parts: list[BacktestResult], refits: pd.DataFrame) -> BacktestResult:
    """One result of those of all spans: the rows of one method under those of another, seconds added up."""
    methods = list(parts[0].forecasters)
    scored = [part.scored[part.scored["method"] == method] for method in methods for part in parts]
    seconds = {
        method: {what: sum(part.seconds[method][what] for part in parts) for what in ("train_s", "predict_s")}
        for method in methods
    }
    excluded = pd.concat([part.excluded for part in parts], ignore_index=True)
    treated = pd.concat([part.treated for part in parts if len(part.treated)] or [parts[0].treated], ignore_index=True)
    return BacktestResult(pd.concat(scored), excluded, parts[-1].forecasters, seconds, treated, refits)


def local_dates(panel: Panel, events: pd.DataFrame, column: str = "start") -> np.ndarray:
    """Local date of each event's start (or stop), datetime64[D]."""
    return (_local_us(panel, events, column) // DAY_US).astype("M8[D]")


def ended_by(panel: Panel, events: pd.DataFrame, last: str) -> pd.DataFrame:
    """Events that had stopped when the local date `last` was over."""
    end = (np.datetime64(last) + 1).astype("M8[us]").astype(np.int64)
    return events[_local_us(panel, events, "stop") <= end].reset_index(drop=True)


def _local_us(panel: Panel, events: pd.DataFrame, column: str) -> np.ndarray:
    zones = panel.sites["tz"].reindex(events[SITE]).to_numpy(dtype=object)
    return np.asarray(local_microseconds(microseconds(events[column]), zones))
