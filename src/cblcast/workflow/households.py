"""The world of homes behind `cblcast simulate`: measured homes become any number of homes with devices, and a program acts on them."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cblcast.config.households import HouseholdsFile, MeasuredHomes, ProgramSection
from cblcast.errors import StudyError, nearest
from cblcast.frames.events import mean_over_events
from cblcast.frames.panel import panel_of
from cblcast.frames.schema import OBSERVED, PANEL_INDEX, SITE, TIME
from cblcast.workflow.worlds import WorldResult

if TYPE_CHECKING:
    from cblcast.frames.panel import Panel
    from cblcast.simulate.household_devices import Habit
    from cblcast.simulate.household_program import HouseholdProgram
    from cblcast.simulate.household_totals import FleetTotals
    from cblcast.simulate.household_weather import MeasuredSpan


class Households:
    """Homes with devices, thermostats and roofs, and what a program of events does to them.

    Its tables: ``panel`` (site_id, time, observed_kw, pv_kw, load_kw, temp_air_c) and ``truth`` (site_id, time, truth_kw: net load
    without the program) of the first homes, ``sites``, ``events`` (site_id, start, stop and truth_kw of each home that was called),
    ``devices`` (device, time: mean kW a home with and without the program) and ``responses`` (one row an event).
    """

    section = HouseholdsFile

    def run(self, settings: HouseholdsFile, folder: Path) -> WorldResult:
        """Simulate the world that a file in `folder` describes."""
        from cblcast.simulate.household_fit import left_over
        from cblcast.simulate.household_totals import add_up
        from cblcast.simulate.household_weather import measured_span
        from cblcast.simulate.households import HouseholdWorld

        wanted = settings.measured
        measured = measured_span(_measured(wanted, folder), wanted.first_day, wanted.days)
        step_h = 24 * measured.calendar.days / len(measured.load_kw)
        program = None if settings.program is None else _program(settings.program)
        world = HouseholdWorld(
            homes=settings.homes,
            calendar=measured.calendar,
            step_h=step_h,
            habits=_habits(settings),
            cooling_share=settings.cooling_share,
            pv_share=settings.pv_share,
            pv_kw=settings.pv_kw,
            program=program,
            event_days=_event_days(settings, measured),
            enrolled=1.0 if settings.program is None else settings.program.enrolled,
            noise=settings.noise,
            seed=settings.seed,
        )
        rest = left_over(world, measured)
        totals = add_up(world, measured.weather, rest.other_kw, settings.panel_homes)
        notes = ["the homes are simulated; their weather and their mean days are measured"]
        if rest.exceeded:
            share = f"{100 * rest.exceeded:.1f} %"
            notes.append(
                f"in {share} of months, kinds of day and hours the devices alone use more than the measured homes"
            )
        if measured.filled:
            notes.append(f"{measured.filled} intervals of weather were interpolated")
        if world.event_days and world.event_days[-1] == world.calendar.days - 1:
            notes.append("the last event is on the last day: what is put off beyond it lies outside this world")
        if settings.homes > settings.panel_homes:
            notes.append(f"panel, truth and events hold the first {settings.panel_homes} of {settings.homes} homes")
        return _outcome(settings, measured, totals, step_h, tuple(notes))


def _measured(wanted: MeasuredHomes, folder: Path) -> Panel:
    from cblcast import datasets
    from cblcast.io.formats import read_meter

    if wanted.dataset is not None:
        panel = datasets.load(wanted.dataset)
    else:
        path = next((p for p in (folder / str(wanted.data), Path(str(wanted.data))) if p.is_file()), None)
        if path is None:
            raise StudyError(
                f"the file {wanted.data!r} is neither beside the world's file nor in the working directory: mend the path"
            )
        panel = read_meter(path, tz=wanted.tz)
    if wanted.sites is not None:
        panel = panel.select(list(wanted.sites))
    place = {name: value for name, value in (("lat", wanted.lat), ("lon", wanted.lon)) if value is not None}
    return replace(panel, sites=panel.sites.assign(**place)) if place else panel


def _habits(settings: HouseholdsFile) -> dict[str, Habit]:
    from cblcast.simulate.household_devices import HABITS

    habits = dict(HABITS)
    for name, changed in settings.devices.items():
        if name not in habits:
            raise StudyError(f"devices: {name!r} is no device: {nearest(name, habits)}")
        habits[name] = replace(habits[name], **changed.model_dump(exclude_none=True))
    return habits


def _program(section: ProgramSection) -> HouseholdProgram:
    from cblcast.simulate.household_program import HouseholdProgram

    given = section.model_dump()
    named = {field.name: given[field.name] for field in fields(HouseholdProgram) if field.name in given}
    return HouseholdProgram(**named, start_h=_hour(section.start), stop_h=_hour(section.stop))


def _hour(clock: str) -> float:
    try:
        hours, minutes = clock.split(":")[:2]
        return int(hours) + int(minutes) / 60
    except ValueError:
        raise StudyError(f"program: {clock!r} is no clock time, write it like 17:00") from None


def _event_days(settings: HouseholdsFile, measured: MeasuredSpan) -> tuple[int, ...]:
    if settings.events is None:
        return ()
    calendar = measured.calendar
    if settings.events.hottest is not None:
        a_day = len(measured.load_kw) // calendar.days
        mean = measured.weather.out_c.reshape(calendar.days, a_day).mean(1)
        usable = np.flatnonzero(~calendar.weekend)
        if settings.events.hottest > len(usable):
            raise StudyError(
                f"events: the span has {len(usable)} working days, fewer than hottest: {settings.events.hottest}"
            )
        return tuple(sorted(usable[np.argsort(-mean[usable], kind="stable")[: settings.events.hottest]].tolist()))
    try:
        dates = np.unique(np.array(settings.events.dates, dtype="M8[D]"))
    except ValueError:
        raise StudyError(f"events: dates are written like 2017-06-20, not {list(settings.events.dates)}") from None
    numbers = (dates - calendar.dates[0]).astype(np.int64)
    if numbers[0] < 0 or numbers[-1] >= calendar.days:
        raise StudyError(
            f"events: {dates[0] if numbers[0] < 0 else dates[-1]} lies outside the span {calendar.dates[0]} to {calendar.dates[-1]}"
        )
    return tuple(numbers.tolist())


def _outcome(
    settings: HouseholdsFile, measured: MeasuredSpan, totals: FleetTotals, step_h: float, notes: tuple[str, ...]
) -> WorldResult:
    times = pd.date_range(
        measured.first.tz_convert("UTC"), periods=len(measured.load_kw), freq=pd.Timedelta(hours=step_h)
    )
    names = pd.Index([f"home_{number:05d}" for number in range(len(totals.load_kw))], name=SITE)
    index = pd.MultiIndex.from_product([names, times.as_unit("us")], names=PANEL_INDEX)
    pv, load, truth = (
        part.astype(np.float64).round(4).ravel() for part in (totals.pv_kw, totals.load_kw, totals.truth_kw)
    )
    panel = pd.DataFrame(
        {
            OBSERVED: (load - pv).round(4),
            "pv_kw": pv,
            "load_kw": load,
            "temp_air_c": np.tile(measured.weather.out_c, len(names)),
        },
        index,
    )
    tables = {
        "panel": panel,
        "truth": pd.DataFrame({"truth_kw": (truth - pv).round(4)}, index),
        "sites": pd.DataFrame({"tz": str(measured.first.tz), "segment": "home"}, index=names),
        "devices": _devices(totals, times),
    }
    summary: dict[str, Any] = {
        "name": settings.name,
        "homes": settings.homes,
        "days": measured.calendar.days,
        "mean_load_kw": float(totals.mean_truth_kw.mean()),
        "measured_mean_load_kw": float(np.nanmean(measured.load_kw)),
    }
    figures: dict[str, Any] = {}
    if settings.program is not None:
        tables["events"] = _events(settings, measured, totals, names, tables["truth"]["truth_kw"])
        tables["responses"] = totals.responses
        summary |= {
            "events": len(totals.responses),
            "reduction_kw_per_home": float(totals.responses["reduction_kw"].mean()),
            "rebound_kw_per_home": float(totals.responses["rebound_kw"].mean()),
            "given_up_kwh_per_home_event": float(totals.responses["given_up_kwh"].mean()),
            "followed_share": float(totals.responses["followed_share"].mean()),
        }
        figures["event_day"] = lambda: _figure(settings, totals, step_h)
    return WorldResult(summary, tables, figures, notes)


def _devices(totals: FleetTotals, times: pd.DatetimeIndex) -> pd.DataFrame:
    names = list(totals.device_kw)
    index = pd.MultiIndex.from_product([names, times], names=["device", TIME])
    table = {"kw": totals.device_kw, "truth_kw": totals.device_truth_kw}
    return pd.DataFrame(
        {column: np.concatenate([each[name] for name in names]) for column, each in table.items()}, index
    )


def _events(
    settings: HouseholdsFile, measured: MeasuredSpan, totals: FleetTotals, names: pd.Index, truth: pd.Series
) -> pd.DataFrame:
    """Every home that is in the program was called, with its truth; who followed is known to the truth alone."""
    assert settings.program is not None
    days = measured.first + pd.to_timedelta(totals.responses["day"].to_numpy(), unit="D")
    called = names[totals.enrolled[: len(names)]]
    start = days + pd.Timedelta(hours=_hour(settings.program.start))
    stop = days + pd.Timedelta(hours=_hour(settings.program.stop))
    events = pd.DataFrame(
        {SITE: np.repeat(called, len(days)), "start": np.tile(start, len(called)), "stop": np.tile(stop, len(called))}
    )
    world = panel_of(truth.rename(OBSERVED).to_frame(), str(measured.first.tz))
    return events.assign(truth_kw=mean_over_events(world, events, OBSERVED).round(4)).rename_axis("event")


def _figure(settings: HouseholdsFile, totals: FleetTotals, step_h: float) -> Any:
    from cblcast.report.household_figures import event_day_figure

    assert settings.program is not None
    a_day = round(24 / step_h)
    days = totals.responses["day"].to_numpy()

    def of_events(values: np.ndarray) -> np.ndarray:
        return np.asarray(values.reshape(-1, a_day)[days].mean(0))

    return event_day_figure(
        of_events(totals.mean_load_kw),
        of_events(totals.mean_truth_kw),
        of_events(totals.mean_pv_kw),
        (_hour(settings.program.start), _hour(settings.program.stop)),
        f"{settings.name}: mean of {len(days)} event days",
    )
