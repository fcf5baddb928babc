"""The pooled baseline: members that learned on many sites, and answer for a site they have never seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from cblcast.abilities import check_parameters
from cblcast.checked.parameters import Days, HourCount, Inner, Positive, Share
from cblcast.days.day_types import DayTypes
from cblcast.estimators.columns import take
from cblcast.estimators.design import finite_target
from cblcast.estimators.groups import group_rows
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.neural.day_attention import DayAttention
from cblcast.estimators.neural.day_inputs import WEATHER, DayInputs, day_inputs, input_columns
from cblcast.estimators.wrappers.inner import check_estimator, fit_weighted
from cblcast.frames.known import known_mean
from cblcast.frames.schema import DataError, StudyError
from cblcast.frames.units import unit_of_column

SCALE, COUNT, MEAN = "seq_scale_kw", "history_count_days", "history_mean_kw"
_ROWS_AT_ONCE = 8192
_WIDEST = 10.0  # spreads
_LEVELS = ("mean", "day", "weekday", "alike", "nearest", "steady", "quick", "adjusted", "least", "most", "before", "after",
           "early", "night", "daytime", "year")  # fmt: skip
_EVIDENCE = tuple(
    f"history_{name}_kw"
    for name in (
        *(f"day_{k}" for k in range(1, 11)),
        *(f"{days}_{mode}" for days in ("mean", "nearest", "alike") for mode in ("ratio", "shift")),
        *("mean", "mean_20", "adjusted", "steady", "quick"),
    )
)
_BESIDE = ("hours_since_start", "hours_since_stop", "event_hours")

Members = Sequence[tuple[str, Inner]]


def usual_nets() -> Members:
    """One member of two attention nets."""
    return (("attention", DayAttention()),)


def usual_tables() -> Members:
    """A ridge for each whole hour since the start, and boosted trees."""
    trees = Boosting(
        n_estimators=400, learning_rate=0.03, min_child_samples=100, colsample_bytree=0.3, subsample=0.6,
        reg_lambda=10.0, max_bin=63,
    )  # fmt: skip
    return (("ridge", Ridge(by=("lead_hours",), clip=6.0)), ("trees", trees))


class PooledBaseline(RegressorMixin, BaseEstimator):
    """A weighted mean of members that learned on many sites together, and see each only in its own measure.

    Loads are divided by the mean absolute load of the site's ten newest reference days, then told as differences from the
    mean of these days, in spreads: how far the days lie apart at that hour. What is learned on some sites so serves all
    others: a campus and a home, a meter without weather, and a site that exports more than it uses, whose mean load is
    no size.

    Parameters
    ----------
    nets : sequence of (name, estimator), optional
        Members that see the recent days one by one; :func:`usual_nets` unless given.
    tables : sequence of (name, estimator), optional
        Members that see means of days, what the event day is above them, and how steady the site is;
        :func:`usual_tables` unless given.
    weights : sequence of float, optional
        Of the members, nets first; equal unless given.
    least_kw : float
        Sites whose mean absolute load lies below get no estimate [kW].
    fewest_days : int
        Reference days that an estimate needs.
    days, hours_before, hours_after : int
        Of the builder ``day_sequence``.
    day_types : str or eight labels
        Only days of the event day's own type are reference days.
    weather_lost : float
        Share of the training rows that the tables see without weather, so that they learn to do without.

    Attributes
    ----------
    nets_, tables_ : list of estimators

    Notes
    -----
    Training the usual nets needs torch (the extra ``neural``), prediction does not.

    An estimate is held within what the site's recent days, and their means met in the seen hours, span.
    """

    def __init__(
        self,
        nets: Members | None = None,
        tables: Members | None = None,
        weights: Sequence[Positive] | None = None,
        least_kw: Positive = 1e-3,
        fewest_days: Days = 3,
        days: Days = 24,
        hours_before: HourCount = 8,
        hours_after: HourCount = 4,
        day_types: DayTypes = "working",
        weather_lost: Share = 0.15,
    ) -> None:
        self.nets = nets
        self.tables = tables
        self.weights = weights
        self.least_kw = least_kw
        self.fewest_days = fewest_days
        self.days = days
        self.hours_before = hours_before
        self.hours_after = hours_after
        self.day_types = day_types
        self.weather_lost = weather_lost

    @property
    def member_names(self) -> tuple[str, ...]:
        """Names of the members, in the order of :meth:`predict_members`."""
        return tuple(name for name, _ in self._members())

    def required_features(self) -> dict[str, dict[str, Any]]:
        """Builders and the parameters this method needs of them."""
        sequence = {
            "days": self.days,
            "hours_before": self.hours_before,
            "hours_after": self.hours_after,
            "day_types": self.day_types,
        }
        history = {"weather": (), "day_types": self.day_types}
        return {"day_sequence": sequence, "day_history": history, "event_windows": {}}

    def check(self) -> None:
        """Raise for members that are no regressors, and for weights that are not as many."""
        members = self._members()
        for name, member in members:
            check_estimator(member, self, name)
            check_parameters(member)
        if not members:
            raise StudyError("PooledBaseline has no members: give nets or tables")
        if self.weights is not None and len(self.weights) != len(members):
            raise StudyError(f"PooledBaseline has {len(members)} members and {len(self.weights)} weights: give as many")

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Train every member on all sites of `X`."""
        check_parameters(self)
        scale, usable = self.scales(X)
        if not usable.any():
            raise DataError(
                f"{type(self).__name__} has no training row with {self.fewest_days} reference days and a load to divide by"
            )
        rows, scale = X[usable], scale[usable]
        blocks = [slice(first, first + _ROWS_AT_ONCE) for first in range(0, len(rows), _ROWS_AT_ONCE)]
        seen = [self.seen(rows.iloc[block], scale[block]) for block in blocks]
        inputs, table = DayInputs.joined([part for part, _ in seen]), pd.concat([part for _, part in seen])
        del seen
        target = inputs.targets(finite_target(y, self)[usable] / scale)
        weight = weights_of_sites(rows, self)
        self.n_features_in_ = X.shape[1]
        sequence = pd.DataFrame(inputs.columns())
        nets, tables = self.parts()
        self.nets_ = [fit_weighted(clone(net), sequence, target, weight) for _, net in nets]
        table = without_weather(table, self.weather_lost)
        self.tables_ = [fit_weighted(clone(member), table, target, weight) for _, member in tables]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Baseline [kW], float64, shape (n_rows,); NaN where :meth:`why_not` says why."""
        return self.combined(self.predict_members(X))

    def predict_members(self, X: pd.DataFrame) -> np.ndarray:
        """Estimate of each member [kW], float64, shape (n_rows, n_members); NaN where it has none."""
        check_is_fitted(self, "nets_")
        scale, usable = self.scales(X)
        out = np.full((len(X), len(self.nets_) + len(self.tables_)), np.nan)
        places = np.flatnonzero(usable)
        for first in range(0, len(places), _ROWS_AT_ONCE):
            part = places[first : first + _ROWS_AT_ONCE]
            rows = X.iloc[part]
            inputs, table = self.seen(rows, scale[part])
            sequence = pd.DataFrame(inputs.columns())
            found = [net.predict(sequence) for net in self.nets_] + [member.predict(table) for member in self.tables_]
            spreads = np.stack(found, axis=1).astype(np.float64)
            shares = inputs.centre[:, None].astype(np.float64) + spreads * inputs.spread[:, None]
            out[part] = within(rows, shares * scale[part, None], self)
        return out

    def combined(self, members: np.ndarray) -> np.ndarray:
        """One estimate of those of the members, (n_rows, n_members) -> (n_rows,) [kW]."""
        weights = np.ones(members.shape[1]) if self.weights is None else np.asarray(self.weights, dtype=np.float64)
        return known_mean(members, weight=np.where(np.isfinite(members), weights, 0.0))

    def why_not(self, X: pd.DataFrame) -> np.ndarray:
        """Why a row gets no estimate, empty where it gets one; str, shape (n_rows,)."""
        scale, count = take(X, [SCALE, COUNT], self).T
        few = f"fewer than {self.fewest_days} reference days in the look-back"
        dead = f"a mean absolute load under {1000 * self.least_kw:g} W on the reference days: a dead meter, or another unit"
        reason = np.where(scale >= self.least_kw, "no metered load at this hour on the reference days", dead)
        reason = np.where((count >= self.fewest_days) & np.isfinite(scale), reason, few)
        return np.where(self.scales(X)[1], "", reason).astype(np.str_)

    def parts(self) -> tuple[Members, Members]:
        """Members that see the recent days, and those that see a table of means."""
        nets = usual_nets() if self.nets is None else self.nets
        return nets, usual_tables() if self.tables is None else self.tables

    def _members(self) -> Members:
        nets, tables = self.parts()
        return (*nets, *tables)

    def scales(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Scale of each row [kW], and whether it has one that can be divided by, with days enough."""
        scale, count, mean = take(X, [SCALE, COUNT, MEAN], self).T
        with np.errstate(invalid="ignore"):
            return scale, (scale >= self.least_kw) & (count >= self.fewest_days) & np.isfinite(mean)

    def seen(self, X: pd.DataFrame, scale: np.ndarray) -> tuple[DayInputs, pd.DataFrame]:
        """What the nets see of rows, and what the tables see."""
        names = input_columns(self.days, self.hours_before, self.hours_after)
        shares = dict(zip(names, per_unit(X, names, scale, self).T, strict=True))
        inputs = day_inputs(shares, self.days, self.hours_before, self.hours_after)
        return inputs, spread_table(X, scale, inputs, self)


