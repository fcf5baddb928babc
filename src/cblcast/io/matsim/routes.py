"""Journeys of vehicles in a MATSim events file: when each left, over which links, and when it arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.io.matsim.event_stream import Wanted, stream
from cblcast.io.matsim.network import Network

INCIDENT_COLUMNS = ["link", "from_s", "until_s", "share"]


@dataclass(frozen=True)
class Journeys:
    """Vehicles on the network, in the order of their departures.

    Attributes
    ----------
    table : DataFrame
        ``vehicle``, ``person``, ``departure_s`` (the driver departs), ``enters_s`` (the vehicle enters traffic, later where
        it queues to get in), ``arrival_s`` (leaves traffic; NaN if it never did, and then its route is known only up to
        where it got).
    links : ndarray of int64
        Positions of links in the network, all journeys behind one another, departure link first.
    first : ndarray of int64, shape (n + 1,)
        Where each journey begins in `links`.
    incidents : DataFrame
        Links of reduced capacity: ``link``, ``from_s``, ``until_s`` [s], ``share`` of the capacity that is left.
    unknown_links : int
        Journeys left out because the network lacks one of their links.
    """

    table: pd.DataFrame
    links: np.ndarray
    first: np.ndarray
    incidents: pd.DataFrame
    unknown_links: int


def read_journeys(path: str | Path, network: Network, *, fast: bool = True) -> Journeys:
    """Departures and routes of every vehicle.

    Raises
    ------
    DataError
        As :func:`cblcast.io.matsim.event_stream.stream`; no vehicle that enters traffic.
    """
    listener = _Routes({link.encode(): number for number, link in enumerate(network.links.index.tolist())})
    stream(path, listener, fast=fast)
    listener.close()
    if not listener.rows:
        raise DataError(
            f"{Path(path).name} has no vehicle that enters traffic: the run must simulate cars on the network, not teleport them"
        )
    order = sorted(range(len(listener.rows)), key=lambda row: listener.rows[row][2])
    kept = [row for row in order if min(listener.routes[row]) >= 0]
    table = pd.DataFrame(
        [listener.rows[row] for row in kept], columns=["vehicle", "person", "departure_s", "enters_s", "arrival_s"]
    )
    lengths = [len(listener.routes[row]) for row in kept]
    links = np.array([link for row in kept for link in listener.routes[row]], dtype=np.int64)
    incidents = pd.DataFrame(listener.incidents, columns=INCIDENT_COLUMNS)
    return Journeys(table, links, np.r_[0, np.cumsum(lengths, dtype=np.int64)], incidents, len(order) - len(kept))


class _Position(dict[bytes, list[int]]):
    def __missing__(self, link: bytes) -> list[int]:
        return [-1]


class _Routes:
    """Listener: `sums` gathers the links that each vehicle enters."""

    def __init__(self, positions: Mapping[bytes, int]) -> None:
        self.values = _Position({link: [number] for link, number in positions.items()})
        self.wanted: Mapping[str, Wanted] = {
            "departure": Wanted(("person",), self.person_departs),
            "vehicle enters traffic": Wanted(("person", "link", "vehicle"), self.departs),
            "vehicle leaves traffic": Wanted(("vehicle",), self.arrives),
            "incident": Wanted(("linkId", "reducedCapacity", "endTime", "fullCapacity"), self.incident),
        }
        self.start()

    def start(self) -> None:
        self.sums: defaultdict[bytes, list[int]] = defaultdict(list)
        self.departed: dict[bytes, float] = {}
        self.on_the_way: dict[bytes, tuple[bytes, float, bytes]] = {}
        self.rows: list[tuple[str, str, float, float, float]] = []
        self.routes: list[list[int]] = []
        self.incidents: list[tuple[str, float, float, float]] = []

    def person_departs(self, now: float, person: bytes) -> None:
        self.departed[person] = now

    def departs(self, now: float, person: bytes, link: bytes, vehicle: bytes) -> None:
        if vehicle in self.on_the_way:
            self._ends(vehicle, float("nan"))
        self.on_the_way[vehicle] = (person, now, link)
        self.sums[vehicle] = []

    def arrives(self, now: float, vehicle: bytes) -> None:
        if vehicle in self.on_the_way:
            self._ends(vehicle, now)

    def incident(self, now: float, link: bytes, reduced: bytes, until: bytes, full: bytes) -> None:
        left, whole, end = float(reduced), float(full), float(until)
        if not (0 <= left < float("inf") and 0 < whole < float("inf") and now <= end):
            raise ValueError(
                f"an incident on link {link.decode()!r} leaves {left:g} of {whole:g} vehicles/h until {end:g} s: capacities are "
                "numbers, the full one above 0, and it ends after it began"
            )
        self.incidents.append((link.decode(), now, end, left / whole))

    def close(self) -> None:
        for vehicle in list(self.on_the_way):
            self._ends(vehicle, float("nan"))

    def _ends(self, vehicle: bytes, now: float) -> None:
        person, enters, link = self.on_the_way.pop(vehicle)
        self.rows.append((vehicle.decode(), person.decode(), self.departed.get(person, enters), enters, now))
        self.routes.append([*self.values[link], *self.sums.pop(vehicle)])
