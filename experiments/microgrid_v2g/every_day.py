"""Vehicle-to-grid every day: arbitrage and peak shaving on French day-ahead prices of 2015, battery wear, and the effect on P*."""

from __future__ import annotations

import numpy as np
import pandas as pd
from claims import Record, at_most, below, between, claim
from sources import day_ahead_eur_per_kwh, headline_year, loads

from cblcast.physics.battery_wear import BatteryWear
from cblcast.simulate.daily_fleet import DailyUse, plan_year, yearly_bill
from cblcast.simulate.island import Fleet
from cblcast.simulate.island_scenarios import draw_islands, on_calendar
from cblcast.simulate.island_trace import trace_island
from cblcast.simulate.year_with_islands import YearWithIslands, year_with_islands
from cblcast.value.bargaining import agree
from cblcast.value.cash_flow import VehicleCosts, annuity_factor

VEHICLES, SUBSIDY, YEARS = 200, 6000.0, 10
DEMAND_EUR_PER_KW_MONTH = 5.0
END_OF_LIFE = 0.3  # a battery is replaced when it has lost this share; 6000 $ buy a new one
SOURCE = "issue: the paper's future study"


def table(priced: pd.DataFrame) -> tuple[pd.DataFrame, list[Record]]:
    """A year of the fleet: only charged, and discharged at several wear prices; the effect on the bargain at 6000 $."""
    prices = day_ahead_eur_per_kwh()
    if prices is None:
        return pd.DataFrame(), []
    load = _load(pd.DatetimeIndex(prices.index))
    fleet, rows = Fleet(initial_charge=0.8), {}
    uses = {
        "charged when cheap": DailyUse(discharge=False),
        "arbitrage, wear not counted": DailyUse(),
        "arbitrage, wear 0.02 EUR/kWh": DailyUse(wear_per_kwh=0.02),
        "arbitrage, wear 0.08 EUR/kWh": DailyUse(wear_per_kwh=0.08),
        "arbitrage and peaks, wear not counted": DailyUse(demand_charge_per_kw_month=DEMAND_EUR_PER_KW_MONTH),
        "arbitrage and peaks, wear 0.02 EUR/kWh": DailyUse(
            demand_charge_per_kw_month=DEMAND_EUR_PER_KW_MONTH, wear_per_kwh=0.02
        ),
        "arbitrage and peaks, wear 0.08 EUR/kWh": DailyUse(
            demand_charge_per_kw_month=DEMAND_EUR_PER_KW_MONTH, wear_per_kwh=0.08
        ),
        "peaks, only charged": DailyUse(demand_charge_per_kw_month=DEMAND_EUR_PER_KW_MONTH, discharge=False),
        "arbitrage, tripled price spread": DailyUse(),
    }
    for name, use in uses.items():
        own = prices.mean() + 3 * (prices - prices.mean()) if "tripled" in name else prices
        plan = plan_year(own, load, VEHICLES, fleet, use)
        bill = yearly_bill(plan, own, use)
        battery = _aged(plan["energy_kwh"].to_numpy() / (VEHICLES * fleet.battery_kwh))
        rows[name] = {
            "total_eur_per_year": bill["total"],
            "throughput_kwh_per_vehicle": bill["throughput_kwh"] / VEHICLES,
            "capacity_after_10_years_pct": 100 * battery.capacity,
            "cycles_in_10_years": battery.cycles,
            "highest_import_kw": float(plan["import_kw"].max()),
            "highest_export_kw": float(plan["export_kw"].max()),
        }
    found = pd.DataFrame(rows).T
    same = DailyUse(discharge=False)
    tripled = prices.mean() + 3 * (prices - prices.mean())
    without = {
        "arbitrage and peaks": float(found.at["peaks, only charged", "total_eur_per_year"]),
        "tripled": yearly_bill(plan_year(tripled, load, VEHICLES, fleet, same), tripled, same)["total"],
        "arbitrage": float(found.at["charged when cheap", "total_eur_per_year"]),
    }
    base = float(found.at["charged when cheap", "capacity_after_10_years_pct"])
    found["earned_eur_per_vehicle"] = [
        (
            without[next(key for key in ("arbitrage and peaks", "tripled", "arbitrage") if key in name)]
            - row["total_eur_per_year"]
        )
        / VEHICLES
        if "charged" not in name
        else 0.0
        for name, row in found.iterrows()
    ]
    found["added_loss_points"] = base - found["capacity_after_10_years_pct"]
    used = (YEARS * found["throughput_kwh_per_vehicle"]).where(found["throughput_kwh_per_vehicle"] > 1.0)
    found["wear_eur_per_kwh"] = found["added_loss_points"] / 100 / END_OF_LIFE * 6000 / used
    return found, _claims(found, priced) + through_islands(priced)


