"""What a judged study leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from cblcast.forecast.backtest import BacktestResult


@dataclass
class StudyResult:
    """What a study leaves behind.

    Attributes
    ----------
    leaderboard : DataFrame, index method
        The study's metrics, best first, ``n_events``, ``n_excluded``, ``train_s``, ``predict_s``.
    backtest : BacktestResult
    by_lead : DataFrame or None
        Of nowcasts the metrics by method and lead; see :func:`cblcast.workflow.by_lead.by_lead`.
    drift : DataFrame or None
        With ``refit:`` the metrics by method and span; see :func:`cblcast.workflow.leaderboard.drift`.
    registered : dict or None
        ``name``, ``version``, ``alias``, ``method``, ``chosen_by``.
    run_id : str
        Parent run in the store.
    notes : tuple of str
        What was decided for the user, one sentence each.
    """

    leaderboard: pd.DataFrame
    backtest: BacktestResult
    run_id: str = ""
    drift: pd.DataFrame | None = None
    registered: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    by_lead: pd.DataFrame | None = None
