"""Quantile levels: which of them is the estimate, and which are the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cblcast.frames.schema import StudyError

PERCENTILES = tuple(round(k / 100, 2) for k in range(1, 100))


@dataclass(frozen=True)
class Levels:
    """Checked levels of a quantile learner.

    Attributes
    ----------
    values : tuple of float
        Ascending, in (0, 1).
    """

    values: tuple[float, ...]

    @classmethod
    def of(cls, levels: Sequence[float]) -> Levels:
        """Levels, or the sentence that says why they are none."""
        found = np.asarray(levels, dtype=np.float64)
        if found.ndim != 1 or not len(found) or not ((found > 0) & (found < 1)).all() or (np.diff(found) <= 0).any():
            raise StudyError(f"levels ascend and lie between 0 and 1, not {levels!r}")
        return cls(tuple(found.tolist()))

    def nearest(self, level: float) -> int:
        """Position of the level nearest to `level`."""
        return int(np.abs(np.array(self.values) - level).argmin())

    @property
    def median(self) -> int:
        """Position of the level that is the estimate: the nearest to a half."""
        return self.nearest(0.5)

    def tails(self, coverage: float) -> tuple[int, int]:
        """Positions of the levels nearest to the two tails that leave `coverage` between them."""
        return self.nearest((1 - coverage) / 2), self.nearest((1 + coverage) / 2)


class QuantileLearner:
    """What is alike in all that have `predict_quantiles`: the estimate and the limits are among its levels.

    Attributes
    ----------
    levels : sequence of float
    coverage : float or None
        Nominal coverage of the limits. None asks for the levels nearest to `usual_coverage`, whatever they are; a coverage
        that is asked for must be among the levels.
    usual_coverage : float
    """

    levels: Sequence[float]
    coverage: float | None
    usual_coverage: ClassVar[float] = 0.8

    def check(self) -> None:
        """Raise :class:`StudyError` for levels that are none, and for a coverage that they do not hold."""
        levels = Levels.of(self.levels)
        if self.coverage is None:
            return
        if not 0 < self.coverage < 1:
            raise StudyError(f"coverage lies between 0 and 1 (0.8 for 80 %), not {self.coverage}")
        tails = (1 - self.coverage) / 2, (1 + self.coverage) / 2
        missing = [tail for tail in tails if abs(levels.values[levels.nearest(tail)] - tail) > 1e-9]
        if missing:
            raise StudyError(
                f"{type(self).__name__} has no level {missing[0]:.4g}, where the limits of {100 * self.coverage:g} % "
                f"coverage lie: add it to levels, or ask for the coverage of levels that are there"
            )

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """All levels, ascending in every row, float64, shape (n_rows, n_levels)."""
        raise NotImplementedError

    def predict_distribution(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """The estimate, shape (n_rows,), and all levels, shape (n_rows, n_levels), float64, in the unit of y."""
        quantiles = self.predict_quantiles(X)
        return quantiles[:, Levels.of(self.levels).median], quantiles

    def predict(self, X: Any) -> np.ndarray:
        """The level nearest to the median, in the unit of y, float64, shape (n_rows,)."""
        return self.predict_distribution(X)[0]

    def predict_interval(self, X: Any) -> np.ndarray:
        """The levels at the two tails of the coverage, in the unit of y, float64, shape (n_rows, 2).

        Raises
        ------
        StudyError
            The coverage is not among the levels, or both tails are nearest to one level.
        """
        return self.predict_quantiles(X)[:, list(self.tails())]

    def tails(self) -> tuple[int, int]:
        """Positions of the two levels that are the limits; :class:`StudyError` where there are none."""
        self.check()
        levels = Levels.of(self.levels)
        low, high = levels.tails(self.usual_coverage if self.coverage is None else self.coverage)
        if low == high:
            raise StudyError(
                f"{type(self).__name__} has one level, {levels.values[low]:g}, and no limits: "
                "give levels on both sides of the median"
            )
        return low, high
