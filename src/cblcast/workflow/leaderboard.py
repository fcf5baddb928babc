"""The leaderboard of a study: its measures by method, best first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cblcast.abilities import layers, learns
from cblcast.config import Study
from cblcast.forecast.backtest import BacktestResult
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.panel import Panel
from cblcast.frames.schema import StudyError
from cblcast.metrics import from_best

USUAL_COVERAGE = 0.9  # of limits that say nothing of it themselves


def best_by(study: Study) -> str:
    """The measure that says which method is best: nRMSE, RMSE or MAPE where the study has one, else its first."""
    return next(name for name in ("nrmse", "rmse", "mape", *study.metrics) if name in study.metrics)


def leaderboard(study: Study, panel: Panel, result: BacktestResult) -> pd.DataFrame:
    """The study's metrics by method, best first; methods that estimated nothing stand at the end, NaN."""
    table = evaluate(result.scored, ["method"], wanted_metrics(study), study.aggregate, scale_of(study, panel))
    table = table.reindex(list(result.forecasters))
    for column in ("n_events", "n_sites"):
        table[column] = table[column].fillna(0).astype(int)
    table["n_excluded"] = result.excluded.groupby("method").size().reindex(table.index).fillna(0).astype(int)
    if study.events.every_min is not None:
        table = _counted_by_interval(table, result)
    if study.refit is not None:
        table["refit"] = [how_refitted(study, forecaster) for forecaster in result.forecasters.values()]
    seconds = pd.DataFrame(result.seconds).T.reindex(table.index)
    return best_first(study, table.join(seconds), result.forecasters)


def best_first(study: Study, table: pd.DataFrame, forecasters: Mapping[str, Forecaster]) -> pd.DataFrame:
    """The rows of a leaderboard by how far they are from where the measure that ranks is best; see :func:`from_best`."""
    nominal = nominal_pct(study, forecasters).reindex(table.index)
    distance = from_best(best_by(study), table[best_by(study)], nominal)
    return table.iloc[np.argsort(distance, kind="stable")]  # NaN last


def nominal_pct(study: Study, forecasters: Mapping[str, Forecaster]) -> pd.Series:
    """The coverage that limits are made for, by method [%]: the study's, else the method's own, else the usual 90."""
    own = {
        name: next((layer.coverage for layer in layers(each.estimator) if hasattr(layer, "coverage")), USUAL_COVERAGE)
        for name, each in forecasters.items()
    }
    return 100.0 * pd.Series(own if study.intervals is None else dict.fromkeys(own, study.intervals), dtype=float)


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


def how_refitted(study: Study, forecaster: Forecaster) -> str:
    """How a method of the study was trained: once, again and again, or never, in words."""
    if not learns(forecaster.estimator):
        return "never trained"
    return "once" if study.refit is None else str(study.refit.refit())


def drift(study: Study, panel: Panel, result: BacktestResult) -> pd.DataFrame:
    """The study's metrics by method and span of a refitted backtest: whether the error grows as time goes on.

    Returns
    -------
    DataFrame, index (method, span)
        The metrics, ``n_events``, and of the span ``first``, ``last``, ``learned_until`` (local dates), ``n_learned``; a
        row for each span of each method, NaN where the method estimated nothing in it.
    """
    table = evaluate(result.scored, ["method", "fold"], list(study.metrics), study.aggregate, scale_of(study, panel))
    spans = result.refits.drop(columns="n_judged")  # type: ignore[union-attr]
    whole = pd.MultiIndex.from_product([result.forecasters, spans.index], names=["method", "span"])
    table = table.rename_axis(["method", "span"]).drop(columns="n_sites").reindex(whole)
    table["n_events"] = table["n_events"].fillna(0).astype(int)
    return table.join(spans, on="span")


def scale_of(study: Study, panel: Panel) -> str | pd.Series:
    """What nRMSE divides by: the mean load, or each site's rated power."""
    if study.scale == "mean":
        return "mean"
    if "rated_kw" not in panel.sites.columns or panel.sites["rated_kw"].isna().any():
        raise StudyError("scale: rated_kw needs rated_kw of every site: add it to the site table, or use scale: mean")
    return panel.sites["rated_kw"].astype(float)
