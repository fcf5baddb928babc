"""Days unlike their calendar, with and without an eye for them: ``python experiments/pretrained_baseline/unusual_days.py``.

Writes ``results_unusual_days.json``. Rules and a learned baseline trained on 2017-2018 are judged on the working days of 2019,
17-20 h, on the twelve bundled buildings, or on the whole estate where CBLCAST_DATA_DIR names its folder, and rules on homes.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))  # sets.py
sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import Record, at_most, claim, write
from sets import cambridge, homes, london

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.estimators.wrappers.as_trained import AsTrained
from cblcast.estimators.wrappers.unusual_day import UnusualDay
from cblcast.forecast.backtest import backtest
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE
from cblcast.metrics import nrmse

HERE = Path(__file__).parent
VIEWS = {
    "2 h buffer": (View.real_time(lead_in=2), ("10of10", "WS-10of10")),
    "day-ahead": (View.day_ahead(), ("10of10",)),
}
LEARNED = {"estimator": "LearnedBaseline", "n_estimators": 150}
SOURCE = "project target, closures and level shifts"
NO_WORSE = 1.001


def wrapped(
    panel: Panel, view: View, rules: tuple[str, ...], train: pd.DataFrame | None
) -> dict[str, tuple[Forecaster, Forecaster]]:
    """Each method without and with an eye for unusual days; what learns is trained once."""
    plain = {name: make_estimator(name) for name in rules}
    if train is not None:
        learned = Forecaster(make_estimator(LEARNED), view=view, name="learned")
        learned.fit(panel, learned.cases(panel, train))
        plain["learned"] = AsTrained(learned.estimator, learned.features)
    return {
        name: (Forecaster(each, view=view), Forecaster(UnusualDay(each), view=view)) for name, each in plain.items()
    }


def judge(what: str, panel: Panel, test: pd.DataFrame, train: pd.DataFrame | None) -> list[Record]:
    """One claim a view and method: the mean over sites is no worse, and how much better treated events are."""
    found = []
    for view_name, (view, rules) in VIEWS.items():
        for name, pair in wrapped(panel, view, rules, train).items():
            result = backtest(panel, dict(zip(("without", "with"), pair, strict=True)), test)
            rows = {key: result.scored[result.scored["method"] == key] for key in ("without", "with")}
            error = {key: by_site(each) for key, each in rows.items()}
            ratio = (error["with"] / error["without"]).dropna()
            events = pd.MultiIndex.from_frame(result.treated[[SITE, ORIGIN]])
            on_them = {key: each[each.index.droplevel("time").isin(events)] for key, each in rows.items()}
            rmse = {
                key: float(np.sqrt(((each[PREDICTED] - each[OBSERVED]) ** 2).mean())) for key, each in on_them.items()
            }
            more = {
                "nrmse_without_pct": round(float(error["without"].mean()), 3), "nrmse_with_pct": round(float(error["with"].mean()), 3),
                "worst_site_ratio": round(float(ratio.max()), 3), "events": len(rows["with"].groupby([SITE, ORIGIN])),
                "treated": result.treated["treatment"].str.partition(":")[0].value_counts().to_dict(),
            }  # fmt: skip
            if len(events):
                more |= {
                    "rmse_on_treated_without_kw": round(rmse["without"], 3),
                    "rmse_on_treated_with_kw": round(rmse["with"], 3),
                }
            mean = float(error["with"].mean() / error["without"].mean())
            text = f"{what}, {view_name}, {name}: mean nRMSE with over without"
            found.append(claim(text, SOURCE, mean, "ratio", at_most(NO_WORSE), 4, **more))
            print(found[-1]["claim"], found[-1]["measured"], more, flush=True)
    return found


def by_site(rows: pd.DataFrame) -> pd.Series:
    """NRMSE [%] of each site; a site that used nothing has none."""
    return pd.Series({site: nrmse(own[OBSERVED].to_numpy(), own[PREDICTED].to_numpy())
                      for site, own in rows.groupby(SITE) if own[OBSERVED].mean() > 0})  # fmt: skip


def main() -> None:
    panel = cambridge()
    train = placebo_events(panel, "17:00", "20:00", first="2017-01-01", last="2018-12-31")
    test = placebo_events(panel, "17:00", "20:00", first="2019-01-01", last="2019-12-31")
    found = judge(f"{len(panel.site_ids)} buildings in 2019", panel, test, train)
    turin = datasets.load("turin")
    found += judge("a building in Turin", turin, placebo_events(turin, "17:00", "20:00", first="2019-03-01"), None)
    fontana = homes("fontana_homes")
    found += judge("15 homes in Fontana", fontana, placebo_events(fontana, "17:00", "20:00", first="2016-11-01"), None)
    if os.environ.get(datasets.ENVIRONMENT_VARIABLE):
        some = london()
        some = some.select(list(map(str, some.site_ids[::3])))
        found += judge(
            "every third London home", some, placebo_events(some, "17:00", "20:00", first="2013-03-01"), None
        )
    write(HERE / "results_unusual_days.json", found)


if __name__ == "__main__":
    with warnings.catch_warnings(record=True):  # windows without load that a ratio cannot rest on; odd days of meters
        main()
