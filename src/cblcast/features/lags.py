"""What a site has just measured, as of each case's origin: lags, recent means, spreads and ramps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Steps, StepsOrNone
from cblcast.features.feature_frame import feature_frame
from cblcast.frames.cases import EventArrays
from cblcast.frames.one_look import shared
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED
from cblcast.wishes import union


@dataclass(frozen=True)
class Lags:
    """The newest measured intervals that a case may see, counted back from its origin.

    Everything measured at a site is under the blindfold here, not only the power: a nacelle's wind speed at the target
    interval is no more known than its power. `ago` 1 is the last interval that ends at or before ``hidden_from``.

    Columns: ``<column>_ago_<k>``; ``<column>_mean_<n>`` and ``<column>_sd_<n>`` over the last `n` intervals (NaN where
    less than a third of them was measured); ``<column>_ramp_<n>``, the last interval minus the one `n` before it; for
    `directions` ``<column>_sin_ago_<k>`` and ``<column>_cos_ago_<k>`` for `direction_ago`; ``<column>_ago_1`` of `latest`.

    Parameters
    ----------
    columns : tuple of str
        Columns of the panel.
    ago, means, spreads, ramps : tuple of int
        Numbers of intervals.
    directions : tuple of str
        Columns in degrees; as sine and cosine, because 359° lies beside 1°.
    direction_ago : tuple of int
        Numbers of intervals for directions.
    latest : tuple of str
        Further columns of which only the last interval is wanted.
    hold : int
        A value stands in for up to so many missing intervals after it.
    """

    columns: tuple[str, ...] = union((OBSERVED,))
    ago: tuple[Steps, ...] = union((1, 2, 3))
    means: tuple[Steps, ...] = union(())
    spreads: tuple[Steps, ...] = union(())
    ramps: tuple[Steps, ...] = union(())
    directions: tuple[str, ...] = union(())
    direction_ago: tuple[Steps, ...] = union((1,))
    latest: tuple[str, ...] = union(())
    hold: StepsOrNone = 6

    def __post_init__(self) -> None:
        check_fields(self)

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        return tuple(
            name for name in dict.fromkeys((*self.columns, *self.directions, *self.latest)) if name != OBSERVED
        )

    def columns_ahead(self) -> tuple[str, ...]:
        """None: everything is looked up before the blindfold."""
        return ()

    def intervals_back(self, step_h: float) -> int:
        """Intervals before the blindfold that are looked at."""
        return (
            max((1, *self.ago, *self.means, *self.spreads, *self.direction_ago, *(n + 1 for n in self.ramps)))
            + self.hold
        )

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        past = Past.of(panel, cases)
        found: dict[str, np.ndarray] = {}
        for column in self.columns:
            values = panel.column(column)
            held = past.held(values, self.hold)
            found |= {f"{column}_ago_{k}": past.ago(held, k) for k in self.ago}
            found |= {f"{column}_mean_{n}": past.mean(values, n) for n in self.means}
            found |= {f"{column}_sd_{n}": past.spread(values, n) for n in self.spreads}
            found |= {f"{column}_ramp_{n}": past.ago(held, 1) - past.ago(held, n + 1) for n in self.ramps}
        for column in self.directions:
            angle = np.radians(panel.column(column))
            for part, name in ((np.sin(angle), "sin"), (np.cos(angle), "cos")):
                held = past.held(part, self.hold)
                found |= {f"{column}_{name}_ago_{k}": past.ago(held, k) for k in self.direction_ago}
        found |= {f"{column}_ago_1": past.ago(past.held(panel.column(column), self.hold), 1) for column in self.latest}
        return past.frame(found, cases)


class RunningSums:
    """Count, sum and sum of squares up to each row, of what is known of some values, each made when it is first asked for.

    Sums of what lies before a window cancel; centred on the first known value, so that little is lost.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.known = np.isfinite(values)
        self.offset = float(values[self.known.argmax()]) if self.known.any() else 0.0
        self.centred = np.where(self.known, values - self.offset, 0.0)

    @cached_property
    def count(self) -> np.ndarray:
        """Shape (n + 1,), as the others; 0 first."""
        return _running(self.known.astype(np.float64))

    @cached_property
    def total(self) -> np.ndarray:
        """Of the values less the offset."""
        return _running(self.centred)

    @cached_property
    def square(self) -> np.ndarray:
        """Of the squares of these."""
        return _running(self.centred**2)


def _running(values: np.ndarray) -> np.ndarray:
    out = np.zeros(len(values) + 1)
    np.cumsum(values, out=out[1:])
    return out


