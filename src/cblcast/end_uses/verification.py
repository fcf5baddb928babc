"""Which end use fell in an event: from parts that were seen, or from parts that a model expects."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from cblcast.errors import DataError
from cblcast.frames.events import Window, WindowSpec

Array = np.ndarray
LEAST_EVENTS = 5
LEAST_PART = 0.01  # of all movable parts: less is no end use whose share could be known


def fell_in_event(
    parts: pd.DataFrame,
    start: pd.Timestamp,
    stop: pd.Timestamp,
    *,
    before: WindowSpec = "PBLM",
    after: WindowSpec = "BW",
) -> pd.DataFrame:
    """How each end use of one customer changed in an event against the hours beside it.

    Parameters
    ----------
    parts : DataFrame, index time
        End uses that were seen [kW], a column each, such as the loads of device classes
        (:func:`cblcast.end_uses.runs.load_of_runs`) and the rest. Parts that a regression allocates will not do: it cuts those in
        proportion; see :func:`share_that_ran`.
    start, stop : Timestamp
        The event is [start, stop).
    before, after : Window, str or dict
        Hours beside it: the last two before and, an hour after it, two more, unless given (baseline paper, table 4). With
        pre-cooling or snapback, leave a buffer as long as either lasts.

    Returns
    -------
    DataFrame, index end use
        ``before_kw``, ``event_kw``, ``after_kw``: means; ``beside_kw`` = mean of before and after; ``change_kw`` = event − beside;
        ``share_of_fall``: its part of all that fell, 0 for what rose. Sorted, what fell most first.

    Raises
    ------
    DataError
        A window or the event without readings, or a part with gaps in them.

    Notes
    -----
    The baseline paper (EEDAL'21, section 3.1): "NIALM should contribute to the verification of the performance of responsive loads
    before DR (to detect potential gaming) or during DR". The hours beside the event stand for what would have been: a use with a course
    of its own over the afternoon changes without any response. A part that is higher before than after by much hints at gaming.
    """
    if not start < stop:
        raise DataError(f"the event ends at {stop}, not after it starts at {start}")
    times = parts.index
    means = {}
    spans = {
        "before_kw": Window.of(before).span(start, stop),
        "event_kw": (start, stop),
        "after_kw": Window.of(after).span(start, stop),
    }
    for name, (first, end) in spans.items():
        here = parts[(times >= first) & (times < end)]
        if here.empty or here.isna().to_numpy().any():
            what = "no reading" if here.empty else "a gap"
            raise DataError(
                f"the parts have {what} between {first} and {end}: give all of the event and of the hours beside it"
            )
        means[name] = here.mean()
    found = pd.DataFrame(means)
    found["beside_kw"] = (found["before_kw"] + found["after_kw"]) / 2
    found["change_kw"] = found["event_kw"] - found["beside_kw"]
    fell = np.maximum(-found["change_kw"], 0.0)
    found["share_of_fall"] = fell / fell.sum() if fell.sum() > 0 else 0.0
    return found.rename_axis("end_use").sort_values("change_kw")


def share_that_ran(
    load_kw: Array,
    expected_kw: pd.DataFrame,
    event: Array,
    *,
    fixed: str = "base_kw",
    level: float = 0.9,
    draws: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Which share of each expected end use ran in many events: which one fell, where only the whole load is metered.

    Parameters
    ----------
    load_kw : ndarray, shape (n_rows,)
        Load in the events [kW]; NaN is left out.
    expected_kw : DataFrame, shape (n_rows, n_parts)
        What a model fitted without the events expects then [kW], ≥ 0 (``expected`` of :func:`cblcast.end_uses.of_panel.end_uses`).
    event : ndarray, shape (n_rows,)
        Which event a row belongs to.
    fixed : str
        The part that no program reaches; it runs fully.
    level : float
        Share that the limits hold.
    draws, seed : int
        How often whole events are drawn again.

    Returns
    -------
    DataFrame, index end use (all but `fixed` and what is below 1 % of all movable parts)
        ``ran``: least-squares share, ≥ 0, of what was expected, 1 for no response; ``lower``, ``upper``; ``fell_kw`` = (1 − ran) × mean
        expected; ``expected_kw``; ``tells``: whether the limits lie on one side of 1.

    Raises
    ------
    DataError
        Fewer than five events, since end uses are told apart by how differently they are expected from event to event.

    Notes
    -----
    load − fixed = Σ share_k × expected_k. Two end uses that rise and fall together from event to event cannot be told apart; their limits
    are then wide.
    """
    load = np.asarray(load_kw, dtype=np.float64)
    if fixed not in expected_kw.columns:
        raise DataError(f"the expected parts have no {fixed!r}: name the one that no program reaches")
    known = np.isfinite(load) & expected_kw.notna().all(axis=1).to_numpy()
    names, number = np.unique(np.asarray(event)[known], return_inverse=True)
    if len(names) < LEAST_EVENTS:
        raise DataError(
            f"{len(names)} events have load and expectation, and end uses are told apart by how they differ between events: "
            f"give {LEAST_EVENTS} or more, of different weather"
        )
    parts = expected_kw[known].drop(columns=fixed)
    mean = parts.mean()
    parts = parts.loc[:, (mean > 0) & (mean >= LEAST_PART * mean.sum())]
    if parts.empty:
        raise DataError(f"nothing but {fixed!r} is expected in the events: no other end use can have fallen")
    a, b = parts.to_numpy(dtype=np.float64), load[known] - expected_kw.loc[known, fixed].to_numpy(dtype=np.float64)
    gram = np.stack([a[number == k].T @ a[number == k] for k in range(len(names))])
    moment = np.stack([a[number == k].T @ b[number == k] for k in range(len(names))])
    share = _shares(gram.sum(0), moment.sum(0))
    rng = np.random.default_rng(seed)
    often = np.stack([np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names)) for _ in range(draws)])
    drawn = np.stack([_shares(np.tensordot(row, gram, 1), row @ moment) for row in often.astype(np.float64)])
    lower, upper = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    mean = a.mean(0)
    table = {"ran": share, "lower": lower, "upper": upper, "fell_kw": (1 - share) * mean, "expected_kw": mean}
    found = pd.DataFrame(table, index=pd.Index(parts.columns, name="end_use"))
    return found.assign(tells=(lower > 1) | (upper < 1))


def _shares(gram: Array, moment: Array) -> Array:
    root = np.linalg.cholesky(gram + (1e-9 * np.trace(gram) + 1e-12) * np.eye(len(gram)))
    return np.asarray(nnls(root.T, np.linalg.solve(root, moment))[0])
