"""Worlds whose truth is known: events injected into measured load, simulated shops, simulated homes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from drawn_events import draw, draw_weeks

from cblcast import datasets
from cblcast.config.problems import validated
from cblcast.days.placebo import placebo_events
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel
from cblcast.simulate.building import BuildingResult, BuildingWorld, simulate_building
from cblcast.simulate.building_program import BuildingProgram
from cblcast.simulate.building_weather import stepped_weather
from cblcast.simulate.injected_events import InjectedResponse, Moved, inject
from cblcast.simulate.suggested_windows import suggest_windows
from cblcast.workflow.households import Households

SEED = 11
START, STOP = "17:00", "20:00"
SHED = 0.15  # of the load, as in experiments/integrity
GAMED_H, PRECOOLED_H = 3.0, 2.0
SNAPBACK = (Moved(Window.after(1), 0.4, "shed"), Moved(Window.after(1, buffer=1), 0.2, "shed"))
# What is injected, and how many hours before the start somebody who prepares may begin.
INJECTED: dict[str, tuple[InjectedResponse, float]] = {
    "honest": (InjectedResponse(SHED), 0),
    "snapback": (InjectedResponse(SHED, beside=SNAPBACK), 0),
    "pre-cooling": (InjectedResponse(SHED, beside=(Moved(Window.before(PRECOOLED_H), 0.2),)), PRECOOLED_H),
    "gaming": (InjectedResponse(SHED, beside=(Moved(Window.before(GAMED_H), 0.3),)), GAMED_H),
    "fatigue": (InjectedResponse(2 * SHED, tires=0.8, beside=SNAPBACK), 0),
}
# Of homes with roofs: shares of what the home uses, while the meter shows the net load.
AT_HOMES: dict[str, tuple[InjectedResponse, float]] = {
    "PV": (InjectedResponse(SHED, column="load_kw"), 0),
    "EV gives back": (
        InjectedResponse(0.0, 3.0, (Moved(Window.after(4), 1 / 0.85, "shed"),), column="load_kw"),
        0,
    ),
}


@dataclass(frozen=True, eq=False)
class Case:
    """One world under one program.

    Attributes
    ----------
    world, name : str
    panel : Panel
        As metered, with ``truth_kw`` beside it.
    events : DataFrame
        With ``truth_kw``.
    prepares_h : float
        Hours before the start from which somebody may prepare; 0: nobody does.
    use_kw : Series
        Mean use of each site in its events without the program, what errors are shares of [kW].
    untouched : Panel
        What the meter would have read had nothing moved; in the case PV the use, so that the roof itself is what is tried.
    learn : (str, str) or None
        Days before any event from which a learned baseline learns.
    modelled : (Panel, DataFrame) or None
        Customers of a physically based load model under the same program, and their events: what windows are suggested from.
        Unless there is one it is what the case itself moves, as a model without error would tell it.
    """

    world: str
    name: str
    panel: Panel
    events: pd.DataFrame
    prepares_h: float
    use_kw: pd.Series
    untouched: Panel = field(repr=False)
    learn: tuple[str, str] | None = None
    modelled: tuple[Panel, pd.DataFrame] | None = field(default=None, repr=False)


def case_of(
    world: str,
    name: str,
    panel: Panel,
    events: pd.DataFrame,
    prepares_h: float = 0,
    learn: tuple[str, str] | None = None,
) -> Case:
    """A case whose untouched twin shows the truth everywhere."""
    untouched = Panel(panel.data.assign(observed_kw=panel.data["truth_kw"]), panel.sites)
    known = events[events["truth_kw"].notna()].reset_index(drop=True)
    return Case(world, name, panel, known, prepares_h, known.groupby("site_id")["truth_kw"].mean(), untouched, learn)


def days_of(panel: Panel, first: str, last: str) -> pd.DataFrame:
    return placebo_events(panel, START, STOP, first=first, last=last)


def injected(
    world: str, panel: Panel, days: pd.DataFrame, count: int, weeks: int, learn: tuple[str, str] | None = None
) -> Iterator[Case]:
    """The cases of a set of measured buildings."""
    spread, weekly = draw(days, SEED, count), draw_weeks(days, SEED, weeks)
    for name, (response, prepares_h) in INJECTED.items():
        made = inject(panel, weekly if name == "fatigue" else spread, response)
        yield case_of(world, name, made.panel, made.events, prepares_h, learn)


def cambridge() -> Iterator[Case]:
    panel = datasets.load("cambridge_sme")
    days = days_of(panel, "2019-01-14", "2019-12-13")
    return injected("Cambridge", panel, days, 16, 4, ("2018-02-01", "2018-12-14"))


def turin() -> Iterator[Case]:
    panel = datasets.load("turin")
    return injected("Turin", panel, days_of(panel, "2019-03-01", "2019-12-13"), 30, 6)


def fontana() -> Iterator[Case]:
    """Homes with roofs: what a net meter makes of them, and vehicles that give back."""
    panel = datasets.load("fontana_homes")
    data = panel.data.assign(load_kw=panel.data["observed_kw"] + panel.data["pv_kw"])
    homes = Panel(data, panel.sites)
    events = draw(days_of(homes, "2017-04-03", "2017-07-14"), SEED, 16)
    use = inject(Panel(data.assign(observed_kw=data["load_kw"]), panel.sites), events, InjectedResponse(SHED))
    mean_use, learn = use.events.groupby("site_id")["truth_kw"].mean(), ("2016-09-15", "2017-03-31")
    for name, (response, prepares_h) in AT_HOMES.items():
        made = inject(homes, events, response)
        twin = homes if name != "PV" else Panel(data.assign(observed_kw=data["load_kw"]), panel.sites)
        yield Case("Fontana homes", name, made.panel, made.events, prepares_h, mean_use, twin, learn)


def precooling(kelvin: float) -> BuildingProgram:
    return BuildingProgram(17, 20, shift_k=2, prepare_h=PRECOOLED_H, prepare_k=kelvin, notice_h=PRECOOLED_H)


def modelled(kind: str, program: BuildingProgram, seed: int) -> BuildingResult:
    """Thirty customers by the physically based load model in Turin's summer."""
    weather = stepped_weather(datasets.load("turin"), "turin_building", "2019-05-01", 140, 15)
    return simulate_building(BuildingWorld(kind, 30, program=program, event_days=12, seed=seed), weather)


