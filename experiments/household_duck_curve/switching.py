"""What programs do to simulated homes like Fontana's, and whether they pay: one part of run.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from claims import at_least, at_most, claim

from cblcast.loadshapes import duck_shape
from cblcast.report.household_figures import event_day_figure
from cblcast.simulate.household_fit import left_over
from cblcast.simulate.household_program import HouseholdProgram
from cblcast.simulate.household_totals import FleetTotals, add_up
from cblcast.simulate.household_weather import MeasuredSpan, mean_day
from cblcast.simulate.households import HouseholdWorld
from cblcast.value.flexibility import FlexibilityTerms, flexibility_value

HERE = Path(__file__).parent
SOURCE = "duck_curve_notebook.txt"
HOMES, EVENTS, SEED = 1000, 20, 1


# Amounts in EUR, assumptions of ours: an incentive a household might move for, a smart thermostat and plugs over ten years,
# a peaking plant's fixed yearly cost.
TERMS = {
    "automatic": FlexibilityTerms(0.10, 15.0, 0.0, 90.0),
    "manual": FlexibilityTerms(0.50, 2.0, 0.0, 90.0),
}


PROGRAMS = {
    "manual, shift": HouseholdProgram(
        control="manual", share=0.5, tires=0.85, heat_k=12, hot_c=30, pay_per_kwh=0.5, half_pay_per_kwh=0.5, shift_k=1
    ),
    "automatic, shift": HouseholdProgram(),
    "automatic, shed": HouseholdProgram(response="shed"),
    "automatic, advance to 10-14 h": HouseholdProgram(response="advance"),
    "automatic, vehicles give back": HouseholdProgram(gives_back_kw=5.0),
}


def programs(records: list[dict[str, Any]], measured: MeasuredSpan, folder: str | None) -> pd.DataFrame:
    """Every program on the same homes, days and random numbers."""
    base = HouseholdWorld(HOMES, measured.calendar, seed=SEED)
    rest = left_over(base, measured)
    records.append(
        claim(
            "simulated homes' mean days (month, kind of day, hour) against the measured ones, mean error",
            "issue of this project: schedules match the measured homes",
            100 * _misfit(base, measured, rest.other_kw),
            "% of the mean load",
            at_most(3.0),
        )
    )
    days = _hottest(measured, EVENTS)
    price = _prices(measured, folder)
    rows = []
    for name, program in PROGRAMS.items():
        totals = add_up(replace(base, program=program, event_days=days), measured.weather, rest.other_kw, 1)
        rows.append({"program": name, **_effects(totals, days, program), **_money(totals, days, program, price)})
        if name == "automatic, shift":
            _draw(totals, days, program)
            records.append(
                claim(
                    "thermostats moved by 2 K: less in the events; measured in the field, cycled (PG&E 2010): 0.20",
                    "issue of this project: field figures for plausibility",
                    _cooling_less(totals, days, program) / base.cooling_share,
                    "kW per home with an air conditioner",
                )
            )
    table = pd.DataFrame(rows).round(4)
    table.to_csv(HERE / "programs.csv", index=False)
    for row in rows:
        what = row["program"]
        records.append(
            claim(f"{what}: mean reduction in the events", SOURCE, row["reduction_mw_per_1000"], "MW per 1,000 homes")
        )
        records.append(
            claim(
                f"{what}: evening ramp (3 h) of event days, less by",
                SOURCE,
                row["ramp_less_mw_per_1000"],
                "MW per 1,000 homes",
            )
        )
        records.append(
            claim(
                f"{what}: belly (9-17 h) of event days, filled by",
                SOURCE,
                row["belly_filled_mw_per_1000"],
                "MW per 1,000 homes",
            )
        )
        if price is not None:
            records.append(claim(f"{what}: aggregator's profit", SOURCE, row["profit_eur"], "EUR per home and year"))
            records.append(
                claim(
                    f"{what}: wholesale price in the events at which the aggregator breaks even",
                    SOURCE,
                    row["break_even_eur_per_mwh"],
                    "EUR/MWh",
                )
            )
    manual, automatic = (
        next(row for row in rows if row["program"] == name) for name in ("manual, shift", "automatic, shift")
    )
    records.append(
        claim(
            "automatic against manual switching, reduction",
            SOURCE,
            automatic["reduction_mw_per_1000"] / manual["reduction_mw_per_1000"],
            "ratio",
            at_least(1.0),
        )
    )
    return table


def _cooling_less(totals: FleetTotals, days: tuple[int, ...], program: HouseholdProgram) -> float:
    """Mean over the events of what cooling takes less [kW per home]."""
    less = totals.device_truth_kw["heating_cooling"] - totals.device_kw["heating_cooling"]
    hours = slice(round(program.start_h), round(program.stop_h))
    return float(less.reshape(-1, 24)[list(days), hours].mean())


def _misfit(world: HouseholdWorld, measured: MeasuredSpan, other: np.ndarray) -> float:
    totals = add_up(world, measured.weather, other, 1)
    wanted = mean_day(measured.load_kw, world.calendar, world.step_h)
    gap = np.abs(mean_day(totals.mean_truth_kw, world.calendar, world.step_h) - wanted)
    return float(np.nanmean(gap) / np.nanmean(wanted))


def _hottest(measured: MeasuredSpan, count: int) -> tuple[int, ...]:
    mean = measured.weather.out_c.reshape(measured.calendar.days, -1).mean(1)
    usable = np.flatnonzero(~measured.calendar.weekend)
    return tuple(sorted(usable[np.argsort(-mean[usable], kind="stable")[:count]].tolist()))


def _effects(totals: FleetTotals, days: tuple[int, ...], program: HouseholdProgram) -> dict[str, float]:
    """kW per home is MW per 1,000 homes."""

    def shapes(load: np.ndarray) -> pd.DataFrame:
        return duck_shape((load - totals.mean_pv_kw).reshape(-1, 24)[list(days)])

    with_it, without = shapes(totals.mean_load_kw), shapes(totals.mean_truth_kw)
    found = totals.responses
    return {
        "followed_share": found["followed_share"].mean(),
        "reduction_mw_per_1000": found["reduction_kw"].mean(),
        "rebound_mw_per_1000": found["rebound_kw"].mean(),
        "given_up_mwh_per_1000": found["given_up_kwh"].mean(),
        "ramp_less_mw_per_1000": (without["ramp"] - with_it["ramp"]).mean(),
        "peak_less_mw_per_1000": (without["peak"] - with_it["peak"]).mean(),
        "belly_filled_mw_per_1000": (with_it["belly"] - without["belly"]).mean(),
        "warmest_k": found["warmest_k"].mean(),
    }


def _prices(measured: MeasuredSpan, folder: str | None) -> np.ndarray | None:
    """Day-ahead prices of Germany 2016-17 on the same dates and clock: another market's, for homes of California."""
    path = None if folder is None else Path(folder) / "market/epf_day_ahead_fr_de_be_np.parquet"
    if path is None or not path.is_file():
        return None
    raw = pd.read_parquet(path)
    german = raw[raw["zone"] == "DE"].set_index("time_local")["price"]
    wall = measured.first.tz_localize(None) + pd.to_timedelta(np.arange(len(measured.load_kw)), unit="h")
    return german.groupby(level=0).mean().reindex(wall).ffill().to_numpy()


