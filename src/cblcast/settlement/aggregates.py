"""Resources as meters of their own: the days of a rule selected, and its adjustment made, on the sum of the members."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import stamps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PANEL_INDEX, SITE, StudyError
from cblcast.programs.dispatch import masked_for
from cblcast.programs.model import Program
from cblcast.settlement.called import events_of_payees
from cblcast.settlement.energies import event_energies
from cblcast.settlement.estimate import estimate
from cblcast.settlement.lines import interval_lines
from cblcast.settlement.wishes import Wishes


def aggregate_panel(panel: Panel, called: pd.DataFrame) -> tuple[Panel, pd.DataFrame]:
    """Sums of the members of each resource's events as sites, and these events.

    Parameters
    ----------
    panel : Panel
        As metered.
    called : DataFrame
        As :func:`cblcast.settlement.called.events_of_payees` makes it.

    Returns
    -------
    panel : Panel
        One site for each resource and set of members that was dispatched; its load is the sum of theirs with their own
        losses, NaN where any member was not metered, other columns are means over the members.
    events : DataFrame
        ``site_id``, ``start``, ``stop``, ``event_of_payee``, ``payee``; optional ``notified``, the first of the members'.

    Raises
    ------
    StudyError
        A resource with members in two zones: it has no local day of its own.
    """
    own = called[called[SITE].isin(panel.site_ids)]
    groups = own.groupby("event_of_payee", sort=True)
    events = groups.agg(payee=("payee", "first"), start=("start", "min"), stop=("stop", "max")).reset_index()
    if "notified" in own.columns:
        events["notified"] = groups["notified"].min().to_numpy()
    loss = own["loss_factor"] if "loss_factor" in own.columns else pd.Series(1.0, index=own.index)
    members = [
        tuple(sorted(set(zip(own.loc[rows, SITE], loss.loc[rows], strict=True)))) for rows in groups.groups.values()
    ]
    names: dict[tuple[str, tuple[tuple[str, float], ...]], str] = {}
    for payee, sites in zip(events["payee"], members, strict=True):
        names.setdefault((payee, sites), f"{payee} ({len(names) + 1})")
    events[SITE] = [names[key] for key in zip(events["payee"], members, strict=True)]
    parts, sites_of = {}, {}
    for (payee, sites), name in names.items():
        code = panel.site_codes(pd.Index([site for site, _ in sites]))
        zones = sorted(set(panel.sites["tz"].iloc[code]))
        if len(zones) > 1:
            raise StudyError(
                f"resource {payee!r} has members in {' and '.join(zones[:2])}, so "
                "its sum has no local day: select days by site (selection: site), or make a resource of each zone"
            )
        parts[name], sites_of[name] = _sum(panel, code, np.array([own for _, own in sites])), panel.sites.iloc[code[0]]
    data = pd.concat(parts, names=PANEL_INDEX)
    table = pd.DataFrame(sites_of.values(), index=pd.Index(list(sites_of), name=SITE))
    return Panel(data, table), events


def _sum(panel: Panel, code: np.ndarray, loss: np.ndarray) -> pd.DataFrame:
    first, last = panel.first_times_us[code].max(), panel.last_times_us[code].min()
    times = np.arange(first, last + 1, panel.step_us)
    where = code[:, None], times[None, :]
    columns = {name: panel.values_at(str(name), *where).mean(axis=0) for name in panel.data.columns if name != OBSERVED}
    load = (panel.values_at(OBSERVED, *where) * loss[:, None]).sum(axis=0)
    return pd.DataFrame({OBSERVED: load, **columns}, index=stamps(times))


def masks_of(events: pd.DataFrame, called: pd.DataFrame, real: pd.DataFrame) -> pd.DataFrame:
    """The members' real events as events of the sums that they are part of."""
    sites = called[[SITE, "event_of_payee"]].merge(
        events[[SITE, "event_of_payee"]].rename(columns={SITE: "sum"}), on="event_of_payee"
    )
    both = real.merge(sites[[SITE, "sum"]].drop_duplicates(), on=SITE)
    return both.assign(**{SITE: both["sum"]})[[SITE, "start", "stop"]].drop_duplicates(ignore_index=True)


def aggregate_lines(
    program: Program, wishes: Wishes, panel: Panel, table: pd.DataFrame, called: pd.DataFrame, masks: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Intervals of the resources' events (with ``event_of_payee``), and what could not be settled and why.

    Parameters
    ----------
    panel : Panel
        As metered, without outages, as the program sees its sites.
    table : DataFrame
        The events of members that `program` settles.
    called : DataFrame
        All events as they were called.
    masks : DataFrame
        All real events of the panel's sites, whose days are out.
    """
    assert wishes.contract is not None
    numbered = events_of_payees(called[called["payee"] != ""].drop_duplicates([SITE, "start"]))
    mine = pd.MultiIndex.from_arrays([numbered[SITE], numbered["start"]]).isin(
        pd.MultiIndex.from_arrays([table[SITE], table["start"]])
    )
    if not mine.any():
        return pd.DataFrame({"event": [], "event_of_payee": []}, dtype=np.int64), pd.DataFrame()
    whole, events = aggregate_panel(panel, numbered[mine])
    own = events.sort_values([SITE, "start"], ignore_index=True)
    masked = masked_for(program, whole, masks_of(events, numbered[mine], masks))
    found = estimate(program, masked, own, whole)
    told, dark = event_energies(program, whole, own, found)
    lines = interval_lines(wishes.contract, whole, found, told, wishes.prices)
    number = told["event_of_payee"].to_numpy()
    problems = pd.concat([found.problems, dark], ignore_index=True)
    return lines.assign(event_of_payee=number[lines["event"].to_numpy()]), problems


def settled_numbers(lines: pd.DataFrame) -> np.ndarray:
    """Events of payees that `lines` settle, int64."""
    return np.unique(lines["event_of_payee"].to_numpy(dtype=np.int64))
