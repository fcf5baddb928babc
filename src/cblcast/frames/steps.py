"""The one step of a panel: what the distances of its times say, and two steps refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import microseconds
from cblcast.frames.known import run_lengths, run_starts
from cblcast.frames.schema import DataError

# So many equal long distances in a row are another step; readings do not go missing that regularly.
MISSING_NEVER_AS_REGULAR = 6


def common_step(data: pd.DataFrame) -> int:
    """The one step of all sites [us]; two steps in a site, or two sites with two steps, are errors."""
    codes = np.asarray(data.index.codes[0])
    times = microseconds(data.index.levels[1])[data.index.codes[1]]
    gaps = np.diff(times)
    same_site = codes[1:] == codes[:-1]
    if not same_site.any():
        raise DataError("no site has two rows, so the step is unknown: give at least one day of intervals")
    gaps[~same_site] = gaps[same_site.argmax()]  # between sites there is no gap; below only those within a site count
    step = int(gaps.min())
    if step == gaps.max():  # as most files are: nothing is odd, finer or coarser
        return step
    odd = np.flatnonzero(same_site & (gaps % step != 0))
    usual, how_often = np.unique(gaps[same_site], return_counts=True)
    common = int(usual[how_often.argmax()])
    # A second, finer step shows as many short gaps beside many long ones; a lone gap is only missing data.
    finer = np.flatnonzero(same_site & (gaps < common))
    _refuse_second_step(data, common, gaps, odd if len(odd) else finer)
    common = _check_every_site_keeps(common, data, codes, gaps, same_site)
    coarser = _steady_runs(np.where(same_site & (gaps > common), gaps, 0), MISSING_NEVER_AS_REGULAR)
    _refuse_second_step(data, common, gaps, coarser)
    return common


def _refuse_second_step(data: pd.DataFrame, common: int, gaps: np.ndarray, where: np.ndarray) -> None:
    if len(where):
        site, time = data.index[int(where[0])]
        raise DataError(
            f"site {site!r} changes its step near {time} (from {pd.Timedelta(common, unit='us')} to "
            f"{pd.Timedelta(int(gaps[where[0]]), unit='us')}): resample the file to one step "
            "(step='60min'; --step 60min)"
        )


def _steady_runs(gaps: np.ndarray, length: int) -> np.ndarray:
    """Where runs of at least `length` equal gaps begin; zeros do not count."""
    first = run_starts(gaps)
    return first[(run_lengths(gaps)[first] >= length) & (gaps[first] > 0)]


def _check_every_site_keeps(
    step: int, data: pd.DataFrame, codes: np.ndarray, gaps: np.ndarray, same_site: np.ndarray
) -> int:
    """Sites whose own usual step is longer than the panel's are named rather than filled with NaN."""
    inner_codes = codes[1:][same_site]
    kept = np.bincount(inner_codes, weights=gaps[same_site] == step, minlength=codes.max() + 1)
    total = np.bincount(inner_codes, minlength=codes.max() + 1)
    slow = np.flatnonzero((total > 1) & (kept < 0.5 * total))
    if len(slow):
        site = data.index.levels[0][slow[0]]
        raise DataError(
            f"site {site!r} has another step than the panel's {pd.Timedelta(step, unit='us')}: "
            "resample all sites to one step (step='60min'; --step 60min)"
        )
    return step
