"""Sites made of the twelve bundled Cambridge buildings: real days, each building again and again at another scale. No portfolio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.frames.panel import Panel

SEED = 18


def tiled(n_sites: int, first: str, last: str, offset: int = 0) -> Panel:
    """A panel of `n_sites` sites between two days: load and temperature."""
    whole = datasets.load("cambridge_sme")
    time = whole.data.index.get_level_values("time")
    keep = (time >= pd.Timestamp(first, tz="UTC")) & (time < pd.Timestamp(last, tz="UTC") + pd.Timedelta(days=1))
    data = whole.data[keep][["observed_kw", "temp_air_c"]]
    buildings = {site: own.droplevel("site_id") for site, own in data.groupby("site_id")}
    names, ids, frames = list(buildings), [], []
    for number in range(offset, offset + n_sites):
        own = buildings[names[number % len(names)]].copy()
        own["observed_kw"] *= np.random.default_rng([SEED, number]).uniform(0.5, 2.0)
        ids.append(f"s{number:06d}")
        frames.append(own)
    sites = whole.sites.loc[[names[number % len(names)] for number in range(offset, offset + n_sites)]]
    return Panel(pd.concat(frames, keys=ids, names=["site_id"]), sites.set_axis(pd.Index(ids, name="site_id")))


def write_store(folder: Path, n_sites: int, first: str, last: str, sites_a_file: int) -> None:
    """Long rows of tiled sites, some sites a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for offset in range(0, n_sites, sites_a_file):
        panel = tiled(min(sites_a_file, n_sites - offset), first, last, offset)
        panel.data.reset_index().to_parquet(folder / f"part_{offset:06d}.parquet", index=False)
