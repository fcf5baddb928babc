"""Figures of what a forecaster looks at: its importance, and the SHAP values of its boosted models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cblcast.forecast.explain import EXPECTED, Explanation
from cblcast.plots.style import METERED, SKY

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def explanation_figures(explanation: Explanation) -> dict[str, Callable[[], Figure]]:
    """Figures by name, each drawn when it is called."""
    drawn: dict[str, Callable[[], Figure]] = {"importance": partial(importance_figure, explanation.importance)}
    for model, values in explanation.shap.items():
        name = "shap" if len(explanation.shap) == 1 else f"shap_{model}"
        drawn[name] = partial(shap_figure, values, explanation.seen[model])
    return drawn


def importance_figure(importance: pd.DataFrame, most: int = 15) -> Figure:
    """Bars of the largest rises of nRMSE [points of %], with their spread over the repeats."""
    shown = importance.head(most).iloc[::-1]
    figure = _figure(len(shown))
    axes = figure.subplots()
    axes.barh(shown.index, shown["nrmse_rise"], xerr=shown["spread"], color=SKY, ecolor=METERED)
    axes.axvline(0, color="#999999", lw=0.8)
    axes.set_xlabel("rise of nRMSE when shuffled between the events of a site [points of %]")
    return figure


def shap_figure(shap: pd.DataFrame, X: pd.DataFrame, most: int = 12) -> Figure:
    """SHAP values of the features with the largest mean, one dot per interval, coloured from low to high feature value."""
    values = shap.drop(columns=EXPECTED)
    names = list(values.abs().mean().sort_values(ascending=False, kind="stable").index[:most])[::-1]
    figure = _figure(len(names))
    axes = figure.subplots()
    axes.axvline(0, color="#999999", lw=0.8)
    rng = np.random.default_rng(0)
    dots = None
    for height, name in enumerate(names):
        rank = X[name].rank(pct=True).to_numpy() if name in X.columns else np.full(len(values), 0.5)
        spread = height + rng.uniform(-0.3, 0.3, len(values))
        dots = axes.scatter(values[name], spread, c=rank, cmap="coolwarm", vmin=0, vmax=1, s=5, lw=0)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("SHAP value: what the feature adds to the estimate of the boosted model")
    if dots is not None:
        figure.colorbar(dots, ax=axes, label="feature value, as a rank")
    return figure


def _figure(bars: int) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(8.0, 1.2 + 0.28 * max(bars, 3)), layout="constrained", dpi=110)
