"""The pretrained and a trained baseline together: ``python experiments/pretrained_baseline/both.py [--judge]``.

For whoever trains: an `Ensemble` of `LearnedBaseline`, trained on the twelve bundled buildings' own past, and of the pretrained
baseline. How the two are joined is chosen on 2018 alone, by models that learned nothing after 2017; ``--judge`` then judges
what was chosen, and nothing else, in 2019, and writes ``results_both.json``. Needs CBLCAST_DATA_DIR as ``run.py`` does.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from answering import EVERY, answers
from bank import evenings, local_day, taught
from claims import at_most, claim, write
from judging import SOURCE, TARGETS, WORDS
from sets import LOADERS, SHIP
from sklearn.base import BaseEstimator, RegressorMixin

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.pooled_baseline import PooledBaseline
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.pretrained import VIEWS
from cblcast.frames.cases import View
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import ORIGIN, SITE
from cblcast.metrics import nrmse

HERE = Path(__file__).resolve().parent
HOURS = [
    ("16:00", "19:00"),
    ("17:00", "20:00"),
    ("18:00", "21:00"),
]  # that the trained baseline learns from, as learned.yaml
CHOSEN = "adapted over both"  # on 2018, where it has the least mean in three views of four; see README.md
MEMBERS = ["said_trained", "said_pretrained"]


class Said(RegressorMixin, BaseEstimator):
    """The mean of two estimates that stand in columns, each a member: what `Adapted` sees of an ensemble."""

    member_names = ("trained", "pretrained")

    def predict_members(self, X: pd.DataFrame) -> np.ndarray:
        """Both, (n_rows, 2) [kW]."""
        return X[MEMBERS].to_numpy(dtype=np.float64)

    def combined(self, members: np.ndarray) -> np.ndarray:
        """Their mean [kW]."""
        return members.mean(1)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Their mean [kW]."""
        return self.combined(self.predict_members(X))


def pretrained_until(until: str, view: View, panels: dict[str, Panel], kept: Path | None) -> PooledBaseline:
    """The model as run.py trains it, that saw no Cambridge building after `until`."""
    rows = [taught(name, panels[name], view, kept) for name in SHIP]
    X, y = pd.concat([part[0] for part in rows]), np.concatenate([part[1] for part in rows])
    origin = X.index.get_level_values(ORIGIN)
    early = ~X.index.get_level_values(SITE).isin(panels["cambridge"].site_ids) | (
        origin < pd.Timestamp(until, tz="UTC")
    )
    early &= (microseconds(origin) // DAY_US) % EVERY == 0
    return PooledBaseline().fit(X[early], y[early])


def trained_until(until: str, view: View, panel: Panel) -> pd.Series:
    """What LearnedBaseline, trained on the sites' own past before `until`, says of all their evenings since 2017 [kW]."""
    last = str((pd.Timestamp(until) - pd.Timedelta(days=1)).date())
    past = [placebo_events(panel, start, stop, first="2017-01-01", last=last) for start, stop in HOURS]
    made = Forecaster(LearnedBaseline(), view=view)
    parts = [made.cases(panel, each) for each in past]
    X = pd.concat([made.matrix(panel, cases) for cases in parts])
    y = np.concatenate([truth(panel, cases) for cases in parts])
    made.fit_matrix(X, y, panel.sites, panel.step)
    cases = made.cases(panel, placebo_events(panel, "17:00", "20:00", first="2017-01-01"))
    return pd.Series(made.estimator.predict(made.matrix(panel, cases)), index=cases.index)


def joined(view: View, year: int, panels: dict[str, Panel], kept: Path | None) -> tuple[pd.DataFrame, np.ndarray]:
    """What each way of joining says of the twelve buildings' evenings of a year [kW], one column a way, and their load."""
    twelve = datasets.load("cambridge_sme").site_ids
    features, load = evenings("cambridge", panels["cambridge"], view, kept)
    own = features.index.get_level_values(SITE).isin(twelve)
    features, load = features[own], load[own]
    day = local_day(panels["cambridge"], features.index)
    model = pretrained_until(f"{year}-01-01", view, panels, kept)
    said = answers(model, features, load, day)
    trained = trained_until(f"{year}-01-01", view, panels["cambridge"].select(list(twelve))).reindex(features.index)
    found = pd.DataFrame({"trained": trained, "pretrained": said["adapted"]})
    for share in (0.3, 0.4, 0.5, 0.6, 0.7):
        name = "mean of both" if share == 0.5 else f"{share:.1f} of the trained one"
        found[name] = share * found["trained"] + (1 - share) * found["pretrained"]
    columns = dict(zip(MEMBERS, (trained.to_numpy(), said["pretrained"].to_numpy()), strict=True))
    both = features.astype(np.float64).assign(**columns)
    there = np.isfinite(both[MEMBERS].to_numpy()).all(1)
    adapted = answers(Said(), both[there], load[there], day[there])["adapted"]
    found["adapted over both"] = adapted.reindex(found.index)
    judged = (day >= np.datetime64(f"{year}-01-01").astype(np.int64)) & (
        day < np.datetime64(f"{year + 1}-01-01").astype(np.int64)
    )
    return found[judged], load[judged]


def errors(said: pd.DataFrame, load: np.ndarray) -> pd.DataFrame:
    """nRMSE [%] by site, on the rows that every way estimates."""
    known = np.isfinite(said.to_numpy()).all(1) & np.isfinite(load)
    site = np.asarray(said.index.get_level_values(SITE))
    sites = sorted(set(site[known]))
    table = [
        [nrmse(load[known & (site == each)], said[way].to_numpy()[known & (site == each)]) for way in said]
        for each in sites
    ]
    return pd.DataFrame(table, index=sites, columns=said.columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", nargs="+", default=list(VIEWS), choices=list(VIEWS))
    parser.add_argument("--kept", type=Path, help="folder that keeps feature matrices from run to run, as run.py's")
    parser.add_argument("--judge", action="store_true", help="judge what was chosen in 2019")
    wanted = parser.parse_args()
    panels = {name: LOADERS[name]() for name in SHIP}
    records = []
    for view in wanted.views:
        mean = errors(*joined(VIEWS[view], 2019 if wanted.judge else 2018, panels, wanted.kept)).mean()
        if not wanted.judge:
            print(view, *(f"{way} {value:.3f}" for way, value in mean.items()), sep="; ", flush=True)
            continue
        text = f"the bundled twelve, 2019, {WORDS[view]}, LearnedBaseline and the pretrained baseline, {CHOSEN}: mean nRMSE"
        more = {
            "trained_alone": round(float(mean["trained"]), 2),
            "pretrained_adapted_alone": round(float(mean["pretrained"]), 2),
        }
        records.append(claim(text, SOURCE, mean[CHOSEN], "%", at_most(TARGETS[view]), **more))
        print(records[-1], flush=True)
    if wanted.judge:
        write(HERE / "results_both.json", records)


if __name__ == "__main__":
    logging.disable(logging.INFO)
    with warnings.catch_warnings(record=True):  # odd days of the meters
        main()
