"""Which events stand out: each score against those of the same site on days on which nothing happened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE
from cblcast.integrity.detectors import DETECTORS, Hours
from cblcast.integrity.draws import generator_of
from cblcast.integrity.pools import Pool, hours_of, known_detectors, ordinary_profiles, pools, site_blocks
from cblcast.integrity.profile import profile
from cblcast.integrity.ranks import explained_away, family_p, upper_p
from cblcast.programs.asking import rule_for
from cblcast.programs.model import Program


def screen(
    panel: Panel,
    events: pd.DataFrame,
    program: str | Program,
    *,
    detectors: Sequence[str] = tuple(DETECTORS),
    hours: Hours | None = None,
    false_alarm_rate: float = 0.05,
    days_around: int = 400,
) -> pd.DataFrame:
    """Judge every event by every detector.

    Parameters
    ----------
    panel : Panel
        As metered; the events are masked here.
    events : DataFrame
    program : str or Program
        Its selected days are what is usual; its adjustment window is what may be gamed.
    detectors : sequence of str
        Names of :data:`~cblcast.integrity.detectors.DETECTORS`.
    hours : Hours, optional
        Made from the program's adjustment window unless given.
    false_alarm_rate : float
        Share of honest events that may carry a flag of ANY detector.
    days_around : int
        Ordinary days are taken from so many days before the first event to as many after the last. Where programs are
        called on hot days the last summer should be among them.

    Returns
    -------
    DataFrame
        ``site_id``, ``start``, ``detector``, ``score`` (share of the baseline), ``p`` (of this detector alone, weather and
        the hours before taken out), ``p_family`` (of a flag by any of them as rare), ``flagged`` where ``p_family`` is at
        most the rate, ``reference_days``. With six detectors a flag at 5 % needs some 120 ordinary days.
    """
    rule, names = rule_for(program, panel, events), known_detectors(detectors)
    hours = hours or hours_of(rule)
    masked = panel.with_events(events[[SITE, "start", "stop"]])
    parts = [_judged(rule, panel, masked, own, names, hours, days_around) for own in site_blocks(events)]
    table = pd.concat(parts, ignore_index=True)
    if len(parts) > 1:
        place = table["detector"].map({name: k for k, name in enumerate(names)}).to_numpy()
        table = table.take(np.argsort(place, kind="stable")).reset_index(drop=True)
    return table.assign(flagged=table["p_family"] <= false_alarm_rate)


def _judged(
    rule: Program,
    panel: Panel,
    masked: Panel,
    events: pd.DataFrame,
    names: tuple[str, ...],
    hours: Hours,
    days_around: int,
) -> pd.DataFrame:
    found = profile(rule, panel, masked, events)
    shape = (len(found.events), len(names))
    score, p, family = (np.full(shape, np.nan) for _ in range(3))
    days = np.zeros(shape, dtype=np.int64)
    for pool in pools(found, ordinary_profiles(rule, masked, events, days_around), panel, names, hours):
        score[pool.events] = pool.scores[pool.n_days :]
        p[pool.events], family[pool.events] = _rare(pool)
        days[pool.events] = np.isfinite(pool.scores[: pool.n_days]).sum(0)
    told = [
        pd.DataFrame(
            {
                SITE: found.events[SITE],
                "start": found.events["start"],
                "detector": name,
                "score": score[:, k],
                "p": p[:, k],
                "p_family": family[:, k],
                "reference_days": days[:, k],
            }
        )
        for k, name in enumerate(names)
    ]
    return pd.concat(told, ignore_index=True)


def _rare(pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    """p of each event by each detector, alone and of the family, each event beside the ordinary days only."""
    n, n_detectors = pool.n_days, pool.scores.shape[1]
    alone, family = (np.full((len(pool.events), n_detectors), np.nan) for _ in range(2))
    for row in range(len(pool.events)):
        use = np.r_[0:n, n + row]
        left = [explained_away(pool.scores[use, k], pool.given[k][use]) for k in range(n_detectors)]
        p = upper_p(np.stack(left, axis=1))
        alone[row] = p[-1]
        family[row] = family_p(p, p[-1])
    return alone, family


def selection_bias(
    panel: Panel,
    events: pd.DataFrame,
    program: str | Program,
    *,
    days_around: int = 120,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Were a site's event days chosen among days that are low anyway?

    The mean morning gap of the site's event days is compared with that of as many ordinary days drawn at random.

    Returns
    -------
    DataFrame, index site_id
        ``n_events``, ``morning_gap`` and ``ordinary_gap`` (share of the baseline; < 0 is low), ``p``: share of random
        draws that are as low; a small p says that the days were chosen, not why.
    """
    rule = rule_for(program, panel, events)
    hours = hours_of(rule)
    masked = panel.with_events(events[[SITE, "start", "stop"]])
    found = profile(rule, panel, masked, events)
    ordinary = ordinary_profiles(rule, masked, events, days_around)
    mine = -DETECTORS["low_anyway"](found, hours)
    theirs = [(each.events[SITE].to_numpy(), -DETECTORS["low_anyway"](each, hours)) for each in ordinary.values()]
    sites = np.concatenate([site for site, _ in theirs]) if theirs else np.empty(0, dtype=object)
    gaps = np.concatenate([gap for _, gap in theirs]) if theirs else np.empty(0)
    rows = {}
    for site in sorted(found.events[SITE].unique()):
        rng = generator_of(site, seed)
        own = mine[(found.events[SITE] == site).to_numpy()]
        own, pool = own[np.isfinite(own)], gaps[(sites == site) & np.isfinite(gaps)]
        if len(own) == 0 or len(pool) < len(own):
            rows[site] = (len(own), np.nan, np.nan, np.nan)
            continue
        means = np.array([rng.choice(pool, len(own), replace=False).mean() for _ in range(draws)])
        rows[site] = (len(own), own.mean(), pool.mean(), (1 + (means <= own.mean()).sum()) / (draws + 1))
    columns = ["n_events", "morning_gap", "ordinary_gap", "p"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis(SITE)