def shops() -> Iterator[Case]:
    """Shops of the model, with recovery and pre-cooling as physics makes them."""
    programs = {
        "set point +2 K": BuildingProgram(17, 20, shift_k=2),
        "switched off": BuildingProgram(17, 20, load_fraction=0),
        "pre-cooled 2 h by 1 K": precooling(1),
    }
    for name, program in programs.items():
        made, others = (modelled("sme", program, seed) for seed in (SEED, SEED + 1))
        notice_h = program.notice_h if program.prepares else 0
        case = case_of("simulated shops", name, made.panel, made.events, notice_h)
        yield replace(case, modelled=(others.panel, others.events))


def homes() -> Iterator[Case]:
    """Homes with devices, half of them with roofs, like those of Fontana: what follows from shifting, tiring, giving back."""
    common = {"start": START, "stop": STOP}
    programs = {
        "automatic, shifted": {"control": "automatic", "response": "shift"},
        "by hand, tiring": {"control": "manual", "tires": 0.8, "heat_k": 20},
        "vehicles give back": {"control": "automatic", "gives_back_kw": 5.0},
    }
    for name, program in programs.items():
        document = {
            "world": "households", "measured": {"dataset": "fontana_homes", "first_day": "2017-05-01", "days": 90},
            "homes": 60, "panel_homes": 60, "program": common | program, "events": {"hottest": 12}, "seed": SEED,
        }  # fmt: skip
        tables = Households().run(validated(Households.section, document, name), Path()).tables
        panel = Panel(tables["panel"].join(tables["truth"]), tables["sites"])
        made = case_of("simulated homes", name, panel, tables["events"])
        use = Panel(panel.data.assign(observed_kw=panel.data["truth_kw"] + panel.data["pv_kw"]), panel.sites)
        mean_use = inject(use, made.events[["site_id", "start", "stop"]], InjectedResponse(0.0)).events
        yield Case(
            made.world, name, panel, made.events, 0, mean_use.groupby("site_id")["truth_kw"].mean(), made.untouched
        )


WORLDS = (cambridge, turin, fontana, shops, homes)


def suggested(case: Case) -> dict[str, Window]:
    """Windows that the program leaves clean, read off the load with it and without it of all customers together."""
    panel, events = case.modelled or (case.panel, case.events)
    with_kw, without_kw, spans, offset = [], [], [], 0
    for site, own in events.groupby("site_id"):
        rows = panel.data.loc[site]
        known = rows["observed_kw"].notna() & rows["truth_kw"].notna()
        with_kw.append(rows["observed_kw"].where(known, 0.0).to_numpy())
        without_kw.append(rows["truth_kw"].where(known, 0.0).to_numpy())
        first, stop = (rows.index.get_indexer(own[edge]) for edge in ("start", "stop"))
        spans += [(int(a) + offset, int(b) + offset) for a, b in zip(first, stop, strict=True) if b >= 0]
        offset += len(rows)
    found = suggest_windows(
        np.concatenate(with_kw), np.concatenate(without_kw), spans, panel.step_hours,
        notice_h=case.prepares_h, prepares=case.prepares_h > 0,
    )  # fmt: skip
    named = {"suggested before": found.before, "suggested after": found.after}
    return {name: window for name, window in named.items() if window is not None}
