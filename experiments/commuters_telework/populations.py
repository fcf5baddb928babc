"""The two populations: read once, as plans, roads and checks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cblcast.errors import DataError
from cblcast.io.matsim.events import MatsimEvents, read_events
from cblcast.io.matsim.network import Network, read_network
from cblcast.io.matsim.presence import Presence, PresenceLedger
from cblcast.io.matsim.routes import Journeys, read_journeys
from cblcast.io.matsim.sample import equil
from cblcast.simulate.commuter_traffic import RoadTraffic
from cblcast.simulate.day_plans import DayPlans, day_plans
from cblcast.simulate.traffic import TrafficSettings

# utah is a 0.1 % sample: its `incident` events give a link of 8920 vehicles/h a full capacity of 8.92. Behind its lorries the
# next vehicle leaves a full link after 2.5 times the headway that it keeps behind a car. The room on links is not told.
SETTINGS = {"equil": TrafficSettings(), "utah": TrafficSettings(flow_factor=0.001, storage_factor=0.1)}
LORRY = 2.5


@dataclass
class Population:
    name: str
    network: Network
    events: MatsimEvents
    presence: Presence
    plans: DayPlans
    journeys: Journeys
    road: RoadTraffic
    journey: np.ndarray


def paths(name: str) -> tuple[Path, Path]:
    if name == "equil":
        return equil()
    folder = os.environ.get("CBLCAST_DATA_DIR")
    if not folder:
        raise DataError(
            "utah is not bundled: name the folder that holds matsim/utah in CBLCAST_DATA_DIR (data/README.md)"
        )
    here = Path(folder) / "matsim" / "utah"
    return here / "output_events.xml.gz", here / "output_network.xml.gz"


def read(name: str) -> Population:
    events_file, network_file = paths(name)
    network = read_network(network_file)
    events = read_events(events_file, network)
    presence = PresenceLedger("wrap").frames(events.trips, events.activities).presence(events.persons)
    plans = day_plans(events.trips, events.activities, events.persons, presence.purpose)
    journeys = read_journeys(events_file, network)
    persons = set(events.persons["person"])
    size = np.where(
        journeys.table["person"].isin(persons), 1.0, LORRY
    )  # who is no person of the population drives a lorry
    road = RoadTraffic(network.links, journeys.table, journeys.links, journeys.first, size, SETTINGS[name])
    return Population(name, network, events, presence, plans, journeys, road, road.journey_of_step(plans))
