"""Estimators that learn from rows on disk: what each does with all rows at once in memory, done block by block."""

from __future__ import annotations

import json
from functools import partial, singledispatch
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from cblcast.abilities import Estimator, able, check_parameters, inner_values, learns
from cblcast.encoding import decoded, encoded
from cblcast.errors import DataError, StudyError
from cblcast.estimators.columns import take
from cblcast.estimators.design import finite_target
from cblcast.estimators.learned_baseline import LearnedBaseline, even_weights
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.neural.day_attention import DayAttention
from cblcast.estimators.pooled_baseline import PooledBaseline
from cblcast.estimators.wrappers.ensemble import Ensemble
from cblcast.estimators.wrappers.inner import event_rows_of
from cblcast.estimators.wrappers.normalised import Normalised
from cblcast.estimators.wrappers.per_site import PerSite
from cblcast.estimators.wrappers.residual import Residual, with_baseline
from cblcast.estimators.wrappers.site_models import SiteModels
from cblcast.scaling.pooled_blocks import Arrays, Block, asked_rows, each_block, frame_of, some_columns
from cblcast.scaling.pooled_nets import fit_attention
from cblcast.scaling.pooled_ridge import fit_ridge
from cblcast.scaling.pooled_rows import TrainingRows
from cblcast.scaling.pooled_spreads import fit_pooled_baseline
from cblcast.scaling.pooled_trees import fit_boosting


def fit_rows(estimator: Any, rows: TrainingRows) -> Any:
    """Train an estimator on rows that lie on disk.

    Parameters
    ----------
    estimator : estimator
        One of the kinds that are registered here, whatever is inside it included; what has nothing to learn is taken as it is.
    rows : TrainingRows

    Returns
    -------
    estimator
        The same, fitted.

    Raises
    ------
    StudyError
        An estimator that learns from all rows at once.
    """
    check_parameters(estimator)
    if not learns(estimator):
        return estimator.fit(rows.block(slice(0, 1)), rows.y[:1])
    return _fit(estimator, rows)


def check_learns_from_disk(estimator: Any) -> None:
    """Raise :class:`~cblcast.errors.StudyError` for an estimator, or one inside it, that learns from all rows at once."""
    if not learns(estimator):
        return
    if _fit.dispatch(type(estimator)) is _fit.dispatch(object):
        raise _refusal(estimator)
    # The models of PerSite see one site each, in memory; what stands behind them sees all.
    inside = [estimator.fallback] if isinstance(estimator, PerSite) else list(inner_values(estimator))
    for inner in inside:
        if able(inner, Estimator):
            check_learns_from_disk(inner)


def _refusal(estimator: Any) -> StudyError:
    known = ", ".join(sorted(each.__name__ for each in _fit.registry if each is not object))
    return StudyError(
        f"{type(estimator).__name__} learns from all rows at once, so it is not trained out of core: take one of {known}, or train "
        "it on fewer sites in memory"
    )


@singledispatch
def _fit(estimator: Any, rows: TrainingRows) -> Any:
    raise _refusal(estimator)


_fit.register(Boosting, fit_boosting)
_fit.register(Ridge, fit_ridge)
_fit.register(DayAttention, fit_attention)


@_fit.register
def _normalised(estimator: Normalised, rows: TrainingRows) -> Normalised:
    target, scale = finite_target(rows.y, estimator), some_columns(rows, [estimator.scale]).to_numpy()[:, 0]
    usable = scale > 0
    if not usable.any():
        raise DataError(
            f"Normalised has no training row with {estimator.scale!r} above zero: every site is all zero, or has no reference days"
        )
    estimator.n_features_in_ = len(rows.names)
    shares = rows.with_target(target / np.where(usable, scale, 1.0)).where(usable)
    shares = shares.changed(partial(_shares_of, clone(estimator)))
    estimator.estimator_ = fit_rows(clone(estimator.estimator), shares)
    return estimator


def _shares_of(estimator: Normalised, X: pd.DataFrame) -> pd.DataFrame:
    return estimator.shares(X, take(X, [estimator.scale], estimator)[:, 0])


