"""How sites are split into groups, and how errors are counted: by site, beside every rule, on the same rows."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.metrics import nrmse

GROUPS = 3
LAST_TAUGHT = pd.Timestamp("2019-01-01", tz="UTC")  # of Cambridge, in a model that is judged
TARGETS = {"real_time": 8.75, "real_time_2h": 9.85, "settlement": 7.4, "day_ahead": 12.6}  # of the bundled twelve
SOURCE = "project target"
WORDS = {
    "real_time": "before the event",
    "real_time_2h": "2 h buffer",
    "settlement": "before and after",
    "day_ahead": "day-ahead",
}


def groups_of(panels: dict[str, Panel]) -> dict[str, int]:
    """Group of each site that is left out in turn; a site that is never left out is not there.

    The buildings of Cambridge outside the bundled twelve whose level in 2019 is within a third of that in 2018, the homes of
    Fontana and of London: sites go round the groups in the order of a hash of their names, so that nobody chose.
    """
    found = {"turin_building": 0} | {str(site): 1 for site in datasets.load("sydney_home").site_ids}
    for name in ("cambridge", "fontana_homes", "lcl_homes"):
        if name in panels:
            sites = others(panels[name]) if name == "cambridge" else [str(site) for site in panels[name].site_ids]
            order = sorted(sites, key=lambda site: hashlib.sha256(site.encode()).hexdigest())
            found |= {site: place % GROUPS for place, site in enumerate(order)}
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


def errors_by_site(y: np.ndarray, table: pd.DataFrame, needed: list[str]) -> pd.DataFrame:
    """nRMSE [%] of every column of `table` by site, on the rows that all of `needed` estimate.

    Parameters
    ----------
    y : ndarray, shape (n_rows,)
    table : DataFrame, index (site_id, origin, time)
        Estimates [kW].
    """
    known = np.isfinite(table[needed].to_numpy()).all(1) & np.isfinite(y)
    codes, sites = pd.factorize(table.index.get_level_values(SITE))
    found = {}
    for code, site in enumerate(sites):
        rows = np.flatnonzero(known & (codes == code))
        if len(rows):
            values = table.iloc[rows].to_numpy(dtype=np.float64)
            found[str(site)] = [nrmse(y[rows], values[:, place]) for place in range(values.shape[1])]
    return pd.DataFrame.from_dict(found, orient="index", columns=table.columns)


def summary(errors: pd.DataFrame, method: str, rules: list[str]) -> dict[str, float | str | int]:
    """Mean over sites, the best rule by its mean, geometric-mean and largest ratio to each site's own best rule (hindsight)."""
    own = errors[rules]
    ratio = errors[method] / own.min(axis=1)
    best = str(own.mean().idxmin())
    return {
        "sites": len(errors),
        "mean": float(errors[method].mean()),
        "median": float(errors[method].median()),
        "best_rule": best,
        "best_rule_mean": float(own[best].mean()),
        "ratio_geometric": float(np.exp(np.log(ratio).mean())),
        "ratio_largest": float(ratio.max()),
        "site_of_the_largest": str(ratio.idxmax()),
    }
