"""Ridge regression on rows that lie on disk: moments block by block, and the groups of a site solved with its batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.base import clone

from cblcast.errors import DataError
from cblcast.estimators.design import Design, design_of_moments
from cblcast.estimators.groups import group_rows
from cblcast.estimators.learners.own_models import Predicts, justified_sites
from cblcast.estimators.learners.regression import Moments, Ridge, grouped_moments, joined_moments, ridge_paths
from cblcast.frames.schema import SITE
from cblcast.scaling.pooled_rows import TrainingRows, chosen_columns


@dataclass
class _Solved:
    """Groups that are solved, batch by batch."""

    keys: list[np.ndarray] = field(default_factory=list)
    sites: list[np.ndarray] = field(default_factory=list)
    parts: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def add(self, keys: np.ndarray, sites: np.ndarray, moments: Moments, alphas: np.ndarray) -> None:
        """Solve the groups of some moments; these are not kept."""
        count, mean_x, mean_y, gram, moment, total = moments
        coef, alpha = ridge_paths(gram, moment, total, count, alphas)
        self.keys.append(keys)
        self.sites.append(sites)
        self.parts.append((coef, alpha, mean_y - (coef * mean_x).sum(1), count))

    def hand_over(self, ridge: Ridge) -> np.ndarray:
        """Set what the ridge has learned: the groups by key, the pooled one, which was added last, behind them; their sites."""
        *own, _ = self.keys
        keys = np.concatenate(own) if own else np.empty(0, dtype=np.str_)
        order = np.argsort(keys)
        ridge.keys_ = keys[order]
        place = np.r_[order, len(keys)]
        joined = (np.concatenate(each)[place] for each in zip(*self.parts, strict=True))
        ridge.coef_, ridge.alpha_, ridge.intercept_, ridge.rows_ = joined
        return np.concatenate(self.sites)[order]


def fit_ridge(ridge: Ridge, rows: TrainingRows) -> Ridge:
    """Solve all groups; what is learned is what :meth:`Ridge.fit` learns, to the rounding of sums."""
    weight = np.ones(len(rows)) if rows.weight is None else rows.weight
    ridge.n_features_in_ = len(rows.names)
    ridge.design_ = streamed_design(rows, ridge)
    alphas = np.asarray(ridge.alphas, dtype=np.float64)
    solved, shared = _Solved(), dict[str, tuple[Moments, float]]()
    for part, X in rows.blocks_of_sites():
        groups = group_rows(X, ridge.by, ridge)
        moments = grouped_moments(
            ridge.design_.matrix(X, ridge, told=False), rows.y[part], weight[part], groups.of_row, len(groups)
        )
        masses = np.bincount(groups.of_row, weights=weight[part], minlength=len(groups))
        _keep(shared, "", (joined_moments(moments, masses), float(masses.sum())))
        if SITE in ridge.by:  # no site stands in two blocks: its groups are whole, and their moments need not be kept
            solved.add(groups.keys, groups.names[:, list(ridge.by).index(SITE)], moments, alphas)
        elif ridge.by:
            for number, key in enumerate(groups.keys.tolist()):
                _keep(shared, key, (tuple(each[number : number + 1] for each in moments), float(masses[number])))
    if not shared:
        raise DataError("Ridge has no training rows: check the events and their metered hours")
    for key in (*sorted(key for key in shared if key), ""):
        solved.add(np.array([key]), np.array([""]), shared[key][0], alphas)
    sites = solved.hand_over(ridge)
    if ridge.own == "justified" and SITE in ridge.by:
        _keep_justified(ridge, sites, rows, weight)
    return ridge


def streamed_design(rows: TrainingRows, ridge: Ridge) -> Design:
    """The design that :func:`cblcast.estimators.design.learn_design` learns, in two readings of the rows."""
    there = rows.names
    coded = [name for name in ridge.one_hot if name in there]
    wanted = [name for name in there if name not in coded] if ridge.columns is None else list(ridge.columns)
    count, total = np.zeros(len(wanted)), np.zeros(len(wanted))
    infinite = np.zeros(len(wanted), dtype=bool)
    levels: dict[str, list[np.ndarray]] = {name: [] for name in coded}
    for _, X in rows.blocks():
        values = chosen_columns(X, wanted)
        known = np.isfinite(values)
        infinite |= np.isinf(values).any(0)
        count += known.sum(0)
        total += np.where(known, values, 0.0).sum(0)
        for name in coded:
            levels[name].append(np.unique(X[name].to_numpy()))
    mean = np.where(count > 0, total / np.maximum(count, 1), 0.0)
    square = np.zeros(len(wanted))
    for _, X in rows.blocks():
        beside = chosen_columns(X, wanted) - mean
        square += (np.where(np.isfinite(beside), beside, 0.0) ** 2).sum(0)
    spread = np.sqrt(np.where(count > 0, square / np.maximum(count, 1), 0.0))
    found = {name: np.unique(np.concatenate(parts)) for name, parts in levels.items()}
    found = {name: values[np.isfinite(values)] for name, values in found.items()}
    return design_of_moments(wanted, mean, spread, infinite, found, ridge.clip, ridge)


def _keep_justified(ridge: Ridge, sites: np.ndarray, rows: TrainingRows, weight: np.ndarray) -> None:
    """Leave the groups of sites to the pooled model whose own one is not to be trusted; `sites` are those of the groups."""

    def fit(chosen: np.ndarray) -> Predicts:
        part = fit_ridge(clone(ridge).set_params(own="always"), rows.weighted(weight).where(chosen))

        def both(asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            held = rows.where(asked)
            return held.asked(part.predict), held.asked(part.predict_pooled)

        return both

    trusted = justified_sites(pd.DataFrame(index=rows.index), rows.y, weight, fit, ridge)
    ridge.rows_[: len(sites)] *= np.isin(sites, trusted)


def _keep(known: dict[str, tuple[Moments, float]], key: str, part: tuple[Moments, float]) -> None:
    """Add the moments of a part of a group, with the sum of its weights, to those that are known."""
    if key not in known:
        known[key] = part
        return
    stacked = tuple(np.concatenate(pair) for pair in zip(known[key][0], part[0], strict=True))
    masses = np.array([known[key][1], part[1]])
    known[key] = joined_moments(stacked, masses), float(masses.sum())
