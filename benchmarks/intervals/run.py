"""Coverage of 90 % intervals in event hours: rules, adjusted rules and learned methods, buildings and homes.

    python benchmarks/intervals/run.py

Without CBLCAST_DATA_DIR only the bundled twelve buildings are judged. Writes results.json and the table in README.md.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.append(str(Path(__file__).resolve().parents[2] / "experiments"))

import numpy as np
import pandas as pd
from claims import Record, asked, between, claim, write

from cblcast import datasets, registry
from cblcast.days.placebo import placebo_events
from cblcast.estimators.wrappers.intervals import with_intervals
from cblcast.forecast.backtest import backtest, split_events
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataWarning

HERE = Path(__file__).parent
LOW, HIGH = 88.0, 92.0
METHODS = {
    "10of10, day-ahead": ("10of10", View.day_ahead()),
    "Nearest5of10": ("Nearest5of10", View.real_time()),
    "PBLM-Nearest5of10": ("PBLM-Nearest5of10", View.real_time()),
    "WS-Nearest5of10": ("WS-Nearest5of10", View.real_time()),
    "BW-Nearest5of10, settlement": ("BW-Nearest5of10", View.settlement()),
    "QuantileBoosting, conformalised": ("QuantileBoosting", View.real_time()),
    "Ridge per site": ({"estimator": "Ridge", "by": ["site_id"]}, View.real_time()),
} | {name: (name, View.real_time()) for name in ("LearnedBaseline",) if name in registry.ESTIMATORS}
RULES = tuple(name for name in METHODS if "of10" in name)
LEARNED = ("QuantileBoosting, conformalised", "Ridge per site")
SEEN = {"reference_days": {"days": 10}, "event_windows": {"hours_before": 4}, "calendar": {}}


def forecaster(name: str) -> Forecaster:
    method, view = METHODS[name]
    return Forecaster(with_intervals(make_estimator(method), 0.9), SEEN if name in LEARNED else {}, view, name)


def row(text: str, source: str, measured: float, unit: str, judged: bool) -> Record:
    return claim(text, source, measured, unit, between(LOW, HIGH) if judged else None, digits=1)


def judged(
    panel: Panel, spans: tuple[tuple[str, str], tuple[str, str]], names: tuple[str, ...], what: str, source: str
):
    """Rows of one set of sites: calibrated on the first span, judged on the second."""
    events = placebo_events(panel, "17:00", "20:00", first=spans[0][0], last=spans[1][1])
    train, test = split_events(events, panel, *spans)
    scored = backtest(panel, {name: forecaster(name) for name in names}, test, train).scored
    table = evaluate(scored, metrics=("coverage", "interval_width"))
    by_site = evaluate(scored, by=("method", "site_id"), metrics=("coverage",))["coverage"].unstack()
    for name in names:
        yield row(f"{what}: {name}, mean coverage", source, table.loc[name, "coverage"], "% of event hours", True)
        yield row(f"{what}: {name}, least site", source, by_site.loc[name].min(), "% of event hours", False)
        yield row(f"{what}: {name}, mean width", source, table.loc[name, "interval_width"], "% of mean load", False)


def recalibrated(panel: Panel, days: int):
    """PBLM-Nearest5of10 in 2019, calibrated anew each month on the last `days` days."""
    events = placebo_events(panel, "17:00", "20:00", first="2017-01-01", last="2019-12-31")
    method = forecaster("PBLM-Nearest5of10")
    cases = method.cases(panel, events)
    X, y = method.matrix(panel, cases), truth(panel, cases)
    origin = X.index.get_level_values("origin")
    scored = cases["scored"].to_numpy()
    known = np.isfinite(y)
    begin = pd.Timestamp("2019-01-01", tz="UTC")
    method.fit_matrix(X[origin < begin], y[origin < begin], panel.sites)
    found = []
    for month in pd.date_range(begin, periods=12, freq="MS"):
        past = (origin < month) & (origin >= month - pd.Timedelta(days=days)) & known
        method.estimator.recalibrate(X[past], y[past])
        now = (origin >= month) & (origin < month + pd.offsets.MonthBegin(1))
        limits = method.predict_matrix(X[now], scored[now])
        inside = (limits["lower_kw"] <= y[now & scored]) & (y[now & scored] <= limits["upper_kw"])
        found.append(inside[known[now & scored] & limits["predicted_kw"].notna()])
    by_site = 100 * pd.concat(found).groupby("site_id").mean()
    source = f"2019, calibrated anew each month on the {days} days before"
    what = "twelve buildings: PBLM-Nearest5of10, recalibrated"
    yield row(f"{what}, mean coverage", source, by_site.mean(), "% of event hours", True)
    yield row(f"{what}, least site", source, by_site.min(), "% of event hours", False)


def main() -> None:
    warnings.simplefilter("ignore", DataWarning)
    years = (("2017-01-01", "2018-12-31"), ("2019-01-01", "2019-12-31"))
    twelve = datasets.load("cambridge_sme")
    rows = list(judged(twelve, years, tuple(METHODS), "twelve buildings", "2017-2018 for 2019, 17-20 h"))
    rows += list(recalibrated(twelve, 180))
    if os.environ.get(datasets.ENVIRONMENT_VARIABLE):
        estate = datasets.load("cambridge")
        others = estate.sites.index[~estate.sites["suggested"] & (estate.sites["scaled_copy_of"] == "")]
        rows += judged(
            estate.select(others), years, RULES, f"{len(others)} other buildings", "2017-2018 for 2019, 17-20 h"
        )
        year = (("2013-02-15", "2013-08-31"), ("2013-09-01", "2013-12-15"))
        homes = datasets.load("lcl_homes")
        names = ("10of10, day-ahead", "Nearest5of10", "PBLM-Nearest5of10")
        rows += judged(homes, year, names, "London homes", "spring and summer 2013 for autumn, 17-20 h")
    write(HERE / "results.json", rows)
    shown = ["| what | calibrated on, judged on | target | measured | unit |", "|---|---|---|---|---|"]
    shown += [f"| {r['claim']} | {r['source']} | {asked(r)} | {r['measured']} | {r['unit']} |" for r in rows]
    readme = HERE / "README.md"
    head, mark, _ = readme.read_text(encoding="utf-8").partition("<!-- table -->")
    readme.write_text(head + mark + "\n\n" + "\n".join(shown) + "\n", encoding="utf-8")
    print("\n".join(shown))


if __name__ == "__main__":
    main()
