"""Evaluation: tables of a scored frame, by method, adjustment, site or segment."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from cblcast import registry
from cblcast.frames.schema import (
    LOWER,
    OBSERVED,
    ORIGIN,
    PREDICTED,
    SITE,
    UPPER,
    DataWarning,
    StudyError,
    nearest,
    quantile_levels,
)

AGGREGATES = ("per_site", "per_event", "pooled")
DEFAULT_METRICS = ("mpe", "mape", "rmse", "nrmse")
INTERVAL_METRICS = ("coverage", "interval_width")
QUANTILE_METRICS = ("crps", "pinball")


def evaluate(
    scored: pd.DataFrame,
    by: Sequence[str] = ("method",),
    metrics: Sequence[str] = DEFAULT_METRICS,
    aggregate: str = "per_site",
    scale: str | pd.Series = "mean",
) -> pd.DataFrame:
    """Error measures of a scored frame.

    Parameters
    ----------
    scored : DataFrame
        As :func:`cblcast.forecast.backtest.backtest` makes it.
    by : sequence of str
        Columns or index levels that make the rows of the table: ``method``, ``site_id``, ``segment``, ``fold``, …
    metrics : sequence of str
        Names of :data:`cblcast.registry.METRICS`.
    aggregate : {"per_site", "per_event", "pooled"}
        Measures of each site, of each event, or of all rows at once; the first two are then averaged. The baseline
        paper averages over evaluation periods (its table 3 is not possible pooled).
    scale : "mean" or Series site_id -> kW
        What nRMSE divides by: the mean load, or e.g. the rated power, of each row its own site's.

    Returns
    -------
    DataFrame
        One row per group, a column per metric, ``n_events`` and ``n_sites``.
    """
    if aggregate not in AGGREGATES:
        raise StudyError(f"unknown aggregate {aggregate!r}: {nearest(aggregate, AGGREGATES)}")
    if not by:
        raise StudyError("name at least one column to group by, such as 'method'")
    if isinstance(scale, str) and scale != "mean":
        raise StudyError(f"unknown scale {scale!r}: give 'mean', or a Series of kW by site")
    frame = scored.reset_index()
    for key in by:
        if key not in frame.columns:
            raise StudyError(f"cannot group by {key!r}: {nearest(key, map(str, frame.columns))}")
    inner = {"per_site": [SITE], "per_event": [SITE, ORIGIN], "pooled": []}[aggregate]
    keys = list(by)
    within = keys + [key for key in inner if key not in keys]
    rows = _measure(frame, within, list(metrics), scale)
    _tell_undefined(rows, [name for name in metrics if name not in {*INTERVAL_METRICS, *QUANTILE_METRICS}], aggregate)
    _tell_without_quantiles(frame, metrics)
    table = (
        rows.groupby(keys, sort=False, dropna=False)[list(metrics)].mean()
        if inner
        else rows.set_index(keys)[list(metrics)]
    )
    one_row_each = frame.drop_duplicates([*keys, *(key for key in (SITE, ORIGIN) if key not in keys)])
    table["n_events"] = one_row_each.groupby(keys, sort=False, dropna=False).size()
    table["n_sites"] = 1 if SITE in keys else frame.groupby(keys, sort=False, dropna=False)[SITE].nunique()
    return table


def _measure(frame: pd.DataFrame, within: list[str], metrics: list[str], scale: str | pd.Series) -> pd.DataFrame:
    functions = {name: registry.METRICS.resolve(name) for name in metrics}
    rows = []
    for key, group in frame.groupby(within, sort=False, dropna=False):
        y, p = group[OBSERVED].to_numpy(), group[PREDICTED].to_numpy()
        row = dict(zip(within, key, strict=True))
        for name, function in functions.items():
            if name in INTERVAL_METRICS:
                low, high = group[LOWER].to_numpy(), group[UPPER].to_numpy()
                row[name] = function(y, low, high) if np.isfinite(low).all() and np.isfinite(high).all() else np.nan
            elif name in QUANTILE_METRICS:
                row[name] = _of_quantiles(function, y, group)
            elif name == "nrmse" and not isinstance(scale, str):
                kw = scale.loc[group[SITE]].to_numpy(dtype=np.float64)
                row[name] = function(y / kw, p / kw, 1.0)
            else:
                row[name] = function(y, p)
        rows.append(row)
    return pd.DataFrame(rows)


def _of_quantiles(function: Callable[..., float], y: np.ndarray, group: pd.DataFrame) -> float:
    """A measure of whole distributions; NaN for rows without."""
    levels = quantile_levels(group.columns[group.notna().all()])
    return function(y, group[list(levels)].to_numpy(), list(levels.values())) if levels else np.nan


def _tell_without_quantiles(frame: pd.DataFrame, metrics: Sequence[str]) -> None:
    """A point has no distribution to be judged; a column of nothing must say so."""
    asked = [name for name in metrics if name in QUANTILE_METRICS]
    if asked and not quantile_levels(frame.columns):
        warnings.warn(
            f"{asked[0]} judges quantiles, and no method gives any: take one that does (LeadIntervals, QuantileNet, "
            "QuantileBoosting), or intervals: in a study of nowcasts",
            DataWarning,
            stacklevel=3,
        )


def _tell_undefined(rows: pd.DataFrame, metrics: list[str], aggregate: str) -> None:
    """A relative error of a load that is zero does not exist; a mean that leaves it out must say so."""
    undefined = rows[metrics].isna().any(axis=1)
    if undefined.any() and aggregate != "pooled":
        what = {"per_site": SITE, "per_event": ORIGIN}[aggregate]
        count = rows.loc[undefined, what].nunique()
        first = next(name for name in metrics if rows.loc[undefined, name].isna().any())
        warnings.warn(
            f"{first} is undefined for {count} of {rows[what].nunique()} {'sites' if what == SITE else 'events'}, whose load is "
            "zero in the mean; the means leave them out",
            DataWarning,
            stacklevel=3,
        )
