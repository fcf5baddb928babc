"""What a meter's record is worth: gaps, zeros, flat runs, negative values and spikes of each site."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import stamps
from cblcast.frames.known import known_mean_by, run_lengths
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED

FLAT_HOURS = 6.0
SPIKE_FACTOR = 3.0


def data_quality(panel: Panel) -> pd.DataFrame:
    """Counts by which a site is trusted or left out.

    Returns
    -------
    DataFrame, index site_id
        ``first``, ``last`` (UTC), ``step_min`` [min], ``rows``, ``missing``, ``missing_pct`` [%], ``longest_gap_h`` [h],
        ``zeros``, ``negative``, ``flat_rows`` (rows in runs of one value other than zero that last at least 6 h),
        ``longest_flat_h`` [h], ``spikes`` (rows above 3 times the site's own 99 % quantile of the absolute value),
        ``mean_kw``, ``peak_kw`` [kW].
    """
    value = panel.column(OBSERVED)
    site = np.asarray(panel.data.index.codes[0])
    n_sites = len(panel.site_ids)
    rows = np.bincount(site, minlength=n_sites)
    metered = np.isfinite(value)
    missing = rows - _count(site, metered, n_sites)
    magnitude = np.abs(np.where(metered, value, np.nan))
    high = pd.Series(magnitude).groupby(site).quantile(0.99).to_numpy()
    gap_length = run_lengths(~metered, site)
    flat = np.r_[False, (value[1:] == value[:-1]) & (site[1:] == site[:-1])] & (value != 0)
    # A run of n equal rows shows as n - 1 rows that equal the one before.
    flat_length = run_lengths(flat, site) + 1
    long_flat = flat & (flat_length * panel.step_hours >= FLAT_HOURS)
    starts = long_flat & ~np.r_[False, long_flat[:-1]]
    return pd.DataFrame(
        {
            "first": stamps(panel.first_times_us),
            "last": stamps(panel.last_times_us),
            "step_min": 60 * panel.step_hours,
            "rows": rows,
            "missing": missing,
            "missing_pct": 100.0 * missing / rows,
            "longest_gap_h": _largest(site, np.where(metered, 0, gap_length), n_sites) * panel.step_hours,
            "zeros": _count(site, value == 0, n_sites),
            "negative": _count(site, value < 0, n_sites),
            "flat_rows": _count(site, long_flat, n_sites) + _count(site, starts, n_sites),
            "longest_flat_h": _largest(site, np.where(long_flat, flat_length, 0), n_sites) * panel.step_hours,
            "spikes": _count(site, magnitude > SPIKE_FACTOR * high[site], n_sites),
            "mean_kw": known_mean_by(value, site, n_sites),
            "peak_kw": pd.Series(value).groupby(site).max().to_numpy(),
        },
        index=panel.site_ids,
    )


def _count(site: np.ndarray, what: np.ndarray, n_sites: int) -> np.ndarray:
    return np.bincount(site[what], minlength=n_sites)


def _largest(site: np.ndarray, what: np.ndarray, n_sites: int) -> np.ndarray:
    return np.maximum.reduceat(what, np.searchsorted(site, np.arange(n_sites)))
