"""The models that are served, the store that they are registered in, and what they are asked."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from cblcast import datasets, tracking
from cblcast.days.placebo import placebo_events
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.forecast.case_bank import training_banks
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.long_frame import frame_of
from cblcast.forecast.methods import make_estimator
from cblcast.frames.panel import Panel

HISTORY_DAYS = 60
MODELS = {"rule": "PBLM-Nearest5of10", "learned": "LearnedBaseline"}


def address(name: str) -> str:
    return f"models:/serving-{name}@champion"


def trained(panel: Panel, name: str) -> Forecaster:
    """A model of the twelve bundled buildings: a rule, or the learned baseline of the evenings of 2018."""
    if name == "rule":
        rule = Forecaster(make_estimator(MODELS[name]), name=MODELS[name])
        rule.know(panel)
        return rule
    forecaster = Forecaster(LearnedBaseline(), name=MODELS[name])
    past = placebo_events(panel, "17:00", "20:00", first="2018-01-01", last="2018-12-31")
    training_banks(panel, [forecaster], past)[forecaster.view].fit(forecaster)
    return forecaster


def register_all(folder: Path, panel: Panel) -> None:
    """Train and register both in a store of `folder`, which becomes the store of this process."""
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    before = Path.cwd()
    os.chdir(folder)  # where MLflow puts the artifacts of a SQLite store
    try:
        with tracking.study_run("serving", {}) as study:
            for name in MODELS:
                run = study.method(MODELS[name], params={"m": name}, forecaster=trained(panel, name))
                tracking.register(run.model_uri, f"serving-{name}", "champion")
    finally:
        os.chdir(before)


def one_event(panel: Panel, site: str) -> pd.DataFrame:
    """The long frame of one building: sixty days and an evening to be estimated."""
    own = panel.select([site])
    events = placebo_events(own, "17:00", "20:00", first="2019-06-03", last="2019-06-28").tail(1)
    start, stop = events["start"].iloc[0], events["stop"].iloc[0]
    time = own.data.index.get_level_values("time")
    kept = own.data[(time >= start - pd.Timedelta(days=HISTORY_DAYS)) & (time < stop)]
    return frame_of(Panel(kept[["observed_kw", "temp_air_c"]], own.sites), events)


def portfolio(panel: Panel, copies: int) -> pd.DataFrame:
    """One event at each of twelve buildings, `copies` times over under other names."""
    frames = [one_event(panel, str(site)) for site in panel.site_ids]
    return pd.concat(
        [frame.assign(site_id=f"{frame['site_id'].iloc[0]}_{k:03d}") for k in range(copies) for frame in frames],
        ignore_index=True,
    ).astype({"site_id": "str"})


def bundled() -> Panel:
    return datasets.load("cambridge_sme")
