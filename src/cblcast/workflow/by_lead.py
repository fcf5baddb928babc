"""What a study of nowcasts says by lead: its measures, their names in the store, its figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cblcast.config import Study
from cblcast.forecast.backtest import BacktestResult
from cblcast.forecast.evaluation import evaluate
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import lead_minutes
from cblcast.frames.schema import LEAD
from cblcast.metrics import UNITS
from cblcast.report.lead_figures import by_lead_figure, reliability_figure
from cblcast.workflow.leaderboard import best_by, scale_of, wanted_metrics


def by_lead(study: Study, panel: Panel, result: BacktestResult) -> pd.DataFrame | None:
    """The study's metrics by method and lead; None for a study that issues no nowcasts.

    Returns
    -------
    DataFrame, index (method, lead_min)
        In the order of the methods, by lead [min]; the metrics, ``n_intervals`` and ``n_sites``. Each lead of an issue is one
        interval, so that ``aggregate: per_event`` means the same as pooled.
    """
    if study.events.every_min is None or result.scored.empty:
        return None
    scored = result.scored.assign(**{LEAD: lead_minutes(result.scored, panel.step).astype(np.int64)})
    aggregate = "pooled" if study.aggregate == "per_event" else study.aggregate
    table = evaluate(scored, ["method", LEAD], wanted_metrics(study), aggregate, scale_of(study, panel))
    table = table.rename(columns={"n_events": "n_intervals"}).sort_index(level=LEAD, sort_remaining=False)
    return table.reindex(list(result.forecasters), level="method")


def lead_metrics(table: pd.DataFrame | None, method: str) -> dict[str, float]:
    """The measures of one method as the store names them: ``lead_030/nrmse_pct``, with the lead in as many digits as the longest."""
    if table is None or method not in table.index.get_level_values("method"):
        return {}
    own = table.loc[method].drop(columns=["n_sites"])
    digits = max(3, len(str(int(own.index.max()))))
    return {
        f"lead_{int(lead):0{digits}d}/{_named(str(name))}": float(value)
        for lead, row in own.iterrows()
        for name, value in row.items()
        if np.isfinite(value)
    }


def _named(metric: str) -> str:
    """A measure with its unit."""
    return f"{metric}_{UNITS[metric]}" if metric in UNITS else metric


def lead_figures(
    study: Study, table: pd.DataFrame | None, scored: pd.DataFrame, method: str
) -> dict[str, Callable[[], Any]]:
    """Figures of a nowcast's run: its error by lead, and where it has limits their coverage and reliability.

    Parameters
    ----------
    table : DataFrame or None
        As :func:`by_lead` makes it.
    scored : DataFrame
        Rows of the one method.
    method : str
    """
    if table is None or method not in table.index.get_level_values("method"):
        return {}
    drawn: dict[str, Callable[[], Any]] = {"error_by_lead": partial(by_lead_figure, table, best_by(study), method)}
    own = table.loc[method]
    if "coverage" in own and own["coverage"].notna().any():
        drawn["coverage_by_lead"] = partial(by_lead_figure, table, "coverage", method, study.intervals)
        drawn["reliability"] = partial(reliability_figure, scored, method)
    return drawn
