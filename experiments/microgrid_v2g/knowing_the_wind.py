"""What a nowcast is worth in an island: the same operation with the wind known perfectly, nowcast, persistent, or by season only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from claims import Record, below, claim, within
from sources import farm_speed, loads, year_of

from cblcast import datasets
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.methods import make_estimator
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import lead_minutes, rolling_origins
from cblcast.frames.schema import PREDICTED
from cblcast.io.nwp import attach
from cblcast.simulate.island import Fleet
from cblcast.simulate.island_forecasts import by_nowcast, by_persistence, by_season_and_hour, known_perfectly
from cblcast.simulate.island_scenarios import Drawn, draw_islands
from cblcast.simulate.receding_horizon import operate_by_plan
from cblcast.simulate.reliability import system_minutes
from cblcast.simulate.scheduled_island import Operated, operate_by_rule

SITE, STEPS, RATED_KW = "island_turbines", 36, 1324.8
CAUTION = 2.0  # a cautious plan counts on the forecast less so many standard errors of its lead, learned on 2014
DESIGN = {"diesel_kw": 520.0, "vehicles": 220}  # just reliable enough on these 48 islands with the wind known
LAGS = {"columns": ["observed_kw", "wind_speed_nacelle_ms"], "ago": [1, 2, 3, 6, 12], "means": [6, 18]}
ERA5 = {"columns": ["era5_wind_speed_100m_ms"], "hours": [-1, 0, 1, 2, 3]}
METHOD = {"estimator": "ByLead", "of": {"estimator": "StepwiseRegression"}}
SOURCE = "issue: what is a nowcast worth"


def turbine_panel() -> Panel:
    """Two V47 in the wind of La Haute Borne at 9 m/s, 2014-2015, as a site that can be nowcast."""
    load = loads()["Cambridge, 12 buildings"]
    scale = 9.0 / float(farm_speed(2015).mean())
    parts = []
    for year in (2014, 2015):
        speed = farm_speed(year)
        power = year_of(speed * scale, load, None).turbine_kw.sum(axis=1)
        parts.append(
            pd.DataFrame({"observed_kw": power, "wind_speed_nacelle_ms": speed.to_numpy() * scale}, speed.index)
        )
    frame = pd.concat(parts)
    index = pd.MultiIndex.from_product([[SITE], pd.DatetimeIndex(frame.index).as_unit("us")], names=["site_id", "time"])
    sites = pd.DataFrame({"tz": ["UTC"], "rated_kw": [RATED_KW]}, index=pd.Index([SITE], name="site_id"))
    return Panel(frame.set_axis(index, axis=0), sites)


def nowcasts(panel: Panel, drawn: Drawn, features: dict[str, Any]) -> tuple[pd.Series, np.ndarray]:
    """Wind power expected at every step of the islands of 2015 [kW], by a nowcast that learned from 2014; its standard error by lead."""
    leads = tuple(range(10, 10 * STEPS + 10, 10))
    learn = rolling_origins(panel, leads, every_min=120, at="01:00", first="2014-01-03", last="2015-01-01")
    forecaster = Forecaster(make_estimator(METHOD), features).fit(panel, learn)
    error = forecaster.predict(panel, learn)[PREDICTED].to_numpy() - truth(panel, learn)
    spread = pd.Series(error).groupby(lead_minutes(learn, panel.step)).std().to_numpy()
    wanted = pd.DatetimeIndex(
        np.concatenate([start + pd.timedelta_range(0, periods=STEPS, freq="10min") for start in drawn.starts])
    )
    parts = []
    for month in range(1, 13):
        first = pd.Timestamp(f"2015-{month:02d}-01", tz="UTC")
        cases = rolling_origins(panel, leads, first=first, last=first + pd.offsets.MonthBegin(1))
        here = cases.index.get_level_values("origin").isin(wanted)
        parts.append(forecaster.predict(panel, cases[here])[PREDICTED])
    found = pd.concat(parts).droplevel("site_id").clip(0.0, RATED_KW)
    return found[~found.index.duplicated()], spread


def knowledge(panel: Panel, drawn: Drawn) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Forecasts (islands, steps, steps) and their standard errors by lead (steps,), by name."""
    wind = drawn.islands.turbine_kw.sum(axis=2)
    power = panel.data["observed_kw"].loc[SITE]
    before = power.reindex(drawn.starts - pd.Timedelta("10min")).ffill().to_numpy(np.float64)
    learned = power.loc["2014"]
    season = by_season_and_hour(learned.dropna(), drawn.starts, STEPS)
    seasonal = float((learned - learned.groupby([learned.index.month, learned.index.hour]).transform("mean")).std())
    last = np.array([float((learned - learned.shift(lead + 1)).std()) for lead in range(STEPS)])
    found = {"known perfectly": (known_perfectly(wind), np.zeros(STEPS))}
    for name, site, features in (
        ("nowcast with ERA5", attach(panel, datasets.load_reanalysis("era5"), "era5_"), {"lags": LAGS, "nwp": ERA5}),
        ("nowcast from measurements", panel, {"lags": LAGS}),
    ):
        predicted, spread = nowcasts(site, drawn, features)
        found[name] = (by_nowcast(predicted, drawn.starts, STEPS, season)[0], spread)
    found["persistence"] = (by_persistence(wind, before), last)
    found["season and hour only"] = (season, np.full(STEPS, seasonal))
    found["no wind counted on"] = (np.where(np.isfinite(season), 0.0, np.nan), np.zeros(STEPS))
    return found


