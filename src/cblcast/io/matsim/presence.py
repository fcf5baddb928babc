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

from cblcast.errors import StudyError
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
from cblcast.physics.presence import DAY_MS, DAY_S, changes_of_spells, persons_by_slice, slices_of_day

COMPACT_AT = 1 << 18
FAR_S = 1e12  # beyond any day, and still a whole number of milliseconds
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
        Person-hours: ``known_h`` of what began and ended in the file, ``before_h`` of what the first event of a person
        ends (from midnight), ``after_h`` of what the last one begins (to midnight), ``total_h``. The totals add up to
        24 h × `persons`.
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
        self.asked = False
        self.open_ms: Counter[tuple[str, bytes]] = Counter()

    def trips(self, batch: list[Trip]) -> None:
        """Add trips."""
        self._add([(ON_THE_ROAD, b"", trip[4], trip[5], trip[7]) for trip in batch])

    def activities(self, batch: list[Activity]) -> None:
        """Add activities."""
        self._add([(kind, link, start, end, first) for _, kind, link, start, end, first in batch])

    def frames(self, trips: pd.DataFrame, activities: pd.DataFrame) -> PresenceLedger:
        """Add trips and activities that are at hand as frames; returns itself."""
        for kind, link, frame, columns in (
            (None, None, activities, ["start_s", "end_s", "first_s"]),
            (ON_THE_ROAD, b"", trips, ["departure_s", "arrival_s", "first_s"]),
        ):
            kinds = [kind] * len(frame) if kind else [name.encode() for name in frame["activity"]]
            links = [link] * len(frame) if kind else [name.encode() for name in frame["link"]]
            self._add(zip(kinds, links, *(frame[column].tolist() for column in columns), strict=True))
        return self

    def _add(self, rows: Iterable[Spell], *, open_end: str = "") -> None:
        rows = list(rows)
        if not rows:
            return
        types, links, start, end, first = zip(*rows, strict=True)
        places = self.places
        code = np.fromiter((places.setdefault(p, len(places)) for p in zip(types, links, strict=True)), np.int64)
        begin, stop, origin = (np.rint(np.minimum(x, FAR_S) * 1000).astype(np.int64) for x in (start, end, first))
        limit = np.full_like(stop, DAY_MS) if self.policy == "clip" else origin + DAY_MS
        if over := int((stop > limit).sum()):
            self.odd["trips and activities cut off, beyond the day or 24 h after a person's first event"] += over
        begin, stop = np.minimum(begin, limit), np.minimum(stop, limit)
        if open_end:
            for kind, ms in zip(types, (stop - begin).tolist(), strict=True):
                self.open_ms[open_end, kind] += ms
        self._fold(code, begin, stop)

    def _fold(self, code: np.ndarray, begin: np.ndarray, stop: np.ndarray) -> None:
        place, time, change = changes_of_spells(code, begin, stop)
        self._keys.append(place * (DAY_MS + 1) + time)
        self._deltas.append(change)
        self._waiting += len(place)
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
        self._add(zip(kinds, links, np.minimum(before, first), first, first, strict=True), open_end="before_h")
        stuck = persons["stuck_s"].to_numpy()
        until = np.where(np.isnan(stuck), DAY_S, np.clip(stuck, np.minimum(last, DAY_S), DAY_S))
        kinds = [name.encode() or ON_THE_ROAD for name in persons["last_activity"]]
        links = [name.encode() for name in persons["last_link"]]
        starts = np.minimum(last, until)
        self._add(zip(kinds, links, starts, until, first, strict=True), open_end="after_h")
        n = len(persons)
        self._add(zip([NOT_TOLD] * n, [b""] * n, until, np.full(n, DAY_S), first, strict=True), open_end="after_h")

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

        Raises
        ------
        StudyError
            Asked a second time.
        """
        n_slices = slices_of_day(slice_h)
        if self.asked:
            raise StudyError("a ledger tells its presence once, the open ends are in it by now: fill a new one")
        self.asked = True
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
        code, time = np.divmod(self._keys[0], DAY_MS + 1)
        mean, peak = persons_by_slice(group[code], time, self._deltas[0], len(names), n_slices)
        columns = pd.Index(np.arange(n_slices) * slice_h, name="hour")
        for what, guess in meaning.guessed.items():
            self.odd[f"types taken for {what} though no pattern says so: {guess}"] += 1
        balance = _balance(hours, self.open_ms, purpose, len(persons), self.odd)
        mean_frame, peak_frame = (pd.DataFrame(values, index=names, columns=columns) for values in (mean, peak))
        return Presence(mean_frame, peak_frame, balance, len(persons), meaning.purpose, dict(self.odd))

    def _hours(self, kinds: list[str]) -> dict[str, float]:
        """Person-hours by activity type: a going at t counts +t, a coming −t."""
        code, time = np.divmod(self._keys[0], DAY_MS + 1)
        ms = np.bincount(code, -self._deltas[0].astype(np.float64) * time, minlength=len(kinds))
        hours: Counter[str] = Counter()
        for kind, value in zip(kinds, ms.tolist(), strict=True):
            hours[kind] += value / 3_600_000
        return dict(hours)


def _balance(
    hours: dict[str, float],
    open_ms: Counter[tuple[str, bytes]],
    purpose: dict[str, str],
    persons: int,
    odd: Counter[str],
) -> pd.DataFrame:
    columns = ["known_h", "before_h", "after_h", "total_h"]
    table = pd.DataFrame(0.0, index=pd.Index(PURPOSES, name="purpose"), columns=columns)
    for kind, value in hours.items():
        before, after = (open_ms[end, kind.encode()] / 3_600_000 for end in ("before_h", "after_h"))
        table.loc[purpose[kind]] += [value - before - after, before, after, value]
    rest = 24.0 * persons - table["total_h"].sum()
    if abs(rest) > 1e-6 * max(persons, 1):
        odd["person-hours between an activity's end and the next departure, taken as elsewhere"] = round(rest)
        table.loc[ELSEWHERE] += [rest, 0.0, 0.0, rest]
    return table
