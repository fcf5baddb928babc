"""The zone of each site of a store, and the days on which its clock changes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.errors import DataError, DataWarning
from cblcast.frames.cube import local_day_and_slot
from cblcast.frames.instants import DAY_US, instants_of_wall
from cblcast.io.clock import check_zone
from cblcast.io.store.footers import Name


@dataclass(frozen=True)
class Zones:
    """Whose clock counts the days of a site.

    Attributes
    ----------
    sites : sequence of DataFrame
        Index site_id, column ``tz``; the first that says a site's counts.
    tz : str or None
        Of every site that `sites` do not say.
    store : str
        Name of the store, for errors.
    """

    sites: Sequence[pd.DataFrame]
    tz: str | None
    store: str

    def of(self, names: Sequence[Name]) -> np.ndarray:
        """IANA zone of each name, object, shape (n,); an unknown one is a :class:`DataError`."""
        told: np.ndarray = np.full(len(names), None, dtype=object)
        for sites in self.sites:
            if "tz" in sites.columns:
                own = sites["tz"].reindex([str(name) for name in names]).to_numpy(dtype=object)
                told = np.where(pd.isna(told), own, told)
        unknown = np.asarray(pd.isna(told))
        if unknown.any():
            if self.tz is None:
                raise DataError(
                    f"the time zone of site {str(names[int(unknown.argmax())])!r} of {self.store} is unknown, and days are local: "
                    "name it (tz='Europe/Rome'; --tz Europe/Rome), or give sites with a column tz"
                )
            told[unknown] = self.tz
        for zone in set(told):
            check_zone(zone)
        return told


def zone_of_files(store: str, noted: Mapping[str, str | None], tz: str | None) -> str | None:
    """The zone of all sites of a store: `tz` where it is given, else what its files note, where they agree.

    Parameters
    ----------
    noted : mapping
        File → the zone that its writer noted.

    Warns
    -----
    DataWarning
        Files that note another zone than `tz`, or than each other.
    """
    of_zones: dict[str, str] = {}
    for file, zone in noted.items():
        if zone is not None:
            of_zones.setdefault(zone, file)
    other = next((zone for zone in of_zones if zone != tz), None)
    if tz is not None and other is not None:
        warnings.warn(
            f"{of_zones[other]} of {store} was written for sites in {other}, and is read as of {tz}: leave --tz out, or give the "
            "zone of each site (--sites)",
            DataWarning,
            stacklevel=3,
        )
    elif len(of_zones) > 1:
        told = " and ".join(f"{zone} ({file})" for zone, file in list(of_zones.items())[:2])
        warnings.warn(
            f"the files of {store} were written for sites in {told}: give the zone of each site (--sites)",
            DataWarning,
            stacklevel=3,
        )
    one = set(noted.values())
    return tz or (one.pop() if len(one) == 1 else None)


@dataclass(frozen=True, eq=False)
class ClockChange:
    """A local day that is not 24 hours long.

    Attributes
    ----------
    slots : ndarray of int64, shape (elapsed,)
        Wall-clock slot of each interval that passes: one lacks in spring, in autumn one stands twice.
    skipped : ndarray of int64
        Slots that the day does not have.
    """

    slots: np.ndarray
    skipped: np.ndarray


def clock_changes(days: np.ndarray, tz: str, step_us: int) -> dict[int, ClockChange]:
    """Those of some local days (since 1970-01-01, any order) on which the clock of a zone changes."""
    found: dict[int, ClockChange] = {}
    begin = midnights(days, tz)
    length = midnights(days + 1, tz) - begin
    # A change of an hour does not show in slots that are longer.
    for at in np.flatnonzero((length != DAY_US) & (length % step_us == 0)):
        times = begin[at] + np.arange(length[at] // step_us) * step_us
        slots = local_day_and_slot(times, tz, step_us)[1]
        found[int(days[at])] = ClockChange(slots, np.setdiff1d(np.arange(DAY_US // step_us), slots))
    return found


def midnights(days: np.ndarray, tz: str) -> np.ndarray:
    """The first instant of local days (since 1970-01-01) [us UTC], int64."""
    return instants_of_wall(np.asarray(days, dtype=np.int64) * DAY_US, tz)
