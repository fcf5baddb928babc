"""Settled events and their intervals to money: by the program's order, for sites or for resources, split to sites."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd

from cblcast.frames.schema import SITE
from cblcast.programs.model import Program
from cblcast.settlement.aggregates import settled_numbers
from cblcast.settlement.called import payee_events
from cblcast.settlement.portfolios import adjusted_sums
from cblcast.settlement.resources import Resources
from cblcast.settlement.sums import sum_keys
from cblcast.value.contract import Contract
from cblcast.value.money import shared
from cblcast.value.payments import MONEY_COLUMNS, PAYMENT_COLUMNS, commitments, payments


def by_order(program: Program, told: pd.DataFrame, lines: pd.DataFrame, sums: pd.DataFrame) -> pd.DataFrame:
    """`lines` with the baseline of the program's order: each site's own, or its part of the sum that was adjusted once.

    A factor of the sum is each site's factor; a shift of the sum is shared by the sites' unadjusted energy over the event.
    """
    if program.order != "sum_then_adjust" or program.adjustment is None or lines.empty:
        return lines
    keys = sum_keys(told)
    groups = told.groupby(keys, sort=True)
    whole = adjusted_sums(program, sums, groups.size().to_numpy())
    number = groups.ngroup().to_numpy()[lines["event"].to_numpy()]
    names = [sums.index.get_level_values(name) for name in sums.index.names[:-1]]
    of_sum = pd.DataFrame(
        {
            "number": pd.MultiIndex.from_arrays(names).factorize(sort=True)[0],
            "time_us": sums.index.get_level_values("time_us"),
            "plain": whole.unadjusted_kw,
            "adjusted": whole.adjusted_kw,
        }
    )
    both = pd.DataFrame({"number": number, "time_us": lines["time_us"].to_numpy()}).merge(
        of_sum, on=["number", "time_us"], how="left", validate="many_to_one"
    )
    plain, adjusted = both["plain"].to_numpy(), both["adjusted"].to_numpy()
    own, hours = lines["unadjusted_kwh"].to_numpy(), lines["hours"].to_numpy()
    if program.adjustment.kind == "ratio":
        with np.errstate(invalid="ignore", divide="ignore"):
            baseline = own * np.where(plain != 0, adjusted / plain, 1.0)
    else:
        baseline = own + (adjusted - plain) * hours * _share_of_energy(lines, number)
    return lines.assign(baseline_kwh=baseline)


def _share_of_energy(lines: pd.DataFrame, number: np.ndarray) -> np.ndarray:
    """Share of each line's event in the unadjusted energy of its group; equal shares where that is not above zero."""
    own = lines.groupby("event")["unadjusted_kwh"].transform("sum").clip(lower=0).to_numpy()
    events = pd.DataFrame({"number": number, "event": lines["event"].to_numpy(), "own": own}).drop_duplicates("event")
    total, count = (events.groupby("number")["own"].agg(how).reindex(number).to_numpy() for how in ("sum", "size"))
    return np.where(total > 0, own / np.where(total > 0, total, 1.0), 1.0 / count)


