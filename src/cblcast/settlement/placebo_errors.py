"""How wrong a rule is at the same hours on days on which nothing happened: the errors that intervals are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.days.like_days import History, conditions
from cblcast.days.ordinary import ordinary_days
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PREDICTED, SITE
from cblcast.programs.fitting import needed_panel
from cblcast.programs.model import Program
from cblcast.settlement.estimate import Estimate, estimate
from cblcast.settlement.sums import add_sums, site_sums

Key = tuple[str, str]  # clock and kind of day
DAYS_AT_ONCE = 50_000  # bounds the memory


@dataclass(frozen=True, eq=False)
class Tried:
    """How a rule did at one clock on one kind of day.

    Attributes
    ----------
    sites : Index
    history : History
        One unit a site; ``error`` is estimate minus metered energy [kWh], > 0 where the rule claims too much.
    sums : DataFrame
        As :func:`cblcast.settlement.sums.site_sums` makes them, of the same days.
    """

    sites: pd.Index
    history: History
    sums: pd.DataFrame

    def rows(self, sites: pd.Index) -> np.ndarray:
        """Position of each site, -1 where it was not tried."""
        return np.asarray(self.sites.get_indexer(sites))

    @classmethod
    def join(cls, parts: Sequence[Tried]) -> Tried:
        """Parts whose sites differ, as one."""
        if len(parts) == 1:
            return parts[0]
        days = np.unique(np.concatenate([part.history.days for part in parts]))
        names = ("error", "warmth_c", "load_kw")
        whole = {name: np.full((sum(len(part.sites) for part in parts), len(days)), np.nan) for name in names}
        first = 0
        for part in parts:
            rows = np.arange(first, first + len(part.sites))
            columns = np.searchsorted(days, part.history.days)
            for name in names:
                whole[name][np.ix_(rows, columns)] = getattr(part.history, name)
            first += len(part.sites)
        sites = parts[0].sites.append([part.sites for part in parts[1:]])
        return cls(sites, History(days, **whole), add_sums([part.sums for part in parts]))


@dataclass(frozen=True)
class Trial:
    """How a rule did on days on which nothing happened, at each clock and kind of day of the events."""

    tried: dict[Key, Tried]

    @classmethod
    def join(cls, trials: Sequence[Trial]) -> Trial:
        """The trials of some of the sites as that of all."""
        keys = dict.fromkeys(key for trial in trials for key in trial.tried)
        return cls({key: Tried.join([trial.tried[key] for trial in trials if key in trial.tried]) for key in keys})


def placebo_errors(
    program: Program, panel: Panel, masked: Panel, events: pd.DataFrame, days_before: int = 60, days_after: int = 60
) -> Trial:
    """Energy errors of `program` on days without events, at the clock of the events.

    Parameters
    ----------
    panel, masked : Panel
        As metered, and with real events masked.
    events : DataFrame
    days_before, days_after : int
        Days before the first and after the last event that are tried too.

    """
    tried = {}
    for ordinary in ordinary_days(masked, events, days_before, days_after):
        days = ordinary.days
        if "notified" in ordinary.like.columns:
            # An adjustment that ends at the notification is tried with the notice that these events had.
            notice = (ordinary.like["start"] - ordinary.like["notified"]).median().floor(panel.step)
            days = days.assign(notified=days["start"] - notice)
        whole = needed_panel(program, masked, days[SITE].unique().tolist())
        parts = [_tried(program, whole, part) for part in _blocks(days)]
        tried[ordinary.span.clock, ordinary.span.kind] = Tried.join(parts)
    return Trial(tried)


def _tried(program: Program, panel: Panel, days: pd.DataFrame) -> Tried:
    found = estimate(program, panel, days, reasons=False)
    return Tried(*_history(panel, days, found), site_sums(found, days))


def _blocks(days: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """`days` some sites at a time: the intervals of all at once would not fit."""
    if len(days) <= DAYS_AT_ONCE:
        yield days
        return
    code = pd.factorize(days[SITE])[0]  # sorted by site
    block = code * -(-len(days) // DAYS_AT_ONCE) // (code[-1] + 1)
    for number in np.unique(block):
        yield days[block == number].reset_index(drop=True)


def _history(panel: Panel, days: pd.DataFrame, found: Estimate) -> tuple[pd.Index, History]:
    error = found.energy(PREDICTED) - found.energy(OBSERVED)
    wanted = np.bincount(found.event, weights=found.hours, minlength=len(days)) > 0
    seen = conditions(panel, days)
    sites = pd.Index(days[SITE].unique())
    when, column = np.unique(seen["day"].to_numpy(), return_inverse=True)
    row = sites.get_indexer(pd.Index(days[SITE]))
    values = {
        "error": np.where(wanted, error, np.nan),
        "warmth_c": seen["warmth_c"].to_numpy(),
        "load_kw": seen["load_kw"].to_numpy(),
    }
    grids = {name: np.full((len(sites), len(when)), np.nan) for name in values}
    for name, grid in grids.items():
        grid[row, column] = values[name]
    return sites, History(when, **grids)
