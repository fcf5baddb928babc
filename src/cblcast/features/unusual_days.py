"""Whether the event day runs unlike its calendar: closed, above everything of late, or after a change of level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Days, Share
from cblcast.days.day_types import DayTypes
from cblcast.days.ledger import day_ledger
from cblcast.features.day_loads import mean_by_event, reference_load, reject_unmetered_events
from cblcast.features.hour_blocks import HourBlocks, hour_blocks
from cblcast.frames.cases import EventArrays
from cblcast.frames.known import known_mean
from cblcast.frames.panel import Panel

_USUAL_DAYS, _CLOSED_DAYS, _ALL_DAYS = 10, 6, 20
_NEWEST = 2  # days that a change of level shows on; the ten before them are what it is measured against
_NEAR_HOURS, _DAY_HOURS = 4, 10  # seen hours before the event: what its level is told from, and what a whole day is
_TRUST = (0.8, 1.25)  # so far a closed day is scaled to meet the meter


@dataclass(frozen=True)
class UnusualDays:
    """How the event day runs against days of its own type, and against those of the other types; no look at what is hidden.

    Columns, the shares NaN where the load of usual days is not above zero or nothing is seen:

    ``unusual_seen_share``    load of the four nearest seen hours before the event, over its median on the ten newest days
                              of the event day's type
    ``unusual_closed_share``  the same of the six newest days of other types (weekends, holidays)
    ``unusual_above_share``   share of the seen hours (of the ten before the event) with more load than any of the twenty
                              newest days had then
    ``unusual_above_hours``   how many hours that share is of [h]
    ``unusual_newest_share``  event load of the newest two days, the higher one, over the least of the ten days before them
    ``unusual_closed_kw``     mean of the six days of other types at the interval, scaled by at most 0.8 to 1.25 to meet the
                              seen hours
    ``unusual_carried_kw``    mean of the ten newest days, shifted by all that the seen hours stand above them
    ``unusual_newest_kw``     mean of the newest two days

    Parameters
    ----------
    look_back_days : int
    day_types : str or eight labels
    min_metered_share : float
    """

    look_back_days: Days = 60
    day_types: DayTypes = "working"
    min_metered_share: Share = 0.9

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        event = EventArrays.of(panel, cases)
        row = event.event_of_row
        usual, closed = (self._days(panel, event, unlike) for unlike in (False, True))
        load, rest = (reference_load(panel, event, days) for days in (usual, closed))
        hours, others = (hour_blocks(panel, event, days, _DAY_HOURS, 0) for days in (usual, closed))
        near = hours.nearest_seen(_NEAR_HOURS)
        seen = known_mean(np.where(near, hours.today, np.nan))
        expected = _median(_levels(hours, near)[:, :_USUAL_DAYS])
        on_closed = _median(_levels(others, near))
        positive = np.where(expected > 0, expected, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            met = np.clip(seen / np.where(on_closed > 0, on_closed, np.nan), *_TRUST)
        above, count = _above(hours)
        by_event = {
            "seen_share": seen / positive,
            "closed_share": on_closed / positive,
            "above_share": above,
            "above_hours": count,
            "newest_share": _newest_share(mean_by_event(load, event)),
        }
        by_row = {
            "closed_kw": known_mean(rest) * met[row],
            "carried_kw": known_mean(load[:, :_USUAL_DAYS]) + (seen - expected)[row],
            "newest_kw": known_mean(load[:, :_NEWEST]),
        }
        values = {name: value[row] for name, value in by_event.items()} | by_row
        return pd.DataFrame({f"unusual_{name}": value for name, value in values.items()}, index=cases.index)

    def _days(self, panel: Panel, event: EventArrays, unlike: bool) -> np.ndarray:
        ledger = day_ledger(
            panel,
            event,
            look_back_days=self.look_back_days,
            day_types=self.day_types,
            gap_days=0,
            min_metered_share=self.min_metered_share,
            unlike=unlike,
        )
        ledger = reject_unmetered_events(panel, event, ledger, self.min_metered_share)
        return ledger.newest(_CLOSED_DAYS if unlike else _ALL_DAYS)


def _levels(blocks: HourBlocks, near: np.ndarray) -> np.ndarray:
    """Mean load of the hours `near` on each day [kW], shape (n_events, n_days)."""
    return known_mean(np.where(near[:, None, :], blocks.then.astype(np.float64), np.nan), 2)


def _above(blocks: HourBlocks) -> tuple[np.ndarray, np.ndarray]:
    """Share of the seen hours with more load than on any reference day, and how many hours could be compared."""
    known = np.isfinite(blocks.then)
    most = np.where(known, blocks.then, -np.inf).max(1)
    comparable = np.isfinite(blocks.today) & known.any(1)
    count = comparable.sum(1).astype(np.float64)
    return (comparable & (blocks.today > most)).sum(1) / np.where(count > 0, count, np.nan), count


def _newest_share(event_kw: np.ndarray) -> np.ndarray:
    """Event load of the newest days, the highest, over the least of the ten before them; NaN where these are too few."""
    newest, before = event_kw[:, :_NEWEST], event_kw[:, _NEWEST : _NEWEST + _USUAL_DAYS]
    enough = np.isfinite(newest).all(1) & (np.isfinite(before).sum(1) == _USUAL_DAYS)
    least = np.where(np.isfinite(before), before, np.inf).min(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(enough & (least > 0), newest.max(1) / least, np.nan)


def _median(values: np.ndarray) -> np.ndarray:
    """Median of the known values of each row, NaN where there is none."""
    found = np.full(len(values), np.nan)
    some = np.isfinite(values).any(1)
    if some.any():
        found[some] = np.nanmedian(values[some], axis=1)
    return found
