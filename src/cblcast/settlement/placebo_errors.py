"""How wrong a rule is at the same hours on days on which nothing happened: the errors that intervals are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.days.ordinary import ordinary_days
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.panel import Panel, local_clock
from cblcast.frames.schema import OBSERVED, PREDICTED, SITE
from cblcast.programs.fitting import needed_panel
from cblcast.programs.model import Program
from cblcast.settlement.estimate import Estimate, estimate
from cblcast.settlement.sums import add_sums, site_sums

ERROR_COLUMNS = ["program", SITE, "day", "clock", "kind", "error_kwh"]


@dataclass(frozen=True)
class Trial:
    """How a rule did on days on which nothing happened.

    Attributes
    ----------
    errors : DataFrame
        :data:`ERROR_COLUMNS`: estimate minus metered energy [kWh] of each site and day, > 0 where it claims too much.
    sums : dict (clock, kind) -> DataFrame
        As :func:`cblcast.settlement.sums.site_sums` makes them, of the same days.
    """

    errors: pd.DataFrame
    sums: dict[tuple[str, str], pd.DataFrame]

    @classmethod
    def join(cls, trials: Sequence[Trial]) -> Trial:
        """The trials of some of the sites as that of all."""
        keys = dict.fromkeys(key for trial in trials for key in trial.sums)
        sums = {key: add_sums([trial.sums[key] for trial in trials if key in trial.sums]) for key in keys}
        return cls(pd.concat([trial.errors for trial in trials], ignore_index=True), sums)


def placebo_errors(program: Program, panel: Panel, masked: Panel, events: pd.DataFrame, days_around: int = 60) -> Trial:
    """Energy errors of `program` on days without events, at the clock of the events.

    Parameters
    ----------
    panel, masked : Panel
        As metered, and with real events masked.
    events : DataFrame
    days_around : int
        Days before the first and after the last event that are tried too.

    """
    parts, sums = [], {}
    for ordinary in ordinary_days(masked, events, days_around):
        days = ordinary.days
        if "notified" in ordinary.like.columns:
            # An adjustment that ends at the notification is tried with the notice that these events had.
            notice = (ordinary.like["start"] - ordinary.like["notified"]).median().floor(panel.step)
            days = days.assign(notified=days["start"] - notice)
        whole = needed_panel(program, masked, days[SITE].unique().tolist())
        found = estimate(program, whole, days)
        clock, kind = ordinary.span.clock, ordinary.span.kind
        parts.append(_errors(program, whole, days, found).assign(clock=clock, kind=kind))
        sums[clock, kind] = site_sums(found, days)
    nothing = pd.DataFrame(columns=ERROR_COLUMNS).astype({"error_kwh": np.float64})
    errors = pd.concat(parts, ignore_index=True)[ERROR_COLUMNS] if parts else nothing
    return Trial(errors, sums)


def _errors(program: Program, panel: Panel, days: pd.DataFrame, found: Estimate) -> pd.DataFrame:
    inside = found.scored
    number = found.event[inside]
    error = (found.rows[PREDICTED].to_numpy() - found.rows[OBSERVED].to_numpy())[inside] * panel.step_hours
    total = np.bincount(number, weights=np.nan_to_num(error), minlength=len(days))
    known = np.bincount(number, weights=np.isfinite(error), minlength=len(days))
    wanted = np.bincount(number, minlength=len(days))
    local = local_clock(panel, panel.site_codes(pd.Index(days[SITE])), microseconds(days["start"]))
    return pd.DataFrame(
        {
            "program": program.name,
            SITE: days[SITE].to_numpy(),
            "day": (local // DAY_US).astype("M8[D]").astype("M8[s]"),
            "error_kwh": np.where((wanted > 0) & (known == wanted), total, np.nan),
        }
    )