def per_unit(X: pd.DataFrame, names: list[str], scale: np.ndarray, estimator: object) -> np.ndarray:
    """The columns `names`, those in kilowatts divided by `scale` [kW], float64, shape (n_rows, len(names))."""
    power = np.array([unit_of_column(name) == "kw" for name in names], dtype=bool)
    return take(X, names, estimator) / np.where(power, scale[:, None], 1.0)


def spread_table(X: pd.DataFrame, scale: np.ndarray, inputs: DayInputs, estimator: object) -> pd.DataFrame:
    """What day_history says of each row, loads in spreads above the mean of the newest days, beside the net's context.

    Returns
    -------
    DataFrame, float32
        ``history_…`` (levels less the mean of days, differences as they are), ``lead_hours`` (whole hours since the start),
        the position in the event, and ``context_…``.
    """
    names = [str(name) for name in X.columns if str(name).startswith("history_") and name != "history_scale_kw"]
    values = per_unit(X, [*names, *_BESIDE], scale, estimator)
    for place, name in enumerate(names):
        if unit_of_column(name) != "kw":
            continue
        if is_level(name):
            values[:, place] -= inputs.centre
        values[:, place] = np.clip(values[:, place] / inputs.spread, -_WIDEST, _WIDEST)
    values = np.nan_to_num(values)  # what is not known is as on the mean of days; what was seen stands in the context
    lead = np.floor(values[:, len(names)] + 1e-9)
    context = [f"context_{place}" for place in range(inputs.context.shape[1])]
    joined = np.concatenate([values, lead[:, None], inputs.context], axis=1, dtype=np.float32)
    return pd.DataFrame(joined, columns=[*names, *_BESIDE, "lead_hours", *context], index=X.index)


