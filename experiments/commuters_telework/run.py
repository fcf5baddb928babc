"""Telework and fixed hours: offices, homes and roads, analytically and from MATSim events.

    CBLCAST_DATA_DIR=... python experiments/commuters_telework/run.py

Cases c1-c4 by formula, s1-s4 on the bundled `equil` and on `utah` (339,362 events, a 0.1 % sample; data/README.md). Writes
results.json, the figures and energy_*.csv beside this file. Two minutes of one core.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from analytic import PERSONS, TELEWORK, analytic
from claims import above, at_least, at_most, below, between, summary, within, write
from populations import Population, read
from telling import results, told

from cblcast.io.matsim.presence import PresenceLedger
from cblcast.report.commuting_figures import energy_figure, link_map_figure, presence_figure
from cblcast.simulate.commuter_energy import commuter_energy, count, persons_at_work, workplaces_of
from cblcast.simulate.commuter_traffic import Driven, Scoring, drive, kept_journeys, reschedule
from cblcast.simulate.day_plans import DayPlans, telework, within_opening_times
from cblcast.simulate.traffic import TrafficSettings, simulate_traffic

HERE = Path(__file__).parent
SHARE = 1 - TELEWORK / PERSONS  # 10 %
FLEXIBLE, FIXED = (7, 19, 13), (8, 17, 12)  # opens, closes, latest start [h], table 3
SEEDS = range(10)
PAPER_TABLE_4 = {"s1": (14.66, 39.64), "s2": (14.56, 35.38), "s3": (14.63, 41.19), "s4": (14.56, 36.26)}


def files(one: Population) -> None:
    """What the files hold, the balance of person-hours, and the queue model against the file's own arrivals."""
    for policy in ("wrap", "clip"):
        balance = (
            PresenceLedger(policy).frames(one.events.trips, one.events.activities).presence(one.events.persons).balance
        )
        hours, persons = balance["total_h"].sum(), one.presence.persons
        told(
            f"{one.name}: person-hours, {policy} at midnight",
            hours,
            "h",
            within(24 * persons, 1e-6 * hours),
            "property",
        )
    if one.name == "equil":
        balance, counts = one.presence.balance, one.events.report.stream.counts
        for text, value, target, unit in (
            ("departures", counts["departure"], 201, "events"), ("links entered", counts["entered link"], 700, "events"),
            ("person-hours at work", balance.loc["work", "total_h"], 64.17, "h"),
            ("person-hours at home before the first event", balance.loc["home", "before_h"], 599.95, "h"),
            ("person-hours at home after the last event", balance.loc["home", "after_h"], 1642.11, "h"),
            ("person-hours on the road", balance.loc["travel", "total_h"], 93.77, "h"),
            ("most persons at work at once on one link", workplaces_of(one.plans).max(), 100, "persons"),
        ):  # fmt: skip
            # Another run of the same scenario: its traffic differs by seconds, its plans do not.
            name = f"equil: {text} (a public run of the same scenario has {target:g})"
            plans_tell = abs(value - target) <= 0.005
            told(name, float(value), unit, within(target, 0.005) if plans_tell else None, "public 100-agent sample")
    road = one.road
    off = replay(one, road.settings)
    told(
        f"{one.name}: queue model, median deviation of {len(off)} arrivals",
        float(np.median(off)),
        "s",
        at_most(10),
        "project target",
    )
    soon = 100 * float((off <= 60).mean())
    told(f"{one.name}: queue model, arrivals within 60 s", soon, "%", at_least(95), "project target")
    if one.name == "utah":
        announced = replay(one, road.settings, one.journeys.incidents)
        told("utah: the same with incidents as long as announced", 100 * float((announced <= 60).mean()), "%")
        for factor in (0.001, 1.0):
            other = replay(one, replace(road.settings, storage_factor=factor))
            told(
                f"utah: the same with room on links times {factor:g} instead of 0.1",
                100 * float((other <= 60).mean()),
                "%",
            )


def replay(one: Population, settings: TrafficSettings, incidents: pd.DataFrame | None = None) -> np.ndarray:
    """Seconds between the arrivals of the run and those of the queue model."""
    table, road = one.journeys.table, one.road
    departure = table["departure_s"].to_numpy()
    result = simulate_traffic(
        road.links, departure, road.route, road.first, settings, size=road.size, incidents=incidents
    )
    off = np.abs(result.arrival_s - table["arrival_s"].to_numpy())
    return off[np.isfinite(off)]


def cases_of(one: Population, seed: int = 0) -> dict[str, DayPlans]:
    base = within_opening_times(one.plans, *FLEXIBLE)
    away = telework(one.plans, SHARE, seed)
    return {
        "s1": base,
        "s2": within_opening_times(away, *FLEXIBLE),
        "s3": within_opening_times(one.plans, *FIXED),
        "s4": within_opening_times(away, *FIXED),
    }


def on_the_road(one: Population, plans: DayPlans) -> Driven:
    return drive(plans, kept_journeys(one.plans, one.journey, plans), one.road)


