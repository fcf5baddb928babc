"""Cases of one view and their features, each computed once for all the methods that share the view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cblcast.abilities import FeatureBuilder, learns
from cblcast.forecast.absent_weather import leave_out_absent_weather
from cblcast.forecast.answer import Answer, answer_cases
from cblcast.forecast.forecaster import Forecaster, rows_of, truth
from cblcast.forecast.products import products_read
from cblcast.frames.cases import View, make_cases
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, TIME


@dataclass(frozen=True)
class CaseBank:
    """Cases of one view, and what has been looked up for them so far.

    Attributes
    ----------
    panel : Panel
    cases : DataFrame, index (site_id, origin, time)
        Of the events and of the windows of every method of the view.
    features : dict builder -> DataFrame
        Filled as methods ask; builders are stateless, so methods can share them.
    whole : (CaseBank, ndarray of bool), optional
        The bank that these cases are part of, and which of its rows they are: what was looked up there is not again.
    """

    panel: Panel
    cases: pd.DataFrame
    features: dict[FeatureBuilder, pd.DataFrame] = field(default_factory=dict, repr=False)
    whole: tuple[CaseBank, np.ndarray] | None = field(default=None, repr=False)

    def rows(self, forecaster: Forecaster) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Features and cases of the rows that `forecaster` asks for: the events, and its own windows beside them."""
        X = self.look_up(forecaster)
        keep = rows_of(forecaster.windows(), X, self.cases)
        return X[keep], self.cases[keep]

    def look_up(self, forecaster: Forecaster) -> pd.DataFrame:
        """Features of all rows, kept for those who ask later; a part of the bank asks for nothing that is kept."""
        if self.whole is not None:
            bank, chosen = self.whole
            for builder in forecaster.builders.values():
                if builder in bank.features and builder not in self.features:
                    self.features[builder] = bank.features[builder][chosen]
        return forecaster.matrix(self.panel, self.cases, self.features)

    def fit(self, forecaster: Forecaster) -> None:
        """Train `forecaster` on the metered load of the cases."""
        X, cases = self.rows(forecaster)
        forecaster.products = products_read(self.panel, forecaster.builders.values())
        forecaster.fit_matrix(X, truth(self.panel, cases), self.panel.sites, self.panel.step)

    def answer(self, forecaster: Forecaster) -> Answer:
        """What `forecaster` says of the cases."""
        X, cases = self.rows(forecaster)
        return answer_cases(forecaster, self.panel, cases, X)

    def part(self, events: pd.DataFrame) -> CaseBank:
        """The bank of some of its events, which looks nothing up that this one has looked up.

        Parameters
        ----------
        events : DataFrame
            Columns ``site_id``, ``start``; events that the bank does not hold are not made.
        """
        wanted = pd.MultiIndex.from_arrays([events[SITE], events["start"]])
        chosen = np.asarray(self.cases.index.droplevel(TIME).isin(wanted))
        return CaseBank(self.panel, self.cases[chosen], whole=(self, chosen))


def banks_of(panel: Panel, forecasters: Iterable[Forecaster], events: pd.DataFrame) -> dict[View, CaseBank]:
    """A bank of `events` for each view that a forecaster has.

    Raises
    ------
    DataError, StudyError
        As :func:`cblcast.frames.cases.make_cases`.
    """
    return _banks(panel, list(forecasters), events, may_overlap=False)


def training_banks(panel: Panel, forecasters: Iterable[Forecaster], events: pd.DataFrame) -> dict[View, CaseBank]:
    """As :func:`banks_of`, of events that are only learned from: only for views with a forecaster that learns."""
    wanted = list(forecasters)
    views = {each.view for each in wanted if learns(each.estimator)}
    return _banks(panel, [each for each in wanted if each.view in views], events, may_overlap=True)


def _banks(
    panel: Panel, forecasters: list[Forecaster], events: pd.DataFrame, *, may_overlap: bool
) -> dict[View, CaseBank]:
    alike: dict[View, list[Forecaster]] = {}
    for forecaster in forecasters:
        leave_out_absent_weather(forecaster, panel)
        alike.setdefault(forecaster.view, []).append(forecaster)
    windows = {
        view: tuple(dict.fromkeys(window for each in group for window in each.windows()))
        for view, group in alike.items()
    }
    return {
        # Nowcasts overlap where they are issued more often than they last; each is blind to what comes after its own origin.
        view: CaseBank(
            panel, make_cases(panel, events, view, windows[view], may_overlap=may_overlap or not view.perfect_weather)
        )
        for view in alike
    }


def parts_of(banks: Mapping[View, CaseBank], events: pd.DataFrame) -> dict[View, CaseBank]:
    """The same part of every bank; see :meth:`CaseBank.part`."""
    return {view: bank.part(events) for view, bank in banks.items()}
