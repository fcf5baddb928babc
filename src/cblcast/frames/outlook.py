"""What was foreseen for some intervals, as known at an instant each: forecast runs and plain columns alike."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cblcast.frames.forecast_runs import ForecastRuns, Found
from cblcast.frames.instants import stamp
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, DataWarning
from cblcast.frames.sources import Origin

CHUNK = 500_000  # look-ups at a time, so that memory stays small


@dataclass(frozen=True, eq=False)
class Outlook:
    """Weather of intervals as it was known before them.

    A column of forecast runs gives, for each interval, the value of the newest run that had arrived when it was looked up; a
    reanalysis, or a forecast without runs, gives what its column holds. A measured column is refused.

    Attributes
    ----------
    panel : Panel
    site : ndarray of int64, shape (n,)
        Position of the site in the panel.
    time_us : ndarray of int64, shape (n,)
        Start of the interval; the weather is that of its centre, or the mean over it where the product's step is shorter.
    known_us : ndarray of int64, shape (n,)
        When it is looked up.
    held : bool
        Whether the first and the last value of a plain column stand for what lies before and after the panel.
    """

    panel: Panel
    site: np.ndarray
    time_us: np.ndarray
    known_us: np.ndarray
    held: bool = False
    _found: dict[tuple[str, int], list[Found]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def rows(self) -> np.ndarray:
        """Row of the panel that a plain column is read at, int64, shape (n,); -1 where the panel has none."""
        times = self.time_us
        if self.held:
            times = np.clip(times, self.panel.first_times_us[self.site], self.panel.last_times_us[self.site])
        return self.panel.locate(self.site, times)

    def value(self, name: str) -> np.ndarray:
        """Values of a column, float64, shape (n,); NaN where nothing was known.

        Raises
        ------
        DataError
            A measured column, which nobody knows ahead; no such column.
        """
        runs = self.panel.runs_of(name)
        if runs is None:
            return np.where(self.rows >= 0, self.panel.column(foreseeable(self.panel, name))[self.rows], np.nan)
        points = self.found(runs, runs.group_of(name))
        if name == runs.age:
            return np.mean([runs.age_h(point, self.time_us) for point in points], axis=0)
        values = [runs.value(name, point) for point in points]
        if len(values) == 1:
            return values[0]
        if np.iscomplexobj(runs.values[name]):  # directions are averaged as vectors
            turns = np.exp(1j * np.radians(values)).mean(axis=0)
            return np.degrees(np.angle(turns)) % 360.0
        return np.asarray(np.mean(values, axis=0))

    def found(self, runs: ForecastRuns, group: int = 0) -> list[Found]:
        """Where the values stand, one entry for each instant of an interval that is looked up."""
        key = (runs.product, group)
        if key not in self._found:
            block = runs.blocks_of(self.panel.site_ids)[self.site]
            n = max(1, self.panel.step_us // max(1, runs.step_us))
            self._found[key] = [
                _in_chunks(
                    runs, group, block, self.time_us + self.panel.step_us * (2 * k + 1) // (2 * n), self.known_us
                )
                for k in range(n)
            ]
        return self._found[key]


def warn_of_gaps(outlook: Outlook) -> None:
    """Warn of intervals whose forecast is that of an older run, and of those that have none, product by product."""
    for runs in outlook.panel.runs:
        looked = [found for (product, _), found in outlook._found.items() if product == runs.product]
        if not looked or not len(outlook.site):
            continue
        points = [point for found in looked for point in found]
        none = np.any([point.run < 0 for point in points], axis=0)
        older = np.any([point.older > 0 for point in points], axis=0) & ~none
        if none.any() or older.any():
            at = int(none.argmax() if none.any() else older.argmax())
            warnings.warn(
                f"{runs.product}: {int(older.sum())} of {len(older)} intervals take an older run, since the newest that had arrived lacks "
                f"them, and {int(none.sum())} have no forecast, e.g. site {outlook.panel.site_ids[outlook.site[at]]!r} as known at "
                f"{stamp(outlook.known_us[at])} for {stamp(outlook.time_us[at])}{_why_none(outlook, runs, at) if none.any() else ''}",
                DataWarning,
                stacklevel=3,
            )


def _why_none(outlook: Outlook, runs: ForecastRuns, at: int) -> str:
    """Why an interval has no forecast: which run was the newest then, and where it ends; the end of a sentence."""
    block = int(runs.blocks_of(outlook.panel.site_ids)[outlook.site[at]])
    if block < 0:
        return ", for which the file has no run"
    mine = slice(runs.first_run[block], runs.first_run[block + 1])
    issued = runs.issued_us[mine][runs.arrived_us[mine] <= outlook.known_us[at]]
    if not len(issued):
        return f", when no run had arrived: the first arrives at {stamp(runs.arrived_us[mine].min())}"
    newest = int(issued.max())
    last = runs.last_value_us(block, newest)
    before = f": the newest run then had been issued at {stamp(newest)}"
    if outlook.time_us[at] + outlook.panel.step_us // 2 > last + runs.hold_us:
        return f"{before} and ends at {stamp(last)}; give newer runs, or a shorter horizon"
    return f"{before} and lacks the hour"


def foreseeable(panel: Panel, name: str) -> str:
    """The name itself where the column may be known ahead; a measured one is a :class:`DataError`."""
    if name not in panel.data.columns:
        panel.column(name)  # says what there is instead
    source = panel.source(name)
    if source.origin is Origin.MEASURED:
        why = (
            "is measured at the site"
            if source.declared
            else "counts as measured at the site, since nobody said otherwise,"
        )
        raise DataError(
            f"{name!r} {why} and not known ahead: use it in lags, which look before the origin, or declare it, if it is a "
            f"forecast (kinds: {{{name}: forecast}} under data: of a study, panel.declare({{{name!r}: 'forecast'}})); "
            "runs with an issue_time belong under data.forecasts:"
        )
    return name


def then_known(panel: Panel, name: str) -> np.ndarray:
    """A column as it was known at the start of each interval of the panel, float64, shape (n_rows,)."""
    if panel.runs_of(name) is None:
        return panel.column(foreseeable(panel, name))
    site = np.asarray(panel.data.index.codes[0], dtype=np.int64)
    return Outlook(panel, site, panel.times_us, panel.times_us).value(name)


def _in_chunks(runs: ForecastRuns, group: int, block: np.ndarray, time_us: np.ndarray, known_us: np.ndarray) -> Found:
    parts = [
        runs.find(group, block[at : at + CHUNK], time_us[at : at + CHUNK], known_us[at : at + CHUNK])
        for at in range(0, max(1, len(block)), CHUNK)
    ]
    if len(parts) == 1:
        return parts[0]
    return Found(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("run", "left", "share", "older"))
    )
