"""One neural net for each site, all trained together in batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.estimators.neural.network import Array, forward
from cblcast.estimators.neural.preparation import Rows, canonical, scaled_inputs
from cblcast.estimators.neural.settings import NetSettings, plain_history, row_groups
from cblcast.estimators.neural.training import train_nets
from cblcast.frames.schema import DataError

# Padded inputs predicted at a time: sites x features x rows.
_BLOCK = 2_000_000


class NeuralNetPerSite(NetSettings):
    """As many :class:`~cblcast.estimators.neural.neural_net.NeuralNet` as there are sites, trained at once.

    A site's net is the one that would be trained on its rows alone, up to rounding. Parameters as there; ``time_limit_s``
    holds for each batch of sites.

    Attributes
    ----------
    site_ids_ : ndarray of str (sites,)
        Sorted.
    weights_ : ndarray (sites, n_nets, n_parameters)
    x_fill_, x_offset_, x_gain_ : ndarray (sites, n_features_in_)
    y_offset_, y_gain_ : ndarray (sites,)
        Gain 0 = the site's target was constant, or it has fewer than 5 rows; the offset (then the median) is predicted.
    history_ : dict of str to list
        One element a net, site by site (``site_id`` is one of the columns): ``pandas.DataFrame(net.history_)``.
    fallbacks_ : dict of str to int
        As for NeuralNet, and ``feature_without_values`` (a site's all-NaN feature is switched off) and ``too_few_rows``.

    Raises
    ------
    DataError
        For rows without a site_id, a site that fit has not seen, and bad values as for NeuralNet.
    """

    pooled = False  # a model of its own for each site

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> NeuralNetPerSite:
        """Train one net for each site_id in the index of X (n, features), on the targets y (n,)."""
        check_parameters(self)
        recipe = self._recipe()
        names = _sites_of(X)
        x = self._learn_inputs(X)
        target = self._target(y, len(x))
        if not len(x):
            raise DataError("NeuralNetPerSite got no rows to train on: check the period and the sites of the study")
        groups = row_groups(X)
        self.site_ids_, codes = np.unique(names, return_inverse=True)
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(self.site_ids_) + 1))
        work = []
        for s, name in enumerate(self.site_ids_):
            mine = order[bounds[s] : bounds[s + 1]]
            rows = canonical(Rows(x[mine], target[mine], None if groups is None else groups[mine]))
            work += [
                Rows(rows.x, rows.y, rows.groups, f"site {str(name)!r}", int(self.seed) + net)
                for net in range(int(self.n_nets))
            ]
        nets = train_nets(work, x.shape[1], recipe)
        first = slice(None, None, int(self.n_nets))
        self.weights_ = nets.weights.reshape(len(self.site_ids_), int(self.n_nets), -1)
        self.x_fill_, self.x_offset_, self.x_gain_ = nets.x_fill[first], nets.x_offset[first], nets.x_gain[first]
        self.y_offset_, self.y_gain_ = nets.y_offset[first], nets.y_gain[first]
        self.history_ = {"site_id": np.repeat(self.site_ids_, int(self.n_nets)).tolist(), **plain_history(nets.history)}
        self.fallbacks_ = nets.fallbacks
        return self

    def predict(self, X: pd.DataFrame) -> Array:
        """Predictions (n,) in row order, each by its site's own net."""
        check_is_fitted(self, "weights_")
        names = _sites_of(X)
        x = self._inputs(X)
        self._log_imputed(x)
        asked, inverse = np.unique(names, return_inverse=True)
        unseen = asked[~np.isin(asked, self.site_ids_)]
        if len(unseen):
            raise DataError(
                f"NeuralNetPerSite was not trained on site {str(unseen[0])!r}"
                f"{f' and {len(unseen) - 1} more' if len(unseen) > 1 else ''}: train with its history, or use "
                "NeuralNet, which serves every site"
            )
        site = np.searchsorted(self.site_ids_, asked)
        order = np.argsort(inverse, kind="stable")
        counts = np.bincount(inverse, minlength=len(asked))
        starts = np.cumsum(counts) - counts
        own = site[inverse]
        scaled = scaled_inputs(x, self.x_fill_[own], self.x_offset_[own], self.x_gain_[own])
        answer = np.empty(len(x))
        by_length = np.argsort(counts, kind="stable")
        while len(by_length):
            width = max(1, _BLOCK // (int(counts[by_length[-1]]) * x.shape[1]))
            batch, by_length = by_length[-width:], by_length[:-width]
            # Sites of similar length are padded to one block; where the padding points does not matter.
            place = np.arange(counts[batch].max())
            inside = place < counts[batch, None]
            rows = order[np.where(inside, starts[batch, None] + place, 0)]
            block = scaled[rows].transpose(0, 2, 1)
            output = np.mean(
                [forward(self._net(), weights, block) for weights in self.weights_[site[batch]].transpose(1, 0, 2)],
                axis=0,
            )
            gain, offset = self.y_gain_[site[batch]][:, None], self.y_offset_[site[batch]][:, None]
            values = np.where(gain == 0, 0.0, output / np.where(gain == 0, 1.0, gain)) + offset
            answer[rows[inside]] = values[inside]
        return answer


def _sites_of(X: object) -> NDArray[np.str_]:
    if not isinstance(X, pd.DataFrame) or "site_id" not in (X.index.names or []):
        raise DataError("NeuralNetPerSite trains one net a site: give it a DataFrame whose index has the level site_id")
    return X.index.get_level_values("site_id").to_numpy().astype(str)