@dataclass(frozen=True, eq=False)
class Past:
    """Lookups before each case's blindfold, one value per event.

    Attributes
    ----------
    panel : Panel
    last : ndarray of int64, shape (n_events,)
        Panel row of the last interval that ends at or before ``hidden_from``; rows before `first` do not exist.
    first : ndarray of int64, shape (n_events,)
        First panel row of the event's site.
    event_of_row : ndarray of int64, shape (n_rows,)
    """

    panel: Panel
    last: np.ndarray
    first: np.ndarray
    event_of_row: np.ndarray
    _newest: list[tuple[np.ndarray, RunningSums]] = field(default_factory=list, init=False, repr=False)

    @classmethod
    def of(cls, panel: Panel, cases: pd.DataFrame) -> Past:
        """Where each event of `cases` (sorted) stands in the panel."""
        return shared(_past, panel, cases)

    @cached_property
    def stop(self) -> int:
        """Panel row that, with all after it, no case may see."""
        return int(self.last.max(initial=-1)) + 1

    def held(self, values: np.ndarray, limit: int) -> np.ndarray:
        """`values` (panel rows) with each NaN replaced by the newest value at most `limit` rows older at its site.

        Rows that no case may see stay as they are.
        """
        known = np.isfinite(values[: self.stop])
        gaps = np.flatnonzero(~known)
        if not len(gaps):
            return values
        out = np.array(values, dtype=np.float64)
        out[gaps] = np.nan
        there = np.flatnonzero(known)
        place = np.searchsorted(there, gaps) - 1
        gaps, place = gaps[place >= 0], place[place >= 0]
        newest = there[place]
        site = np.asarray(self.panel.data.index.codes[0])
        usable = (gaps - newest <= limit) & (site[newest] == site[gaps])
        out[gaps[usable]] = values[newest[usable]]
        return out

    def ago(self, values: np.ndarray, k: int) -> np.ndarray:
        """`values` of the k-th interval back, shape (n_events,); NaN before the panel begins."""
        row = self.last - (k - 1)
        return np.where(row >= self.first, values[np.maximum(row, 0)], np.nan)

    def mean(self, values: np.ndarray, n: int) -> np.ndarray:
        """Mean of the last `n` intervals, NaN where less than a third was measured."""
        return self._mean(values, n) + self._of_newest(values).offset

    def spread(self, values: np.ndarray, n: int) -> np.ndarray:
        """Standard deviation over the last `n` intervals."""
        mean, count = self._mean(values, n), np.maximum(self._over(self._of_newest(values).count, n), 1.0)
        square = np.where(np.isnan(mean), np.nan, self._over(self._of_newest(values).square, n) / count)
        return np.sqrt(np.maximum(square - mean**2, 0.0))

    def _mean(self, values: np.ndarray, n: int) -> np.ndarray:
        """The mean less the offset."""
        sums = self._of_newest(values)
        count = self._over(sums.count, n)
        enough = (count >= max(1.0, n / 3)) & (self.last >= self.first)
        return np.where(enough, self._over(sums.total, n) / np.maximum(count, 1.0), np.nan)

    def _over(self, running: np.ndarray, n: int) -> np.ndarray:
        """What a running sum grew by over the last `n` intervals."""
        last = np.maximum(self.last, -1)
        begin = np.maximum(last + 1 - n, np.minimum(self.first, last + 1))
        return np.asarray(running[last + 1] - running[begin])

    def _of_newest(self, values: np.ndarray) -> RunningSums:
        """Running sums of what may be seen of `values`; those of the newest are kept, which means and spreads share."""
        if not self._newest or self._newest[0][0] is not values:
            self._newest[:] = [(values, RunningSums(values[: self.stop]))]
        return self._newest[0][1]

    def frame(self, found: dict[str, np.ndarray], cases: pd.DataFrame) -> pd.DataFrame:
        """Values per event as a frame with the rows of `cases`."""
        return feature_frame(cases, self.event_of_row, found)


def _past(panel: Panel, cases: pd.DataFrame) -> Past:
    event = EventArrays.of(panel, cases)
    begin = panel.first_times_us[event.site]
    first = panel.locate(event.site, begin)
    # Blindfolds may begin off the grid: the interval that contains the instant is hidden too.
    steps = (event.hidden_from_us - begin) // panel.step_us
    count = (panel.last_times_us[event.site] - begin) // panel.step_us + 1
    return Past(panel, first + np.where(steps <= count, steps, -(1 << 40)) - 1, first, event.event_of_row)
