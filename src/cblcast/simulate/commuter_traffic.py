"""Day plans on the roads: the car trips of a population through the queue model, and what congestion makes of its day.

Routes and modes are those of the traffic run. Option: departures that are re-chosen in a few rounds of scoring by the
Charypar-Nagel utility (D. Charypar, K. Nagel 2005, Generating complete all-day activity plans with genetic algorithms,
Transportation 32, 369-397, doi 10.1007/s11116-004-8287-y), as MATSim's time mutation does; that is not its full
replanning, which also changes routes, modes and destinations over hundreds of rounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.simulate.day_plans import DayPlans
from cblcast.simulate.traffic import TrafficResult, TrafficSettings, simulate_traffic

HOUR_S = 3600.0


@dataclass(frozen=True)
class RoadTraffic:
    """Routes of a population's car trips and everybody else on the road.

    Attributes
    ----------
    links : DataFrame
        As :func:`cblcast.simulate.traffic.simulate_traffic` takes them.
    journeys : DataFrame
        ``vehicle``, ``person``, ``departure_s`` of every vehicle of the run.
    route, first : ndarray of int
        Links of the journeys behind one another, and where each begins.
    size : ndarray
        Passenger car equivalents of each.
    settings : TrafficSettings
    """

    links: pd.DataFrame
    journeys: pd.DataFrame
    route: np.ndarray
    first: np.ndarray
    size: np.ndarray
    settings: TrafficSettings = field(default_factory=TrafficSettings)

    def journey_of_step(self, plans: DayPlans) -> np.ndarray:
        """Position of the journey of each step, -1 for who does not drive; by person and departure of the ORIGINAL plans."""
        names = plans.people["person"].to_numpy(dtype=object)[plans.steps["person"].to_numpy()]
        wanted = pd.MultiIndex.from_arrays([names, plans.steps["departure_s"]])
        known = pd.MultiIndex.from_frame(self.journeys[["person", "departure_s"]])
        if known.has_duplicates:
            raise DataError("a person departs twice at the same second in two vehicles: mend the events file")
        found = known.get_indexer(wanted)
        lost = (found < 0) & (plans.steps["mode"] == "car").to_numpy()
        if lost.any():
            raise DataError(
                f"{int(lost.sum())} car trips have no route among the journeys: read both from the same events file, and "
                "match the plans before they are changed"
            )
        return found


@dataclass(frozen=True)
class Driven:
    """A day on the roads.

    Attributes
    ----------
    plans : DayPlans
        With the travel times of the queue model.
    journey : ndarray
        As given.
    traffic : TrafficResult
        Of every vehicle that took part.
    unfinished : int
        Car trips still on the road at the end, which keep the travel time they had.
    """

    plans: DayPlans
    journey: np.ndarray
    traffic: TrafficResult
    unfinished: int

    def car_commuters(self) -> tuple[float, float]:
        """Mean distance [km] and travel time [min] of the car trips of those who commute today (columns of table 4)."""
        steps = self.plans.steps
        of = self.plans.people["commutes"].to_numpy()[steps["person"].to_numpy()] & (steps["mode"] == "car").to_numpy()
        if not of.any():
            return float("nan"), float("nan")
        return float(steps.loc[of, "distance_m"].mean() / 1000), float(steps.loc[of, "travel_s"].mean() / 60)


def drive(plans: DayPlans, journey: np.ndarray, road: RoadTraffic) -> Driven:
    """Send the car trips of `plans` through the network, among the vehicles that no plan drives.

    Parameters
    ----------
    plans : DayPlans
        Possibly changed.
    journey : ndarray of int, shape (n_steps,)
        Journey of each step of THESE plans, -1 for none; see :meth:`RoadTraffic.journey_of_step` and :func:`kept_journeys`.
    road : RoadTraffic

    Notes
    -----
    A person leaves for the next car trip no earlier than the one before has arrived. People of the run whose whole day is
    not known, and lorries, drive as they did; who stays at home does not drive.
    """
    plans = plans.departed()
    names = set(plans.people["person"])
    planned = road.journeys["person"].isin(names).to_numpy()
    others = np.flatnonzero(~planned)
    step = np.flatnonzero(journey >= 0)
    taking_part = np.r_[journey[step], others]
    wished = np.r_[
        plans.steps["departure_s"].to_numpy()[step], road.journeys["departure_s"].to_numpy(dtype=np.float64)[others]
    ]
    person = plans.steps["person"].to_numpy()[step]
    same = np.r_[False, person[1:] == person[:-1]]
    after = np.r_[np.where(same, np.arange(len(step)) - 1, -1), np.full(len(others), -1)]
    lengths = road.first[taking_part + 1] - road.first[taking_part]
    first = np.r_[0, np.cumsum(lengths)]
    route = road.route[np.arange(first[-1]) - np.repeat(first[:-1] - road.first[taking_part], lengths)]
    traffic = simulate_traffic(
        road.links, wished, route, first, road.settings, after=after, size=road.size[taking_part]
    )
    travel = np.full(len(plans.steps), np.nan)
    travel[step] = traffic.travel_s[: len(step)]
    return Driven(plans.with_travel(travel), journey, traffic, int(np.isnan(traffic.travel_s[: len(step)]).sum()))


def kept_journeys(original: DayPlans, journey: np.ndarray, changed: DayPlans) -> np.ndarray:
    """Journeys of the steps that `changed` still has, where whole days were taken away."""
    key = ["person", "order"]
    known = pd.Series(journey, index=pd.MultiIndex.from_frame(original.steps[key]))
    return known.reindex(pd.MultiIndex.from_frame(changed.steps[key])).to_numpy(dtype=np.int64)


@dataclass(frozen=True)
class Scoring:
    """Charypar-Nagel utility with the constraints of table 3; MATSim's default parameters.

    Attributes
    ----------
    performing, travelling, late : float
        Utility of an hour at an activity at its typical duration, on the road, and late [1/h].
    opens_h, closes_h, latest_start_h, typical_work_h : float
        Work [h].
    """

    opens_h: float
    closes_h: float
    latest_start_h: float
    typical_work_h: float = 6.5
    performing: float = 6.0
    travelling: float = -6.0
    late: float = -18.0

    def of(self, plans: DayPlans) -> np.ndarray:
        """Score of each person's day; shape (n_persons,)."""
        spells = plans.spells()
        begin, end = spells["begin_s"].to_numpy() / HOUR_S, spells["end_s"].to_numpy() / HOUR_S
        purpose = spells["purpose"].to_numpy()
        work, travel = purpose == "work", purpose == "travel"
        score = np.where(travel, self.travelling * (end - begin), 0.0)
        score += np.where(work, self.late * np.maximum(0.0, begin - self.latest_start_h), 0.0)
        inside = np.where(
            work, np.clip(end, self.opens_h, self.closes_h) - np.clip(begin, self.opens_h, self.closes_h), end - begin
        )
        # A person's time of one purpose is one activity: home is left in the morning and entered in the evening.
        table = pd.Series(np.where(travel, 0.0, inside)).groupby([spells["person"].to_numpy(), purpose]).sum()
        typical = {"work": self.typical_work_h, "home": 24 - self.typical_work_h - 1.0, "elsewhere": 2.0, "travel": 1.0}
        usual = np.array([typical[name] for name in table.index.get_level_values(1)])
        hours = table.to_numpy()
        # ln is kept from −∞: below a tenth of the typical time it goes on as a straight line.
        log = np.where(
            hours > 0.1 * usual, np.log(np.maximum(hours, 0.1 * usual) / usual), np.log(0.1) + hours / (0.1 * usual) - 1
        )
        gain = np.where(table.index.get_level_values(1) == "travel", 0.0, self.performing * usual * (1.0 + log))
        total = np.zeros(len(plans.people))
        np.add.at(total, table.index.get_level_values(0).to_numpy(), gain)
        np.add.at(total, spells["person"].to_numpy(), score)
        return total