def through_islands(priced: pd.DataFrame) -> list[Record]:
    """The year 2015 with its drawn islands in it: what the batteries really hold when the grid is lost, and that nothing is free."""
    prices = day_ahead_eur_per_kwh()
    if prices is None:
        return []
    drawn = draw_islands(headline_year(), seed=0)
    clock = drawn.starts.tz_convert("Europe/Paris").tz_localize(None)
    order = np.argsort(clock.asi8)
    apart = order[np.r_[True, np.diff(clock[order].asi8) >= 6 * 3_600_000_000]]
    apart = apart[clock[apart].month == (clock[apart] + pd.Timedelta("6h")).month]  # an island lies within a month here
    islands, starts = drawn.islands.take(apart), clock[apart]
    kw, vehicles = float(priced.at[5500.0, "diesel_kw"]), int(priced.at[5500.0, "vehicles"])
    fleet, load = Fleet(initial_charge=0.8), _load(pd.DatetimeIndex(prices.index))
    full = _minutes(
        pd.concat([trace_island(islands, s, kw, vehicles, Fleet()) for s in range(len(starts))]), len(starts)
    )
    told = {"diesel_kw": round(kw, 1), "vehicles": vehicles, "islands": len(starts)}
    found = [
        claim("the design at 5500 $ in the year's islands, full batteries", SOURCE, full, "system minutes", **told)
    ]
    for reserve in (0.5, 0.8):
        use = DailyUse(wear_per_kwh=0.02, demand_charge_per_kw_month=DEMAND_EUR_PER_KW_MONTH, reserve=reserve)
        year = year_with_islands(prices, load, islands, starts, kw, vehicles, fleet, use)
        minutes = _minutes(pd.concat(year.traces), len(starts))
        charge = year.handed_over_kwh.mean() / (fleet.availability * vehicles * fleet.battery_kwh)
        share, jump = round(float(charge), 3), _energy_from_nowhere(year, fleet)
        text = f"the same as the daily plan leaves the batteries, reserve {reserve}"
        found.append(claim(text, SOURCE, minutes, "system minutes", mean_charge=share))
        text, tool = f"energy from nowhere when the grid comes or goes, reserve {reserve}", "a known tool gives some"
        found.append(claim(text, tool, jump, "kWh", below(1e-6)))
    return found


def _minutes(steps: pd.DataFrame, islands: int) -> float:
    return float(steps["unserved_kw"].sum() / 6 / islands * 48 / 1000 * 60)


def _energy_from_nowhere(year: YearWithIslands, fleet: Fleet) -> float:
    """Largest difference between what an island took out of the batteries and what they lost [kWh]."""
    worst = 0.0
    for trace, before, after in zip(year.traces, year.handed_over_kwh, year.taken_back_kwh, strict=True):
        moved = (
            trace["charge_kw"] * fleet.charge_efficiency - trace["discharge_kw"] / fleet.discharge_efficiency
        ).sum() / 6
        worst = max(worst, abs(after - before - moved))
    return worst


def _load(times: pd.DatetimeIndex) -> np.ndarray:
    """The network behind the connection: the Cambridge shape with a peak of 5 MW would hide the fleet; the critical 1 MW is taken."""
    series, tz = loads()["Cambridge, 12 buildings"]
    local = times.tz_localize(tz, nonexistent="shift_forward", ambiguous=np.ones(len(times), dtype=bool))
    carried = (
        pd.Series(on_calendar(series, local.tz_convert("UTC"), tz, "load"))
        .interpolate(limit_direction="both")
        .to_numpy()
    )
    return np.asarray(carried * 1000.0 / np.nanmax(carried))


def _aged(charge: np.ndarray) -> BatteryWear:
    """Ten years of the same year, at 25 °C; the rain-flow count goes on across midnight and New Year."""
    battery = BatteryWear()
    battery.live(np.clip(np.r_[charge[-1], np.tile(charge, YEARS)], 0, 1), 1.0)
    return battery.finish()


def _claims(found: pd.DataFrame, priced: pd.DataFrame) -> list[Record]:
    """Wear and earnings, and the bargain at 6000 $ with and without daily use (1 EUR = 1 $)."""
    costs, vehicles = VehicleCosts(), int(priced.at[6000.0, "vehicles"])
    without, diesel = float(priced.at[0.0, "cost_usd"]), 800.0 * float(priced.at[6000.0, "diesel_kw"])
    surplus = costs.surplus_usd() - SUBSIDY
    plain = agree(without, diesel, vehicles, surplus)
    factor, lines = annuity_factor(costs.discount_rate, costs.life_years), []
    base = 1 - found.at["charged when cheap", "capacity_after_10_years_pct"] / 100
    for name in [name for name in found.index if "charged" not in name]:
        row = found.loc[name]
        lost = 1 - row["capacity_after_10_years_pct"] / 100
        sooner = costs.battery_year * min(1.0, (base + END_OF_LIFE) / (lost + END_OF_LIFE))
        worn = VehicleCosts(battery_year=sooner).surplus_usd() - SUBSIDY
        earned = row["earned_eur_per_vehicle"] * factor
        daily = agree(without, diesel - earned * vehicles, vehicles, worn)
        more = {
            "without_daily_use_usd": round(plain.payment_per_vehicle_usd, 1),
            "joint_gain_usd_per_vehicle": round(float(earned - (worn - surplus)), 1),
            "earned_eur_per_vehicle_year": round(float(row["earned_eur_per_vehicle"]), 2),
            "battery_replaced_after_years": round(float(sooner), 2),
        }
        lines.append(
            claim(f"P* at 6000 $, every day: {name}", SOURCE, daily.payment_per_vehicle_usd, "$ a vehicle", **more)
        )
        # With wear free, or fully charged for, the fleet is used more, or less, than any trial would.
        asked = between(1.7, 5.8) if "0.02" in name else None
        text, trial = f"capacity lost in ten years over charging only: {name}", "published trial: 1.7 to 5.8"
        lines.append(claim(text, trial, row["added_loss_points"], "points", asked))
    highest = float(found[["highest_import_kw", "highest_export_kw"]].to_numpy().max())
    worn_off = float(found.at["arbitrage, wear not counted", "wear_eur_per_kwh"])
    return [
        claim("the connection limit holds in both directions", "issue", highest, "kW", at_most(5000)),
        claim("what a kWh out of the battery wears off, wear not counted", SOURCE, worn_off, "EUR/kWh", digits=3),
        *lines,
    ]
