"""Measures by site, which can be joined over partitions: the same table as of all rows at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.forecast.evaluation import INTERVAL_METRICS, evaluate
from cblcast.frames.schema import LOWER, SITE, UPPER

MEASURES = "measures"


def measures_by_site(scored: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Measures of each site of a scored frame; those of intervals are NaN where a limit is not known.

    Returns
    -------
    DataFrame
        ``site_id``, the measures, ``n_events``, ``limited``: whether every row of the site has limits.
    """
    if scored.empty:
        return pd.DataFrame(columns=[SITE, *metrics, "n_events", "limited"])
    finite = np.isfinite(scored[[LOWER, UPPER]].to_numpy(dtype=np.float64)).all(axis=1)
    limited = pd.Series(finite, index=scored.index).groupby(level=SITE, sort=False).all()
    plain = [name for name in metrics if name not in INTERVAL_METRICS or bool(limited.any())]
    told = evaluate(scored, [SITE], plain).drop(columns="n_sites").reset_index()
    return told.assign(limited=limited.reindex(told[SITE]).to_numpy(dtype=bool))


def joined_measures(by_site: pd.DataFrame, method: str) -> pd.DataFrame:
    """The table of one method over all sites, as :func:`cblcast.forecast.evaluation.evaluate` makes it of all rows."""
    names = [name for name in by_site.columns if name not in (SITE, "n_events", "limited")]
    if not by_site["limited"].all():
        names = [name for name in names if name not in INTERVAL_METRICS]
    table = by_site.assign(method=method).groupby("method", sort=False)[names].mean()
    return table.assign(n_events=int(by_site["n_events"].sum()), n_sites=by_site[SITE].nunique())
