"""Is one method better than another by more than noise: the days are drawn anew, many times, for all methods alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.instants import DAY_US, local_microseconds, microseconds
from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE, DataError, StudyError, nearest

FEWEST_DAYS = 8
AGGREGATES = ("per_site", "pooled", "per_event")
COLUMNS = [
    "nrmse", "nrmse_low", "nrmse_high", "mpe", "mpe_low", "mpe_high", "behind", "behind_low", "behind_high", "wins",
]  # fmt: skip


@dataclass(frozen=True)
class Bootstrap:
    """Errors of methods over the same events, and how far they would differ on other days of the kind.

    Attributes
    ----------
    table : DataFrame, index method, smallest nRMSE first
        ``nrmse`` and ``mpe`` [%] with ``_low`` and ``_high``, the limits of the interval; ``behind``: how many points its nRMSE
        stands above that of the best, with limits; ``wins``: share of the draws [%] in which it is the best of all.
    chosen_nrmse : float
        nRMSE [%] of whichever method is best on the days that were drawn, on the days that were not: what choosing the
        best of several costs. NaN where no draw leaves days out.
    n_days, n_events : int
        Days and events that every method of the table estimated.
    level : float
        Of the intervals.
    left_out : tuple of str
        Methods that estimated nothing, or less than half of the events.
    """

    table: pd.DataFrame
    chosen_nrmse: float
    n_days: int
    n_events: int
    level: float
    left_out: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """The method with the smallest nRMSE."""
        return str(self.table.index[0])

    def as_good(self) -> list[str]:
        """Methods that the days cannot tell from the best, itself first."""
        return [str(name) for name, row in self.table.iterrows() if name == self.best or not row["behind_low"] > 0]


def paired_bootstrap(
    scored: pd.DataFrame,
    zones: pd.Series,
    *,
    scale: pd.Series | None = None,
    aggregate: str = "per_site",
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Bootstrap:
    """Draw local days with replacement, the same for all methods and sites, and compare the methods on each draw.

    Days and not events are drawn, since what is hard on one site and day is hard for its neighbours and for all methods.

    Parameters
    ----------
    scored : DataFrame
        As :func:`cblcast.forecast.backtest.backtest` makes it, of one or several methods.
    zones : Series site_id -> IANA zone
    scale : Series site_id -> kW, optional
        What nRMSE divides by; the mean load of the site unless given.
    aggregate : {"per_site", "pooled", "per_event"}
        As :func:`cblcast.forecast.evaluation.evaluate`; events are averaged over sites here.
    draws : int
    level : float
        Of the intervals, in (0, 1).

    Raises
    ------
    DataError
        Fewer than 8 days that all methods estimated.

    References
    ----------
    Efron, Tibshirani (1993), An introduction to the bootstrap, chapters 13 and 17 (percentile intervals; out-of-bag error).
    """
    names, left_out = _compared(scored)
    if aggregate not in AGGREGATES:
        raise StudyError(f"unknown aggregate {aggregate!r}: {nearest(aggregate, AGGREGATES)}")
    sums = _sums_by_day(scored[scored["method"].isin(names)], names, zones, scale, aggregate)
    n_days = sums.values.shape[-1]
    if n_days < FEWEST_DAYS:
        raise DataError(
            f"{n_days} days that every method estimated are too few to compare them: give {FEWEST_DAYS} or more"
        )
    rng = np.random.default_rng(seed)
    weight = rng.multinomial(n_days, np.full(n_days, 1 / n_days), size=draws).astype(np.float64)
    whole = sums.measures(np.ones((1, n_days)))[..., 0]
    drawn = sums.measures(weight)
    outside = sums.measures((weight == 0).astype(np.float64))[0]
    order = np.argsort(whole[0], kind="stable")
    nrmse, mpe = drawn[0], drawn[1]
    tails = [(1 - level) / 2, (1 + level) / 2]
    behind = nrmse - nrmse[order[0]]
    limits = [np.nanquantile(each, tails, axis=1) for each in (nrmse, mpe, behind)]
    winner = np.argmin(nrmse, axis=0)
    wins = 100 * np.bincount(winner, minlength=len(names)) / draws
    with np.errstate(invalid="ignore"):
        chosen = float(np.nanmean(outside[winner, np.arange(draws)])) if np.isfinite(outside).any() else float("nan")
    table = pd.DataFrame(
        np.column_stack([whole[0], *limits[0], whole[1], *limits[1], whole[0] - whole[0][order[0]], *limits[2], wins]),
        index=pd.Index(names, name="method"),
        columns=COLUMNS,
    )
    return Bootstrap(table.iloc[order], chosen, n_days, sums.n_events, level, tuple(left_out))


def _compared(scored: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Methods with at least half of the most events that one estimated, and the others."""
    names = list(dict.fromkeys(scored["method"]))
    index = scored.index
    events = pd.DataFrame(
        {
            "method": scored["method"].to_numpy(),
            SITE: index.get_level_values(SITE),
            ORIGIN: index.get_level_values(ORIGIN),
        }
    )
    count = events.drop_duplicates().groupby("method").size()
    enough = [name for name in names if count[name] >= 0.5 * count.max()]
    return enough, [name for name in names if name not in enough]


