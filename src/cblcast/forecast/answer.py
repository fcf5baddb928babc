"""The one way to ask a forecaster: events in, estimates out, with what was left out and why, and what was adjusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cblcast.abilities import (
    ExplainsAbsence,
    KnowsWhyNot,
    TellsAdjustment,
    TellsTreatment,
    able,
    columns_ahead,
    innermost,
    learns,
    outermost_able,
)
from cblcast.forecast.forecaster import Forecaster, predict_cases
from cblcast.frames.cases import event_rows
from cblcast.frames.events import Event, Window
from cblcast.frames.panel import Panel
from cblcast.frames.schema import ORIGIN, PREDICTED, SITE
from cblcast.frames.sources import Origin, Source


@dataclass(frozen=True)
class Answer:
    """What a forecaster says of events.

    Attributes
    ----------
    rows : DataFrame, index (site_id, origin, time)
        The cases (``scored`` is False in the windows beside the event) with ``predicted_kw``, ``lower_kw``, ``upper_kw``
        [kW]; NaN where there is no estimate, the limits also where the method has none. By site, event and time.
    excluded : DataFrame
        ``site_id``, ``origin``, ``reason``: events with an interval that has no estimate. An event counts whole or not at
        all, so all its rows are out.
    features : DataFrame
        What the estimator was fed, same rows.
    forecaster : Forecaster
    """

    rows: pd.DataFrame
    excluded: pd.DataFrame
    features: pd.DataFrame = field(repr=False)
    forecaster: Forecaster = field(repr=False)

    @cached_property
    def estimated(self) -> pd.DataFrame:
        """The rows asked for, of the events that were estimated."""
        scored = self.rows["scored"].to_numpy(dtype=bool)
        first, event = event_rows(self.rows.index)
        out = _without_estimate(self.rows, event, len(first))
        return self.rows[scored & ~out[event]]

    @cached_property
    def adjustment(self) -> pd.DataFrame | None:
        """What an adjustment did, same rows; None where the method has none.

        ``unadjusted_kw``, ``adjusted_kw`` [kW], and of the row's event ``raw`` and ``applied`` (factor, or shift [kW]) and
        ``usable``, False where the window showed nothing that an adjustment could rest on.
        """
        adjuster = outermost_able(self.forecaster.estimator, TellsAdjustment)
        return None if adjuster is None else adjuster.explain(self.features)

    @cached_property
    def treatment(self) -> pd.DataFrame | None:
        """Events that the method took for what their calendar does not say; None where it has no eye for that.

        ``site_id``, ``origin``, ``treatment``: in words, e.g. that the day was treated as a closed day, and why.
        """
        judge = outermost_able(self.forecaster.estimator, TellsTreatment)
        if judge is None:
            return None
        first, _ = event_rows(self.rows.index)
        said = np.asarray(judge.treatment(self.features.iloc[first]), dtype=object)
        index = self.rows.index[first]
        table = pd.DataFrame({SITE: index.get_level_values(SITE), ORIGIN: index.get_level_values(ORIGIN)})
        return table.assign(treatment=pd.Series(said, index=table.index, dtype="str"))[said != ""].reset_index(
            drop=True
        )

    @property
    def unadjusted_kw(self) -> np.ndarray:
        """The estimate before any adjustment [kW], shape (n_rows,)."""
        told = self.adjustment
        plain = self.rows[PREDICTED] if told is None else told["unadjusted_kw"]
        return plain.to_numpy(dtype=np.float64)

    @property
    def seen_kw(self) -> np.ndarray:
        """The meter as far as the method could see it [kW], shape (n_rows,); NaN inside the event."""
        if "metered_kw" not in self.features.columns:
            return np.full(len(self.rows), np.nan)
        return self.features["metered_kw"].to_numpy(dtype=np.float64)


def answer(
    forecaster: Forecaster,
    panel: Panel,
    events: pd.DataFrame | Sequence[Event],
    windows: Sequence[Window] = (),
    reasons: bool = True,
) -> Answer:
    """Estimates of events, and why there is none.

    Parameters
    ----------
    forecaster : Forecaster
        Trained, or a rule, which has nothing to learn.
    panel : Panel
        With real events masked (:meth:`~cblcast.frames.panel.Panel.with_events`).
    events : DataFrame or sequence of Event
    windows : sequence of Window
        Hours beside the events that are estimated too.
    reasons : bool
        Whether to look for the reasons why there is none: what nobody reads, as of thousands of days that a rule is tried
        on, takes as long as the estimates.

    Raises
    ------
    DataError
        An event that the panel cannot hold, or a column that the features need and the panel lacks.
    """
    panel = as_trained(forecaster, panel)
    cases = forecaster.cases(panel, list(events) if not isinstance(events, pd.DataFrame) else events, tuple(windows))
    return answer_cases(forecaster, panel, cases, forecaster.matrix(panel, cases), reasons)


def as_trained(forecaster: Forecaster, panel: Panel) -> Panel:
    """The panel, whose weather counts as forecast where a trained `forecaster` reads it ahead and nobody said what it is.

    It was declared when the forecaster was trained, or the training would have been refused.
    """
    if forecaster.sites is None:
        return panel
    read = {column for builder in forecaster.builders.values() for column in columns_ahead(builder)}
    new = sorted(column for column in read & set(panel.data.columns) if not panel.source(column).declared)
    return panel.declare(dict.fromkeys(new, Source(Origin.FORECAST))) if new else panel


def answer_cases(
    forecaster: Forecaster, panel: Panel, cases: pd.DataFrame, X: pd.DataFrame, reasons: bool = True
) -> Answer:
    """As :func:`answer`, of cases whose features are there already."""
    told = predict_cases(forecaster, panel, cases, X)
    rows = pd.concat([cases, told.set_axis(cases.index)], axis=1)
    first, event = event_rows(cases.index)
    out = np.flatnonzero(_without_estimate(rows, event, len(first)))
    index = cases.index[first[out]]
    excluded = pd.DataFrame({SITE: index.get_level_values(SITE), ORIGIN: index.get_level_values(ORIGIN)})
    told_why = [""] * len(out)
    if len(out) and reasons:
        told_why = _why_not(forecaster, panel, cases[np.isin(event, out)], X[np.isin(event, out)])
    return Answer(rows, excluded.assign(reason=pd.Series(told_why, index=excluded.index, dtype="str")), X, forecaster)


def reads_only_own_features(estimator: Any) -> bool:
    """Whether the estimator names every feature it reads, as rules do, whatever is wrapped around them, and what is trained."""
    return not learns(estimator) or not learns(innermost(estimator))


def _without_estimate(rows: pd.DataFrame, event: np.ndarray, n_events: int) -> np.ndarray:
    missing = rows["scored"].to_numpy(dtype=bool) & np.isnan(rows[PREDICTED].to_numpy(dtype=np.float64))
    return np.bincount(event[missing], minlength=n_events) > 0


def _why_not(forecaster: Forecaster, panel: Panel, cases: pd.DataFrame, X: pd.DataFrame) -> list[str]:
    """A reason for each event of `cases`, none of which has an estimate."""
    first, event = event_rows(cases.index)
    judge = outermost_able(forecaster.estimator, KnowsWhyNot)
    if judge is not None:
        reasons = pd.Series(judge.why_not(X[cases["scored"].to_numpy(dtype=bool)]))
        owner = event[cases["scored"].to_numpy(dtype=bool)]
        given = reasons[(reasons != "").to_numpy()].groupby(owner[(reasons != "").to_numpy()]).first()
        return [str(given.get(number, "no estimate")) for number in range(len(first))]
    for builder in forecaster.builders.values():
        if able(builder, ExplainsAbsence):
            return builder.why_absent(panel, cases)  # type: ignore[attr-defined]
    return [f"{forecaster.name} gave no estimate: the meter, or a feature it needs, is missing at this event"] * len(
        first
    )
