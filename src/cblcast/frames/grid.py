"""The grid of a panel: every interval of a site between its first and its last, after a look that they are not far too many."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import microseconds, stamps
from cblcast.frames.known import run_starts
from cblcast.frames.schema import PANEL_INDEX, DataError
from cblcast.frames.stray import LONGEST_GAP_US, date_of, refuse_stray_times

# A panel is so many times what was metered at most, beyond what costs nothing.
MOST_ROWS_A_READING, FEW_ROWS = 50, 5_000_000


def refuse_stray_rows(data: pd.DataFrame, step_us: int) -> None:
    """Name a date far from the rest before rows up to it are laid out."""
    codes = np.asarray(data.index.codes[0])
    times = microseconds(data.index.levels[1])
    refuse_stray_times(times, lambda at: "the panel", "row")
    if _rows_laid_out(data, step_us)[1].sum() == len(codes):  # most panels have no gap at all
        return
    own = times[data.index.codes[1]]
    gaps = np.where(codes[1:] == codes[:-1], np.diff(own), 0)
    cells = float(np.sum(gaps // step_us)) + len(own)
    longest = int(gaps.argmax())
    if gaps[longest] > LONGEST_GAP_US or cells > max(MOST_ROWS_A_READING * len(own) + FEW_ROWS, len(own)):
        raise DataError(
            f"site {data.index.levels[0][codes[longest]]!r} has no row from {date_of(own[longest])} to {date_of(own[longest + 1])}, "
            f"and {cells:,.0f} rows at {pd.Timedelta(step_us, unit='us')} would be laid out: mend the date, or drop the row"
        )


def completed(data: pd.DataFrame, step_us: int) -> pd.DataFrame:
    """Insert the missing rows of each site between its first and last, as NaN."""
    codes = np.asarray(data.index.codes[0])
    first_row, counts = _rows_laid_out(data, step_us)
    if counts.sum() == len(data):
        return data
    times = microseconds(data.index.levels[1])[data.index.codes[1]]
    new_first = np.cumsum(counts) - counts
    full = np.repeat(times[first_row] - new_first * step_us, counts) + np.arange(counts.sum()) * step_us
    position = new_first[codes] + (times - times[first_row][codes]) // step_us
    where, instants = pd.factorize(full, sort=True)  # hashes; np.unique would sort every row
    index = pd.MultiIndex(
        levels=[data.index.levels[0], stamps(instants)],
        codes=[np.repeat(codes[first_row], counts), where],
        names=PANEL_INDEX,
        verify_integrity=False,
    )
    columns = {}
    for column in data.columns:
        values = data[column].to_numpy()
        columns[column] = np.full(len(full), np.nan, dtype=values.dtype if values.dtype.kind == "f" else np.float64)
        columns[column][position] = values
    return pd.DataFrame(columns, index=index)


def _rows_laid_out(data: pd.DataFrame, step_us: int) -> tuple[np.ndarray, np.ndarray]:
    """First row of each site, and how many rows it has from its first time to its last."""
    codes = np.asarray(data.index.codes[0])
    times, when = microseconds(data.index.levels[1]), np.asarray(data.index.codes[1])
    first_row = run_starts(codes)
    last_row = np.r_[first_row[1:] - 1, len(codes) - 1]
    return first_row, (times[when[last_row]] - times[when[first_row]]) // step_us + 1
