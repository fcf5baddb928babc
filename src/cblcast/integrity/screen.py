"""Which events stand out: each score against those of the same site on days on which nothing happened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.days.limits import conformal_p
from cblcast.days.ordinary import ClockSpan, clock_spans, ordinary_days
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, StudyError
from cblcast.integrity.detectors import DETECTORS, Hours
from cblcast.integrity.profile import Profile, profile
from cblcast.programs import load_program
from cblcast.programs.fitting import needed_panel
from cblcast.programs.model import Program


def screen(
    panel: Panel,
    events: pd.DataFrame,
    program: str | Program,
    *,
    detectors: Sequence[str] = tuple(DETECTORS),
    hours: Hours | None = None,
    false_alarm_rate: float = 0.05,
    days_around: int = 120,
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
        Share of honest events that may be flagged, by each detector.
    days_around : int
        Ordinary days are taken from so many days before the first event to as many after the last.

    Returns
    -------
    DataFrame
        ``site_id``, ``start``, ``detector``, ``score`` (share of the baseline), ``p``, ``flagged``, ``reference_days``.
    """
    rule = load_program(program)
    hours = hours or hours_of(rule)
    masked = panel.with_events(events[[SITE, "start", "stop"]])
    found = profile(rule, panel, masked, events)
    ordinary = ordinary_profiles(rule, masked, events, days_around)
    spans, which = clock_spans(panel, found.events)
    events_at = {span: which == number for number, span in enumerate(spans)}
    tables = [_judge(name, found, events_at, ordinary, hours) for name in detectors]
    tables = [table.assign(flagged=table["p"] <= false_alarm_rate) for table in tables]
    return pd.concat(tables, ignore_index=True)


def hours_of(program: Program) -> Hours:
    """The hours that the detectors look at for a program: its window before the event, and the morning before that."""
    windows = [
        window
        for window in (program.adjustment.windows if program.adjustment else ())
        if getattr(window, "side", "") == "before"
    ]
    if not windows:
        return Hours()
    first = min(window.buffer for window in windows)  # type: ignore[union-attr]
    last = max(window.buffer + window.hours for window in windows)  # type: ignore[union-attr]
    return Hours(first, last, last + 1, last + 5)


def ordinary_profiles(
    program: Program, masked: Panel, events: pd.DataFrame, days_around: int
) -> dict[ClockSpan, Profile]:
    """Profiles of days without events at each clock of the events."""
    found = {}
    for ordinary in ordinary_days(masked, events, days_around):
        whole = needed_panel(program, masked, ordinary.days[SITE].unique().tolist())
        found[ordinary.span] = profile(program, whole, whole, ordinary.days)
    return found


def _judge(
    name: str,
    found: Profile,
    events_at: dict[ClockSpan, np.ndarray],
    ordinary: dict[ClockSpan, Profile],
    hours: Hours,
) -> pd.DataFrame:
    if name not in DETECTORS:
        raise StudyError(f"there is no detector {name!r}: known are {', '.join(DETECTORS)}")
    score = DETECTORS[name](found, hours)
    p, days = np.full(len(score), np.nan), np.zeros(len(score), dtype=np.int64)
    reference = {key: (each.events[SITE].to_numpy(), DETECTORS[name](each, hours)) for key, each in ordinary.items()}
    for key, (sites, values) in reference.items():
        for site in np.unique(sites):
            mine = (found.events[SITE] == site).to_numpy() & events_at.get(key, np.zeros(len(score), dtype=bool))
            own = values[sites == site]
            p[mine] = conformal_p(score[mine], own)
            days[mine] = int(np.isfinite(own).sum())
    return pd.DataFrame(
        {
            SITE: found.events[SITE],
            "start": found.events["start"],
            "detector": name,
            "score": score,
            "p": p,
            "reference_days": days,
        }
    )


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
    rule = load_program(program)
    hours = hours_of(rule)
    masked = panel.with_events(events[[SITE, "start", "stop"]])
    found = profile(rule, panel, masked, events)
    ordinary = ordinary_profiles(rule, masked, events, days_around)
    mine = -DETECTORS["low_anyway"](found, hours)
    theirs = [(each.events[SITE].to_numpy(), -DETECTORS["low_anyway"](each, hours)) for each in ordinary.values()]
    sites = np.concatenate([site for site, _ in theirs]) if theirs else np.empty(0, dtype=object)
    gaps = np.concatenate([gap for _, gap in theirs]) if theirs else np.empty(0)
    rng = np.random.default_rng(seed)
    rows = {}
    for site in sorted(found.events[SITE].unique()):
        own = mine[(found.events[SITE] == site).to_numpy()]
        own, pool = own[np.isfinite(own)], gaps[(sites == site) & np.isfinite(gaps)]
        if len(own) == 0 or len(pool) < len(own):
            rows[site] = (len(own), np.nan, np.nan, np.nan)
            continue
        means = np.array([rng.choice(pool, len(own), replace=False).mean() for _ in range(draws)])
        rows[site] = (len(own), own.mean(), pool.mean(), (1 + (means <= own.mean()).sum()) / (draws + 1))
    columns = ["n_events", "morning_gap", "ordinary_gap", "p"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis(SITE)
