"""What a meter's record is worth: gaps, zeros, flat runs, negative values and spikes of each site."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from cblcast.frames.instants import DAY_US, local_microseconds, stamps
from cblcast.frames.known import known_mean_by, run_lengths
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE, DataWarning

FLAT_HOURS = 6.0
SPIKE_FACTOR = 3.0
# Of what nobody should be paid for: far beyond what data_quality counts.
ODD_FACTOR = 5.0
DEAD_DAYS = 7
DEAD_SHARE = 0.01
BLOCK_ROWS = 1 << 17  # some MB: what is between stays in the cache
_TOLD = "odd_days_told"  # among the attributes of a panel's data, which pandas hands on


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


def odd_days(panel: Panel) -> pd.DataFrame:
    """Days on which a meter says what no customer did: no baseline and no payment should rest on them.

    Returns
    -------
    DataFrame
        ``site_id``, ``day`` (local date), ``what``: ``"a spike, or a meter exchange booked in one interval"`` (above 5 times the
        site's own 99 % quantile of the absolute value while its neighbours are ordinary, or above 10 times) or
        ``"a dead meter"`` (within 1 % of nothing, zero or noise, for 7 days or more).
    """
    value = panel.column(OBSERVED)
    site = np.asarray(panel.data.index.codes[0])
    level = _usual_high(value, site, len(panel.site_ids))
    out, still = _beside_usual(value, site, level)
    spike = _spikes(np.abs(value), site, level, out) if len(out) else out
    dead = _dead(still, value, site, DEAD_DAYS * DAY_US // panel.step_us)
    found = [
        _days_of(panel, rows, site, what)
        for rows, what in ((spike, "a spike, or a meter exchange booked in one interval"), (dead, "a dead meter"))
    ]
    return pd.concat(found, ignore_index=True)


def warn_about_constant_meters(panel: Panel) -> None:
    """Warn of sites whose meter says the same throughout: a baseline of theirs is that number, and says nothing of a customer.

    Warns
    -----
    DataWarning
    """
    value = panel.column(OBSERVED)
    known = np.isfinite(value)
    site = np.asarray(panel.data.index.codes[0])[known]
    spread = pd.Series(value[known]).groupby(site).agg(["min", "max", "size"])
    same = spread[(spread["min"] == spread["max"]) & (spread["size"] > 1)]
    if same.empty:
        return
    names = panel.site_ids[same.index.to_numpy()]
    warnings.warn(
        f"{len(same)} of {len(panel.site_ids)} meters say the same throughout, e.g. {names[0]!r} {same['min'].iloc[0]:g} kW: a "
        "meter that is stuck, or an estimate; its baseline is that number, so look at the meter before anything is paid",
        DataWarning,
        stacklevel=2,
    )


def _beside_usual(value: np.ndarray, site: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows far above a site's usual high, and which rows are nearly nothing; block by block, so that what is between stays small."""
    still = np.empty(len(value), dtype=bool)
    out = []
    for first in range(0, len(value), BLOCK_ROWS):
        rows = slice(first, first + BLOCK_ROWS)
        size, high = np.abs(value[rows]), level[site[rows]]
        with np.errstate(invalid="ignore"):
            out.append(first + np.flatnonzero(size > ODD_FACTOR * high))
            still[rows] = ~(size > DEAD_SHARE * high) & np.isfinite(high)
    return np.concatenate(out) if out else np.empty(0, dtype=np.int64), still


def odd_day_sentences(panel: Panel, source: str) -> list[tuple[str, int]]:
    """A sentence for each kind of odd day, with the first days, and how many there are."""
    found = odd_days(panel)
    told = []
    for what, rows in found.groupby("what", sort=False):
        days = [f"{row.site_id} {row.day:%Y-%m-%d}" for row in rows.head(5).itertuples()]
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        sentence = f"{source}: {what} on {len(rows)} days ({', '.join(days)}{more}): mend or drop them before money rests on them"
        told.append((sentence, len(rows)))
    return told


def odd_days_told(panel: Panel) -> Panel:
    """`panel`, whose odd days have been told: panels made of its data are not told of again."""
    panel.data.attrs[_TOLD] = True
    return panel


def warn_of_odd_days(panel: Panel) -> None:
    """Warn of the odd days of a panel before a model or a payment rests on them, once.

    Warns
    -----
    DataWarning
        Naming the days; not where the reader of its file has named them.
    """
    if panel.data.attrs.get(_TOLD):
        return
    for sentence, _ in odd_day_sentences(odd_days_told(panel), "the panel"):
        warnings.warn(sentence, DataWarning, stacklevel=3)


def _spikes(value: np.ndarray, site: np.ndarray, level: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Of values that stand out, those that stand out by far, or alone among ordinary ones."""
    around = np.stack([np.clip(high + step, 0, len(value) - 1) for step in (-2, 2)])
    beside = np.where(site[around] == site[high], value[around], np.nan)
    alone = ~(beside > 2 * level[site[high]]).any(0)
    return high[alone | (value[high] > 2 * ODD_FACTOR * level[site[high]])]


def _dead(still: np.ndarray, value: np.ndarray, site: np.ndarray, enough: int) -> np.ndarray:
    """Rows of runs of at least `enough` rows without life, at least half of them metered."""
    if np.count_nonzero(still) < enough or not _may_hold_a_run(still, enough):
        return np.empty(0, dtype=np.int64)
    dead = np.flatnonzero(still & (run_lengths(still, site) >= enough))
    if len(dead) == 0:
        return dead
    run = np.cumsum(np.r_[True, (np.diff(dead) > 1) | (site[dead[1:]] != site[dead[:-1]])]) - 1
    metered = np.bincount(run, np.isfinite(value[dead])) / np.bincount(run)
    return dead[metered[run] >= 0.5]


def _may_hold_a_run(still: np.ndarray, enough: int) -> bool:
    """False where no run of `enough` rows can be: such a run covers a multiple of `enough`, and half of `enough` to one side."""
    at = np.arange(0, len(still), enough)
    at = at[still[at]]
    before, after = at, at
    for offset in np.linspace(0, enough // 2, 9).astype(np.int64)[1:]:
        before = before[still[np.maximum(before - offset, 0)]]
        after = after[still[np.minimum(after + offset, len(still) - 1)]]
    return len(before) + len(after) > 0


def _usual_high(value: np.ndarray, site: np.ndarray, n_sites: int) -> np.ndarray:
    """The 99 % quantile of each site's absolute value, of some 8,000 of its rows; NaN where too few are metered."""
    bounds = np.searchsorted(site, np.arange(n_sites + 1))
    high = np.full(n_sites, np.nan)
    for number in range(n_sites):
        own = value[bounds[number] : bounds[number + 1]]
        own = own[:: max(1, len(own) // 8000)]
        own = np.abs(own[np.isfinite(own)])
        if len(own) >= 200:
            quantile = float(np.quantile(own, 0.99))
            high[number] = quantile if quantile > 0 else np.nan
    return high


def _days_of(panel: Panel, rows: np.ndarray, site: np.ndarray, what: str) -> pd.DataFrame:
    zones = panel.sites["tz"].to_numpy(dtype=object)
    parts = [
        pd.DataFrame(
            {
                SITE: panel.site_ids[number],
                "day": np.unique(
                    local_microseconds(panel.times_us[rows[site[rows] == number]], zones[number]) // DAY_US
                ).astype("M8[D]"),
                "what": what,
            }
        )
        for number in np.unique(site[rows])
    ]
    empty = pd.DataFrame(
        {SITE: pd.Series(dtype="str"), "day": pd.Series(dtype="M8[s]"), "what": pd.Series(dtype="str")}
    )
    return pd.concat(parts, ignore_index=True) if parts else empty


def _count(site: np.ndarray, what: np.ndarray, n_sites: int) -> np.ndarray:
    return np.bincount(site[what], minlength=n_sites)


def _largest(site: np.ndarray, what: np.ndarray, n_sites: int) -> np.ndarray:
    return np.maximum.reduceat(what, np.searchsorted(site, np.arange(n_sites)))
