"""A portfolio of any size, drawn from real days: synthetic, but with the load curves and the weather link of real meters.

Each site takes after one real site. On each of its days it has a real day of that site which was of the same kind and like in
temperature and season, times its own size and a little noise. Sites are drawn in blocks that have their own seeds, so that any
part of a portfolio can be made alone, by anybody, and is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cblcast.simulate.real_days import RealDays, like

BLOCK = 1000  # sites with one seed


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Synthetic sites.

    Attributes
    ----------
    pool : RealDays
    first_day : int
        Local day, since 1970-01-01.
    n_days : int
    alike : int
        Of so many real days that are most like it a day is drawn.
    spread : float
        Standard deviation of the logarithm of a site's size.
    noise : float
        Standard deviation of what each reading is multiplied by, around 1.
    seed : int
    """

    pool: RealDays
    first_day: int
    n_days: int
    alike: int = 10
    spread: float = 0.5
    noise: float = 0.05
    seed: int = 0

    @property
    def days(self) -> np.ndarray:
        """Local days, since 1970-01-01; int64, shape (n_days,)."""
        return np.arange(self.n_days, dtype=np.int64) + self.first_day

    @cached_property
    def weather_days(self) -> np.ndarray:
        """The real days whose weather the portfolio has: the same dates of one real year; int64, shape (n_days,)."""
        years = self.pool.years
        if not years:
            return np.full(self.n_days, -1, dtype=np.int64)
        year = years[np.random.default_rng([self.seed, 2]).integers(len(years))]
        dates = self.days.astype("M8[D]")
        month = dates.astype("M8[M]")
        same_month = np.datetime64(f"{year}-01", "M") + month.astype(np.int64) % 12
        last = ((same_month + 1).astype("M8[D]") - 1).astype(np.int64)  # 29 February is the 28th of most years
        return np.minimum(same_month.astype("M8[D]").astype(np.int64) + (dates - month).astype(np.int64), last)

    @cached_property
    def temp_c(self) -> np.ndarray:
        """Mean outdoor temperature of each day [degC], NaN where it is unknown; shape (n_days,)."""
        at = self.weather_days - self.pool.first_day
        inside = (at >= 0) & (at < len(self.pool.temp_c))
        return np.where(inside, self.pool.temp_c[np.where(inside, at, 0)], np.nan)

    @cached_property
    def _candidates(self) -> np.ndarray:
        return like(self.pool, self.days, self.temp_c, self.alike)

    def loads(self, first: int, stop: int) -> np.ndarray:
        """Loads of the sites first … stop - 1 [kW], to the watt; float32, shape (stop - first, n_days, n_slots)."""
        blocks = [self._block(number) for number in range(first // BLOCK, -(-stop // BLOCK))]
        begin = first // BLOCK * BLOCK
        whole = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
        return whole[first - begin : stop - begin]

    def likeness(self, first: int, stop: int) -> list[str]:
        """The real site that each of some sites takes after."""
        blocks = [self._drawn(number)[0] for number in range(first // BLOCK, -(-stop // BLOCK))]
        begin = first // BLOCK * BLOCK
        return [self.pool.names[number] for number in np.concatenate(blocks)[first - begin : stop - begin]]

    def _drawn(self, block: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
        rng = np.random.default_rng([self.seed, 1, block])
        after = rng.integers(len(self.pool.names), size=BLOCK)
        size = np.exp(rng.normal(0.0, self.spread, BLOCK)).astype(np.float32)
        return after, size, rng

    def _block(self, block: int) -> np.ndarray:
        after, size, rng = self._drawn(block)
        pick = rng.integers(self.alike, size=(BLOCK, self.n_days))
        rows = self._candidates[after[:, None], np.arange(self.n_days), pick]
        loads = self.pool.loads[rows]
        factor = rng.standard_normal(loads.shape, dtype=np.float32)
        factor *= np.float32(self.noise)
        factor += 1
        np.maximum(factor, 0, out=factor)
        loads *= factor
        loads *= size[:, None, None]
        return np.round(loads, 3, out=loads)


def site_names(first: int, stop: int) -> list[str]:
    """Names that sort as the sites are numbered: ``synthetic-00000017``."""
    return [f"synthetic-{number:08d}" for number in range(first, stop)]
