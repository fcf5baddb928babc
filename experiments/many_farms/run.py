"""Seven farms with few rows each: a blend weighted by lead and site beside its members, one to 48 hours ahead.

    CBLCAST_DATA_DIR=<folder with wind/gefcom2014_wind.parquet> python experiments/many_farms/run.py    # some minutes of one core

Writes results.json and nrmse.csv beside this file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import process_time
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import Record, at_most, claim, summary, write

from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.power_curve import BinnedCurve
from cblcast.estimators.learners.stepwise import StepwiseRegression
from cblcast.estimators.neural.lead_net import LeadNet
from cblcast.estimators.rules.persistence import Persistence
from cblcast.estimators.wrappers.by_lead import ByLead
from cblcast.estimators.wrappers.lead_ensemble import LeadEnsemble
from cblcast.estimators.wrappers.per_site import PerSite
from cblcast.features.matrix import matrix
from cblcast.forecast.forecaster import truth
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import lead_minutes, rolling_origins
from cblcast.physics.wind import speed_and_direction

HERE = Path(__file__).parent
RATED_KW = 1000.0
ZONES = range(1, 8)
LEADS_H = (1, 2, 3, 6, 9, 12, 18, 24, 36, 48)
TRAIN, TEST = ("2012-01-02", "2013-03-01"), ("2013-03-02", "2013-12-01")  # 850 issues to learn from
FORECAST = (
    "wind_u_10m_ms",
    "wind_v_10m_ms",
    "wind_u_100m_ms",
    "wind_v_100m_ms",
    "wind_speed_10m_ms",
    "wind_speed_100m_ms",
)
FEATURES: dict[str, dict[str, Any]] = {
    "lags": {"ago": (1, 2, 3, 6, 12, 24), "means": (6, 24)},
    "nwp": {
        "columns": FORECAST,
        "path": FORECAST[-1:],
        "hours": (-3.0, -1.0, 0.0, 1.0, 2.0, 3.0, 6.0, 9.0, 12.0, 18.0, 24.0, 36.0, 47.0),
        "lead": True,
    },
    "nwp_error": {"speed": "wind_speed_100m_ms", "measured_speed": None, "ago": (1, 3), "means": (6, 24)},
    "origin_clock": {},
}


def farms() -> Panel:
    """Seven zones of the track as farms of 1 MW, with the forecast that there was of each hour."""
    if "CBLCAST_DATA_DIR" not in os.environ:
        sys.exit("CBLCAST_DATA_DIR is not set: name the folder that holds wind/gefcom2014_wind.parquet")
    raw = pd.read_parquet(Path(os.environ["CBLCAST_DATA_DIR"]) / "wind" / "gefcom2014_wind.parquet")
    raw = raw[raw["zone"].isin(ZONES)]
    winds = {}
    for height in (10, 100):
        u, v = raw[f"u{height}"].to_numpy(np.float64), raw[f"v{height}"].to_numpy(np.float64)
        winds |= {f"wind_u_{height}m_ms": u, f"wind_v_{height}m_ms": v}
        winds[f"wind_speed_{height}m_ms"] = speed_and_direction(u, v)[0]
    time = pd.to_datetime(raw["time"], utc=True).dt.as_unit("us")
    site = "farm_" + raw["zone"].astype(int).astype(str)
    index = pd.MultiIndex.from_arrays([site, time], names=["site_id", "time"])
    data = pd.DataFrame({"observed_kw": raw["power_norm"].to_numpy() * RATED_KW, **winds}, index=index).sort_index()
    sites = pd.DataFrame({"tz": "UTC", "rated_kw": RATED_KW}, index=pd.Index(sorted(set(site)), name="site_id"))
    return Panel(data, sites)


class Rows:
    """Features and truth of the issues at 00:00 and 12:00 of a span."""

    def __init__(self, panel: Panel, span: tuple[str, str]) -> None:
        cases = rolling_origins(panel, [60 * h for h in LEADS_H], every_min=60, first=span[0], last=span[1])
        hour = pd.DatetimeIndex(cases.index.get_level_values("origin")).hour
        cases = cases[np.asarray(hour % 12 == 0)]
        X, y = matrix(panel, cases, FEATURES), truth(panel, cases)
        known = np.isfinite(y) & np.isfinite(X["observed_kw_ago_1"].to_numpy())
        self.X, self.y = X[known], y[known]
        self.lead_h = lead_minutes(cases[known], panel.step) / 60


def members() -> dict[str, Any]:
    """A rule, a curve, regressions, trees and nets; the last one, on the rows of one farm alone, is the one that ruins blends."""
    trees = Boosting(n_estimators=120, num_leaves=12, min_child_samples=60, colsample_bytree=0.5, random_state=1)
    net: dict[str, Any] = {"hidden": (64, 32), "n_nets": 2, "epochs": 20, "batch_size": 128}
    return {
        "persistence": Persistence(),
        "curve": PerSite(BinnedCurve("wind_speed_100m_ms")),
        "regression": PerSite(ByLead(StepwiseRegression())),
        "trees": PerSite(trees),
        "net of all farms": LeadNet(**net),
        "net of each farm": PerSite(LeadNet(**net)),
    }


def main() -> None:
    panel = farms()
    train, test = Rows(panel, TRAIN), Rows(panel, TEST)
    issues = train.X.index.droplevel("time").nunique() / len(ZONES)
    print(f"{issues:.0f} issues a farm to learn from, {len(test.y)} rows to judge", flush=True)
    began = process_time()
    blend = LeadEnsemble(tuple(members().values())).fit(train.X, train.y)
    spent = process_time() - began
    found = {name: member.predict(test.X) for name, member in zip(members(), blend.members_, strict=True)}
    found = {name: np.clip(values, 0.0, RATED_KW) for name, values in found.items()}
    found["equal blend"] = np.mean(list(found.values()), axis=0)
    found["blend by lead and farm"] = np.clip(blend.predict(test.X), 0.0, RATED_KW)
    table = pd.DataFrame({name: by_lead(values, test) for name, values in found.items()}).T
    table.round(2).to_csv(HERE / "nrmse.csv", lineterminator="\n")
    print(table.round(2).to_string())
    names = list(members())
    at = [60 * (h - 1) for h in LEADS_H]
    weights = pd.DataFrame(blend.weights_[:-1].mean(0), index=[f"{a // 60 + 1} h" for a in at], columns=names)
    print(weights.round(2).to_string())
    results = claims_of(table, names, spent)
    write(HERE / "results.json", results)
    print(summary(results))


def by_lead(values: np.ndarray, rows: Rows) -> dict[int, float]:
    """nRMSE of all farms by lead [% of rated]."""
    square = (values - rows.y) ** 2
    return {h: float(100 * np.sqrt(square[rows.lead_h == h].mean()) / RATED_KW) for h in LEADS_H}


def claims_of(table: pd.DataFrame, names: list[str], spent: float) -> list[Record]:
    results = []
    for lead in LEADS_H:
        best = table.loc[names, lead].min()
        text = f"nRMSE of the blend by lead and farm over that of the best member in hindsight, {lead} h"
        results.append(
            claim(text, "project target", table.loc["blend by lead and farm", lead] / best, "1", at_most(1.0), digits=4)
        )
        text = f"for comparison, the equal blend over the best member, {lead} h"
        results.append(claim(text, "measured by this script", table.loc["equal blend", lead] / best, "1", digits=4))
    results.append(claim("training of members and weights", "measured by this script", spent, "processor s", digits=0))
    return results


if __name__ == "__main__":
    main()