def is_level(name: str) -> bool:
    """Whether a column of day_history is a load, not a difference of loads or a spread."""
    words = name.removeprefix("history_").split("_")
    return words[0] in _LEVELS and not {"above", "change"} & set(words)


def without_weather(table: pd.DataFrame, share: float, first: int = 0) -> pd.DataFrame:
    """The table with the weather taken from `share` of its rows, every n-th; its first row is the `first` of all."""
    if share <= 0:
        return table
    every = max(1, round(1 / share))
    rows = np.arange(-first % every, len(table), every)
    places = [table.columns.get_loc(f"context_{place}") for place in range(WEATHER.start, WEATHER.stop)]
    values = table.to_numpy(copy=True)
    values[np.ix_(rows, places)] = 0.0
    return pd.DataFrame(values, index=table.index, columns=table.columns)


def weights_of_sites(X: pd.DataFrame, estimator: object) -> np.ndarray:
    """Weight of each training row: one over the root of the rows of its site, so that no site that was metered long decides.

    Returns
    -------
    ndarray, shape (n_rows,)
        Of mean 1.
    """
    groups = group_rows(X, ("site_id",), estimator)
    rows = np.bincount(groups.of_row, minlength=len(groups))
    weight = 1.0 / np.sqrt(rows[groups.of_row])
    return weight / weight.mean()


def within(X: pd.DataFrame, members: np.ndarray, estimator: object) -> np.ndarray:
    """Hold each member's estimate, (n_rows, n_members) [kW], within what the recent days and their adjusted means span."""
    evidence = take(X, [name for name in _EVIDENCE if name in X.columns], estimator)
    known = np.isfinite(evidence)
    low = np.where(known, evidence, np.inf).min(1)[:, None]
    high = np.where(known, evidence, -np.inf).max(1)[:, None]
    return np.where(known.any(1)[:, None], np.clip(members, np.minimum(low, high), np.maximum(low, high)), members)