def _money(
    totals: FleetTotals, days: tuple[int, ...], program: HouseholdProgram, price: np.ndarray | None
) -> dict[str, float]:
    if price is None:
        return {}
    event = np.full(len(totals.mean_load_kw), -1)
    for number, day in enumerate(days):
        event[24 * day + round(program.start_h) : 24 * day + round(program.stop_h)] = number
    found = flexibility_value(totals.mean_load_kw, totals.mean_truth_kw, event, price, 1.0, TERMS[program.control])
    return {
        "energy_value_eur": found.energy_value,
        "incentives_eur": found.incentives,
        "switching_eur": found.switching,
        "profit_eur": found.profit,
        "break_even_eur_per_mwh": found.break_even_price_per_mwh,
        "firm_kw": found.firm_kw,
        "peaker_alternative_eur": found.peaker_alternative,
    }


def _draw(totals: FleetTotals, days: tuple[int, ...], program: HouseholdProgram) -> None:
    def of_events(values: np.ndarray) -> np.ndarray:
        return values.reshape(-1, 24)[list(days)].mean(0)

    event_day_figure(
        of_events(totals.mean_load_kw),
        of_events(totals.mean_truth_kw),
        of_events(totals.mean_pv_kw),
        (program.start_h, program.stop_h),
        f"{HOMES} simulated homes, mean of {len(days)} event days, automatic",
    ).savefig(HERE / "event_day.png")
