"""Ridge regression on rows that lie on disk: moments block by block, and the groups of a site solved with its batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from sklearn.base import clone

from cblcast.errors import DataError
from cblcast.estimators.design import Design, design_of_moments
from cblcast.estimators.groups import group_rows
from cblcast.estimators.learners.own_models import Predicts, justified_sites
from cblcast.estimators.learners.regression import Moments, Ridge, grouped_moments, joined_moments, ridge_paths
from cblcast.frames.schema import SITE
from cblcast.scaling.pooled_blocks import Arrays, Block, asked_rows, each_block, frame_of
from cblcast.scaling.pooled_rows import TrainingRows, chosen_columns

_MOMENTS = ("count", "mean_x", "mean_y", "gram", "moment", "total")
_SOLVED = ("coef", "alpha", "intercept", "rows")


@dataclass
class _Solved:
    """Groups that are solved, batch by batch."""

    keys: list[np.ndarray] = field(default_factory=list)
    sites: list[np.ndarray] = field(default_factory=list)
    parts: list[tuple[np.ndarray, ...]] = field(default_factory=list)

    def add(self, keys: np.ndarray, sites: np.ndarray, parts: tuple[np.ndarray, ...]) -> None:
        """Keep what was learned of some groups."""
        self.keys.append(keys)
        self.sites.append(sites)
        self.parts.append(parts)

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


def _solve(moments: Moments, alphas: np.ndarray) -> tuple[np.ndarray, ...]:
    """Coefficients, penalty, intercept and rows of some groups."""
    count, mean_x, mean_y, gram, moment, total = moments
    coef, alpha = ridge_paths(gram, moment, total, count, alphas)
    return coef, alpha, mean_y - (coef * mean_x).sum(1), count


@dataclass(frozen=True)
class _GroupsOfBlock:
    """The moments of a block of whole sites, and its groups solved where a group is of one site."""

    ridge: Ridge
    design: Design
    alphas: np.ndarray

    def __call__(self, block: Block) -> Arrays:
        rows = block.rows
        X = frame_of(rows)
        weight = np.ones(len(rows)) if rows.weight is None else rows.weight
        groups = group_rows(X, self.ridge.by, self.ridge)
        matrix = self.design.matrix(X, self.ridge, told=False)
        moments = grouped_moments(matrix, rows.y, weight, groups.of_row, len(groups))
        masses = np.bincount(groups.of_row, weights=weight, minlength=len(groups))
        told = dict(zip(_MOMENTS, joined_moments(moments, masses), strict=True)) | {"mass": masses.sum()[None]}
        if (
            SITE in self.ridge.by
        ):  # no site stands in two blocks: its groups are whole, and their moments need not be kept
            told |= {"keys": groups.keys, "sites": groups.names[:, list(self.ridge.by).index(SITE)]}
            return told | dict(zip(_SOLVED, _solve(moments, self.alphas), strict=True))
        if self.ridge.by:
            told |= {"keys": groups.keys, "masses": masses}
            told |= {f"own_{name}": values for name, values in zip(_MOMENTS, moments, strict=True)}
        return told


def fit_ridge(ridge: Ridge, rows: TrainingRows) -> Ridge:
    """Solve all groups; what is learned is what :meth:`Ridge.fit` learns, to the rounding of sums."""
    if len(rows) == 0:
        raise DataError("Ridge has no training rows: check the events and their metered hours")
    ridge.n_features_in_ = len(rows.names)
    ridge.design_ = streamed_design(rows, ridge)
    alphas = np.asarray(ridge.alphas, dtype=np.float64)
    solved, shared = _Solved(), dict[str, tuple[Moments, float]]()
    for found in each_block(rows, _GroupsOfBlock(clone(ridge), ridge.design_, alphas), of_sites=True):
        _keep(shared, "", (tuple(found[name] for name in _MOMENTS), float(found["mass"][0])))
        if "sites" in found:
            solved.add(found["keys"], found["sites"], tuple(found[name] for name in _SOLVED))
        elif "keys" in found:
            moments = [found[f"own_{name}"] for name in _MOMENTS]
            for number, key in enumerate(found["keys"].tolist()):
                part = tuple(each[number : number + 1] for each in moments)
                _keep(shared, key, (part, float(found["masses"][number])))
    for key in (*sorted(key for key in shared if key), ""):
        solved.add(np.array([key]), np.array([""]), _solve(shared[key][0], alphas))
    sites = solved.hand_over(ridge)
    if ridge.own == "justified" and SITE in ridge.by:
        _keep_justified(ridge, sites, rows)
    return ridge


def streamed_design(rows: TrainingRows, ridge: Ridge) -> Design:
    """The design that :func:`cblcast.estimators.design.learn_design` learns, in two readings of the rows."""
    there = rows.names
    coded = tuple(name for name in ridge.one_hot if name in there)
    wanted = [name for name in there if name not in coded] if ridge.columns is None else list(ridge.columns)
    count, total = np.zeros(len(wanted)), np.zeros(len(wanted))
    infinite = np.zeros(len(wanted), dtype=bool)
    levels: dict[str, list[np.ndarray]] = {name: [] for name in coded}
    for found in each_block(rows, partial(_sums, tuple(wanted), coded)):
        infinite |= found["infinite"]
        count += found["count"]
        total += found["total"]
        for name in coded:
            levels[name].append(found[f"level_{name}"])
    mean = np.where(count > 0, total / np.maximum(count, 1), 0.0)
    square = np.zeros(len(wanted))
    for found in each_block(rows, partial(_squares, tuple(wanted), mean)):
        square += found["square"]
    spread = np.sqrt(np.where(count > 0, square / np.maximum(count, 1), 0.0))
    known = {name: np.unique(np.concatenate(parts)) for name, parts in levels.items()}
    known = {name: values[np.isfinite(values)] for name, values in known.items()}
    return design_of_moments(wanted, mean, spread, infinite, known, ridge.clip, ridge)


def _sums(wanted: tuple[str, ...], coded: tuple[str, ...], block: Block) -> Arrays:
    """Of each wanted column the known values and their sum; of each coded one its values."""
    X = frame_of(block.rows)
    values = chosen_columns(X, wanted)
    known = np.isfinite(values)
    told = {"infinite": np.isinf(values).any(0), "count": known.sum(0), "total": np.where(known, values, 0.0).sum(0)}
    return told | {f"level_{name}": np.unique(X[name].to_numpy()) for name in coded}


def _squares(wanted: tuple[str, ...], mean: np.ndarray, block: Block) -> Arrays:
    beside = chosen_columns(frame_of(block.rows), wanted) - mean
    return {"square": (np.where(np.isfinite(beside), beside, 0.0) ** 2).sum(0)}


def _keep_justified(ridge: Ridge, sites: np.ndarray, rows: TrainingRows) -> None:
    """Leave the groups of sites to the pooled model whose own one is not to be trusted; `sites` are those of the groups."""
    weight = np.ones(len(rows)) if rows.weight is None else rows.weight

    def fit(chosen: np.ndarray) -> Predicts:
        part = fit_ridge(clone(ridge).set_params(own="always"), rows.weighted(weight).where(chosen))

        def both(asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            held = rows.where(asked)
            return asked_rows(held, part.predict), asked_rows(held, part.predict_pooled)

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
