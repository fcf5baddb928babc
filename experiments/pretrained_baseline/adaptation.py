"""Judge online adaptation: ``python experiments/pretrained_baseline/adaptation.py``. Writes ``results_adaptation.json``.

A model of the twelve bundled buildings (2017-2018) and a rule are used on sites they never saw, as they are and adapted by the
sites' own earlier days. Needs CBLCAST_DATA_DIR with the Cambridge estate and the London homes (data/README.md) for these sets; the
Fontana homes are bundled. About five processor minutes for all views.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/
sys.path.append(str(Path(__file__).resolve().parents[1] / "sme_baselines"))

import numpy as np
import pandas as pd
from claims import Record, at_least, at_most, between, claim, read, write
from learned import occupied, sane

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.wrappers.adapted import Adapted
from cblcast.estimators.wrappers.intervals import Conformal
from cblcast.forecast.answer import answer
from cblcast.forecast.case_bank import training_banks
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.frames.schema import LOWER, PREDICTED, SITE, UPPER
from cblcast.metrics import nrmse

HERE = Path(__file__).resolve().parent
SOURCE = "project target, online adaptation"
VIEWS = {
    "before the event": View.real_time(),
    "2 h buffer": View.real_time(lead_in=2),
    "before and after": View.settlement(),
    "day-ahead": View.day_ahead(),
}
RULES = {"before the event": "PBLM-High5of10", "before and after": "PBLM-High5of10"}
CHOSEN, CONFIRMED = "chosen on", "confirmed on"  # halves of the sites, by place in the order of their names


def sets() -> dict[str, tuple[Panel, dict[str, dict[str, str]]]]:
    """Panels of sites that the model never saw, and the span that each half of their sites is judged in."""
    whole: dict[str, dict[str, str]] = {CHOSEN: {}, CONFIRMED: {}}
    found = {"Fontana homes": (datasets.load("fontana_homes"), whole)}
    if not os.environ.get(datasets.ENVIRONMENT_VARIABLE):
        print(f"{datasets.ENVIRONMENT_VARIABLE} is not set: the other buildings and the London homes are left out")
        return found
    homes = datasets.load("lcl_homes")
    found["London homes"] = (homes.select(occupied(homes)), whole)
    others = datasets.load("cambridge")
    spans = {CHOSEN: {"first": "2017-01-01", "last": "2018-12-31"}, CONFIRMED: {"first": "2019-01-01"}}
    found["other Cambridge buildings"] = (others.select(sane(others)), spans)
    return found


def trained(view: View) -> Forecaster:
    """The learned baseline of the twelve bundled buildings, with limits calibrated on their last days of training."""
    panel = datasets.load("cambridge_sme")
    hours = [("16:00", "19:00"), ("17:00", "20:00"), ("18:00", "21:00")]
    span = {"first": "2017-01-01", "last": "2018-12-31"}
    events = pd.concat([placebo_events(panel, *clock, **span) for clock in hours], ignore_index=True)
    made = Forecaster(Conformal(LearnedBaseline(), held_out_share=0.25), view=view, name="learned elsewhere")
    training_banks(panel, [made], events)[view].fit(made)
    return made


def adapting(forecaster: Forecaster) -> Forecaster:
    """The same, trained or not, adapted."""
    estimator = Adapted(forecaster.estimator)
    if hasattr(forecaster.estimator, "estimator_"):
        estimator.estimator_ = forecaster.estimator
    made = Forecaster(estimator, forecaster.features, forecaster.view, f"{forecaster.name}, adapted")
    made.sites = forecaster.sites
    return made


def by_site(panel: Panel, forecaster: Forecaster, events: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """nRMSE and coverage [%] and width as a share of the load of each site; processor milliseconds an event."""
    begun = time.process_time()
    rows = answer(forecaster, panel, events).estimated
    spent = 1000 * (time.process_time() - begun) / len(events)
    load = truth(panel, rows)
    known = np.isfinite(load)
    rows, load = rows[known], load[known]
    table = {}
    for site, where in rows.groupby(SITE).indices.items():
        y, own = load[where], rows.iloc[where]
        inside = (own[LOWER] <= y) & (y <= own[UPPER])
        table[site] = {
            "nrmse": abs(nrmse(y, own[PREDICTED].to_numpy())),  # a home that exports has a negative mean
            "coverage": 100 * inside.mean(),
            "width": (own[UPPER] - own[LOWER]).mean() / abs(y.mean()),
        }
    return pd.DataFrame.from_dict(table, orient="index"), spent


def judged(
    view: str, title: str, panel: Panel, span: dict[str, str], pair: tuple[Forecaster, Forecaster]
) -> list[Record]:
    """Claims of one method on one half of a set, as it is and adapted."""
    events = placebo_events(panel, "17:00", "20:00", **span)
    (plain, _), (own, spent) = (by_site(panel, each, events) for each in pair)
    both = plain.join(own, lsuffix="_plain", rsuffix="_adapted", how="inner")
    ratio = both["nrmse_adapted"] / both["nrmse_plain"]
    geometric = float(np.exp(np.log(ratio).mean()))
    wanted = at_most(0.97 if "homes" in title else 1.005)
    text = f"{title} ({len(both)} sites), {view}, {pair[0].name}"
    means = {f"nrmse_{which}_pct": round(float(both[f"nrmse_{which}"].mean()), 2) for which in ("plain", "adapted")}
    medians = {
        f"median_nrmse_{which}_pct": round(float(both[f"nrmse_{which}"].median()), 2) for which in ("plain", "adapted")
    }
    found = [
        claim(f"{text}: mean nRMSE adapted relative to as it is", SOURCE,
              means["nrmse_adapted_pct"] / means["nrmse_plain_pct"], "ratio", wanted, 3, **means, **medians),
        claim(f"{text}: geometric mean over sites of nRMSE adapted relative to as it is", SOURCE, geometric, "ratio", wanted, 3),
        claim(f"{text}: largest ratio of a site", SOURCE, float(ratio.max()), "ratio", None, 3),
        claim(f"{text}: share of intervals within the 90 % limits, adapted, mean over sites", SOURCE,
              own["coverage"].mean(), "%", between(88, 94), 1, median_width_of_load=round(float(own["width"].median()), 2)),
        claim(f"{text}: the same of the worst site", SOURCE, own["coverage"].min(), "%", at_least(84), 1),
        claim(f"{text}: processor time of an event in the backtest, adapted", SOURCE, spent, "ms", at_most(10), 2),
    ]  # fmt: skip
    if plain["coverage"].max() > 0:
        more = {
            "worst_site_pct": round(float(plain["coverage"].min()), 1),
            "median_width_of_load": round(float(plain["width"].median()), 2),
        }
        found.append(claim(f"{text}: share within the limits as they were calibrated elsewhere", SOURCE,
                           plain["coverage"].mean(), "%", None, 1, **more))  # fmt: skip
    print(
        f"{text}: {means} gm {geometric:.4f} cov {own['coverage'].mean():.1f} ({own['coverage'].min():.1f}) {spent:.2f} ms",
        flush=True,
    )
    return found


def alone(view: str, title: str, panel: Panel, pair: tuple[Forecaster, Forecaster]) -> Record:
    """Processor time of the last event of one site, asked alone, when everything has been loaded."""
    site = panel.select([panel.site_ids[0]])
    event = placebo_events(site, "17:00", "20:00").iloc[[-1]]
    spent = []
    for forecaster in pair:
        answer(forecaster, site, event)
        begun = time.process_time()
        answer(forecaster, site, event)
        spent.append(1000 * (time.process_time() - begun))
    more = {"as_it_is_ms": round(spent[0], 1)}
    return claim(
        f"{title}, {view}, {pair[0].name}: processor time of one event asked alone",
        SOURCE,
        spent[1],
        "ms",
        at_most(10),
        0,
        **more,
    )


def halves(panel: Panel, spans: dict[str, dict[str, str]]) -> list[tuple[str, Panel, dict[str, str]]]:
    """The sites that constants were chosen on and those that they were not, each with the span that it is judged in."""
    names = sorted(map(str, panel.site_ids))
    return [(half, panel.select(names[place::2]), spans[half]) for place, half in enumerate((CHOSEN, CONFIRMED))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", nargs="*", choices=sorted(VIEWS), default=list(VIEWS))
    chosen = parser.parse_args().views
    results: list[Record] = []
    known = sets()
    for view in chosen:
        pairs = [trained(VIEWS[view])]
        if view in RULES:
            rule = Forecaster(make_estimator(RULES[view]), view=VIEWS[view], name=RULES[view])
            pairs.append(rule)
        for title, (panel, spans) in known.items():
            for forecaster in pairs:
                pair = forecaster, adapting(forecaster)
                for half, own, span in halves(panel, spans):
                    results += judged(view, f"{title}, {half}", own, span, pair)
                results.append(alone(view, title, panel, pair))
    path = HERE / "results_adaptation.json"
    if path.exists():
        words = tuple(f", {view}, " for view in chosen)
        results = [each for each in read(path) if not any(word in each["claim"] for word in words)] + results
    write(path, results)


if __name__ == "__main__":
    with (
        warnings.catch_warnings()
    ):  # events that a ratio cannot adjust, and limits of other sites, which are what is judged
        warnings.simplefilter("ignore")
        main()
