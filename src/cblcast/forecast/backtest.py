"""Backtest: train on events of one span, estimate those of another, never past the blindfold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import pandas as pd

from cblcast.abilities import check_parameters, learns
from cblcast.forecast.answer import Answer
from cblcast.forecast.case_bank import CaseBank, banks_of, training_banks
from cblcast.forecast.event_truth import UNKNOWN, against_truth, with_event_truth
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.cases import View, event_rows
from cblcast.frames.instants import DAY_US, local_microseconds, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.quality import warn_of_odd_days
from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE, DataError, quantile_levels
from cblcast.plots.of_scored import ScoredPlots

UNMETERED = "the event was not metered throughout"
DISPATCHED = "a real event was dispatched then, whose load is masked"
TREATED_COLUMNS = ["method", SITE, ORIGIN, "treatment"]
UNMETERED_INTERVALS = "intervals were not metered"
WITHOUT_ESTIMATE = "intervals have no estimate: what was measured last, or a forecast, is missing"
SCORED_COLUMNS = ["method", "fold", OBSERVED, PREDICTED, "lower_kw", "upper_kw"]


@dataclass
class BacktestResult:
    """What a backtest leaves behind.

    Attributes
    ----------
    scored : DataFrame, index (site_id, origin, time)
        ``method``, ``fold``, ``observed_kw``, ``predicted_kw``, ``lower_kw``, ``upper_kw`` [kW], of methods that give them
        quantiles ``q05_kw`` …; the rows of one method under those of another. Events that a method could not estimate are not
        here but in `excluded`.
    excluded : DataFrame
        ``method``, ``site_id``, ``origin``, ``reason``: one row per event that was not estimated. Of nowcasts one row per
        issue with an interval that was left out, and ``n_left_out`` of its ``n_intervals``.
    forecasters : dict
        The trained forecasters by method.
    seconds : dict
        Seconds of training and of prediction by method.
    treated : DataFrame
        ``method``, ``site_id``, ``origin``, ``treatment``: one row per event that a method took for what its calendar does not
        say.
    refits : DataFrame or None
        Where everything was trained anew for each span (:mod:`cblcast.forecast.refit`): index ``span``, columns ``first``,
        ``last``, ``learned_until`` (local dates), ``n_learned``, ``n_judged`` (events).
    """

    scored: pd.DataFrame
    excluded: pd.DataFrame
    forecasters: dict[str, Forecaster] = field(default_factory=dict)
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    treated: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=TREATED_COLUMNS))
    refits: pd.DataFrame | None = None

    @property
    def plot(self) -> ScoredPlots:
        """Plots of the scored frame: ``result.plot.event(panel)``; all plots are in :mod:`cblcast.plots`."""
        return ScoredPlots(self.scored)


def backtest(
    panel: Panel,
    forecasters: Mapping[str, Forecaster],
    test: pd.DataFrame,
    train: pd.DataFrame | None = None,
    fold: str = "test",
    progress: Callable[[str], None] = lambda method: None,
) -> BacktestResult:
    """Train every forecaster on `train` and estimate the events of `test`.

    Features see only what their case may see, so the training span may lie anywhere; a span that ends before the test
    begins is what an honest claim needs, and :func:`split_events` makes one.

    Parameters
    ----------
    panel : Panel
    forecasters : mapping method -> Forecaster
    test, train : DataFrame
        Events; rules need no training events. Events of `test` with a column ``truth_kw`` were dispatched: they are masked and
        judged against it, see :mod:`cblcast.forecast.event_truth`.
    fold : str
        Label of the scored rows.
    progress : callable
        Told the method when it is done.

    Warns
    -----
    DataWarning
        Of days on which the meter says what no customer did; see :func:`~cblcast.frames.quality.odd_days`.
    """
    warn_of_odd_days(panel)
    panel = with_event_truth(panel, test)
    learned = training_banks(panel, forecasters.values(), train) if train is not None and not train.empty else {}
    return backtest_banks(panel, forecasters, banks_of(panel, forecasters.values(), test), learned, fold, progress)


def backtest_banks(
    panel: Panel,
    forecasters: Mapping[str, Forecaster],
    test: Mapping[View, CaseBank],
    train: Mapping[View, CaseBank],
    fold: str = "test",
    progress: Callable[[str], None] = lambda method: None,
) -> BacktestResult:
    """As :func:`backtest`, of cases that are made already and by whose features others may profit.

    What learns is fitted once, on the rows of `train` that are its own; what does not learn is not fitted at all, and
    nothing of the training events is looked up for it.

    Parameters
    ----------
    test, train : mapping View -> CaseBank
        `train` without a bank for the view of a forecaster that learns is a :class:`DataError`.
    """
    if not forecasters:
        raise DataError("there are no methods to judge: name at least one")
    scored, excluded, treated = [], [], [pd.DataFrame(columns=TREATED_COLUMNS)]
    result = BacktestResult(pd.DataFrame(), pd.DataFrame())
    for method, forecaster in forecasters.items():
        began = perf_counter()
        _fit(forecaster, panel, train.get(forecaster.view))
        trained = perf_counter()
        said = test[forecaster.view].answer(forecaster)
        result.seconds[method] = {"train_s": trained - began, "predict_s": perf_counter() - trained}
        rows, out = judged(panel, said)
        scored.append(rows.assign(method=method, fold=fold))
        excluded.append(out.assign(method=method))
        if said.treatment is not None:
            treated.append(said.treatment.assign(method=method)[TREATED_COLUMNS])
        result.forecasters[method] = forecaster
        progress(method)
    told = pd.concat(scored)
    result.scored = told[[*SCORED_COLUMNS, *quantile_levels(told.columns)]]
    result.excluded = pd.concat(excluded, ignore_index=True)
    result.treated = pd.concat(treated[1:] or treated, ignore_index=True)
    return result


def _fit(forecaster: Forecaster, panel: Panel, bank: CaseBank | None) -> None:
    if not learns(forecaster.estimator):
        check_parameters(forecaster.estimator)
        forecaster.know(panel)
    elif bank is None:
        raise DataError(f"{forecaster.name} must be trained: give training events (train: in the study)")
    else:
        bank.fit(forecaster)


def judged(panel: Panel, said: Answer) -> tuple[pd.DataFrame, pd.DataFrame]:
    """An answer beside its truth.

    Returns
    -------
    rows : DataFrame
        The scored frame: rows of events that were estimated and metered throughout, with ``observed_kw``; of events that carry
        their truth, that truth.
    excluded : DataFrame
        ``site_id``, ``origin``, ``reason`` of the other events. Nowcasts are judged interval by interval: of these the issues
        with intervals that were left out, with ``n_left_out`` and ``n_intervals``.
    """
    rows = said.rows[said.rows["scored"].to_numpy(dtype=bool)]
    rows, unknown = against_truth(panel, rows.assign(**{OBSERVED: truth(panel, rows)}))
    if said.forecaster.horizon is not None:
        return _judged_by_interval(rows)
    first, event = event_rows(rows.index)
    dark = np.bincount(event[np.isnan(rows[OBSERVED].to_numpy())], minlength=len(first)) > 0
    blind = np.bincount(event[np.isnan(rows[PREDICTED].to_numpy())], minlength=len(first)) > 0
    out = np.flatnonzero(dark | blind)
    index = rows.index[first[out]]
    excluded = pd.DataFrame({SITE: index.get_level_values(SITE), ORIGIN: index.get_level_values(ORIGIN)})
    reasons = np.full(len(first), UNMETERED, dtype=object)
    reasons[blind] = said.excluded["reason"].to_numpy(dtype=object)
    reasons[dark] = UNMETERED
    reasons[dark & _dispatched(panel, rows.iloc[first])] = DISPATCHED
    reasons[unknown] = UNKNOWN
    excluded["reason"] = pd.Series(reasons[out], index=excluded.index, dtype="str")
    return rows[~(dark | blind)[event]], excluded


def _judged_by_interval(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows that have both a measurement and an estimate, and the issues with rows that do not."""
    dark, blind = (np.isnan(rows[column].to_numpy(dtype=np.float64)) for column in (OBSERVED, PREDICTED))
    first, event = event_rows(rows.index)
    counts = [np.bincount(event[mask], minlength=len(first)) for mask in (dark, blind & ~dark, dark | blind)]
    reasons = np.where(counts[0] > 0, UNMETERED_INTERVALS, WITHOUT_ESTIMATE)
    reasons[(counts[0] > 0) & (counts[1] > 0)] = f"{UNMETERED_INTERVALS}, others have no estimate"
    some = np.flatnonzero(counts[2])
    index = rows.index[first[some]]
    excluded = pd.DataFrame(
        {
            SITE: index.get_level_values(SITE),
            ORIGIN: index.get_level_values(ORIGIN),
            "reason": pd.Series(reasons[some], dtype="str"),
            "n_left_out": counts[2][some],
            "n_intervals": np.bincount(event, minlength=len(first))[some],
        }
    )
    return rows[~(dark | blind)], excluded


