"""Events of persons and vehicles become trips and activities, with nothing kept but who is where."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from cblcast.io.matsim.event_stream import Wanted

# Stages of one trip (walk to the stop, ride, walk on) have activities of this kind between them.
STAGE = b" interaction"
# A vehicle's own programme (demand-responsive transport, trucks): its driver is no person of the population.
VEHICLE_PROGRAMME = b"BeforeVrpSchedule"

# person, mode, from link, to link, departure, arrival [s], distance [m], first event of the person [s]
Trip = tuple[bytes, bytes, bytes, bytes, float, float, float, float]
# person, type, link, start, end, first event of the person [s]
Activity = tuple[bytes, bytes, bytes, float, float, float]


class PersonState:
    """Where one person is now, and since when [s]."""

    __slots__ = (
        "activity", "distance_m", "first_link", "first_s", "first_type", "last_s", "leg_mode", "legs", "link",
        "ridden_from_m", "since_s", "stuck_s", "trip_from", "trip_s", "vehicle",
    )  # fmt: skip

    def __init__(self) -> None:
        self.activity: bytes | None = None
        self.link = b""
        self.since_s = self.last_s = self.first_s = float("nan")
        self.first_type = self.first_link = b""
        self.trip_s: float | None = None
        self.trip_from = b""
        self.leg_mode = b""
        self.legs: list[tuple[bytes, float]] = []
        self.distance_m = self.ridden_from_m = 0.0
        self.vehicle = b""
        self.stuck_s = float("nan")


class Lengths(dict[bytes, float]):
    """Length of each link [m]; a link that the network lacks has none, and is counted."""

    def __init__(self, lengths: Mapping[bytes, float]) -> None:
        super().__init__(lengths)
        self.missing: Counter[bytes] = Counter()

    def __missing__(self, link: bytes) -> float:
        self.missing[link] += 1
        return 0.0


class Recorder:
    """Listener that turns events into trips and activities, see :mod:`cblcast.io.matsim.events`.

    Parameters
    ----------
    lengths : mapping link -> length [m]
    on_trip, on_activity : callable
        Given each trip and each activity that has begun and ended within the file.
    """

    def __init__(
        self,
        lengths: Mapping[bytes, float],
        on_trip: Callable[[Trip], None],
        on_activity: Callable[[Activity], None],
        forget: Callable[[], None],
    ) -> None:
        self.known_lengths = lengths
        self.on_trip, self.on_activity, self.forget = on_trip, on_activity, forget
        ends = 'relativePosition="1.0"'  # at the end of its link there is no distance to correct
        self.wanted: Mapping[str, Wanted] = {
            "actend": Wanted(("person", "link?", "actType"), self._activity_ends),
            "actstart": Wanted(("person", "link?", "actType"), self._activity_starts),
            "departure": Wanted(("person", "link?", "legMode"), self._departs),
            "arrival": Wanted(("person", "legMode"), self._arrives),
            "PersonEntersVehicle": Wanted(("person", "vehicle"), self._enters_vehicle),
            "PersonLeavesVehicle": Wanted(("person", "vehicle"), self._leaves_vehicle),
            "vehicle enters traffic": Wanted(("link", "vehicle", "relativePosition?"), self._enters_traffic, ends),
            "vehicle leaves traffic": Wanted(("link", "vehicle", "relativePosition?"), self._leaves_traffic, ends),
            "travelled": Wanted(("person", "distance"), self._is_moved),
            "stuckAndAbort": Wanted(("person",), self._aborts),
            "TransitDriverStarts": Wanted(("driverId",), self._drives_for_others),
        }
        self.start()

    def start(self) -> None:
        """Forget everything: a file is read from its beginning."""
        self.forget()
        self.values = Lengths(self.known_lengths)
        self.sums: defaultdict[bytes, float] = defaultdict(float)
        self.persons: defaultdict[bytes, PersonState] = defaultdict(PersonState)
        self.drivers: set[bytes] = set()
        self.odd: Counter[str] = Counter()

    def _activity_ends(self, now: float, person: bytes, link: bytes, kind: bytes) -> None:
        """An activity is over."""
        if kind == VEHICLE_PROGRAMME:
            self.drivers.add(person)
        p = self.persons[person]
        if kind.endswith(STAGE):
            p.last_s = now
            return
        if p.activity is None:
            if p.first_s == p.first_s:
                self.odd["activities that end without having begun"] += 1
            else:
                p.first_type, p.first_link, p.first_s = kind, link, now
        else:
            if p.activity != kind:
                self.odd["activities that end under another type than they began with"] += 1
            self._done(person, p, now)
        p.activity, p.last_s = None, now

    def _activity_starts(self, now: float, person: bytes, link: bytes, kind: bytes) -> None:
        """An activity begins; the trip to it is over."""
        p = self._seen(person, now)
        if kind.endswith(STAGE):
            return
        if p.activity is not None:
            self.odd["activities that begin while another has not ended"] += 1
            self._done(person, p, now)
        if p.trip_s is not None:
            self._arrived(person, p, now, link)
        p.activity, p.link, p.since_s = kind, link, now

    def _seen(self, person: bytes, now: float) -> PersonState:
        p = self.persons[person]
        if p.first_s != p.first_s:  # not yet seen: where the person was before is not in the file
            p.first_s = now
        p.last_s = now
        return p

    def _done(self, person: bytes, p: PersonState, now: float) -> None:
        if now < p.since_s:
            self.odd["activities that end before they begin"] += 1
            now = p.since_s
        if p.activity is not None and person not in self.drivers:
            self.on_activity((person, p.activity, p.link, p.since_s, now, p.first_s))

    def _departs(self, now: float, person: bytes, link: bytes, mode: bytes) -> None:
        """A leg begins, and a trip unless one is under way."""
        p = self._seen(person, now)
        if p.trip_s is None:
            p.trip_s, p.trip_from, p.legs = now, link, []
        p.leg_mode, p.distance_m = mode, 0.0

    def _arrives(self, now: float, person: bytes, mode: bytes) -> None:
        """A leg is over."""
        p = self._seen(person, now)
        p.legs.append((p.leg_mode or mode, p.distance_m))

    def _arrived(self, person: bytes, p: PersonState, now: float, link: bytes) -> None:
        assert p.trip_s is not None
        if now < p.trip_s:
            self.odd["trips that arrive before they depart"] += 1
            now = p.trip_s
        if person not in self.drivers:
            mode, _ = max(p.legs, key=lambda leg: leg[1]) if p.legs else (p.leg_mode, 0.0)
            metres = sum(leg[1] for leg in p.legs)
            self.on_trip((person, mode, p.trip_from, link, p.trip_s, now, metres, p.first_s))
        p.trip_s = None

    def _enters_vehicle(self, now: float, person: bytes, vehicle: bytes) -> None:
        """What the vehicle drives from now on, its passenger travels."""
        p = self.persons[person]
        p.vehicle = vehicle
        p.ridden_from_m = self.sums[p.vehicle]

    def _leaves_vehicle(self, now: float, person: bytes, vehicle: bytes) -> None:
        """The ride is over."""
        p = self.persons[person]
        if p.vehicle != vehicle:
            self.odd["persons who leave a vehicle that they did not enter"] += 1
            return
        p.distance_m += self.sums[p.vehicle] - p.ridden_from_m
        p.vehicle = b""

    def _enters_traffic(self, now: float, link: bytes, vehicle: bytes, position: bytes) -> None:
        """A vehicle that starts before the end of its link drives the rest of it."""
        self.sums[vehicle] += (1.0 - self._share_of_link(position)) * self.values[link]

    def _leaves_traffic(self, now: float, link: bytes, vehicle: bytes, position: bytes) -> None:
        """A vehicle that stops before the end of its link has not driven the rest of it."""
        self.sums[vehicle] -= (1.0 - self._share_of_link(position)) * self.values[link]

    def _share_of_link(self, position: bytes) -> float:
        """Where on its link a vehicle is, 0 … 1; 1 where the event does not say."""
        share = float(position or b"1")
        if 0 <= share <= 1:
            return share
        self.odd["relative positions outside 0 … 1, taken as the end of the link"] += 1
        return 1.0

    def _is_moved(self, now: float, person: bytes, distance: bytes) -> None:
        """A teleported leg tells its distance; MATSim writes NaN where its router knew none."""
        metres = float(distance)
        if not 0 <= metres < float("inf"):
            self.odd["teleported legs without a distance of 0 m or more, taken as 0 m long"] += 1
            return
        self.persons[person].distance_m += metres

    def _aborts(self, now: float, person: bytes) -> None:
        """The run gives a person up."""
        self._seen(person, now).stuck_s = now

    def _drives_for_others(self, now: float, driver: bytes) -> None:
        """The driver of a transit vehicle is no person of the population."""
        self.drivers.add(driver)
