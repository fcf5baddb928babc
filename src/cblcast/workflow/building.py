"""The world of buildings behind `cblcast simulate`: drawn customers in measured weather, with a program and without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cblcast.config.building import BuildingFile, Program, Weather
from cblcast.errors import DataError, StudyError
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.workflow.worlds import WorldResult

if TYPE_CHECKING:
    from cblcast.frames.events import Window
    from cblcast.frames.panel import Panel
    from cblcast.simulate.building import BuildingResult
    from cblcast.simulate.building_program import BuildingProgram


class Building:
    """Homes or small businesses with physically based load, an event program, and what it does to a baseline.

    Its tables: ``panel`` (site_id, time, observed_kw, weather), ``truth`` (site_id, time, truth_kw: the meter without the
    program), ``devices`` (hvac_kw, hot_water_kw, refrigeration_kw, base_kw), ``events`` (site_id, start, stop, notified,
    truth_kw, shed_kw), ``sites``, and with a program ``responses`` (one row a customer: shed, snapback, recovery, suggested
    windows).
    """

    section = BuildingFile

    def run(self, settings: BuildingFile, folder: Path) -> WorldResult:
        """Simulate the world that a file in `folder` describes."""
        from cblcast.simulate.building import BuildingWorld, simulate_building
        from cblcast.simulate.building_weather import stepped_weather

        panel, site = _weather(settings.weather, folder)
        weather = stepped_weather(
            panel, site, settings.first_day, settings.days, settings.step_min,
            temperature=settings.weather.temperature, irradiance=settings.weather.irradiance,
        )  # fmt: skip
        given = settings.customers.model_dump()
        asked = settings.program
        program = None if asked is None else _program(asked)
        world = BuildingWorld(
            program=program,
            event_days=0 if asked is None else asked.days,
            coldest=asked is not None and asked.coldest,
            seed=settings.seed,
            **given,
        )
        return _outcome(settings, simulate_building(world, weather), program)


def _weather(weather: Weather, folder: Path) -> tuple[Panel, str]:
    from cblcast import datasets
    from cblcast.io.formats import read_meter

    if weather.dataset is not None:
        panel = datasets.load(weather.dataset)
    else:
        paths = {key: _beside(folder, getattr(weather, key)) for key in ("panel", "weather", "site_table")}
        panel = read_meter(str(paths["panel"]), options=weather.model_copy(update=paths).reader)
    site = weather.site if weather.site is not None else str(panel.site_ids[0])
    return panel, site


def _beside(folder: Path, name: str | None) -> str | None:
    if name is None:
        return None
    for candidate in (folder / name, Path(name)):
        if candidate.is_file():
            return str(candidate)
    raise StudyError(
        f"the file {name!r} is neither beside the world's file nor in the working directory: mend the path"
    )


def _hour(clock: str) -> float:
    try:
        hours, minutes = (int(part) for part in clock.split(":"))
    except ValueError:
        raise DataError(f'{clock!r} is no time of day: write it quoted, like "17:00"') from None
    return hours + minutes / 60


def _program(asked: Program) -> BuildingProgram:
    from cblcast.simulate.building_program import BuildingProgram

    return BuildingProgram(
        start_h=_hour(asked.start),
        stop_h=_hour(asked.stop),
        shift_k=asked.set_point_shift_k,
        load_fraction=asked.load_fraction,
        power_set_point_kw=np.inf if asked.power_set_point_kw is None else asked.power_set_point_kw,
        prepare_h=asked.prepare_h,
        prepare_k=asked.prepare_k,
        notice_h=asked.notice_h,
    )


def _outcome(settings: BuildingFile, result: BuildingResult, program: BuildingProgram | None) -> WorldResult:
    from cblcast.simulate.building import TRUTH

    data, step_h = result.panel.data, result.panel.step_hours
    summary: dict[str, Any] = {
        "name": settings.name,
        "customers": len(result.panel.sites),
        "days": settings.days,
        "events": len(result.responses),
        "load_kwh": float(data[OBSERVED].sum() * step_h),
        "load_kwh_without_program": float(data[TRUTH].sum() * step_h),
    }
    tables = {
        "panel": data.drop(columns=TRUTH),
        "truth": data[[TRUTH]],
        "devices": result.devices,
        "events": result.events,
        "sites": result.panel.sites,
    }
    notes = result.notes
    if result.responses and program is not None:
        responses, more = responses_of(result, program)
        tables["responses"] = responses
        follows = responses["follows"].to_numpy(dtype=bool)
        for column in ("shed_kw", "snapback_kwh", "first_hour_kwh"):
            summary[f"{column}_per_follower"] = float(responses.loc[follows, column].mean()) if follows.any() else 0.0
        notes += more
    return WorldResult(summary, tables, {}, notes)


def responses_of(result: BuildingResult, program: BuildingProgram) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Mean response of each customer, and the windows that the program leaves clean for it.

    Returns
    -------
    DataFrame, index site_id
        ``follows``, ``shed_kw``, ``prepared_kwh``, ``snapback_kwh``, ``first_hour_kwh``, ``recovery_h``, ``lead_h``,
        ``saturated_share``; ``before_hours``, ``before_buffer``, ``after_hours``, ``after_buffer`` [h], NaN where no window
        is clean; ``bias_before``, ``bias_after`` in them and ``bias_unbuffered_before``, ``bias_unbuffered_after`` without
        a buffer, as shares.
    notes : tuple of str
    """
    from cblcast.simulate.suggested_windows import suggest_windows

    devices = result.devices.sum(axis=1).unstack(SITE)
    without = devices + result.moved_kw
    steps_per_day = round(24 / result.panel.step_hours)
    rows = []
    for number, site in enumerate(result.panel.site_ids):
        told = suggest_windows(
            devices[site].to_numpy(), without[site].to_numpy(), result.spans, result.panel.step_hours,
            notice_h=program.notice_h, prepares=program.prepares, steps_per_day=steps_per_day,
        )  # fmt: skip
        means = {
            key: _known_mean([float(getattr(one, key)[number]) for one in result.responses])
            for key in ("shed_kw", "prepared_kwh", "snapback_kwh", "first_hour_kwh", "recovery_h", "lead_h")
        }
        rows.append({
            "follows": bool(result.follows[number]), **means, "saturated_share": float(result.saturated[number]),
            **_columns("before", told.before), **_columns("after", told.after),
            "bias_before": told.bias_before, "bias_after": told.bias_after,
            "bias_unbuffered_before": told.bias_unbuffered_before, "bias_unbuffered_after": told.bias_unbuffered_after,
        })  # fmt: skip
    table = pd.DataFrame(rows, index=result.panel.site_ids)
    lost = int(table["after_buffer"].isna().sum())
    notes = (
        (f"{lost} customers have no clean window within 12 h after the event: only one before it serves",)
        if lost
        else ()
    )
    return table, notes


def _known_mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _columns(side: str, window: Window | None) -> dict[str, float]:
    nothing = float("nan")
    return {
        f"{side}_hours": nothing if window is None else window.hours,
        f"{side}_buffer": nothing if window is None else window.buffer,
    }
