"""The leaderboard of a study: its measures by method, best first."""

from __future__ import annotations

import pandas as pd

from cblcast.config import Study
from cblcast.forecast.backtest import BacktestResult
from cblcast.forecast.evaluation import evaluate
from cblcast.frames.panel import Panel
from cblcast.frames.schema import StudyError


def best_by(study: Study) -> str:
    """The measure that says which method is best: nRMSE where the study has it."""
    return next(name for name in ("nrmse", "rmse", "mape", *study.metrics) if name in study.metrics)


def leaderboard(study: Study, panel: Panel, result: BacktestResult) -> pd.DataFrame:
    """The study's metrics by method, smallest nRMSE first; methods that estimated nothing stand at the end, NaN."""
    table = evaluate(result.scored, ["method"], wanted_metrics(study), study.aggregate, scale_of(study, panel))
    table = table.reindex(list(result.forecasters))
    for column in ("n_events", "n_sites"):
        table[column] = table[column].fillna(0).astype(int)
    table["n_excluded"] = result.excluded.groupby("method").size().reindex(table.index).fillna(0).astype(int)
    if study.events.every_min is not None:
        table = _counted_by_interval(table, result)
    seconds = pd.DataFrame(result.seconds).T.reindex(table.index)
    return table.join(seconds).sort_values(best_by(study), kind="stable")


def wanted_metrics(study: Study) -> list[str]:
    """The study's metrics, and with intervals how they do."""
    metrics = list(study.metrics)
    if study.intervals is not None:
        metrics += [name for name in ("coverage", "interval_width") if name not in metrics]
    return metrics


def _counted_by_interval(table: pd.DataFrame, result: BacktestResult) -> pd.DataFrame:
    """Nowcasts are judged interval by interval: ``n_intervals``, and ``n_left_out`` of them; ``n_excluded`` counts whole issues."""
    left_out = result.excluded.reindex(columns=["method", "n_left_out", "n_intervals"])
    whole = left_out[left_out["n_left_out"] == left_out["n_intervals"]]
    return table.assign(
        n_excluded=whole.groupby("method").size().reindex(table.index).fillna(0).astype(int),
        n_intervals=result.scored.groupby("method").size().reindex(table.index).fillna(0).astype(int),
        n_left_out=left_out.groupby("method")["n_left_out"].sum().reindex(table.index).fillna(0).astype(int),
    )


def scale_of(study: Study, panel: Panel) -> str | pd.Series:
    """What nRMSE divides by: the mean load, or each site's rated power."""
    if study.scale == "mean":
        return "mean"
    if "rated_kw" not in panel.sites.columns or panel.sites["rated_kw"].isna().any():
        raise StudyError("scale: rated_kw needs rated_kw of every site: add it to the site table, or use scale: mean")
    return panel.sites["rated_kw"].astype(float)
