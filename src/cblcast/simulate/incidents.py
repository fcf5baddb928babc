"""Links that lose part of their capacity for a while: a crash, a closed lane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

Share = Callable[[float], tuple[float, float]]


def capacity_shares(links: pd.DataFrame, incidents: pd.DataFrame | None) -> dict[int, Share]:
    """Position of each link that has incidents → share of its capacity at a time [s], and until when it stays so [s].

    Parameters
    ----------
    links : DataFrame, index link
    incidents : DataFrame or None
        ``link``, ``from_s``, ``until_s`` [s], ``share`` of the capacity that is left; where two overlap, the smaller.
    """
    if incidents is None:
        return {}
    spans: dict[int, list[tuple[float, float, float]]] = {}
    for link, begin, end, left in incidents[["link", "from_s", "until_s", "share"]].itertuples(index=False):
        if link in links.index and left >= 0:
            spans.setdefault(int(links.index.get_loc(link)), []).append((begin, end, left))

    def share_of(of: list[tuple[float, float, float]]) -> Share:
        edges = sorted({edge for begin, end, _ in of for edge in (begin, end)})

        def share(now: float) -> tuple[float, float]:
            left = min((part for begin, end, part in of if begin <= now < end), default=1.0)
            return left, next((edge for edge in edges if edge > now), np.inf)

        return share

    return {link: share_of(of) for link, of in spans.items()}