def cautious(forecast: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The forecast less :data:`CAUTION` standard errors of each lead."""
    lead = np.clip(np.arange(STEPS)[None, :] - np.arange(STEPS)[:, None], 0, None)
    return forecast - CAUTION * spread[lead]


def table() -> tuple[pd.DataFrame, list[Record]]:
    """System minutes, diesel energy, and what diesel or fleet would make up for it, by what is known."""
    panel = turbine_panel()
    year = year_of(farm_speed(2015), loads()["Cambridge, 12 buildings"])
    drawn, fleet, rows = draw_islands(year, seed=0), Fleet(), {}
    wind = drawn.islands.turbine_kw.sum(axis=2)
    for name, (forecast, spread) in knowledge(panel, drawn).items():
        step_ahead = np.einsum("stt->st", forecast)
        by_rule = operate_by_rule(drawn.islands, step_ahead, DESIGN["diesel_kw"], DESIGN["vehicles"], fleet, "curtail")
        by_plan = _plan(drawn, forecast, fleet)
        wary = by_plan if not spread.any() else _plan(drawn, cautious(forecast, spread), fleet)
        rows[name] = {
            "nrmse_10min_pct": 100 * float(np.sqrt(((step_ahead - wind) ** 2).mean())) / RATED_KW,
            "rule_minutes": _minutes(by_rule.unserved_kwh),
            "rule_diesel_kwh": float(by_rule.diesel_kwh.mean()),
            "rule_spilled_kwh": float(by_rule.spilled_kwh.mean()),
            "rule_refill_kwh": float((fleet.availability * DESIGN["vehicles"] * 12 - by_rule.last_energy_kwh).mean()),
            "plan_minutes": _minutes(by_plan.unserved_kwh),
            "plan_diesel_kwh": float(by_plan.diesel_kwh.mean()),
            "plan_spilled_kwh": float(by_plan.spilled_kwh.mean()),
            "plan_refill_kwh": float((fleet.availability * DESIGN["vehicles"] * 12 - by_plan.last_energy_kwh).mean()),
            "cautious_minutes": _minutes(wary.unserved_kwh),
            "cautious_diesel_kwh": float(wary.diesel_kwh.mean()),
            "cautious_spilled_kwh": float(wary.spilled_kwh.mean()),
            "least_diesel_kw": _least(drawn, step_ahead, fleet, vehicles=DESIGN["vehicles"]),
            "least_vehicles": _least(drawn, step_ahead, fleet, diesel=DESIGN["diesel_kw"]),
        }
    found = pd.DataFrame(rows).T
    return found, _claims(found)


def _plan(drawn: Drawn, forecast: np.ndarray, fleet: Fleet) -> Operated:
    return operate_by_plan(drawn.islands, forecast, DESIGN["diesel_kw"], DESIGN["vehicles"], fleet)


def _minutes(unserved_kwh: np.ndarray) -> float:
    return float(system_minutes(unserved_kwh, 1000.0, 5000.0)[0])


def _least(
    drawn: Drawn, expected: np.ndarray, fleet: Fleet, *, vehicles: float | None = None, diesel: float | None = None
) -> float:
    """The smallest diesel set [kW], or the fewest vehicles, with at most 30 system minutes; infinite if none is enough."""
    grid = np.arange(0, 1301, 10.0)
    kw, count = (grid, np.full(len(grid), vehicles)) if diesel is None else (np.full(len(grid), diesel), grid)
    unserved = operate_by_rule(drawn.islands, expected, kw, count, fleet, "curtail").unserved_kwh
    good = system_minutes(unserved, 1000.0, 5000.0) <= 30
    return float(grid[np.argmax(good)]) if good.any() else float("inf")


def _claims(found: pd.DataFrame) -> list[Record]:
    best, season = found.loc["known perfectly"], found.loc["season and hour only"]
    last, now = found.loc["persistence"], found.loc["nowcast from measurements"]
    minutes, unit = "system minutes", "kWh per island"
    same = within(float(best["rule_minutes"]), 0.1)
    less = below(float(best["rule_diesel_kwh"]))
    claims = [
        claim("foresight saves no load, turbines curtailed", "argument in README", best["plan_minutes"], minutes, same),
        claim("foresight burns less diesel for it", "argument in README", best["plan_diesel_kwh"], unit, less),
    ]
    pairs = ((now, last, "a nowcast", "persistence"), (last, season, "persistence", "season and hour"))
    for better, worse, one, other in pairs:
        for way in ("rule", "cautious"):
            text, limit = f"load lost with {one}, not with {other}, {way}", below(float(worse[f"{way}_minutes"]))
            claims.append(claim(text, SOURCE, better[f"{way}_minutes"], minutes, limit))
    for name, row in found.iterrows():
        for way, label in (
            ("rule", "the paper's rule, scheduled a step ahead"),
            ("plan", "receding horizon"),
            ("cautious", f"receding horizon less {CAUTION:g} standard errors"),
        ):
            more = {key: round(float(row[f"{way}_{key}"]), 1) for key in ("diesel_kwh", "spilled_kwh")}
            claims.append(claim(f"wind {name}; {label}", SOURCE, row[f"{way}_minutes"], minutes, **more))
        for key, unit in (("least_diesel_kw", "kW"), ("least_vehicles", "vehicles")):
            if np.isfinite(row[key]):  # with too little known, no diesel set is large enough
                claims.append(claim(f"wind {name}; {key} for 30 system minutes", SOURCE, row[key], unit, digits=0))
    return claims
