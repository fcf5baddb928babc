"""People of the analytic model as plans, for worlds without a traffic run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.physics.occupancy import OfficeHours
from cblcast.simulate.day_plans import DayPlans


def drawn_plans(
    hours: OfficeHours,
    persons: int,
    working: int,
    offices: int = 1,
    home_links: int = 1,
    travel_min: float = 30.0,
    distance_km: float = 20.75,
    car_share: float = 0.54,
    transit_share: float = 0.25,
    seed: int = 0,
) -> DayPlans:
    """Plans of a synthetic population that keeps the analytic model's hours (section 3.1), for worlds without a traffic run.

    Arrivals are uniform between opening and begin of the core hours, departures such that everybody works the average
    time: who comes first leaves first, so that p(t) is the paper's.
    """
    if not 0 < working <= persons:
        raise DataError(
            f"{working} of {persons} persons go to work: it takes at least one, and not more than there are"
        )
    if offices < 1 or home_links < 1:
        raise DataError("people live and work somewhere: give at least one office and one link of homes")
    if seed < 0:
        raise DataError(f"seed is {seed}: give a whole number, 0 or more")
    if not 0 <= 2 * travel_min / 60 <= 24 - hours.work_h:
        raise DataError(
            f"{travel_min:g} min of travel each way and {hours.work_h:g} h of work do not fit into a day: shorten one"
        )
    rng = np.random.default_rng(seed)
    rank = (rng.permutation(working) + 0.5) / working
    begin = (hours.opens + rank * (hours.core_from - hours.opens)) * 3600
    end = (hours.core_until + rank * (hours.closes - hours.core_until)) * 3600
    travel = travel_min * 60
    mode = rng.choice(["car", "pt", "other"], working, p=[car_share, transit_share, 1 - car_share - transit_share])
    office = rng.integers(0, offices, working)
    home = rng.integers(0, home_links, persons)
    there = pd.DataFrame({"person": np.arange(working), "order": 0, "mode": mode, "departure_s": begin - travel})
    there = there.assign(purpose="work", link=[f"w{number}" for number in office])
    back = pd.DataFrame({"person": np.arange(working), "order": 1, "mode": mode, "departure_s": end})
    back = back.assign(purpose="home", link=[f"h{number}" for number in home[:working]])
    steps = pd.concat([there, back], ignore_index=True).assign(travel_s=travel, distance_m=distance_km * 1000)
    people = pd.DataFrame(
        {
            "person": [str(number) for number in range(persons)],
            "purpose": "home",
            "link": [f"h{number}" for number in home],
            "commutes": np.arange(persons) < working,
        }
    )
    return DayPlans(steps.sort_values(["person", "order"], ignore_index=True), people)
