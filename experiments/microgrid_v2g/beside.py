"""What else the world is good for: islands as events for baselines, solar beside wind, generators that fail, checks against the field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from claims import Record, claim, equal_to, within
from sources import farm_speed, fontana_sun, loads, study, year_of

from cblcast.forecast.backtest import backtest
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.physics.battery_wear import BatteryWear
from cblcast.physics.storage import driving_energy_kwh
from cblcast.simulate.island import Fleet
from cblcast.simulate.island_scenarios import IslandYear, all_islands, draw_islands, island_events
from cblcast.simulate.outage import failing_share, survival_probability
from cblcast.sizing.designs import observed_threshold_usd, priced_designs, reliable_designs
from cblcast.sizing.front import crowding_distance
from cblcast.sizing.problem import SizingProblem
from cblcast.value.bargaining import PAPER_TERMS, share_surplus

ISLANDS, SUN, FAILING = "issue: island hours as events", "issue: solar as an option", "issue: an outage option"
METHODS = ("10of10", "High5of10", "Nearest5of10", "PBLM-10of10", "PBLM-High5of10", "PBLM-Nearest5of10")


def baselines() -> list[Record]:
    """48 islands of 2018 as events of the critical load: what would it have drawn? Nothing is seen once the grid is lost."""
    load, tz = loads()["Cambridge, 12 buildings"]
    series = load.loc["2017-10":"2018"]
    index = pd.MultiIndex.from_product(
        [["critical_load"], pd.DatetimeIndex(series.index).as_unit("us")], names=["site_id", "time"]
    )
    sites = pd.DataFrame(
        {"tz": [tz], "country": ["GB"], "subdivision": ["ENG"]}, index=pd.Index(["critical_load"], name="site_id")
    )
    panel = Panel(pd.DataFrame({"observed_kw": series.to_numpy()}, index=index), sites)
    year = load.loc["2018"]
    times = pd.DatetimeIndex(year.index)
    drawn = draw_islands(IslandYear(times, np.zeros((len(year), 1)), year.to_numpy()), seed=0)
    events = island_events(drawn.starts, 6.0, ["critical_load"])
    events = events[events["start"].diff().fillna(pd.Timedelta("1D")) >= pd.Timedelta("6h")]
    methods = {name: Forecaster(make_estimator(name), view=View.real_time()) for name in METHODS}
    judged = backtest(panel, methods, events)
    board = evaluate(judged.scored)
    return [
        claim(
            f"baseline of the critical load in {len(events)} islands, nRMSE: {name}",
            ISLANDS,
            row["nrmse"],
            "%",
            mpe_pct=round(float(row["mpe"]), 2),
        )
        for name, row in board.iterrows()
    ]


def sun() -> list[Record]:
    """500 kW of solar beside the turbines: threshold, diesel and price, all windows."""
    year = year_of(farm_speed(2015), loads()["Cambridge, 12 buildings"])
    shape = fontana_sun(year.times)
    if shape is None:
        return []
    found = []
    for rated in (0.0, 500.0, 1000.0):
        islands = all_islands(replace(year, solar_kw=shape * rated)).islands
        problem = SizingProblem(islands, Fleet())
        reliable = reliable_designs(problem, 30.0, 10)
        top = priced_designs(problem, reliable, (6000.0,), PAPER_TERMS).iloc[0]
        more = {
            "diesel_alone_kw": round(float(reliable["diesel_kw"].iloc[0]), 1),
            "vehicles_6000": int(top["vehicles"]),
            "price_usd_per_hour_6000": round(float(top["price_usd_per_hour"]), 2),
        }
        threshold = observed_threshold_usd(reliable, problem.surplus_usd)
        found.append(
            claim(f"threshold with {rated:.0f} kW of solar beside the wind", SUN, threshold, "$", digits=0, **more)
        )
    return found


def failures() -> list[Record]:
    """The design at 5500 $ with one, two and four diesel sets that fail."""
    own = study("all")
    year = year_of(farm_speed(2015), loads()["Cambridge, 12 buildings"])
    islands = all_islands(year).islands
    found = []
    for count in (1, 2, 4):
        share = failing_share(
            islands.n_scenarios, 36, 1 / 6, generators=count, mean_time_to_failure_h=200, failure_to_start=0.01, seed=0
        )
        minutes = SizingProblem(replace(islands, diesel_share=share), own.fleet.fleet()).minutes([410.1], [210])[0]
        text = f"design at 5500 $ with {count} diesel sets that fail (MTTF 200 h, 1 % do not start)"
        found.append(claim(text, FAILING, minutes, "system minutes"))
    return found


def field() -> list[Record]:
    """Numbers that others publish, recomputed."""
    survived = survival_probability(
        [1, 2, 2, 1],
        generators=2,
        generator_kw=1,
        mean_time_to_failure_h=5,
        battery_kw=1,
        battery_kwh=4,
        charge=0.75,
        least_charge=0.5,
    )
    hours = np.arange(24 * 3653 + 1) % 24

    def capacity(profile: np.ndarray) -> BatteryWear:
        battery = BatteryWear()
        battery.live(profile, 1.0)
        return battery.finish()

    used = capacity(np.interp(hours, [0, 7, 17, 21, 22, 24], [0.8, 0.8, 0.8, 0.5, 0.5, 0.8]))
    library, shares = "BLAST-Lite 1.1.1, NMC_Gr_75Ah_A", share_surplus(100.0, [0.0, 0.0])
    still, full = (capacity(np.full(len(hours), charge)).capacity for charge in (0.5, 0.9))
    driven = driving_energy_kwh(26, 15, 18) / 1000
    crowding = crowding_distance([[0, 0], [0.5, 50], [1, 100]])
    return [
        claim(
            "probability to carry 1, 2, 2 kW for three hours", "by hand", survived[2], "1", within(0.557056, 1e-9), 6
        ),
        claim("capacity after ten years at 50 % charge, 25 °C", library, still, "1", within(0.984, 0.02 * 0.984), 4),
        claim("capacity after ten years at 90 % charge", library, full, "1", within(0.954, 0.02 * 0.954), 4),
        claim(
            "capacity after ten years of daily 80 to 50 %", library, used.capacity, "1", within(0.937, 0.02 * 0.937), 4
        ),
        claim("equivalent full cycles of it", library, used.cycles, "cycles", within(1096, 0.5), 1),
        claim(
            "26 cars × 15 km × 18 kWh/100 km, about 25 MWh",
            "arithmetic; a mobility tool: 10",
            driven,
            "MWh a year",
            within(25.6, 0.1),
            1,
        ),
        claim("a linear frontier shares the surplus equally", "Nash", shares[0] / shares[1], "1", equal_to(1.0)),
        claim(
            "crowding distance of the middle of [[0, 0], [.5, 50], [1, 100]]",
            "NSGA-II",
            crowding[1],
            "1",
            equal_to(1.0),
        ),
    ]