def pay(
    contract: Contract,
    resources: Resources | None,
    told: pd.DataFrame,
    lines: pd.DataFrame,
    called: pd.DataFrame,
    of_resources: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Payments of sites, and of resources where there are any.

    Parameters
    ----------
    told : DataFrame
        Settled events of one program, index 0 … n − 1.
    lines : DataFrame
        As :func:`by_order` leaves them.
    called : DataFrame
        As :func:`cblcast.settlement.called.events_of_payees` makes it.
    of_resources : DataFrame, optional
        Lines of the resources themselves, whose days were selected on the sum of their members: as `lines`, with
        ``event_of_payee``.

    Returns
    -------
    events, resources : DataFrame
        `told` with its payments; one row an event of a resource, empty without resources. A site's payments are its
        shares of the resource's, which they add up to.
    """
    if of_resources is not None:
        told, lines = _only_settled(told, lines, called, settled_numbers(of_resources))
    owner = _payee_event(told, called)
    loss = owner["loss_factor"].to_numpy() * contract.loss_factor
    settled = (lines["baseline_kwh"] - lines["metered_kwh"]).to_numpy() * loss[lines["event"].to_numpy()]
    number = owner["event_of_payee"].to_numpy()
    payees = payee_events(called).loc[np.unique(number)].assign(program=told["program"].iloc[0] if len(told) else "")
    place = pd.Series(np.arange(len(payees)), index=payees.index)
    if resources is None:
        payees["committed_kw"] = commitments(payees, contract)
        mine = lines.assign(delivered_kwh=settled, event=place[number[lines["event"].to_numpy()]].to_numpy())
        paid = payments(payees, mine, contract).assign(committed_kw=payees["committed_kw"])
        paid = paid.iloc[place[number].to_numpy()].set_axis(told.index)
        return told.drop(columns="committed_kw", errors="ignore").join(paid), pd.DataFrame()
    of_month = resources.committed_kw(payees["payee"], payees["month"])
    of_event = payees["committed_kw"].to_numpy(dtype=np.float64) if "committed_kw" in payees.columns else of_month
    payees["committed_kw"] = np.where(np.isnan(of_event), of_month, of_event)
    payees["committed_kw"] = commitments(payees, contract)
    mine = _resource_lines(lines, settled, place[number].to_numpy())
    if of_resources is not None:
        mine = _aggregate_lines(of_resources, place, contract)
    paid = payments(payees, mine, contract)
    sites = told.assign(settled_kwh=np.bincount(lines["event"], weights=settled, minlength=len(told)))
    sites = sites.join(_split(contract, sites, place[number].to_numpy(), paid))
    table = payees.assign(n_sites=np.bincount(place[number], minlength=len(payees))).join(paid)
    table["metered_kwh"] = np.bincount(place[number], weights=told["metered_kwh"], minlength=len(payees))
    front = [
        "program",
        "resource",
        "start",
        "stop",
        "month",
        "n_called_sites",
        "n_sites",
        "committed_kw",
        "metered_kwh",
    ]
    table = table.rename(columns={"payee": "resource"})[[*front, *PAYMENT_COLUMNS]]
    return sites, table.reset_index(drop=True)


def _only_settled(
    told: pd.DataFrame, lines: pd.DataFrame, called: pd.DataFrame, settled: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sites' events of which the resource's event is settled, and their intervals."""
    keep = _payee_event(told, called)["event_of_payee"].isin(settled).to_numpy()
    place = np.cumsum(keep) - 1
    mine = lines[keep[lines["event"].to_numpy()]]
    return told[keep].reset_index(drop=True), mine.assign(event=place[mine["event"].to_numpy()]).reset_index(drop=True)


def _payee_event(told: pd.DataFrame, called: pd.DataFrame) -> pd.DataFrame:
    known = called.set_index([SITE, "start"])[["event_of_payee", "loss_factor"]]
    return known.reindex(pd.MultiIndex.from_arrays([told[SITE], told["start"]])).astype({"event_of_payee": np.int64})


def _resource_lines(lines: pd.DataFrame, settled: np.ndarray, number: np.ndarray) -> pd.DataFrame:
    """Intervals of the resources: what their members delivered together, at one price."""
    own = pd.DataFrame(
        {
            "event": number[lines["event"].to_numpy()],
            "time_us": lines["time_us"].to_numpy(),
            "price": lines["price"].to_numpy(),
            "hour": lines["hour"].to_numpy(),
            "hours": lines["hours"].to_numpy(),
            "delivered_kwh": settled,
        }
    )
    groups = own.groupby(["event", "time_us", "price"], sort=True)
    table = groups.agg(
        hour=("hour", "first"), hours=("hours", "max"), delivered_kwh=("delivered_kwh", "sum")
    ).reset_index()
    # Members in two zones may have two prices at one instant: it lasts no longer for that.
    return table.assign(hours=table["hours"].where(~table.duplicated(["event", "time_us"]), 0.0))


def _aggregate_lines(lines: pd.DataFrame, place: pd.Series, contract: Contract) -> pd.DataFrame:
    delivered = (lines["baseline_kwh"] - lines["metered_kwh"]) * contract.loss_factor
    return lines.assign(delivered_kwh=delivered, event=place[lines["event_of_payee"]].to_numpy())


def _split(contract: Contract, sites: pd.DataFrame, number: np.ndarray, paid: pd.DataFrame) -> pd.DataFrame:
    """Shares of the sites in the payments of their resource's event, same index as `sites`."""
    settled, baseline = sites["settled_kwh"].to_numpy(), sites["baseline_kwh"].clip(lower=0).to_numpy()
    equal = np.ones(len(sites))
    gave, took = {
        "delivered": (np.maximum(settled, 0), np.maximum(-settled, 0)),
        "baseline": (baseline, baseline),
        "equal": (equal, equal),
    }[contract.split]
    blame = equal if contract.split == "equal" else baseline
    found: dict[str, np.ndarray] = {name: np.empty(len(sites), dtype=object) for name in MONEY_COLUMNS}
    for event, rows in pd.Series(np.arange(len(sites))).groupby(number):
        mine = rows.to_numpy()
        own = paid.iloc[int(str(event))]
        # What a resource is charged for energy is charged to those who took more, not to those who gave.
        by = {
            "energy_payment": gave if own["energy_payment"] >= 0 else took,
            "capacity_payment": gave,
            "penalty": blame,
        }
        for name, weight in by.items():
            found[name][mine] = shared(own[name], weight[mine], contract)
        for row in mine:
            energy, capacity, penalty = (found[name][row] for name in MONEY_COLUMNS[:-1])
            found["payment"][row] = Decimal(energy + capacity - penalty)
    return pd.DataFrame(found, index=sites.index)