def _with_baseline_of(baseline: Any, X: pd.DataFrame) -> pd.DataFrame:
    return with_baseline(X, np.asarray(baseline.predict(X), dtype=np.float64))


@_fit.register
def _residual(estimator: Residual, rows: TrainingRows) -> Residual:
    baseline = fit_rows(clone(estimator.baseline), rows)
    base = asked_rows(rows, baseline.predict)
    inside = asked_rows(rows, event_rows_of) > 0
    usable = inside & np.isfinite(base)
    if not usable.any():
        raise DataError(
            f"Residual has nothing to learn: {type(baseline).__name__} gives no baseline for any training row; lengthen the "
            "look-back, or take events with days before them"
        )
    estimator.baseline_, estimator.n_features_in_ = baseline, len(rows.names)
    left = rows.with_target(finite_target(rows.y, estimator) - base).where(usable)
    left = left.changed(partial(_with_baseline_of, baseline))
    estimator.estimator_ = fit_rows(clone(estimator.estimator), left)
    return estimator


@_fit.register
def _ensemble(estimator: Ensemble, rows: TrainingRows) -> Ensemble:
    if estimator.weighting != "equal":
        raise StudyError(
            f"Ensemble learns {estimator.weighting} weights from members trained on parts of all rows, which is not done out of core: "
            "set weighting: equal"
        )
    n_members = len(estimator.members)
    estimator.segments_ = np.empty(0, dtype=np.str_)
    estimator.weights_ = np.full((1, n_members), 1.0 / n_members)
    estimator.out_of_fold_rmse_ = np.full(n_members, np.nan)
    estimator.n_features_in_ = len(rows.names)
    estimator.members_ = [fit_rows(clone(member), rows) for member in estimator.members]
    return estimator


@_fit.register
def _learned_baseline(estimator: LearnedBaseline, rows: TrainingRows) -> LearnedBaseline:
    there = rows.names
    columns = estimator.columns_of(there)
    target = finite_target(rows.y, estimator)
    weight = even_weights(some_columns(rows, ["history_scale_kw", "history_mean_kw"]), target, estimator)
    estimator.columns_, estimator.n_features_in_ = columns, len(there)
    own = rows.with_target(target).weighted(weight).only(columns)
    estimator.estimator_ = fit_rows(Normalised(estimator.members(columns)), own)
    return estimator


@_fit.register
def _pooled_baseline(estimator: PooledBaseline, rows: TrainingRows) -> PooledBaseline:
    return fit_pooled_baseline(estimator, rows, fit_rows)


@_fit.register
def _per_site(estimator: PerSite, rows: TrainingRows) -> PerSite:
    """Site by site, so many in memory at once as make a block; the fallback learns from all rows on disk."""
    estimator.n_features_in_ = len(rows.names)
    estimator.fallback_ = None if estimator.fallback is None else fit_rows(clone(estimator.fallback), rows)
    parts: list[SiteModels] = []
    short: list[str] = []
    for found in each_block(rows, partial(_models_of_block, clone(estimator)), of_sites=True, kept=True):
        arrays = dict(found)
        told = decoded(json.loads(arrays.pop("document").tobytes()), arrays)
        parts.append(SiteModels(told["sites"], told["stacks"], told["own"]))
        short += told["short"]
    estimator.take_models(SiteModels.joined(parts))
    estimator.check_short(sorted(short))
    return estimator


def _models_of_block(estimator: PerSite, block: Block) -> Arrays:
    """The models of a block's sites as arrays; ``document``, the bytes of a text, says what they are."""
    rows = block.rows
    models, short = estimator.models_of(frame_of(rows), rows.y, rows.weight)
    arrays: dict[str, np.ndarray] = {}
    told = {"sites": models.sites, "stacks": models.stacks, "own": models.own, "short": short}
    document = json.dumps(encoded(told, "told", arrays)).encode()
    return {"document": np.frombuffer(document, dtype=np.uint8), **arrays}
