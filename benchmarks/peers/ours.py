"""cblcast beside the peers: its best rule, the learned baseline, the pretrained one, and its like of OpenDSM's model.

    python benchmarks/peers/ours.py FOLDER

Reads ``events.parquet`` and ``learned.parquet`` of the folder, which ``run.py`` wrote. The pretrained baseline is trained anew from data
until 2018, because the shipped one has seen the judged year: from the bundled samples, or where CBLCAST_DATA_DIR names the
large sets from all that may be shipped; it is kept in the folder ``taught`` beside FOLDER from run to run.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "experiments" / "pretrained_baseline"))
sys.path.insert(
    0, str(Path(__file__).resolve().parents[2] / "experiments" / "sme_baselines")
)  # its module run before the one here

import numpy as np
import pandas as pd
from exchange import VIEWS, Exchange, processor_seconds
from learned import by_site, rules
from sets import LOADERS, SHIP, WINDOWS_A_DAY, random_windows

from cblcast import __version__, datasets
from cblcast.days.placebo import placebo_events
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.pooled_baseline import PooledBaseline
from cblcast.forecast.answer import answer
from cblcast.forecast.backtest import backtest
from cblcast.forecast.case_bank import training_banks
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.pretrained import VIEWS as OF_NAME
from cblcast.forecast.pretrained import served
from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import Window
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.panel import Panel

SEED = 15
LAST_TAUGHT = pd.Timestamp("2019-01-01", tz="UTC")
BESIDE_OF = {"real_time": "PBLM", "settlement": [Window.before(2), Window.after(2)]}


def said_of(forecaster: Forecaster, panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    """site_id, origin, time, predicted_kw of the events."""
    rows = answer(forecaster, panel, events, reasons=False).rows
    rows = rows[rows["scored"].to_numpy(dtype=bool)].reset_index()
    return rows.astype({"site_id": "str"})


def best_rule(panel: Panel, view: View) -> str:
    """The rule with the smallest mean nRMSE over the buildings on the working days of 2018."""
    year = placebo_events(panel, "17:00", "20:00", first="2018-01-01", last="2018-12-31")
    return str(by_site(backtest(panel, rules(view), year).scored).mean().idxmin())


def taught(name: str, view: View, everything: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """Features and load of random windows of a set, of Cambridge before the judged year; of every second day where sites are many."""
    panel = LOADERS[name]()
    windows = random_windows(panel, WINDOWS_A_DAY[name], SEED)
    if name == "cambridge":
        windows = windows[windows["stop"] < LAST_TAUGHT]
    if everything:
        windows = windows[(microseconds(windows["start"]) // DAY_US) % 2 == 0]
    cases = make_cases(panel, windows.reset_index(drop=True), view, may_overlap=True)
    return Forecaster(PooledBaseline(), view=view).matrix(panel, cases).astype(np.float32), truth(panel, cases)


def pretrained(view: str, kept: Path) -> Forecaster:
    """The pretrained recipe, taught until 2018, as it is served: adapted to each site, with an eye for unusual days."""
    everything = bool(os.environ.get(datasets.ENVIRONMENT_VARIABLE))
    folder = kept / f"{view}_{'all' if everything else 'bundled'}"
    if not folder.is_dir():
        parts = [taught(name, OF_NAME[view], everything) for name in SHIP]
        model = Forecaster(PooledBaseline(), view=OF_NAME[view], name="Pretrained")
        model.fit_matrix(
            pd.concat([X for X, _ in parts]), np.concatenate([y for _, y in parts]), datasets.load("turin").sites
        )
        model.sites = None  # as the shipped one: a user's site may bear the name of one of these
        model.save(folder)
    saved = Forecaster.load(folder)
    return Forecaster(served(saved), view=saved.view, name="Pretrained")


def towt(task: Exchange, panel: Panel, view: str, events: pd.DataFrame) -> None:
    """The like of OpenDSM's hourly model: time of week and temperature, all hours of 2018; then times a ratio.

    Each building has a model of its own; all are fitted in one call, as the package does it, and its seconds, features included,
    are divided by the number of buildings.
    """
    model = make_estimator("TimeOfWeekTemperature")
    adjusted = make_estimator({"estimator": "Adjusted", "of": "TimeOfWeekTemperature", "window": BESIDE_OF[view]})
    for name, estimator in (("TOWT", model), ("TOWT × ratio", adjusted)):
        forecaster = Forecaster(estimator, view=OF_NAME[view])
        began = processor_seconds()
        hours = placebo_events(panel, "00:00", "24:00", days="all", first="2018-01-01", last="2018-12-31")
        training_banks(panel, [forecaster], hours)[forecaster.view].fit(forecaster)
        if name == "TOWT":
            task.fits.append((processor_seconds() - began) / len(panel.site_ids))
        with task.measured("TOWT, predict"):
            task.answer(f"cblcast {name}", view, said_of(forecaster, panel, events))


def main() -> None:
    logging.disable(logging.INFO)
    task = Exchange("cblcast", ["numpy", "pandas", "lightgbm", "scikit-learn"])
    task.versions = {"cblcast": __version__} | task.versions
    events, learned = (pd.read_parquet(task.folder / f"{name}.parquet") for name in ("events", "learned"))
    panel = datasets.load("cambridge_sme").select(list(dict.fromkeys(events["site_id"])))
    task.notes["buildings"] = len(panel.site_ids)
    for name in VIEWS:
        view = OF_NAME[name]
        towt(task, panel, name, events)
        with task.measured(f"choose a rule, {name}"):
            rule = best_rule(panel, view)
        task.notes[f"rule, {name}"] = rule
        with task.measured(f"rule, {name}"):
            task.answer("cblcast best rule", name, said_of(rules(view)[rule], panel, events))
        forecaster = Forecaster(LearnedBaseline(), view=view)
        with task.measured(f"LearnedBaseline fit, {name}"):
            training_banks(panel, [forecaster], learned)[view].fit(forecaster)
        with task.measured(f"LearnedBaseline predict, {name}"):
            task.answer("cblcast LearnedBaseline", name, said_of(forecaster, panel, events))
        with task.measured(f"pretrained train, {name}"):
            ready = pretrained(name, task.folder.parent / "taught")
        with task.measured(f"pretrained predict, {name}"):
            task.answer("cblcast pretrained, adapted", name, said_of(ready, panel, events))
    task.finish()


if __name__ == "__main__":
    main()
