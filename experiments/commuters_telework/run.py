"""Telework and fixed hours: offices, homes and roads, analytically and from MATSim events.

    CBLCAST_DATA_DIR=... python experiments/commuters_telework/run.py

Cases c1-c4 by formula, s1-s4 on the bundled `equil` and on `utah` (339,362 events, a 0.1 % sample; data/README.md). Writes
results.json, the figures and energy.csv beside this file. About a minute on one core.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from populations import Population, read

from cblcast.io.matsim.presence import PresenceLedger
from cblcast.physics.occupancy import (
    OfficeHours,
    car_mj_per_km,
    home_power,
    household_kwh_per_person_day,
    workplace_power,
)
from cblcast.physics.occupied_day import occupied_day
from cblcast.report.commuting_figures import energy_figure, link_map_figure, presence_figure
from cblcast.simulate.commuter_energy import commuter_energy, count, persons_at_work, workplaces_of
from cblcast.simulate.commuter_traffic import Driven, Scoring, drive, kept_journeys, reschedule
from cblcast.simulate.day_plans import DayPlans, telework, within_opening_times
from cblcast.simulate.traffic import TrafficSettings, simulate_traffic

HERE = Path(__file__).parent
PERSONS, TELEWORK = 23_095, 20_771
SHARE = 1 - TELEWORK / PERSONS  # 10 %
FLEXIBLE, FIXED = (7, 19, 13), (8, 17, 12)  # opens, closes, latest start [h], table 3
SEEDS = range(10)
PAPER_TABLE_4 = {"s1": (14.66, 39.64), "s2": (14.56, 35.38), "s3": (14.63, 41.19), "s4": (14.56, 36.26)}
results: list[dict[str, object]] = []


def claim(text, measured, unit, target=None, holds=None, source="commuters paper"):
    measured = round(float(measured), 4) if isinstance(measured, (float, np.floating)) else measured
    holds = None if holds is None else bool(holds)
    results.append(
        {"claim": text, "source": source, "target": target, "measured": measured, "unit": unit, "holds": holds}
    )
    print(f"{'' if holds is None else 'ok  ' if holds else 'MISS'} {text}: {measured} {unit} (target {target})")


def golden(text, measured, target, tolerance, unit, source="commuters paper"):
    claim(text, float(measured), unit, target, bool(abs(measured - target) <= tolerance), source)


def analytic() -> None:
    golden("energy of a person at home, printed factor", household_kwh_per_person_day(), 25.5, 0.05, "kWh/day")
    claim("the same with 1 TWh = 3.6 PJ", household_kwh_per_person_day(twh_per_pj=1 / 3.6), "kWh/day")
    for name, value, target in zip(("Pbh", "Pah"), home_power(), (0.400, 0.934), strict=True):
        golden(name, value, target, 0.001, "kW")
    golden(
        "power of a workplace, t = 6 h",
        sum(workplace_power()),
        0.496,
        0.0005,
        "kW",
        "commuters paper, eq. 7; erratum t",
    )
    claim("power of a workplace, t = 8 h as printed", sum(workplace_power(at_work_h=8)), "kW")
    golden("energy of a car", car_mj_per_km(), 1.771, 0.001, "MJ/km")
    cases = {"c1": (10, 14, PERSONS), "c2": (10, 14, TELEWORK), "c3": (9, 15, PERSONS), "c4": (9, 15, TELEWORK)}
    found = {name: occupied_day(OfficeHours.from_core(a, b), PERSONS, n) for name, (a, b, n) in cases.items()}
    columns = ("office_kwh", "home_kwh", "transport_kwh")
    table = pd.DataFrame({case: [getattr(day, c) for c in columns] for case, day in found.items()}, index=columns).T
    targets = {
        "c1": (140_115, 609_985, 313_515),
        "c2": (-822, 13_024, -31_548),
        "c3": (-9_767, 0, 0),
        "c4": (-9_979, 13_022, -31_548),
    }
    for case, values in targets.items():
        for column, target in zip(columns, values, strict=True):
            value = table.loc[case, column] - (0 if case == "c1" else table.loc["c1", column])
            golden(
                f"{case}{'' if case == 'c1' else ' - c1'}: {column[:-4]}",
                value,
                target,
                3,
                "kWh/day",
                "project's golden numbers, ±3",
            )
    home, road = (table.loc["c2", c] - table.loc["c1", c] for c in columns[1:])
    claim(
        "analytic: home rises 'by about the same' as transport falls (section 3.4)", -home / road, "of it", 1.0, False
    )
    office = (table["office_kwh"] - table.loc["c1", "office_kwh"]) / table.loc["c1", "office_kwh"]
    claim(
        "analytic: office energy barely affected by telework",
        100 * office["c2"],
        "%",
        "within 2 %",
        abs(office["c2"]) < 0.02,
    )
    claim(
        "analytic: fewer opening hours save more office energy than telework",
        office["c3"] / office["c2"],
        "times",
        "> 1",
        office["c3"] < office["c2"],
    )
    energy_figure(table, "analytic model, 23,095 persons").savefig(HERE / "energy_analytic.png")
    table.to_csv(HERE / "energy_analytic.csv", float_format="%.1f", index_label="case")


def files(one: Population) -> None:
    """What the files hold, the balance of person-hours, and the queue model against the file's own arrivals."""
    for policy in ("wrap", "clip"):
        balance = (
            PresenceLedger(policy).frames(one.events.trips, one.events.activities).presence(one.events.persons).balance
        )
        hours, persons = balance["total_h"].sum(), one.presence.persons
        claim(
            f"{one.name}: person-hours, {policy} at midnight",
            hours,
            "h",
            24 * persons,
            bool(abs(hours - 24 * persons) < 1e-6 * hours),
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
            # Another run of the same scenario: its traffic may differ by seconds, its plans do not.
            same = True if abs(value - target) <= 0.005 else None
            claim(
                f"equil: {text} (a public run of the same scenario)",
                float(value),
                unit,
                target,
                same,
                "public 100-agent sample",
            )
    road = one.road
    off = replay(one, road.settings)
    claim(
        f"{one.name}: queue model, median deviation of {len(off)} arrivals",
        float(np.median(off)),
        "s",
        "<= 10",
        bool(np.median(off) <= 10),
        "project target",
    )
    within = float((off <= 60).mean())
    claim(
        f"{one.name}: queue model, arrivals within 60 s", 100 * within, "%", ">= 95", within >= 0.95, "project target"
    )
    if one.name == "utah":
        announced = replay(one, road.settings, one.journeys.incidents)
        claim("utah: the same with incidents as long as announced", 100 * float((announced <= 60).mean()), "%")
        for factor in (0.001, 1.0):
            other = replay(one, replace(road.settings, storage_factor=factor))
            claim(
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
    claim(
        f"{name}: home's rise over transport's saving under telework (paper: more than 1)",
        ratio,
        "ratio",
        "> 1",
        bool(ratio > 1),
    )
    for case in ("s2", "s3"):
        share = 100 * change.loc[case, "office_kwh"] / paper.loc["s1", "office_kwh"]
        claim(f"{name}: office energy, {case} - s1", share, "%", "within 3 %", bool(abs(share) < 3))
    saved = -100 * change.loc["s2", "transport_kwh"] / paper.loc["s1", "transport_kwh"]
    claim(
        f"{name}: transport energy saved by 10 % telework; opening hours save nothing, energy being proportional to distance",
        saved,
        "%",
        "> 5",
        bool(saved > 5),
    )
    claim(
        f"{name}: work hours, s3 over s1 (paper: fewer work hours overall)",
        hours["s3"] / hours["s1"],
        "ratio",
        "< 1",
        bool(hours["s3"] < hours["s1"]),
    )
    workers = one.plans.people["commutes"].sum()
    presence = {case: persons_at_work(day.plans) / workers for case, day in driven.items()}
    early = (presence["s3"] - presence["s1"])[: 8 * 4].sum() + (presence["s3"] - presence["s1"])[17 * 4 :].sum()
    claim(
        f"{name}: presence before 8 and after 17 h, s3 - s1 (paper: fewer workers early and late)",
        early * 0.25,
        "h per worker",
        "< 0",
        bool(early < 0),
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
        claim(f"{one.name}: car commuters' mean trip, {case} (paper, Berlin: {km} km)", mean["km", case], "km")
        claim(
            f"{one.name}: its travel time, {case} (paper, Berlin: {minutes} min; sd over draws {spread['minutes', case]:.2f})",
            mean["minutes", case],
            "min",
        )
    for less, more, what in (("s2", "s1", "telework lowers travel time"), ("s4", "s3", "telework lowers it under fixed hours"),
                             ("s1", "s3", "fixed hours raise travel time"), ("s2", "s4", "they do so under telework")):  # fmt: skip
        difference = table["minutes", more] - table["minutes", less]
        claim(
            f"{one.name}: {what} ({more} - {less}; draws that agree: {int((difference > 0).sum())} of {len(difference)})",
            difference.mean(),
            "min",
            "> 0",
            bool(difference.mean() > 0),
        )


def rescheduled(one: Population, rounds: int = 10) -> None:
    """The option: departures re-chosen by scoring."""
    for case, hours in (("s1", FLEXIBLE), ("s3", FIXED)):
        plans = cases_of(one)[case]
        day, scores = reschedule(
            plans, kept_journeys(one.plans, one.journey, plans), one.road, Scoring(*hours), rounds=rounds
        )
        claim(
            f"{one.name}: {case}, mean score before and after {rounds} rounds of re-chosen departures",
            [round(scores[0], 2), round(scores[-1], 2)],
            "utility",
        )
        claim(f"{one.name}: {case}, travel time then", day.car_commuters()[1], "min")


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
    (HERE / "results.json").write_text(
        json.dumps({"results": results}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