def _dispatched(panel: Panel, rows: pd.DataFrame) -> np.ndarray:
    """Whether a real event, whose load is masked, meets the event that each row is the first of."""
    met = np.zeros(len(rows), dtype=bool)
    if panel.events is None or panel.events.empty:
        return met
    site, start = rows.index.get_level_values(SITE), microseconds(rows.index.get_level_values(ORIGIN))
    stop = microseconds(rows["event_stop"])
    for name, own in panel.events.groupby(SITE):
        here = np.flatnonzero(site == name)
        begin, end = np.sort(microseconds(own["start"])), np.sort(microseconds(own["stop"]))
        # As many real events began before the event's stop as ended before its start: none lies in between.
        met[here] = np.searchsorted(begin, stop[here]) > np.searchsorted(end, start[here], side="right")
    return met


def split_events(
    events: pd.DataFrame,
    panel: Panel,
    train: tuple[str, str] | None,
    test: tuple[str, str],
    train_events: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test events by local date, both ends inclusive.

    Parameters
    ----------
    events : DataFrame
    panel : Panel
    train, test : (first, last)
    train_events : DataFrame, optional
        Events to learn from, e.g. of longer hours; those of `events` unless given. What a column ``metered`` marks False
        is not learned from; as a test event it stays, and is told as not judged.

    Raises
    ------
    DataError
        When the spans overlap or no event lies in one of them.
    """
    if train is None:
        return events.iloc[:0], _between(events, panel, test, "test")
    if str(train[1])[:10] >= str(test[0])[:10] and str(train[0])[:10] <= str(test[1])[:10]:
        raise DataError(
            f"the training span {train[0]} to {train[1]} overlaps the test span {test[0]} to {test[1]}: "
            "end the training before the test begins"
        )
    learned_from = learnable_events(events if train_events is None else train_events, panel, train)
    return learned_from, _between(events, panel, test, "test")


def learnable_events(events: pd.DataFrame, panel: Panel, span: tuple[str, str]) -> pd.DataFrame:
    """Events of a span, local dates, that can be learned from: not those that a column ``metered`` marks False."""
    if "metered" in events.columns:
        events = events[events["metered"].to_numpy(dtype=bool)]
    return _between(events, panel, span, "training")


def _between(events: pd.DataFrame, panel: Panel, span: tuple[str, str], name: str) -> pd.DataFrame:
    """Events that start in `span`, local dates."""
    zones = panel.sites["tz"].reindex(events[SITE]).to_numpy(dtype=object)
    date = (local_microseconds(microseconds(events["start"]), zones) // DAY_US).astype("M8[D]")
    first, last = (np.datetime64(str(day)[:10]) for day in span)
    chosen = events[(date >= first) & (date <= last)].reset_index(drop=True)
    if chosen.empty:
        raise DataError(
            f"no event lies in the {name} span {first} to {last}: the events run from {date.min()} to {date.max()}"
        )
    return chosen
