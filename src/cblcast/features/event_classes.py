"""Events that see the same days: what lets one choice of days serve many sites."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cblcast.days.day_types import place_day_types
from cblcast.days.ledger import real_event_days
from cblcast.frames.cases import EventArrays
from cblcast.frames.panel import AnyPanel
from cblcast.frames.schema import OBSERVED

ROUNDS = 4  # classes of many sites that are looked for; whoever is in none of them is a class of its own


def classes_of_events(panel: AnyPanel, event: EventArrays, look_back_days: int = 0) -> EventArrays:
    """`event` with its classes (:attr:`~cblcast.frames.cases.EventArrays.like`).

    Parameters
    ----------
    event : EventArrays
        Events that begin and stop at one instant, of sites of one zone.
    look_back_days : int
        How far before the data other events may take days that are looked at.
    """
    cube = panel.cube(OBSERVED)
    site = event.site
    place = place_day_types(panel, "all", cube.first_day, 1)[0][site]
    marks = [real_event_days(panel, outages, look_back_days)[site] for outages in (False, True)]
    count = cube.finite_count[site]
    whole = count == cube.n_slots
    like = np.full(len(site), -1, dtype=np.int64)
    left = np.arange(len(site))
    number = 0
    for _ in range(ROUNDS):
        if not len(left):
            break
        one = left[0]
        same = (place[left] == place[one]) & (count[left] == count[one]).all(1)
        for mark in marks:
            same &= (mark[left] == mark[one]).all(1)
        # Days that are metered in part must be so in the same slots.
        broken = np.flatnonzero(~whole[one] & (count[one] > 0))
        alike = left[same]
        if len(broken) and len(alike) > 1:
            slots = np.isfinite(cube.values[site[alike][:, None], broken])
            alike = alike[(slots == slots[0]).all((1, 2))]
        like[alike] = number
        number += 1
        left = left[like[left] < 0]
    like[left] = number + np.arange(len(left))
    _, first, code = np.unique(like, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))  # in the order in which they first appear
    return replace(event, like=rank[code])
