"""Events of persons and vehicles become trips and activities, with nothing kept but who is where."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from cblcast.io.matsim.event_stream import Attributes, Handler, key

PERSON, LINK, VEHICLE, TYPE, MODE = (key(name) for name in ("person", "link", "vehicle", "actType", "legMode"))
DISTANCE, POSITION, DRIVER = key("distance"), key("relativePosition"), key("driverId")
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
        self.every_vehicle = False
        self.known_lengths = lengths
        self.on_trip, self.on_activity, self.forget = on_trip, on_activity, forget
        self.handlers: Mapping[bytes, Handler] = {
            b"actend": self.activity_ends,
            b"actstart": self.activity_starts,
            b"departure": self.departs,
            b"arrival": self.arrives,
            b"PersonEntersVehicle": self.enters_vehicle,
            b"PersonLeavesVehicle": self.leaves_vehicle,
            b"vehicle enters traffic": self.enters_traffic,
            b"vehicle leaves traffic": self.leaves_traffic,
            b"travelled": self.is_moved,
            b"stuckAndAbort": self.aborts,
            b"TransitDriverStarts": self.drives_for_others,
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

    def activity_ends(self, now: float, a: Attributes) -> None:
        """An activity is over."""
        if a[TYPE] == VEHICLE_PROGRAMME:
            self.drivers.add(a[PERSON])
        p = self.persons[a[PERSON]]
        if a[TYPE].endswith(STAGE):
            p.last_s = now
            return
        if p.activity is None:
            if p.first_s == p.first_s:
                self.odd["activities that end without having begun"] += 1
            else:
                p.first_type, p.first_link, p.first_s = a[TYPE], a.get(LINK, b""), now
        else:
            if p.activity != a[TYPE]:
                self.odd["activities that end under another type than they began with"] += 1
            self._done(a[PERSON], p, now)
        p.activity, p.last_s = None, now

    def activity_starts(self, now: float, a: Attributes) -> None:
        """An activity begins; the trip to it is over."""
        p = self._seen(a[PERSON], now)
        if a[TYPE].endswith(STAGE):
            return
        if p.activity is not None:
            self.odd["activities that begin while another has not ended"] += 1
            self._done(a[PERSON], p, now)
        if p.trip_s is not None:
            self._arrived(a[PERSON], p, now, a.get(LINK, b""))
        p.activity, p.link, p.since_s = a[TYPE], a.get(LINK, b""), now

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

    def departs(self, now: float, a: Attributes) -> None:
        """A leg begins, and a trip unless one is under way."""
        p = self._seen(a[PERSON], now)
        if p.trip_s is None:
            p.trip_s, p.trip_from, p.legs = now, a.get(LINK, b""), []
        p.leg_mode, p.distance_m = a[MODE], 0.0

    def arrives(self, now: float, a: Attributes) -> None:
        """A leg is over."""
        p = self._seen(a[PERSON], now)
        p.legs.append((p.leg_mode or a[MODE], p.distance_m))

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

    def enters_vehicle(self, now: float, a: Attributes) -> None:
        """What the vehicle drives from now on, its passenger travels."""
        p = self.persons[a[PERSON]]
        p.vehicle = a[VEHICLE]
        p.ridden_from_m = self.sums[p.vehicle]

    def leaves_vehicle(self, now: float, a: Attributes) -> None:
        """The ride is over."""
        p = self.persons[a[PERSON]]
        if p.vehicle != a[VEHICLE]:
            self.odd["persons who leave a vehicle that they did not enter"] += 1
            return
        p.distance_m += self.sums[p.vehicle] - p.ridden_from_m
        p.vehicle = b""

    def enters_traffic(self, now: float, a: Attributes) -> None:
        """A vehicle that starts before the end of its link drives the rest of it."""
        self.sums[a[VEHICLE]] += (1.0 - float(a.get(POSITION, b"1"))) * self.values[a[LINK]]

    def leaves_traffic(self, now: float, a: Attributes) -> None:
        """A vehicle that stops before the end of its link has not driven the rest of it."""
        self.sums[a[VEHICLE]] -= (1.0 - float(a.get(POSITION, b"1"))) * self.values[a[LINK]]

    def is_moved(self, now: float, a: Attributes) -> None:
        """A teleported leg tells its distance."""
        self.persons[a[PERSON]].distance_m += float(a[DISTANCE])

    def aborts(self, now: float, a: Attributes) -> None:
        """The run gives a person up."""
        self._seen(a[PERSON], now).stuck_s = now

    def drives_for_others(self, now: float, a: Attributes) -> None:
        """The driver of a transit vehicle is no person of the population."""
        self.drivers.add(a[DRIVER])
