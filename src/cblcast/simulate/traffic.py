"""A queue model of traffic: departures and routes in, arrivals and congestion out.

The traffic flow simulation of MATSim (QSim; C. Gawron 1998; A. Horni, K. Nagel, K. Axhausen 2016, The Multi-Agent Transport
Simulation MATSim, chapter 1.3, doi 10.5334/baw), in steps of one second. A vehicle is on a link for at least the free
travel time; it leaves in the order of arrival, when the link's flow capacity lets it; it waits where the next link is
full. Here only what happens is computed: a second in which nothing moves costs nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.schema import require_columns
from cblcast.simulate.incidents import capacity_shares

NODES, LINKS, WAITING, DEPARTURES = range(4)  # order within a second: DEPARTURES only queue up, so they may come last


@dataclass(frozen=True)
class TrafficSettings:
    """Parameters of the queue model.

    Attributes
    ----------
    flow_factor, storage_factor : float
        Share of the population that is simulated: scales capacity [vehicles/h] and room on links.
    stuck_s : float
        A vehicle that has waited longer than this for a full link is let in all the same, so that a ring of full links
        resolves [s]; MATSim's default is 10.
    cell_m : float
        Length of road that a standing vehicle takes per lane [m].
    until_s : float
        When the simulation ends [s]; who is still on the way has no arrival.
    """

    flow_factor: float = 1.0
    storage_factor: float = 1.0
    stuck_s: float = 10.0
    cell_m: float = 7.5
    until_s: float = 30 * 3600.0

    def __post_init__(self) -> None:
        for name in ("flow_factor", "storage_factor", "cell_m", "until_s"):
            if not getattr(self, name) > 0:
                raise DataError(f"{name} is {getattr(self, name)}: it must be above 0 (1 = the whole population)")
        if not self.stuck_s >= 0:
            raise DataError(f"stuck_s is {self.stuck_s}: give seconds, 0 or more")


@dataclass(frozen=True)
class TrafficResult:
    """What became of each journey.

    Attributes
    ----------
    departure_s : ndarray
        When it left; later than wished where its vehicle was not back yet [s].
    arrival_s : ndarray
        NaN for who was still on the way at the end [s].
    pushed : int
        Vehicles that were let into a full link after `stuck_s`.
    """

    departure_s: np.ndarray
    arrival_s: np.ndarray
    pushed: int

    @property
    def travel_s(self) -> np.ndarray:
        """Time on the road [s]."""
        return self.arrival_s - self.departure_s


def simulate_traffic(
    links: pd.DataFrame,
    departure_s: np.ndarray,
    route: np.ndarray,
    first: np.ndarray,
    settings: TrafficSettings | None = None,
    *,
    after: np.ndarray | None = None,
    pause_s: np.ndarray | None = None,
    size: np.ndarray | None = None,
    incidents: pd.DataFrame | None = None,
) -> TrafficResult:
    """Move every journey along its route.

    Parameters
    ----------
    links : DataFrame, index link
        ``length_m``, ``free_speed_ms``, ``capacity_per_h``, ``lanes``.
    departure_s : ndarray, shape (n,)
        When each journey wants to leave [s].
    route : ndarray of int
        Positions in `links`, all journeys behind one another; the first link is only left, at its end.
    first : ndarray of int, shape (n + 1,)
        Where each journey begins in `route`.
    after : ndarray of int, shape (n,), optional
        The journey that must have arrived before (same vehicle), -1 for none.
    pause_s : ndarray, shape (n,), optional
        Least time between that arrival and this departure [s].
    size : ndarray, shape (n,), optional
        Passenger car equivalents of each vehicle: a lorry takes more of the flow capacity and of the room; 1 unless given.
    incidents : DataFrame, optional
        ``link`` (name), ``from_s``, ``until_s`` [s], ``share`` of the capacity that is left meanwhile.

    Raises
    ------
    DataError
        A journey without links, a link that is not there, a departure that is no time.
    """
    require_columns(links, ["length_m", "free_speed_ms", "capacity_per_h", "lanes"], "the links")
    n = len(departure_s)
    if len(first) != n + 1 or (n and (np.diff(first) < 1).any()):
        raise DataError("every journey needs a departure and at least one link: check `first`, which has n + 1 entries")
    if len(route) and not (route.min() >= 0 and route.max() < len(links)):
        raise DataError("a route holds a link that the network lacks: read routes and network of the same run")
    if not np.isfinite(departure_s).all() or (n and np.min(departure_s) < 0):
        raise DataError("a departure is no time of day: give seconds from midnight, 0 or later")
    model = _Queues(links, departure_s, route, first, settings or TrafficSettings(), after, pause_s, size, incidents)
    return model.run()


class _Queues:
    """State of the links and the calendar of what is to be looked at next."""

    def __init__(
        self,
        links: pd.DataFrame,
        departure_s: np.ndarray,
        route: np.ndarray,
        first: np.ndarray,
        settings: TrafficSettings,
        after: np.ndarray | None,
        pause_s: np.ndarray | None,
        size: np.ndarray | None,
        incidents: pd.DataFrame | None,
    ) -> None:
        self.settings = settings
        self.free_s = (links["length_m"] / links["free_speed_ms"]).tolist()
        flow = (links["capacity_per_h"] / 3600 * settings.flow_factor).to_numpy()
        room = (links["length_m"] * links["lanes"] / settings.cell_m * settings.storage_factor).to_numpy()
        # At least what flows out within the free travel time, or a free link would block itself.
        self.room = np.maximum(np.maximum(room, flow), flow * np.array(self.free_s)).tolist()
        self.flow = flow.tolist()
        self.credit = flow.tolist()  # vehicles that may still pass; below zero after a whole one
        self.credit_at = [0] * len(links)
        self.used = [0.0] * len(links)
        self.size = [1.0] * len(departure_s) if size is None else np.asarray(size, dtype=np.float64).tolist()
        self.queue: dict[int, deque[tuple[int, int]]] = {}
        self.buffer: dict[int, deque[int]] = {}
        self.waiting: dict[int, deque[int]] = {}
        self.moved_at = [0] * len(links)
        self.blocked: dict[int, list[int]] = {}
        self.shares = capacity_shares(links, incidents)
        self.route, self.first = route.tolist(), first.tolist()
        self.at = first[:-1].tolist()
        self.departure = np.ceil(departure_s).astype(np.int64)
        self.arrival = np.full(len(departure_s), np.nan)
        self.next: dict[int, int] = {}
        self.pause = np.zeros(len(departure_s)) if pause_s is None else pause_s
        self.calendar: list[tuple[int, int, int, int]] = []
        self.count = 0
        self.pushed = 0
        for journey in range(len(departure_s)):
            before = -1 if after is None else int(after[journey])
            if before >= 0:
                self.next[before] = journey
            else:
                self._note(int(self.departure[journey]), DEPARTURES, journey)

    def _note(self, time: int, phase: int, what: int) -> None:
        self.count += 1
        heappush(self.calendar, (time, phase, self.count, what))

    def run(self) -> TrafficResult:
        steps = (self.over_node, self.to_buffer, self.from_waiting, self.departs)
        until = self.settings.until_s
        while self.calendar:
            now, phase, _, what = heappop(self.calendar)
            if now > until:
                break
            steps[phase](now, what)
        return TrafficResult(self.departure.astype(np.float64), self.arrival, self.pushed)

    def departs(self, now: int, journey: int) -> None:
        link = self.route[self.at[journey]]
        if self.first[journey + 1] - self.first[journey] == 1:
            self.arrives(now, journey)
            return
        self.waiting.setdefault(link, deque()).append(journey)
        self.from_waiting(now, link)

    def arrives(self, now: int, journey: int) -> None:
        self.arrival[journey] = now
        if journey in self.next:
            after = self.next.pop(journey)
            leaves = max(int(self.departure[after]), int(np.ceil(now + self.pause[after])))
            self.departure[after] = leaves
            self._note(leaves, DEPARTURES, after)

    def may_pass(self, now: int, link: int) -> bool:
        """Whether the flow capacity lets one more vehicle out; notes when to look again if not."""
        if self.credit[link] > 0:
            return True
        if self.buffer.get(link):
            return False  # looked at again when the buffer is empty
        share, until = self.shares[link](now) if link in self.shares else (1.0, np.inf)
        flow = self.flow[link] * share
        credit = min(self.credit[link] + (now - self.credit_at[link]) * flow, flow)
        self.credit[link], self.credit_at[link] = credit, now
        if credit > 0:
            return True
        if flow == 0:  # closed: looked at again when the incident ends
            self._note(max(now + 1, int(np.ceil(until))), LINKS, link)
            return False
        # MATSim adds the flow second by second while a vehicle waits. Its rounding decides whether a headway of a whole
        # number of seconds comes out one longer, and at small sample factors one second decides who is next.
        seconds = int(-credit / flow) + 2
        later = np.cumsum(np.r_[credit, np.full(seconds, flow)])
        wait = int(min(np.argmax(later > 0), max(1.0, np.ceil(until - now))))  # looked at again when an incident ends
        self.credit[link], self.credit_at[link] = float(later[wait - 1]), now + wait - 1
        self._note(now + wait, LINKS, link)
        return False

    def to_buffer(self, now: int, link: int) -> None:
        """Vehicles at the end of a link arrive, or go into its buffer as the flow capacity allows."""
        queue = self.queue.get(link)
        freed = False
        while queue:
            journey, ready = queue[0]
            if ready > now:
                break
            if self.at[journey] == self.first[journey + 1] - 1:
                queue.popleft()
                self.used[link] -= self.size[journey]
                freed = True
                self.arrives(now, journey)
                continue
            if not self.may_pass(now, link):
                break
            queue.popleft()
            self.used[link] -= self.size[journey]
            freed = True
            self.into_buffer(now, link, journey)
        if freed:
            for upstream in self.blocked.pop(link, ()):
                self._note(now + 1, NODES, upstream)
            if queue and queue[0][1] > now:
                self._note(queue[0][1], LINKS, link)
        if self.waiting.get(link):
            self._note(now, WAITING, link)

    def from_waiting(self, now: int, link: int) -> None:
        """Vehicles that depart from a link, after those that drive on it."""
        waiting = self.waiting.get(link)
        while waiting and self.may_pass(now, link):
            self.into_buffer(now, link, waiting.popleft())

    def into_buffer(self, now: int, link: int, journey: int) -> None:
        self.credit[link] -= self.size[journey]
        self.credit_at[link] = now
        buffer = self.buffer.setdefault(link, deque())
        if not buffer:
            self.moved_at[link] = now
            self._note(now + 1, NODES, link)
        buffer.append(journey)

    def over_node(self, now: int, link: int) -> None:
        """Vehicles in the buffer of a link go on to the next link while that has room."""
        buffer = self.buffer.get(link)
        moved = False
        while buffer:
            journey = buffer[0]
            onto = self.route[self.at[journey] + 1]
            if self.used[onto] >= self.room[onto]:
                waited = now - self.moved_at[link]
                if waited <= self.settings.stuck_s:
                    self.blocked.setdefault(onto, []).append(link)
                    self._note(self.moved_at[link] + int(self.settings.stuck_s) + 1, NODES, link)
                    break
                self.pushed += 1
            buffer.popleft()
            moved = True
            self.moved_at[link] = now
            self.at[journey] += 1
            self.used[onto] += self.size[journey]
            queue = self.queue.setdefault(onto, deque())
            ready = int(now + self.free_s[onto])
            queue.append((journey, ready))
            if len(queue) == 1:
                self._note(max(ready, now), LINKS, onto)
        if moved and not buffer:
            self._note(now, LINKS, link)
