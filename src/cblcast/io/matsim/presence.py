"""Who is where on which link in each slice of a day: person-hours that add up to 24 h a person, and peaks.

Kept is one number per (activity type, link, millisecond) at which somebody came or went, so that memory depends on the
population's places and not on the length of the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cblcast.io.matsim.activity_types import (
    ELSEWHERE,
    HOME_PATTERNS,
    PURPOSES,
    TRAVEL,
    WORK,
    WORK_PATTERNS,
    meaning_of,
)
from cblcast.io.matsim.recorder import Activity, Trip
from cblcast.schema import StudyError

DAY_S = 86_400
DAY_MS = DAY_S * 1000
COMPACT_AT = 1 << 20
Policy = Literal["wrap", "clip"]
ON_THE_ROAD, NOT_TOLD = b"\x00travel", b"\x00not told"
Spell = tuple[bytes, bytes, float, float, float]  # type, link, start, end, first event of the person [s]


@dataclass(frozen=True)
class Presence:
    """Persons by purpose, link and slice.

    Attributes
    ----------
    mean, peak : DataFrame, index (purpose, link), columns start of the slice [h]
        Persons on average over the slice, and the most at the same time in it. Purposes ``home``, ``work``,
        ``elsewhere``, ``travel`` (whose link is ``""``).
    balance : DataFrame, index purpose
        ``known_h``: person-hours of what began and ended in the file; ``open_h``: of what the file does not tell the
        beginning or the end of; ``total_h``. The totals add up to 24 h × `persons`.
    persons : int
    purpose : dict
        Activity type → purpose.
    odd : dict
        What was guessed, cut or left open → how often.
    """

    mean: pd.DataFrame
    peak: pd.DataFrame
    balance: pd.DataFrame
    persons: int
    purpose: dict[str, str]
    odd: dict[str, int]

    def of(self, purpose: str) -> pd.DataFrame:
        """Persons on average, one row a link, one column a slice; no rows if nobody does that."""
        return self.mean[self.mean.index.get_level_values(0) == purpose].droplevel(0)

    def workplaces(self) -> pd.Series:
        """Size of the offices of each link: the most persons at work there at the same time (section 4.1)."""
        return self.peak[self.peak.index.get_level_values(0) == WORK].droplevel(0).max(axis=1)


class PresenceLedger:
    """Sink of :func:`cblcast.io.matsim.events.stream_events` that adds up presence.

    Parameters
    ----------
    policy : {"wrap", "clip"}
        What becomes of times beyond 24 h and of what is open at either end. ``wrap``: the day repeats itself, so that a
        trip at 25:00 is one at 01:00, and before a person's first event of the day lies the activity that it ends;
        who is out for more than 24 h is cut 24 h after that. ``clip``: everything outside [0, 24 h) is cut off.
    """

    def __init__(self, policy: Policy = "wrap") -> None:
        if policy not in ("wrap", "clip"):
            raise StudyError(f"what happens beyond midnight is 'wrap' or 'clip', not {policy!r}")
        self.policy = policy
        self.forget()

    def forget(self) -> None:
        """Drop everything."""
        self.places: dict[tuple[bytes, bytes], int] = {}
        self._keys: list[np.ndarray] = []
        self._deltas: list[np.ndarray] = []
        self._waiting = 0
        self.odd: Counter[str] = Counter()
        self.open_ms: Counter[bytes] = Counter()

    def trips(self, batch: list[Trip]) -> None:
        """Add trips."""
        self._add([(ON_THE_ROAD, b"", trip[4], trip[5], trip[7]) for trip in batch])

    def activities(self, batch: list[Activity]) -> None:
        """Add activities."""
        self._add([row[1:] for row in batch])

    def _add(self, rows: Iterable[Spell], *, is_open: bool = False) -> None:
        rows = list(rows)
        if not rows:
            return
        types, links, start, end, first = zip(*rows, strict=True)
        places = self.places
        code = np.fromiter((places.setdefault(p, len(places)) for p in zip(types, links, strict=True)), np.int64)
        begin, stop, origin = (np.rint(np.array(x) * 1000).astype(np.int64) for x in (start, end, first))
        limit = np.full_like(stop, DAY_MS) if self.policy == "clip" else origin + DAY_MS
        if over := int((stop > limit).sum()):
            self.odd["trips and activities cut off, beyond the day or 24 h after a person's first event"] += over
        begin, stop = np.minimum(begin, limit), np.minimum(stop, limit)
        if is_open:
            for kind, ms in zip(types, (stop - begin).tolist(), strict=True):
                self.open_ms[kind] += ms
        self._fold(code, begin, stop)

    def _fold(self, code: np.ndarray, begin: np.ndarray, stop: np.ndarray) -> None:
        """Intervals [begin, stop) ms → comings and goings within one day; what crosses midnight is two."""
        some = stop > begin
        code, begin, stop = code[some], begin[some], stop[some]
        stop = stop - begin // DAY_MS * DAY_MS
        begin = begin % DAY_MS
        late = stop > DAY_MS
        code = np.r_[code, code[late]]
        begin, stop = np.r_[begin, np.zeros(late.sum(), dtype=np.int64)], np.r_[np.minimum(stop, DAY_MS), stop[late] - DAY_MS]
        ones = np.ones(len(code), dtype=np.int64)
        # One number says place and time; a going at 24:00 needs no entry at 00:00 of the next place.
        self._keys += [code * (DAY_MS + 1) + begin, code * (DAY_MS + 1) + stop]
        self._deltas += [ones, -ones]
        self._waiting += 2 * len(code)
        if self._waiting > COMPACT_AT:
            self._compact()

    def _compact(self) -> None:
        keys, where = np.unique(np.concatenate([np.zeros(0, np.int64), *self._keys]), return_inverse=True)
        deltas = np.concatenate([np.zeros(0, np.int64), *self._deltas])
        self._keys, self._deltas = [keys], [np.bincount(where, deltas, len(keys)).astype(np.int64)]
        self._waiting = 0

    def _open_ends(self, persons: pd.DataFrame) -> None:
        """What lies before a person's first event and after the last one."""
        last, first = persons["last_s"].to_numpy(), persons["first_s"].to_numpy()
        before = np.maximum(0.0, last - DAY_S) if self.policy == "wrap" else np.zeros(len(persons))
        kinds = [name.encode() or NOT_TOLD for name in persons["first_activity"]]
        links = [name.encode() for name in persons["first_link"]]
        self._add(zip(kinds, links, np.minimum(before, first), first, first, strict=True), is_open=True)
        stuck = persons["stuck_s"].to_numpy()
        until = np.where(np.isnan(stuck), DAY_S, np.clip(stuck, np.minimum(last, DAY_S), DAY_S))
        kinds = [name.encode() or ON_THE_ROAD for name in persons["last_activity"]]
        links = [name.encode() for name in persons["last_link"]]
        starts = np.minimum(last, until)
        self._add(zip(kinds, links, starts, until, first, strict=True), is_open=True)
        n = len(persons)
        self._add(zip([NOT_TOLD] * n, [b""] * n, until, np.full(n, DAY_S), first, strict=True), is_open=True)

    def presence(
        self,
        persons: pd.DataFrame,
        slice_h: float = 0.25,
        home: Iterable[str] = HOME_PATTERNS,
        work: Iterable[str] = WORK_PATTERNS,
    ) -> Presence:
        """Presence of a whole population, once everything has been streamed; may be asked once.

        Parameters
        ----------
        persons : DataFrame
            As :func:`cblcast.io.matsim.events.stream_events` returns it.
        slice_h : float
            Length of a slice [h]; must divide 24. (The paper's 144 slices of 0.25 h would be 36 h: a day has 96.)
        home, work : patterns
            See :func:`cblcast.io.matsim.activity_types.meaning_of`.
        """
        n_slices = round(24 / slice_h) if slice_h > 0 else 0
        if n_slices < 1 or abs(n_slices * slice_h - 24) > 1e-9 or DAY_MS % n_slices:
            raise StudyError(f"slices of {slice_h} h do not divide the day: take 0.25 or 1, say")
        self._open_ends(persons)
        self._compact()
        kinds = [kind.decode() for kind, _ in self.places]
        hours = self._hours(kinds)
        told = {kind: h for kind, h in hours.items() if not kind.startswith("\x00")}
        overnight = persons["first_activity"].value_counts().to_dict()
        meaning = meaning_of(told, overnight, home=home, work=work)
        purpose = meaning.purpose | {ON_THE_ROAD.decode(): TRAVEL, NOT_TOLD.decode(): ELSEWHERE}
        places = [(purpose[kind], link.decode()) for kind, (_, link) in zip(kinds, self.places, strict=True)]
        group, names = pd.factorize(pd.MultiIndex.from_tuples(places, names=["purpose", "link"]), sort=True)
        mean, peak = _by_slice(self._keys[0], self._deltas[0], group, len(names), n_slices)
        columns = pd.Index(np.arange(n_slices) * slice_h, name="hour")
        for what, guess in meaning.guessed.items():
            self.odd[f"types taken for {what} though no pattern says so: {guess}"] += 1
        balance = _balance(hours, self.open_ms, purpose, len(persons), self.odd)
        frames = (pd.DataFrame(values, index=names, columns=columns) for values in (mean, peak))
        return Presence(*frames, balance, len(persons), meaning.purpose, dict(self.odd))

    def _hours(self, kinds: list[str]) -> dict[str, float]:
        """Person-hours by activity type: a going at t counts +t, a coming −t."""
        code, time = np.divmod(self._keys[0], DAY_MS + 1)
        ms = np.bincount(code, -self._deltas[0].astype(np.float64) * time, minlength=len(kinds))
        hours: Counter[str] = Counter()
        for kind, value in zip(kinds, ms.tolist(), strict=True):
            hours[kind] += value / 3_600_000
        return dict(hours)


