"""What a trained forecaster looks at: permutation importance over whole events, and SHAP values of boosted trees."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cblcast.abilities import Contributes, able
from cblcast.encoding import is_estimator
from cblcast.forecast.event_truth import judged_load
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import event_rows
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, StudyError
from cblcast.hush import no_data_warnings
from cblcast.metrics import nrmse

EXPECTED = "expected"  # the column of SHAP values that is no feature: the mean prediction
_NUMBER = re.compile(r"_\d+(?=_|$)")


@dataclass(frozen=True, eq=False)
class Explanation:
    """What :func:`explain_forecaster` found.

    Attributes
    ----------
    importance : DataFrame, index feature
        ``nrmse_rise``: rise of the nRMSE, mean over sites, when the feature is shuffled between events [points of %];
        ``spread``: its standard deviation over the repeats; ``n_columns``. Largest first.
    nrmse : float
        nRMSE of the events looked at, mean over sites [%].
    shap : dict name -> DataFrame, index (site_id, origin, time)
        SHAP values of each boosted model inside, one column per feature and ``expected``, in the unit of what that
        model predicts: a share of the site's load, the error of another baseline, or kW.
    seen : dict name -> DataFrame
        The features as those models saw them, same rows.
    """

    importance: pd.DataFrame
    nrmse: float
    shap: dict[str, pd.DataFrame] = field(default_factory=dict)
    seen: dict[str, pd.DataFrame] = field(default_factory=dict)

    def shap_table(self) -> pd.DataFrame:
        """Mean absolute SHAP value by model and feature, largest first: columns ``model``, ``feature``, ``mean_abs_shap``."""
        rows = [
            (model, feature, value)
            for model, values in self.shap.items()
            for feature, value in values.drop(columns=EXPECTED).abs().mean().items()
        ]
        table = pd.DataFrame(rows, columns=["model", "feature", "mean_abs_shap"])
        return table.sort_values("mean_abs_shap", ascending=False, kind="stable", ignore_index=True)


def explain_forecaster(
    forecaster: Forecaster,
    panel: Panel,
    cases: pd.DataFrame,
    *,
    repeats: int = 5,
    max_events: int = 600,
    seed: int = 0,
) -> Explanation:
    """Explain a trained forecaster on events it was not trained on.

    Parameters
    ----------
    forecaster : Forecaster
        Trained.
    panel : Panel
    cases : DataFrame
        As :meth:`Forecaster.cases` makes them; test events, for importance in training flatters what overfits.
    repeats : int
        Shuffles of each feature.
    max_events : int
        Events looked at, evenly spread over `cases`.
    seed : int
    """
    if repeats < 1 or max_events < 2:
        raise StudyError(f"an explanation needs repeats >= 1 and max_events >= 2, not {repeats} and {max_events}")
    cases = _thinned(cases, max_events)
    X, y = forecaster.matrix(panel, cases), judged_load(panel, cases)
    scored = cases["scored"].to_numpy(dtype=bool)
    importance, error = permutation_importance(
        forecaster.estimator.predict, X, np.where(scored, y, np.nan), repeats=repeats, seed=seed
    )
    seen = _seen_by_boosted(forecaster, X, X.index[scored])
    return Explanation(
        importance,
        error,
        {name: model.contributions(features) for name, (model, features) in seen.items()},
        {name: features for name, (_, features) in seen.items()},
    )


def permutation_importance(
    predict: Callable[[pd.DataFrame], np.ndarray], X: pd.DataFrame, y: np.ndarray, *, repeats: int = 5, seed: int = 0
) -> tuple[pd.DataFrame, float]:
    """Rise of the error when a feature is taken from another event of the same site.

    Whole events are exchanged, so that a feature keeps its course within the event; between sites nothing is, for that
    would only show that sites differ in size. Columns that differ by a number alone (``ref_kw_01``, ``ref_kw_02``, …)
    are one feature: shuffled one by one, each would be replaced by its neighbours.

    Parameters
    ----------
    predict : callable
        Feature matrix -> estimate [kW].
    X : DataFrame, index (site_id, origin, time)
        Sorted.
    y : ndarray, shape (n_rows,)
        Metered load [kW]; NaN rows are not judged.
    repeats, seed : int

    Returns
    -------
    importance : DataFrame
        See :class:`Explanation`.
    error : float
        nRMSE with nothing shuffled, mean over sites [%].

    Raises
    ------
    DataError
        No row has both load and estimate.
    """
    site = np.asarray(X.index.get_level_values(SITE))
    classes = _exchangeable_events(X, site)
    error = _error(predict, X, y, site)
    if not np.isfinite(error):
        raise DataError("there is nothing to explain: no event has both a metered load and an estimate")
    rng = np.random.default_rng(seed)
    orders = [_exchanged(classes, len(X), rng) for _ in range(repeats)]
    rows = []
    for feature, columns in feature_groups(X.columns).items():
        rises = []
        for order in orders:
            shuffled = X.copy()
            shuffled[columns] = X[columns].to_numpy()[order]
            rises.append(_error(predict, shuffled, y, site) - error)
        rows.append((feature, float(np.mean(rises)), float(np.std(rises)), len(columns)))
    table = pd.DataFrame(rows, columns=["feature", "nrmse_rise", "spread", "n_columns"]).set_index("feature")
    return table.sort_values("nrmse_rise", ascending=False, kind="stable"), error


def feature_groups(columns: Sequence[str] | pd.Index) -> dict[str, list[str]]:
    """Columns by the name they have without their number: ``ref_kw_01`` … are ``ref_kw``."""
    groups: dict[str, list[str]] = {}
    for column in map(str, columns):
        groups.setdefault(_NUMBER.sub("", column), []).append(column)
    return groups


def _seen_by_boosted(
    forecaster: Forecaster, X: pd.DataFrame, wanted: pd.MultiIndex
) -> dict[str, tuple[Any, pd.DataFrame]]:
    """Fitted boosted models inside a forecaster and what they are fed when it predicts, the `wanted` rows of it.

    Wrappers divide by the size of a site, take a baseline off or split by site on the way; listening at the model itself
    is right for all of them.
    """
    models = dict(_boosted(forecaster.estimator))
    heard: dict[str, list[pd.DataFrame]] = {name: [] for name in models}

    def listener(name: str, model: Any) -> Callable[[Any], np.ndarray]:
        def predict(features: Any) -> np.ndarray:
            if isinstance(features, pd.DataFrame) and features.index.names == X.index.names:
                heard[name].append(features)
            return np.asarray(type(model).predict(model, features))

        return predict

    try:
        for name, model in models.items():
            model.predict = listener(name, model)
        with no_data_warnings():
            forecaster.estimator.predict(X)
    finally:
        for model in models.values():
            model.__dict__.pop("predict", None)
    found = {}
    for number, (name, model) in enumerate(models.items(), start=1):
        frames = [frame[frame.index.isin(wanted)] for frame in heard[name]]
        if sum(map(len, frames)):
            label = forecaster.name if len(models) == 1 else f"{forecaster.name}_{number}"
            found[label] = (model, pd.concat(frames)[model.feature_names_].sort_index())
    return found


def _boosted(value: Any, path: str = "model") -> Iterator[tuple[str, Any]]:
    """Fitted models that explain themselves, inside an estimator's fitted state."""
    if able(value, Contributes):
        yield path, value
    elif is_estimator(value):
        for name, inner in vars(value).items():
            if name.endswith("_"):
                yield from _boosted(inner, f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _boosted(inner, f"{path}.{number}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _boosted(inner, f"{path}.{key}")


def _thinned(cases: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most `most` whole events of `cases`, evenly spread."""
    first, event = event_rows(cases.index)
    if len(first) <= most:
        return cases
    chosen = np.linspace(0, len(first) - 1, most).round().astype(int)
    return cases[np.isin(event, chosen)]


def _exchangeable_events(X: pd.DataFrame, site: np.ndarray) -> list[np.ndarray]:
    """Rows of events with the same site and length, shape (n_events, n_rows) for each such class."""
    first, event = event_rows(X.index)
    length = np.bincount(event, minlength=len(first))
    frame = pd.DataFrame({"site": site[first], "length": length})
    return [
        first[members][:, None] + np.arange(length[members[0]])
        for members in frame.groupby(["site", "length"]).indices.values()
    ]


def _exchanged(classes: list[np.ndarray], n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Row from which each row takes its feature, events exchanged within their class."""
    order = np.arange(n_rows)
    for rows in classes:
        order[rows] = rows[rng.permutation(len(rows))]
    return order


def _error(predict: Callable[[pd.DataFrame], np.ndarray], X: pd.DataFrame, y: np.ndarray, site: np.ndarray) -> float:
    """Mean over sites of the nRMSE [%]; NaN when no row can be judged."""
    with no_data_warnings():  # shuffled features are odd on purpose
        predicted = np.asarray(predict(X), dtype=np.float64)
    known = np.isfinite(y) & np.isfinite(predicted)
    errors = [nrmse(y[rows], predicted[rows]) for name in np.unique(site) if (rows := known & (site == name)).any()]
    return float(known_mean(np.array(errors)))
