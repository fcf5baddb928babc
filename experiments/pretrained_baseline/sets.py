"""Which sites teach and which judge: panels of all sets, their licence, and how they are split by site and time."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.frames.cases import View
from cblcast.frames.instants import DAY_US, HOUR_US, stamps
from cblcast.frames.panel import Panel, clock_instants
from cblcast.frames.schema import OBSERVED, SITE

VIEWS = {
    "real_time": View.real_time(),
    "real_time_2h": View.real_time(lead_in=2),
    "settlement": View.settlement(),
    "day_ahead": View.day_ahead(),
}
# Windows a day of each set: as many as its days are few, so that no set is a footnote.
WINDOWS_A_DAY = {"cambridge": 1, "turin": 4, "fontana_homes": 2, "fontana_net": 1, "sydney_home": 4, "lcl_homes": 1}
SHIP = ("cambridge", "turin", "fontana_homes", "sydney_home")
FIRST_HOUR, LAST_HOUR = 8, 22


def cambridge() -> Panel:
    """The buildings of the estate without apportioned copies: all where CBLCAST_DATA_DIR has them, else the bundled twelve."""
    if not os.environ.get(datasets.ENVIRONMENT_VARIABLE):
        panel = datasets.load("cambridge_sme")
        return Panel(panel.data[[OBSERVED, "temp_air_c"]], panel.sites)
    panel = datasets.load("cambridge")
    kept = [site for site in panel.site_ids if str(panel.sites.loc[site, "scaled_copy_of"]) == ""]
    panel = panel.select(kept)
    return Panel(panel.data[[OBSERVED, "temp_air_c"]], panel.sites)


def homes(name: str, column: str = "load_kw") -> Panel:
    """Homes with PV: what they use, or with ``observed_kw`` what the grid meter counts."""
    panel = datasets.load(name)
    data = panel.data.assign(**{OBSERVED: panel.data[column].astype("float32")})
    return Panel(data[[c for c in (OBSERVED, "temp_air_c") if c in data.columns]], panel.sites)


def london() -> Panel:
    """Homes on the fixed tariff (nobody was asked to shift) that used 20 W or more on average in the evening."""
    panel = datasets.load("lcl_homes")
    fixed = [site for site in panel.site_ids if panel.sites.loc[site, "tariff_group"] == "Std"]
    local = panel.data.index.get_level_values("time").tz_convert("Europe/London")
    evening = panel.data[OBSERVED][(local.hour >= 17) & (local.hour < 20)].groupby(SITE).mean()
    return panel.select([str(site) for site in fixed if evening[site] >= 0.02])


def french_home() -> Panel:
    """One French home, hourly; its clock is local, the double hours of autumn are left out."""
    frame = pd.read_parquet(
        Path(os.environ[datasets.ENVIRONMENT_VARIABLE]) / "load" / "uci_household_hourly_2006_2010.parquet"
    )
    time = frame.index.tz_localize("Europe/Paris", ambiguous="NaT", nonexistent="NaT").tz_convert("UTC")
    load = pd.Series(frame["load_kw"].to_numpy(), index=time)
    load = load[load.index.notna()]
    data = pd.DataFrame(
        {OBSERVED: load.to_numpy()},
        index=pd.MultiIndex.from_product([["uci_home"], load.index.as_unit("us")], names=[SITE, "time"]),
    )
    sites = pd.DataFrame(
        {"tz": "Europe/Paris", "country": "FR", "subdivision": "", "segment": "home"},
        index=pd.Index(["uci_home"], name=SITE),
    )
    return Panel(data, sites)


LOADERS = {
    "cambridge": cambridge,
    "turin": lambda: datasets.load("turin"),
    "fontana_homes": lambda: homes("fontana_homes"),
    "fontana_net": lambda: homes("fontana_homes", OBSERVED),
    "sydney_home": lambda: homes("sydney_home"),
    "lcl_homes": london,
    "uci_home": french_home,
}


def random_windows(
    panel: Panel, a_day: int, seed: int, first: str | None = None, last: str | None = None
) -> pd.DataFrame:
    """Windows of 2 to 4 hours between 8 and 22 o'clock of any local day, `a_day` of each site and day, on whole hours.

    Returns
    -------
    DataFrame
        ``site_id``, ``start``, ``stop``; only windows whose hours the panel holds and the meter metered.
    """
    rng = np.random.default_rng(seed)
    cube = panel.cube(OBSERVED)
    site, day = (part.ravel() for part in np.indices((len(panel.site_ids), cube.n_days)))
    site, day = np.repeat(site, a_day), np.repeat(day, a_day) + cube.first_day
    hours = rng.integers(2, 5, len(site))
    begin = FIRST_HOUR + rng.integers(0, LAST_HOUR - FIRST_HOUR - hours + 1)
    dates = day.astype("M8[D]")
    keep = np.ones(len(site), dtype=bool)
    if first is not None:
        keep &= dates >= np.datetime64(first)
    if last is not None:
        keep &= dates <= np.datetime64(last)
    site, day, hours, begin = site[keep], day[keep], hours[keep], begin[keep]
    start = clock_instants(panel, site, day * DAY_US + begin * HOUR_US)
    stop = start + hours * HOUR_US
    inside = (start >= panel.first_times_us[site]) & (stop <= panel.last_times_us[site] + panel.step_us)
    site, start, stop = site[inside], start[inside], stop[inside]
    order = np.lexsort((stop, start, site))
    site, start, stop = site[order], start[order], stop[order]
    once = np.r_[True, (site[1:] != site[:-1]) | (start[1:] != start[:-1])]
    return pd.DataFrame(
        {SITE: panel.site_ids.take(site[once]), "start": stamps(start[once]), "stop": stamps(stop[once])}
    )
