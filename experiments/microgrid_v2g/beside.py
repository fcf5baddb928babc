"""What else the world is good for: islands as events for baselines, solar beside wind, generators that fail, checks against the field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from claims import claim, reported, within
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

METHODS = ("10of10", "High5of10", "Nearest5of10", "PBLM-10of10", "PBLM-High5of10", "PBLM-Nearest5of10")


def baselines() -> list[dict[str, Any]]:
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
        reported(
            f"baseline of the critical load in {len(events)} islands: {name}",
            "issue: island hours as events",
            f"{row['nrmse']:.1f} | {row['mpe']:+.1f}",
            "nRMSE % | MPE %",
        )
        for name, row in board.iterrows()
    ]


def sun() -> list[dict[str, Any]]:
    """500 kW of solar beside the turbines: threshold, diesel and price, all windows."""
    year = year_of(farm_speed(2015), loads()["Cambridge, 12 buildings"])
    shape = fontana_sun(year.times)
    if shape is None:
        return [reported("solar beside wind", "issue", "left out: CBLCAST_DATA_DIR has no Fontana homes", "")]
    found = []
    for rated in (0.0, 500.0, 1000.0):
        islands = all_islands(replace(year, solar_kw=shape * rated)).islands
        problem = SizingProblem(islands, Fleet())
        reliable = reliable_designs(problem, 30.0, 10)
        top = priced_designs(problem, reliable, (6000.0,), PAPER_TERMS).iloc[0]
        alone, threshold = reliable["diesel_kw"].iloc[0], observed_threshold_usd(reliable, problem.surplus_usd)
        text = (
            f"{alone:.0f} kW; threshold {threshold:.0f} $; {top['vehicles']} vehicles and "
            f"{top['price_usd_per_hour']:.1f} $/h at 6000 $"
        )
        found.append(
            reported(
                f"{rated:.0f} kW of solar: diesel without vehicles, threshold, design",
                "issue: solar as an option",
                text,
                "",
            )
        )
    return found


def failures() -> list[dict[str, Any]]:
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
        found.append(
            reported(
                f"system minutes of the design at 5500 $ with {count} diesel set(s), MTTF 200 h, 1 % fail to start",
                "issue: an outage option",
                round(float(minutes), 1),
                "system minutes",
            )
        )
    return found


def field() -> list[dict[str, Any]]:
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
    library = "BLAST-Lite 1.1.1, NMC_Gr_75Ah_A"
    return [
        claim(
            "probability to carry 1, 2, 2 kW for three hours",
            "by hand",
            0.557056,
            round(float(survived[2]), 6),
            "",
            bool(abs(survived[2] - 0.557056) < 1e-9),
        ),
        within(
            "capacity after ten years at 50 % charge, 25 °C (0.984 ± 2 %)",
            library,
            0.984 * 0.98,
            0.984 * 1.02,
            capacity(np.full(len(hours), 0.5)).capacity,
            "of new",
            4,
        ),
        within(
            "capacity after ten years at 90 % charge (0.954 ± 2 %)",
            library,
            0.954 * 0.98,
            0.954 * 1.02,
            capacity(np.full(len(hours), 0.9)).capacity,
            "of new",
            4,
        ),
        within(
            "capacity after ten years of daily 80 -> 50 % (0.937 ± 2 %)",
            library,
            0.937 * 0.98,
            0.937 * 1.02,
            used.capacity,
            "of new",
            4,
        ),
        within("equivalent full cycles of it", library, 1095.5, 1096.5, used.cycles, "cycles"),
        within(
            "energy of 26 cars × 15 km × 18 kWh/100 km (about 25 MWh)",
            "arithmetic; a mobility tool gave 10",
            25.0,
            26.0,
            driving_energy_kwh(26, 15, 18) / 1000,
            "MWh a year",
        ),
        claim(
            "a linear frontier shares the surplus equally",
            "Nash",
            [50.0, 50.0],
            share_surplus(100.0, [0.0, 0.0]).tolist(),
            "",
            share_surplus(100.0, [0.0, 0.0]).tolist() == [50, 50],
        ),
        claim(
            "crowding distance of [[0, 0], [.5, 50], [1, 100]]",
            "NSGA-II, scaled objectives",
            "[inf, 1, inf]",
            str(crowding_distance([[0, 0], [0.5, 50], [1, 100]]).tolist()),
            "",
            crowding_distance([[0, 0], [0.5, 50], [1, 100]]).tolist() == [np.inf, 1, np.inf],
        ),
    ]
