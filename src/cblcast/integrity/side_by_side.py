"""Adjusted and unadjusted side by side, and an adjustment that ends at the notification instead of the start."""

from __future__ import annotations

import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE
from cblcast.programs.asking import rule_for
from cblcast.programs.model import Program
from cblcast.settlement import settle

_KEY = [SITE, "start", "stop"]


def side_by_side(panel: Panel, events: pd.DataFrame, program: str | Program) -> pd.DataFrame:
    """Delivered energy of each event by the same rule, adjusted in three ways.

    Parameters
    ----------
    panel : Panel
        As metered.
    events : DataFrame
        With ``notified``, the third way is an adjustment that ends at the notification: what a customer does between
        notification and start then moves nothing.

    Returns
    -------
    DataFrame
        ``site_id``, ``start``, ``stop``, ``metered_kwh``, ``delivered_kwh`` (as the program adjusts),
        ``unadjusted_kwh``, ``until_notification_kwh`` (NaN without notifications), and ``adjustment_kwh``: what the
        adjustment alone adds to the delivered energy.
    """
    rule = rule_for(program, panel, events)
    told = settle(panel, events, [rule], portfolio=False).events
    table = told[[*_KEY, "metered_kwh", "delivered_kwh"]].assign(
        unadjusted_kwh=told["unadjusted_kwh"] - told["metered_kwh"],
        adjustment_kwh=told["baseline_kwh"] - told["unadjusted_kwh"],
    )
    own = rule.adjustment
    if own is None or "notified" not in events.columns:
        return table.assign(until_notification_kwh=float("nan"))
    until = rule.model_copy(update={"adjustment": own.model_copy(update={"ends_at": "notification"})})
    second = settle(panel, events, [until], portfolio=False).events
    return table.merge(
        second[[*_KEY, "delivered_kwh"]].rename(columns={"delivered_kwh": "until_notification_kwh"}),
        on=_KEY,
        how="left",
    )
