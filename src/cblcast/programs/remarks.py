"""What a settled line has to say beside its numbers: how its window, its days and its readings were."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import microseconds
from cblcast.frames.panel import AnyPanel
from cblcast.programs.asking import local_days
from cblcast.programs.dispatch import left_at, partial_edges
from cblcast.programs.estimate import Estimate
from cblcast.programs.model import Program
from cblcast.programs.words import span_in_words


def line_facts(program: Program, panel: AnyPanel, table: pd.DataFrame, found: Estimate) -> pd.DataFrame:
    """Columns of each event beside its energies, same index as `table`.

    Returns
    -------
    DataFrame
        ``adjustment`` ("ratio", "additive", "none" where the event was not adjusted, "" where the rule does not adjust),
        ``window_metered_share``, ``qualified_days``, ``fallback`` (in words, "" where none was needed),
        ``estimated_share`` (of the event's hours) and ``remarks``, sentences with a semicolon between.
    """
    facts = found.factor
    usable, shift = facts["usable"].to_numpy() == 1, facts["shift"].to_numpy() == 1
    adjusts = program.adjustment is not None
    kind = np.where(usable, np.where(shift, "additive", "ratio"), "none" if adjusts else "")
    estimated = found.share(found.estimated)
    rule, steps = (facts[column].fillna(-1).to_numpy().astype(int) for column in ("rule", "fallback"))
    fallback = [program.days[k].fallback_words(n) if k >= 0 else "" for k, n in zip(rule, steps, strict=True)]
    told = pd.DataFrame(
        {
            "adjustment": kind,
            "window_metered_share": facts["seen_share"].to_numpy(),
            "qualified_days": facts["qualified_days"].to_numpy(),
            "fallback": fallback,
            "estimated_share": estimated,
        },
        index=table.index,
    )
    out = (found.estimated == 1) & (found.hours == 0) & found.scored
    left_out = np.bincount(found.event[out], minlength=len(table))
    return told.assign(remarks=_remarks(program, panel, table, told, found, left_out))


def _remarks(
    program: Program, panel: AnyPanel, table: pd.DataFrame, told: pd.DataFrame, found: Estimate, left_out: np.ndarray
) -> list[str]:
    words: list[list[str]] = [[] for _ in range(len(table))]

    def say(where: np.ndarray, text: str, *numbers: np.ndarray) -> None:
        for row in np.flatnonzero(where):
            words[row].append(text.format(*(each[row] for each in numbers)))

    share = 100 * told["window_metered_share"].to_numpy()
    own = program.adjustment
    if own is not None:
        lost = (told["adjustment"] == "none").to_numpy()
        reaches = lost & np.isnan(share)
        dark = lost & ~reaches & (share < 100 * own.min_metered_share)
        say(reaches, "not adjusted: it has no window of its own")
        say(
            dark, f"not adjusted: {{:.0f}} % of its window is known, less than {100 * own.min_metered_share:g} %", share
        )
        say(lost & ~reaches & ~dark, "not adjusted: a ratio means nothing at this window")
        say(
            (told["adjustment"] == "additive").to_numpy() & (own.kind == "ratio"), "shifted: a ratio means nothing here"
        )
        say(
            ~lost & (found.factor["moved"].to_numpy() == 1),
            "its window stands beside the first or last event of the day",
        )
        say(~lost & (share < 99.5), "{:.0f} % of its window is known", share)
    rule = found.factor["rule"].fillna(-1).to_numpy()
    wanted = np.array([program.days[int(k)].y if k >= 0 else 0 for k in rule])
    days = told["qualified_days"].to_numpy()
    say(days < wanted, "{:.0f} of {} days qualified", days, wanted)
    say((told["fallback"] != "").to_numpy(), "too few days: {}", told["fallback"].to_numpy())
    say(partial_edges(panel, table) > 0, "begins or ends between two readings: energy by overlap")
    left = left_at(table)
    at = pd.to_datetime(left, unit="us", utc=True).strftime("%Y-%m-%d %H:%M UTC").to_numpy()
    say(left < microseconds(table["stop"]), "opted out at {}", at)
    estimated = told["estimated_share"].to_numpy()
    say(estimated > 0, "{:.0f} % of its readings are estimated", 100 * estimated)
    say(left_out > 0, "{} of its readings are missing and left out", left_out)
    if program.demand_minutes is not None:
        everywhere = np.ones(len(table), dtype=bool)
        say(everywhere, f"metered_kwh is the largest {program.demand_minutes}-minute demand times the hours")
        coarse = panel.step > pd.Timedelta(minutes=program.demand_minutes)
        say(everywhere & coarse, f"readings of {panel.step.total_seconds() / 60:g} minutes stand for the demands")
    if not program.only_in_force:
        dates = local_days(panel, table).astype("O")
        out = np.array([not program.in_force(day) for day in dates], dtype=bool)
        say(out, f"the rule was in force {span_in_words(program)}, and was asked for by name")
    return ["; ".join(each) for each in words]
