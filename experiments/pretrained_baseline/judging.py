"""What judges the pretrained baseline: evenings of sites it never saw, the rules beside it, and errors by site."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/
sys.path.append(str(Path(__file__).resolve().parents[1] / "sme_baselines"))

import numpy as np
import pandas as pd
from learned import rules

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.forecast.backtest import backtest
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.cases import make_cases
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.metrics import nrmse

# Working days, 17:00-20:00. What is judged lies after what a model of the same year could have learned from.
JUDGED = {
    "cambridge": {"first": "2019-01-01"},
    "turin": {"first": "2019-03-01"},
    "fontana_homes": {},
    "sydney_home": {},
    "lcl_homes": {"first": "2013-03-01"},
    "uci_home": {"first": "2008-01-01", "last": "2009-12-31"},
}
FOLDS = 5
UNTIL = "2018-12-31"  # of Cambridge, the last day that teaches a model which is judged


@dataclass(frozen=True, eq=False)
class Evenings:
    """Events of one set under one view: features, truth, and what every rule says of them.

    Attributes
    ----------
    X : DataFrame, index (site_id, origin, time)
    y : ndarray, shape (n_rows,)
        Metered load [kW].
    rules : DataFrame
        Index of `X`, one column a rule [kW].
    """

    X: pd.DataFrame
    y: np.ndarray
    rules: pd.DataFrame


def evenings(name: str, panel: Panel, forecaster: Forecaster) -> Evenings:
    """The judged events of a set, asked of every rule that the view allows."""
    events = placebo_events(panel, "17:00", "20:00", **JUDGED[name])
    cases = make_cases(panel, events, forecaster.view)
    scored = backtest(panel, rules(forecaster.view), events).scored
    table = (
        scored["predicted_kw"]
        .astype("float32")
        .set_axis(
            pd.MultiIndex.from_frame(scored.index.to_frame(index=False).assign(method=scored["method"].to_numpy()))
        )
        .unstack("method")
    )
    return Evenings(forecaster.matrix(panel, cases), truth(panel, cases), table.reindex(cases.index))


def folds_of(panels: dict[str, Panel]) -> dict[str, int]:
    """Group of each site that is left out in turn; a site that is never left out is not there.

    The buildings of Cambridge outside the bundled twelve whose level in 2019 is within a third of that in 2018, the homes of
    Fontana and of London: sites of a set go round the groups in the order of a hash of their names, so that nobody chose.
    """
    found = {"turin_building": 0} | {str(site): 1 for site in datasets.load("sydney_home").site_ids}
    for name in ("cambridge", "fontana_homes", "lcl_homes"):
        if name not in panels:
            continue
        sites = others(panels[name]) if name == "cambridge" else [str(site) for site in panels[name].site_ids]
        order = sorted(sites, key=lambda site: hashlib.sha256(site.encode()).hexdigest())
        found |= {site: place % FOLDS for place, site in enumerate(order)}
    return found


def others(panel: Panel) -> list[str]:
    """Cambridge buildings outside the bundled twelve with a level in 2019 within a third of that in 2018."""
    kept = []
    for site in panel.site_ids:
        load = panel.data.loc[site, OBSERVED]
        by_year = load.groupby(load.index.year).mean()
        if not panel.sites.loc[site, "suggested"] and 0.67 < by_year[2019] / by_year[2018] < 1.5:
            kept.append(str(site))
    return kept


def errors_by_site(judged: Evenings, predicted: np.ndarray) -> pd.DataFrame:
    """nRMSE [%] of the prediction (column ``pretrained``) and of every rule by site, on rows that all of them estimate."""
    table = judged.rules.assign(pretrained=predicted)
    known = np.isfinite(table.to_numpy()).all(1) & np.isfinite(judged.y)
    sites = judged.X.index.get_level_values(SITE).to_numpy()
    found = {}
    for site in np.unique(sites[known]):
        rows = known & (sites == site)
        found[str(site)] = {
            column: nrmse(judged.y[rows], table[column].to_numpy()[rows].astype(np.float64)) for column in table
        }
    return pd.DataFrame(found).T


def told(table: pd.DataFrame) -> dict[str, float]:
    """Mean over sites, the best rule by its mean, geometric-mean and largest ratio to each site's own best rule (hindsight)."""
    own = table.drop(columns="pretrained")
    ratio = table["pretrained"] / own.min(axis=1)
    best = str(own.mean().idxmin())
    return {
        "sites": len(table), "pretrained": float(table["pretrained"].mean()), "best_rule": best,
        "best_rule_nrmse": float(own[best].mean()), "ratio_geometric": float(np.exp(np.log(ratio).mean())),
        "ratio_largest": float(ratio.max()), "worst_site": str(ratio.idxmax()), "median": float(table["pretrained"].median()),
    }  # fmt: skip
