"""A population's day as plans that can be changed: who leaves when, for what, and where that leaves everybody.

Cases of the commuters paper (section 4.2, table 3) as changes of the plans: telework takes the commuters' day away and
leaves them at home; reduced flexibility moves and shortens work within opening times. Routes, modes and destinations stay:
MATSim's replanning of those is not imitated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.schema import require_columns
from cblcast.physics.presence import DAY_S

HOUR_S = 3600.0
STEP_COLUMNS = ["person", "order", "mode", "departure_s", "travel_s", "distance_m", "purpose", "link"]


@dataclass(frozen=True)
class DayPlans:
    """Steps of each person, a step being a trip and the activity after it.

    Attributes
    ----------
    steps : DataFrame
        Sorted by ``person`` (position in `people`) and ``order``: ``mode``, ``departure_s``, ``travel_s`` [s],
        ``distance_m`` [m], ``purpose`` and ``link`` of the activity that the trip leads to.
    people : DataFrame
        ``person`` (name), ``purpose`` and ``link`` of where the day begins, ``commutes`` (works off home today).
    left_out : int
        Persons whose day cannot be told (on the road when the file ends, or with parts missing).
    """

    steps: pd.DataFrame
    people: pd.DataFrame
    left_out: int = 0

    def homes(self) -> np.ndarray:
        """Link at which each person lives: where the day begins at home, else where it first leads home; ``""`` for none."""
        homeward = self.steps[self.steps["purpose"] == "home"].groupby("person")["link"].first()
        later = homeward.reindex(np.arange(len(self.people))).fillna("").to_numpy(dtype=object)
        at_home = (self.people["purpose"] == "home").to_numpy()
        return np.where(at_home, self.people["link"].to_numpy(dtype=object), later)

    def departed(self) -> DayPlans:
        """The plans with departures and arrivals that follow each other: nobody leaves before having arrived."""
        steps = self.steps
        departure = steps["departure_s"].to_numpy(copy=True)
        travel, order = steps["travel_s"].to_numpy(), steps["order"].to_numpy()
        for number in range(1, int(order.max(initial=0)) + 1):
            row = np.flatnonzero(order == number)
            departure[row] = np.maximum(departure[row], departure[row - 1] + travel[row - 1])
        return replace(self, steps=steps.assign(departure_s=departure))

    def with_travel(self, travel_s: np.ndarray) -> DayPlans:
        """The plans with other travel times [s], one per step; NaN keeps the old one."""
        old = self.steps["travel_s"].to_numpy()
        new = np.where(np.isnan(travel_s), old, travel_s)
        return replace(self, steps=self.steps.assign(travel_s=new)).departed()

    def spells(self) -> pd.DataFrame:
        """Where everybody is all day: ``person``, ``purpose``, ``link``, ``begin_s``, ``end_s``; 24 h for each person.

        The day repeats itself: what lies beyond midnight is on the same day's clock, and the first activity begins when
        the last one of the day before has wrapped round; a day longer than 24 h is cut 24 h after its first departure.
        """
        steps = self.departed().steps
        person, order = steps["person"].to_numpy(), steps["order"].to_numpy()
        departure = steps["departure_s"].to_numpy()
        arrival = departure + steps["travel_s"].to_numpy()
        last = np.r_[person[1:] != person[:-1], True][: len(person)]
        until = np.where(last, np.maximum(arrival, DAY_S), np.r_[departure[1:], DAY_S][: len(person)])
        begins = np.full(len(self.people), float(DAY_S))
        ends = np.full(len(self.people), 0.0)
        begins[person[order == 0]] = departure[order == 0]
        ends[person[last]] = arrival[last]
        first = pd.DataFrame(
            {
                "person": np.arange(len(self.people)),
                "purpose": self.people["purpose"].to_numpy(),
                "link": self.people["link"].to_numpy(),
                "begin_s": np.minimum(np.maximum(0.0, ends - DAY_S), begins),
                "end_s": begins,
            }
        )
        stays = steps[["person", "purpose", "link"]].assign(begin_s=arrival, end_s=until)
        trips = steps[["person"]].assign(purpose="travel", link="", begin_s=departure, end_s=arrival)
        spells = pd.concat([first, trips, stays], ignore_index=True)
        limit = np.minimum(begins, DAY_S)[spells["person"]] + DAY_S
        for column in ("begin_s", "end_s"):
            spells[column] = np.minimum(spells[column], limit)
        return spells[spells["end_s"] > spells["begin_s"]].reset_index(drop=True)


def day_plans(
    trips: pd.DataFrame, activities: pd.DataFrame, persons: pd.DataFrame, purpose: Mapping[str, str]
) -> DayPlans:
    """Plans of everybody whose whole day is known.

    Parameters
    ----------
    trips, activities, persons : DataFrame
        As :func:`cblcast.io.matsim.events.read_events` returns them.
    purpose : mapping activity type -> ``home``, ``work`` or ``elsewhere``

    Raises
    ------
    DataError
        A type without a purpose; nobody whose day is known.
    """
    require_columns(trips, ["person", "mode", "departure_s", "arrival_s", "distance_m"], "the trips")
    names = {*activities["activity"], *persons["first_activity"], *persons["last_activity"]} - {""}
    if unknown := sorted(names - set(purpose)):
        raise DataError(
            f"the activity type {unknown[0]!r} has no purpose: add it to `purpose` as home, work or elsewhere"
        )
    ended = persons[persons["last_activity"] != ""]
    last = pd.DataFrame(
        {
            "person": ended["person"],
            "activity": ended["last_activity"],
            "link": ended["last_link"],
            "start_s": ended["last_s"],
        }
    )
    stays = pd.concat([activities[["person", "activity", "link", "start_s"]], last], ignore_index=True)
    stays = stays.sort_values(["person", "start_s"], kind="stable", ignore_index=True)
    trips = trips.sort_values(["person", "departure_s"], kind="stable", ignore_index=True)
    n_trips = trips["person"].value_counts()
    n_stays = stays["person"].value_counts()
    known = ended.loc[ended["first_activity"] != "", "person"]
    whole = known[(n_trips.reindex(known).fillna(0) == n_stays.reindex(known).fillna(0)).to_numpy()]
    if whole.empty:
        raise DataError(
            "nobody's day can be told from begin to end: let the run write activity, departure and arrival events"
        )
    position = pd.Series(np.arange(len(whole)), index=whole.to_numpy())
    trips, stays = (frame[frame["person"].isin(position.index)].reset_index(drop=True) for frame in (trips, stays))
    stays = stays[stays["person"].isin(trips["person"])].reset_index(drop=True)
    steps = pd.DataFrame(
        {
            "person": position.reindex(trips["person"]).to_numpy(),
            "order": trips.groupby("person").cumcount().to_numpy(),
            "mode": trips["mode"],
            "departure_s": trips["departure_s"],
            "travel_s": trips["arrival_s"] - trips["departure_s"],
            "distance_m": trips["distance_m"],
            "purpose": stays["activity"].map(dict(purpose)).to_numpy(),
            "link": stays["link"].to_numpy(),
        }
    ).sort_values(["person", "order"], kind="stable", ignore_index=True)
    start = persons.set_index("person").loc[whole]
    people = pd.DataFrame(
        {
            "person": whole.to_numpy(),
            "purpose": start["first_activity"].map(dict(purpose)).to_numpy(),
            "link": start["first_link"].to_numpy(),
        }
    )
    people["commutes"] = np.isin(np.arange(len(people)), steps.loc[steps["purpose"] == "work", "person"])
    return DayPlans(steps, people, len(persons) - len(whole))


def telework(plans: DayPlans, share: float, seed: int = 0) -> DayPlans:
    """A `share` of the commuters, drawn at random, stays at home all day (case s2; "they will stay the whole day at home")."""
    if not 0 <= share <= 1:
        raise DataError(f"a share of {share} cannot stay at home: give a number between 0 and 1")
    commuters = np.flatnonzero(plans.people["commutes"] & (plans.people["purpose"] == "home"))
    rng = np.random.default_rng(seed)
    home = rng.choice(commuters, size=round(share * len(commuters)), replace=False)
    steps = plans.steps[~plans.steps["person"].isin(home)].reset_index(drop=True)
    commutes = plans.people["commutes"].to_numpy() & ~np.isin(np.arange(len(plans.people)), home)
    return replace(plans, steps=steps, people=plans.people.assign(commutes=commutes))


def within_opening_times(plans: DayPlans, opens_h: float, closes_h: float, latest_start_h: float) -> DayPlans:
    """Work moved, and where it must be shortened, into opening times (case s3).

    Each stay at work begins between `opens_h` and `latest_start_h` and ends by `closes_h` [h]; it keeps its length if
    that fits. The trip there moves with it, the trip from there leaves at the new end; later trips leave when they would
    have, or as soon as they can.
    """
    if not 0 <= opens_h <= latest_start_h <= closes_h <= 24:
        raise DataError(
            f"work between {opens_h:g} and {closes_h:g} h that begins by {latest_start_h:g} h: opening, latest start and closing "
            "follow each other within [0, 24] h"
        )
    steps = plans.departed().steps
    departure = steps["departure_s"].to_numpy(copy=True)
    person, travel = steps["person"].to_numpy(), steps["travel_s"].to_numpy()
    row = np.flatnonzero(steps["purpose"].to_numpy() == "work")
    leaves = np.r_[person[1:] == person[:-1], False][row]  # a next trip exists
    follows = np.minimum(row + 1, len(steps) - 1)
    arrival = departure[row] + travel[row]
    stay = np.where(leaves, departure[follows], np.maximum(arrival, closes_h * HOUR_S)) - arrival
    begin = np.clip(arrival, opens_h * HOUR_S, latest_start_h * HOUR_S)
    begin = np.maximum(opens_h * HOUR_S, np.minimum(begin, closes_h * HOUR_S - stay))
    end = np.minimum(begin + stay, closes_h * HOUR_S)
    departure[row] = np.maximum(0.0, begin - travel[row])
    departure[follows[leaves]] = end[leaves]
    return replace(plans, steps=steps.assign(departure_s=departure)).departed()
