"""A site's events added up: what no single event shows, twelve of them do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.frames.instants import microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE
from cblcast.integrity.detectors import DETECTORS, Hours
from cblcast.integrity.draws import generator_of
from cblcast.integrity.pools import Pool, hours_of, known_detectors, ordinary_profiles, pools, site_blocks
from cblcast.integrity.profile import profile
from cblcast.integrity.ranks import cusum, explained_away, family_p, normal_scores, upper_p
from cblcast.programs.asking import rule_for
from cblcast.programs.model import Program

LEAST_DAYS = 19  # ordinary days of a site, and no fewer than its events
ALLOWANCE = 0.25  # standard deviations that an event may lie above an ordinary day without being added up


def over_events(
    panel: Panel,
    events: pd.DataFrame,
    program: str | Program,
    *,
    detectors: Sequence[str] = tuple(DETECTORS),
    hours: Hours | None = None,
    false_alarm_rate: float = 0.05,
    days_around: int = 400,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Follow each site over its events, detector by detector.

    The scores of a site's events, in their order, are added up as a cumulative sum that forgets what was ordinary (Page's
    CUSUM). Its largest value so far is compared with those of as many ordinary days drawn at random, so the rate of false
    alarms is that of ALL looks at a site, after whichever event they are taken, and of all detectors together.

    Parameters
    ----------
    panel, events, program, detectors, hours, days_around
        As :func:`cblcast.integrity.screen`.
    false_alarm_rate : float
        Share of honest sites that may be flagged by any detector after any of their events.
    draws : int
        Of ordinary days, by which rareness is counted: p is at least 1 / (draws + 1).
    seed : int

    Returns
    -------
    DataFrame
        ``site_id``, ``detector``, ``n_events``, ``mean_score`` (share of the baseline), ``cusum`` (its largest value, in
        standard deviations of ordinary days), ``p``, ``p_family`` (of any detector; both NaN with fewer than 19 ordinary
        days, or fewer than events), ``flagged``, ``flagged_at`` (start of the event after which it was; NaT unless
        flagged), ``reference_days``.
    """
    rule, names = rule_for(program, panel, events), known_detectors(detectors)
    hours = hours or hours_of(rule)
    masked = panel.with_events(events[[SITE, "start", "stop"]])
    rows = []
    for own in site_blocks(events):
        found = profile(rule, panel, masked, own)
        by_site: dict[str, list[Pool]] = {}
        for pool in pools(found, ordinary_profiles(rule, masked, own, days_around), panel, names, hours):
            by_site.setdefault(pool.site, []).append(pool)
        for site in sorted(by_site):
            rng = generator_of(site, seed)
            rows += _site(by_site[site], found.events["start"], names, false_alarm_rate, draws, rng)
    return pd.DataFrame(rows)


def _site(
    own: list[Pool],
    start: pd.Series,
    names: tuple[str, ...],
    rate: float,
    draws: int,
    rng: np.random.Generator,
) -> list[dict[str, object]]:
    events = np.concatenate([pool.events for pool in own])
    order = np.argsort(microseconds(start)[events], kind="stable")
    drawn = [_drawn(pool, draws, rng) for pool in own]
    # (1 + draws, n_events, n_detectors): the events as they were, and ordinary days in their place.
    scores = np.concatenate(drawn, axis=1)[:, order]
    path = cusum(np.moveaxis(scores, 1, 2), ALLOWANCE)
    most = path.max(-1)
    p = upper_p(most)
    family = family_p(p, p[0])
    limits = [_least_alarm(most[:, k], p[:, k], p, rate) for k in range(len(names))]
    ordered = start.iloc[events[order]]
    if sum(pool.n_days for pool in own) < max(LEAST_DAYS, len(events)):
        p, family = np.full_like(p, np.nan), np.full_like(family, np.nan)
    told = []
    for k, name in enumerate(names):
        raw = np.concatenate([pool.scores[pool.n_days :, k] for pool in own])
        above = np.flatnonzero(path[0, k] >= limits[k])
        flagged = bool(family[k] <= rate)
        told.append(
            {
                SITE: own[0].site,
                "detector": name,
                "n_events": int(np.isfinite(raw).sum()),
                "mean_score": float(np.mean(raw[np.isfinite(raw)])) if np.isfinite(raw).any() else np.nan,
                "cusum": float(most[0, k]),
                "p": float(p[0, k]),
                "p_family": float(family[k]),
                "flagged": flagged,
                "flagged_at": ordered.iloc[int(above[0])] if flagged and len(above) else pd.NaT,
                "reference_days": int(sum(np.isfinite(pool.scores[: pool.n_days, k]).sum() for pool in own)),
            }
        )
    return told


def _drawn(pool: Pool, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Normal scores of the events, then of `draws` draws of days of the pool in their place; (1 + draws, n, n_detectors).

    Events are in the pool too: where nothing is wrong they are days like the others, and the first row is one more draw.
    """
    n_detectors = pool.scores.shape[1]
    left = [explained_away(pool.scores[:, k], pool.given[k]) for k in range(n_detectors)]
    z = normal_scores(upper_p(np.stack(left, axis=1)))
    keys = rng.random((draws, len(z)))
    days = np.argpartition(keys, min(len(pool.events), len(z) - 1), axis=1)[:, : len(pool.events)]
    return np.concatenate([z[None, pool.n_days :], z[days]])


def _least_alarm(most: np.ndarray, p: np.ndarray, of_all: np.ndarray, rate: float) -> float:
    """Least sum that is as rare, by its own detector, as a flag of the family asks for; infinite where none is."""
    rare = family_p(of_all, p) <= rate
    return float(most[rare].min()) if rare.any() else np.inf
