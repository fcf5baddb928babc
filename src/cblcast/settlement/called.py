"""Events as they were called: of which payee, in which month, and which of how many, whether they can be settled or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.day_panel import codes_of
from cblcast.frames.instants import DAY_US, local_microseconds, microseconds, naive_stamps
from cblcast.frames.known import run_begins
from cblcast.frames.schema import SITE, DataError, StudyError
from cblcast.settlement.resources import Resources
from cblcast.value.contract import Contract

CALLED_COLUMNS = ["payee", SITE, "start", "stop", "zone", "month", "loss_factor", "event_of_payee"]


def local_days(starts: pd.Series, zones: np.ndarray) -> np.ndarray:
    """Local day on which each event starts, datetime64[D]."""
    return (local_microseconds(microseconds(starts), zones) // DAY_US).astype("M8[D]")


def refuse_out_of_date(contract: Contract, events: pd.DataFrame, days: np.ndarray) -> None:
    """Refuse events on days for which the contract does not pay."""
    early = np.zeros(len(days), bool) if contract.valid_from is None else days < np.datetime64(contract.valid_from)
    late = np.zeros(len(days), bool) if contract.valid_until is None else days > np.datetime64(contract.valid_until)
    if (early | late).any():
        at = int(np.flatnonzero(early | late)[0])
        edge = f"valid from {contract.valid_from}" if early[at] else f"valid until {contract.valid_until}"
        more = f" ({int((early | late).sum())} such events)" if (early | late).sum() > 1 else ""
        raise StudyError(
            f"the contract {contract.name!r} is {edge}, and the event of site {events[SITE].iloc[at]!r} is on {days[at]}"
            f"{more}: settle these events by the contract of that day"
        )


def called_of(
    sites: pd.DataFrame, events: pd.DataFrame, contract: Contract | None, resources: Resources | None
) -> pd.DataFrame:
    """All events as they were called (:func:`called_events`), settled or not; refuses those that the contract is not for.

    Parameters
    ----------
    sites : DataFrame, index site_id
        With ``tz``; an event of a site that is not among them is paid nothing in any zone, and is of the first one's.
    """
    table = events.reset_index(drop=True)
    table[SITE] = table[SITE].astype(str)
    own = sites["tz"].to_numpy(dtype=object)
    zones = own if contract is None or contract.tz is None else np.full(len(own), contract.tz, dtype=object)
    code = codes_of(pd.Index(sites.index.astype(str)), pd.Index(table[SITE]))
    zone_of = np.where(code >= 0, zones[np.maximum(code, 0)], zones[0])
    if contract is not None:
        refuse_out_of_date(contract, table, local_days(table["start"], zone_of))
    return called_events(table, zone_of, resources)


def called_events(events: pd.DataFrame, zones: np.ndarray, resources: Resources | None) -> pd.DataFrame:
    """Each event of each site with its payee, month and the number of its payee's event.

    Parameters
    ----------
    events : DataFrame
        ``site_id``, ``start``, ``stop`` of all sites, whether they can be settled or not; what else is known is kept.
    zones : ndarray of str, shape (n_events,)
        Of the months of each.
    resources : Resources, optional
        Without them each site is paid for itself.

    Returns
    -------
    DataFrame
        :data:`CALLED_COLUMNS` and the columns of `events`; ``payee`` is "" where the site is of no resource.
    """
    days = local_days(events["start"], zones)
    if resources is None:
        payee, loss = events[SITE].to_numpy(dtype=object), np.ones(len(events))
    else:
        payee, loss = resources.of(events[SITE], days)
    table = events.assign(payee=payee, loss_factor=loss, zone=zones, month=naive_stamps(_us(days)).strftime("%Y-%m"))
    return table


def events_of_payees(called: pd.DataFrame) -> pd.DataFrame:
    """`called` with ``event_of_payee``, the number of the payee's event that each is a part of.

    Members' events that overlap, as a staggered dispatch has them, are one event of their resource.
    """
    table = called.sort_values(["payee", "start", "stop", SITE], kind="stable", ignore_index=True)
    payee = pd.factorize(table["payee"])[0]
    start, stop = microseconds(table["start"]), microseconds(table["stop"])
    reach = pd.Series(stop).groupby(payee).cummax().to_numpy()  # the furthest stop so far, payee by payee
    begins = run_begins(payee)
    begins[1:] |= start[1:] >= reach[:-1]
    return table.assign(event_of_payee=np.cumsum(begins) - 1)


def payee_events(called: pd.DataFrame) -> pd.DataFrame:
    """One row an event of a payee: which of how many of its month (``place_called``, ``n_called``), of how many sites."""
    groups = called.groupby("event_of_payee", sort=True)
    table = groups.agg(
        payee=("payee", "first"),
        start=("start", "min"),
        stop=("stop", "max"),
        month=("month", "first"),
        zone=("zone", "first"),
        n_called_sites=(SITE, "size"),
    )
    months = table.groupby(["payee", "month"], sort=False)
    table["place_called"] = months.cumcount()
    table["n_called"] = months["payee"].transform("size")
    if "committed_kw" in called.columns:
        table["committed_kw"] = _of_all(groups["committed_kw"], table)
    if "test" in called.columns:
        table["test"] = groups["test"].first()
    return table


def _of_all(committed_kw: Any, table: pd.DataFrame) -> pd.Series:
    """What a payee committed for each of its events, as each of its sites' rows says."""
    least, most = committed_kw.min(), committed_kw.max()
    if (least < most).any():
        at = least.index[least < most][0]
        event = table.loc[at]
        raise DataError(
            f"the events commit {least[at]:g} and {most[at]:g} kW (committed_kw) for one event of {event['payee']!r}, at "
            f"{event['start']}: a resource has one commitment, the same in the row of each of its sites"
        )
    return least


def _us(days: np.ndarray) -> np.ndarray:
    return days.astype("M8[D]").astype(np.int64) * DAY_US