def simulated(one: Population) -> None:
    driven = {case: on_the_road(one, plans) for case, plans in cases_of(one).items()}
    places = workplaces_of(driven["s1"].plans)
    for other in driven.values():  # a link on which only a shifted day works has an office too
        places = places.combine(workplaces_of(other.plans), max, fill_value=0.0)
    rows, hours = {}, {}
    for counted in ("peak", "mean"):
        for case, day in driven.items():
            energy = commuter_energy(day.plans, places, counted=counted)
            rows[counted, case] = [energy.office_kwh, energy.home_kwh, energy.transport_kwh, *day.car_commuters()]
            hours[case] = count(day.plans, "work").mean.sum() * 0.25
    columns = ["office_kwh", "home_kwh", "transport_kwh", "car_trip_km", "car_trip_min"]
    table = pd.DataFrame(rows, index=columns).T.rename_axis(["counted", "case"])
    table.to_csv(HERE / f"energy_{one.name}.csv", float_format="%.2f")
    paper = table.loc["peak"]
    print(paper.round(1).to_string())
    change = paper - paper.loc["s1"]
    name = one.name
    ratio = -change.loc["s2", "home_kwh"] / change.loc["s2", "transport_kwh"]
    told(
        f"{name}: home's rise over transport's saving under telework (paper: more than 1)",
        ratio,
        "ratio",
        above(1),
    )
    for case in ("s2", "s3"):
        share = 100 * change.loc[case, "office_kwh"] / paper.loc["s1", "office_kwh"]
        told(f"{name}: office energy, {case} - s1", share, "%", between(-3, 3))
    saved = -100 * change.loc["s2", "transport_kwh"] / paper.loc["s1", "transport_kwh"]
    told(
        f"{name}: transport energy saved by 10 % telework; opening hours save nothing, energy being proportional to distance",
        saved,
        "%",
        above(5),
    )
    told(
        f"{name}: work hours, s3 over s1 (paper: fewer work hours overall)",
        hours["s3"] / hours["s1"],
        "ratio",
        below(1),
    )
    workers = one.plans.people["commutes"].sum()
    presence = {case: persons_at_work(day.plans) / workers for case, day in driven.items()}
    early = (presence["s3"] - presence["s1"])[: 8 * 4].sum() + (presence["s3"] - presence["s1"])[17 * 4 :].sum()
    told(
        f"{name}: presence before 8 and after 17 h, s3 - s1 (paper: fewer workers early and late)",
        early * 0.25,
        "h per worker",
        below(0),
    )
    energy_figure(paper, f"{name}, people counted from events").savefig(HERE / f"energy_{name}.png")
    presence_figure(presence, f"{name}: being at work").savefig(HERE / f"presence_{name}.png")
    if name == "utah":
        office = commuter_energy(driven["s1"].plans, places).office["peak_kw"]
        link_map_figure(
            one.network.nodes, one.network.links, office, "utah, s1: offices by link (0.1 % sample)"
        ).savefig(HERE / "map_utah.png")


def congestion(one: Population) -> None:
    """Table 4: who teleworks is drawn anew with each seed."""
    rows = [
        (seed, case, *on_the_road(one, plans).car_commuters())
        for seed in SEEDS
        for case, plans in cases_of(one, seed).items()
    ]
    table = pd.DataFrame(rows, columns=["seed", "case", "km", "minutes"]).pivot(
        index="seed", columns="case", values=["km", "minutes"]
    )
    mean, spread = table.mean(), table.std()
    for case, (km, minutes) in PAPER_TABLE_4.items():
        told(f"{one.name}: car commuters' mean trip, {case} (paper, Berlin: {km} km)", mean["km", case], "km")
        told(
            f"{one.name}: its travel time, {case} (paper, Berlin: {minutes} min)",
            mean["minutes", case],
            "min",
            sd_over_draws_min=round(float(spread["minutes", case]), 2),
        )
    for less, more, what in (("s2", "s1", "telework lowers travel time"), ("s4", "s3", "telework lowers it under fixed hours"),
                             ("s1", "s3", "fixed hours raise travel time"), ("s2", "s4", "they do so under telework")):  # fmt: skip
        difference = table["minutes", more] - table["minutes", less]
        told(
            f"{one.name}: {what} ({more} - {less})",
            difference.mean(),
            "min",
            above(0),
            draws_that_agree=int((difference > 0).sum()),
            draws=len(difference),
        )


def rescheduled(one: Population, rounds: int = 10) -> None:
    """The option: departures re-chosen by scoring."""
    for case, hours in (("s1", FLEXIBLE), ("s3", FIXED)):
        plans = cases_of(one)[case]
        day, scores = reschedule(
            plans, kept_journeys(one.plans, one.journey, plans), one.road, Scoring(*hours), rounds=rounds
        )
        told(
            f"{one.name}: {case}, mean score after {rounds} rounds of re-chosen departures, above that before",
            scores[-1],
            "utility",
            above(round(scores[0], 4)),
            "option of the queue model",
        )
        told(f"{one.name}: {case}, travel time then", day.car_commuters()[1], "min")


if __name__ == "__main__":
    analytic()
    for name in ("equil", "utah"):
        population = read(name)
        print(population.events.report)
        files(population)
        simulated(population)
        congestion(population)
        if name == "equil":
            rescheduled(population)
    write(HERE / "results.json", results)
    print(summary(results))
