"""Readings on their way from a file to a panel: what every reader makes, and every step takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.io.align import Rows
from cblcast.io.read_report import Kind, ReadReport
from cblcast.io.units import Unit

# What a series counts. LOAD is what a site takes, whether or not it gives as well; TOTAL is both directions added.
LOAD, IMPORT, EXPORT, TOTAL, NET = "load", "import", "export", "total", "net"


@dataclass(frozen=True)
class Series:
    """The series of a file: one for each site, direction and channel.

    Attributes
    ----------
    site : ndarray of int64, shape (k,)
        Position among the site ids.
    quantity : tuple of str, length k
        :data:`LOAD`, :data:`IMPORT`, :data:`EXPORT`, :data:`TOTAL` or :data:`NET`.
    unit : tuple of Unit or None, length k
        What the file says of the values; None where it says nothing.
    name : tuple of str, length k
        What the file calls them: a column, a suffix.
    dial : ndarray of int8, shape (k,)
        1 where the file says that the values are readings of a dial, -1 where it says that they are not, else 0.
    """

    site: np.ndarray
    quantity: tuple[str, ...]
    unit: tuple[Unit | None, ...]
    name: tuple[str, ...]
    dial: np.ndarray

    def take(self, keep: np.ndarray) -> Series:
        """Some of the series, by position."""
        at = np.flatnonzero(keep) if keep.dtype == bool else keep
        return Series(
            self.site[at],
            tuple(self.quantity[i] for i in at),
            tuple(self.unit[i] for i in at),
            tuple(self.name[i] for i in at),
            self.dial[at],
        )


@dataclass(frozen=True)
class Readings:
    """Readings of one or many series.

    Attributes
    ----------
    rows : Rows
        Sorted; ``site`` is the position of the series, ``us`` an instant at the start or end of the interval.
    series : Series
    site_ids : Index of str, sorted
    label : {"start", "end"}
    lengths : ndarray of int64, shape (n,), optional
        Length of each interval [us], where the format says it.
    where : callable
        Row number of the source → ``line 17 of meter.csv``.
    report : ReadReport
    """

    rows: Rows
    series: Series
    site_ids: pd.Index
    label: str
    lengths: np.ndarray | None
    where: Callable[[int], str]
    report: ReadReport

    def noting(self, kind: Kind, text: str, count: int = 1) -> Readings:
        """The same readings with one more note in their report."""
        return replace(self, report=self.report.noting(kind, text, count))

    def understanding(self, what: str, how: str) -> Readings:
        """The same readings with one more thing understood."""
        return replace(self, report=self.report.understanding(what, how))

    def but(self, **changes: Any) -> Readings:
        """The same readings but for `changes`."""
        return replace(self, **changes)

    def site_of_row(self) -> np.ndarray:
        """Position of each row's site, shape (n,)."""
        return self.series.site[self.rows.site]


@dataclass(frozen=True)
class Reading:
    """A panel, and how it was read."""

    panel: Panel
    report: ReadReport