def reschedule(
    plans: DayPlans,
    journey: np.ndarray,
    road: RoadTraffic,
    scoring: Scoring,
    *,
    rounds: int = 5,
    share: float = 0.1,
    spread_min: float = 30.0,
    seed: int = 0,
) -> tuple[Driven, list[float]]:
    """Let a share of the persons try other departures in each round, and keep what scored better.

    Parameters
    ----------
    rounds : int
    share : float
        Persons who try something else in a round.
    spread_min : float
        Each of their departures moves by up to so much either way [min].
    seed : int

    Returns
    -------
    driven : Driven
        The last round.
    scores : list of float
        Mean score of the persons after each round, the first before any change.
    """
    rng = np.random.default_rng(seed)
    driven = drive(plans, journey, road)
    score = scoring.of(driven.plans)
    history = [float(score.mean())]
    for _ in range(rounds):
        tries = rng.random(len(plans.people)) < share
        steps = driven.plans.steps
        person = steps["person"].to_numpy()
        moved = steps["departure_s"].to_numpy() + rng.uniform(-spread_min, spread_min, len(steps)) * 60 * tries[person]
        old = driven.plans.steps["departure_s"].to_numpy()
        tried = drive(_leaving(driven.plans, np.maximum(0.0, moved)), journey, road)
        new_score = scoring.of(tried.plans)
        better = tries & (new_score > score)
        driven = drive(_leaving(driven.plans, np.where(better[person], np.maximum(0.0, moved), old)), journey, road)
        score = scoring.of(driven.plans)
        history.append(float(score.mean()))
    return driven, history


def _leaving(plans: DayPlans, departure_s: np.ndarray) -> DayPlans:
    """The plans with other departures, each person's kept in order."""
    person, order = plans.steps["person"].to_numpy(), plans.steps["order"].to_numpy()
    kept = departure_s.copy()
    for number in range(1, int(order.max(initial=0)) + 1):
        row = np.flatnonzero(order == number)
        kept[row] = np.maximum(kept[row], kept[row - 1])
    assert (person[1:] >= person[:-1]).all()
    return replace(plans, steps=plans.steps.assign(departure_s=kept))