def _by_slice(
    keys: np.ndarray, deltas: np.ndarray, group: np.ndarray, n_groups: int, n_slices: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and greatest number of persons in each slice of each group, shapes (n_groups, n_slices)."""
    code, time = np.divmod(keys, DAY_MS + 1)
    step = DAY_MS // n_slices
    edges = (np.arange(n_groups)[:, None] * (DAY_MS + 1) + np.arange(n_slices + 1) * step).ravel()
    at, where = np.unique(np.r_[group[code] * (DAY_MS + 1) + time, edges], return_inverse=True)
    change = np.bincount(where, np.r_[deltas, np.zeros(len(edges), dtype=np.int64)], len(at))
    count = np.rint(np.cumsum(change))  # persons from this instant to the next
    area = np.r_[0.0, np.cumsum(count[:-1] * np.diff(at))]
    edge = np.searchsorted(at, edges).reshape(n_groups, n_slices + 1)
    mean = np.diff(area[edge], axis=1) / step
    peak = np.maximum.reduceat(count, edge.ravel()).reshape(n_groups, n_slices + 1)[:, :-1]
    return mean, peak


def _balance(
    hours: dict[str, float], open_ms: Counter[bytes], purpose: dict[str, str], persons: int, odd: Counter[str]
) -> pd.DataFrame:
    table = pd.DataFrame(0.0, index=pd.Index(PURPOSES, name="purpose"), columns=["known_h", "open_h", "total_h"])
    for kind, value in hours.items():
        unknown = open_ms[kind.encode()] / 3_600_000
        table.loc[purpose[kind]] += [value - unknown, unknown, value]
    rest = 24.0 * persons - table["total_h"].sum()
    if abs(rest) > 1e-6 * max(persons, 1):
        odd["person-hours between an activity's end and the next departure, taken as elsewhere"] = round(rest)
        table.loc[ELSEWHERE] += [0.0, rest, rest]
    return table
