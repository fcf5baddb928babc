"""How often the power lies within 80 % limits by lead: the bundled farm, its turbines one by one, and farms of other data sets.

    CBLCAST_DATA_DIR=… python experiments/wind_nowcast_value/coverage.py    # without the variable: the bundled farm and turbines alone

Writes results_coverage.json and coverage.csv beside this file; about two minutes of processor time. The limits are those that
``intervals: 0.8`` of a study makes, which follow how they held on the issues of the last 30 days; `coverage_as_learned` in the table is
that of the same limits as the training left them. Small on purpose: persistence, few trees
and a small net on what was measured, no weather.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import Record, between, claim, summary, write

from cblcast import datasets
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.neural.lead_net import LeadNet
from cblcast.estimators.rules.persistence import Persistence
from cblcast.estimators.wrappers.by_lead import ByLead
from cblcast.estimators.wrappers.lead_intervals import LeadIntervals
from cblcast.estimators.wrappers.recent_intervals import with_lead_intervals
from cblcast.estimators.wrappers.residual import Residual
from cblcast.forecast.forecaster import Forecaster, predict_cases, truth
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import Horizon, lead_minutes, rolling_origins
from cblcast.frames.schema import OBSERVED, PANEL_INDEX, SITE, DataWarning, quantile_levels
from cblcast.metrics import coverage, crps_from_quantiles, nrmse

HERE = Path(__file__).parent
YEARS = ("2014-01-02", "2015-01-01"), ("2015-01-01", "2016-01-01")
LEADS_10_MIN, LEADS_HOURLY = (10, 20, 30, 60, 90, 120, 180), (60, 120, 180, 360)
AT_HOME, ELSEWHERE = (78.0, 82.0), (76.0, 84.0)


@dataclass(frozen=True)
class Farm:
    """One farm: where it comes from, its leads, its spans, and the band that its coverage is to lie in."""

    name: str
    panel: Panel
    leads: tuple[int, ...]
    train: tuple[str, str]
    test: tuple[str, str]
    band: tuple[float, float]
    every_min: int = 60


def farms() -> Iterator[Farm]:
    """The farm, its four turbines, and where the large sets are at hand five zones and two farms whose output alone is known."""
    whole = datasets.load("la_haute_borne")
    yield Farm("La Haute Borne", whole, LEADS_10_MIN, *YEARS, AT_HOME)
    turbines = datasets.load("la_haute_borne_turbines")
    for name in turbines.site_ids:
        yield Farm(f"turbine {name}", turbines.select([name]), LEADS_10_MIN, *YEARS, ELSEWHERE, 180)
    folder = os.environ.get("CBLCAST_DATA_DIR")
    if not folder:
        print("CBLCAST_DATA_DIR is not set: the farms of other data sets are left out", flush=True)
        return
    track = pd.read_parquet(Path(folder) / "wind" / "gefcom2014_wind.parquet")
    for zone in range(6, 11):
        one = track[track["zone"] == zone]
        panel = one_farm(f"zone {zone}", one["time"], one["power_norm"] * 1000.0, "UTC", 1000.0)
        yield Farm(
            f"GEFCom2014 zone {zone}",
            panel,
            LEADS_HOURLY,
            ("2012-09-01", "2013-05-01"),
            ("2013-05-01", "2013-09-01"),
            ELSEWHERE,
        )
    turkish = pd.read_parquet(Path(folder) / "market" / "tr_epias_two_farms_hourly_2024.parquet")
    for name, one in turkish.groupby("farm"):
        output = one["production_mwh"] * 1000.0
        panel = one_farm(str(name), one["time_local"], output, "Europe/Istanbul", float(output.max()))
        yield Farm(
            f"Turkish farm {name}",
            panel,
            LEADS_HOURLY,
            ("2024-05-01", "2025-01-01"),
            ("2024-01-03", "2024-05-01"),
            ELSEWHERE,
        )


def one_farm(name: str, time: pd.Series, power: pd.Series, clock: str, rated_kw: float) -> Panel:
    """A panel of one series of hourly power [kW]."""
    at = pd.DatetimeIndex(time).as_unit("us").tz_localize(clock).tz_convert("UTC")
    index = pd.MultiIndex.from_arrays([[name] * len(at), at], names=PANEL_INDEX)
    sites = pd.DataFrame({"tz": [clock], "rated_kw": [rated_kw]}, index=pd.Index([name], name=SITE))
    return Panel(pd.DataFrame({OBSERVED: power.to_numpy(np.float64)}, index=index), sites)


def methods() -> dict[str, Any]:
    """Fresh estimators."""
    trees = Boosting(n_estimators=60, num_leaves=8, min_child_samples=60)
    return {
        "persistence": Persistence(),
        "trees": ByLead(Residual(trees, Persistence())),
        "net": LeadNet((32,), n_nets=1, epochs=15, batch_size=128),
    }


def features(panel: Panel) -> dict[str, dict[str, Any]]:
    """What was measured, and the clock."""
    columns = [name for name in (OBSERVED, "wind_speed_nacelle_ms") if name in panel.data.columns]
    lags = {"columns": tuple(columns), "ago": (1, 2, 3, 4, 6, 9, 12), "means": (6, 18)}
    return {"lags": lags, "origin_clock": {}}


def judged(farm: Farm) -> pd.DataFrame:
    """Scores by method and lead."""
    train, test = (
        rolling_origins(farm.panel, farm.leads, every_min=farm.every_min, first=first, last=last)
        for first, last in (farm.train, farm.test)
    )
    looked_up: tuple[dict[Any, pd.DataFrame], dict[Any, pd.DataFrame]] = ({}, {})
    y, asked, rated = truth(farm.panel, train), truth(farm.panel, test), float(farm.panel.sites["rated_kw"].iloc[0])
    lead = lead_minutes(test, farm.panel.step)
    rows = []
    for name, method in methods().items():
        one = Forecaster(
            with_lead_intervals(method, 0.8), features(farm.panel), name=name, horizon=Horizon.of_leads(farm.leads)
        )
        one.fit_matrix(one.matrix(farm.panel, train, looked_up[0]), y, farm.panel.sites, farm.panel.step)
        X = one.matrix(farm.panel, test, looked_up[1])
        told = predict_cases(one, farm.panel, test, X)
        levels = quantile_levels(told.columns)
        as_learned = LeadIntervals.predict_distribution(one.estimator, X)[1][:, list(one.estimator.tails())]
        as_learned = np.clip(as_learned, float(one.sites["standby_kw"].iloc[0]), rated)
        for minutes in farm.leads:
            here = (lead == minutes) & np.isfinite(asked) & np.isfinite(told["predicted_kw"].to_numpy())
            at, seen = told[here], asked[here]
            rows.append(
                {
                    "farm": farm.name,
                    "method": name,
                    "lead_min": minutes,
                    "coverage": coverage(seen, at["lower_kw"], at["upper_kw"]),
                    "coverage_as_learned": coverage(seen, *as_learned[here].T),
                    "width": float((at["upper_kw"] - at["lower_kw"]).mean() / rated * 100),
                    "crps": crps_from_quantiles(seen, at[list(levels)], list(levels.values())) / rated * 100,
                    "nrmse": nrmse(seen, at["predicted_kw"], rated),
                    "n": int(here.sum()),
                }
            )
    return pd.DataFrame(rows)


def claims_of(farm: Farm, table: pd.DataFrame) -> list[Record]:
    """Each method and lead against the band of the farm."""
    return [
        claim(
            f"80 % limits of {row.method} cover, {farm.name}, {row.lead_min} min",
            "project target",
            row.coverage,
            "%",
            between(*farm.band),
            digits=2,
        )
        for row in table.itertuples()
    ]


def main() -> None:
    warnings.simplefilter("ignore", DataWarning)
    tables, claims = [], []
    for farm in farms():
        began = process_time()
        table = judged(farm)
        tables.append(table)
        claims += claims_of(farm, table)
        spent = process_time() - began
        for name, own in table.groupby("method", sort=False):
            print(
                f"| {farm.name} | {name} |",
                " | ".join(f"{value:.1f}" for value in own["coverage"]),
                f"| {spent:.0f} s",
                flush=True,
            )
        write(HERE / "results_coverage.json", claims)
        pd.concat(tables).round(3).to_csv(HERE / "coverage.csv", index=False, lineterminator="\n")
    print(summary(claims))


if __name__ == "__main__":
    main()
