"""Weather forecasts at and around each interval: the variables of the nowcast paper.

Table 2 of Dupré et al. 2020 as far as a product has it: wind components, norm of the wind, shear and temperature
difference between two levels, temperature, pressure; how wrong they have been is :mod:`cblcast.features.nwp_error`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Pairs, SignedHours
from cblcast.features.feature_frame import feature_frame
from cblcast.frames.cases import EventArrays
from cblcast.frames.instants import HOUR_US, MINUTE_US
from cblcast.frames.outlook import Outlook, warn_of_gaps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError
from cblcast.wishes import union, widest

AGE_SUFFIX = "run_age_h"  # see cblcast.io.nwp.AGE


@dataclass(frozen=True)
class Nwp:
    """Columns of weather products at the interval, and at whole or half hours about the origin.

    Columns: each of `columns` at the interval under its own name; ``<column>_cubed`` of `cubed`, since the power in the
    wind goes with the cube of its speed; ``shear_<upper>_<lower>`` [m/s] and
    ``difference_<upper>_<lower>`` (of temperatures [K]) of pairs; ``<column>_at_<h>h``, the column `h` hours after the
    origin, for `path`; ``lead_min``, minutes from the last visible interval to this one, with `lead`.

    A column of forecast runs is looked up for each case: the value of the newest run that had arrived when the case was issued,
    hours before its origin included; an older run stands in where the newest lacks the hour. A case is issued at its origin,
    or at ``hidden_from`` where that is earlier.

    Parameters
    ----------
    columns : tuple of str
        Columns of the panel, or of its forecast runs (``<product>_run_age_h`` is how old the run is).
    cubed : tuple of str
    shear, difference : tuple of (upper, lower)
    path : tuple of str
        Columns that are looked up at `hours`.
    path_difference : tuple of (upper, lower)
        Differences of two columns that are looked up at `hours`.
    hours : tuple of float
        Hours after the origin; negative before.
    lead : bool

    Raises
    ------
    DataError
        A measured column, or one that nobody declared a forecast; a run that was issued after the origin.
    """

    columns: tuple[str, ...] = union(("wind_speed_100m_ms",))
    cubed: tuple[str, ...] = union(())
    shear: Pairs = union(())
    difference: Pairs = union(())
    path: tuple[str, ...] = union(())
    path_difference: Pairs = union(())
    hours: tuple[SignedHours, ...] = union(())
    lead: bool = widest(False)

    def __post_init__(self) -> None:
        check_fields(self)

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        pairs = (*self.shear, *self.difference, *self.path_difference)
        return tuple(
            dict.fromkeys((*self.columns, *self.cubed, *self.path, *(name for pair in pairs for name in pair)))
        )

    def columns_ahead(self) -> tuple[str, ...]:
        """Columns that are read on hidden hours too, and so must be known ahead."""
        return self.reads_columns()

    def intervals_back(self, step_h: float) -> int:
        """Intervals before the blindfold that are looked at."""
        return intervals_of(self.hours, step_h)

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        ahead = outlook(panel, event)
        found = {name: ahead.value(name) for name in self.columns}
        found |= {f"{name}_cubed": ahead.value(name) ** 3 for name in self.cubed}
        for upper, lower in self.shear:
            found[f"shear_{upper}_{lower}"] = ahead.value(upper) - ahead.value(lower)
        for upper, lower in self.difference:
            found[f"difference_{upper}_{lower}"] = ahead.value(upper) - ahead.value(lower)
        by_event: dict[str, np.ndarray] = {}
        about = outlook_at(panel, event, self.hours)
        names = dict.fromkeys((*self.path, *(name for pair in self.path_difference for name in pair)))
        seen = {name: about.value(name) for name in names}
        at = {name: values.reshape(len(self.hours), len(event.site)) for name, values in seen.items()}
        for k, hours in enumerate(self.hours):
            by_event |= {f"{name}_at_{hours:g}h": at[name][k] for name in self.path}
            for upper, lower in self.path_difference:
                by_event[f"difference_{upper}_{lower}_at_{hours:g}h"] = at[upper][k] - at[lower][k]
        warn_of_gaps(ahead)
        last = {"lead_min": lead_minutes(panel, event)} if self.lead else {}
        return feature_frame(cases, event.event_of_row, found, by_event, last)


def intervals_of(hours: tuple[float, ...], step_h: float) -> int:
    """Intervals back to the earliest of some hours about the origin."""
    return ceil(max((0.0, *(-each for each in hours))) / step_h) + 1


def outlook(panel: Panel, event: EventArrays) -> Outlook:
    """What is foreseen of the interval of each row, as known when its case is issued."""
    of = event.event_of_row
    refuse_later_runs(panel, event.site[of], event.time_us, event.start_us[of])
    return Outlook(panel, event.site[of], event.time_us, issued_us(event)[of])


def outlook_at(panel: Panel, event: EventArrays, hours: tuple[float, ...]) -> Outlook:
    """What is foreseen, or was, some `hours` after the origin of each event; the ends of the panel are held for plain columns.

    One value for each of the hours and event, all events of the first hour first.
    """
    after = np.array([round(each * HOUR_US) for each in hours], dtype=np.int64)
    site, start, issued = (np.tile(each, len(after)) for each in (event.site, event.start_us, issued_us(event)))
    times = start + np.repeat(after, len(event.site))
    refuse_later_runs(panel, site, times, start)
    return Outlook(panel, site, times, issued, held=True)


def issued_us(event: EventArrays) -> np.ndarray:
    """When each event's estimate is issued [us UTC]: at its origin, or when its blindfold begins where that is earlier."""
    return np.minimum(event.start_us, event.hidden_from_us)


def refuse_later_runs(panel: Panel, site: np.ndarray, times_us: np.ndarray, origin_us: np.ndarray) -> None:
    """Raise :class:`DataError` where the weather at `times_us` comes from a run issued after `origin_us`."""
    for column in panel.data.columns.tolist():
        if not str(column).endswith(AGE_SUFFIX):
            continue
        issued = times_us - panel.values_at(str(column), site, times_us) * HOUR_US
        late = np.isfinite(issued) & (issued > origin_us + 1)
        if late.any():
            k = int(np.flatnonzero(late)[0])
            after = (issued[k] - origin_us[k]) / HOUR_US
            raise DataError(
                f"the case of site {panel.site_ids[site[k]]!r} with origin {_instant(origin_us[k])} would see a weather run issued "
                f"{after:.1f} h after it (for {_instant(times_us[k])}): attach the weather with a longer horizon_h, by "
                f"{after:.1f} h or more"
            )


def lead_minutes(panel: Panel, event: EventArrays) -> np.ndarray:
    """Minutes from the label of the last visible interval to the label of each row, shape (n_rows,)."""
    last_label = event.hidden_from_us - panel.step_us
    return (event.time_us - last_label[event.event_of_row]) / MINUTE_US


def _instant(us: float) -> pd.Timestamp:
    return pd.Timestamp(int(us), unit="us", tz="UTC")
