"""Is there enough data of a site: gates that name every reason against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.known import run_lengths
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED


@dataclass(frozen=True)
class Limits:
    """What a site's data must hold to.

    Attributes
    ----------
    history_days : int
        Least number of local days that are metered to `day_share`.
    day_share : float
        Least metered share of a day; a day below it is an outage day.
    missing_share : float
        Largest share of intervals that were not metered, within the site's own span.
    gap_hours : float
        Longest run that was not metered [h].
    outage_share : float
        Largest share of outage days.
    negative_share : float
        Largest share of metered intervals with a negative load (export, or a swapped sign).
    flat_hours : float
        Longest run of one and the same load above zero [h]: a frozen meter.
    """

    history_days: int = 60
    day_share: float = 0.9
    missing_share: float = 0.1
    gap_hours: float = 72.0
    outage_share: float = 0.1
    negative_share: float = 0.0
    flat_hours: float = 72.0


def sufficiency(panel: Panel, limits: Limits | None = None) -> pd.DataFrame:
    """Figures and verdict of each site.

    Returns
    -------
    DataFrame, index site_id
        ``history_days``, ``missing_share``, ``gap_hours``, ``outage_share``, ``negative_share``, ``flat_hours``,
        ``sufficient`` and ``reasons``: every limit that is not kept, in words, joined by "; ".
    """
    limits = limits or Limits()
    figures = pd.DataFrame(_figures(panel, limits.day_share), index=panel.site_ids)
    reasons = [_reasons(row, limits) for row in figures.to_dict("records")]
    return figures.assign(sufficient=[not each for each in reasons], reasons=["; ".join(each) for each in reasons])


def _figures(panel: Panel, day_share: float) -> dict[str, np.ndarray]:
    load = panel.column(OBSERVED)
    site = np.asarray(panel.data.index.codes[0])
    seen = np.isfinite(load)
    # The span of a site runs from its first to its last reading: rows before and after are no gaps.
    rows = np.flatnonzero(seen)
    first_seen, last_seen = np.full(len(panel.sites), len(load)), np.full(len(panel.sites), -1)
    np.minimum.at(first_seen, site[rows], rows)
    np.maximum.at(last_seen, site[rows], rows)
    own = (np.arange(len(load)) >= first_seen[site]) & (np.arange(len(load)) <= last_seen[site])
    n = np.bincount(site[own], minlength=len(panel.sites))
    metered = np.bincount(site[seen], minlength=len(n))
    negative = np.bincount(site[seen & (load < 0)], minlength=len(n))
    cube = panel.cube(OBSERVED).values
    any_day = np.isfinite(cube).any(2)
    share = np.isfinite(cube).mean(2)
    first, last = any_day.argmax(1), any_day.shape[1] - any_day[:, ::-1].argmax(1)
    span = np.where(any_day.any(1), last - first, 0)
    good = (share >= day_share).sum(1)
    # A frozen meter repeats a reading; a plant at rest repeats zero, which is no fault.
    repeats = np.r_[False, (load[1:] == load[:-1]) & (site[1:] == site[:-1]) & (load[1:] > 0)]
    return {
        "history_days": good,
        "missing_share": np.where(n > 0, 1 - metered / np.maximum(n, 1), 1.0),
        "gap_hours": _longest_run(own & ~seen, site, len(n)) * panel.step_hours,
        "outage_share": np.where(span > 0, 1 - good / np.maximum(span, 1), 1.0).clip(0, 1),
        "negative_share": negative / np.maximum(metered, 1),
        "flat_hours": (_longest_run(repeats, site, len(n)) + 1) * panel.step_hours,
    }


def _longest_run(flag: np.ndarray, site: np.ndarray, n_sites: int) -> np.ndarray:
    """Longest run of True of each site, in intervals."""
    longest = np.zeros(n_sites, dtype=np.int64)
    np.maximum.at(longest, site[flag], run_lengths(flag, site)[flag])
    return longest


def _reasons(row: dict[str, float], limits: Limits) -> list[str]:
    rules = (
        (
            row["history_days"] < limits.history_days,
            f"history: {row['history_days']:.0f} days metered, {limits.history_days} needed",
        ),
        (
            row["missing_share"] > limits.missing_share,
            f"gaps: {100 * row['missing_share']:.1f} % not metered, at most {100 * limits.missing_share:g} %",
        ),
        (
            row["gap_hours"] > limits.gap_hours,
            f"gaps: {row['gap_hours']:g} h in a row not metered, at most {limits.gap_hours:g} h",
        ),
        (
            row["outage_share"] > limits.outage_share,
            f"outages: {100 * row['outage_share']:.1f} % of days, at most {100 * limits.outage_share:g} %",
        ),
        (
            row["negative_share"] > limits.negative_share,
            f"negative load: {100 * row['negative_share']:.2f} % of intervals, at most {100 * limits.negative_share:g} %",
        ),
        (
            row["flat_hours"] > limits.flat_hours,
            f"frozen meter: {row['flat_hours']:g} h of one and the same load, at most {limits.flat_hours:g} h",
        ),
    )
    return [words for broken, words in rules if broken]
