"""Error against days of history: ``CBLCAST_DATA_DIR=<data> python experiments/pretrained_baseline/cold_start.py``.

Writes ``results_cold_start.json`` and ``cold_start.png`` beside this file. The shipped model, which no home of London taught,
and rules are asked about evenings of these homes with the meter cut to so many days before each; 17-20 h, working days.
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
from sets import london

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.forecast.answer import answer
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.pretrained import load_pretrained
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PREDICTED, SITE, TIME
from cblcast.metrics import nrmse

HERE = Path(__file__).parent
HISTORY_DAYS = (0, 5, 10, 20, 60, 250)
RULES = ("10of10", "Nearest5of10", "PBLM-10of10")
EVERY, EVENINGS = 3, 8  # every third home, so many evenings of October to December
SOURCE = "project target, cold start"


def cut(panel: Panel, event: pd.DataFrame, days: int) -> Panel:
    """The panel from `days` before the event's day to its end; what came before was never metered."""
    stop = event["stop"].iloc[0]
    first = event["start"].iloc[0].tz_convert("Europe/London").normalize() - pd.DateOffset(days=days)
    time = panel.data.index.get_level_values(TIME)
    return Panel(panel.data[(time >= first) & (time < stop)], panel.sites)


def rows_of(panel: Panel, methods: dict[str, Forecaster], events: pd.DataFrame, days: int) -> pd.DataFrame:
    """Estimates of every method beside the truth, for events whose history is cut to `days`."""
    parts = []
    for _, event in events.groupby("start"):
        short = cut(panel, event, days)
        for name, method in methods.items():
            rows = answer(method, short, event.reset_index(drop=True), reasons=False).rows
            rows = rows[rows["scored"].to_numpy(dtype=bool)]
            truth = panel.data[OBSERVED].reindex(rows.index.droplevel("origin")).to_numpy()
            parts.append(rows[[PREDICTED, "lower_kw", "upper_kw"]].assign(truth=truth, method=name, days=days))
    return pd.concat(parts)


def errors(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean nRMSE over sites [%], coverage [%] and share of estimated readings [%], by days of history and method."""
    found = []
    for (days, method), group in rows.groupby(["days", "method"]):
        known = group[group[PREDICTED].notna() & group["truth"].notna()]
        each = [nrmse(own["truth"].to_numpy(), own[PREDICTED].to_numpy()) for _, own in known.groupby(SITE)]
        held = (
            known["truth"].between(known["lower_kw"], known["upper_kw"]).mean()
            if known["lower_kw"].notna().any()
            else np.nan
        )
        found.append((days, method, np.mean(each) if each else np.nan, 100 * held, 100 * len(known) / len(group)))
    return pd.DataFrame(found, columns=["days", "method", "nrmse_pct", "coverage_pct", "estimated_pct"])


def claims_of(table: pd.DataFrame, sites: int) -> list[Record]:
    """The curve of the pretrained model beside the best rule of each length of history."""
    found = []
    for days, group in table.groupby("days"):
        own = group[group["method"] == "pretrained"].iloc[0]
        rules = group[group["method"] != "pretrained"].dropna(subset=["nrmse_pct"])
        where = f"{sites} London homes with {days} days of history"
        if not np.isfinite(own["nrmse_pct"]):
            found.append(claim(f"{where}: readings with an estimate", SOURCE, own["estimated_pct"], "%", at_most(0)))
            continue
        more = {name: round(float(own[name]), 1) for name in ("estimated_pct", "coverage_pct")}
        wanted = None  # no rule answers with so few days
        if len(rules):
            best = rules.loc[rules["nrmse_pct"].idxmin()]
            more |= {"best_rule": best["method"], "best_rule_pct": round(float(best["nrmse_pct"]), 2)}
            wanted = at_most(more["best_rule_pct"])
        found.append(claim(f"{where}: mean nRMSE", SOURCE, own["nrmse_pct"], "%", wanted, **more))
    return found


def draw(table: pd.DataFrame) -> None:
    """The curve as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for method, group in table.dropna(subset=["nrmse_pct"]).groupby("method"):
        width = 2.5 if method == "pretrained" else 1.2
        axes.plot(group["days"], group["nrmse_pct"], marker="o", linewidth=width, label=method)
    axes.set(xscale="log", xlabel="days of history before the event", ylabel="mean nRMSE over homes [%]")
    axes.set_xticks([days for days in HISTORY_DAYS if days], [str(days) for days in HISTORY_DAYS if days])
    axes.minorticks_off()
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(HERE / "cold_start.png", dpi=110)


def main() -> None:
    if not os.environ.get(datasets.ENVIRONMENT_VARIABLE):
        sys.exit(f"{datasets.ENVIRONMENT_VARIABLE} is not set: the homes of London are read from it (data/README.md)")
    panel = london()
    panel = panel.select(list(map(str, panel.site_ids[::EVERY])))
    events = placebo_events(panel, "17:00", "20:00", first="2013-10-01", last="2013-12-13")
    starts = sorted(events["start"].unique())
    events = events[events["start"].isin(starts[:: len(starts) // EVENINGS][:EVENINGS])]
    methods = {"pretrained": load_pretrained("real_time")} | {name: Forecaster(make_estimator(name)) for name in RULES}
    table = errors(pd.concat([rows_of(panel, methods, events, days) for days in HISTORY_DAYS]))
    print(table.to_string(index=False))
    write(HERE / "results_cold_start.json", claims_of(table, len(panel.site_ids)))
    draw(table)


if __name__ == "__main__":
    with warnings.catch_warnings(record=True):  # windows without load that a ratio cannot rest on
        main()
