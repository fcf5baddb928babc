"""A portfolio: the sum of all sites as one further site, which is estimated and judged like any other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE, DataError
from cblcast.physics.wind import mean_direction


def with_portfolio(panel: Panel, name: str) -> Panel:
    """The panel with the sum of its sites as a further site.

    Parameters
    ----------
    panel : Panel
        Two sites or more, all of one zone.
    name : str
        Of the further site.

    Returns
    -------
    Panel
        Of the further site ``observed_kw``, the other columns in kW and ``rated_kw`` are sums over the sites, missing where
        one of them is; all other columns are means by rated power, equal where not every site has one, and directions
        (``_deg``) means on the circle. What its sites share of country, subdivision and segment it has, too.

    Raises
    ------
    DataError
        One site only, a name that is taken, or sites in different zones.
    """
    members = panel.site_ids
    if len(members) < 2:
        raise DataError(f"the portfolio {name!r} would be one site, {members[0]!r}: give two sites or more")
    if name in members:
        raise DataError(f"the portfolio cannot be called {name!r}, as one of its sites is: give it another name")
    zones = panel.sites["tz"].unique()
    if len(zones) > 1:
        raise DataError(
            f"the sites of the portfolio {name!r} lie in the zones {zones[0]} and {zones[1]}, so it has no local day: choose "
            "sites of one zone"
        )
    rated = panel.sites["rated_kw"].to_numpy(np.float64) if "rated_kw" in panel.sites else np.full(len(members), np.nan)
    share = (
        rated / rated.sum()
        if np.isfinite(rated).all() and (rated > 0).all()
        else np.full(len(members), 1 / len(members))
    )
    made = pd.DataFrame({column: _joined(panel.data[column], members, share) for column in panel.data.columns})
    index = pd.MultiIndex.from_product([[name], made.index], names=panel.data.index.names)
    data = pd.concat([panel.data, made.set_axis(index).astype(panel.data.dtypes.to_dict())]).sort_index()
    first = panel.sites.iloc[0]
    site = first.where((panel.sites == first).all())
    if "rated_kw" in panel.sites:
        site["rated_kw"] = rated.sum()
    sites = pd.concat([panel.sites, pd.DataFrame([site], index=pd.Index([name], name=SITE))])
    return replace(panel, data=data, sites=sites.astype(panel.sites.dtypes.to_dict()))


def _joined(column: pd.Series, members: pd.Index, share: np.ndarray) -> pd.Series:
    """One column of all sites as one, index ``time``."""
    wide = column.astype(np.float64).unstack(SITE)[list(members)]
    name, values = str(column.name), wide.to_numpy()
    if name == OBSERVED or name.endswith("_kw"):
        return pd.Series(values.sum(1), index=wide.index)
    if name.endswith("_deg"):
        return pd.Series(np.where(np.isfinite(values).all(1), mean_direction(values, axis=1), np.nan), index=wide.index)
    return pd.Series(values @ share, index=wide.index)