@dataclass(frozen=True)
class _DaySums:
    """Sums by day, shape (4, methods, groups, days): how many, squared errors, errors, loads.

    Where `of_events`, each event counts once, by its own relative errors: how many, their sums, and nothing.
    """

    values: np.ndarray
    of_events: bool
    n_events: int

    def measures(self, weight: np.ndarray) -> np.ndarray:
        """nRMSE and MPE [%] of each method on each draw, shape (2, methods, draws): means over the groups that have rows."""
        found = np.empty((2, self.values.shape[1], len(weight)))
        for method in range(self.values.shape[1]):
            count, square, error, load = (each[method] @ weight.T for each in self.values)
            with np.errstate(invalid="ignore", divide="ignore"):
                if self.of_events:
                    values = square / count, error / count
                else:
                    values = np.sqrt(square / count) / np.abs(load / count), error / np.abs(load)
            known = np.isfinite(values[0])
            n_groups = np.where(known.any(0), known.sum(0), np.nan)
            for number, each in enumerate(values):
                found[number, method] = 100 * np.where(known, each, 0.0).sum(0) / n_groups
        return found


def _sums_by_day(
    scored: pd.DataFrame, names: Sequence[str], zones: pd.Series, scale: pd.Series | None, aggregate: str
) -> _DaySums:
    """Sums over the events that all methods estimated."""
    frame = pd.DataFrame(
        {
            "method": pd.Categorical(scored["method"], list(names)).codes.astype(np.int64),
            SITE: scored.index.get_level_values(SITE),
            ORIGIN: scored.index.get_level_values(ORIGIN),
            "load": scored[OBSERVED].to_numpy(),
            "error": (scored[PREDICTED] - scored[OBSERVED]).to_numpy(),
        }
    )
    event = frame.groupby([SITE, ORIGIN], sort=False).ngroup().to_numpy()
    by_all = frame.groupby(event)["method"].nunique().to_numpy() == len(names)
    frame, event = frame[by_all[event]], np.unique(event[by_all[event]], return_inverse=True)[1]
    if scale is not None:
        kw = scale.loc[frame[SITE]].to_numpy(dtype=np.float64)
        frame = frame.assign(load=1.0, error=frame["error"].to_numpy() / kw)
    zone = zones.reindex(frame[SITE]).to_numpy(dtype=object)
    day = np.unique(local_microseconds(microseconds(frame[ORIGIN]), zone) // DAY_US, return_inverse=True)[1]
    n_events, n_days = int(event.max(initial=-1)) + 1, int(day.max(initial=-1)) + 1
    if aggregate == "per_event":
        return _DaySums(_of_events(frame, event, day, len(names)), True, n_events)
    group = frame[SITE].factorize()[0] if aggregate == "per_site" else np.zeros(len(frame), dtype=np.int64)
    shape = (len(names), int(group.max(initial=0)) + 1, n_days)
    place = (frame["method"].to_numpy() * shape[1] + group) * shape[2] + day
    error, load = frame["error"].to_numpy(), frame["load"].to_numpy()
    columns = (np.ones(len(frame)), error**2, error, load)
    sums = [np.bincount(place, values, int(np.prod(shape))).reshape(shape) for values in columns]
    return _DaySums(np.stack(sums), False, n_events)


def _of_events(frame: pd.DataFrame, event: np.ndarray, day: np.ndarray, n_methods: int) -> np.ndarray:
    n_events, n_days = int(event.max(initial=-1)) + 1, int(day.max(initial=-1)) + 1
    place, size = frame["method"].to_numpy() * n_events + event, n_methods * n_events
    rows = np.maximum(np.bincount(place, minlength=size), 1)
    error, load = frame["error"].to_numpy(), frame["load"].to_numpy()
    square, mean, scale = (np.bincount(place, values, size) / rows for values in (error**2, error, load))
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.sqrt(square) / np.abs(scale), mean / np.abs(scale)
    known = np.isfinite(relative[0]) & np.isfinite(relative[1])
    day_of = np.zeros(n_events, dtype=np.int64)
    day_of[event] = day
    target = np.repeat(np.arange(n_methods), n_events) * n_days + np.tile(day_of, n_methods)
    columns = (np.ones(size), *relative, np.zeros(size))
    sums = [np.bincount(target[known], values[known], n_methods * n_days) for values in columns]
    return np.stack(sums).reshape(4, n_methods, 1, n_days)
