"""Backtest: train on events of one span, estimate those of another, never past the blindfold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from cblcast.forecast.forecaster import Forecaster, rows_of, truth
from cblcast.forecast.scoring import why_not_estimated
from cblcast.frames.cases import View, make_cases
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE, DataError

SCORED_COLUMNS = ["method", "fold", OBSERVED, PREDICTED, "lower_kw", "upper_kw"]


@dataclass
class BacktestResult:
    """What a backtest leaves behind.

    Attributes
    ----------
    scored : DataFrame, index (site_id, origin, time)
        ``method``, ``fold``, ``observed_kw``, ``predicted_kw``, ``lower_kw``, ``upper_kw`` [kW]; the rows of one method
        under those of another. Events that a method could not estimate are not here but in `excluded`.
    excluded : DataFrame
        ``method``, ``site_id``, ``origin``, ``reason``: one row per event that was not estimated.
    forecasters : dict
        The trained forecasters by method.
    seconds : dict
        Seconds of training and of prediction by method.
    """

    scored: pd.DataFrame
    excluded: pd.DataFrame
    forecasters: dict[str, Forecaster] = field(default_factory=dict)
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)


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
        Events; rules need no training events.
    fold : str
        Label of the scored rows.
    progress : callable
        Told the method when it is done.
    """
    if not forecasters:
        raise DataError("there are no methods to judge: name at least one")
    banks: dict[View, _CaseBank] = {}
    scored, excluded = [], []
    result = BacktestResult(pd.DataFrame(), pd.DataFrame())
    for method, forecaster in forecasters.items():
        view = forecaster.view
        if view not in banks:
            alike = [other for other in forecasters.values() if other.view == view]
            banks[view] = _CaseBank(panel, view, alike, train, test)
        bank = banks[view]
        began = perf_counter()
        bank.fit(forecaster)
        trained = perf_counter()
        estimate = bank.predict(forecaster)
        result.seconds[method] = {"train_s": trained - began, "predict_s": perf_counter() - trained}
        rows, out = split_excluded(panel, bank.test_cases, estimate, forecaster)
        scored.append(rows.assign(method=method, fold=fold))
        excluded.append(out.assign(method=method))
        result.forecasters[method] = forecaster
        progress(method)
    result.scored = pd.concat(scored)[SCORED_COLUMNS]
    result.excluded = pd.concat(excluded, ignore_index=True)
    return result


class _CaseBank:
    """Cases and features of one view, computed once and shared by the methods that have this view."""

    def __init__(
        self, panel: Panel, view: View, forecasters: list[Forecaster], train: pd.DataFrame | None, test: pd.DataFrame
    ) -> None:
        self.panel = panel
        windows = tuple(dict.fromkeys(window for forecaster in forecasters for window in forecaster.windows()))
        self.shared = len(windows) > 0
        self.test_cases = make_cases(panel, test, view, windows)
        learns = train is not None and not train.empty
        self.train_cases = make_cases(panel, train, view, windows, may_overlap=True) if learns else None
        self._test: dict[Any, pd.DataFrame] = {}
        self._train: dict[Any, pd.DataFrame] = {}

    def _rows(
        self, forecaster: Forecaster, cases: pd.DataFrame, cache: dict[Any, pd.DataFrame]
    ) -> tuple[pd.DataFrame, np.ndarray]:
        X = forecaster.matrix(self.panel, cases, cache)
        keep = rows_of(forecaster.windows(), X, cases) if self.shared else cases["scored"].to_numpy(dtype=bool)
        return X[keep], keep

    def fit(self, forecaster: Forecaster) -> None:
        cases = self.train_cases
        if cases is None:
            forecaster.sites = self.panel.sites
            if forecaster.estimator.__sklearn_tags__().requires_fit and not _is_fitted_by_rule(forecaster.estimator):
                raise DataError(f"{forecaster.name} must be trained: give training events (train: in the study)")
            # A rule learns nothing: one empty look lets wrappers clone and check their inner rule.
            X, keep = self._rows(forecaster, self.test_cases, self._test)
            forecaster.estimator.fit(X.iloc[:1], np.zeros(1))
            return
        X, keep = self._rows(forecaster, cases, self._train)
        forecaster.fit_matrix(X, truth(self.panel, cases)[keep], self.panel.sites)

    def predict(self, forecaster: Forecaster) -> pd.DataFrame:
        X, keep = self._rows(forecaster, self.test_cases, self._test)
        return forecaster.predict_matrix(X, self.test_cases["scored"].to_numpy(dtype=bool)[keep])


def _is_fitted_by_rule(estimator: Any) -> bool:
    """Whether everything inside a wrapper is a rule, so that nothing would be learned from events."""
    inner = getattr(estimator, "estimator", None)
    if inner is None:
        return not estimator.__sklearn_tags__().requires_fit
    return _is_fitted_by_rule(inner)


def split_excluded(
    panel: Panel, cases: pd.DataFrame, estimate: pd.DataFrame, forecaster: Forecaster
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of events that were estimated, and the others with a reason: an event counts whole or not at all."""
    wanted = cases[cases["scored"]]
    rows = estimate.assign(**{OBSERVED: truth(panel, wanted)})
    site_origin = [rows.index.get_level_values(SITE), rows.index.get_level_values(ORIGIN)]
    bad_truth = rows[OBSERVED].isna().groupby(site_origin).transform("any").to_numpy()
    bad_estimate = rows[PREDICTED].isna().groupby(site_origin).transform("any").to_numpy()
    out = rows[bad_truth | bad_estimate]
    first = ~out.index.droplevel("time").duplicated()
    reasons = pd.Series(np.where(bad_truth, "the event was not metered throughout", ""), index=rows.index)
    excluded = pd.DataFrame(
        {
            SITE: out.index.get_level_values(SITE)[first],
            ORIGIN: out.index.get_level_values(ORIGIN)[first],
            "reason": reasons[bad_truth | bad_estimate].to_numpy()[first],
        }
    )
    unexplained = excluded["reason"] == ""
    if unexplained.any():
        excluded.loc[unexplained, "reason"] = why_not_estimated(panel, wanted, excluded[unexplained], forecaster)
    return rows[~(bad_truth | bad_estimate)], excluded


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
        Events to learn from, e.g. of longer hours; those of `events` unless given.

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
    learned_from = events if train_events is None else train_events
    return _between(learned_from, panel, train, "training"), _between(events, panel, test, "test")


def _between(events: pd.DataFrame, panel: Panel, span: tuple[str, str], name: str) -> pd.DataFrame:
    """Events that start in `span`, local dates."""
    zones = panel.sites["tz"].reindex(events[SITE]).to_numpy(dtype=object)
    start = pd.DatetimeIndex(events["start"])
    date = np.empty(len(events), dtype="M8[D]")
    for tz in set(zones):
        date[zones == tz] = start[zones == tz].tz_convert(tz).tz_localize(None).to_numpy().astype("M8[D]")
    first, last = (np.datetime64(str(day)[:10]) for day in span)
    chosen = events[(date >= first) & (date <= last)].reset_index(drop=True)
    if chosen.empty:
        raise DataError(
            f"no event lies in the {name} span {first} to {last}: the events run from {date.min()} to {date.max()}"
        )
    return chosen
