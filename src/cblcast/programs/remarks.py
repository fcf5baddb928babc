"""What a settled line has to say beside its numbers: how its window, its days and its readings were."""

from __future__ import annotations

from collections.abc import Callable

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
    taken, known = pd.factorize((rule + 1) * 1000 + steps + 1)
    said = [program.days[n // 1000 - 1].fallback_words(n % 1000 - 1) if n >= 1000 else "" for n in known.tolist()]
    fallback = np.array(said, dtype=object)[taken]
    told = pd.DataFrame(
        {
            "adjustment": kind,
            "window_metered_share": facts["seen_share"].to_numpy(),
            "qualified_days": facts["qualified_days"].to_numpy(),
            "fallback": pd.array(fallback, dtype="str"),  # of no event too
            "estimated_share": estimated,
        },
        index=table.index,
    )
    out = (found.estimated == 1) & (found.hours == 0) & found.scored
    left_out = np.bincount(found.event[out], minlength=len(table))
    return told.assign(remarks=pd.array(_remarks(program, panel, table, told, found, left_out), dtype="str"))


_Say = Callable[..., None]  # where (bool, (n_events,)), a text with places for numbers, and the numbers


def _remarks(
    program: Program, panel: AnyPanel, table: pd.DataFrame, told: pd.DataFrame, found: Estimate, left_out: np.ndarray
) -> np.ndarray:
    words = np.full(len(table), "", dtype=object)

    def say(where: np.ndarray, text: str, *numbers: np.ndarray) -> None:
        for row in np.flatnonzero(where):
            more = text.format(*(each[row] for each in numbers))
            words[row] = f"{words[row]}; {more}" if words[row] else more

    _say_of_adjustment(program, told, found, say)
    rule = found.factor["rule"].fillna(-1).to_numpy()
    wanted = np.array([each.y for each in program.days] + [0])[np.where(rule >= 0, rule, -1).astype(int)]
    days = told["qualified_days"].to_numpy()
    say(days < wanted, "{:.0f} of {} days qualified", days, wanted)
    say((told["fallback"] != "").to_numpy(), "too few days: {}", told["fallback"].to_numpy())
    say(partial_edges(panel, table) > 0, "begins or ends between two readings: energy by overlap")
    say(found.treatment != "", "{}", found.treatment)
    left = left_at(table)
    early = np.flatnonzero(left < microseconds(table["stop"]))
    at = np.full(len(table), "", dtype=object)
    at[early] = pd.to_datetime(left[early], unit="us", utc=True).strftime("%Y-%m-%d %H:%M UTC").to_numpy()
    say(at != "", "opted out at {}", at)
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
    return words


def _say_of_adjustment(program: Program, told: pd.DataFrame, found: Estimate, say: _Say) -> None:
    """How the adjustment of each event came out, where it is not as usual."""
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
