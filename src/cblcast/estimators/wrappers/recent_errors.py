"""How limits held on the last issues: the score of each error, and the factor by which the limits are to be widened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cblcast.frames.instants import DAY_US

PRIOR = 40  # scores that the limits as they were learned count as
BOUNDS = (0.25, 4.0)  # of the factor
NOTHING = 1e-6  # share of the site's unit that counts as no width at all


@dataclass(frozen=True)
class IssueScores:
    """Scores of issues, one a site, issue and lead.

    Attributes
    ----------
    group : ndarray of int64, shape (n,)
        Number of site and lead together.
    issued_us, ended_us : ndarray of int64, shape (n,)
        When the nowcast was issued, and when its interval had ended.
    score : ndarray, shape (n,)
        As :func:`interval_scores`.
    """

    group: np.ndarray
    issued_us: np.ndarray
    ended_us: np.ndarray
    score: np.ndarray

    def with_more(self, more: IssueScores) -> IssueScores:
        """These and `more`, those without a score left out, by group and time of issue."""
        group, issued, ended, score = (
            np.concatenate([getattr(self, name), getattr(more, name)]) for name in self.__dataclass_fields__
        )
        order = np.lexsort((issued, group))
        order = order[np.isfinite(score[order])]
        return IssueScores(group[order], issued[order], ended[order], score[order])


def interval_scores(y: np.ndarray, middle: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """How far the power lay from the middle, as a share of the room that the limit on its side leaves; shape (n,).

    The interval that `f` times the room on both sides makes holds the power where the score is at most `f`.
    """
    room = np.where(y >= middle, upper - middle, middle - lower)
    return np.abs(y - middle) / np.maximum(room, NOTHING)


def factors(
    known: IssueScores, group: np.ndarray, knows_us: np.ndarray, days: float, coverage: float, prior: float = PRIOR
) -> np.ndarray:
    """Factor of the limits of each row, shape (n_rows,): 1 where nothing is known yet.

    It is the quantile `coverage` of the scores of the row's site and lead, of issues of the last `days` whose intervals had ended
    when the UTC day of the row's knowledge began; so it changes once a day. Few scores say less: its logarithm is shared between
    them and `prior` scores that say 1.

    Parameters
    ----------
    known : IssueScores
        By group and time of issue, as :meth:`IssueScores.with_more` leaves them.
    group : ndarray of int64, shape (n_rows,)
    knows_us : ndarray of int64, shape (n_rows,)
        Until when the row knows what was metered.
    days : float
    coverage : float
        In (0, 1).
    prior : float

    References
    ----------
    Vovk, Gammerman, Shafer (2005), Algorithmic learning in a random world; Barber, Candès, Ramdas, Tibshirani (2023), Conformal
    prediction beyond exchangeability (recent errors stand for those to come).
    """
    asked = np.stack([group, knows_us // DAY_US], axis=1)
    each, row = np.unique(asked, axis=0, return_inverse=True)
    found = np.ones(len(each))
    spans = np.zeros((len(each), 2), dtype=np.int64)
    edges = {int(k): (int(a), int(b)) for k, a, b in _groups(known.group)}
    for number, (own, day) in enumerate(each):
        first, last = edges.get(int(own), (0, 0))
        until = day * DAY_US
        start = first + int(np.searchsorted(known.issued_us[first:last], until - round(days * DAY_US)))
        stop = first + int(np.searchsorted(known.ended_us[first:last], until, side="right"))
        spans[number] = start, stop
    length = np.maximum(spans[:, 1] - spans[:, 0], 0)
    for n in np.unique(
        length[length > 0]
    ):  # most groups have equally many scores, and a question costs more than an answer
        own = np.flatnonzero(length == n)
        middle = np.quantile(known.score[spans[own, :1] + np.arange(n)], coverage, axis=1)
        found[own] = np.clip(middle, *BOUNDS) ** (n / (n + prior))
    return found[row.ravel()]


def one_each(group: np.ndarray, issued_us: np.ndarray, every_us: int) -> np.ndarray:
    """Positions of the first issue of each group in every `every_us` microseconds, ascending."""
    slot = np.stack([group, issued_us // every_us], axis=1)
    order = np.lexsort((issued_us, slot[:, 1], slot[:, 0]))
    new = np.r_[True, (np.diff(slot[order], axis=0) != 0).any(1)] if len(order) else np.zeros(0, dtype=bool)
    return np.sort(order[new])


def _groups(group: np.ndarray) -> np.ndarray:
    """Number, first and last position of each run of equal groups, shape (n_groups, 3)."""
    first = np.flatnonzero(np.r_[True, np.diff(group) != 0]) if len(group) else np.zeros(0, dtype=np.int64)
    return np.stack([group[first], first, np.r_[first[1:], len(group)][: len(first)]], axis=1)
