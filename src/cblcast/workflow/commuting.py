"""The world of commuters behind `cblcast simulate`: people of a traffic run, or drawn, become load by link."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cblcast.config.commuting import CommutingFile, DrawnPopulation, MatsimPopulation, Population
from cblcast.errors import StudyError
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.workflow.worlds import WorldResult

if TYPE_CHECKING:
    from cblcast.simulate.commuting import CommutingResult
    from cblcast.simulate.day_plans import DayPlans


class Commuting:
    """People who commute, and the load of offices and homes that follows them.

    Its tables: ``panel`` (site_id, time, observed_kw, occupants, occupants_planned), ``truth`` (site_id, time, truth_kw,
    without_telework_kw), ``sites``, and with ``schedules`` one ``schedule_<site>`` (hour, persons, fraction) a building.
    """

    section = CommutingFile

    def run(self, settings: CommutingFile, folder: Path) -> WorldResult:
        """Simulate the world that a file in `folder` describes."""
        from cblcast.simulate.commuting import CommutingWorld, simulate_commuting
        from cblcast.simulate.day_plans import within_opening_times

        plans, notes = _plans(settings.population, folder, settings.seed)
        if settings.opening_times is not None:
            wanted = settings.opening_times
            plans = within_opening_times(plans, wanted.opens, wanted.closes, wanted.latest_start)
        telework = settings.telework
        world = CommutingWorld(
            first_day=settings.first_day,
            days=settings.days,
            tz=settings.tz,
            telework_share=0.0 if telework is None else telework.share,
            telework_from=None if telework is None else telework.from_,
            attendance=settings.attendance,
            attendance_spread=settings.attendance_spread,
            jitter_min=settings.jitter_min,
            smallest_office=settings.smallest_office,
            smallest_home=settings.smallest_home,
            noise=settings.noise,
            slice_h=settings.slice_min / 60,
            seed=settings.seed,
        )
        result = simulate_commuting(plans, world)
        notes += [f"{what}: {n}, left out" for what, n in result.left_out.items() if n]
        return _outcome(settings, plans, result, tuple(notes))


def _plans(population: Population, folder: Path, seed: int) -> tuple[DayPlans, list[str]]:
    if population.drawn is not None:
        return _drawn(population.drawn, seed), ["the population is drawn, not observed"]
    assert population.matsim is not None
    return _observed(population.matsim, folder)


def _drawn(people: DrawnPopulation, seed: int) -> DayPlans:
    from cblcast.physics.occupancy import OfficeHours
    from cblcast.simulate.drawn_plans import drawn_plans

    hours = OfficeHours.from_core(people.core_from, people.core_until, people.work_h)
    return drawn_plans(
        hours, people.persons, people.working, people.offices, people.home_links, people.travel_min, seed=seed
    )


def _observed(people: MatsimPopulation, folder: Path) -> tuple[DayPlans, list[str]]:
    from cblcast.io.matsim.events import read_events
    from cblcast.io.matsim.network import read_network
    from cblcast.io.matsim.presence import PresenceLedger
    from cblcast.io.matsim.sample import equil
    from cblcast.simulate.day_plans import day_plans

    if people.events == "equil":
        events_file, network_file = equil()
    else:
        events_file, network_file = (_beside(folder, name) for name in (people.events, str(people.network)))
    events = read_events(events_file, read_network(network_file))
    ledger = PresenceLedger().frames(events.trips, events.activities)
    presence = ledger.presence(events.persons, home=people.home, work=people.work)
    plans = day_plans(events.trips, events.activities, events.persons, presence.purpose)
    notes = [f"{n} {what}" for what, n in {**events.report.odd, **presence.odd}.items()]
    if plans.left_out:
        notes.append(f"{plans.left_out} of {events.report.persons} persons left out, whose day has no end in the file")
    return plans, notes


def _beside(folder: Path, name: str) -> Path:
    for candidate in (folder / name, Path(name)):
        if candidate.is_file():
            return candidate
    raise StudyError(
        f"the file {name!r} is neither beside the world's file nor in the working directory: mend the path"
    )


def _outcome(settings: CommutingFile, plans: DayPlans, result: CommutingResult, notes: tuple[str, ...]) -> WorldResult:
    from cblcast.simulate.commuting import NOISE_FREE, OCCUPANTS, PLANNED, WITHOUT_TELEWORK

    panel = result.panel
    data, sites = panel.data, panel.sites
    segment = sites["segment"].reindex(data.index.get_level_values(SITE)).to_numpy()
    kwh = (data[[OBSERVED, WITHOUT_TELEWORK]] * panel.step_hours).groupby(segment).sum()
    summary: dict[str, Any] = {
        "name": settings.name,
        "persons": len(plans.people),
        "commuters": int(plans.people["commutes"].sum()),
        "offices": int((sites["segment"] == "office").sum()),
        "home_links": int((sites["segment"] == "home").sum()),
        "days": settings.days,
    }
    for name, row in kwh.iterrows():
        summary[f"{name}_kwh"] = float(row[OBSERVED])
        summary[f"{name}_kwh_without_telework"] = float(row[WITHOUT_TELEWORK])
    tables = {
        "panel": data[[OBSERVED, OCCUPANTS, PLANNED]],
        "truth": data[[NOISE_FREE, WITHOUT_TELEWORK]],
        "sites": sites,
    }
    if settings.schedules:
        tables |= {f"schedule_{_as_file_name(site)}": table for site, table in schedules(panel).items()}
    cases = presence_by_case(panel, None if settings.telework is None else settings.telework.from_)
    if not cases:
        notes += ("no figure and no schedules of working days: the world has none",)

    def presence() -> Any:
        from cblcast.report.commuting_figures import presence_figure

        return presence_figure(cases, f"{settings.name}: working days", panel.step_hours)

    return WorldResult(summary, tables, {"presence": presence} if cases else {}, notes)


def _as_file_name(site: str) -> str:
    """`site` as part of a file's name: links may be called anything, a/b too."""
    return re.sub(r'[/\\:*?"<>|%\x00-\x1f]', lambda found: f"%{ord(found[0]):02X}", site)


def presence_by_case(panel: Any, telework_from: str | None) -> dict[str, np.ndarray]:
    """Occupants of all offices over their workplaces on a mean working day, by slice: before and, if any, with telework."""
    offices = panel.sites.index[panel.sites["segment"] == "office"]
    people = panel.data["occupants"].unstack("site_id")[offices].sum(axis=1) / panel.sites.loc[offices, "size"].sum()
    wall = people.index.tz_convert(panel.sites["tz"].iloc[0]).tz_localize(None)
    slot = (wall - wall.normalize()) // panel.step
    working = np.asarray(wall.day_of_week < 5)
    changed = (
        np.zeros(len(wall), dtype=bool) if telework_from is None else np.asarray(wall >= pd.Timestamp(telework_from))
    )
    spans = {"as ever": working & ~changed, "with telework": working & changed}
    return {name: people[rows].groupby(slot[rows]).mean().to_numpy() for name, rows in spans.items() if rows.any()}


def schedules(panel: Any, column: str = "occupants") -> dict[str, pd.DataFrame]:
    """Usual working day of each building, by hour: what building-energy tools read as a schedule file.

    Returns
    -------
    dict site -> DataFrame, index ``hour`` (0 … 23, local); empty where the panel has no working day
        ``persons`` (mean over the working days), ``fraction`` (of the most persons in an hour).
    """
    found = {}
    for site, values in panel.data[column].groupby(level=SITE):
        wall = values.index.get_level_values("time").tz_convert(panel.sites.loc[site, "tz"])
        working = wall.day_of_week < 5
        if not working.any():
            continue
        persons = values[working].groupby(wall[working].hour).mean()
        # Intervals longer than an hour: an hour has the persons of the interval that it lies in.
        persons = persons.reindex(np.arange(24)).ffill().rename_axis("hour")
        table = pd.DataFrame({"persons": persons, "fraction": persons / max(float(persons.max()), 1e-12)})
        found[str(site)] = table
    return found
